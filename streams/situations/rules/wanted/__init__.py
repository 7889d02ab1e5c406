"""A vehicle on the police's list passes a camera: a hit with place, time and image for who looks for it. Pure.

Plates are tokens here. Each entry of the list is a watch for its plate's token and for those of the plate with one
character misread; nothing else is looked for, so no other plate leaves a trace. One character off, or read without
certainty, it is a candidate: operators alone see it, with the image, and it is a hit once they confirm it, wherever that
plate is read again, until they close it. What they close as another vehicle is not told again.

``listing.py`` is the list, ``sightings.py`` the situations, ``track.py`` the way of a vehicle.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from schemas.event import Event, derived_id
from streams.situations.answers.watches import observed_from, plates_event
from streams.situations.config import RulesConfig
from streams.situations.entry import Entry
from streams.situations.memory import Memory, name_of
from streams.situations.model import Observed, Situation
from streams.situations.reports.facts import source_of
from streams.situations.reports.notices import WANTED
from streams.situations.rule import City, Draft, Explains, Follows, KeepsList, Notices, Rule, Step, TellsTrack
from streams.situations.rules.parts.spells import ended, shown
from streams.situations.rules.wanted.config import NAME, VERSION, Numbers
from streams.situations.rules.wanted.listing import (
    REMOVED,
    Listed,
    ListEntry,
    check_room,
    entry_of,
    known_entry,
    removed_since,
    with_removed,
    without,
)
from streams.situations.rules.wanted.sightings import Sightings
from streams.situations.rules.wanted.track import confirmed, tracked_with, way_of

__all__ = ["VERSION", "Numbers", "build"]


class WantedVehicles(Rule, Notices, KeepsList, Follows, Explains, TellsTrack):
    """A memory and a watch for each entry of the list; one situation for each vehicle that is about."""

    name = NAME
    version = VERSION
    keeps = frozenset({f"{NAME}:", f"{REMOVED}:"})
    notices = frozenset({WANTED})

    def __init__(self, config: RulesConfig, numbers: Numbers) -> None:
        self._numbers = numbers
        self._sightings = Sightings(config, numbers)

    # -- the list --------------------------------------------------------------------------------------------

    def check_room(self, city: City, entry: Entry) -> None:
        check_room(city, entry)

    def source_of_entry(self, city: City, entry: Entry) -> str | None:
        known = known_entry(city, entry.value["entry_id"])
        return None if known is None else known.listed.source

    def on_notice(self, city: City, entry: Entry) -> Step:
        """An entry is looked for from now on, or no longer. One that is older than the newest heard of it says nothing."""
        value, source = entry.value, source_of(entry)
        entry_id, heard, ends_at = value["entry_id"], value["event_time"], value["ends_at"]
        known = known_entry(city, entry_id)
        if heard < (removed_since(city, source, entry_id) if known is None else known.listed.heard):
            return Step()
        if not value["is_listed"]:
            return self._taken_off(city, source, entry_id, heard + 1, "taken off the list")
        if ends_at is not None and ends_at <= city.now_ms:
            return self._taken_off(city, source, entry_id, heard, "taken off the list")
        tokens = {*value["tokens"], *value["candidate_tokens"]}
        before = Listed() if known is None else known.listed
        listed = replace(
            before,
            tokens=tuple(sorted(value["tokens"])),
            agency=value["agency"],
            offence=value["offence"],
            legal_ground=value["legal_ground"],
            said=derived_id(ends_at, *sorted(tokens)),
            heard=heard,
            ends_at=ends_at,
            source=source,
        )
        if listed.tokens != before.tokens:  # what operators looked at was held against another plate
            listed = replace(listed, read=(), confirmed=(), dismissed=())
        after = ListEntry(entry_id, derived_id("watch", NAME, entry_id), listed)
        if known is not None:
            after = replace(known, listed=listed)
        if listed.said == before.said:
            return Step(memories=[self._judged(city, after).memory()])
        after = replace(after, listed=replace(listed, revision=listed.revision + 1))
        return Step(memories=[self._judged(city, after).memory()], watches=[self._watch(city, after, tokens)])

    def _watch(self, city: City, entry: ListEntry, tokens: set[str]) -> Event:
        use = city.rules.law.uses.get(self._numbers.use)
        return plates_event(
            entry.watch_id,
            entry.listed.revision,
            tokens,
            closes_at=entry.listed.ends_at,
            per_second_max=self._numbers.per_second_max,
            purpose=use.purpose if use is not None else self._numbers.use,
            rule=NAME,
            config=city.rules,
            now=city.now_ms,
        )

    def _taken_off(self, city: City, source: str, entry_id: str, since: int, reason: str) -> Step:
        """An entry is no longer looked for. A listing of it by its *source* counts again from *since* on."""
        kept = with_removed(city, source, entry_id, since, self._numbers.removed_max)
        known = known_entry(city, entry_id)
        if known is None:
            return Step(memories=[kept])
        situation = city.situations.get(known.situation_id or "")
        is_open = situation is not None and not situation.is_closed
        words = self._sightings.over(known.listed)
        drafts = [ended(city, situation, reason, words)] if situation and is_open else []
        return Step(drafts, [kept], [name_of(NAME, entry_id)], [Event("core.watch", known.watch_id, None)])

    def on_time(self, city: City, due: Situation | Memory) -> Step:
        """An entry whose time is up is taken off; a vehicle that nobody sees any more is not about. What operators made
        of it is taken down before its situation may be forgotten."""
        if isinstance(due, Memory):
            entry = entry_of(due)
            listed = entry.listed
            if listed.ends_at is None or city.now_ms < listed.ends_at:
                return Step(memories=[self._judged(city, entry).memory()])
            return self._taken_off(
                city, listed.source, entry.entry_id, listed.heard, "its time on the list is up"
            )
        if due.is_closed or due.handled.hold == "open" or city.now_ms < (due.wake_at or 0):
            return Step()
        known = known_entry(city, due.anchor)
        words = self._sightings.over(known.listed) if known is not None else due.view.words or ""
        return Step([ended(city, due, f"not seen for {self._numbers.close_after_min:g} min", words)])

    # -- readings --------------------------------------------------------------------------------------------

    def on_evidence(self, city: City, value: Mapping[str, Any]) -> Step:
        """A camera read the plate, or one that is one character off."""
        entry = self._judged(city, entry_of(city.memory_of_watch(value["watch_id"])))
        listed, found, confidence = entry.listed, observed_from(value), value["confidence"]
        is_sure = confidence is None or confidence >= self._numbers.min_confidence
        is_hit = is_sure and value["subject"] in (*listed.tokens, *listed.confirmed)
        if not is_hit and value["subject"] in listed.dismissed:
            return Step()
        situation = city.situations.get(entry.situation_id or "")
        if situation is None or situation.is_closed:
            return self._opened(city, entry, value, found, is_hit)
        was_hit = self._sightings.is_hit(situation)
        is_same = self._sightings.is_same(situation, value, found, is_hit and not was_hit)
        if (was_hit and not is_hit) or is_same:
            return Step()
        return self._seen_again(city, entry, situation, value, found, is_hit)

    def _judged(self, city: City, entry: ListEntry) -> ListEntry:
        """*entry*, with what operators made of the plates that were read for its situation. One that is confirmed, the
        one they were shown, counts as the entry's own until they close it; a candidate that they close is dismissed,
        with all that were read for it. Due again while that may change."""
        listed, situation = entry.listed, city.situations.get(entry.situation_id or "")
        read, confirmed, dismissed = listed.read, listed.confirmed, listed.dismissed
        if situation is not None:
            shown_last, dismissed = read[-1:], without(dismissed, read)
            if situation.handled.hold == "closed":
                confirmed = without(confirmed, read)
                dismissed += () if self._sightings.is_hit(situation) else read
            elif situation.handled.is_confirmed:
                confirmed = (*without(confirmed, shown_last), *shown_last)
        most, is_open = self._numbers.plates_max, situation is not None and not situation.is_closed
        listed = replace(listed, confirmed=confirmed[-most:], dismissed=dismissed[-most:])
        wake_at = _first(listed.ends_at, self._sightings.over_at(city) if is_open else None)
        return replace(entry, listed=listed, wake_at=wake_at)

    def _opened(
        self, city: City, entry: ListEntry, value: Mapping[str, Any], found: Observed, is_hit: bool
    ) -> Step:
        situation = self._sightings.first(city, entry, value, found, is_hit)
        situation = tracked_with(situation, self._sightings.hit_of(city, value, is_hit))
        after = replace(
            entry,
            listed=replace(entry.listed, read=(value["subject"],)),
            situation_id=situation.situation_id,
            wake_at=_first(entry.listed.ends_at, situation.wake_at),
        )
        uses = self._sightings.uses(city, entry.listed, situation)
        return Step([shown(city, situation, uses)], [after.memory()])

    def _seen_again(
        self,
        city: City,
        entry: ListEntry,
        situation: Situation,
        value: Mapping[str, Any],
        found: Observed,
        is_hit: bool,
    ) -> Step:
        listed, plate = entry.listed, value["subject"]
        seconds = (value["event_time"] - situation.view.opened_at) / 1000
        is_newest = seconds >= max(one.seconds for one in situation.view.observed)
        after, read = self._sightings.listed_with(situation, replace(found, seconds=seconds)), listed.read
        after = tracked_with(after, self._sightings.hit_of(city, value, is_hit))
        if is_newest:  # else it comes late: listed, but it is not where it is now
            after = self._sightings.moved(city, listed, after, value, is_hit)
            read = (*without(read, [plate]), plate)
        else:
            if is_hit and not self._sightings.is_hit(after):
                after = replace(after, view=self._sightings.as_hit(city, after.view, listed))
            read = read if plate in read else (plate, *read)
        entry = replace(entry, listed=replace(listed, read=read[-self._numbers.plates_max :]))
        return Step([shown(city, after, self._sightings.uses(city, listed, after))], [entry.memory()])

    # -- operators -------------------------------------------------------------------------------------------

    def on_action(self, city: City, after: Situation) -> Draft:
        """A candidate that an operator confirms is a hit."""
        known = known_entry(city, after.anchor)
        if known is None:
            return Draft(after, {} if after.is_closed else None)
        if after.is_closed:
            view = replace(after.view, words=self._sightings.over(known.listed))
            return shown(city, replace(after, view=view), {})
        if after.handled.is_confirmed and not self._sightings.is_hit(after):
            after = replace(after, view=self._sightings.as_hit(city, after.view, known.listed))
            after = confirmed(after, "".join(known.listed.read[-1:]))
        return shown(city, after, self._sightings.uses(city, known.listed, after))

    def way_of(self, city: City, situation: Situation) -> Mapping[str, Any]:
        """Nobody is told where a candidate may come next: it may be another vehicle, for which nobody may look."""
        use, is_hit = city.rules.law.uses.get(self._numbers.use), self._sightings.is_hit(situation)
        purpose = use.purpose if use is not None and is_hit else None
        return way_of(situation, city.cameras, self._numbers, purpose=purpose, is_hit=is_hit)

    def otherwise(self, city: City, situation: Situation) -> str | None:
        return (
            "a hit takes a reading of the plate itself, sure enough, or an operator's confirmation;"
            f" not seen for {self._numbers.close_after_min:g} min, it is over"
        )


def _first(*times: int | None) -> int | None:
    return min((one for one in times if one is not None), default=None)


def build(config: RulesConfig, numbers: Mapping[str, Any]) -> WantedVehicles:
    return WantedVehicles(config, Numbers.model_validate(numbers))
