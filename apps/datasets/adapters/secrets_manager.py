"""Values of secrets in AWS Secrets Manager: written where there is none, never read."""

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
"""The label of a value that was drawn: who asks for a label does not get AWSCURRENT, unless there is no value yet."""

_REMEDIES: Final = {
    "ResourceNotFound": "apply terraform/aws, which makes it empty",
    "AccessDenied": "terraform/aws/workloads.tf gives this right, and the key's, to the account secrets alone",
}


class SecretRefused(DatasetsError):
    """Secrets Manager refused this secret: mend it, then run the command again."""


class SecretStoreUnavailable(DatasetsError):
    """Secrets Manager cannot be asked: nothing more was written, run the command again."""


def secrets_client() -> Any:
    """A client of the region that the environment names. Raises SecretStoreUnavailable: it names none."""
    try:
        return boto3.Session().client("secretsmanager", config=CLIENT_CONFIG)
    except BotoCoreError as error:
        raise SecretStoreUnavailable(f"Secrets Manager cannot be asked: {error}") from error


def secret_ensure(client: Any, secret: InstallationSecret) -> str:
    """What came of it, `generated` or `kept`: a value that is there stays, even one that comes at this very moment.

    Two who do this at once make the same version, and AWS lets the first one write it: the other's is refused.
    Raises SecretRefused: this one cannot be written. Raises SecretStoreUnavailable: none can.
    """
    found = _describe(client, secret)
    if any(CURRENT in stages for stages in found.get("VersionIdsToStages", {}).values()):
        return "kept"
    return "generated" if _put_value(client, secret, found["ARN"], FIRST, VersionStages=[GENERATED]) else "kept"


def secret_rotate(client: Any, secret: InstallationSecret, *, order: str) -> str:
    """What came of it, `generated` or `kept`: a new value, once for each order however often it is repeated.

    Raises as `secret_ensure` does.
    """
    found = _describe(client, secret)
    return "generated" if _put_value(client, secret, found["ARN"], order) else "kept"


def _describe(client: Any, secret: InstallationSecret) -> dict[str, Any]:
    found: dict[str, Any] = _call(client.describe_secret, secret, "DescribeSecret")
    if "DeletedDate" in found:
        raise SecretRefused(
            f"{secret.name}: it is scheduled for deletion: bring it back by "
            f"`aws secretsmanager restore-secret --secret-id {secret.name}`"
        )
    return found


def _put_value(client: Any, secret: InstallationSecret, arn: str, order: str, **labels: list[str]) -> bool:
    """Whether the secret has this value now: not where the order's version, or another first value, came before."""
    words = {"SecretString": secret.generate(), "ClientRequestToken": version_id(arn, order), **labels}
    answer = _call(client.put_secret_value, secret, "PutSecretValue", **words)
    return answer is not None and CURRENT in answer["VersionStages"]


def _call(operation: Any, secret: InstallationSecret, action: str, **words: Any) -> Any:
    """The answer; None where the version is there already."""
    try:
        return operation(SecretId=secret.name, **words)
    except ClientError as error:
        said = error.response["Error"]
        if said["Code"] == "ResourceExistsException":
            return None
        told = f"{said['Code']}: {said['Message']}"
        remedy = next((remedy for word, remedy in _REMEDIES.items() if word in told), "mend it and run this again")
        raise SecretRefused(f"{secret.name}: {action}: {told} → {remedy}") from error
    except BotoCoreError as error:
        raise SecretStoreUnavailable(f"Secrets Manager cannot be asked: {error}") from error
