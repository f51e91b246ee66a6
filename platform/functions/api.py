"""The API as an AWS Lambda function: all of Django behind an API Gateway HTTP API (payload 2.0).

Limits:

  6 MB a response, base64 included  pages and records stay below it; an export fails with 400 response-too-large
  6 MB a request, as an event       refused by the gateway; Andén itself accepts 1 MiB
  29 s a response                   a query has 20 s, then 400 query-timeout; longer requests are cut off

It reads the same variables as every web process (docs/settings.md). ANDEN_FUNCTION_SECRET names a secret in Secrets
Manager: a JSON object with the variables that the function's configuration should not show, such as ANDEN_SECRET_KEY.
"""

import os
from pathlib import Path
from typing import Final

from functions.secret_store import secret_variables

DEFAULTS: Final = {
    "DJANGO_SETTINGS_MODULE": "config.settings",
    # A frozen execution environment must not hold connections.
    "ANDEN_DATABASE_POOL": "false",
    # Below the gateway's 30 s, so that the client gets our problem instead of the gateway's error.
    "PGOPTIONS": "-c statement_timeout=20s",
    "ANDEN_API_EXPORT_TIMEOUT_S": "20",
    # A response travels as a JSON string, in which quotes and backslashes take twice their bytes.
    "ANDEN_API_MAX_RESPONSE_BYTES": "2900000",
    "ANDEN_STATIC_ROOT": str(Path(__file__).resolve().parents[1] / "static"),
}

# The import below reads the settings.
if secret := os.environ.get("ANDEN_FUNCTION_SECRET"):
    os.environ.update(secret_variables(secret))
for name, value in DEFAULTS.items():
    os.environ.setdefault(name, value)

from config.wsgi import application  # noqa: E402
from functions.gateway import gateway_handler  # noqa: E402

handler = gateway_handler(application)
