"""Every byte of a payload is checked, and a field that does not fit is named."""

from __future__ import annotations

import json
from typing import Any

import fastavro
import pytest

from schemas.dangers import DEPTH_MAX
from schemas.errors import Fatal, Invalid
from schemas.json_form import from_json_value
from schemas.rows import RowCodec
from tests.a_schema import a_field, a_record, shipped_contracts

STATUS = {"type": "enum", "name": "Status", "symbols": ["open", "closed"]}
TIME = {"type": "long", "logicalType": "timestamp-millis"}
ADDRESS = "12 Gaya-ro"


def typical(name: str) -> tuple[RowCodec, dict[str, Any]]:
    contract = next(one for one in shipped_contracts() if one.name == name)
    text = (contract.folder / "examples" / "typical.json").read_text(encoding="utf-8")
    codec = RowCodec(contract.newest, max_bytes=contract.max_bytes)
    return codec, from_json_value(contract.newest, json.loads(text))


@pytest.mark.parametrize("name", [one.name for one in shipped_contracts()])
def test_every_contract_brings_its_example_back_with_times_as_whole_milliseconds(name: str) -> None:
    codec, value = typical(name)
    back = codec.decode(codec.encode(value))
    assert back == value
    assert type(back["event_time"]) is int


TRAPS = {
    "bytes behind the record": ("string", b"\x02qzzz", "value"),
    "an enum's index of -1": (STATUS, b"\x01", "f"),
    "an enum's index beyond its symbols": (STATUS, b"\x04", "f"),
    "a union's index of -1": (["null", "string"], b"\x01\x02q", "f"),
    "a union's index beyond its branches": (["null", "string"], b"\x04", "f"),
    "text that is not UTF-8": ("string", b"\x02\xff", "f"),
    "a record cut short": ("string", b"\x04a", "f"),
    "nothing at all": ("string", b"", "f"),
    "a negative length": ("string", b"\x01qq", "f"),
    "a number beyond its 32 bits": ("int", b"\xfe\xff\xff\xff\xff\xff\x01", "f"),
    "a number without end": ("long", b"\xff" * 12 + b"\x01", "f"),
    "a byte neither true nor false": ("boolean", b"\x02", "f"),
    "no byte for true or false": ("boolean", b"", "f"),
    "a list said to be endless": (
        {"type": "array", "items": "int"},
        b"\xfe\xff\xff\xff\xff\xff\xff\xff\x7f\x02",
        "f[]",
    ),
    "a block of another size than it says": ({"type": "array", "items": "int"}, b"\x03\x0a\x02\x04\x00", "f"),
    "a broken text within a list": ({"type": "array", "items": "string"}, b"\x02\x02\xff\x00", "f[]"),
}


@pytest.mark.parametrize("trap", TRAPS)
def test_a_payload_that_is_not_lawful_avro_is_set_aside_with_its_field(trap: str) -> None:
    kind, payload, field = TRAPS[trap]
    with pytest.raises(Invalid) as caught:
        RowCodec(a_record(a_field("f", kind))).decode(payload)
    assert caught.value.field == field
    assert caught.value.expected


LAWFUL = {
    "a number longer than it need be": ("long", b"\x82\x00", 1),
    "a list in two blocks": ({"type": "array", "items": "int"}, b"\x02\x02\x02\x04\x00", [1, 2]),
    "a block that says its size": ({"type": "array", "items": "int"}, b"\x03\x04\x02\x04\x00", [1, 2]),
}


@pytest.mark.parametrize("form", LAWFUL)
def test_another_spelling_of_a_value_is_as_good(form: str) -> None:
    kind, payload, value = LAWFUL[form]
    assert RowCodec(a_record(a_field("f", kind))).decode(payload) == {"f": value}


def test_fastavro_alone_would_take_the_traps() -> None:
    """If this fails, fastavro has become strict, and our checks of its results may be removed."""
    parsed = fastavro.parse_schema(a_record(a_field("f", STATUS)))
    from io import BytesIO  # noqa: PLC0415 (for this comparison only)

    assert fastavro.schemaless_reader(BytesIO(b"\x01zzz"), parsed) == {"f": "closed"}


def test_a_payload_beyond_the_contracts_size_is_not_even_read() -> None:
    codec = RowCodec(a_record(a_field("f", "bytes")), max_bytes=100)
    with pytest.raises(Invalid, match="101 bytes"):
        codec.decode(b"\xff" * 101)
    with pytest.raises(Invalid) as caught:
        codec.encode({"f": b"x" * 100})
    assert caught.value.expected == "at most 100 bytes"


MISFITS = {
    "a word for a number": ("int", ADDRESS, "a whole number of 32 bits"),
    "a number too large": ("int", 2**31, "a whole number of 32 bits"),
    "a claim for a number": ("int", True, "a whole number of 32 bits"),
    "a fraction for a count": ("long", 1.5, "a whole number of 64 bits"),
    "a float too large": ("float", 1e300, "a finite number of 32 bits"),
    "a text for a list": ({"type": "array", "items": "string"}, ADDRESS, "a list"),
    "a position that is none": ("double", float("nan"), "a finite number"),
    "an unknown status": (STATUS, ADDRESS, "one of open, closed"),
    "a number where text or nothing may stand": (["null", "string"], 17, "nothing or text"),
    "half a character": ("string", "\ud800", "text"),
    "a moment for milliseconds": (TIME, ADDRESS, "whole milliseconds since 1970-01-01 UTC"),
}


@pytest.mark.parametrize("misfit", MISFITS)
def test_a_value_that_does_not_fit_is_named_by_its_field_and_never_shown(misfit: str) -> None:
    kind, value, expected = MISFITS[misfit]
    with pytest.raises(Invalid) as caught:
        RowCodec(a_record(a_field("f", kind))).encode({"f": value})
    assert (caught.value.field, caught.value.expected) == ("f", expected)
    assert ADDRESS not in f"{caught.value} {caught.value.expected} {caught.value.hint}"


def test_a_field_deep_inside_is_named_by_its_path() -> None:
    codec, value = typical("core.situation")
    value["incidents"][0]["position"] = {"lat": "north", "lon": 0.0, "accuracy_m": None}
    with pytest.raises(Invalid) as caught:
        codec.encode(value)
    assert (caught.value.field, caught.value.expected) == ("incidents[].position.lat", "a finite number")


def test_a_missing_field_and_a_field_too_many_are_named() -> None:
    codec = RowCodec(a_record(a_field("f", "string"), a_field("g", ["null", "string"], default=None)))
    with pytest.raises(Invalid, match="f does") as caught:
        codec.encode({"g": "x"})
    assert "missing" in caught.value.expected
    with pytest.raises(Invalid) as caught:
        codec.encode({"f": "x", ADDRESS: "y"})
    assert caught.value.expected == "its 2 fields and no others"
    assert ADDRESS not in str(caught.value)
    assert codec.decode(codec.encode({"f": "x"})) == {"f": "x", "g": None}


def test_what_an_old_version_wrote_is_read_in_the_newest_shape() -> None:
    old = a_record(a_field("at", "int"), a_field("gone", "string"))
    new = a_record(a_field("at", "long"), a_field("note", ["null", "string"], default=None))
    payload = RowCodec(old).encode({"at": 7, "gone": "x"})
    assert RowCodec(new).decode(payload, writer=old) == {"at": 7, "note": None}
    with pytest.raises(Invalid, match="left over"):
        RowCodec(new).decode(payload + b"z", writer=old)


def test_what_cannot_be_read_in_the_newest_shape_is_set_aside() -> None:
    old, new = a_record(a_field("at", "string")), a_record(a_field("at", "int"))
    with pytest.raises(Invalid, match="cannot be read as the newest"):
        RowCodec(new).decode(RowCodec(old).encode({"at": "x"}), writer=old)


def nested(depth: int) -> Any:
    kind: Any = "int"
    for _ in range(depth):
        kind = {"type": "array", "items": kind}
    return kind


DANGERS = {
    "recursive": ["null", "Call"],
    "size zero": {"type": "array", "items": "null"},
    "deeper than": nested(DEPTH_MAX),
    "logical type decimal": {"type": "bytes", "logicalType": "decimal", "precision": 4},
}


@pytest.mark.parametrize("danger", DANGERS)
def test_a_dangerous_schema_meets_no_decoder_whoever_wrote_it(danger: str) -> None:
    dangerous = a_record(a_field("f", DANGERS[danger]))
    with pytest.raises(Fatal, match=danger):
        RowCodec(dangerous)
    with pytest.raises(Invalid, match=danger):
        RowCodec(a_record(a_field("f", "int"))).decode(b"\x02", writer=dangerous)


def test_items_of_size_zero_hide_in_records_too() -> None:
    empty = {"type": "record", "name": "Nothing", "fields": [a_field("n", "null")]}
    with pytest.raises(Fatal, match="size zero"):
        RowCodec(a_record(a_field("f", {"type": "array", "items": empty})))


def test_a_depth_of_eight_is_allowed() -> None:
    assert RowCodec(a_record(a_field("f", nested(DEPTH_MAX - 2))))
