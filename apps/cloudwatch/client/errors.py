"""What botocore's errors mean to us: one line that says what, where, and what to do. Never a secret in it."""

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
"""What botocore raises before a request leaves. Whatever else goes wrong, it may have arrived, and be billed."""

CREDENTIALS: Final = (
    "no AWS credentials were found: give the pod a role by Pod Identity, or set AWS_PROFILE or AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY"
)


def translated_error(error: Exception, *, action: str, place: str) -> SourceUnavailable | SourceRefused:
    """Our error for botocore's; `action` is the API's name (GetMetricData), `place` the region or address."""
    refused = _refusal(error, action=action, place=place)
    refused.sent = not isinstance(error, UNSENT)
    return refused


def _refusal(error: Exception, *, action: str, place: str) -> SourceUnavailable | SourceRefused:
    if isinstance(error, ClientError):
        return _answered(error, action=action, place=place)
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return SourceRefused(f"CloudWatch in {place} cannot be asked: {CREDENTIALS}")
    if isinstance(error, ConnectTimeoutError | ReadTimeoutError):
        return SourceUnavailable(f"CloudWatch in {place} did not answer {action} in time: trying again may help")
    if isinstance(error, EndpointConnectionError | HTTPClientError):
        return SourceUnavailable(
            f"CloudWatch in {place} cannot be reached: look at the network, the VPC endpoint and "
            "ANDEN_CLOUDWATCH_ENDPOINT_URL"
        )
    if isinstance(error, BotoCoreError):
        return SourceRefused(f"CloudWatch in {place} cannot be asked for {action}: {_first_line(error)}")
    return SourceUnavailable(
        f"CloudWatch in {place} gave an answer to {action} that cannot be read: {type(error).__name__}"
    )


def _answered(error: ClientError, *, action: str, place: str) -> SourceUnavailable | SourceRefused:
    code = str(error.response.get("Error", {}).get("Code", ""))
    said = str(error.response.get("Error", {}).get("Message", "")).strip()
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    where = f"CloudWatch in {place}"
    if code in THROTTLED or status == 429:
        return SourceThrottled(f"{where} refuses {action} for now: more calls than the account may send ({code})")
    if code in SKEWED or said.startswith(SKEW_WORDS):
        return SourceRefused(f"{where} refuses {action}: this machine's clock is wrong; set it by NTP")
    fixed = {
        DENIED: f"the role lacks the IAM action cloudwatch:{action}; docs/guides/cloudwatch.md has the policy",
        EXPIRED: "the session token has expired: renew it, or use a role that renews itself",
        UNKNOWN: "the access key is not known there: look at the credentials and at ANDEN_CLOUDWATCH_REGION",
        SIGNATURE: "the secret key does not fit the access key: look at the credentials",
    }
    for codes, line in fixed.items():
        if code in codes:
            return SourceRefused(f"{where} refuses {action}: {line} ({code})")
    if status >= 500:
        return SourceUnavailable(f"{where} has trouble with {action} ({code or status}): trying again may help")
    return SourceRefused(f"{where} refuses {action}: {said or 'no reason given'} ({code or status})")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
