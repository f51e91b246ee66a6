"""A contract's pattern means what ECMA-262 defines and costs linear time; otherwise it is rejected."""

import random
import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.datasets.core.column_types.ecma_patterns import MAX_LENGTH, UnsupportedPattern
from apps.datasets.core.column_types.patterns import MAX_WORK, ContractPattern, compiled_pattern
from apps.datasets.core.contract.contract import Contract
from apps.datasets.core.document.odcs import contract_from_odcs
from apps.datasets.core.errors import BadRecord, ContractInvalid
from apps.datasets.core.record.json_reader import json_reader
from apps.ingest.adapters.watchdog import LIMIT_S
from tests.bulk_rows import suspects
from tests.documents import document, prop


def contract(pattern: str, **more: Any) -> Contract:
    options = {"pattern": pattern}
    return contract_from_odcs(document("things", [prop("s", "string", logicalTypeOptions=options, **more)]))


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        ("", ["", "a", "\n"], []),
        ("b", ["b", "abc", "\nb\n"], ["", "a", "B"]),
        ("^[A-Z]{2}$", ["AB"], ["AB\n", "\nAB", "ABC", "AB\r", ""]),
        ("^a$|^b$", ["a", "b"], ["ab", "a\nb", "c"]),
        ("a|b$", ["ax", "xb"], ["bx"]),
        (r"^\d+$", ["09"], ["٣", "１", ""]),  # noqa: RUF001
        (r"^\w+$", ["aZ_9"], ["é", "a-b"]),
        (r"^\s$", [" ", "\n", "\v", "\u00a0", "\u2003", "\u2028", "\u3000", "\ufeff"], ["", "\u200b", "\u0085"]),
        (r"^\S$", ["a", "\u200b", "😀"], ["\ufeff", "\u2029"]),
        (r"^[\S]$", ["a", "😀"], ["\u00a0", "\t"]),
        (r"^[^\s,]+$", ["a;b"], ["a\u00a0b", "a,b"]),
        ("^.$", ["a", "😀", "\x85"], ["\n", "\r", "\u2028", "\u2029", ""]),
        ("^[^]$", ["\n", "a"], ["", "ab"]),
        ("^[^a]$", ["\n", "b"], ["a"]),
        ("(?s)^.$", ["\n", "\r"], [""]),
        ("^(?<year>[0-9]{4})-(?<month>[0-9]{2})$", ["2013-01"], ["2013-1"]),
        ("^(?P<year>[0-9]{4})$", ["2013"], ["201"]),
        (r"^\u00e9\u{1f600}\ud83d\ude00\x41$", ["é😀😀A"], ["e😀😀A"]),
        (r"^\cJ\0\t$", ["\n\x00\t"], ["J0t"]),
        (r"^a\/b\-c\_$", ["a/b-c_"], [r"a\/b"]),
        (r"^[[\]\-\b]+$", ["[]-\b"], ["\\"]),
        (r"^[\w-.]+@[^@ ]+$", ["a-b.c@d"], ["a b@c", "@c"]),
        (r"\bcat\b", ["a cat.", "cat"], ["concat", "cats"]),
        ("^a{b}{}$", ["a{b}{}"], ["ab"]),
        (r"(?i)^k[ß-ü]$", ["Kä", "kÄ", "\u212aä"], ["ka"]),
        (r"^(?i:a)b$", ["Ab"], ["AB"]),
        (r"^\p{Lu}\p{Letter}*\p{Script=Greek}$", ["Éaω"], ["éaω", "Éa"]),
        (r"^\P{L}$", ["1", "\n", "😀"], ["é"]),
        (r"^(?i:x)\P{L}$", ["X1"], ["Xa"]),
        (r"(?i)^[^\p{Lu}]$", ["1"], ["a", "A"]),
        (r"(?:a?){3}^$", [""], ["a"]),
        (r"^(a+)+$", ["a" * 60], ["a" * 60 + "!"]),
    ],
)
def test_a_pattern_has_the_standards_meaning(pattern: str, good: list[str], bad: list[str]) -> None:
    found = compiled_pattern(pattern)
    assert [value for value in good if found.fault(value)] == []
    assert [value for value in bad if not found.fault(value)] == []
    assert found.fits_all(good)
    for value in bad:
        assert not found.fits_all([*good, value, *good])


@pytest.mark.parametrize(
    ("pattern", "rule", "remedy"),
    [
        ("a(?=b)", "lookahead (?=", "in the producer"),
        ("a(?!b)", "lookahead (?!", "in the producer"),
        ("(?<=a)b", "lookbehind (?<=", "in the producer"),
        ("(?<!a)b", "lookbehind (?<!", "in the producer"),
        (r"(a)\1", r"back-reference \1", "in the producer"),
        (r"(?<n>a)\k<n>", r"back-reference \k", "in the producer"),
        ("(?P<n>a)(?P=n)", "back-reference", "in the producer"),
        ("(?>a)", "atomic group", "in the producer"),
        ("a{1001}", "1001 times, RE2's limit is 1000", "maxLength"),
        ("a{0,99999999999999999999}", "RE2's limit is 1000", "maxLength"),
        ("(a{100}){100}", "RE2", "simplify"),
        (r"^\p{L}{1,50}$", "too large", "maxLength"),
        (r"(?:\p{L}{900}){1}", "RE2", "simplify"),
        ("a" * (MAX_LENGTH + 1), "5001 characters", "enum"),
        ("(", "not a regular expression: missing )", ""),
        ("a)", "unmatched )", ""),
        ("[a", "missing ]", ""),
        ("a\\", "ends in a backslash", ""),
        ("[z-a]", "out of order", ""),
        ("a{3,2}", "out of order", ""),
        ("*a", "nothing to repeat", ""),
        ("a**", "nothing to repeat", ""),
        ("a++", "nothing to repeat", ""),
        ("^*", "nothing to repeat", ""),
        ("[]a]", "[] never matches", r"write \]"),
        ("a{,3}", "{,n}", "write {0,n}"),
        (r"\Aa", r"\A is not ECMA-262", "write ^"),
        (r"a\Z", r"\Z is not ECMA-262", "write $"),
        (r"\a", r"\a is not ECMA-262", ""),
        (r"\00", r"\0 is not ECMA-262", ""),
        (r"\u{110000}", "not a code point", ""),
        (r"\ud83d", "half of a surrogate pair", "write the character"),
        (r"[\ud800-\udfff]", "half of a surrogate pair", "write the character"),
        (r"\p{Alphabetic}", "property", r"\p{Lu}"),
        (r"\pL", "property", r"\p{Lu}"),
        (r"\p{Script=Klingon}", "RE2", "simplify"),
        (r"\p{sc=Lu}", "property", r"\p{Lu}"),
        (r"\p{Script=Any}", "property", r"\p{Lu}"),
        (r"(?i)^\P{Lu}$", r"\P under the flag i", "omit the flag"),
        (r"a(?i:b(?s:[\P{L}]))", r"\P under the flag i", "omit the flag"),
        ("(?m)^a$", "is not an ECMA-262 group", "(?i:"),
        ("(?-i:a)", "is not an ECMA-262 group", "(?i:"),
        ("a(?i)b", "is not an ECMA-262 group", "(?i:"),
    ],
)
@pytest.mark.parametrize("stored", [False, True])
def test_an_unsupported_pattern_is_rejected(pattern: str, rule: str, remedy: str, stored: bool) -> None:
    broken = document("things", [prop("n", "integer"), prop("s", logicalTypeOptions={"pattern": pattern})])
    with pytest.raises(ContractInvalid) as error:
        contract_from_odcs(broken, stored=stored)
    (problem,) = error.value.problems
    assert problem.path == "$.schema[0].properties[1].logicalTypeOptions.pattern"
    assert rule in problem.rule
    assert remedy in problem.remedy


ATOMS = [
    *"ab0_ .-", "é", "😀", "[ab]", "[^ab]", "[^]", r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", r"[\s\S]", r"[^\w]",
    r"\n", r"\0", r"\cJ", r"[\0-\u{10ffff}]", r"\P{L}", r"\p{L}", r"(?s:.)", "(?i:A)",
]  # fmt: skip
ASSERTIONS = ["^", "$", r"\b", r"\B"]
PATTERNS = st.recursive(
    st.lists(
        st.one_of(
            st.tuples(st.sampled_from(ATOMS), st.sampled_from(["", "", "*", "+", "?", "{2}", "*?"])).map("".join),
            st.sampled_from(ASSERTIONS),
        ),
        max_size=4,
    ).map("".join),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("|".join),
        st.tuples(st.sampled_from(["(", "(?:", "(?i:"]), inner, st.sampled_from([")", ")*", "){2}"])).map("".join),
        st.tuples(inner, inner).map("".join),
    ),
    max_leaves=4,
).filter(lambda text: not ("(?i:" in text and r"\P" in text))
VALUES = st.lists(st.text(st.sampled_from("abA0_ .-\n\n\r\0é😀\u2028\u00a0"), max_size=5), max_size=6)


@given(PATTERNS, VALUES)
def test_a_column_check_agrees_with_single_checks(text: str, values: list[str]) -> None:
    pattern = ContractPattern(text)
    verdicts = [not pattern.fault(value) for value in values]
    assert pattern.fits_all(values) == all(verdicts)
    assert pattern.fits_all([value for value, fits in zip(values, verdicts, strict=True) if fits])


SHARED = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "[ab]", "[^a]", r"\d", r"\D", r"\w", r"\W", "^", r"\b", r"(?:a|\n)", "$"]),
        st.sampled_from(["", "", "+", "?"]),
    ).map(lambda pair: pair[0] if pair[0] in {"^", "$", r"\b"} else "".join(pair)),
    max_size=5,
).map("".join)


@given(SHARED, st.text(st.sampled_from("ab0_ \n"), max_size=6))
def test_shared_syntax_matches_as_in_pythons_re(text: str, value: str) -> None:
    expected = re.search(text.replace("$", r"\Z"), value, re.ASCII) is not None
    assert (not ContractPattern(text).fault(value)) == expected


@pytest.mark.parametrize("distance", [20, 300])
def test_an_automaton_that_outgrows_its_memory_stays_correct(distance: int) -> None:
    pattern = ContractPattern(f"a[ab]{{{distance}}}c")
    letters = random.Random(1).choices("ab", k=20_000)  # noqa: S311  no secret
    for place in (distance, 9_000, 19_000):
        for letter in "ab":
            value = "".join(letters[:place]) + "c" + "".join(letters[place:])
            value = value[: place - distance - 1] + letter + value[place - distance :] if place > distance else value
            expected = place > distance and letter == "a"
            assert (not pattern.fault(value)) == expected
            assert pattern.fits_all([value]) == expected


@pytest.mark.parametrize("text", [r"^(\w+\s?)*$", r"^(a|aa)+$", r"^([a-zA-Z0-9]+)*@$", r"(.*,){20}x$"])
def test_no_value_makes_a_pattern_backtrack(text: str) -> None:
    pattern, value = ContractPattern(text), "a" * 100_000 + "!"
    before = time.process_time()
    assert pattern.fault(value)
    assert not pattern.fits_all([value, "b"])
    assert time.process_time() - before < 5


def test_a_value_is_limited_by_the_cost_of_its_pattern() -> None:
    pattern = ContractPattern("^(?:a|b)*a(?:a|b){900}$")
    longest = "a" * pattern.max_bytes
    assert pattern.max_bytes < MAX_WORK / 900
    assert pattern.fault(longest + "a") == (
        f"has {pattern.max_bytes + 1} bytes, the limit for its pattern is {pattern.max_bytes}"
    )
    assert not pattern.fits_all(["a" * 901, longest + "a"])


@pytest.mark.parametrize("text", ["^(?:a|b)*a(?:a|b){900}$", "a[ab]{20}c"])
def test_the_most_expensive_match_ends_within_the_watchdogs_limit_at_a_quarter_of_a_core(text: str) -> None:
    pattern = ContractPattern(text)
    value = "".join(random.Random(1).choices("ab", k=pattern.max_bytes - 1))  # noqa: S311  no secret
    for match in (pattern.fault, lambda one: pattern.fits_all([one])):
        before = time.process_time()
        match(value)
        assert time.process_time() - before < LIMIT_S / 4


def test_many_long_values_are_checked_in_portions() -> None:
    pattern = ContractPattern(r"^[\p{L}\p{N}]+$")
    values = ["é" * 30_000] * 40
    assert sum(len(value.encode()) for value in values) > pattern.max_bytes
    assert pattern.fits_all(values)
    assert not pattern.fits_all([*values, "!"])


def test_a_record_error_names_field_and_pattern_and_not_the_value() -> None:
    reader = json_reader(contract("^[A-Z]{2}$", required=True))
    assert reader.decode(b'{"s":"AB"}') == ("AB",)
    for value in ("AB\n", "ab", "\u0663\u0663"):
        with pytest.raises(BadRecord, match=r"'s' does not match its pattern \^\[A-Z\]\{2\}\$") as error:
            reader.decode(f'{{"s":{value!a}}}'.replace("'", '"').encode())
        assert (error.value.reason, error.value.field) == ("out_of_range", "s")
    assert reader.decode_all([b'{"s":"AB"}', b'{"s":"CD"}'], [(1,), (2,)]) == ([("AB", 1), ("CD", 2)], [])
    assert suspects(reader, [b'{"s":"AB"}', b'{"s":"CD\\n"}']) == [1]


def test_an_enum_value_must_match_the_pattern_too() -> None:
    reader = json_reader(contract("^a", enum=[{"value": "ab"}, {"value": "b"}]))
    assert reader.decode(b'{"s":"ab"}') == ("ab",)
    with pytest.raises(BadRecord, match="does not match"):
        reader.decode(b'{"s":"b"}')


def test_a_pattern_applies_to_a_key_too() -> None:
    properties = [prop("k", primaryKey=True, logicalTypeOptions={"pattern": "^[0-9]+$"})]
    reader = json_reader(contract_from_odcs(document(properties=properties, mode="upsert")))
    assert reader.decode_key(b"12") == ("12",)
    with pytest.raises(BadRecord, match="in the key, 'k' does not match") as error:
        reader.decode_key(b"12x")
    assert error.value.reason == "bad_key"


def test_an_unsupported_pattern_has_its_own_error() -> None:
    with pytest.raises(UnsupportedPattern) as error:
        compiled_pattern("(?=a)")
    assert str(error.value) == error.value.rule
