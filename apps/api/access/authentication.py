"""The key of a request: `Authorization: Bearer anden_<id>_<secret>`."""

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from apps.api.access.keys import parse_authorization
from apps.api.access.selectors import Caller, caller_of
from apps.api.errors import AuthenticationRequired
from apps.api.models import Key


class KeyAuthentication(BaseAuthentication):
    """Answers who calls. Without a valid key nothing is told, not even which addresses exist."""

    def authenticate(self, request: Request) -> tuple[Caller, None]:
        """The caller. Raises AuthenticationRequired."""
        key = parse_authorization(request.headers.get("Authorization", ""))
        if key is None:
            raise AuthenticationRequired
        caller = caller_of(key)
        today = timezone.now().date()
        if caller.used_on != today:  # one write a day and key, not one a request
            Key.objects.filter(pk=caller.key_id).update(last_used_on=today)
        return caller, None

    def authenticate_header(self, request: Request) -> str:
        """The scheme that is asked for."""
        return "Bearer"
