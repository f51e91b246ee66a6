"""CloudWatch by boto3: one request for one call, so that what is counted is what was sent."""

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
"""At DEBUG they write headers, which hold session tokens: they are kept at INFO whatever ANDEN_LOG_LEVEL says."""
NO_REGION: Final = "no AWS region is set: ANDEN_CLOUDWATCH_REGION=eu-west-1, or wherever the resources are"
CONNECT_S: Final = 5.0


class BotoCloudWatch:
    """The metrics and the dashboards of one region. Credentials come from AWS's usual places."""

    def __init__(self, *, region: str, endpoint_url: str | None = None, timeout_s: float = 20.0) -> None:
        """Raises SourceRefused: there is no region."""
        if not region:
            raise SourceRefused(NO_REGION)
        for name in LOGGERS:
            logging.getLogger(name).setLevel(logging.INFO)
        logging.getLogger("botocore.credentials").setLevel(logging.WARNING)  # at INFO it says where it found them
        self._place = endpoint_url or region
        try:
            self._client: Any = boto3.session.Session().client(
                "cloudwatch",
                region_name=region,
                endpoint_url=endpoint_url,
                config=Config(
                    connect_timeout=min(CONNECT_S, timeout_s),
                    read_timeout=timeout_s,
                    # Its own retries would be billed, and nobody would know.
                    retries={"mode": "standard", "total_max_attempts": 1},
                    user_agent_extra="anden",
                ),
            )
        except BotoCoreError as error:
            raise translated_error(error, action="anything", place=self._place) from error

    @classmethod
    def from_settings(cls, chosen: CloudWatchSettings) -> Self:
        """The CloudWatch that the settings name. Raises SourceRefused: they name no region."""
        endpoint = str(chosen.endpoint_url) if chosen.endpoint_url else None
        return cls(region=chosen.region, endpoint_url=endpoint, timeout_s=chosen.timeout_s)

    def page(self, queries: Sequence[MetricQuery], *, start_s: float, end_s: float, token: str = "") -> MetricDataPage:
        """One call of GetMetricData. Raises SourceThrottled, SourceUnavailable, SourceRefused."""
        more = {"NextToken": token} if token else {}
        answer = self._ask(
            "GetMetricData",
            MetricDataQueries=[_query(index, query) for index, query in enumerate(queries)],
            StartTime=_moment(start_s),
            EndTime=_moment(end_s),
            ScanBy="TimestampAscending",
            **more,
        )
        results = tuple(_result(one) for one in answer.get("MetricDataResults", ()))
        return MetricDataPage(results, str(answer.get("NextToken") or ""))

    def body(self, name: str) -> str | None:
        """The dashboard's JSON; None where there is none. Raises SourceThrottled, SourceUnavailable, SourceRefused."""
        try:
            return str(self._ask("GetDashboard", DashboardName=name)["DashboardBody"])
        except SourceRefused as error:
            if isinstance(error.__cause__, ClientError) and _code(error.__cause__) in {
                "ResourceNotFound",
                "DashboardNotFoundError",
            }:
                return None
            raise

    def put(self, name: str, body: str) -> tuple[str, ...]:
        """Make or replace a dashboard. Raises SourceThrottled, SourceUnavailable, SourceRefused."""
        answer = self._ask("PutDashboard", DashboardName=name, DashboardBody=body)
        return tuple(
            f"{one.get('DataPath', '')}: {one.get('Message', '')}"
            for one in answer.get("DashboardValidationMessages", ())
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _ask(self, action: str, **parameters: object) -> Mapping[str, Any]:
        method = {
            "GetMetricData": "get_metric_data",
            "GetDashboard": "get_dashboard",
            "PutDashboard": "put_dashboard",
        }[action]
        try:
            answer: Mapping[str, Any] = getattr(self._client, method)(**parameters)
        except (BotoCoreError, ClientError, ValueError) as error:
            raise translated_error(error, action=action, place=self._place) from error
        return answer


def _query(index: int, query: MetricQuery) -> dict[str, Any]:
    if query.expression:
        label = {"Label": query.label} if query.label else {}
        return {"Id": f"q{index}", "Expression": query.expression, "Period": query.period_s, **label}
    dimensions = [{"Name": name, "Value": value} for name, value in query.dimensions]
    metric = {"Namespace": query.namespace, "MetricName": query.name, "Dimensions": dimensions}
    # No Unit: with a wrong one CloudWatch answers with nothing, and converts none.
    stat = {"Metric": metric, "Period": query.period_s, "Stat": query.statistic}
    return {"Id": f"q{index}", "MetricStat": stat}


def _result(one: Mapping[str, Any]) -> MetricDataResult:
    moments: Sequence[datetime.datetime] = one.get("Timestamps", ())
    values: Sequence[float] = one.get("Values", ())
    return MetricDataResult(
        index=int(str(one["Id"])[1:]),
        label=str(one.get("Label", "")),
        points=tuple((moment.timestamp(), float(value)) for moment, value in zip(moments, values, strict=True)),
        status=str(one.get("StatusCode", "Complete")),
    )


def _moment(at_s: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(at_s, datetime.UTC)


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
