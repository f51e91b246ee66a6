"""Sealed text, ids and keys round-trip, and nothing else is accepted."""

import base64
import json
import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.api.access.keys import KeyText, new_key, parse_authorization
from apps.api.records.core.literals import literal
from apps.api.records.core.record_id import read_id
from apps.api.records.core.sealer import Sealer, SealInvalid
from apps.datasets.core.column_types.types import column_type
from tests.hostile import JSON, spoiled

SEALER = Sealer("a secret", "cursor")
texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(texts, texts)
def test_sealed_text_opens_with_its_own_binding(text: str, bound_to: str) -> None:
    sealed = SEALER.seal(text, bound_to=bound_to)
    assert SEALER.open(sealed, bound_to=bound_to) == text
    assert sealed.isascii()
    assert set(sealed) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


@given(texts, texts, texts)
def test_sealed_text_opens_with_no_other_secret_purpose_or_binding(text: str, bound_to: str, other: str) -> None:
    sealed = SEALER.seal(text, bound_to=bound_to)
    wrong = [(Sealer("a secret", "id"), bound_to), (Sealer("another", "cursor"), bound_to)]
    wrong += [(SEALER, other)] if other != bound_to else []
    for sealer, bound in wrong:
        with pytest.raises(SealInvalid):
            sealer.open(sealed, bound_to=bound)


@given(texts, texts)
def test_a_former_secret_opens_but_does_not_seal(text: str, bound_to: str) -> None:
    current = Sealer("a new secret", "cursor", former=["another", "a secret"])
    assert current.open(SEALER.seal(text, bound_to=bound_to), bound_to=bound_to) == text
    assert current.seal(text, bound_to=bound_to) == Sealer("a new secret", "cursor").seal(text, bound_to=bound_to)
    with pytest.raises(SealInvalid):
        current.open(SEALER.seal(text, bound_to=bound_to), bound_to=bound_to + "x")
    with pytest.raises(SealInvalid):
        Sealer("a new secret", "cursor").open(SEALER.seal(text))


@given(st.binary(min_size=1, max_size=60), st.integers(min_value=0))
def test_modified_sealed_text_is_invalid(text: bytes, place: int) -> None:
    sealed = bytearray(base64.urlsafe_b64decode(SEALER.seal(text.hex()) + "=="))
    sealed[place % len(sealed)] ^= 1
    with pytest.raises(SealInvalid):
        SEALER.open(base64.urlsafe_b64encode(bytes(sealed)).decode())


PIECES = st.sampled_from(["", "A", "_", "-", "+", "/", "=", "==", "\n", " ", "\u0663", "AAAAAAAA"])


@given(st.data(), texts)
def test_damaged_sealed_text_is_invalid_or_opens_to_the_original(data: st.DataObject, text: str) -> None:
    near = data.draw(spoiled(st.just(SEALER.seal(text)), PIECES))
    try:
        assert SEALER.open(near) == text
    except SealInvalid:
        assert near != SEALER.seal(text)


@given(st.text() | st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode().rstrip("=")))
def test_any_other_text_is_invalid(text: str) -> None:
    with pytest.raises(SealInvalid):
        SEALER.open(text)


def test_sealed_text_does_not_reveal_the_plaintext() -> None:
    assert "Lovelace" not in base64.urlsafe_b64decode(SEALER.seal("Lovelace, Ada") + "==").decode("latin-1")


TYPES = (column_type("string", "text"), column_type("integer", "bigint"), column_type("string", "uuid"))


def plaintext_id(values: list[str]) -> str:
    return "k" + base64.urlsafe_b64encode(json.dumps(values).encode()).rstrip(b"=").decode()


@given(texts.filter(lambda text: "\x00" not in text), st.integers(-(2**63), 2**63 - 1), st.uuids())
def test_an_id_decodes_to_its_key_in_either_form(text: str, number: int, identity: uuid.UUID) -> None:
    values = [text, str(number), str(identity)]
    sealed = "s" + SEALER.seal(json.dumps(values), bound_to="trains")
    assert read_id(plaintext_id(values), TYPES, sealer=None, bound_to="trains") == tuple(values)
    assert read_id(sealed, TYPES, sealer=SEALER, bound_to="trains") == tuple(values)
    assert read_id(sealed, TYPES, sealer=None, bound_to="trains") is None
    assert read_id(plaintext_id(values), TYPES, sealer=SEALER, bound_to="trains") is None
    assert read_id(sealed, TYPES, sealer=SEALER, bound_to="planes") is None


KEYS = st.lists(texts | st.integers().map(str) | st.uuids().map(str), max_size=4) | st.tuples(
    texts, st.integers(-(2**65), 2**65).map(str), spoiled(st.uuids().map(str), st.sampled_from(["", "{", "_", "g"]))
).map(list)
PLAIN = JSON.map(bytes.decode) | KEYS.map(json.dumps)
IDS = st.one_of(
    st.text(),
    st.text().map(lambda text: f"s{text}"),
    spoiled(PLAIN.map(lambda plain: "k" + base64.urlsafe_b64encode(plain.encode()).decode()), PIECES),
    spoiled(PLAIN.map(lambda plain: "s" + SEALER.seal(plain, bound_to="trains")), PIECES),
)


@given(IDS)
def test_any_text_is_rejected_or_decoded_to_a_valid_key(text: str) -> None:
    for sealer in (None, SEALER):
        key = read_id(text, TYPES, sealer=sealer, bound_to="trains")
        if key is not None:
            assert text[0] == ("s" if sealer else "k")
            assert tuple(literal(kind, value) for kind, value in zip(TYPES, key, strict=True)) == key


def test_a_key_is_parsed_from_its_header_and_matches_only_itself() -> None:
    key, other = new_key(), new_key()
    assert parse_authorization(f"Bearer {key}") == parse_authorization(f"bearer  {key} ") == key
    assert key.matches(key.sha256)
    assert not key.matches(other.sha256)
    assert not key.matches(None)
    assert str(key.secret) not in key.sha256


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Basic {0}", "{0}", "Bearer {0}x", "Bearer anden__", "Bearer ANDEN_{0}"]
)
def test_other_headers_contain_no_key(header: str) -> None:
    assert parse_authorization(header.format(new_key())) is None


@given(st.data(), st.sampled_from(["Bearer", "bearer", "Basic", ""]))
def test_a_damaged_key_is_rejected(data: st.DataObject, scheme: str) -> None:
    pieces = st.sampled_from(["", " ", "\n", "_", "A", "g", "0", "\u0663", "anden_"])
    header = data.draw(spoiled(st.just(f"{scheme} {new_key()}"), pieces))
    found = parse_authorization(header)
    if found is not None:
        assert header.lower().startswith("bearer ")
        assert header[7:].strip() == str(found)
        assert re.fullmatch("anden_[0-9a-f]{16}_[0-9a-f]{64}", str(found))


def test_no_key_matches_a_missing_hash() -> None:
    assert not KeyText("0" * 16, "").matches(None)
