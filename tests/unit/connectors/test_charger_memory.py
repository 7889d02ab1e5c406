"""Memory of a charger: nothing is told twice, and silence once. Keys and the list of chargers."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors.base import Bounds, SourceContext
from connectors.formats.ocpp_calls import Call, read_frame
from connectors.subjects.charger_keys import charger_key, is_key, session_secret
from connectors.subjects.charger_list import charger_list
from connectors.subjects.charger_memory import IDS_MAX, MemoryStep, is_due, on_heard, on_silence
from connectors.subjects.charging_replies import Terms
from connectors.subjects.charging_sessions import Charger
from schemas.errors import Invalid

JEJU = SourceContext("jeju", "chargers", ZoneInfo("Asia/Seoul"), Bounds(33.1, 126.1, 33.6, 127.0))
CHARGER = Charger("JJ-017", "greego", b"sixteen bytes of", None)
NINE_MS, NINE = 1_772_960_400_000, "2026-03-08T09:00:00Z"
START = {"connectorId": 2, "idTag": "CARD", "meterStart": 88_120, "timestamp": NINE}


def heard(
    action: str, payload: Mapping[str, Any], memory: Mapping[str, Any], at_ms: int = NINE_MS
) -> MemoryStep:
    call = read_frame(json.dumps([2, "a", action, payload]).encode(), "1.6")
    assert isinstance(call, Call)
    step = on_heard(CHARGER, call, memory, context=JEJU, at_ms=at_ms, terms=Terms())
    assert json.loads(json.dumps(step.memory)) == step.memory
    return step


def status(state: str, memory: Mapping[str, Any], at_ms: int = NINE_MS) -> MemoryStep:
    said = {"connectorId": 1, "errorCode": "NoError", "status": state, "timestamp": NINE}
    return heard("StatusNotification", said, memory, at_ms)


def test_a_call_repeated_tells_and_remembers_nothing_new() -> None:
    first = heard("StartTransaction", START, {})
    again = heard("StartTransaction", START, first.memory, NINE_MS + 60_000)
    assert len(first.events) == 1
    assert (again.events, again.memory, again.payload) == ([], first.memory, first.payload)


def test_a_connector_that_goes_and_comes_back_within_a_second_is_told_thrice() -> None:
    memory: Mapping[str, Any] = {}
    told = []
    for state in ("Available", "Charging", "Available", "Available"):
        step = status(state, memory)
        memory = step.memory
        told += [one.value["chargers"][0]["state"] for one in step.events if one.value]
    assert told == ["available", "charging", "available"]


def test_the_ids_of_a_long_call_are_remembered_whole_and_others_bounded() -> None:
    value = [
        {"timestamp": f"2026-03-08T08:{n // 60:02}:{n % 60:02}Z", "sampledValue": [{"value": "1"}]}
        for n in range(90)
    ]
    said = {"connectorId": 1, "meterValue": value}
    step = heard("MeterValues", said, {})
    assert len(step.memory["ids"]) == 90
    assert heard("MeterValues", said, step.memory).events == []
    assert len(heard("StartTransaction", START, step.memory).memory["ids"]) == IDS_MAX


def test_silence_is_told_once_and_ends_with_the_next_word() -> None:
    memory = status("Charging", {}).memory
    late_ms = NINE_MS + 900_000
    assert not is_due(memory, heard_ms=NINE_MS, now_ms=late_ms, interval_s=300)
    assert is_due(memory, heard_ms=NINE_MS, now_ms=late_ms + 1, interval_s=300)
    assert not is_due({}, heard_ms=NINE_MS, now_ms=late_ms + 1, interval_s=300), "it was never heard"
    silent = on_silence(CHARGER, memory, context=JEJU, at_ms=late_ms + 1)
    value = silent.events[0].value or {}
    assert (value["chargers"], value["is_stale"]) == ([{"state": "unknown", "count": 1}], True)
    assert not is_due(silent.memory, heard_ms=0, now_ms=late_ms * 2, interval_s=300), "after a restart, too"
    back = heard("Heartbeat", {}, silent.memory, late_ms + 2)
    value = back.events[0].value or {}
    assert (value["chargers"], value["is_stale"]) == ([{"state": "charging", "count": 1}], False)
    assert heard("Heartbeat", {}, back.memory, late_ms + 3).events == []


def test_a_status_that_ends_a_silence_is_told_though_it_was_the_last_before_it() -> None:
    memory = status("Charging", {}).memory
    silent = on_silence(CHARGER, memory, context=JEJU, at_ms=NINE_MS + 1_000_000)
    assert len(status("Charging", silent.memory, NINE_MS + 1_000_001).events) == 1


def test_a_key_is_of_one_charger_city_and_serial_alone() -> None:
    key = charger_key("s" * 16, "jeju", "C-1")
    assert len(key) == 40
    others = {
        charger_key("t" * 16, "jeju", "C-1"),
        charger_key("s" * 16, "seoul", "C-1"),
        charger_key("s" * 16, "jeju", "C-2"),
        charger_key("s" * 16, "jeju", "C-1", serial=1),
    }
    assert len(others | {key}) == 5
    assert 16 <= len(session_secret("s" * 16, "jeju")) <= 64


@pytest.mark.parametrize(
    ("said", "is_right"),
    [
        ("C-1:{key}", True),
        ("C-1:{KEY}", True),
        ("C-2:{key}", False),
        ("C-1:", False),
        ("C-1", False),
        ("C-1:{key}0", False),
    ],
)
def test_only_the_id_with_its_key_is_right(said: str, is_right: bool) -> None:
    key = charger_key("s" * 16, "jeju", "C-1")
    packed = base64.b64encode(said.format(key=key, KEY=key.upper()).encode()).decode()
    assert is_key(f"Basic {packed}", "C-1", key) is is_right
    assert not is_key(f"Bearer {packed}", "C-1", key)
    assert not is_key(None, "C-1", key)
    assert not is_key("Basic \xff", "C-1", key)


def test_a_list_is_read_and_its_wrong_line_named() -> None:
    found = charger_list("\ufeffid,operator,lat,lon\nC-1,greego,33.5,126.5\nC-2,evsis,,\n")
    assert {one: found[one].place for one in found} == {"C-1": (33.5, 126.5), "C-2": None}
    heading = "id,operator,lat,lon\n"
    for wrong in (
        "id,operator\nC-1,x\n",
        heading + "C 1,x,,\n",
        heading + "C-1,,,\n",
        heading + "C-1,x,91,0\n",
        heading + "C-1,x,nan,0\n",
        heading + "C-1,x,,\nC-1,x,,\n",
    ):
        with pytest.raises(Invalid):
            charger_list(wrong)
