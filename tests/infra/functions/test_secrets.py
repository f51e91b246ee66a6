"""The functions read secrets with the AWS SDK, from an emulated AWS."""

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


def sdk_environment(cloud: Emulator) -> dict[str, str]:
    return {**NO_ACCOUNT, "AWS_ENDPOINT_URL": cloud.url, "AWS_DEFAULT_REGION": REGION}


@pytest.fixture
def emulated_sdk(cloud: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point the SDK at the emulator."""
    for name, value in sdk_environment(cloud).items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("emulated_sdk")
def test_a_key_is_read_without_its_trailing_newline() -> None:
    assert secret_text("anden-dev/probe/key") == "anden_0123456789abcdef_key"


@pytest.mark.usefixtures("emulated_sdk")
@pytest.mark.parametrize("name", ["numbers", "words"])
def test_an_invalid_secret_is_named_but_not_shown(name: str) -> None:
    with pytest.raises(ValueError, match=f"the secret {name} is not a JSON object of strings") as refused:
        secret_variables(name)
    assert "1234" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_the_api_function_reads_variables_from_its_secret(run: Run, cloud: Emulator) -> None:
    """With the reduced SDK in the zip."""
    words = {**sdk_environment(cloud), "ANDEN_ALLOWED_HOSTS": "other.example"}
    with run(**words, ANDEN_FUNCTION_SECRET="anden-dev/functions/api") as function:
        assert function.invoke(asked("/api/problems"))["statusCode"] == 200
    with run(**words) as function:
        assert function.invoke(asked("/api/problems"))["statusCode"] == 400


def test_an_invalid_secret_stops_the_function_at_startup(run: Run, cloud: Emulator, tmp_path: Path) -> None:
    with (
        run(**sdk_environment(cloud), ANDEN_FUNCTION_SECRET="words") as function,
        pytest.raises(AssertionError, match="has ended"),
    ):
        function.invoke(asked("/api/problems"))
    log = (tmp_path / "log").read_text(encoding="utf-8")
    assert "the secret words is not a JSON object of strings" in log
    assert "1234" not in log
