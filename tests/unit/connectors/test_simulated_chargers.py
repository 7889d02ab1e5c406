"""A simulated charger keeps to OCPP: its queue, its repeats, its numbers, and what it does when told."""

from __future__ import annotations

import json
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator, Draft6Validator

from connectors.formats.ocpp_calls import Call, Version
from connectors.simulation.chargers import SimulatedCharger
from tests.charger_calls import T0_MS, Desk, a_plan, register_of

VERSIONS: tuple[Version, ...] = ("1.6", "2.0.1")
SESSION = ("StartTransaction", "StopTransaction", "MeterValues", "TransactionEvent")


def a_desk(version: str, **changes: Any) -> Desk:
    desk = Desk(SimulatedCharger(a_plan(version, **changes), begin_ms=T0_MS))
    desk.charger.connected(T0_MS)
    return desk


def said_of_sessions(desk: Desk) -> list[Call]:
    return [one for one in desk.heard if one.action in SESSION]


def cut_for(desk: Desk, seconds: float) -> None:
    desk.charger.disconnected(desk.now_ms)
    desk.now_ms += round(seconds * 1_000)
    desk.charger.connected(desk.now_ms)


@pytest.mark.parametrize("version", VERSIONS)
def test_each_call_fits_the_official_schemas_too(version: Version, data_dir: Path) -> None:
    desk = a_desk(version, faults_s=((700, 800),))  # every call was read by the schemas of the package
    desk.live(1_800)
    folder = data_dir / "charging/ocpp_schemas" / f"v{version.replace('.', '')}"
    checked = set()
    for call in desk.heard:
        name = call.action if version == "1.6" else f"{call.action}Request"
        schema = json.loads((folder / f"{name}.json").read_text(encoding="utf-8-sig"))
        kind = Draft6Validator if "draft-06" in schema.get("$schema", "") else Draft4Validator
        kind(schema).validate(json.loads(json.dumps(call.payload, default=float)))
        checked.add(call.action)
    wanted = {"BootNotification", "Heartbeat", "StatusNotification"}
    assert checked == wanted | set(SESSION[:3] if version == "1.6" else SESSION[3:])


@pytest.mark.parametrize("version", VERSIONS)
def test_the_same_seed_says_the_same_however_often_it_is_looked_at(version: Version) -> None:
    seldom, often = a_desk(version), a_desk(version)
    seldom.live(900)
    for _ in range(900):
        often.live(1)
    assert [one.payload for one in often.heard] == [one.payload for one in seldom.heard]
    other = a_desk(version, seed=8)
    other.live(900)
    assert [one.payload for one in other.heard] != [one.payload for one in seldom.heard]


@pytest.mark.parametrize("version", VERSIONS)
def test_what_was_told_adds_up_to_the_ledger(version: Version) -> None:
    desk = a_desk(version)
    desk.live(3_000)
    desk.charger.finish(desk.now_ms)
    desk.live(1)
    ledger = desk.charger.ledger
    assert len(ledger) > 10
    for before, after in pairwise(ledger):
        assert before.register_stop_wh == after.register_start_wh
    registers = [register_of(one) for one in desk.heard if one.action in ("MeterValues", "TransactionEvent")]
    assert registers == sorted(registers)
    drawn = sum((one.energy_wh or Decimal(0) for one in ledger), Decimal(0))
    if version == "1.6":
        starts = [one.payload["meterStart"] for one in desk.of("StartTransaction")]
        stops = [one.payload["meterStop"] for one in desk.of("StopTransaction")]
        assert sum(stops) - sum(starts) == drawn
    else:
        assert registers[-1] - registers[0] == drawn
    power_ms = sum(one.power_w * ((one.stop_ms or 0) - one.start_ms) for one in ledger)
    assert abs(drawn - Decimal(power_ms) / 3_600_000) < (len(ledger) if version == "1.6" else 1)


@pytest.mark.parametrize("version", VERSIONS)
def test_what_arose_without_a_connection_comes_in_order_and_the_rest_is_lost(version: Version) -> None:
    desk, whole = a_desk(version), a_desk(version)
    whole.live(700)
    desk.live(100)
    before = len(desk.heard)
    cut_for(desk, 400)
    desk.live(200)

    def times(one: Desk) -> list[str]:
        words = [
            str(call.payload.get("timestamp", call.payload.get("meterValue")))
            for call in said_of_sessions(one)
        ]
        return [text[text.index("2026") :][:24] for text in words]

    assert times(desk) == times(whole)
    beats = [one for one in desk.heard[before:] if one.action == "Heartbeat"]
    assert len(beats) <= 4  # of 200 s, not of 600
    assert len(desk.of("BootNotification")) == 1
    offline = [one.payload["offline"] for one in desk.of("TransactionEvent")]
    if version == "2.0.1":
        numbers: dict[str, list[int]] = {}
        for one in desk.of("TransactionEvent"):
            numbers.setdefault(one.payload["transactionInfo"]["transactionId"], []).append(
                one.payload["seqNo"]
            )
        assert all(its == list(range(len(its))) for its in numbers.values())
        assert offline.count(True) > 20 and not offline[0] and not offline[-1]
    else:
        assert {one.payload["transactionId"] for one in desk.of("StopTransaction")} <= set(
            desk.numbers.values()
        )


@pytest.mark.parametrize("version", VERSIONS)
def test_an_answer_that_does_not_come_is_asked_for_again_in_the_same_words(version: Version) -> None:
    desk = a_desk(version)
    desk.live(1)  # it booted
    desk.is_silent = True
    desk.live(600)
    said = said_of_sessions(desk)
    assert len(said) > 5
    assert all(one.payload == said[0].payload for one in said)
    assert len({one.unique_id for one in said}) == len(said)
    desk.is_silent = False
    desk.live(90)
    assert len(desk.charger.outbox) == 0


def test_a_call_waits_for_the_answer_to_the_one_before() -> None:
    desk = a_desk("1.6")
    desk.live(1)
    desk.is_silent = True
    desk.live(45)
    now_ms = desk.now_ms
    assert desk.charger.outbox.sent is not None
    assert desk.charger.next_frame(now_ms) is None
    assert len(desk.charger.outbox) > 1


@pytest.mark.parametrize("version", VERSIONS)
def test_a_refused_message_is_sent_so_often_and_then_given_up(version: Version) -> None:
    desk = a_desk(version, attempts_max=3, retry_s=5)
    desk.refuses = lambda call: call.action in ("StartTransaction", "TransactionEvent")
    desk.live(200)
    first = said_of_sessions(desk)[0].payload
    assert [one.payload for one in said_of_sessions(desk)].count(first) == 3
    session = desk.charger.ledger[0]
    if version == "1.6":  # without a number nothing of it may be told
        assert session.transaction_id is None and session.given_up > 3
        assert not desk.of("StopTransaction") and not desk.of("MeterValues")


def test_a_start_that_is_repeated_hears_its_number_again() -> None:
    desk = a_desk("1.6", unheard_percent=50)
    desk.live(3_000)
    assert desk.charger.noted["answers that got lost"] > 20
    assert len(desk.of("StartTransaction")) > len(desk.charger.ledger)
    assert all(len(one.ids) == 1 for one in desk.charger.ledger if one.transaction_id)


def test_a_lost_reading_leaves_a_gap_that_the_ledger_knows() -> None:
    desk = a_desk("2.0.1", lost_percent=30)
    desk.live(600)
    told = {
        (one.payload["transactionInfo"]["transactionId"], one.payload["seqNo"])
        for one in desk.of("TransactionEvent")
    }
    lost = {(one.transaction_id, number) for one in desk.charger.ledger for number in one.lost}
    whole = {(one.transaction_id, number) for one in desk.charger.ledger for number in range(one.next_seq)}
    assert lost and told | lost == whole and not told & lost


@pytest.mark.parametrize("version", VERSIONS)
def test_a_full_queue_loses_readings_and_never_a_beginning_or_an_end(version: Version) -> None:
    desk = a_desk(version, queue_max=10)
    desk.live(1)
    cut_for(desk, 3_000)
    desk.live(1)
    ledger = list(desk.charger.ledger)
    assert sum(len(one.lost) for one in ledger) > 100
    begun = {one.payload["timestamp"] for one in said_of_sessions(desk) if one.action == "StartTransaction"}
    if version == "2.0.1":
        begun = {
            one.payload["timestamp"]
            for one in said_of_sessions(desk)
            if one.payload["eventType"] == "Started"
        }
    assert len(begun) == len(ledger)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_blocked_session_is_stopped(version: Version) -> None:
    desk = a_desk(version)
    desk.blocks = True
    desk.live(100)
    first = desk.charger.ledger[0]
    assert first.stop_ms is not None and first.stop_ms - first.start_ms < 1_000
    assert "DeAuthorized" in json.dumps([one.payload for one in said_of_sessions(desk)], default=str)


def profile(version: str, watts: int, **changes: Any) -> dict[str, Any]:
    schedule = {
        "chargingRateUnit": "W",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": watts}],
        **changes,
    }
    told = {"stackLevel": 0, "chargingProfileKind": "Absolute", "chargingProfilePurpose": "TxDefaultProfile"}
    if version == "1.6":
        return {
            "connectorId": 1,
            "csChargingProfiles": {**told, "chargingProfileId": 1, "chargingSchedule": schedule},
        }
    return {"evseId": 1, "chargingProfile": {**told, "id": 1, "chargingSchedule": [{"id": 1, **schedule}]}}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_profile_lowers_what_is_drawn_and_ends_when_it_says(version: Version) -> None:
    desk = a_desk(version, session_s=(2_000, 2_000), pause_s=(0, 0), power_w=(7_200, 7_200))
    desk.live(100)
    assert desk.order("SetChargingProfile", profile(version, 3_600, duration=200))[2] == {
        "status": "Accepted"
    }
    before = desk.charger.meter.register_wh
    desk.live(200)
    assert desk.charger.meter.register_wh - before == pytest.approx(Decimal(200), abs=Decimal("0.002"))
    desk.live(100)
    assert desk.charger.meter.register_wh - before == pytest.approx(Decimal(400), abs=Decimal("0.002"))
    assert desk.order("SetChargingProfile", profile(version, 0))[2] == {"status": "Accepted"}
    before = desk.charger.meter.register_wh
    desk.live(50)
    assert desk.charger.meter.register_wh == before
    assert "SuspendedEVSE" in json.dumps([one.payload for one in desk.heard[-8:]], default=str)
    wanted = {"id": 1} if version == "1.6" else {"chargingProfileId": 1}
    assert desk.order("ClearChargingProfile", wanted)[2] == {"status": "Accepted"}
    assert desk.order("ClearChargingProfile", wanted)[2] == {"status": "Unknown"}
    bad = profile(version, 1)
    next(iter(value for value in bad.values() if isinstance(value, dict)))["chargingProfileKind"] = (
        "Recurring"
    )
    assert desk.order("SetChargingProfile", bad)[2] == {"status": "Rejected"}
    assert desk.order("Reset", {})[0] == 4


@pytest.mark.parametrize("version", VERSIONS)
def test_an_inoperative_charger_ends_its_session_and_begins_none(version: Version) -> None:
    desk = a_desk(version, session_s=(60, 60), pause_s=(5, 5))
    desk.live(30)
    assert desk.charger.session is not None
    word, key = ("type", "connectorId") if version == "1.6" else ("operationalStatus", "evse")
    place: Any = 0 if version == "1.6" else {"id": 1}
    assert desk.order("ChangeAvailability", {key: place, word: "Inoperative"})[2] == {"status": "Scheduled"}
    desk.live(300)
    assert len(desk.charger.ledger) == 1 and desk.charger.session is None
    states = [
        one.payload.get("status", one.payload.get("connectorStatus")) for one in desk.of("StatusNotification")
    ]
    assert states[-1] == "Unavailable"
    assert desk.order("ChangeAvailability", {key: place, word: "Operative"})[2] == {"status": "Accepted"}
    desk.live(60)
    assert len(desk.charger.ledger) == 2


def test_a_fault_ends_the_session_and_is_told() -> None:
    desk = a_desk("1.6", faults_s=((100, 200),), session_s=(90, 90))
    desk.live(150)
    faulted = [one.payload for one in desk.of("StatusNotification") if one.payload["status"] == "Faulted"]
    assert {one["connectorId"] for one in faulted} == {0, 1} and faulted[0]["errorCode"] == "GroundFailure"
    assert desk.charger.session is None
    count = len(desk.charger.ledger)
    desk.live(49)
    assert len(desk.charger.ledger) == count
    desk.live(100)
    assert len(desk.charger.ledger) > count


def test_nothing_goes_before_the_boot_is_accepted() -> None:
    desk = a_desk("1.6")
    desk.refuses = lambda call: call.action == "BootNotification"
    desk.live(300)
    assert {one.action for one in desk.heard} == {"BootNotification"} and len(desk.heard) == 11
    desk.refuses = lambda _: False
    desk.live(100)
    assert desk.charger.is_accepted and desk.of("StartTransaction")
    assert said_of_sessions(desk)[0].action == "StartTransaction"
