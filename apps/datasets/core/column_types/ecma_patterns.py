r"""ECMA-262 patterns, the standard's dialect, translated to RE2: the same values match, or the pattern is rejected.

A pattern is parsed as with JavaScript's flag `u`, but escaped punctuation and lone braces as without it. RE2 agrees on
`^`, `$`, `\d`, `\w` and `\b`; everything it reads differently is spelled out. Groups do not capture, because their
contents are not used. Source: ECMA-262, 22.2.1 and B.1.2.
"""

import re
from typing import Final

MAX_LENGTH: Final = 5_000
"""Maximum characters of a pattern."""
MAX_REPEAT: Final = 1_000
"""RE2's own limit of a repetition."""

SPACE: Final = r"\t\n\x{b}\f\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}"
NOT_SPACE: Final = (
    r"\x{0}-\x{8}\x{e}-\x{1f}!-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}\x{202a}-\x{202e}"
    r"\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff}"
)
"""ECMA's white space and its complement, as members of a class: RE2's `\\s` is ASCII only."""
DOT: Final = r"[^\n\r\x{2028}\x{2029}]"
ANY: Final = "(?s:.)"

CONTROLS: Final = {"t": 0x09, "n": 0x0A, "v": 0x0B, "f": 0x0C, "r": 0x0D}
CATEGORIES: Final = {
    "L": "Letter", "Lu": "Uppercase_Letter", "Ll": "Lowercase_Letter", "Lt": "Titlecase_Letter",
    "Lm": "Modifier_Letter", "Lo": "Other_Letter", "M": "Mark", "Mn": "Nonspacing_Mark", "Mc": "Spacing_Mark",
    "Me": "Enclosing_Mark", "N": "Number", "Nd": "Decimal_Number", "Nl": "Letter_Number", "No": "Other_Number",
    "P": "Punctuation", "Pc": "Connector_Punctuation", "Pd": "Dash_Punctuation", "Ps": "Open_Punctuation",
    "Pe": "Close_Punctuation", "Pi": "Initial_Punctuation", "Pf": "Final_Punctuation", "Po": "Other_Punctuation",
    "S": "Symbol", "Sm": "Math_Symbol", "Sc": "Currency_Symbol", "Sk": "Modifier_Symbol", "So": "Other_Symbol",
    "Z": "Separator", "Zs": "Space_Separator", "Zl": "Line_Separator", "Zp": "Paragraph_Separator",
    "Cc": "Control", "Cf": "Format", "Co": "Private_Use",
}  # fmt: skip
BY_CATEGORY: Final = {name: short for short, long in CATEGORIES.items() for name in (short, long)}

QUANTIFIER: Final = re.compile(r"(?:[*+?]|\{(?P<low>[0-9]+)(?P<more>,(?P<high>[0-9]*))?\})\??")
GROUP: Final = re.compile(r"\((?:\?(?:(?P<flags>[is]*):|P?<(?P<name>[^\W\d]\w*)>)|(?!\?))")
LEADING_FLAGS: Final = re.compile(r"\(\?([is]+)\)")
PROPERTY: Final = re.compile(r"\{(?:(?P<key>[A-Za-z_]+)=)?(?P<value>[A-Za-z_]+)\}")
UNICODE: Final = re.compile(r"([0-9A-Fa-f]{4})|\{([0-9A-Fa-f]{1,8})\}")
LOW_HALF: Final = re.compile(r"\\u([Dd][C-Fc-f][0-9A-Fa-f]{2})")

REFUSED_GROUPS: Final = {
    "(?=": "a lookahead",
    "(?!": "a lookahead",
    "(?<=": "a lookbehind",
    "(?<!": "a lookbehind",
    "(?>": "an atomic group",
    "(?P=": "a back-reference",
    "(?(": "a condition",
    "(?#": "a comment",
}
ANCHORS_ELSEWHERE: Final = {"A": "^", "Z": "$", "z": "$"}
ELSEWHERE: Final = "check this in the producer, or write it without"


class UnsupportedPattern(ValueError):
    """The pattern cannot be checked: `rule` is why, `remedy` what to write instead."""

    def __init__(self, rule: str, remedy: str = "") -> None:
        super().__init__(rule)
        self.rule = rule
        self.remedy = remedy


def re2_pattern(pattern: str) -> str:
    """The pattern in RE2's syntax, to be compiled without flags and searched anywhere in a value.

    Raises UnsupportedPattern.
    """
    if len(pattern) > MAX_LENGTH:
        raise UnsupportedPattern(f"has {len(pattern)} characters, the limit is {MAX_LENGTH}", "use enum for a list")
    return _PatternTranslator(pattern).translate()


class _PatternTranslator:
    """Translates one pattern: `at` is the next character to read, `out` the translation so far."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.out: list[str] = []
        self.dots: list[str] = [DOT]
        self.folds: list[bool] = [False]
        self.repeatable = False

    def translate(self) -> str:
        """The full translation, in its own group."""
        flags = LEADING_FLAGS.match(self.pattern)
        if flags:
            self.at = flags.end()
            self._open(flags[1])
        else:
            self._open("")
        while self.at < len(self.pattern):
            self._step()
        if len(self.dots) > 2:
            raise _malformed("missing )")
        return "".join((*self.out, ")"))

    def _step(self) -> None:
        char = self.pattern[self.at]
        if char in "*+?{" and self._quantifier():
            return
        self.repeatable = char not in "^$|"
        if char == "(":
            self._group()
            return
        self.at += 1
        if char == ")":
            self._close()
        elif char == "[":
            self.out.append(self._class())
        elif char == "\\":
            self.out.append(self._escape())
        elif char == ".":
            self.out.append(self.dots[-1])
        else:
            self.out.append(char if char in "^$|" else _literal(ord(char)))

    def _quantifier(self) -> bool:
        """Whether a quantifier was read; a brace that starts no quantifier is literal."""
        match = QUANTIFIER.match(self.pattern, self.at)
        if match is None:
            if self.pattern.startswith("{,", self.at):
                raise _malformed("{,n} is not ECMA-262 syntax", "write {0,n}")
            return False
        if not self.repeatable:
            raise _malformed(f"nothing to repeat at {self.at}")
        for bound in filter(None, (match["low"], match["high"])):
            if len(bound) > 9 or int(bound) > MAX_REPEAT:
                rule = f"repeats {bound[:9]} times, RE2's limit is {MAX_REPEAT}"
                raise UnsupportedPattern(rule, "use + or *, and minLength or maxLength for the count")
        if match["low"] and match["high"] and int(match["low"]) > int(match["high"]):
            raise _malformed(f"{match[0]} is out of order")
        self.out.append(match[0])
        self.at = match.end()
        self.repeatable = False
        return True

    def _group(self) -> None:
        match = GROUP.match(self.pattern, self.at)
        if match is None:
            rest = self.pattern[self.at : self.at + 4]
            for begin, what in REFUSED_GROUPS.items():
                if rest.startswith(begin):
                    raise UnsupportedPattern(f"has {what} {begin}…), which needs more than linear time", ELSEWHERE)
            raise _malformed(f"{rest} is not an ECMA-262 group", "flags: (?i:…), (?s:…), or (?i) at the beginning")
        self.at = match.end()
        self._open(match["flags"] or "")

    def _open(self, flags: str) -> None:
        self.out.append("(?i:" if "i" in flags else "(?:")
        self.dots.append(ANY if "s" in flags else self.dots[-1])
        self.folds.append("i" in flags or self.folds[-1])
        self.repeatable = False

    def _close(self) -> None:
        if len(self.dots) == 2:
            raise _malformed("unmatched )")
        self.dots.pop()
        self.folds.pop()
        self.out.append(")")

    def _escape(self) -> str:
        """The translation of an escape outside a class; its backslash has been read."""
        letter = self._next()
        if letter in "123456789k":
            raise UnsupportedPattern(f"has a back-reference \\{letter}, which needs more than linear time", ELSEWHERE)
        if letter in "bB":
            self.repeatable = False
            return f"\\{letter}"
        if letter in "sS":
            return f"[{SPACE}]" if letter == "s" else f"[^{SPACE}]"
        point = self._code_point(letter)
        return self._set(letter) if point is None else _literal(point)

    def _class(self) -> str:
        """The class; its opening bracket has been read."""
        negated = self.pattern.startswith("^", self.at)
        self.at += negated
        if self.pattern.startswith("]", self.at):
            if not negated:
                raise _malformed("[] never matches", "write \\] for the bracket")
            self.at += 1
            return ANY
        members: list[str] = []
        while not self.pattern.startswith("]", self.at):
            members.append(self._range())
        self.at += 1
        return f"[{'^' if negated else ''}{''.join(members)}]"

    def _range(self) -> str:
        low = self._member()
        dash = self.pattern.startswith("-", self.at) and not self.pattern.startswith("-]", self.at)
        if not dash:
            return low if isinstance(low, str) else _literal(low)
        self.at += 1
        high = self._member()
        if isinstance(low, str) or isinstance(high, str):
            return "".join(part if isinstance(part, str) else _literal(part) for part in (low, ord("-"), high))
        if low > high:
            raise _malformed(f"the range {chr(low)}-{chr(high)} is out of order")
        return f"{_literal(low)}-{_literal(high)}"

    def _member(self) -> int | str:
        """The next member of a class: a code point, or a set in RE2's syntax."""
        char = self._next("missing ]")
        if char != "\\":
            return ord(char)
        letter = self._next()
        if letter == "b":
            return 0x08
        if letter in "sS":
            return SPACE if letter == "s" else NOT_SPACE
        point = self._code_point(letter)
        return self._set(letter) if point is None else point

    def _set(self, letter: str) -> str:
        if letter in "dDwW":
            return f"\\{letter}"
        if letter == "P" and self.folds[-1]:
            rule = "has \\P under the flag i: RE2 excludes what differs only in case, ECMA-262 does not"
            raise UnsupportedPattern(rule, "list the allowed characters, or omit the flag")
        if letter in "pP":
            return f"\\{letter}{{{self._property()}}}"
        if letter in ANCHORS_ELSEWHERE:
            raise _malformed(f"\\{letter} is not ECMA-262 syntax", f"write {ANCHORS_ELSEWHERE[letter]}")
        raise _malformed(f"\\{letter} is not ECMA-262 syntax")

    def _property(self) -> str:
        match = PROPERTY.match(self.pattern, self.at)
        if match is not None:
            self.at = match.end()
            key, value = match["key"], match["value"]
            if key in {None, "gc", "General_Category"} and value in BY_CATEGORY:
                return BY_CATEGORY[value]
            if key in {"sc", "Script"} and value not in {*BY_CATEGORY, "Any"}:
                return value
        known = "write a general category such as \\p{Lu}, or \\p{Script=Greek}"
        raise UnsupportedPattern("uses a Unicode property that RE2 does not support", known)

    def _code_point(self, letter: str) -> int | None:
        """The single character of the escape; None if it means several or nothing."""
        if letter in CONTROLS:
            return CONTROLS[letter]
        if letter == "0" and not self.pattern[self.at : self.at + 1].isdigit():
            return 0
        if letter == "c" and re.match("[A-Za-z]", self.pattern[self.at : self.at + 1]):
            return ord(self._next()) % 32
        if letter == "x" and (match := re.compile("[0-9A-Fa-f]{2}").match(self.pattern, self.at)):
            self.at = match.end()
            return int(match[0], 16)
        if letter == "u" and (match := UNICODE.match(self.pattern, self.at)):
            self.at = match.end()
            return self._surrogate_pair(int(match[1] or match[2], 16))
        return ord(letter) if letter.isascii() and not letter.isalnum() else None

    def _surrogate_pair(self, point: int) -> int:
        low = LOW_HALF.match(self.pattern, self.at) if 0xD800 <= point <= 0xDBFF else None
        if low is None:
            return point
        self.at = low.end()
        return 0x10000 + ((point - 0xD800) << 10) + int(low[1], 16) - 0xDC00

    def _next(self, missing: str = "it ends in a backslash") -> str:
        if self.at >= len(self.pattern):
            raise _malformed(missing)
        self.at += 1
        return self.pattern[self.at - 1]


def _literal(point: int) -> str:
    if 0xD800 <= point <= 0xDFFF:
        raise _malformed(f"\\u{point:04x} is half of a surrogate pair", "write the character, such as \\u{1f600}")
    if point > 0x10FFFF:
        raise _malformed(f"\\u{{{point:x}}} is not a code point")
    char = chr(point)
    return char if char.isascii() and char.isalnum() else f"\\x{{{point:x}}}"


def _malformed(what: str, remedy: str = "") -> UnsupportedPattern:
    return UnsupportedPattern(f"is not a regular expression: {what}", remedy)
