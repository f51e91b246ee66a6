"""Admin logins."""

import secrets
from dataclasses import dataclass

from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from apps.console.errors import GroupMissing, NameTaken, PasswordRefused


@dataclass(frozen=True, slots=True)
class StaffLogin:
    """A login; `password` is set only if it was just generated, to be shown once."""

    name: str
    created: bool
    password: str | None = None


@transaction.atomic
def login_ensure(name: str, *, group: str, password: str | None = None) -> StaffLogin:
    """Create this staff login in this group, or update an existing one; set the password if one is given.

    Raises GroupMissing, NameTaken, PasswordRefused: nothing was changed.
    """
    wanted = Group.objects.filter(name=group).first()
    if wanted is None:
        raise GroupMissing(f"the group {group!r} does not exist: run `manage.py migrate`")
    user, created = User.objects.select_for_update().get_or_create(username=name)
    if user.is_superuser:
        raise NameTaken(f"{name!r} is a superuser: choose another name")
    generated = secrets.token_urlsafe(15) if created and password is None else None
    chosen = password or generated
    if chosen is not None and not user.check_password(chosen):
        _set_password(user, chosen)
    user.is_staff = user.is_active = True
    user.save()
    user.groups.set([wanted])
    return StaffLogin(name, created=created, password=generated)


def _set_password(user: User, password: str) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise PasswordRefused(f"the password of {user.username!r} is refused: {' '.join(error.messages)}") from error
    user.set_password(password)
