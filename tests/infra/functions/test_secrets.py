"""Secrets as the functions read them: by AWS's own SDK, of an emulator of AWS."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.secret_store import secret_text, secret_variables
from tests.functions import asked
from tests.infra.emulated.emulator import NO_ACCOUNT, REGION, Emulator, emulator
from tests.infra.functions.conftest import Run

pytestmark = [pytest.mark.timeout(900), pytest.mark.django_db(transaction=True, databases="__all__")]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with emulator(tmp_path_factory.mktemp("emulator")) as one:
        secrets = {
            "anden-dev/probe/key": "anden_0123456789abcdef_key\n",
            "anden-dev/functions/api": json.dumps({"ANDEN_ALLOWED_HOSTS": "localhost"}),
            "numbers": json.dumps({"ANDEN_API_MAX_EXPORTS": 4}),
            "words": "the password is 1234",
        }
        for name, text in secrets.items():
            one.client("secretsmanager").create_secret(Name=name, SecretString=text)
        yield one


def surroundings(cloud: Emulator) -> dict[str, str]:
    return {**NO_ACCOUNT, "AWS_ENDPOINT_URL": cloud.url, "AWS_DEFAULT_REGION": REGION}


@pytest.fixture
def told(cloud: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK takes the emulator for AWS."""
    for name, value in surroundings(cloud).items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("told")
def test_a_key_is_read_without_the_end_of_the_line_that_its_file_had() -> None:
    assert secret_text("anden-dev/probe/key") == "anden_0123456789abcdef_key"


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize("name", ["numbers", "words"])
def test_a_secret_that_holds_no_variables_is_named_and_not_shown(name: str) -> None:
    with pytest.raises(ValueError, match=f"the secret {name} is not a JSON object of strings") as refused:
        secret_variables(name)
    assert "1234" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_the_apis_function_takes_variables_from_the_secret_that_it_is_told_of(run: Run, cloud: Emulator) -> None:
    """By what of the SDK is in the zip, which is a small part of it."""
    words = {**surroundings(cloud), "ANDEN_ALLOWED_HOSTS": "nobody.example"}
    with run(**words, ANDEN_FUNCTION_SECRET="anden-dev/functions/api") as function:
        assert function.invoke(asked("/api/problems"))["statusCode"] == 200
    with run(**words) as function:
        assert function.invoke(asked("/api/problems"))["statusCode"] == 400


def test_a_secret_that_cannot_be_read_stops_the_function_before_it_begins(
    run: Run, cloud: Emulator, tmp_path: Path
) -> None:
    with (
        run(**surroundings(cloud), ANDEN_FUNCTION_SECRET="words") as function,
        pytest.raises(AssertionError, match="has ended"),
    ):
        function.invoke(asked("/api/problems"))
    log = (tmp_path / "log").read_text(encoding="utf-8")
    assert "the secret words is not a JSON object of strings" in log
    assert "1234" not in log
