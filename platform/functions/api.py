"""The API as a function on AWS Lambda: the whole of Django behind an HTTP API of API Gateway (payload 2.0).

Its limits, and what happens at them:

  6 MB an answer, base64 included  pages and records keep within it; an export: 400 response-too-large
  6 MB a request, as an event      refused before it comes here; Andén itself takes 1 MiB and says so
  29 s an answer                   a query has 20 s, then 400 query-timeout; only what takes longer in sum is cut off

Its variables are those of every web process (docs/settings.md). ANDEN_FUNCTION_SECRET names a secret of Secrets
Manager, a JSON object of those that the function's configuration should not show, such as ANDEN_SECRET_KEY.
"""

import os
from pathlib import Path
from typing import Final

from functions.secret_store import secret_variables

DEFAULTS: Final = {
    "DJANGO_SETTINGS_MODULE": "config.settings",
    # An environment that sleeps between two events must hold nothing that others need.
    "ANDEN_DATABASE_POOL": "false",
    # Below the gateway's 30 s, so that it is we who say that a query takes too long.
    "PGOPTIONS": "-c statement_timeout=20s",
    "ANDEN_API_EXPORT_TIMEOUT_S": "20",
    # An answer travels as a string of JSON, in which quotes and backslashes take twice their bytes.
    "ANDEN_API_MAX_RESPONSE_BYTES": "2900000",
    "ANDEN_STATIC_ROOT": str(Path(__file__).resolve().parents[1] / "static"),
}

# The settings are read once, at the import below.
if secret := os.environ.get("ANDEN_FUNCTION_SECRET"):
    os.environ.update(secret_variables(secret))
for name, value in DEFAULTS.items():
    os.environ.setdefault(name, value)

from config.wsgi import application  # noqa: E402
from functions.gateway import gateway_handler  # noqa: E402

handler = gateway_handler(application)
