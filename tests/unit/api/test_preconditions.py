"""Conditional headers by their grammar, in a time that grows as they do."""

import time

import pytest

from apps.api.core import preconditions as module
from apps.api.core.errors import HeaderInvalid
from apps.api.core.media_types import JSON, media_type
from apps.api.core.preconditions import ANY, preconditions

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
def test_a_list_of_tags_is_read(header: str, tags: set[str]) -> None:
    assert preconditions(header, None).match == frozenset(tags)
    assert preconditions(None, header).none_match == frozenset(tags)


@pytest.mark.parametrize(
    "header",
    ['*, "1"', '"1", *', "1", "a,b", '"1" "2"', '"1"W/"2"', '"1', '1"', 'W/ "1"', 'w/"1"', '"a b"', '"1"\n,"2"', "**"],
)
def test_what_is_no_list_of_tags_is_refused(header: str) -> None:
    for match, none_match, name in ((header, None, "If-Match"), (None, header, "If-None-Match")):
        with pytest.raises(HeaderInvalid, match=name) as refused:
            preconditions(match, none_match)
        assert refused.value.parameter == name


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
def test_a_long_header_is_refused_in_a_time_that_grows_as_it_does(
    header: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(HeaderInvalid, match="longer than"):
        preconditions(header, None)
    monkeypatch.setattr(module, "MAX_LENGTH", len(header))
    begun = time.process_time()
    with pytest.raises(HeaderInvalid):
        preconditions(header, None)
    assert time.process_time() - begun < 1


@pytest.mark.parametrize("parameter", ['a="' + ";" * LONG, ";" * LONG, 'a="\\";' * (LONG // 6), "a=" + "b" * LONG])
def test_a_long_media_type_is_not_taken_apart(parameter: str) -> None:
    begun = time.process_time()
    assert media_type(f"{JSON};{parameter}", (JSON,)) is None
    assert time.process_time() - begun < 1
