"""A vehicle on the police's list passes a camera: a hit with place, time and image for who looks for it. Pure.

Plates are tokens here. Each entry of the list is a watch for its plate's token and for those of the plate with one
character misread; nothing else is looked for, so no other plate leaves a trace. One character off, or read without
certainty, it is a candidate: operators alone see it, with the image, and it is a hit once they confirm it, wherever that
plate is read again, until they close it. What they close as another vehicle is not told again.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from msgspec.structs import replace
from pydantic import Field, model_validator

from schemas.event import Event, derived_id
from streams.situations.alerts import OPERATOR
from streams.situations.config import RulesConfig
from streams.situations.entry import Entry
from streams.situations.facts import position_of, source_of
from streams.situations.languages import words_of
from streams.situations.lasting import ended, numbers_beside, shown
from streams.situations.law import Use
from streams.situations.model import Observed, Situation, View
from streams.situations.notices import WANTED
from streams.situations.rule import City, Draft, Heard, Memory, Step
from streams.situations.terms import Severity, Strict, Urgency
from streams.situations.watches import observed_from, plates_event

NAME, VERSION = "wanted", "1"
MINUTE_MS = 60_000
PLATES = ("read", "confirmed", "dismissed")
REMOVED = f"{NAME}-removed"
"""Not ``wanted:`` …: the memories of that name are the entries on the list, and are counted."""


@cache
def _defaults() -> dict[str, Any]:
    return tomllib.loads(numbers_beside(__file__).read_text(encoding="utf-8"))


def _default(name: str, **bounds: Any) -> Any:
    return Field(default_factory=lambda: _defaults()[name], validate_default=True, **bounds)


class Words(Strict):
    """What is told in one language."""

    hit: str
    candidate: str
    over: str

    @model_validator(mode="after")
    def _sound(self) -> Words:
        for template in (self.hit, self.candidate, self.over):
            try:
                template.format(kind="", offence="", camera="", time="")
            except (KeyError, IndexError, ValueError) as error:
                raise ValueError(
                    f"{template!r} may use {{kind}}, {{offence}}, {{camera}}, {{time}} only"
                ) from error
        return self


class Numbers(Strict):
    """What ``[[rule]] name = "wanted"`` of a city's file may say."""

    kind: str = _default("kind")
    candidate_kind: str = _default("candidate_kind")
    severity: Severity = _default("severity")
    candidate_severity: Severity = _default("candidate_severity")
    urgency: Urgency = _default("urgency")
    min_confidence: float = _default("min_confidence", ge=0, le=1)
    same_s: float = _default("same_s", ge=0)
    close_after_min: float = _default("close_after_min", gt=0)
    evidence_max: int = _default("evidence_max", ge=1, le=200)
    per_second_max: int = _default("per_second_max", ge=1, le=1_000)
    removed_max: int = _default("removed_max", ge=1, le=100_000)
    plates_max: int = _default("plates_max", ge=1, le=1_000)
    use: str = _default("use")
    headlines: dict[str, Words] = Field(default_factory=lambda: words_of(NAME), validate_default=True)


class Wanted:
    """A memory and a watch for each entry of the list; one situation for each vehicle that is about."""

    name = NAME
    version = VERSION
    speaks_last = True
    standing = None
    keeps = frozenset({f"{NAME}:", f"{REMOVED}:"})
    notices = frozenset({WANTED})

    def __init__(self, config: RulesConfig, numbers: Numbers) -> None:
        self._numbers = numbers
        self._names = config.names
        self._words = numbers.headlines.get(config.spoken) or next(iter(numbers.headlines.values()))

    def on_event(self, city: City, heard: Heard) -> Step:
        return Step()

    # -- the list --------------------------------------------------------------------------------------------

    def on_notice(self, city: City, entry: Entry) -> Step:
        """An entry is looked for from now on, or no longer. What is older than what was heard of it last says nothing."""
        value = entry.value
        entry_id, heard, ends_at = value["entry_id"], value["event_time"], value["ends_at"]
        known = city.memories.get(f"{NAME}:{entry_id}")
        source = source_of(entry)
        if heard < (_removed_at(city, source, entry_id) if known is None else known.body.get("heard", 0)):
            return Step()
        if not value["is_listed"]:
            return self._taken_off(city, source, entry_id, heard + 1, "taken off the list")
        if ends_at is not None and ends_at <= city.now_ms:
            return self._taken_off(city, source, entry_id, heard, "taken off the list")
        tokens = {*value["tokens"], *value["candidate_tokens"]}
        about = {
            "tokens": sorted(value["tokens"]),
            "agency": value["agency"],
            "offence": value["offence"],
            "legal_ground": value["legal_ground"],
            "said": derived_id(ends_at, *sorted(tokens)),
            "heard": heard,
            "ends_at": ends_at,
            "source": source,
        }
        if known is None:
            known = Memory(NAME, entry_id, {"watch_id": derived_id("watch", NAME, entry_id), "revision": 0})
        body = {**known.body, **about}
        if known.body.get("tokens") != about["tokens"]:
            body |= {name: [] for name in PLATES}  # what operators looked at was held against another
        if known.body.get("said") == about["said"]:
            return Step(memories=[self._judged(city, replace(known, body=body))])
        body["revision"] += 1
        use = city.rules.law.uses.get(self._numbers.use)
        watch = plates_event(
            body["watch_id"],
            body["revision"],
            tokens,
            closes_at=ends_at,
            per_second_max=self._numbers.per_second_max,
            purpose=use.purpose if use is not None else self._numbers.use,
            rule=NAME,
            config=city.rules,
            now=city.now_ms,
        )
        return Step(memories=[self._judged(city, replace(known, body=body))], watches=[watch])

    def _taken_off(self, city: City, source: str, entry_id: str, since: int, reason: str) -> Step:
        """An entry is no longer looked for. A listing of it by its *source* counts again from *since* on; the newest such
        are kept."""
        every = {**_removed(city), _removed_as(source, entry_id): since}
        removed = sorted(every.items(), key=lambda one: (one[1], one[0]))
        kept = Memory(REMOVED, "", dict(removed[-self._numbers.removed_max :]))
        known = city.memories.get(f"{NAME}:{entry_id}")
        if known is None:
            return Step(memories=[kept])
        situation = city.situations.get(known.situation_id or "")
        is_open = situation is not None and not situation.is_closed
        drafts = [ended(city, situation, reason, self._over(known))] if situation and is_open else []
        watch = Event("core.watch", known.body["watch_id"], None)
        return Step(drafts, [kept], [known.name], [watch])

    def on_time(self, city: City, due: Situation | Memory) -> Step:
        """An entry whose time is up is taken off; a vehicle that nobody sees any more is not about. What operators made
        of it is taken down before its situation may be forgotten."""
        if isinstance(due, Memory):
            ends_at = _ends_at(due)
            if ends_at is None or city.now_ms < ends_at:
                return Step(memories=[self._judged(city, due)])
            source, heard = due.body.get("source", ""), due.body.get("heard", 0)
            return self._taken_off(city, source, due.key, heard, "its time on the list is up")
        if due.is_closed or due.handled.hold == "open" or city.now_ms < (due.wake_at or 0):
            return Step()
        known = city.memories.get(f"{NAME}:{due.anchor}")
        words = self._over(known) if known is not None else due.view.words or ""
        return Step([ended(city, due, f"not seen for {self._numbers.close_after_min:g} min", words)])

    # -- readings --------------------------------------------------------------------------------------------

    def on_evidence(self, city: City, value: Mapping[str, Any]) -> Step:
        """A camera read the plate, or one that is one character off."""
        known, found = self._judged(city, city.memory_of_watch(value["watch_id"])), observed_from(value)
        confidence = value["confidence"]
        is_sure = confidence is None or confidence >= self._numbers.min_confidence
        is_hit = is_sure and value["subject"] in (*known.body["tokens"], *known.body["confirmed"])
        if not is_hit and value["subject"] in known.body["dismissed"]:
            return Step()
        situation = city.situations.get(known.situation_id or "")
        if situation is None or situation.is_closed:
            return self._opened(city, known, value, found, is_hit)
        was_hit = self._is_hit(situation)
        if (was_hit and not is_hit) or self._is_same(situation, value, found, is_hit and not was_hit):
            return Step()
        return self._seen_again(city, known, situation, value, found, is_hit)

    def _judged(self, city: City, known: Memory) -> Memory:
        """*known*, with what operators made of the plates that were read for its situation. One that is confirmed, the
        one they were shown, counts as the entry's own until they close it; a candidate that they close is dismissed,
        with all that were read for it. Due again while that may change."""
        ends_at, situation = _ends_at(known), city.situations.get(known.situation_id or "")
        read, confirmed, dismissed = (_plates(known, name) for name in PLATES)
        if situation is not None:
            shown_last, dismissed = read[-1:], _without(dismissed, read)
            if situation.handled.hold == "closed":
                confirmed = _without(confirmed, read)
                dismissed += [] if self._is_hit(situation) else read
            elif situation.handled.is_confirmed:
                confirmed = [*_without(confirmed, shown_last), *shown_last]
        most, is_open = self._numbers.plates_max, situation is not None and not situation.is_closed
        judged = {"read": read, "confirmed": confirmed[-most:], "dismissed": dismissed[-most:]}
        wake_at = _first(ends_at, self._over_at(city) if is_open else None)
        return replace(known, body={**known.body, **judged, "ends_at": ends_at}, wake_at=wake_at)

    def _opened(
        self, city: City, known: Memory, value: Mapping[str, Any], found: Observed, is_hit: bool
    ) -> Step:
        view = View(
            kind=self._numbers.candidate_kind,
            status="open",
            opened_at=value["event_time"],
            closed_at=None,
            position=None,
            agencies=(),
            incidents=(),
            severity=self._numbers.candidate_severity,
            urgency=self._numbers.urgency,
            certainty="possible",
            cameras=(),
            observed=(replace(found, seconds=0.0),),
            shown_to=(OPERATOR,),
        )
        its_id = derived_id(NAME, known.key, found.event_id)
        reason = "read by a camera" if is_hit else "a plate one character off, or read without certainty"
        situation = Situation(its_id, known.key, city.sequence, 1, reason, view, rule=NAME)
        situation = self._about(city, known, situation, value, is_hit)
        memory = replace(
            known,
            body={**known.body, "read": [value["subject"]]},
            situation_id=its_id,
            wake_at=_first(_ends_at(known), situation.wake_at),
        )
        return Step([shown(city, situation, self._uses(city, known, situation))], [memory])

    def _seen_again(
        self,
        city: City,
        known: Memory,
        situation: Situation,
        value: Mapping[str, Any],
        found: Observed,
        is_hit: bool,
    ) -> Step:
        seconds = (value["event_time"] - situation.view.opened_at) / 1000
        is_newest = seconds >= max(one.seconds for one in situation.view.observed)
        observed = (*situation.view.observed, replace(found, seconds=seconds))
        view = replace(situation.view, observed=observed[-self._numbers.evidence_max :])
        after = replace(situation, revision=situation.revision + 1, reason="seen again", view=view)
        read, plate = known.body["read"], value["subject"]
        if is_newest:  # else it comes late: listed, but it is not where it is now
            after = self._about(city, known, after, value, is_hit)
            read = [*_without(read, [plate]), plate]
        elif plate not in read:
            read = [plate, *read]
        memory = replace(known, body={**known.body, "read": read[-self._numbers.plates_max :]})
        return Step([shown(city, after, self._uses(city, known, after))], [memory])

    def _about(
        self, city: City, known: Memory, situation: Situation, value: Mapping[str, Any], is_hit: bool
    ) -> Situation:
        """*situation*, as the reading says: where, when, with which image; and whom it concerns."""
        image = value.get("image_ref")
        view = replace(
            situation.view,
            position=position_of(value["position"]) or situation.view.position,
            references=(("image", image),) if image else (),
        )
        is_hit = is_hit or self._is_hit(situation)
        view = (
            self._as_hit(city, view, known)
            if is_hit
            else replace(view, words=self._said(city, self._words.candidate, view, known))
        )
        return replace(situation, view=view, wake_at=self._over_at(city))

    def _over_at(self, city: City) -> int:
        """When what was seen just now is no longer about."""
        return city.now_ms + round(self._numbers.close_after_min * MINUTE_MS)

    def _as_hit(self, city: City, view: View, known: Memory) -> View:
        view = replace(
            view,
            kind=self._numbers.kind,
            agencies=(known.body["agency"],),
            severity=self._numbers.severity,
            certainty="observed" if view.certainty == "observed" else "likely",
        )
        return replace(view, words=self._said(city, self._words.hit, view, known))

    def _said(self, city: City, template: str, view: View, known: Memory) -> str:
        """Where and when it was last seen."""
        last = max(view.observed, key=lambda one: one.seconds)
        return template.format(
            kind=self._names.get(view.kind, view.kind),
            offence=known.body["offence"],
            camera=last.seen_by,
            time=_clock(city, view.opened_at + round(last.seconds * 1000)),
        )

    def _is_hit(self, situation: Situation) -> bool:
        return situation.view.kind == self._numbers.kind

    def _is_same(
        self, situation: Situation, value: Mapping[str, Any], found: Observed, is_graver: bool
    ) -> bool:
        """Whether it says nothing new: known already, or the same camera just now."""
        opened_at = situation.view.opened_at
        for one in situation.view.observed:
            away_ms = abs(value["event_time"] - opened_at - one.seconds * 1000)
            is_near = one.seen_by == found.seen_by and away_ms < self._numbers.same_s * 1000
            if one.event_id == found.event_id or (is_near and not is_graver):
                return True
        return False

    # -- operators -------------------------------------------------------------------------------------------

    def on_action(self, city: City, after: Situation) -> Draft:
        """A candidate that an operator confirms is a hit."""
        known = city.memories.get(f"{NAME}:{after.anchor}")
        if known is None:
            return Draft(after, {} if after.is_closed else None)
        if after.is_closed:
            view = replace(after.view, words=self._over(known))
            return shown(city, replace(after, view=view), {})
        if after.handled.is_confirmed and not self._is_hit(after):
            after = replace(after, view=self._as_hit(city, after.view, known))
        return shown(city, after, self._uses(city, known, after))

    def otherwise(self, city: City, situation: Situation) -> str | None:
        return (
            "a hit takes a reading of the plate itself, sure enough, or an operator's confirmation;"
            f" not seen for {self._numbers.close_after_min:g} min, it is over"
        )

    def _over(self, known: Memory) -> str:
        name = self._names.get(self._numbers.kind, self._numbers.kind)
        return self._words.over.format(kind=name, offence=known.body["offence"], camera="", time="")

    def _uses(self, city: City, known: Memory, situation: Situation) -> dict[str, Use]:
        """Who looks for it sees the cameras where it was seen just now, on the ground that the list names."""
        use, view = city.rules.law.uses.get(self._numbers.use), situation.view
        seen_at = view.opened_at + round(max(one.seconds for one in view.observed) * 1000)
        is_old = city.now_ms - seen_at > city.rules.grant_age_max_ms
        if use is None or not view.agencies or is_old:
            return {}
        ground = Use(purpose=use.purpose, legal_ground=known.body["legal_ground"])
        return dict.fromkeys(situation.view.agencies, ground)


def _ends_at(known: Memory) -> int | None:
    """Until when it is looked for. A row of before this was kept is due then, and at no other time."""
    ends_at: int | None = known.body.get("ends_at", known.wake_at)
    return ends_at


def _plates(known: Memory, name: str) -> list[str]:
    """Oldest first, of those read the one shown last. A row of before they were kept says which was read first."""
    said = known.body.get(name, [])
    return [said] if isinstance(said, str) else list(said)


def _without(plates: Sequence[str], others: Sequence[str]) -> list[str]:
    return [one for one in plates if one not in others]


def _first(*times: int | None) -> int | None:
    return min((one for one in times if one is not None), default=None)


def _removed_as(source: str, entry_id: str) -> str:
    return f"{source}\x1f{entry_id}" if source else entry_id


def _removed_at(city: City, source: str, entry_id: str) -> int:
    """When a listing by *source* must have been made to count; those of before sources were kept bear the entry alone."""
    removed = _removed(city)
    return max(removed.get(_removed_as(source, entry_id), 0), removed.get(entry_id, 0))


def _removed(city: City) -> Mapping[str, int]:
    """Source and entry that is no longer looked for → when a listing of it must have been made to count."""
    memory = city.memories.get(f"{REMOVED}:")
    return {} if memory is None else memory.body


def _clock(city: City, time_ms: int) -> str:
    return f"{datetime.fromtimestamp(time_ms // 1000, city.zone):%H:%M:%S}"


def build(config: RulesConfig, numbers: Mapping[str, Any]) -> Wanted:
    return Wanted(config, Numbers.model_validate(numbers))
