"""Seals, ids and keys: what goes out comes back, and nothing else is taken."""

import base64
import json
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.api.core.keys import KeyText, new_key, parse_authorization
from apps.api.core.record_id import read_id
from apps.api.core.sealing import Broken, Sealer
from apps.datasets.core.column_types.types import column_type

SEALER = Sealer("a secret", "cursor")
texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(texts, texts)
def test_a_seal_opens_with_what_it_was_bound_to(text: str, bound_to: str) -> None:
    sealed = SEALER.seal(text, bound_to=bound_to)
    assert SEALER.open(sealed, bound_to=bound_to) == text
    assert sealed.isascii()
    assert set(sealed) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


@given(texts, texts, texts)
def test_a_seal_opens_with_nothing_else(text: str, bound_to: str, other: str) -> None:
    sealed = SEALER.seal(text, bound_to=bound_to)
    wrong = [(Sealer("a secret", "id"), bound_to), (Sealer("another", "cursor"), bound_to)]
    wrong += [(SEALER, other)] if other != bound_to else []
    for sealer, bound in wrong:
        with pytest.raises(Broken):
            sealer.open(sealed, bound_to=bound)


@given(texts, texts)
def test_a_former_secret_opens_what_it_sealed_and_seals_nothing_more(text: str, bound_to: str) -> None:
    now = Sealer("a new secret", "cursor", former=["another", "a secret"])
    assert now.open(SEALER.seal(text, bound_to=bound_to), bound_to=bound_to) == text
    assert now.seal(text, bound_to=bound_to) == Sealer("a new secret", "cursor").seal(text, bound_to=bound_to)
    with pytest.raises(Broken):
        now.open(SEALER.seal(text, bound_to=bound_to), bound_to=bound_to + "x")
    with pytest.raises(Broken):
        Sealer("a new secret", "cursor").open(SEALER.seal(text))


@given(st.binary(min_size=1, max_size=60), st.integers(min_value=0))
def test_a_changed_seal_is_broken(text: bytes, place: int) -> None:
    sealed = bytearray(base64.urlsafe_b64decode(SEALER.seal(text.hex()) + "=="))
    sealed[place % len(sealed)] ^= 1
    with pytest.raises(Broken):
        SEALER.open(base64.urlsafe_b64encode(bytes(sealed)).decode())


@given(st.text())
def test_any_other_text_is_broken(text: str) -> None:
    with pytest.raises(Broken):
        SEALER.open(text)


def test_what_is_sealed_cannot_be_read() -> None:
    assert "Lovelace" not in base64.urlsafe_b64decode(SEALER.seal("Lovelace, Ada") + "==").decode("latin-1")


TYPES = (column_type("string", "text"), column_type("integer", "bigint"), column_type("string", "uuid"))


def clear(values: list[str]) -> str:
    return "k" + base64.urlsafe_b64encode(json.dumps(values).encode()).rstrip(b"=").decode()


@given(texts.filter(lambda text: "\x00" not in text), st.integers(-(2**63), 2**63 - 1), st.uuids())
def test_an_id_gives_its_key_in_either_form(text: str, number: int, identity: uuid.UUID) -> None:
    values = [text, str(number), str(identity)]
    sealed = "s" + SEALER.seal(json.dumps(values), bound_to="trains")
    assert read_id(clear(values), TYPES, sealer=None, bound_to="trains") == tuple(values)
    assert read_id(sealed, TYPES, sealer=SEALER, bound_to="trains") == tuple(values)
    assert read_id(sealed, TYPES, sealer=None, bound_to="trains") is None
    assert read_id(clear(values), TYPES, sealer=SEALER, bound_to="trains") is None
    assert read_id(sealed, TYPES, sealer=SEALER, bound_to="planes") is None


@given(st.text())
def test_no_text_breaks_the_reading_of_an_id(text: str) -> None:
    for form in (text, f"k{text}", f"s{text}", clear([text, text, text]), clear([text])):
        for sealer in (None, SEALER):
            read_id(form, TYPES, sealer=sealer, bound_to="trains")


def test_a_key_is_found_in_its_header_and_matches_itself_alone() -> None:
    key, other = new_key(), new_key()
    assert parse_authorization(f"Bearer {key}") == parse_authorization(f"bearer  {key} ") == key
    assert key.matches(key.sha256)
    assert not key.matches(other.sha256)
    assert not key.matches(None)
    assert str(key.secret) not in key.sha256


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Basic {0}", "{0}", "Bearer {0}x", "Bearer anden__", "Bearer ANDEN_{0}"]
)
def test_other_headers_hold_no_key(header: str) -> None:
    assert parse_authorization(header.format(new_key())) is None


def test_the_hash_of_nothing_opens_nothing() -> None:
    assert not KeyText("0" * 16, "").matches(None)
