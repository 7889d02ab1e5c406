"""Run a scenario through the fold."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from schemas.catalogue import load_catalogue
from schemas.errors import Invalid
from schemas.event import Event
from schemas.rows import RowCodec
from streams.geo import distance_m
from streams.match.core.evidence import Evidence, evidence_event
from streams.match.core.forms import FORMS, TOPICS
from streams.match.core.texts import RowTexts
from streams.match.core.watches import Watch, watch_of
from streams.situations.entry import Entry
from streams.situations.fold import CityState, step
from streams.situations.reports.notices import CLOSURE
from streams.stages.situation_intake import SIFTED, is_news
from tests.match_oracle import Sight, is_inside, wants, winding
from tests.scenario.a_scenario import Scenario
from tests.scenario.happening import Happening, all_of


@dataclass(slots=True)
class Running:
    """A running city. *restarts*: after each entry it drops its state and reads ``core.state`` again. *sifts*:
    what changes nothing is left out, as the stage does."""

    scenario: Scenario
    restarts: bool = False
    sifts: bool = True
    state: CityState = field(default_factory=CityState.empty)
    said: list[Event] = field(default_factory=list)
    watches: dict[str, Watch] = field(default_factory=dict)
    sights: list[tuple[Happening, Sight]] = field(default_factory=list)
    inside: set[tuple[str, str, str]] = field(default_factory=set)
    taken: int = 0

    def run(self) -> list[Event]:
        """All answers of the city. ``Invalid`` where an event is refused, unless the file expects that (``refused``)."""
        self._take(Entry("rules", "demo.rules", 0, 0, self.scenario.config.canonical()))
        for one in all_of(self.scenario):
            if "refused" in one.said:
                self._refused(one)
            else:
                self._happens(one)
        return self.said

    def _refused(self, one: Happening) -> None:
        try:
            self._happens(one)
        except Invalid as error:
            words = f"{error.field}: {error}"
            assert one.said["refused"] in words, f"refused at {one.said['at']}, but because of {words}"
        else:
            raise AssertionError(f"the event at {one.said['at']} was not refused")

    def _happens(self, one: Happening) -> None:
        if one.contract == "core.action":
            value = dict(one.value)
            for name in ("situation_id", "other_situation_id"):
                value[name] = self._meant(value[name])
            one = replace(one, value=value)
        if one.value.get("filing_id"):
            one = replace(one, value={**one.value, "filing_id": self._filed(one.value["filing_id"])})
        if one.contract not in TOPICS and one.entry.kind != "evidence":
            self._take(one.entry)
            return
        # evidence does not move the clock: in a running city a tick a second does
        self._take(Entry("tick", "demo.core.tick", 0, self.taken, {"event_time": one.at}))
        if one.contract in SIFTED and self.state.takes(one.contract):
            if not self.sifts or is_news(self.state, one.contract, one.value):
                self._take(one.entry)
        elif one.contract not in TOPICS:
            self._take(one.entry)
        if one.contract not in TOPICS:
            return
        sight = _sight_of(one)
        self.sights.append((one, sight))
        for watch in list(self.watches.values()):
            self._hold(watch, one, sight)

    def _hold(self, watch: Watch, one: Happening, sight: Sight) -> None:
        """Match one observation with one watch, as the match does."""
        if not wants(watch, sight):
            return
        kind = self._crossing(watch, sight) if watch.event == "crossed" else "seen"
        if kind in ("entered", "inside", "left") or (kind and is_inside(watch, sight)):
            event = evidence_event("demo", _evidence(watch, one, sight, kind))
            value = _fitting(event)
            self.said.append(event)
            self._take(Entry("evidence", "demo.core.evidence", 0, self.taken, value))

    def _crossing(self, watch: Watch, sight: Sight) -> str:
        """The kind of evidence of a fence: a change of the side, or still inside; "" for what is and was outside."""
        held = (watch.watch_id, sight.contract, sight.thing or "")
        was_in, is_in = held in self.inside, _is_in_areas(watch, sight)
        (self.inside.add if is_in else self.inside.discard)(held)
        return ("inside" if was_in else "entered") if is_in else ("left" if was_in else "")

    def _meant(self, said: str | None) -> str | None:
        """The id of the newest situation with the report, or of the rule, that *said* names."""
        for value in reversed([dict(e.value or {}) for e in self.said if e.topic == "core.situation"]):
            its = {one["incident_id"] for one in value["incidents"]}
            if value["merged_into"] is None and (said in its or said == value["rule"]):
                return str(value["situation_id"])
        return said

    def _filed(self, agency: str) -> str:
        """The id of the newest filing with *agency*; an open one if there is any."""
        told = {
            one.value["filing_id"]: one.value for one in self.said if one.topic == "core.filing" and one.value
        }
        its = [one for one in told.values() if one["agency"] == agency]
        newest = max(its, key=lambda one: (one["status"] == "filed", one["filed_at"]), default=None)
        return agency if newest is None else str(newest["filing_id"])

    def _take(self, entry: Entry) -> None:
        said = step(self.state, entry)
        self.said += said
        self.taken += 1
        if self.restarts:
            self._restart()
        for event in said:
            if event.value is not None:
                _fitting(event)
            if event.topic == "core.watch":
                self._watch(event)
            if event.topic == CLOSURE:  # the stage reads what it says of closures, as all do
                self._take(Entry("notice", f"demo.{CLOSURE}", 0, self.taken, _fitting(event)))

    def _watch(self, event: Event) -> None:
        if event.value is None:
            self.watches.pop(event.key, None)
            return
        watch = self.watches[event.key] = watch_of(event.value)
        if watch.revision == 1:
            for one, sight in self.sights:
                self._hold(watch, one, sight)

    def _restart(self) -> None:
        clock = self.state.clock_row()
        rows = {event.key: event.value for event in [*self.said, clock] if event.topic == "core.state"}
        self.state = CityState.from_records(self.state.rules, reversed(rows.items()))


def _sight_of(one: Happening) -> Sight:
    form, value = FORMS[TOPICS[one.contract]], one.value
    at = value["position"] or {"lat": None, "lon": None}
    return Sight(
        lat=at["lat"],
        lon=at["lon"],
        time=value["event_time"],
        label=form.label_of(value),
        token=value[form.token] if form.token else None,
        confidence=value[form.confidence] if form.confidence else 1.0,
        contract=one.contract,
        thing=form.subject_of(value),
    )


def _is_in_areas(watch: Watch, sight: Sight) -> bool:
    """Whether it is in one of the areas, at an hour at which they hold."""
    is_time = not watch.windows or any(opens <= sight.time < closes for opens, closes in watch.windows)
    lat, lon = sight.lat, sight.lon
    return (
        is_time
        and lat is not None
        and lon is not None
        and any(
            winding(area.outline, lat, lon) % 2 != 0
            and not any(winding(hole, lat, lon) % 2 for hole in area.holes)
            for area in watch.areas
        )
    )


def _evidence(watch: Watch, one: Happening, sight: Sight, kind: str) -> Evidence:
    form, value = FORMS[TOPICS[one.contract]], one.value
    away_m = None
    if watch.centre is not None and sight.lat is not None and sight.lon is not None:
        away_m = distance_m(*watch.centre, sight.lat, sight.lon)
    words = RowTexts(
        value["event_id"],
        value["source"],
        sight.label,
        sight.token,
        form.subject_of(value),
        None,
        value[form.seen_by] if form.seen_by else None,
        value[form.image_ref] if form.image_ref else None,
    )
    return Evidence(
        watch,
        kind,
        away_m,
        (f"demo.{one.contract}", 0),
        one.offset,
        sight.time,
        value["received_time"],
        sight.lat,
        sight.lon,
        sight.confidence,
        words,
    )


def _fitting(event: Event) -> dict[str, Any]:
    """The event's value, encoded and decoded; ``Invalid`` if it does not fit its contract."""
    codec = RowCodec(load_catalogue()[event.topic].newest)
    return codec.decode(codec.encode(event.value or {}))
