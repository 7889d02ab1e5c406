"""Two sets of rules over the same journal: which situations and alerts differ. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.errors import Invalid
from schemas.event import Event
from streams.situations.answers.events import situation_event
from streams.situations.config import RulesConfig
from streams.situations.entry import Entry
from streams.situations.fold import CityState, step

Group = tuple[str, ...]


@dataclass(slots=True)
class RulesOutcome:
    """The situations, alerts and grants that one set of rules makes of a journal."""

    config: RulesConfig
    state: CityState = field(default_factory=CityState.empty)
    situations: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    alerts: Counter[str] = field(default_factory=Counter)
    grants: int = 0
    not_done: int = 0

    def begin(self) -> None:
        """Put this set's numbers in force over a state that was kept under others; its situations are those of before."""
        if self.state.config is None:
            return
        city = self.config.city
        for one in self.state.situations.values():
            told = situation_event(one, self.state.rules, now=self.state.now_ms)
            self.situations[told.key] = told.value or {}
        self.take(Entry("rules", f"{city}.rules", 0, 0, self.config.canonical()))

    def take(self, entry: Entry) -> None:
        """One entry; the numbers are always this set's own."""
        if entry.kind == "rules":
            entry = Entry(entry.kind, entry.topic, entry.partition, entry.offset, self.config.canonical())
        try:
            events = step(self.state, entry)
        except Invalid:  # an operator's action on what there is only under other rules
            self.not_done += 1
            return
        for event in events:
            if event.value is not None:
                self._count(event, event.value)

    def _count(self, event: Event, value: Mapping[str, Any]) -> None:
        match event.topic:
            case "core.situation":
                self.situations[event.key] = value
            case "core.alert" if value["demands_attention"]:
                self.alerts[value["audience"]] += 1
            case "core.grant" if value["revision"] == 1:
                self.grants += 1

    def live(self) -> list[Mapping[str, Any]]:
        return [one for one in self.situations.values() if one["merged_into"] is None]

    def groups(self) -> dict[Group, str]:
        """The reports (agency and case number) of each situation with more than one → its id."""
        return {cases_of(one): one["situation_id"] for one in self.live() if len(one["incidents"]) > 1}

    def areas(self) -> set[tuple[str, int]]:
        """The area alerts: (kind, when its first call was)."""
        return {(one["kind"], one["opened_at"]) for one in self.live() if not one["incidents"]}

    def counts(self) -> dict[str, int]:
        live = self.live()
        return {
            "situations": sum(bool(one["incidents"]) for one in live),
            "joined": sum(len(one["agencies"]) > 1 for one in live if one["incidents"]),
            "area alerts": len(self.areas()),
            "grants": self.grants,
            "actions not done": self.not_done,
            **{f"alerts to {audience}": count for audience, count in sorted(self.alerts.items())},
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """Counts of today's rules and of a candidate's over one journal. *joined* and *parted* are groups of reports that only
    the candidate, or only today's, hold for one happening."""

    today: Mapping[str, int]
    candidate: Mapping[str, int]
    joined: tuple[Group, ...]
    parted: tuple[Group, ...]
    areas_more: tuple[tuple[str, int], ...]
    areas_less: tuple[tuple[str, int], ...]

    @property
    def is_none(self) -> bool:
        lists = (self.joined, self.parted, self.areas_more, self.areas_less)
        return self.today == self.candidate and not any(lists)


def compared(
    entries: Iterable[Entry],
    today: RulesConfig,
    candidate: RulesConfig,
    *,
    begin: Callable[[], CityState] = CityState.empty,
) -> Difference:
    """The difference of both over *entries*, each from a state that *begin* makes: an empty one, or a snapshot's."""
    ours, theirs = RulesOutcome(today, begin()), RulesOutcome(candidate, begin())
    for one in (ours, theirs):
        one.begin()
    for entry in entries:
        ours.take(entry)
        theirs.take(entry)
    before, after = ours.groups(), theirs.groups()
    return Difference(
        today=ours.counts(),
        candidate=theirs.counts(),
        joined=tuple(sorted(after.keys() - before.keys())),
        parted=tuple(sorted(before.keys() - after.keys())),
        areas_more=tuple(sorted(theirs.areas() - ours.areas())),
        areas_less=tuple(sorted(ours.areas() - theirs.areas())),
    )


def cases_of(situation: Mapping[str, Any]) -> Group:
    return tuple(sorted(f"{one['agency']} {one['agency_case_no']}" for one in situation["incidents"]))
