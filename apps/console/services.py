"""Logins of the people who look after the station."""

import secrets
from dataclasses import dataclass

from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from apps.console.errors import GroupMissing, NameTaken, PasswordRefused


@dataclass(frozen=True, slots=True)
class StaffLogin:
    """A login as it stands now; `password` only where it was made up just now, to be shown once."""

    name: str
    created: bool
    password: str | None = None


@transaction.atomic
def login_ensure(name: str, *, group: str, password: str | None = None) -> StaffLogin:
    """Make this staff login in this group, or keep it as it is; a given password becomes the login's.

    Raises GroupMissing, NameTaken, PasswordRefused: nothing was changed.
    """
    wanted = Group.objects.filter(name=group).first()
    if wanted is None:
        raise GroupMissing(f"there is no group {group!r}: run `manage.py migrate`")
    user, created = User.objects.select_for_update().get_or_create(username=name)
    if user.is_superuser:
        raise NameTaken(f"{name!r} is a superuser: choose another name")
    made_up = secrets.token_urlsafe(15) if created and password is None else None
    chosen = password or made_up
    if chosen is not None and not user.check_password(chosen):
        _set_password(user, chosen)
    user.is_staff = user.is_active = True
    user.save()
    user.groups.set([wanted])
    return StaffLogin(name, created=created, password=made_up)


def _set_password(user: User, password: str) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise PasswordRefused(f"the password of {user.username!r} is refused: {' '.join(error.messages)}") from error
    user.set_password(password)
