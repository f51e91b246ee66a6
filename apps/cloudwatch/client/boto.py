"""CloudWatch through boto3, without its retries, so that every request sent is counted."""

import datetime
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from apps.cloudwatch.client.errors import translated_error
from apps.cloudwatch.client.port import MetricDataPage, MetricDataResult
from apps.cloudwatch.collector.queries import MetricQuery
from apps.cloudwatch.conf import CloudWatchSettings
from apps.telemetry.errors import SourceRefused

LOGGERS: Final = ("botocore", "boto3", "urllib3")
"""Kept at INFO regardless of ANDEN_LOG_LEVEL: at DEBUG they log headers, which contain session tokens."""
NO_REGION: Final = "no AWS region is set: set ANDEN_CLOUDWATCH_REGION, for example to eu-west-1"
CONNECT_S: Final = 5.0


class BotoCloudWatch:
    """Metrics and dashboards of one region. Credentials come from the usual AWS sources."""

    def __init__(self, *, region: str, endpoint_url: str | None = None, timeout_s: float = 20.0) -> None:
        """Raises SourceRefused: no region is set."""
        if not region:
            raise SourceRefused(NO_REGION)
        for name in LOGGERS:
            logging.getLogger(name).setLevel(logging.INFO)
        logging.getLogger("botocore.credentials").setLevel(logging.WARNING)  # at INFO it logs their source
        self._location = endpoint_url or region
        try:
            self._client: Any = boto3.session.Session().client(
                "cloudwatch",
                region_name=region,
                endpoint_url=endpoint_url,
                config=Config(
                    connect_timeout=min(CONNECT_S, timeout_s),
                    read_timeout=timeout_s,
                    # Its retries would be billed but not counted.
                    retries={"mode": "standard", "total_max_attempts": 1},
                    user_agent_extra="anden",
                ),
            )
        except BotoCoreError as error:
            raise translated_error(error, action="anything", location=self._location) from error

    @classmethod
    def from_settings(cls, chosen: CloudWatchSettings) -> Self:
        """The CloudWatch of these settings. Raises SourceRefused: no region is set."""
        endpoint = str(chosen.endpoint_url) if chosen.endpoint_url else None
        return cls(region=chosen.region, endpoint_url=endpoint, timeout_s=chosen.timeout_s)

    def page(self, queries: Sequence[MetricQuery], *, start_s: float, end_s: float, token: str = "") -> MetricDataPage:
        """One call of GetMetricData. Raises SourceThrottled, SourceUnavailable, SourceRefused."""
        more = {"NextToken": token} if token else {}
        response = self._call(
            "GetMetricData",
            MetricDataQueries=[_query(index, query) for index, query in enumerate(queries)],
            StartTime=_datetime(start_s),
            EndTime=_datetime(end_s),
            ScanBy="TimestampAscending",
            **more,
        )
        results = tuple(_result(one) for one in response.get("MetricDataResults", ()))
        return MetricDataPage(results, str(response.get("NextToken") or ""))

    def body(self, name: str) -> str | None:
        """The dashboard's JSON, or None. Raises SourceThrottled, SourceUnavailable, SourceRefused."""
        try:
            return str(self._call("GetDashboard", DashboardName=name)["DashboardBody"])
        except SourceRefused as error:
            if isinstance(error.__cause__, ClientError) and _code(error.__cause__) in {
                "ResourceNotFound",
                "DashboardNotFoundError",
            }:
                return None
            raise

    def put(self, name: str, body: str) -> tuple[str, ...]:
        """Create or replace a dashboard and return CloudWatch's warnings.

        Raises SourceThrottled, SourceUnavailable, SourceRefused.
        """
        response = self._call("PutDashboard", DashboardName=name, DashboardBody=body)
        return tuple(
            f"{one.get('DataPath', '')}: {one.get('Message', '')}"
            for one in response.get("DashboardValidationMessages", ())
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _call(self, action: str, **parameters: object) -> Mapping[str, Any]:
        method = {
            "GetMetricData": "get_metric_data",
            "GetDashboard": "get_dashboard",
            "PutDashboard": "put_dashboard",
        }[action]
        try:
            response: Mapping[str, Any] = getattr(self._client, method)(**parameters)
        except (BotoCoreError, ClientError, ValueError) as error:
            raise translated_error(error, action=action, location=self._location) from error
        return response


def _query(index: int, query: MetricQuery) -> dict[str, Any]:
    if query.expression:
        label = {"Label": query.label} if query.label else {}
        return {"Id": f"q{index}", "Expression": query.expression, "Period": query.period_s, **label}
    dimensions = [{"Name": name, "Value": value} for name, value in query.dimensions]
    metric = {"Namespace": query.namespace, "MetricName": query.name, "Dimensions": dimensions}
    # No Unit: CloudWatch does not convert units, and returns nothing for a wrong one.
    stat = {"Metric": metric, "Period": query.period_s, "Stat": query.statistic}
    return {"Id": f"q{index}", "MetricStat": stat}


def _result(one: Mapping[str, Any]) -> MetricDataResult:
    timestamps: Sequence[datetime.datetime] = one.get("Timestamps", ())
    values: Sequence[float] = one.get("Values", ())
    return MetricDataResult(
        index=int(str(one["Id"])[1:]),
        label=str(one.get("Label", "")),
        points=tuple((at.timestamp(), float(value)) for at, value in zip(timestamps, values, strict=True)),
        status=str(one.get("StatusCode", "Complete")),
    )


def _datetime(at_s: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(at_s, datetime.UTC)


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
