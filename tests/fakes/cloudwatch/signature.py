"""Checks AWS Signature Version 4 as AWS does.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import datetime
import hmac
import re
from collections.abc import Mapping
from email.message import Message
from typing import Any, Final

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.fakes.cloudwatch.checks import Refused

SIGNED: Final = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/\d{8}/(?P<region>[^/]+)/monitoring/aws4_request, "
    r"SignedHeaders=(?P<names>[^,]+), Signature=(?P<signature>[0-9a-f]{64})"
)
SKEW_S: Final = 300


def check_signature(headers: Message, body: bytes, *, secrets: Mapping[str, str], now_s: float) -> None:
    """Raises Refused: unsigned, unknown key, wrong secret, or signed at the wrong time."""
    found = SIGNED.fullmatch(headers.get("Authorization", ""))
    if not found:
        raise Refused("MissingAuthenticationToken", "Request is missing Authentication Token", 403)
    if found["key"] not in secrets:
        raise Refused("InvalidClientTokenId", "The security token included in the request is invalid.", 403)
    stamp = headers.get("X-Amz-Date", "")
    signed_s = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.UTC).timestamp()
    if signed_s < now_s - SKEW_S:
        raise Refused("SignatureDoesNotMatch", f"Signature expired: {stamp} is now earlier than allowed", 403)
    if signed_s > now_s + SKEW_S:
        raise Refused("SignatureDoesNotMatch", f"Signature not yet current: {stamp} is still later than allowed", 403)
    request = AWSRequest(
        method="POST",
        url=f"http://{headers['Host']}/",
        data=body,
        headers={name: headers[name] for name in found["names"].split(";") if name != "host"},
    )
    request.context["timestamp"] = stamp
    expected = _signature(request, Credentials(found["key"], secrets[found["key"]]), found["region"])
    if not hmac.compare_digest(expected, found["signature"]):
        raise Refused("SignatureDoesNotMatch", "The request signature we calculated does not match", 403)


def _signature(request: AWSRequest, credentials: Credentials, region: str) -> str:
    auth: Any = SigV4Auth(credentials, "monitoring", region)
    return str(auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request))
