"""botocore's errors as Andén's, each with one line: what failed, where, and what to do. It never contains a secret."""

from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ReadTimeoutError,
)

from apps.telemetry.errors import SourceRefused, SourceThrottled, SourceUnavailable

THROTTLED: Final = frozenset(
    {"Throttling", "ThrottlingException", "ThrottledException", "RequestLimitExceeded", "TooManyRequestsException"}
)
DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "NotAuthorized", "UnauthorizedOperation"})
EXPIRED: Final = frozenset({"ExpiredToken", "ExpiredTokenException"})
UNKNOWN: Final = frozenset(
    {"InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "MissingAuthenticationToken"}
)
SIGNATURE: Final = frozenset({"SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature"})
SKEWED: Final = frozenset({"RequestTimeTooSkewed", "RequestExpired"})
SKEW_WORDS: Final = ("Signature expired", "Signature not yet current")

UNSENT: Final = (
    NoCredentialsError,
    PartialCredentialsError,
    ParamValidationError,
    ConnectTimeoutError,
    EndpointConnectionError,
)
"""Raised before a request is sent. With any other error it may have arrived, and be billed."""

CREDENTIALS: Final = (
    "no AWS credentials found: give the pod a Pod Identity role, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY"
)


def translated_error(error: Exception, *, action: str, location: str) -> SourceUnavailable | SourceRefused:
    """Andén's error for one of botocore's; `action` is the API action, `location` the region or URL."""
    translated = _error(error, action=action, location=location)
    translated.sent = not isinstance(error, UNSENT)
    return translated


def _error(error: Exception, *, action: str, location: str) -> SourceUnavailable | SourceRefused:
    if isinstance(error, ClientError):
        return _client_error(error, action=action, location=location)
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return SourceRefused(f"CloudWatch in {location} cannot be queried: {CREDENTIALS}")
    if isinstance(error, ConnectTimeoutError | ReadTimeoutError):
        return SourceUnavailable(f"CloudWatch in {location} timed out on {action}: try again later")
    if isinstance(error, EndpointConnectionError | HTTPClientError):
        return SourceUnavailable(
            f"CloudWatch in {location} is unreachable: check the network, the VPC endpoint and "
            "ANDEN_CLOUDWATCH_ENDPOINT_URL"
        )
    if isinstance(error, BotoCoreError):
        return SourceRefused(f"CloudWatch in {location} failed to send {action}: {_first_line(error)}")
    return SourceUnavailable(
        f"CloudWatch in {location} sent an unreadable response to {action}: {type(error).__name__}"
    )


def _client_error(error: ClientError, *, action: str, location: str) -> SourceUnavailable | SourceRefused:
    code = str(error.response.get("Error", {}).get("Code", ""))
    message = str(error.response.get("Error", {}).get("Message", "")).strip()
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    where = f"CloudWatch in {location}"
    if code in THROTTLED or status == 429:
        return SourceThrottled(f"{where} throttles {action}: rate exceeded ({code})")
    if code in SKEWED or message.startswith(SKEW_WORDS):
        return SourceRefused(f"{where} refuses {action}: this machine's clock is wrong; synchronize it by NTP")
    fixed = {
        DENIED: f"the role lacks the IAM action cloudwatch:{action}; docs/guides/cloudwatch.md has the policy",
        EXPIRED: "the session token has expired: renew it, or use a role",
        UNKNOWN: "the access key is unknown: check the credentials and ANDEN_CLOUDWATCH_REGION",
        SIGNATURE: "the secret key does not match the access key: check the credentials",
    }
    for codes, line in fixed.items():
        if code in codes:
            return SourceRefused(f"{where} refuses {action}: {line} ({code})")
    if status >= 500:
        return SourceUnavailable(f"{where} failed on {action} ({code or status}): try again later")
    return SourceRefused(f"{where} refuses {action}: {message or 'no reason given'} ({code or status})")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
