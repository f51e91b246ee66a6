"""Logins created by `manage.py steward create`, and group permissions completed by migrate."""

from io import StringIO

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import CommandError, call_command
from pydantic import SecretStr

from apps.console.groups import STEWARD, VIEWER
from tests.station import Station


def steward(*words: str) -> str:
    out = StringIO()
    call_command("steward", *words, stdout=out)
    return out.getvalue()


def codenames(group: str) -> set[str]:
    return set(Group.objects.get(name=group).permissions.values_list("codename", flat=True))


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch, settings: object) -> "StewardPassword":
    return StewardPassword(monkeypatch)


class StewardPassword:
    """Sets ANDEN_STEWARD_PASSWORD in the settings."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def password(self, text: str | None) -> None:
        from django.conf import settings  # noqa: PLC0415

        changed = settings.ANDEN.model_copy(update={"steward_password": SecretStr(text) if text else None})
        self._monkeypatch.setattr(settings, "ANDEN", changed)


def test_a_generated_password_is_shown_once_and_works(station: Station, given: StewardPassword) -> None:
    given.password(None)
    first = steward("create", "nora")
    shown = first.rsplit(" ", 1)[1].strip()
    user = User.objects.get(username="nora")
    assert first.startswith("steward nora created")
    assert user.check_password(shown)
    assert (user.is_staff, user.is_superuser) == (True, False)
    assert [group.name for group in user.groups.all()] == [STEWARD]
    assert steward("create", "nora") == "steward nora updated\n"
    assert User.objects.get(username="nora").check_password(shown)


def test_a_given_password_is_set_and_never_printed(station: Station, given: StewardPassword) -> None:
    for password in ("correct horse battery", "another staple entirely"):
        given.password(password)
        assert password not in steward("create", "nora", "--group", "viewer")
        user = User.objects.get(username="nora")
        assert user.check_password(password)
        assert [group.name for group in user.groups.all()] == [VIEWER]


def test_a_weak_password_creates_no_login(station: Station, given: StewardPassword) -> None:
    given.password("password")
    with pytest.raises(CommandError, match=r"'nora' is refused: .*too common"):
        steward("create", "nora")
    assert not User.objects.filter(username="nora").exists()


def test_a_superuser_does_not_become_a_steward(station: Station, given: StewardPassword) -> None:
    given.password(None)
    User.objects.create(username="root", is_superuser=True)
    with pytest.raises(CommandError, match="superuser"):
        steward("create", "root")


def test_migrate_restores_missing_permissions_and_keeps_added_ones(station: Station) -> None:
    viewer, wanted = Group.objects.get(name=VIEWER), codenames(VIEWER)
    assert {"view_dataset", "view_quarantine", "view_client"} <= wanted
    assert all(name.startswith("view_") for name in wanted)
    # One permission of Andén's own apps, one of Django's.
    added = Permission.objects.filter(codename__in=("change_client", "add_user"))
    viewer.permissions.set(added)
    Group.objects.get(name=STEWARD).delete()
    try:
        call_command("migrate", verbosity=0)
        assert codenames(VIEWER) == wanted | {"change_client", "add_user"}
    finally:
        viewer.permissions.remove(*added)
    assert codenames(STEWARD) == wanted | {
        "change_quarantine",
        "add_client",
        "change_client",
        "change_key",
        "delete_grant",
        "change_incident",
        "change_job",
    }
