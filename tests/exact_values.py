"""Values that a column keeps exactly, and values that it must refuse because it would change them.

Each is the JSON of a field; a stored one has PostgreSQL's text of it.
"""

from typing import Final

from tests.documents import prop

FIELDS: Final = (
    prop("double", "number", "double precision"),
    prop("doubles", "array", "double precision[]"),
    prop("real", "number", "real"),
    prop("reals", "array", "real[]"),
    prop("number", "number", "numeric"),
    prop("money", "number", "numeric(12,2)"),
    prop("rate", "number", "numeric(4,4)"),
    prop("share", "number", "numeric", logicalTypeOptions={"minimum": 0, "exclusiveMaximum": 1.5}),
    prop("numbers", "array", "numeric(12,2)[]"),
    prop("at", "timestamp"),
    prop("local", "timestamp", "timestamp"),
    prop("clock", "time"),
    prop("ats", "array", "timestamptz[]"),
    prop("big", "integer"),
    prop("text"),
    prop("doc", "object"),
)

_LAST_SECOND: Final = "2026-12-31 23:59:59.999999"
STORED: Final = (
    ("double", "9007199254740991", "9.007199254740991e+15"),
    ("double", "9007199254740992", "9.007199254740992e+15"),
    ("double", "-9007199254740992", "-9.007199254740992e+15"),
    ("double", "1e23", "9.999999999999999e+22"),
    ("double", "123456789012345680000", "1.2345678901234568e+20"),
    ("double", "1.7976931348623157e308", "1.7976931348623157e+308"),
    ("double", "9.9999999999999992e22", "9.999999999999999e+22"),
    ("double", "9007199254740993.5", "9.007199254740994e+15"),
    ("double", "0.1", "0.1"),
    ("double", "0.30000000000000000000001", "0.3"),
    ("double", "5e-324", "5e-324"),
    ("double", "0", "0"),
    ("double", "0.0e-400", "0"),
    ("double", "-0.0", "-0"),
    ("doubles", "[9007199254740992,null,0,1.5]", "{9.007199254740992e+15,NULL,0,1.5}"),
    ("real", "16777216", "1.6777216e+07"),
    ("real", "16777215", "1.6777215e+07"),
    ("real", "1e10", "1e+10"),
    ("real", "0.1", "0.1"),
    ("real", "16777217.5", "1.6777218e+07"),
    ("real", "1e-45", "1e-45"),
    ("real", "3.4028235e38", "3.4028235e+38"),
    ("reals", "[0,-0.5]", "{0,-0.5}"),
    ("number", "0.1", "0.1"),
    ("number", "1.50", "1.50"),
    ("number", '"1.50"', "1.50"),
    ("number", '"-12e-3"', "-0.012"),
    ("number", '"\\u0031"', "1"),
    ("number", "1e2", "100"),
    ("number", "9007199254740993", "9007199254740993"),
    ("number", "0.12345678901234567890123456789012345678901", "0.12345678901234567890123456789012345678901"),
    ("number", "99999999999999999999999999999999999999999", "99999999999999999999999999999999999999999"),
    ("number", "-0", "0"),
    ("number", "0.000", "0.000"),
    ("number", "null", None),
    ("money", "12.5", "12.50"),
    ("money", "9999999999.99", "9999999999.99"),
    ("money", "-0.01", "-0.01"),
    ("money", "12.5000", "12.50"),
    ("money", "1e9", "1000000000.00"),
    ("money", "125e-2", "1.25"),
    ("money", '"12.50"', "12.50"),
    ("money", "10000", "10000.00"),
    ("money", "100000000", "100000000.00"),
    ("money", "null", None),
    ("rate", "0.0625", "0.0625"),
    ("rate", "-0.9999", "-0.9999"),
    ("share", "0", "0"),
    ("share", "1.49999999999999999999", "1.49999999999999999999"),
    ("share", "-0.0", "0.0"),
    ("numbers", "[1.5,null,-0.25]", "{1.50,NULL,-0.25}"),
    ("numbers", '["1.25",2]', "{1.25,2.00}"),
    ("at", '"2026-12-31T23:59:59.9999999Z"', f"{_LAST_SECOND}+00"),
    ("at", '"2026-12-31T23:59:59.999999999Z"', f"{_LAST_SECOND}+00"),
    ("at", '"2026-12-31T23:59:59.999999\\u0039Z"', f"{_LAST_SECOND}+00"),
    ("at", '"2026-12-31T23:59:59.999999Z"', f"{_LAST_SECOND}+00"),
    ("at", '"2027-01-01T01:59:59.999999999+02:00"', f"{_LAST_SECOND}+00"),
    ("at", '"2026-01-01T00:00:00.1234565Z"', "2026-01-01 00:00:00.123456+00"),
    ("at", '"2026-01-01T00:00:00.12Z"', "2026-01-01 00:00:00.12+00"),
    ("local", '"2026-12-31T23:59:59.9999999"', _LAST_SECOND),
    ("local", '"9999-12-31T23:59:59.9999999"', "9999-12-31 23:59:59.999999"),
    ("clock", '"23:59:59.9999999"', "23:59:59.999999"),
    ("clock", '"12:00:00.123456789"', "12:00:00.123456"),
    ("ats", '["2026-12-31T23:59:59.9999999Z",null]', f'{{"{_LAST_SECOND}+00",NULL}}'),
    ("big", "9223372036854775807", "9223372036854775807"),
    ("text", '"2026-12-31T23:59:59.9999999Z"', "2026-12-31T23:59:59.9999999Z"),
    ("text", '"1_000"', "1_000"),
    ("text", '"\\u0022"', '"'),
    ("doc", '{"bb":1.10,"a":1e2}', '{"a": 100, "bb": 1.10}'),
    ("doc", '{"a":1,"a":2}', '{"a": 2}'),
    ("doc", '{"at":"2026-12-31T23:59:59.9999999Z"}', '{"at": "2026-12-31T23:59:59.9999999Z"}'),
)  # fmt: skip

REFUSED: Final = (
    ("double", "9007199254740993", "out_of_range"),
    ("double", "-9007199254740993", "out_of_range"),
    ("double", "9007199254740993.0", "out_of_range"),
    ("double", "9.007199254740993e15", "out_of_range"),
    ("double", "12345678901234567890", "out_of_range"),
    ("double", "4e-325", "out_of_range"),
    ("double", "-1e-400", "out_of_range"),
    ("double", "0." + "0" * 330 + "1", "out_of_range"),
    ("double", "1e400", "out_of_range"),
    ("doubles", "[1,9007199254740993]", "out_of_range"),
    ("doubles", "[0,4e-325]", "out_of_range"),
    ("real", "16777217", "out_of_range"),
    ("real", "123456789", "out_of_range"),
    ("real", "1.6777217e7", "out_of_range"),
    ("real", "1e-50", "out_of_range"),
    ("real", "7e-46", "out_of_range"),
    ("real", "0." + "0" * 38 + "1e-9", "out_of_range"),
    ("reals", "[16777217]", "out_of_range"),
    ("number", '"1_000"', "wrong_type"),
    ("number", '"١٢٣"', "wrong_type"),
    ("number", '"\\u0661"', "wrong_type"),
    ("number", '" 12 "', "wrong_type"),
    ("number", '"+1"', "wrong_type"),
    ("number", '"0x1"', "wrong_type"),
    ("number", '".5"', "wrong_type"),
    ("number", '"1."', "wrong_type"),
    ("number", '"01"', "wrong_type"),
    ("number", '""', "wrong_type"),
    ("number", '"Infinity"', "out_of_range"),
    ("number", '"NaN"', "out_of_range"),
    ("number", "1e5000", "out_of_range"),
    ("money", "0.001", "out_of_range"),
    ("money", "10000000000", "out_of_range"),
    ("money", '"1_0"', "wrong_type"),
    ("rate", "1", "out_of_range"),
    ("share", "1.5", "out_of_range"),
    ("share", "-0.00000000000000000000001", "out_of_range"),
    ("numbers", '["1_000"]', "wrong_type"),
    ("numbers", '[1," 2 "]', "wrong_type"),
    ("numbers", "[0.001]", "out_of_range"),
    ("at", '"9999-12-31T23:59:59.9999999Z"', "out_of_range"),
    ("at", '"2026-12-31T23:59:59.9999999"', "out_of_range"),
    ("local", '"2026-12-31T23:59:59.9999999Z"', "out_of_range"),
    ("clock", '"23:59:60.0000000"', "out_of_range"),
    ("big", "9223372036854775808", "out_of_range"),
    ("big", "1.0", "wrong_type"),
    ("doc", "[]", "wrong_type"),
)

REPEATED: Final = (
    '{"big":1,"big":2}',
    '{"text":"keep","text":null}',
    '{"text":null,"text":"keep"}',
    '{"big" : 1, "\\u0062ig"\n: 1}',
    '{"doc":{},"doc":{"a":1}}',
)


def record(column: str, text: str) -> bytes:
    """The record with this field only."""
    return f'{{"{column}":{text}}}'.encode()


def records() -> list[tuple[bytes, str | None, str | None]]:
    """Each record, its column if it is stored, and what becomes of it: PostgreSQL's text, or the reason."""
    stored = [(record(column, text), column, kept) for column, text, kept in STORED]
    refused = [(record(column, text), None, reason) for column, text, reason in REFUSED]
    repeated = [(text.encode(), None, "duplicate_field") for text in REPEATED]
    return [*stored, *refused, *repeated]
