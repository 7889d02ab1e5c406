"""Events in the platform's own form, pushed as JSON or Avro: taken as they are, except for fields that only we may set."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import fastavro
import fastavro.utils
import orjson
import pytest

from connectors.base import Bounds, Heard, Reading, SourceContext
from connectors.discovery import BadConfig, load_source
from connectors.formats.avro import AvroBodies, name_of
from schemas.catalogue import load_catalogue
from schemas.errors import Invalid
from schemas.rows import RowCodec, plain

NOON_MS = 1_780_000_000_000
CONTEXT = SourceContext("springfield", "reports", ZoneInfo("Asia/Seoul"), Bounds(36.0, 127.0, 37.0, 128.0))
CONTRACT = load_catalogue()["police.incident"]
REPORT: dict[str, Any] = {
    "agency": "police",
    "agency_case_no": "26-1",
    "kind": "crash",
    "kind_text": "교통사고",
    "status": "open",
    "units": [],
    "revision": 1,
    "event_time": NOON_MS,
    "position": {"lat": 36.5, "lon": 127.5, "accuracy_m": None},
}


def read(
    body: bytes,
    *,
    at_ms: int | None = NOON_MS,
    contract: str = "police.incident",
    context: SourceContext = CONTEXT,
    ids: Sequence[str] = (),
) -> Reading:
    source: Any = load_source("city_events", context, {"contract": contract, "ids": list(ids)})
    reading: Reading = source.read(Heard(body, at_ms), {})
    return reading


def whole(**changed: Any) -> dict[str, Any]:
    """A report with every field of its contract."""
    (event,) = read(orjson.dumps({**REPORT, **changed})).events
    return dict(event.value or {})


def a_file(records: list[dict[str, Any]], *, schema: Any = CONTRACT.newest, codec: str = "null") -> bytes:
    out = io.BytesIO()
    fastavro.writer(out, json.loads(json.dumps(schema)), records, codec=codec)
    return out.getvalue()


def test_what_is_ours_to_say_is_said_by_us() -> None:
    value = whole()
    assert (value["city"], value["source"], value["received_time"]) == ("springfield", "reports", NOON_MS)
    assert value["incident_id"] == whole(kind="theft")["incident_id"]
    assert value["incident_id"] != whole(agency_case_no="26-2")["incident_id"]
    assert value["event_id"] == whole()["event_id"]
    assert value["event_id"] != whole(revision=2)["event_id"]


def test_an_incident_is_named_by_source_and_case_number_whatever_the_record_calls_it() -> None:
    own = whole()
    told = whole(incident_id="another's", event_id="another's")
    assert (told["incident_id"], told["event_id"]) == (own["incident_id"], own["event_id"])
    assert whole(agency="112")["incident_id"] == own["incident_id"]


def test_agencies_of_one_source_may_use_the_same_case_number() -> None:
    several = replace(CONTEXT, speaks_for=("north", "south"))
    ids = set()
    for agency in several.speaks_for:
        (event,) = read(orjson.dumps({**REPORT, "agency": agency}), context=several).events
        ids.add(event.key)
    assert len(ids) == 2
    assert not read(orjson.dumps(REPORT), context=several).events


def test_what_names_itself_is_named_within_its_source() -> None:
    seen = {"camera_id": "C-1", "label": "person", "event_time": NOON_MS, "event_id": "another's"}
    told = {
        event.value["event_id"]
        for name in ("one", "two")
        for event in read(
            orjson.dumps(seen), contract="cctv.detection", context=replace(CONTEXT, source=name)
        ).events
        if event.value
    }
    assert len(told) == 2 and "another's" not in told


def test_a_camera_that_is_not_the_sources_own_is_refused() -> None:
    seen = {"camera_id": "C-1", "label": "person", "event_time": NOON_MS}
    for ids, is_taken in ((["C-*"], True), (["C-1"], True), (["D-*"], False), ([], True)):
        reading = read(orjson.dumps(seen), contract="cctv.detection", ids=ids)
        assert bool(reading.events) is is_taken
        assert [one.field for one in reading.aside] == [] if is_taken else ["camera_id"]


RIDE: dict[str, Any] = {
    "booking_id": "r-17",
    "revision": 1,
    "state": "requested",
    "operator": "jeju-drt",
    "passengers": 2,
    "pickup": {"lat": 36.5, "lon": 127.5, "accuracy_m": None},
    "event_time": NOON_MS,
}


def test_a_ride_on_demand_is_told_by_its_number_with_what_its_operator_decided() -> None:
    body = orjson.dumps([RIDE, {**RIDE, "revision": 2, "state": "assigned", "vehicle_id": "van-4"}])
    first, second = read(body, contract="mobility.booking").events
    assert (first.key, second.key) == ("r-17", "r-17")
    assert first.value and second.value and first.value["event_id"] != second.value["event_id"]
    assert (second.value["vehicle_id"], second.value["dropoff"]) == ("van-4", None)


@pytest.mark.parametrize("field", ["assigned_by", "command_id"])
def test_nobody_outside_assigns_a_ride_in_a_dispatchers_name(field: str) -> None:
    reading = read(orjson.dumps({**RIDE, "state": "assigned", field: "x"}), contract="mobility.booking")
    assert not reading.events
    assert [one.field for one in reading.aside] == [field]


def test_a_report_may_repeat_the_filing_that_it_answers() -> None:
    assert (whole()["filing_id"], whole(filing_id="f-7")["filing_id"]) == (None, "f-7")


def test_one_record_a_list_and_one_a_line_say_the_same() -> None:
    other = {**REPORT, "agency_case_no": "26-2"}
    one = [event.value for body in (REPORT, other) for event in read(orjson.dumps(body)).events]
    assert [event.value for event in read(orjson.dumps([REPORT, other])).events] == one
    lines = orjson.dumps(REPORT) + b"\n" + orjson.dumps(other) + b"\n"
    assert [event.value for event in read(lines).events] == one


def test_avro_says_what_json_says() -> None:
    value = whole()
    payload = RowCodec(CONTRACT.newest).encode(value)
    for body in (a_file([value]), name_of(CONTRACT.newest) + payload):
        (event,) = read(body).events
        assert event.value == value


def test_the_name_of_a_single_object_is_the_one_of_the_specification() -> None:
    """The Avro specification's own example: the fingerprint of ``"int"`` is 7275d51a3f395c8f, least byte first."""
    assert name_of("int") == b"\xc3\x01" + bytes.fromhex("7275d51a3f395c8f")[::-1]  # type: ignore[arg-type]  # a name


def test_each_bad_record_is_set_aside_with_its_bytes_and_can_be_read_again_alone() -> None:
    bad = {**REPORT, "kind": 7}
    reading = read(orjson.dumps([REPORT, bad, REPORT]))
    assert len(reading.events) == 2
    (aside,) = reading.aside
    assert (aside.original, aside.number, aside.field) == (orjson.dumps(bad), 1, "kind")
    assert read(aside.before + orjson.dumps(REPORT) + aside.after).events


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "another city's": ({"city": "shelbyville"}, "city"),
    "another agency's": ({"agency": "119"}, "agency"),
    "another source's": ({"source": "cameras"}, "source"),
    "a place outside the city": ({"position": {"lat": 35.0, "lon": 129.0}}, "position"),
    "a place that is a text": ({"position": "here"}, "position"),
    "a time without an offset": ({"event_time": "2026-06-01T00:00:00"}, "event_time"),
    "a time in the future": ({"event_time": NOON_MS + 400_000}, "event_time"),
    "no time": ({"event_time": None}, "event_time"),
    "a field too many": ({"colour": "red"}, "number 10"),
    "no case number": ({"agency_case_no": ""}, "agency_case_no"),
    "a status of its own": ({"status": "얼추"}, "status"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_record_is_set_aside_by_its_field(case: str) -> None:
    changed, field = WRONG[case]
    reading = read(orjson.dumps({**REPORT, **changed}))
    assert not reading.events
    (aside,) = reading.aside
    assert field in (aside.field or aside.reason)


def test_zero_zero_is_no_place() -> None:
    assert whole(position={"lat": 0, "lon": 0})["position"] is None


HOSTILE: dict[str, Callable[[], bytes]] = {
    "compressed": lambda: a_file([whole()], codec="deflate"),
    "of a stranger's schema": lambda: a_file(
        [{"a": 1}], schema={"type": "record", "name": "A", "fields": [{"name": "a", "type": "int"}]}
    ),
    "cut off": lambda: a_file([whole()])[:-20],
    "with bytes behind its end": lambda: a_file([whole()]) + b"x" * 40,
    "with a count that lies": lambda: a_file([whole()] * 3).replace(b"\x06", b"\x7e"),
    "that is only its head": lambda: b"Obj\x01",
    "with a schema without end": lambda: (
        b"Obj\x01\x02\x16avro.schema\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_file_that_lies_is_set_aside_whole(case: str) -> None:
    body = HOSTILE[case]()
    reading = read(body)
    assert not reading.events
    assert [one.original for one in reading.aside] == [body]


def test_a_single_object_of_no_version_of_ours_is_refused() -> None:
    (payload,) = AvroBodies(CONTRACT).records(b"\xc3\x01" + b"\x00" * 8 + b"\x00")
    assert isinstance(payload.error, Invalid)


def test_an_older_version_is_read_in_the_shape_of_the_newest() -> None:
    """Uses the shared DLQ contract, which is never pushed: any contract with two versions shows it."""
    contract = load_catalogue()["fire.incident.dlq"]
    first = fastavro.utils.generate_one(plain(contract.versions[0]))
    body = name_of(contract.versions[0]) + RowCodec(contract.versions[0]).encode(first)
    assert len(contract.versions) > 1
    (payload,) = AvroBodies(contract).records(body)
    assert payload.value is not None
    assert set(payload.value) == {field["name"] for field in contract.newest["fields"]}


def test_a_contract_that_is_not_an_agencys_to_bring_is_no_setting() -> None:
    with pytest.raises(BadConfig, match=r"police\.incident"):
        load_source("city_events", CONTEXT, {"contract": "core.alert"})
