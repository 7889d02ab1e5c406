"""Each rule of Avro's schema resolution, kept and broken; checked against fastavro."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import fastavro
import pytest

from schemas.compat import breaches, breaches_of_versions
from schemas.rows import RowCodec, plain
from tests.a_schema import a_field, a_record, shipped_contracts

TIME = {"type": "long", "logicalType": "timestamp-millis"}


def enum(*symbols: str, **more: Any) -> dict[str, Any]:
    return {"type": "enum", "name": "Status", "symbols": list(symbols), **more}


def place(*fields: Any, name: str = "Place", **more: Any) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": list(fields), **more}


def array(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


def kinds(old: Any, new: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    return a_record(a_field("f", old)), a_record(a_field("f", new))


LAT = a_field("lat", "double")
READABLE: dict[str, tuple[dict[str, Any], dict[str, Any], Any]] = {
    "a field with a default is new": (a_record(), a_record(a_field("f", "int", default=0)), {}),
    "a field is gone": (a_record(a_field("f", "int")), a_record(), {"f": 1}),
    "a field is renamed with its alias": (
        a_record(a_field("f", "int")), a_record(a_field("g", "int", aliases=["f"])), {"f": 1},
    ),
    "int to long": (*kinds("int", "long"), {"f": 1}),
    "int to double": (*kinds("int", "double"), {"f": 1}),
    "long to float": (*kinds("long", "float"), {"f": 1}),
    "float to double": (*kinds("float", "double"), {"f": 0.5}),
    "string to bytes": (*kinds("string", "bytes"), {"f": "x"}),
    "a value may now be null": (*kinds("string", ["null", "string"]), {"f": "x"}),
    "a wider number within a union": (*kinds(["null", "int"], ["null", "long"]), {"f": 1}),
    "a symbol is new": (*kinds(enum("open"), enum("open", "closed")), {"f": "open"}),
    "a symbol is gone, and a default stands for it": (
        *kinds(enum("open", "closed"), enum("open", default="open")), {"f": "closed"},
    ),
    "a record within gains a field with a default": (
        *kinds(place(LAT), place(LAT, a_field("lon", "double", default=0.0))), {"f": {"lat": 1.0}},
    ),
    "items of a list are promoted": (*kinds(array("int"), array("long")), {"f": [1, 2]}),
    "values of a map are promoted": (
        *kinds({"type": "map", "values": "int"}, {"type": "map", "values": "long"}), {"f": {"a": 1}},
    ),
}  # fmt: skip
UNREADABLE: dict[str, tuple[dict[str, Any], dict[str, Any], str, str]] = {
    "a field without a default is new": (a_record(), a_record(a_field("f", "int")), "f", "no default"),
    "a field is renamed without alias": (
        a_record(a_field("f", "int")), a_record(a_field("g", "int")), "g", "no default",
    ),
    "long to int": (*kinds("long", "int"), "f", "long was written, int is read"),
    "double to float": (*kinds("double", "float"), "f", "double was written"),
    "text to number": (*kinds("string", "int"), "f", "string was written"),
    "null no longer allowed": (*kinds(["null", "string"], "string"), "f", "null was written"),
    "a branch is gone": (*kinds(["null", "string", "int"], ["null", "string"]), "f", "int was written, and no branch"),
    "a symbol is gone": (*kinds(enum("open", "closed"), enum("open")), "f", "symbols closed are gone"),
    "a record within gains a field without default": (
        *kinds(place(LAT), place(LAT, a_field("lon", "double"))), "f.lon", "no default",
    ),
    "a list becomes a single value": (*kinds(array("int"), "int"), "f", "array was written"),
    "items of a list are narrowed": (*kinds(array("long"), array("int")), "f[]", "long was written"),
    "values of a map are narrowed": (
        *kinds({"type": "map", "values": "long"}, {"type": "map", "values": "int"}), "f{}", "long was written",
    ),
    "another size": (
        *kinds({"type": "fixed", "name": "Hash", "size": 4}, {"type": "fixed", "name": "Hash", "size": 8}),
        "f", "4 bytes were written",
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", READABLE)
def test_a_change_that_old_records_survive_is_allowed_and_fastavro_reads_it(change: str) -> None:
    old, new, value = READABLE[change]
    assert breaches(old, new) == []
    RowCodec(new).decode(RowCodec(old).encode(value), writer=old)


@pytest.mark.parametrize("change", UNREADABLE)
def test_a_change_that_old_records_would_not_survive_is_named_by_its_field(change: str) -> None:
    old, new, path, what = UNREADABLE[change]
    found = breaches(old, new)
    assert [breach.path for breach in found] == [path]
    assert what in found[0].what


@pytest.mark.parametrize(
    ("change", "value"),
    [
        ("a field without a default is new", {}),
        ("text to number", {"f": "x"}),
        ("null no longer allowed", {"f": None}),
        ("a branch is gone", {"f": 7}),
        ("a symbol is gone", {"f": "closed"}),
        ("a list becomes a single value", {"f": [1]}),
    ],
)
def test_fastavro_refuses_them_too(change: str, value: Any) -> None:
    old, new, *_ = UNREADABLE[change]
    payload = RowCodec(old).encode(value)
    with pytest.raises(fastavro.read.SchemaResolutionError):
        fastavro.schemaless_reader(BytesIO(payload), plain(old), plain(new))


def test_a_change_of_name_or_meaning_counts_though_avro_would_read_it() -> None:
    (name,) = breaches(*kinds(place(LAT), place(LAT, name="Spot")))
    assert "renamed bongsu.test.Spot without the alias bongsu.test.Place" in name.what
    assert breaches(*kinds(place(LAT), place(LAT, name="Spot", aliases=["Place"]))) == []
    (meaning,) = breaches(*kinds(TIME, "long"))
    assert "meaning changes from long (timestamp-millis) to long" in meaning.what


def test_the_newest_must_read_every_version_not_only_the_last() -> None:
    first, second = a_record(a_field("f", "int")), a_record()
    third = a_record(a_field("f", "string", default=""))
    found = list(breaches_of_versions([first, second, third]))
    assert [(older, newer, breach.path) for older, newer, breach in found] == [(1, 3, "f")]


def test_every_shipped_contract_reads_itself() -> None:
    for contract in shipped_contracts():
        assert breaches(contract.newest, contract.newest) == []
