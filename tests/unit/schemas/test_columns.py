"""Columns give what rows give, and a bad record harms no neighbour."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.catalogue import Schema
from schemas.columns import ROWS_MAX, ColumnCodec
from schemas.errors import Fatal, Invalid
from schemas.rows import RowCodec
from tests.a_schema import a_field, a_record

CALL = a_record(a_field("n", "int"), a_field("text", "string"))
STATUS = {"type": "enum", "name": "Status", "symbols": ["open", "closed"]}
BAD = {
    "bytes behind it": (a_field("f", "string"), b"\x02qzzz", "q"),
    "a number beyond its 32 bits": (a_field("f", "int"), b"\xfe\xff\xff\xff\xff\xff\x01", 1),
    "text that is not UTF-8": (a_field("f", "string"), b"\x02\xff", "q"),
    "text that is not UTF-8 in a list": (
        a_field("f", {"type": "array", "items": "string"}),
        b"\x02\x02\xff\x00",
        ["q"],
    ),
    "an enum's index of -1": (a_field("f", STATUS), b"\x01", "open"),
    "a record cut short": (a_field("f", "string"), b"\x04a", "q"),
    "nothing at all": (a_field("f", "string"), b"", "q"),
}


def calls(count: int) -> list[bytes]:
    codec = RowCodec(CALL)
    return [codec.encode({"n": n, "text": f"call {n}"}) for n in range(count)]


def test_a_batch_is_what_its_rows_are() -> None:
    found = ColumnCodec(CALL).decode(calls(1000))
    assert found.batch.to_pylist() == [{"n": n, "text": f"call {n}"} for n in range(1000)]
    assert list(found.indices) == list(range(1000))
    assert found.aside == ()


def test_no_payloads_are_an_empty_batch() -> None:
    found = ColumnCodec(CALL).decode([])
    assert found.batch.num_rows == 0
    assert found.batch.schema == ColumnCodec(CALL).schema


@pytest.mark.parametrize("trap", BAD)
@pytest.mark.parametrize("count", [1, ROWS_MAX, 500])
def test_a_bad_record_is_set_aside_and_its_neighbours_stay(trap: str, count: int) -> None:
    field, bad, value = BAD[trap]
    schema = a_record(field)
    good = RowCodec(schema).encode({"f": value})
    payloads = [good] * count
    places = sorted({0, count // 2, count - 1})
    for place in places:
        payloads[place] = bad
    found = ColumnCodec(schema).decode(payloads)
    assert [index for index, _ in found.aside] == places
    assert list(found.indices) == [index for index in range(count) if index not in places]
    assert found.batch.to_pylist() == [{"f": value}] * (count - len(places))
    assert all(isinstance(error, Invalid) and error.field for _, error in found.aside)


def test_a_record_beyond_the_contracts_size_is_set_aside() -> None:
    payloads = calls(100)
    payloads[40] = RowCodec(CALL).encode({"n": 1, "text": "x" * 200})
    found = ColumnCodec(CALL, max_bytes=100).decode(payloads)
    assert [index for index, _ in found.aside] == [40]
    assert found.batch.num_rows == 99


def test_another_spelling_of_a_number_is_as_good() -> None:
    found = ColumnCodec(a_record(a_field("f", "long"))).decode([b"\x02"] * 50 + [b"\x82\x00"])
    assert found.batch.to_pylist() == [{"f": 1}] * 51


@pytest.mark.parametrize("kind", ["bytes", {"type": "map", "values": "int"}, ["null", "int", "string"]])
def test_what_pyruhvro_cannot_hold_never_comes_to_it(kind: Any, capfd: pytest.CaptureFixture[str]) -> None:
    schema = a_record(a_field("f", kind))
    if kind == "bytes":
        found = ColumnCodec(schema).decode([RowCodec(schema).encode({"f": b"\xff"})])
        assert found.batch.to_pylist() == [{"f": b"\xff"}]
    else:
        with pytest.raises(Fatal, match="no column"):
            ColumnCodec(schema)
    assert "panicked" not in capfd.readouterr().err


VERSIONS: dict[str, tuple[Schema, dict[str, Any]]] = {
    "with a field fewer": (a_record(a_field("n", "int")), {"n": 7}),
    "with a field more": (
        a_record(*CALL["fields"], a_field("old", "string")),
        {"n": 7, "text": "-", "old": "x"},
    ),
    "in another order": (a_record(*reversed(CALL["fields"])), {"n": 7, "text": "-"}),
}


@pytest.mark.parametrize("older", VERSIONS)
def test_what_an_older_version_wrote_comes_in_the_newest_shape(older: str) -> None:
    writer, value = VERSIONS[older]
    newest = a_record(a_field("n", "int"), a_field("text", "string", default="-"))
    payloads = [RowCodec(writer).encode(value)] * 40
    found = ColumnCodec(newest, writer=writer).decode([*payloads, payloads[0] + b"z"])
    assert found.batch.to_pylist() == [{"n": 7, "text": "-"}] * 40
    assert found.batch.schema == ColumnCodec(newest).schema
    assert [index for index, _ in found.aside] == [40]


def test_a_promoted_number_comes_by_rows() -> None:
    writer, newest = a_record(a_field("n", "int")), a_record(a_field("n", "double"))
    found = ColumnCodec(newest, writer=writer).decode([RowCodec(writer).encode({"n": 7})] * 40)
    assert found.batch.to_pylist() == [{"n": 7.0}] * 40


def test_a_null_default_fills_a_record_that_was_not_there() -> None:
    place = {"type": "record", "name": "Place", "fields": [a_field("lat", "double")]}
    writer, newest = (
        a_record(a_field("n", "int")),
        a_record(a_field("n", "int"), a_field("place", ["null", place], default=None)),
    )
    found = ColumnCodec(newest, writer=writer).decode([RowCodec(writer).encode({"n": 7})])
    assert found.batch.to_pylist() == [{"n": 7, "place": None}]
