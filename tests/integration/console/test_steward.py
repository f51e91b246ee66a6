"""Logins and groups: what `manage.py steward create` makes, and the permissions that migrate completes."""

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
def given(monkeypatch: pytest.MonkeyPatch, settings: object) -> "Given":
    return Given(monkeypatch)


class Given:
    """Sets ANDEN_STEWARD_PASSWORD as the settings see it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def password(self, text: str | None) -> None:
        from django.conf import settings  # noqa: PLC0415

        changed = settings.ANDEN.model_copy(update={"steward_password": SecretStr(text) if text else None})
        self._monkeypatch.setattr(settings, "ANDEN", changed)


def test_a_made_up_password_is_shown_once_and_works(station: Station, given: Given) -> None:
    given.password(None)
    first = steward("create", "nora")
    shown = first.rsplit(" ", 1)[1].strip()
    user = User.objects.get(username="nora")
    assert first.startswith("steward nora made")
    assert user.check_password(shown)
    assert (user.is_staff, user.is_superuser) == (True, False)
    assert [group.name for group in user.groups.all()] == [STEWARD]
    assert steward("create", "nora") == "steward nora kept\n"
    assert User.objects.get(username="nora").check_password(shown)


def test_a_given_password_is_set_and_never_printed(station: Station, given: Given) -> None:
    for password in ("correct horse battery", "another staple entirely"):
        given.password(password)
        assert password not in steward("create", "nora", "--group", "viewer")
        user = User.objects.get(username="nora")
        assert user.check_password(password)
        assert [group.name for group in user.groups.all()] == [VIEWER]


def test_a_weak_password_leaves_nothing_behind(station: Station, given: Given) -> None:
    given.password("password")
    with pytest.raises(CommandError, match=r"'nora' is refused: .*too common"):
        steward("create", "nora")
    assert not User.objects.filter(username="nora").exists()


def test_a_superuser_is_not_made_a_steward(station: Station, given: Given) -> None:
    given.password(None)
    User.objects.create(username="root", is_superuser=True)
    with pytest.raises(CommandError, match="superuser"):
        steward("create", "root")


def test_migrate_restores_what_a_group_lost_and_keeps_what_an_administrator_added(station: Station) -> None:
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
