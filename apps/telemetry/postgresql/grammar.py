"""Just enough of PostgreSQL's grammar to tell reads from writes.

A statement *writes* if it changes or stores rows, or locks them for a change: PostgreSQL rejects it in a read-only
transaction. It *reads* if it returns rows and changes none. Everything else is *other*: DDL, session and transaction
control, maintenance, and statements whose text does not show what they do (EXECUTE, CALL, DO). Source:
https://www.postgresql.org/docs/18/sql-commands.html
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Literal

from apps.telemetry.postgresql.tokens import ZERO

Operation = Literal["read", "write", "other"]
Tokens = Sequence[str]

_STRENGTH: Final[Mapping[Operation, int]] = {"other": 0, "read": 1, "write": 2}
_QUERIES: Final = frozenset({"select", "values", "table", "with", "("})
_OFF: Final = frozenset({"off", "false", ZERO})
_SLICING: Final = frozenset({"substring", "overlay"})
"""Functions with a FOR of their own, about characters."""
_LOCKS: Final = (("update",), ("share",), ("no", "key", "update"), ("key", "share"))


def operation_of_tokens(tokens: Tokens) -> Operation:
    """The operation of a script: that of its strongest statement."""
    return max(map(_of_statement, _statements(tokens)), key=_STRENGTH.__getitem__, default="other")


def _statements(tokens: Tokens) -> Iterator[Tokens]:
    """The statements between semicolons; a function body in SQL belongs to its definition."""
    start = depth = 0
    for index, word in enumerate(tokens):
        if word == "(" or (word == "atomic" and tokens[index - 1] == "begin") or (depth and word == "case"):
            depth += 1
        elif word == ")" or (depth and word == "end"):
            depth = max(0, depth - 1)
        elif word == ";" and not depth:
            yield tokens[start:index]
            start = index + 1
    yield tokens[start:]


def _of_statement(tokens: Tokens) -> Operation:
    start = next((index for index, word in enumerate(tokens) if word != "("), len(tokens))
    if start == len(tokens):
        return "other"
    return _BY_KEYWORD.get(tokens[start], _other)(tokens[start:])


def _other(_: Tokens) -> Operation:
    return "other"


def _read(_: Tokens) -> Operation:
    return "read"


def _write(_: Tokens) -> Operation:
    return "write"


def _of_select(tokens: Tokens) -> Operation:
    """SELECT … INTO stores its rows, FOR UPDATE or SHARE locks them, also in a subquery."""
    openers: list[str] = []
    for index, word in enumerate(tokens):
        if word == "(":
            openers.append(tokens[index - 1] if index else "")
        elif word == ")" and openers:
            openers.pop()
        elif (word == "into" and tokens[index - 1] != "as") or (
            word == "for" and _locks(tokens[index + 1 : index + 4]) and not {*openers[-1:]} & _SLICING
        ):
            return "write"
    return "read"


def _locks(following: Tokens) -> bool:
    return any(tuple(following[: len(words)]) == words for words in _LOCKS)


def _of_with(tokens: Tokens) -> Operation:
    """WITH …: the strongest of its parts and of the main statement."""
    index = 2 if tokens[1:2] == ["recursive"] else 1
    found: Operation = "other"
    while (opening := _after_word(tokens, "as", index)) < len(tokens):
        while opening < len(tokens) and tokens[opening] in {"not", "materialized"}:
            opening += 1
        end = _group_end(tokens, opening)
        found = _stronger(found, _of_statement(tokens[opening + 1 : end]))
        index = _after_walk(tokens, end + 1)
        if tokens[index : index + 1] != [","]:
            break
        index += 1
    return _stronger(found, _of_statement(tokens[index:]))


def _after_walk(tokens: Tokens, index: int) -> int:
    """The index after SEARCH … SET column and CYCLE … USING column, if present."""
    if tokens[index : index + 1] == ["search"]:
        index = _after_word(tokens, "set", index) + 1
    if tokens[index : index + 1] == ["cycle"]:
        index = _after_word(tokens, "using", index) + 1
    return index


def _of_merge(tokens: Tokens) -> Operation:
    """MERGE, unless every action is DO NOTHING."""
    actions = [tuple(tokens[index + 1 : index + 3]) for index, word in enumerate(tokens) if word == "then"]
    return "other" if actions and set(actions) == {("do", "nothing")} else "write"


def _of_copy(tokens: Tokens) -> Operation:
    """COPY: FROM writes, TO reads; a query counts as what it does."""
    if tokens[1:2] == ["("]:
        return _of_statement(tokens[2 : _group_end(tokens, 1)])
    direction = next((word for word in _top_level(tokens) if word in {"from", "to"}), "")
    return {"from": _write, "to": _read}.get(direction, _other)(tokens)


def _of_explain(tokens: Tokens) -> Operation:
    """EXPLAIN only plans; EXPLAIN ANALYZE runs its statement."""
    index, analyzed = 1, False
    if tokens[1:2] == ["("] and tokens[2:3] and tokens[2] not in _QUERIES:
        end = _group_end(tokens, 1)
        analyzed, index = _option(tokens[2:end]), end + 1
    while tokens[index : index + 1] and tokens[index] in {"analyze", "analyse", "verbose"}:
        analyzed, index = analyzed or tokens[index] != "verbose", index + 1
    return _of_statement(tokens[index:]) if analyzed else "other"


def _option(options: Tokens) -> bool:
    """Whether this option list turns ANALYZE on; the last mention wins."""
    switched = False
    for index, word in enumerate(options):
        if word in {"analyze", "analyse"} and options[index - 1 : index] in ([], [","]):
            switched = options[index + 1 : index + 2] == [] or options[index + 1] not in _OFF
    return switched


def _of_declare(tokens: Tokens) -> Operation:
    """DECLARE … CURSOR FOR query: the operation of the query."""
    return _of_statement(tokens[_after_word(tokens, "for", 1) :])


def _of_create(tokens: Tokens) -> Operation:
    """CREATE TABLE AS and CREATE MATERIALIZED VIEW store rows, except WITH NO DATA; other definitions do not."""
    kinds = {"table", "materialized"}
    kind = next((index for index, word in enumerate(tokens[:5]) if word in kinds), None)
    if kind is None or not {*tokens[1:kind]} <= {"temp", "temporary", "unlogged", "local", "global"}:
        return "other"
    query = tokens[_after_word(tokens, "as", kind) :]
    stores = query[:1] and query[0] in {*_QUERIES, "execute"}
    return "write" if stores and list(query[-3:]) != ["with", "no", "data"] else "other"


def _of_refresh(tokens: Tokens) -> Operation:
    return "other" if list(tokens[-3:]) == ["with", "no", "data"] else "write"


def _stronger(one: Operation, another: Operation) -> Operation:
    return max(one, another, key=_STRENGTH.__getitem__)


def _group_end(tokens: Tokens, opening: int) -> int:
    """The index of the matching closing parenthesis; the end if it is missing."""
    depth = 0
    for index in range(opening, len(tokens)):
        depth += {"(": 1, ")": -1}.get(tokens[index], 0)
        if depth <= 0:
            return index
    return len(tokens)


def _after_word(tokens: Tokens, wanted: str, start: int) -> int:
    """The index after the next occurrence of the word outside parentheses; the end if it is missing."""
    depth = 0
    for index in range(start, len(tokens)):
        depth += {"(": 1, ")": -1}.get(tokens[index], 0)
        if not depth and tokens[index] == wanted:
            return index + 1
    return len(tokens)


def _top_level(tokens: Tokens) -> Iterator[str]:
    """The tokens outside parentheses."""
    depth = 0
    for word in tokens:
        depth += {"(": 1, ")": -1}.get(word, 0)
        if not depth:
            yield word


_BY_KEYWORD: Final[Mapping[str, Callable[[Tokens], Operation]]] = {
    "select": _of_select,
    "values": _of_select,
    "table": _of_select,
    "with": _of_with,
    "fetch": _read,
    "move": _read,
    "insert": _write,
    "update": _write,
    "delete": _write,
    "merge": _of_merge,
    "truncate": _write,
    "copy": _of_copy,
    "explain": _of_explain,
    "declare": _of_declare,
    "create": _of_create,
    "refresh": _of_refresh,
}
