"""Reads AWS Secrets Manager with the SDK of Lambda's runtime."""

import json
from typing import Final

import boto3
from botocore.config import Config

# A function has seconds, but the SDK retries for minutes by default.
CLIENT_CONFIG: Final = Config(connect_timeout=2, read_timeout=4, retries={"total_max_attempts": 2})


def secret_text(name: str) -> str:
    """The secret's text, stripped of surrounding white space. Raises the SDK's errors."""
    client = boto3.client("secretsmanager", config=CLIENT_CONFIG)
    text: str = client.get_secret_value(SecretId=name)["SecretString"]
    return text.strip()


def secret_variables(name: str) -> dict[str, str]:
    """The secret as environment variables: it must be a JSON object of strings.

    Raises ValueError: it is not; the message does not quote the secret.
    """
    try:
        found = json.loads(secret_text(name))
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise ValueError(f"the secret {name} is not a JSON object of strings")
    return found
