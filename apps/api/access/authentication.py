"""API key authentication: `Authorization: Bearer anden_<id>_<secret>`."""

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from apps.api.access.keys import parse_authorization
from apps.api.access.selectors import Caller, caller_of
from apps.api.errors import AuthenticationRequired
from apps.api.models import Key


class KeyAuthentication(BaseAuthentication):
    """Authenticates the caller. Without a valid key, no response reveals which URLs exist."""

    def authenticate(self, request: Request) -> tuple[Caller, None]:
        """The caller and no auth object. Raises AuthenticationRequired."""
        key = parse_authorization(request.headers.get("Authorization", ""))
        if key is None:
            raise AuthenticationRequired
        caller = caller_of(key)
        today = timezone.now().date()
        if caller.last_used_on != today:  # one write per key and day, not per request
            Key.objects.filter(pk=caller.key_id).update(last_used_on=today)
        return caller, None

    def authenticate_header(self, request: Request) -> str:
        """The scheme for WWW-Authenticate."""
        return "Bearer"
