"""Events to frames and back, through a registry in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from confluent_kafka.schema_registry.error import SchemaRegistryError

from schemas.catalogue import load_catalogue
from schemas.errors import Fatal, Invalid, Unreachable
from schemas.event import CheckedEvent, Event
from schemas.framing import frame, unframe
from schemas.json_form import from_json_value
from schemas.registry import Registry, subject_of
from schemas.rows import RowCodec
from schemas.wire import Wire
from tests.a_registry import Shelf, a_registry
from tests.a_schema import a_field, a_record

FIRE = load_catalogue()["fire.incident"]
TOPIC = "daejeon.fire.incident"


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    with a_registry() as shelf:
        yield shelf


def a_fire(**more: Any) -> Event:
    shown = json.loads((FIRE.folder / "examples" / "typical.json").read_text(encoding="utf-8"))
    return Event("fire.incident", "i1", from_json_value(FIRE.newest, shown) | more)


def test_an_event_comes_back_from_its_frame(shelf: Shelf) -> None:
    event = a_fire(kind="fire.building")
    topic, key, value = Wire(Registry(shelf.url)).encode("daejeon", event)
    assert (topic, key) == (TOPIC, b"i1")
    assert value is not None
    assert Wire(Registry(shelf.url)).decode(topic, value) == event.value
    assert shelf.compatibility == {subject_of(TOPIC): "BACKWARD"}


def test_what_its_source_has_checked_has_the_same_frame_and_anything_put_in_its_place_is_checked(
    shelf: Shelf,
) -> None:
    wire, fire = Wire(Registry(shelf.url)), a_fire()
    checked = CheckedEvent(fire.topic, fire.key, fire.value, fire.topic, fire.value)
    assert wire.encode("daejeon", checked) == wire.encode("daejeon", fire)
    for other in (
        replace(checked, value=a_fire(status="asleep").value),
        replace(checked, topic="cctv.detection"),
        replace(checked, value=dict(fire.value or {}) | {"units": 7}),
    ):
        with pytest.raises(Invalid):
            wire.encode("daejeon", other)
        with pytest.raises(Invalid):
            wire.encoded_offline("daejeon", other)


def test_a_tombstone_needs_no_registry() -> None:
    wire = Wire(Registry("http://127.0.0.1:1"))
    assert wire.encode("daejeon", Event("core.state", "s1", None)) == ("daejeon.core.state", b"s1", None)


def test_what_is_warm_asks_no_more_though_the_registry_is_gone() -> None:
    with a_registry() as shelf:
        wire = Wire(Registry(shelf.url))
        _, _, value = wire.encode("daejeon", a_fire())
        assert value is not None
        wire.decode(TOPIC, value)
        asked = len(shelf.asked)
        wire.encode("daejeon", a_fire())
        assert len(shelf.asked) == asked
    assert wire.encode("daejeon", a_fire())[2] == value
    assert wire.decode(TOPIC, value) == a_fire().value


def test_a_second_worker_registers_nothing_anew(shelf: Shelf) -> None:
    first, second = Registry(shelf.url), Registry(shelf.url)
    assert first.id_of(TOPIC, FIRE) == second.id_of(TOPIC, FIRE)
    written = [asked for asked in shelf.asked if asked.startswith("PUT") or "/versions" in asked]
    assert len(written) == 1 + len(FIRE.versions)  # the setting and each version, once


def test_an_older_versions_frame_is_read_in_the_newest_shape(shelf: Shelf) -> None:
    older = {
        **FIRE.newest,
        "fields": [one for one in FIRE.newest["fields"] if one["name"] != "closed_reason"],
    }
    shelf.schemas.append(json.dumps(older))
    value = {name: one for name, one in (a_fire().value or {}).items() if name != "closed_reason"}
    payload = RowCodec(older).encode(value)
    assert Wire(Registry(shelf.url)).decode(TOPIC, frame(1, payload)) == {**value, "closed_reason": None}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (json.dumps(a_record(a_field("next", ["null", "Call"], default=None))), "recursive"),
        (json.dumps(a_record(a_field("f", {"type": "array", "items": "null"}))), "size zero"),
        ('{"type": "recrd", "name": "Call"}', "no Avro schema"),
        ('"string"', "no record"),
    ],
)
def test_a_frame_written_with_a_dangerous_schema_is_set_aside(shelf: Shelf, text: str, words: str) -> None:
    shelf.schemas.append(text)
    with pytest.raises(Invalid, match=words):
        Wire(Registry(shelf.url)).decode(TOPIC, frame(1, b"\x80\x89\x7a\x00"))


def test_a_frame_of_no_known_schema_is_set_aside(shelf: Shelf) -> None:
    with pytest.raises(Invalid, match="knows no schema id 7") as caught:
        Wire(Registry(shelf.url)).decode(TOPIC, frame(7, b""))
    assert caught.value.field == "schema id"


def test_a_topic_of_no_contract_is_ours_to_mend_when_writing(shelf: Shelf) -> None:
    with pytest.raises(Fatal, match=r"fire\.picnic is not in the catalogue"):
        Wire(Registry(shelf.url)).encode("daejeon", Event("fire.picnic", "i1", {}))


@pytest.mark.parametrize(
    ("status", "error"),
    [(500, Unreachable), (502, Unreachable), (404, Unreachable), (401, Fatal), (409, Fatal)],
)
def test_a_registry_that_fails_never_makes_a_record_the_culprit(
    shelf: Shelf, status: int, error: type[Fatal]
) -> None:
    shelf.broken = status
    wire = Wire(Registry(shelf.url))
    with pytest.raises(error):
        wire.encode("daejeon", a_fire())
    with pytest.raises(error):
        wire.decode(TOPIC, frame(1, b""))


def test_a_registry_that_refuses_a_version_says_why_in_few_words_and_how_to_mend_it(shelf: Shelf) -> None:
    registry = Registry(shelf.url)
    long = SchemaRegistryError(409, 409, "Incompatible artifact\n" + "x at /fields/1, " * 1_000)
    refusal = registry._refusal(long, subject_of(TOPIC))
    assert isinstance(refusal, Fatal)
    assert "Incompatible artifact" in refusal.what
    assert (len(refusal.what) < 400, "\n" in refusal.what) == (True, False)
    assert "delete that subject" in refusal.hint


def test_versions_there_have_the_numbers_they_have_here(shelf: Shelf) -> None:
    registry = Registry(shelf.url)
    assert registry.registered(TOPIC) is None
    schema_id = registry.register(TOPIC, FIRE)
    assert registry.version_of(subject_of(TOPIC), schema_id) == len(FIRE.versions)
    assert registry.version_of("daejeon.other-value", schema_id) is None
    found = registry.registered(TOPIC)
    assert found is not None
    assert (found.compatibility, found.versions) == ("BACKWARD", FIRE.versions)


def test_a_frame_is_five_bytes_and_avro(shelf: Shelf) -> None:
    registry = Registry(shelf.url)
    _, _, value = Wire(registry).encode("daejeon", a_fire())
    assert value is not None
    schema_id, payload = unframe(value)
    assert schema_id == registry.id_of(TOPIC, FIRE)
    assert payload == RowCodec(FIRE.newest).encode(a_fire().value or {})
