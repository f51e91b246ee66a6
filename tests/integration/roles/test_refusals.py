"""What `manage.py roles ensure` rejects: one line names the privilege or the variable, and nothing is changed."""

from collections.abc import Callable

import pytest

from tests.integration.roles.conftest import Place


def refused(place: Place, *, by: Callable[[], tuple[int, str]] | None = None) -> str:
    """The last line of a failed run; `by` starts a separate process."""
    code, text = (by or place.ensure)()
    assert code == 1, text
    assert text.count("\n") == 1, text
    assert not any(password in text for password in place.passwords.values())
    return text


@pytest.mark.parametrize("right", ["CREATEROLE", "CREATEDB"])
def test_an_administrator_who_lacks_a_right(place: Place, right: str) -> None:
    place.ask(f"ALTER ROLE {place.admin} NO{right}")
    line = refused(place, by=lambda: place.run("bootstrap"))
    assert f"the administrator {place.admin} lacks {right}" in line
    assert place.roles() == []


def test_a_role_that_another_role_created(place: Place) -> None:
    place.ask(f"CREATE ROLE {place.name}_reader LOGIN")
    line = refused(place)
    assert f"GRANT {place.name}_reader TO {place.admin} WITH ADMIN OPTION" in line
    assert place.roles() == [f"{place.name}_reader"]
    place.ask(f"GRANT {place.name}_reader TO {place.admin} WITH ADMIN OPTION")
    assert place.ensure()[0] == 0, "the remedy in the line does not fix it"


def test_a_role_that_is_a_superuser(place: Place) -> None:
    place.ask(f"CREATE ROLE {place.name}_owner LOGIN SUPERUSER")
    place.changes["ANDEN_DATABASE_ADMIN_URL"] = place.server.admin_url
    assert f"the role {place.name}_owner has attributes" in refused(place)
    assert place.roles() == [f"{place.name}_owner"]


def test_a_database_with_another_owner(place: Place) -> None:
    place.ask(f"CREATE DATABASE {place.name}")
    assert f"the database {place.name} belongs to postgres" in refused(place)
    assert place.roles() == []


def test_a_role_that_is_renamed_by_its_url_alone(place: Place) -> None:
    assert place.ensure()[0] == 0
    assert place.run("migrate", "--no-input")[0] == 0
    place.changes["ANDEN_DATABASE_READER_URL"] = place.url("reader").replace("_reader:", "_lector:")
    assert f"ANDEN_DATABASE_READER_URL names {place.name}_lector" in refused(place)


Change = Callable[[Place], dict[str, str]]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda place: {"ANDEN_DATABASE_ADMIN_URL": ""}, "ANDEN_DATABASE_ADMIN_URL is not set"),
        (lambda place: {"ANDEN_DATABASE_WRITER_URL": ""}, "ANDEN_DATABASE_WRITER_URL is not set"),
        (lambda place: {"ANDEN_DATABASE_READER_URL": place.url("app")}, "as ANDEN_DATABASE_APP_URL does"),
        (lambda place: {"ANDEN_DATABASE_READER_URL": place.url("reader") + "x"}, "names the database"),
        (
            lambda place: {"ANDEN_DATABASE_APP_URL": place.url("app").replace(f":{place.passwords['app']}", "")},
            "ANDEN_DATABASE_APP_URL names no password",
        ),
        (
            lambda place: {"ANDEN_DATABASE_APP_URL": place.url("app").replace("_app:", "_admin:")},
            "names the administrator",
        ),
        (
            lambda place: {
                "ANDEN_DATABASE_ADMIN_URL": f"postgresql://{place.admin}:wrong@127.0.0.1:{place.server.port}/postgres"
            },
            "ANDEN_DATABASE_ADMIN_URL: password authentication failed",
        ),
        (
            lambda place: {"ANDEN_DATABASE_ADMIN_URL": "postgresql://admin:administrator@127.0.0.1:1/postgres"},
            "ANDEN_DATABASE_ADMIN_URL: connection",
        ),
    ],
)
def test_urls_that_conflict(place: Place, change: Change, words: str) -> None:
    place.changes.update(change(place))
    assert words in refused(place)
    assert place.roles() == []
