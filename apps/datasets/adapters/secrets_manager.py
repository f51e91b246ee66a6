"""Secrets in AWS Secrets Manager: values are written where missing, never read."""

from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from apps.datasets.core.errors import DatasetsError
from apps.datasets.core.installation_secrets import FIRST, InstallationSecret, version_id

CLIENT_CONFIG: Final = Config(
    connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 4}
)
CURRENT: Final = "AWSCURRENT"
GENERATED: Final = "ANDEN_DRAWN"
"""The staging label of a generated value: AWSCURRENT does not move to it, unless there is no value yet."""

_REMEDIES: Final = {
    "ResourceNotFound": "apply terraform/aws, which creates the empty secret",
    "AccessDenied": "terraform/aws/workloads.tf grants this and the KMS key only to the service account secrets",
}


class SecretRefused(DatasetsError):
    """Secrets Manager rejected this secret: fix it, then run the command again."""


class SecretStoreUnavailable(DatasetsError):
    """Secrets Manager is unavailable: nothing more was written, run the command again."""


def secrets_client() -> Any:
    """A client for the environment's region. Raises SecretStoreUnavailable: no region is set."""
    try:
        return boto3.Session().client("secretsmanager", config=CLIENT_CONFIG)
    except BotoCoreError as error:
        raise SecretStoreUnavailable(f"Secrets Manager is unavailable: {error}") from error


def secret_ensure(client: Any, secret: InstallationSecret) -> str:
    """`generated` or `kept`: an existing value stays, even one written concurrently.

    Concurrent runs create the same version: AWS accepts the first and rejects the others. Raises SecretRefused: this
    secret cannot be written. Raises SecretStoreUnavailable: none can.
    """
    found = _describe(client, secret)
    if any(CURRENT in stages for stages in found.get("VersionIdsToStages", {}).values()):
        return "kept"
    return "generated" if _put_value(client, secret, found["ARN"], FIRST, VersionStages=[GENERATED]) else "kept"


def secret_rotate(client: Any, secret: InstallationSecret, *, order: str) -> str:
    """`generated` or `kept`: a new value, once per order, however often it is repeated.

    Raises the same errors as `secret_ensure`.
    """
    found = _describe(client, secret)
    return "generated" if _put_value(client, secret, found["ARN"], order) else "kept"


def _describe(client: Any, secret: InstallationSecret) -> dict[str, Any]:
    found: dict[str, Any] = _call(client.describe_secret, secret, "DescribeSecret")
    if "DeletedDate" in found:
        raise SecretRefused(
            f"{secret.name}: scheduled for deletion: restore it with "
            f"`aws secretsmanager restore-secret --secret-id {secret.name}`"
        )
    return found


def _put_value(client: Any, secret: InstallationSecret, arn: str, order: str, **labels: list[str]) -> bool:
    """Whether this value became current: not if the order's version, or another first value, was there before."""
    words = {"SecretString": secret.generate(), "ClientRequestToken": version_id(arn, order), **labels}
    answer = _call(client.put_secret_value, secret, "PutSecretValue", **words)
    return answer is not None and CURRENT in answer["VersionStages"]


def _call(operation: Any, secret: InstallationSecret, action: str, **words: Any) -> Any:
    """The response; None if the version already exists."""
    try:
        return operation(SecretId=secret.name, **words)
    except ClientError as error:
        details = error.response["Error"]
        if details["Code"] == "ResourceExistsException":
            return None
        message = f"{details['Code']}: {details['Message']}"
        remedy = next((remedy for word, remedy in _REMEDIES.items() if word in message), "fix it and run this again")
        raise SecretRefused(f"{secret.name}: {action}: {message} → {remedy}") from error
    except BotoCoreError as error:
        raise SecretStoreUnavailable(f"Secrets Manager is unavailable: {error}") from error
