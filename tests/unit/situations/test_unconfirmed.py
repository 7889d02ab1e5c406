"""Claims without a report: two independent ones open a situation that only operators are alerted to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from deploy.laws import law_named
from schemas.catalogue import load_catalogue
from schemas.rows import RowCodec
from streams.match.core.watches import watch_of
from streams.situations.config import RulesConfig
from streams.situations.entry import Entry
from streams.situations.state.city import CityState
from tests.unit.situations.a_city import City, a_tick, an_action, an_incident, at, place, rules

WATCH = {"purpose": "fire-safety", "labels": ["smoke"], "evidence_max": 20}


def looking(**numbers: Any) -> RulesConfig:
    return rules(others=[{"name": "unconfirmed", "numbers": numbers}], watch=WATCH, law=law_named("us"))


def a_city(**numbers: Any) -> City:
    city = City(looking(**numbers))
    city.take(a_tick("12:00"))
    return city


def a_claim(
    by: str,
    clock: str = "12:00:30",
    *,
    label: str = "smoke",
    where: Mapping[str, Any] | None = None,
    confidence: float | None = 0.9,
    kind: str = "seen",
) -> Entry:
    """The evidence of the standing watch."""
    watch_id = City(looking()).all("core.watch")[0]["watch_id"]
    value = {
        "situation_id": None,
        "watch_id": watch_id,
        "kind": kind,
        "observation_id": f"{by} {clock}",
        "topic": "demo.cctv.detection",
        "partition": 0,
        "offset": at(clock) // 1000,
        "distance_m": None,
        "seconds": 0.0,
        "label": label,
        "confidence": confidence,
        "seen_by": by,
        "position": dict(where or place()),
        "event_time": at(clock),
        "received_time": at(clock),
    }
    return Entry("evidence", "demo.core.evidence", 0, 0, value)


def unconfirmed(city: City) -> list[dict[str, Any]]:
    return [one for one in city.all("core.situation") if one["rule"] == "unconfirmed"]


def test_the_rule_looks_at_the_whole_city_for_as_long_as_it_is_in_force() -> None:
    city = a_city()
    (watch,) = city.all("core.watch")
    RowCodec(load_catalogue()["core.watch"].newest).encode(watch)
    assert (watch["shape"], watch["situation_id"], watch["min_confidence"]) == ("anywhere", None, 0.6)
    assert "smoke" in watch_of(watch).labels
    assert city.take(Entry("rules", "demo.rules", 0, 0, looking().canonical())) == []
    (again,) = city.take(Entry("rules", "demo.rules", 0, 0, looking(min_confidence=0.9).canonical()))[:1]
    assert again.value is not None and again.value["revision"] == 2
    said = city.take(Entry("rules", "demo.rules", 0, 0, rules().canonical()))
    assert [(one.key, one.value) for one in said if one.topic == "core.watch"] == [(watch["watch_id"], None)]


def test_two_cameras_open_it_and_operators_alone_hear_of_it() -> None:
    city = a_city()
    city.take(a_claim("camera-1"))
    assert unconfirmed(city) == []
    city.take(a_claim("camera-2", "12:01", where=place(80)))
    (one,) = unconfirmed(city)
    assert (one["kind"], one["certainty"], one["status"]) == ("fire", "possible", "open")
    assert (one["agencies"], one["incidents"], len(one["evidence"])) == ([], [], 2)
    assert [alert["audience"] for alert in city.all("core.alert")] == ["operator"]
    assert city.all("core.alert")[0]["headline"] == "Fire, unconfirmed: claimed by 2 independent sources"
    assert city.all("core.grant") == []


@pytest.mark.parametrize(
    "second",
    [
        a_claim("camera-1", "12:01"),  # ten claims of one camera are one source
        a_claim("camera-2", "12:05"),  # too late
        a_claim("camera-2", "12:01", where=place(400)),  # too far
        a_claim("camera-2", "12:01", label="collision"),  # something else
        a_claim("camera-2", "12:01", label="car"),  # nothing
        a_claim("camera-2", "12:01", confidence=0.3),
        a_claim("camera-2", "12:01", confidence=None),
        a_claim("camera-2", "12:01", kind="left_out"),
    ],
)
def test_a_near_miss_opens_nothing(second: Entry) -> None:
    city = a_city()
    city.take(a_claim("camera-1"), second)
    assert unconfirmed(city) == []


def test_claims_that_flap_are_one_situation() -> None:
    city = a_city()
    for minute in range(12):
        for by in ("camera-1", "camera-2"):
            city.take(a_claim(by, f"12:{minute:02d}:10"))
        city.take(a_tick(f"12:{minute:02d}:50"))
    assert len({one["situation_id"] for one in unconfirmed(city)}) == 1
    attention = [alert for alert in city.all("core.alert") if alert["demands_attention"]]
    assert len(attention) == 1


def test_it_is_closed_by_itself_when_nothing_more_is_claimed() -> None:
    city = a_city()
    city.take(a_claim("camera-1"), a_claim("camera-2", "12:01"), a_tick("12:15:59"))
    assert unconfirmed(city)[-1]["status"] == "open"
    city.take(a_tick("12:16"))
    last = unconfirmed(city)[-1]
    assert (last["status"], last["reason"]) == ("closed", "nothing more was claimed for 15 min")
    assert city.all("core.alert")[-1]["message_type"] == "cancel"
    city.take(an_action("reopen", last["situation_id"], "12:20"), a_tick("15:00"))
    assert unconfirmed(city)[-1]["status"] == "open"


def test_the_first_report_of_it_takes_it_over_with_what_was_claimed() -> None:
    city = a_city()
    city.take(a_claim("camera-1"), a_claim("camera-2", "12:01"))
    city.take(an_incident("F1", kind="fire.building", happened="12:02", where=place(60)))
    reported = city.the_situation()
    assert unconfirmed(city)[-1]["merged_into"] == reported["situation_id"]
    assert (reported["certainty"], len(reported["evidence"])) == ("observed", 3)
    assert reported["reason"] == "claimed before it was reported"
    assert city.take(a_claim("camera-3", "12:03")) == []  # the report's own watch finds that


def test_a_report_of_something_else_leaves_it_alone() -> None:
    city = a_city()
    city.take(a_claim("camera-1"), a_claim("camera-2", "12:01"))
    city.take(an_incident("F1", kind="medical", happened="12:02"))
    assert unconfirmed(city)[-1]["merged_into"] is None


def test_what_waits_is_bounded() -> None:
    city = a_city(pending_max=5, window_s=3_600)
    for n in range(30):
        city.take(a_claim(f"camera-{n}", f"12:00:{n:02d}", where=place(n * 1_000)))
    assert len(city.state.memories["unconfirmed:pending"].body["claims"]) == 5


def test_a_restart_in_between_changes_not_a_byte() -> None:
    life = [
        a_tick("12:00"),
        a_claim("camera-1"),
        a_claim("camera-2", "12:01"),
        a_claim("camera-3", "12:02"),
        a_tick("12:05"),
        a_claim("camera-9", "12:06", where=place(5_000)),
        an_incident("F1", kind="fire", happened="12:07", heard="12:07"),
        a_tick("13:00"),
    ]
    config = looking()
    whole = City(config)
    whole.take(*life)
    for cut in range(1, len(life)):
        before, after = City(config), City(config)
        before.take(*life[:cut])
        rows = {event.key: event.value for event in before.said if event.topic == "core.state"}
        clock = before.state.clock_row()
        rows[clock.key] = clock.value
        after.said.clear()
        after.state = CityState.from_records(config, reversed(rows.items()))
        after.take(*life[cut:])
        assert [(e.topic, e.key, e.value) for e in [*before.said, *after.said]] == [
            (e.topic, e.key, e.value) for e in whole.said
        ]
