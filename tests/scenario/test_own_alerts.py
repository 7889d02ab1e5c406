"""Every building fire, rescue, explosion, collapse and shooting alerts the operator, judged by the agency's own word.

The words are chosen by a list here, not by the kind that we gave them; `test_derecho_load` tests the same for the storm.
In Austin's file every call is closed already, and closed calls alert nobody: here its calls are held open.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from connectors.recordings import read_recording
from connectors.sources import austin_fire_calls, columbia_cad
from deploy.city.city import load_city
from schemas.event import Event
from schemas.kinds import Words, load_kinds
from schemas.parts import PARTS
from streams.situations.entry import Entry
from streams.situations.fold import CityState, step
from streams.situations.terms import is_a

COLUMBIA = "columbia/columbia_mo_cad_2026-03_04.csv"
AUSTIN = "dispatch/austin_afd_2016.csv"
BUILT = r"(apartment|house|home|duplex|building|bldg|structure|garage|shed|high ?rise|dwelling|residen)"
GRAVE = {
    rf"\b{BUILT}\w*\b.*\bfire\b": "fire.building",
    r"\b(explo|blast)": "fire.explosion",
    r"\b(rescue|extricat|entrap|trapped|collapse|drown)": "rescue",
    r"\b(shots?|shooting|gunshot|stabb)": "crime.weapon",
}
"""(pattern of a word, branch of the tree); the first that fits counts."""
GRAVE_KINDS = ("fire", "rescue", "crime.weapon")
"""The kinds that demand attention in these cities, for this test: an alert then comes of the kind, not of any call."""


def branch_of(word: str) -> str | None:
    folded = word.casefold()
    return next((branch for said, branch in GRAVE.items() if re.search(said, folded)), None)


def grave(events: Iterable[Event]) -> dict[str, Event]:
    """Incident → its first open revision with a grave word."""
    found: dict[str, Event] = {}
    for event in events:
        assert event.value is not None
        if event.value["status"] != "closed" and branch_of(event.value["kind_text"]):
            found.setdefault(event.key, event)
    return found


def unalerted(incidents: Iterable[str], said: Iterable[Event]) -> set[str]:
    """The *incidents* without an alert of their own to the operator."""
    told, homes = set[str](), dict[str, set[str]]()
    for event in said:
        value: Mapping[str, Any] = event.value or {}
        if (
            event.topic == "core.alert"
            and value["audience"] == "operator"
            and value["rule"] == "joint-incident"
        ):
            told.add(value["situation_id"])
        if event.topic == "core.situation":
            for one in value["incidents"]:
                homes.setdefault(one["incident_id"], set()).add(value["situation_id"])
    return {one for one in incidents if not homes.get(one, set()) & told}


@dataclass(frozen=True)
class Log:
    """A city's log, read by its source."""

    city: str
    source: str
    file: str

    def events(self, data: Path) -> list[Event]:
        source, place, found = load_city(self.city).load(self.source), dict[str, Any](), list[Event]()
        for one in read_recording(data / self.file):
            reading = source.read(one, place)
            place = dict(reading.place)
            found += reading.events
        return found

    def lived(self, events: Iterable[Event]) -> list[Event]:
        """The answers to *events* in order of time, held open; without surges, which carry no grave word."""
        rules = load_city(self.city).rules.canonical() | {"attention": GRAVE_KINDS, "others": []}
        state, said = CityState.empty(), list[Event]()
        step(state, Entry("rules", f"{self.city}.rules", 0, 0, rules))
        entries = []
        for offset, event in enumerate(events):
            value = {**(event.value or {}), "status": "dispatched"}
            value["received_time"] = value["event_time"]
            entries.append(Entry("incident", f"{self.city}.{event.topic}", 0, offset, value))
        for entry in sorted(entries, key=lambda one: (one.value["event_time"], one.topic, one.offset)):
            said += step(state, entry)
        return said


LOGS = (Log("columbia", "cad", COLUMBIA), Log("austin", "fire-calls", AUSTIN))


@pytest.mark.timeout(600)  # two months of a city under the rules
@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.city)
def test_every_grave_word_of_a_log_has_its_own_alert(log: Log, data_dir: Path) -> None:
    events = log.events(data_dir)
    chosen = grave(replace(one, value={**(one.value or {}), "status": "dispatched"}) for one in events)
    assert chosen
    assert unalerted(chosen, log.lived(events)) == set()


@cache
def without_words() -> Any:
    tree = load_kinds()
    return replace(tree, words=dict.fromkeys(tree.words, Words({})))


def by_parts(values: Iterable[Mapping[str, Any]]) -> int:
    """The number of *values* with a grave word. The parts of words must put at least 98 % in the right branch."""
    chosen = [(value, branch) for value in values if (branch := branch_of(value["kind_text"]))]
    wrong = [v for v, branch in chosen if v["kind_source"] != PARTS or not is_a(v["kind"], branch)]
    assert len(wrong) <= 0.02 * len(chosen), sorted({value["kind_text"] for value in wrong})
    return len(chosen)


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.city)
def test_without_any_table_its_parts_put_a_grave_word_where_it_belongs(
    log: Log, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (columbia_cad, austin_fire_calls):
        monkeypatch.setattr(module, "load_kinds", without_words)
    assert by_parts(event.value for event in log.events(data_dir) if event.value is not None) > 0
