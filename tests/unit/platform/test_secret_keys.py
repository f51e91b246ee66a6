"""ANDEN_SECRET_KEY_FALLBACKS: rotating the secret key without logging anyone out."""

from typing import Any

import pytest
from django.core import signing
from django.test import override_settings

from apps.telemetry.environment import SettingsInvalid, load
from config.conf import PlatformSettings

OLD, NEW = "o" * 40, "n" * 40


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Any:
    def set_to(text: str) -> PlatformSettings:
        monkeypatch.setenv("ANDEN_SECRET_KEY_FALLBACKS", text)
        return load(PlatformSettings)

    return set_to


def test_former_keys_are_split_at_commas_and_never_printed(given: Any) -> None:
    settings = given(f"{OLD}, {'x' * 32}")
    assert [key.get_secret_value() for key in settings.secret_key_fallbacks] == [OLD, "x" * 32]
    assert OLD not in repr(settings)


def test_a_short_former_key_is_refused_by_the_name_of_its_variable(given: Any) -> None:
    with pytest.raises(SettingsInvalid, match="ANDEN_SECRET_KEY_FALLBACKS: each of its keys") as caught:
        given(f"{OLD},short-key")
    assert "short-key" not in str(caught.value)


def test_signatures_of_the_old_key_are_valid_while_it_is_a_fallback() -> None:
    with override_settings(SECRET_KEY=OLD, SECRET_KEY_FALLBACKS=[]):
        signed = signing.dumps("a session")
    with override_settings(SECRET_KEY=NEW, SECRET_KEY_FALLBACKS=[OLD]):
        assert signing.loads(signed) == "a session"
    with override_settings(SECRET_KEY=NEW, SECRET_KEY_FALLBACKS=[]), pytest.raises(signing.BadSignature):
        signing.loads(signed)
