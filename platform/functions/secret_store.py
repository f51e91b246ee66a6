"""Secrets of AWS Secrets Manager, by the SDK that Lambda's runtime brings along."""

import json
from typing import Final

import boto3
from botocore.config import Config

# A function has seconds: better no answer soon than the SDK's usual minutes.
PATIENCE: Final = Config(connect_timeout=2, read_timeout=4, retries={"total_max_attempts": 2})


def secret_text(name: str) -> str:
    """The secret's text, without the white space around it that a file brings along. Raises what the SDK raises."""
    client = boto3.client("secretsmanager", config=PATIENCE)
    text: str = client.get_secret_value(SecretId=name)["SecretString"]
    return text.strip()


def secret_variables(name: str) -> dict[str, str]:
    """The secret as variables of the environment: it must be a JSON object of texts.

    Raises ValueError: it is none; the message says nothing of what it holds.
    """
    try:
        found = json.loads(secret_text(name))
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise ValueError(f"the secret {name} is no JSON object of texts")
    return found
