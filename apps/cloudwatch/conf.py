"""Settings of CloudWatch collection."""

import re
from collections.abc import Iterable
from typing import Annotated, Self

from pydantic import Field, HttpUrl, field_validator, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from apps.cloudwatch.catalogue.resources import Resources
from apps.telemetry.environment import EnvironmentSettings

CommaSeparated = Annotated[tuple[str, ...], NoDecode]


class CloudWatchSettings(EnvironmentSettings):
    """The ANDEN_CLOUDWATCH_ variables."""

    model_config = SettingsConfigDict(env_prefix="ANDEN_CLOUDWATCH_")

    region: str = Field(
        default="",
        description="AWS region of the resources, such as eu-west-1; required for collection.",
    )
    endpoint_url: HttpUrl | None = Field(
        default=None, description="CloudWatch endpoint, such as a VPC endpoint; defaults to AWS's public one."
    )
    period_s: int = Field(default=60, ge=60, le=3600, multiple_of=60, description="Seconds per point.")
    cycle_s: int = Field(
        default=300, ge=60, le=86_400, description="Seconds between collection cycles; the cost is proportional."
    )
    budget_usd: float = Field(
        default=25, ge=0, description="US dollars per calendar month (UTC); collection stops there."
    )
    timeout_s: float = Field(default=20, gt=0, le=300, description="Seconds after which a call times out.")
    database_instances: CommaSeparated = Field(default=(), description="RDS instances, comma-separated.")
    aurora_cluster: str = Field(default="", description="Aurora cluster, if the database is one.")
    kafka_cluster: str = Field(default="", description="Name of the MSK cluster.")
    kafka_brokers: CommaSeparated = Field(default=(), description="IDs of its brokers, such as 1,2,3.")
    kafka_groups: CommaSeparated = Field(default=(), description="Consumer groups whose lag is collected.")
    kafka_topics: CommaSeparated = Field(default=(), description="Topics whose lag is collected, for each group.")
    balancer: str = Field(
        default="",
        description="Application Load Balancer: the end of its ARN, app/name/id.",
    )
    target_groups: CommaSeparated = Field(
        default=(), description="Its target groups: the ends of their ARNs, targetgroup/name/id."
    )
    http_api: str = Field(default="", description="ID of the API Gateway HTTP API.")
    rest_api: str = Field(default="", description="Name of the API Gateway REST API, if you use one.")
    api_stage: str = Field(default="$default", description="Stage of the API.")
    functions: CommaSeparated = Field(default=(), description="Names of Lambda functions, comma-separated.")
    cluster: str = Field(default="", description="EKS cluster with Container Insights.")
    namespaces: CommaSeparated = Field(default=(), description="Its namespaces whose pods are collected.")
    pods: CommaSeparated = Field(default=(), description="Its pods whose restarts are collected: namespace/pod.")
    dashboard_prefix: str = Field(
        default="anden-",
        description="Prefix of Andén's CloudWatch dashboards; others are never touched.",
    )

    @field_validator(
        "database_instances",
        "kafka_brokers",
        "kafka_groups",
        "kafka_topics",
        "target_groups",
        "functions",
        "namespaces",
        "pods",
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        parts = filter(None, map(str.strip, value.split(","))) if isinstance(value, str) else value
        return tuple(dict.fromkeys(parts)) if isinstance(parts, Iterable) else value

    @field_validator("region")
    @classmethod
    def _is_region(cls, value: str) -> str:
        if value and not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-[0-9]", value):
            raise ValueError("must be an AWS region such as eu-west-1")
        return value

    @field_validator("balancer")
    @classmethod
    def _is_balancer(cls, value: str) -> str:
        if value and not re.fullmatch(r"app/[^/]+/[0-9a-f]+", value):
            raise ValueError("must be app/name/id, the end of the balancer's ARN")
        return value

    @field_validator("dashboard_prefix")
    @classmethod
    def _is_prefix(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9_-]{3,100}", value):
            raise ValueError("must be 3 to 100 letters, digits, - and _")
        return value

    @field_validator("target_groups")
    @classmethod
    def _are_target_groups(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(re.fullmatch(r"targetgroup/[^/]+/[0-9a-f]+", name) for name in value):
            raise ValueError("must be comma-separated targetgroup/name/id, the end of each ARN")
        return value

    @field_validator("kafka_brokers")
    @classmethod
    def _are_brokers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(re.fullmatch(r"[0-9]+", broker) for broker in value):
            raise ValueError("must be comma-separated broker IDs: 1,2,3")
        return value

    @field_validator("pods")
    @classmethod
    def _are_pods(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(re.fullmatch(r"[^/]+/[^/]+", name) for name in value):
            raise ValueError("must be comma-separated namespace/pod")
        return value

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        for dependent, parent in (
            ("kafka_brokers", "kafka_cluster"),
            ("kafka_groups", "kafka_cluster"),
            ("target_groups", "balancer"),
            ("namespaces", "cluster"),
            ("pods", "cluster"),
        ):
            if getattr(self, dependent) and not getattr(self, parent):
                raise ValueError(f"ANDEN_CLOUDWATCH_{dependent.upper()} needs ANDEN_CLOUDWATCH_{parent.upper()}")
        if bool(self.kafka_groups) != bool(self.kafka_topics):
            raise ValueError("set ANDEN_CLOUDWATCH_KAFKA_GROUPS and ANDEN_CLOUDWATCH_KAFKA_TOPICS together")
        return self

    @property
    def resources(self) -> Resources:
        """The resources to collect."""
        return Resources(
            database_instances=self.database_instances,
            aurora_cluster=self.aurora_cluster,
            kafka_cluster=self.kafka_cluster,
            kafka_brokers=self.kafka_brokers,
            kafka_groups=self.kafka_groups,
            kafka_topics=self.kafka_topics,
            balancer=self.balancer,
            target_groups=self.target_groups,
            http_api=self.http_api,
            rest_api=self.rest_api,
            stage=self.api_stage,
            functions=self.functions,
            cluster=self.cluster,
            namespaces=self.namespaces,
            pods=tuple((pod.split("/")[0], pod.split("/")[1]) for pod in self.pods),
        )
