"""Settings of ingest."""

import os
import re
import socket
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from apps.ingest.core.batching import BatchPolicy
from apps.telemetry.environment import EnvironmentSettings

BROKER: Final = re.compile(r"\S+:(\d{1,5})")


class IngestSettings(EnvironmentSettings):
    """Variables that begin with ANDEN_INGEST_."""

    model_config = SettingsConfigDict(env_prefix="ANDEN_INGEST_")

    worker: str = Field(
        default="",
        max_length=200,
        description="The worker's name in the ledger and in positions; by default host name and process id.",
    )
    batch_rows: int = Field(default=40_000, ge=1, le=1_000_000, description="Number of records that closes a batch.")
    batch_bytes: int = Field(
        default=16 * 1024 * 1024, ge=1024, description="Number of bytes of record values that closes a batch."
    )
    batch_wait_s: float = Field(
        default=0.5, gt=0, le=60, description="Age in seconds that closes a batch: the longest delay on a busy topic."
    )
    chunk_records: int = Field(default=2_000, ge=1, le=100_000, description="Maximum number of records per poll.")
    refresh_s: float = Field(
        default=2, gt=0, le=300, description="Seconds between two checks for new datasets and topics."
    )
    statement_deadline_s: float = Field(
        default=300,
        gt=0,
        le=86_400,
        description="Seconds that PostgreSQL may take to answer one statement, one block of a COPY or a COMMIT. Then "
        "the session is closed and the batch read again, so the slowest batch has to fit.",
    )
    lag_every_s: float = Field(
        default=5, gt=0, le=300, description="Seconds between two measurements of lag by `manage.py lag`."
    )

    @property
    def policy(self) -> BatchPolicy:
        """The limits of a batch."""
        return BatchPolicy(
            rows=self.batch_rows,
            bytes=self.batch_bytes,
            wait_s=self.batch_wait_s,
            chunk_records=min(self.chunk_records, self.batch_rows),
        )

    @property
    def worker_name(self) -> str:
        """The worker's name, unique among living processes."""
        return self.worker or f"{socket.gethostname()}-{os.getpid()}"


class KafkaSettings(EnvironmentSettings):
    """Variables that begin with ANDEN_KAFKA_."""

    model_config = SettingsConfigDict(env_prefix="ANDEN_KAFKA_")

    bootstrap_servers: str = Field(
        default="127.0.0.1:9092", min_length=1, description="Bootstrap brokers: host:port, comma-separated."
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="The protocol to the brokers."
    )
    sasl_mechanism: Literal["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "AWS_MSK_IAM"] = Field(
        default="", description="The SASL mechanism; required with SASL_PLAINTEXT and SASL_SSL."
    )
    sasl_username: str = Field(default="", description="User for PLAIN and SCRAM.")
    sasl_password: SecretStr = Field(default=SecretStr(""), description="Password for PLAIN and SCRAM.")
    aws_region: str = Field(default="", description="Region of the MSK cluster, for AWS_MSK_IAM.")
    ssl_ca: Path | None = Field(
        default=None, description="PEM file of trusted certificate authorities; by default the system's."
    )
    ssl_certificate: Path | None = Field(default=None, description="PEM file of the client certificate, for mTLS.")
    ssl_key: Path | None = Field(default=None, description="PEM file of the private key, for mTLS.")
    ssl_key_password: SecretStr = Field(default=SecretStr(""), description="Password of the private key.")
    group_id: str = Field(default="anden", min_length=1, description="The consumer group of the workers.")
    group_protocol: Literal["classic", "consumer"] = Field(
        default="classic", description="The group protocol; `consumer` requires Kafka 4."
    )
    session_timeout_ms: int = Field(
        default=10_000,
        ge=1_000,
        le=300_000,
        description="Silence after which Kafka considers a worker dead; classic groups only.",
    )
    replication_factor: int = Field(
        default=-1,
        ge=-1,
        le=15,
        description="Replication factor of topics that Andén creates; -1: the broker's default.",
    )

    @field_validator("bootstrap_servers")
    @classmethod
    def _are_brokers(cls, value: str) -> str:
        brokers = [BROKER.fullmatch(part.strip()) for part in value.split(",")]
        if not all(broker and 0 < int(broker[1]) < 65_536 for broker in brokers):
            raise ValueError("must be host:port, several comma-separated")
        return value

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        sasl = self.security_protocol.startswith("SASL")
        if sasl != bool(self.sasl_mechanism):
            raise ValueError(
                "ANDEN_KAFKA_SASL_MECHANISM goes with ANDEN_KAFKA_SECURITY_PROTOCOL SASL_PLAINTEXT or SASL_SSL, "
                "and only there"
            )
        if self.sasl_mechanism in {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} and not (
            self.sasl_username and self.sasl_password.get_secret_value()
        ):
            raise ValueError(
                "ANDEN_KAFKA_SASL_MECHANISM PLAIN or SCRAM needs ANDEN_KAFKA_SASL_USERNAME and "
                "ANDEN_KAFKA_SASL_PASSWORD"
            )
        if self.sasl_mechanism == "AWS_MSK_IAM" and (self.security_protocol != "SASL_SSL" or not self.aws_region):
            raise ValueError(
                "ANDEN_KAFKA_SASL_MECHANISM AWS_MSK_IAM needs ANDEN_KAFKA_SECURITY_PROTOCOL SASL_SSL and "
                "ANDEN_KAFKA_AWS_REGION"
            )
        if (self.ssl_certificate is None) != (self.ssl_key is None):
            raise ValueError("ANDEN_KAFKA_SSL_CERTIFICATE and ANDEN_KAFKA_SSL_KEY go together")
        return self
