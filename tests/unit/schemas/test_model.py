from __future__ import annotations

import pytest

from schemas.errors import Fatal
from schemas.model import TYPES_MAX, Recursion, fingerprint, model_of, paths
from tests.a_schema import a_field, a_record, shipped_contracts

PLACE = {"type": "record", "name": "Place", "namespace": "bongsu", "fields": [a_field("lat", "double")]}


def test_a_schema_is_the_same_however_it_is_spelled() -> None:
    short = a_record(a_field("at", {"type": "string"}), a_field("place", PLACE))
    full = {
        "doc": "A call.",
        "fields": [
            {"type": "string", "name": "at"},
            {"type": PLACE | {"name": "bongsu.Place", "doc": "Where."}, "name": "place"},
        ],
        "name": "bongsu.test.Call",
        "type": "record",
    }
    assert model_of(short) == model_of(full)
    assert fingerprint(short) == fingerprint(full)


@pytest.mark.parametrize(
    "other",
    [
        a_record(a_field("at", "bytes")),
        a_record(a_field("at", "string", default="")),
        a_record(a_field("at", "string", aliases=["when"])),
        a_record(a_field("when", "string")),
        a_record(a_field("at", "string"), name="Report"),
        a_record(a_field("at", "string"), a_field("to", "string")),
    ],
)
def test_whatever_a_reader_would_notice_changes_the_fingerprint(other: dict[str, object]) -> None:
    assert fingerprint(a_record(a_field("at", "string"))) != fingerprint(other)


def test_a_time_is_another_schema_than_a_number() -> None:
    time = {"type": "long", "logicalType": "timestamp-millis"}
    assert fingerprint(a_record(a_field("at", time))) != fingerprint(a_record(a_field("at", "long")))


def test_a_named_type_may_be_used_again() -> None:
    schema = a_record(a_field("from", PLACE), a_field("to", {"type": "array", "items": "bongsu.Place"}))
    assert [path for path, _ in paths(model_of(schema))] == ["from", "from.lat", "to", "to", "to.lat"]


def test_a_record_within_itself_is_seen() -> None:
    schema = a_record(a_field("next", ["null", "Call"], default=None))
    assert ("next", Recursion("bongsu.test.Call")) in list(paths(model_of(schema)))


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "recrd", "name": "Call"},
        {"name": "Call"},
        a_record({"name": "at"}),
        a_record(a_field("at", "moment")),
        a_record(a_field("a", PLACE), a_field("b", PLACE)),
        17,
        None,
    ],
)
def test_what_is_no_schema_is_refused(schema: object) -> None:
    with pytest.raises(Fatal, match="no Avro schema"):
        model_of(schema)


def test_a_schema_that_grows_without_end_is_refused_at_once() -> None:
    kind: object = PLACE
    for level in range(6):
        again = [a_field(f"f{i}", kind if i == 0 else name_of(kind)) for i in range(20)]
        kind = {"type": "record", "name": f"L{level}", "namespace": "bongsu", "fields": again}
    with pytest.raises(Fatal, match=f"more than {TYPES_MAX} types"):
        model_of(kind)


def name_of(kind: object) -> str:
    assert isinstance(kind, dict)
    return f"bongsu.{kind['name']}"


def test_every_shipped_schema_is_read() -> None:
    for contract in shipped_contracts():
        for schema in contract.versions:
            assert model_of(schema)
