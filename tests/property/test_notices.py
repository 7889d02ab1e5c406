"""Repeated or late notices of sensors and persons change no published answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.event import derived_id
from streams.situations.entry import Entry
from tests.property.city_life import wrongs
from tests.unit.situations.a_city import City, a_camera, a_tick, an_action, at, place, rules

STEP_MS = 20_000
TOLD = ("core.situation", "core.alert", "core.grant")
NUMBERS = {"over_after_s": 60, "age_max_min": 4}
"""Retention so short that a repeat is sometimes younger, sometimes older."""

Word = tuple[str, str, int]
"""(source, kind of notice, metres north)."""


def words() -> st.SearchStrategy[list[Word]]:
    spots = st.sampled_from([0, 30, 90])
    sensor = st.tuples(st.sampled_from(["s1", "s2"]), st.sampled_from(["high", "low"]), spots)
    causes = st.sampled_from(["button", "zone_exit", "zone_return", "cancelled"])
    person = st.tuples(st.sampled_from(["p1", "p2"]), causes, spots)
    hand = st.tuples(st.just("kim"), st.sampled_from(["close", "confirm", "reopen"]), st.integers(0, 5))
    quiet = st.just(("nobody", "nothing", 0))
    return st.lists(st.one_of(sensor, person, hand, quiet), min_size=1, max_size=40)


def a_word(word: Word, number: int, heard: int) -> Entry:
    """The notice with that *number*, received in step *heard*."""
    whose, what, metres = word
    value: dict[str, Any] = {
        "event_id": derived_id(number),
        "source": "test",
        "event_time": at("12:00") + number * STEP_MS,
        "received_time": at("12:00") + heard * STEP_MS,
        "position": place(metres),
    }
    if whose.startswith("s"):
        level = 9.0 if what == "high" else 0.0
        said = {"sensor_id": whose, "quantity": "gas", "unit": None, "threshold": 1.0, "value": level}
        return Entry("notice", "demo.civil.observation", 0, number, value | said)
    said = {
        "person_ref": whose,
        "cause": what,
        "consent_ref": "c",
        "photo_ref": None,
        "guardian_ref": None,
    }
    return Entry("notice", "demo.civil.vulnerable", 0, number, value | said)


def lived(said: Sequence[Word], heard: Sequence[Sequence[int]]) -> City:
    """A city that receives in each step the notices of these numbers; an operator's action has its own step."""
    city = City(rules(others=[{"name": name, "numbers": NUMBERS} for name in ("disaster", "vulnerable")]))
    city.take(a_camera(purposes=["disaster", "crime-prevention"]))
    for step, numbers in enumerate(heard):
        clock = at("12:00") + step * STEP_MS
        city.take(Entry("tick", "demo.core.tick", 0, 0, {"event_time": clock}))
        for number in numbers:
            whose, what, pick = said[number]
            if whose == "kim":
                _handle(city, what, pick, clock)
            elif whose != "nobody":
                city.take(a_word(said[number], number, step))
    city.take(a_tick("13:00"))
    return city


def _handle(city: City, what: str, pick: int, clock: int) -> None:
    """Do an operator's action on one of the situations that allow it."""
    may = [one for one in city.live() if (one["status"] == "closed") is (what == "reopen")]
    if may:
        action = an_action(what, may[pick % len(may)]["situation_id"])
        value = {**action.value, "received_time": clock, "action_id": derived_id(what, clock)}
        city.take(Entry("action", action.topic, 0, 0, value))


def told(city: City) -> list[Any]:
    return [(event.topic, event.key, event.value) for event in city.said if event.topic in TOLD]


@settings(max_examples=150)
@given(words(), st.data())
def test_what_is_told_again_changes_nothing(said: list[Word], data: st.DataObject) -> None:
    """A repeat may come at any later time, any number of times."""
    heard = [[number] for number in range(len(said))]
    again = [list(one) for one in heard]
    for number in data.draw(st.lists(st.integers(0, len(said) - 1), max_size=10)):
        if said[number][0] != "kim":
            again[data.draw(st.integers(number, len(said) - 1))].append(number)
    assert told(lived(said, again)) == told(lived(said, heard))


@settings(max_examples=150)
@given(words(), st.data())
def test_in_whatever_order_it_is_heard_no_id_lives_twice(said: list[Word], data: st.DataObject) -> None:
    """No revision is published twice, no grant outlives its situation."""
    numbers = [number for number in range(len(said)) for _ in range(data.draw(st.integers(1, 2)))]
    late: list[list[int]] = [[] for _ in range(len(said) + 12)]
    for number in numbers:
        late[number + data.draw(st.integers(0, 11))].append(number)
    assert wrongs(lived(said, late)) == []
