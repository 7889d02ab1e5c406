"""Agencies' notices beside reports: checked against the law first, and bounded."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from schemas.errors import Invalid
from streams.situations.entry import Entry
from streams.situations.reports import notices
from streams.situations.rules.in_force import rule_file
from streams.situations.rules.wanted import listing
from streams.situations.state.city import CityState
from tests.unit.situations.a_city import City, a_tick, an_action, at, place, rules

RULES = ("disaster", "vulnerable", "wanted")


def a_city(**numbers: Any) -> City:
    city = City(rules(others=[{"name": name, "numbers": numbers.get(name, {})} for name in RULES]))
    city.take(a_tick("12:00"))
    return city


def names(city: City, memory: str) -> list[str]:
    """The names in a rule's memory, without the source."""
    return [one.rpartition("\x1f")[2] for one in city.state.memories[memory].body]


def a_notice(contract: str, clock: str, **said: Any) -> Entry:
    value = {
        "event_id": f"{contract} {clock} {said}",
        "source": "test",
        "event_time": at(clock),
        "received_time": at(clock),
        "position": place(),
    }
    return Entry("notice", f"demo.{contract}", 0, 0, value | said)


def a_value(value: float, clock: str = "12:01", sensor: str = "s1") -> Entry:
    said = {"sensor_id": sensor, "quantity": "gas", "unit": None, "threshold": 1.0, "value": value}
    return a_notice("civil.observation", clock, **said)


def a_wanted(entry_id: str = "W1", **said: Any) -> Entry:
    usual = {
        "agency": "112",
        "is_listed": True,
        "offence": "robbery",
        "legal_ground": "order",
        "tokens": [f"token of {entry_id}"],
        "candidate_tokens": [],
        "ends_at": None,
    }
    return a_notice("police.wanted", "12:01", entry_id=entry_id, **usual | said)


def a_call(**said: Any) -> Entry:
    usual = {"cause": "button", "consent_ref": "c", "photo_ref": None, "guardian_ref": None}
    return a_notice("civil.vulnerable", "12:01", **{"person_ref": "p1"} | usual | said)


def a_reading(city: City, plate: str, clock: str) -> Entry:
    """The evidence of a camera that read *plate*, for the newest entry of the list."""
    value = {
        "situation_id": None,
        "watch_id": city.all("core.watch")[-1]["watch_id"],
        "kind": "seen",
        "observation_id": f"{plate} {clock}",
        "event_time": at(clock),
        "position": place(),
        "topic": "demo.cctv.plate",
        "partition": 0,
        "offset": 0,
        "distance_m": None,
        "seconds": 0.0,
        "subject": plate,
        "label": "licence_plate",
        "confidence": 0.9,
        "seen_by": "c1",
    }
    return Entry("evidence", "demo.core.evidence", 0, 0, value)


def dismissed(city: City, plate: str, clock: str) -> None:
    """Read *plate*, and let operators dismiss it as another vehicle."""
    city.take(a_reading(city, plate, clock))
    city.take(an_action("close", city.live()[-1]["situation_id"], clock))


@pytest.mark.parametrize("name", RULES)
def test_each_has_words_in_korean_and_english(name: str) -> None:
    assert {"en", "ko"} <= set(rule_file(name).Numbers.model_validate({}).headlines)


@pytest.mark.parametrize("name", RULES)
def test_wrong_words_are_refused(name: str) -> None:
    words = rule_file(name).Numbers.model_validate({}).model_dump()["headlines"]["en"]
    with pytest.raises(ValueError, match="may use"):
        rule_file(name).Numbers.model_validate({"headlines": {"en": {**words, "over": "{address}"}}})


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        (a_call(consent_ref=None), "consent_ref"),
        (a_call(consent_ref=" "), "consent_ref"),
        (a_call(person_ref=""), "person_ref"),
        (a_call(cause="mood"), "cause"),
        (a_wanted(offence=None), "offence"),
        (a_wanted(offence="litter"), "offence"),
        (a_wanted(legal_ground=""), "legal_ground"),
        (a_wanted(agency=""), "agency"),
        (a_wanted(tokens=[]), "tokens"),
        (a_wanted(candidate_tokens=["t"] * notices.TOKENS_MAX), "candidate_tokens"),
    ],
)
def test_what_the_law_or_the_bounds_do_not_hold_changes_nothing(entry: Entry, field: str) -> None:
    city = a_city()
    for rules_of_it in (city, City(rules())):  # whether or not a rule is in force
        before = rules_of_it.state.sequence
        with pytest.raises(Invalid) as refused:
            rules_of_it.take(entry)
        assert refused.value.field == field
        assert rules_of_it.state.sequence == before
        assert not any(str(value) in str(refused.value) for value in ("p1", "W1", "litter"))


def test_without_the_rule_in_force_a_notice_leads_to_nothing() -> None:
    assert City(rules()).take(a_value(9.0), a_call(), a_wanted()) == []


def test_a_law_that_names_no_offences_leaves_them_to_the_list() -> None:
    law = rules().law.model_dump() | {"wanted_offences": None}
    city = City(rules(law=law, others=[{"name": "wanted", "numbers": {}}]))
    assert city.take(a_wanted(offence="litter"))
    assert [one["kind"] for one in city.all("core.watch")] == ["plate"]


def test_the_list_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "WANTED_MAX", 3)
    city = a_city()
    city.take(*(a_wanted(f"W{number}") for number in range(3)))
    with pytest.raises(Invalid, match="entry_id"):
        city.take(a_wanted("W9"))
    city.take(a_wanted("W1", is_listed=False))
    assert city.take(a_wanted("W9"))


def test_of_so_many_entries_taken_off_it_is_known_since_when() -> None:
    city = a_city(wanted={"removed_max": 2})
    for number in range(4):
        city.take(
            a_wanted(f"W{number}"),
            a_wanted(f"W{number}", event_time=at(f"12:0{number + 2}"), is_listed=False),
        )
    assert names(city, "wanted-removed:") == ["W2", "W3"]
    assert city.take(a_wanted("W3", event_time=at("12:05"))) == []
    assert city.take(a_wanted("W3", event_time=at("12:06"))) != []


def test_an_entry_whose_time_was_up_counts_again_with_more_time() -> None:
    city = a_city()
    city.take(a_wanted(ends_at=at("12:10")), a_tick("12:10"))
    assert city.state.memories.keys() == {"wanted-removed:"}
    city.take(a_wanted(ends_at=at("12:20"), received_time=at("12:11")))
    assert [one["closes_at"] for one in city.all("core.watch")] == [at("12:10"), at("12:20")]


def test_the_same_entry_told_again_is_the_same_watch_and_another_plate_its_next_revision() -> None:
    city = a_city()
    city.take(a_wanted(), a_wanted(), a_wanted(tokens=["another"]))
    watches = city.all("core.watch")
    assert [(one["revision"], one["tokens"]) for one in watches] == [(1, ["token of W1"]), (2, ["another"])]
    assert len({one["watch_id"] for one in watches}) == 1


def test_so_many_dismissed_plates_are_known_of_an_entry_the_oldest_goes_first() -> None:
    city = a_city(wanted={"plates_max": 2})
    city.take(a_wanted(candidate_tokens=["a", "b", "c"]))
    for number, plate in enumerate("abc"):
        dismissed(city, plate, f"12:0{number + 2}")
    told = [bool(city.take(a_reading(city, plate, "12:10"))) for plate in "cba"]
    assert told == [False, False, True]
    assert city.state.memories["wanted:W1"].body["dismissed"] == ["b", "c"]


def test_a_row_of_before_all_that_was_kept_is_read_as_it_was_meant() -> None:
    city = a_city()
    city.take(a_wanted(candidate_tokens=["a", "b"], ends_at=at("13:00")))
    dismissed(city, "a", "12:02")
    memory = city.state.memories["wanted:W1"]
    of_now = {"heard", "ends_at", "confirmed", "dismissed"}
    body = {name: said for name, said in memory.body.items() if name not in of_now} | {"read": "a"}
    city.state.keep(replace(memory, body=body, wake_at=at("13:00")))
    assert city.take(a_reading(city, "a", "12:03")) == []
    assert city.take(a_reading(city, "b", "12:04")) != []
    city.take(a_tick("13:00"))
    assert city.state.memories.keys() == {"wanted-removed:"}


def test_a_rule_that_holds_no_longer_looks_for_nobody() -> None:
    city = a_city()
    city.take(a_wanted())
    (watch,) = city.all("core.watch")
    said = city.take(Entry("rules", "demo.rules", 0, 0, rules().canonical()))
    assert [(e.key, e.value) for e in said if e.topic == "core.watch"] == [(watch["watch_id"], None)]
    assert not city.state.is_standing(watch["watch_id"])


def test_sensors_over_their_threshold_at_once_are_bounded_and_the_oldest_end_with_a_reason() -> None:
    city = a_city(disaster={"spells_max": 2})
    city.take(*(a_value(9.0, f"12:0{number + 1}", f"s{number}") for number in range(4)))
    assert names(city, "disaster:spells") == ["s2", "s3"]
    assert [one["status"] for one in city.live()] == ["closed", "closed", "open", "open"]
    assert city.live()[0]["reason"].startswith("let go: there are more at once")
    city.take(a_value(0.0, "12:10", "s3"), a_value(0.0, "12:10", "s0"), a_tick("12:20"))
    assert [one["status"] for one in city.live()] == ["closed", "closed", "open", "closed"]


def test_what_is_over_is_remembered_for_as_long_as_an_older_word_could_open_it_again() -> None:
    city = a_city()
    city.take(a_value(9.0, "12:01", "s1"), a_value(0.0, "12:02", "s1"), a_tick("12:10"))
    assert names(city, "disaster:spells") == ["s1"]
    city.take(a_tick("13:30"))
    assert names(city, "disaster:spells") == []


def test_a_restart_finds_the_list_and_its_watches() -> None:
    city = a_city()
    city.take(a_wanted(), a_value(9.0), a_call())
    rows = {event.key: event.value for event in city.said if event.topic == "core.state"}
    again = CityState.from_records(city.config, rows.items())
    assert again.memories == city.state.memories
    (watch,) = city.all("core.watch")
    assert again.is_standing(watch["watch_id"])
