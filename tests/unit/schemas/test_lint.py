"""Each check of lint finds the fault that it is for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.catalogue import Schema
from schemas.lint import check_catalogue, check_contract
from schemas.model import fingerprint
from tests.a_schema import COMMON, a_field, a_record, an_event, an_example, shipped_contracts, write_contract

TIME = {"type": "long", "logicalType": "timestamp-millis"}
NOTE = a_field("note", ["null", "string"], default=None)
PLACE = {"type": "record", "name": "Place", "fields": [a_field("lat", "double")]}


def findings(root: Path, *versions: Schema, **more: Any) -> list[str]:
    """The findings for a contract of these versions, all released unchanged."""
    released = {f"v{number}": fingerprint(one) for number, one in enumerate(versions, 1)}
    contract = write_contract(root, *versions, **{"released": released, **more})
    return [str(one) for one in check_contract(contract)]


def test_all_that_ships_is_clean() -> None:
    assert check_catalogue() == []


def test_a_sound_contract_is_clean(tmp_path: Path) -> None:
    settings = {"identifying": ["note"], "example": an_example(note="a word")}
    assert findings(tmp_path, an_event(NOTE), **settings) == []


FORM: dict[str, tuple[Schema, str]] = {
    "a field without doc": (an_event({"name": "at", "type": "int"}), "at: it has no doc"),
    "a field in camel case": (an_event(a_field("caseNo", "string")), "caseNo: a field's name is lower_snake"),
    "a type in lower case": (
        an_event(a_field("p", {"type": "record", "name": "place", "fields": [a_field("lat", "double")]})),
        "p: type bongsu.test.place",
    ),
    "a type of a stranger": (an_event(a_field("p", PLACE | {"namespace": "com.acme"})), "p: type com.acme.Place"),
    "a loud symbol": (
        an_event(a_field("s", {"type": "enum", "name": "Status", "symbols": ["OPEN"]})),
        "s: an enum's symbols are lower_snake",
    ),
    "null without default": (an_event(a_field("n", ["null", "string"])), "n: a field that may be null has default null"),
    "null last": (an_event(a_field("n", ["string", "null"], default="")), 'n: a union is ["null", type]'),
    "three branches": (an_event(a_field("n", ["null", "int", "string"], default=None)), "n: a union is"),
    "a default of another type": (an_event(a_field("n", "int", default="one")), "n: its default does not fit"),
    "a time that is a number": (an_event(a_field("closed_at", "long")), "closed_at: a time is a long with logicalType"),
    "a map": (an_event(a_field("m", {"type": "map", "values": "string"})), "m: a map"),
    "a frame of video": (an_event(a_field("jpeg", "bytes")), "jpeg: bytes: frames never travel on the bus"),
    "a frame of fixed size": (
        an_event(a_field("jpeg", {"type": "fixed", "name": "Frame", "size": 64})), "jpeg: bytes: frames",
    ),
    "a frame in a list": (an_event(a_field("jpegs", {"type": "array", "items": "bytes"})), "jpegs: bytes: frames"),
    "a field deep inside without doc": (
        an_event(a_field("p", PLACE | {"fields": [{"name": "lat", "type": "double"}]})), "p.lat: it has no doc",
    ),
    "another beginning": (a_record(a_field("case_id", "string")), "event_id: every event begins with"),
    "a beginning in another order": (
        a_record(COMMON[1], COMMON[0], *COMMON[2:], a_field("case_id", "string")), "event_id: every event begins with",
    ),
    "a beginning of another type": (
        a_record({**COMMON[0], "type": "int"}, *COMMON[1:], a_field("case_id", "string")), "event_id: a common field",
    ),
    "a position of another form": (
        a_record(*COMMON[:6], a_field("position", ["null", PLACE], default=None), a_field("case_id", "string")),
        "position: a common field",
    ),
    "no record at all": ({"type": "enum", "name": "bongsu.S", "symbols": ["a"]}, "outermost type must be a record"),
    "no schema at all": ({"type": "recrd", "name": "Call"}, "is no Avro schema: no type is named recrd"),
    "a record within itself": (an_event(a_field("next", ["null", "Call"], default=None)), "next: recursive"),
    "items of size zero": (an_event(a_field("f", {"type": "array", "items": "null"})), "f: items of size zero"),
    "a decimal": (
        an_event(a_field("f", {"type": "bytes", "logicalType": "decimal", "precision": 4})), "f: logical type decimal",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FORM)
def test_a_schema_of_the_wrong_form_is_stopped(fault: str, tmp_path: Path) -> None:
    schema, words = FORM[fault]
    contract = write_contract(tmp_path, schema, released={})
    found = [str(one) for one in check_contract(contract)]
    assert any(words in one for one in found), found


def test_nesting_deeper_than_eight_is_stopped(tmp_path: Path) -> None:
    kind: Any = "int"
    for _ in range(8):
        kind = {"type": "array", "items": kind}
    assert any("nested deeper than 8" in one for one in findings(tmp_path, an_event(a_field("f", kind))))


def test_a_danger_in_an_old_version_counts_too(tmp_path: Path) -> None:
    old = an_event(a_field("f", {"type": "array", "items": "null"}))
    assert any("v1.avsc: f: items of size zero" in one for one in findings(tmp_path, old, an_event()))


SETTINGS: dict[str, tuple[dict[str, Any], str]] = {
    "no such key": ({"key": "incident_id"}, "incident_id: key in topic.toml names it"),
    "a key that may be null": ({"key": "note"}, "note: a key must be a string"),
    "no such personal field": (
        {"identifying": ["caller.phone"]},
        "caller.phone: personal in topic.toml names it, and there is no such field",
    ),
    "no such place": (
        {"located": ["position", "yard"]},
        "yard: personal in topic.toml names it, and there is no",
    ),
    "no such exemption": (
        {"exempt": '{yard = "public"}'},
        "yard: personal in topic.toml names it, and there is no",
    ),
    "in two classes": (
        {"identifying": ["note"], "located": ["position", "note"]},
        "note: personal in topic.toml names it twice",
    ),
    "in a class and exempt": (
        {"identifying": ["note"], "exempt": '{note = "public"}'},
        "note: personal in topic.toml names it twice",
    ),
    "within one of another class": (
        {"identifying": ["note", "position.lat"]},
        "position.lat: personal in topic.toml names it within position",
    ),
    "a position in no class": ({"located": []}, "position: it looks located: name it under [personal]"),
    "a note in no class": ({}, "note: it looks identifying: name it under [personal]"),
    "exempt without a reason": ({"exempt": '{note = " "}'}, "note: personal.exempt must say why"),
    "exempt without need": ({"exempt": '{case_id = "ours"}'}, "case_id: it does not look personal"),
    "bytes that are none": ({"bytes_fields": ["note"]}, "note: bytes_fields in topic.toml names it"),
    "an unknown cleanup": ({"cleanup": "burn"}, "cleanup is one of"),
    "deleted, but when": ({"retention": ""}, "retention belongs to cleanup"),
    "compacted, and deleted": ({"cleanup": "compact"}, "retention belongs to cleanup"),
    "no compatibility": ({"compatibility": "NONE"}, "compatibility is one of"),
    "many partitions": ({"partitions": 4}, "partitions must be 1: the city is the unit of order"),
    "footage": ({"max_bytes": 5_000_000}, "max_bytes must be at most 1048576"),
    "nothing said": ({"description": " "}, "description and owner must say something"),
    "an underscore": ({"name": "fire.call_out"}, "never '_'"),
    "a capital": ({"name": "Fire.call"}, "lower case"),
    "no noun": ({"name": "fire"}, "<domain>.<noun>"),
}


@pytest.mark.parametrize("fault", SETTINGS)
def test_a_topic_of_the_wrong_settings_is_stopped(fault: str, tmp_path: Path) -> None:
    settings, words = SETTINGS[fault]
    found = findings(tmp_path, an_event(NOTE), example=an_example(note=None), **settings)
    assert any(words in one for one in found), found


def test_what_the_settings_allow_is_allowed(tmp_path: Path) -> None:
    schema = an_event(a_field("body", "bytes"), a_field("place", ["null", PLACE], default=None))
    settings = {
        "bytes_fields": ["body"],
        "identifying": ["body"],
        "located": ["position", "place.lat"],
        "max_bytes": 5_000_000,
    }
    example = an_example(body="/w==", place={"lat": 36.3})
    assert findings(tmp_path, schema, example=example, name="cctv.call-out", partitions=4, **settings) == []


EXAMPLES: dict[str, tuple[Any, str]] = {
    "no example": (False, "no example"),
    "no JSON": ("{", "no JSON"),
    "an event without its id": ({"city": "daejeon"}, "typical.json: event_id: expected text (it is missing)"),
    "a time without offset": (an_example(event_time="2026-03-08T09:00:00"), "event_time: expected ISO 8601"),
    "a field that is none": (an_example(colour="red"), "expected its 8 fields and no others"),
    "a time in another spelling": (
        an_example(event_time="2026-03-08T18:00:00+09:00"),
        "does not come back as it is",
    ),
}


@pytest.mark.parametrize("fault", EXAMPLES)
def test_an_example_that_is_none_is_stopped(fault: str, tmp_path: Path) -> None:
    example, words = EXAMPLES[fault]
    found = findings(tmp_path, an_event(), example=example)
    assert any(words in one for one in found), found


def test_a_released_version_that_was_edited_is_stopped_and_the_way_out_is_said(tmp_path: Path) -> None:
    first = an_event()
    found = findings(
        tmp_path,
        an_event(NOTE),
        example=an_example(note=None),
        released={"v1": fingerprint(first)},
        identifying=["note"],
    )
    assert len(found) == 1
    assert "v1 is released and may not change" in found[0]
    assert "v2.avsc" in found[0]


def test_another_spelling_of_a_released_version_is_the_same(tmp_path: Path) -> None:
    reworded = json.loads(json.dumps(an_event()).replace("Said for the test.", "Said better."))
    reworded["doc"] = "Somebody calls."
    assert findings(tmp_path, reworded, released={"v1": fingerprint(an_event())}) == []


def test_a_version_not_yet_released_says_the_line_to_add(tmp_path: Path) -> None:
    (found,) = findings(tmp_path, an_event(), released={})
    assert f'v1 = "{fingerprint(an_event())}"' in found


def test_a_released_version_that_is_gone_is_missed(tmp_path: Path) -> None:
    marks = {"v1": fingerprint(an_event()), "v2": "0" * 16}
    assert any("v2.avsc is gone" in one for one in findings(tmp_path, an_event(), released=marks))


def test_a_gap_between_versions_is_stopped(tmp_path: Path) -> None:
    contract = write_contract(tmp_path, an_event(), an_event(NOTE), released={})
    (contract.folder / "v1.avsc").unlink()
    assert any("without a gap" in str(one) for one in check_contract(contract))


def test_a_new_version_that_cannot_read_an_old_one_is_stopped(tmp_path: Path) -> None:
    found = findings(
        tmp_path, an_event(a_field("n", "long")), an_event(), an_event(a_field("n", "int", default=0))
    )
    assert any("v3.avsc: n: it cannot read what v1 wrote: long was written" in one for one in found), found


def test_a_contract_that_cannot_be_read_does_not_hide_the_others(tmp_path: Path) -> None:
    write_contract(tmp_path, an_event(), name="fire.call", released={})
    broken = write_contract(tmp_path, an_event(), name="fire.broken", released={}).folder
    (broken / "topic.toml").write_text('owner = "fire"', encoding="utf-8")
    found = [str(one) for one in check_catalogue(tmp_path)]
    assert any("fire.broken" in one and "lacks 'description'" in one for one in found)
    assert any("fire.call" in one for one in found)


def test_no_shipped_contract_but_the_allowed_few_can_carry_a_frame() -> None:
    allowed = {one.name for one in shipped_contracts() if one.bytes_fields}
    assert allowed == {"core.journal", "core.state", "dlq", "source.place"}
