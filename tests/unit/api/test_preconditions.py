"""Conditional headers and media types follow their grammars and are parsed in linear time."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.api.errors import HeaderInvalid
from apps.api.records.core import preconditions as module
from apps.api.records.core.preconditions import ANY, parse_preconditions
from apps.api.views.media_types import JSON, media_type
from tests.hostile import spoiled

LONG = 100_000


@pytest.mark.parametrize(
    ("header", "tags"),
    [
        ("*", {ANY}),
        (" *\t", {ANY}),
        ("", set()),
        (" , ,", set()),
        ('"1"', {'"1"'}),
        ('W/"1","2"', {'W/"1"', '"2"'}),
        (' "a,b" ,\t"c" ', {'"a,b"', '"c"'}),
        (',"1",,"2",', {'"1"', '"2"'}),
        ('"\xe9"', {'"\xe9"'}),
        ('""', {'""'}),
    ],
)
def test_a_list_of_tags_is_parsed(header: str, tags: set[str]) -> None:
    assert parse_preconditions(header, None).match == frozenset(tags)
    assert parse_preconditions(None, header).none_match == frozenset(tags)


@pytest.mark.parametrize(
    "header",
    ['*, "1"', '"1", *', "1", "a,b", '"1" "2"', '"1"W/"2"', '"1', '1"', 'W/ "1"', 'w/"1"', '"a b"', '"1"\n,"2"', "**"],
)
def test_anything_but_a_list_of_tags_is_rejected(header: str) -> None:
    for match, none_match, name in ((header, None, "If-Match"), (None, header, "If-None-Match")):
        with pytest.raises(HeaderInvalid, match=name) as refused:
            parse_preconditions(match, none_match)
        assert refused.value.parameter == name


TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
LIST = rf"[ \t,]*(?:{TAG}[ \t]*(?:,[ \t,]*|\Z))*"
TAGS = st.lists(st.sampled_from(['"1"', '""', 'W/"1"', '"a,b"', '"\xe9"', '"x/y"']), max_size=4)
HEADERS = st.tuples(TAGS, st.sampled_from([",", ", ", " ,\t", ",,", ""])).map(lambda pair: pair[1].join(pair[0]))


@given(spoiled(HEADERS, st.sampled_from(["", " ", ",", '"', "W/", "W", "*", "\n", "\x7f", "\u0663", "a"])))
def test_a_list_of_tags_is_what_the_grammar_defines(header: str) -> None:
    expected = None
    if header.strip(" \t") == ANY:
        expected = {ANY}
    elif re.fullmatch(LIST, header):
        expected = {*re.findall(TAG, header)}
    try:
        assert parse_preconditions(header, None).match == expected
    except HeaderInvalid:
        assert expected is None


TYPES = st.sampled_from(
    [
        JSON,
        f"{JSON}; charset=utf-8",
        f'{JSON};charset="UTF-8"',
        f"{JSON}; charset*0=ut; charset*1=f-8",
        f"{JSON}; charset*=utf-8''utf-8",
        "application/merge-patch+json",
    ]
)


@given(
    spoiled(TYPES, st.sampled_from(["", ";", '"', "\\", "=", "*", "*0", "%", "'", "\n", "\x00", "\u0663", "charset="]))
)
def test_a_media_type_is_never_mistaken_for_another(header: str) -> None:
    if media_type(header, (JSON,)) is not None:
        assert header.strip().lower().startswith(JSON)


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        (f"{JSON}; charset*=ut; charset*1=f-8", False),
        (f"{JSON}; charset*=utf-8''utf-8", False),
        (f"{JSON}; charset=latin-1", False),
        (f'{JSON} ; Charset="UTF8"', True),
    ],
)
def test_utf_8_is_accepted_in_any_spelling_and_other_charsets_are_not(header: str, accepted: bool) -> None:
    assert media_type(header, (JSON,)) == (JSON if accepted else None)


@pytest.mark.parametrize(
    "header",
    [
        f"a,{' ' * LONG},b",
        f'"a",{" " * LONG}b',
        '"' * LONG,
        '"a' * (LONG // 2),
        "," * LONG + "x",
        " ," * (LONG // 2) + "x",
        'W/"' * (LONG // 3),
        '"a",' * (LONG // 4) + "x",
        '"' + "a" * LONG,
    ],
    ids=["blanks", "blanks-after-tag", "quotes", "open-quotes", "commas", "gaps", "weak", "tags", "one-tag"],
)
def test_a_long_header_is_rejected_in_linear_time(header: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(HeaderInvalid, match="exceeds"):
        parse_preconditions(header, None)
    monkeypatch.setattr(module, "MAX_LENGTH", len(header))
    begun = time.process_time()
    with pytest.raises(HeaderInvalid):
        parse_preconditions(header, None)
    assert time.process_time() - begun < 1


@pytest.mark.parametrize("parameter", ['a="' + ";" * LONG, ";" * LONG, 'a="\\";' * (LONG // 6), "a=" + "b" * LONG])
def test_a_long_media_type_is_rejected_unparsed(parameter: str) -> None:
    begun = time.process_time()
    assert media_type(f"{JSON};{parameter}", (JSON,)) is None
    assert time.process_time() - begun < 1
