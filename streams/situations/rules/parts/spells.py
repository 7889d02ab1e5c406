"""Spells: what a sensor or a person says goes on, until it has been calm for long enough. Pure.

So what flaps is one situation. A rule keeps its spells in one memory, bounded; the oldest goes first, and its situation
ends with it. What is over is remembered for as long as an older word could still open it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from msgspec import UNSET, Struct
from msgspec.structs import replace

from streams.situations.entry import Entry
from streams.situations.law import Use
from streams.situations.memory import memory_of
from streams.situations.memory import remembered as memory_in
from streams.situations.model import Observed, Position, Situation, View
from streams.situations.operators.actions import override_of
from streams.situations.reports.cameras import cameras_for
from streams.situations.reports.facts import position_of, source_of
from streams.situations.rule import City, Draft, Step
from streams.situations.words import Said

SPELLS = "spells"
NO_ROOM = "let go: there are more at once than the city holds, and this began first"


class Spell(Struct, frozen=True, gc=False, omit_defaults=True):
    """Something that goes on. *heard* is the event time of the newest word; *calm_since* is ``None`` while it goes on. Of
    one that *is_over* no more is known than that."""

    situation_id: str
    began: int
    heard: int
    calm_since: int | None = None
    is_over: bool = False

    def is_news(self, event_time: int) -> bool:
        """Whether a word of then says something: once it is over, the word that ended it again does not."""
        return event_time > self.heard if self.is_over else event_time >= self.heard


def spells_of(city: City, rule: str) -> dict[str, Spell]:
    """The spells of *rule*, by the sensor or person whose word each is."""
    return memory_in(city.memories, rule, SPELLS, dict[str, Spell]) or {}


def key_of(spells: dict[str, Spell], entry: Entry, field: str) -> str:
    """The key of the spell that *entry* speaks of: the sensor or person that *field* names, as its source calls it. No
    source's word ends what another's began. A spell of before sources were kept is the first source's that names it."""
    name, source = str(entry.value[field]), source_of(entry)
    key = f"{source}\x1f{name}" if source else name
    if key not in spells and name in spells:
        spells[key] = spells.pop(name)
    return key


class SpellNumbers(Protocol):
    """The settings of a rule that keeps spells."""

    @property
    def over_after_s(self) -> float: ...

    @property
    def age_max_min(self) -> float: ...

    @property
    def spells_max(self) -> int: ...


def remembered(
    city: City,
    rule: str,
    spells: Mapping[str, Spell],
    drafts: Iterable[Draft],
    numbers: SpellNumbers,
    words: Said,
) -> Step:
    """*drafts*, and *spells* with when the first is due. Where there is no room for all, the oldest end with *words*."""
    age_max_ms = round(numbers.age_max_min * 60_000)
    known = {
        key: one for key, one in spells.items() if not one.is_over or one.heard + age_max_ms >= city.now_ms
    }
    by_age = sorted(known.items(), key=lambda pair: (not pair[1].is_over, pair[1].began, pair[0]))
    dropped, newest = by_age[: -numbers.spells_max], by_age[-numbers.spells_max :]
    over_after_ms = round(numbers.over_after_s * 1000)
    due = [
        one.calm_since + over_after_ms for _, one in newest if one.calm_since is not None and not one.is_over
    ]
    due += [one.heard + age_max_ms + 1 for _, one in newest if one.is_over]
    gone = [city.situations.get(one.situation_id) for _, one in dropped if not one.is_over]
    left = [ended(city, one, NO_ROOM, words) for one in gone if one is not None and not one.is_closed]
    memory = memory_of(rule, SPELLS, dict(sorted(newest)), wake_at=min(due, default=None))
    return Step([*drafts, *left], [memory])


def over(spells: Mapping[str, Spell], now_ms: int, over_after_ms: int) -> Iterator[str]:
    """The keys of the spells that have been calm for long enough."""
    for key, one in sorted(spells.items()):
        if one.calm_since is not None and not one.is_over and one.calm_since + over_after_ms <= now_ms:
            yield key


def ended(city: City, situation: Situation, reason: str, words: Said) -> Draft:
    """Its last revision: the grants end, and the references are told nobody any more."""
    view = replace(situation.view, status="closed", closed_at=city.now_ms, words=words, references=())
    return Draft(replace(situation, revision=situation.revision + 1, reason=reason, view=view), {})


def shown(city: City, situation: Situation, uses: Mapping[str, Use], **changed: Any) -> Draft:
    """*situation* with the cameras nearest to its place, and leave to see them for each agency that has a use in law."""
    if situation.is_closed:
        return Draft(replace(situation, view=replace(situation.view, references=())), {}, **changed)
    at, numbers = situation.view.position, city.rules.cameras
    wanted = {
        agency: cameras_for(
            city.cameras,
            at,
            use.purpose,
            count=numbers.count,
            radius_m=numbers.radius_m,
            override=override_of(situation.handled, city.rules),
        )
        for agency, use in sorted(uses.items())
    }
    every = {one.camera_id: one for cameras in wanted.values() for one in cameras}
    ranked = sorted(every.values(), key=lambda one: (one.distance_m, one.camera_id))
    cameras = tuple(replace(one, rank=rank) for rank, one in enumerate(ranked, 1))
    view = replace(situation.view, cameras=cameras)
    return Draft(replace(situation, view=view), wanted, uses=uses, **changed)


def told_by(entry: Entry, opened_at: int) -> Observed:
    """A notice, as what a situation rests on."""
    value = entry.value
    seconds = (value["event_time"] - opened_at) / 1000
    return Observed(
        value["event_id"],
        entry.topic,
        entry.partition,
        entry.offset,
        None,
        seconds,
        seen_by=value["source"],
        position=place_in(entry) or UNSET,
    )


def place_in(entry: Entry) -> Position | None:
    return position_of(entry.value["position"])


def begun(kind: str, entry: Entry, place: Position | None, **about: Any) -> View:
    """The view of a situation that *entry* opens."""
    at = entry.value["event_time"]
    usual: dict[str, Any] = {
        "status": "open",
        "closed_at": None,
        "agencies": (),
        "incidents": (),
        "certainty": "likely",
        "cameras": (),
        "observed": (told_by(entry, at),),
    }
    return View(kind=kind, opened_at=at, position=place, **{**usual, **about})
