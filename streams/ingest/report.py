"""The report on a source for its agency (``core.source``). Pure: time is a parameter, and memory is bounded.

Counts and ages cover the last day, by hours. Ages fall into fixed buckets, each a tenth wider than the one
before, so a quantile is at most 10 % too high.
"""

from __future__ import annotations

import math
from collections import Counter, OrderedDict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.event import Event, derived_id, event_fields
from schemas.parts import TABLE, WORD_LETTERS_MAX
from streams.ingest.breaker import HEARING, Breaker

HOUR_MS, HOURS_MAX = 3_600_000, 24
LATE_MS = 5 * 60_000
"""An event this far behind the newest event time is late, not merely out of order."""
IDS_MAX = 10_000
WORDS_MAX = 100
WORDS_TOLD_MAX = 20
OTHERS = "others"
MOST = 3
AGE_FIRST_S, AGE_RATIO, AGE_BUCKETS = 0.1, 1.1, 200
FAILING, REFUSED = "failing", "refused"


def age_bucket(age_s: float) -> int:
    """Return the bucket of an age: 0 holds ages up to 0.1 s, and negative ones."""
    if age_s <= AGE_FIRST_S:
        return 0
    return min(AGE_BUCKETS, math.ceil(math.log(age_s / AGE_FIRST_S) / math.log(AGE_RATIO) - 1e-9))


def age_quantile(ages: Mapping[int, int], share: float) -> float | None:
    """Return the age in seconds that *share* of all do not exceed, from counts by bucket. ``None`` without counts."""
    left = math.ceil(share * sum(ages.values()))
    for bucket in sorted(ages):
        left -= ages[bucket]
        if left <= 0:
            return round(AGE_FIRST_S * AGE_RATIO**bucket, 1)
    return None


@dataclass(slots=True)
class Hour:
    """The counts of one hour."""

    start_ms: int
    counts: Counter[str] = field(default_factory=Counter)
    ages: Counter[int] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    noted: Counter[str] = field(default_factory=Counter)
    kinds: Counter[tuple[str, ...]] = field(default_factory=Counter)
    words: Counter[tuple[str, ...]] = field(default_factory=Counter)
    least_age_s: float | None = None


class SourceReport:
    """The figures of one source, computed from its readings."""

    def __init__(self) -> None:
        self._hours: deque[Hour] = deque(maxlen=HOURS_MAX)
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._newest_ms: int | None = None
        self._since_ms: int | None = None
        self.heard_at_ms: int | None = None
        self.trouble: tuple[str, int, str] | None = None
        """The current fault (failing or refused), its begin, and its reason."""
        self.missing: tuple[str, ...] = ()
        """The parts of the newest answer that were not heard."""

    def heard(
        self,
        events: Sequence[Event],
        *,
        at_ms: int,
        reasons: Iterable[str] = (),
        skipped: int = 0,
        noted: Mapping[str, int] | None = None,
        has_clock: bool = True,
        missing: Sequence[str] = (),
    ) -> None:
        """Count the reading of a body received *at_ms*. *has_clock*: the time is real; a file's events have
        no age and no rate.
        """
        hour = self._hour(at_ms)
        self.heard_at_ms, self.trouble = max(at_ms, self.heard_at_ms or 0), None
        self.missing = tuple(missing)
        hour.counts["heard"] += 1
        hour.counts["in_time"] += len(events) if has_clock else 0
        hour.counts["skipped"] += skipped
        for reason in reasons:
            hour.counts["set_aside"] += 1
            _count(hour.reasons, reason, 1)
        for word, count in (noted or {}).items():
            _count(hour.noted, word, count)
        newest_ms = self._newest_ms
        for event in events:
            if event.value is not None:
                self._event(hour, event.value, event.topic, newest_ms, at_ms if has_clock else None)

    def failed(self, why: str, *, at_ms: int, is_refused: bool = False) -> None:
        """Note that the source failed, or refused us."""
        self._hour(at_ms).counts["failed"] += 1
        state, since_ms = REFUSED if is_refused else FAILING, at_ms
        if self.trouble is not None and self.trouble[0] == state:
            since_ms = self.trouble[1]
        self.trouble = (state, since_ms, why)

    def _event(
        self, hour: Hour, value: Mapping[str, Any], topic: str, newest_ms: int | None, at_ms: int | None
    ) -> None:
        hour.counts["events"] += 1
        hour.counts["duplicates"] += self._is_known(str(value["event_id"]))
        hour.counts["unplaced"] += value["position"] is None
        if value.get("kind_source") is not None:
            _count_kind(hour, value)
        if topic.startswith("place.") or value.get("revision", 1) != 1:
            return  # reference data holds until replaced; a revision has the time of the first report
        event_ms = int(value["event_time"])
        behind_ms = 0 if newest_ms is None else newest_ms - event_ms
        hour.counts["timed"] += 1
        hour.counts["out_of_order"] += behind_ms > 0
        hour.counts["late"] += behind_ms > LATE_MS
        self._newest_ms = max(event_ms, self._newest_ms or event_ms)
        if at_ms is not None:
            age_s = (at_ms - event_ms) / 1000
            hour.ages[age_bucket(age_s)] += 1
            hour.least_age_s = age_s if hour.least_age_s is None else min(age_s, hour.least_age_s)

    def _is_known(self, event_id: str) -> bool:
        if event_id in self._ids:
            self._ids.move_to_end(event_id)
            return True
        self._ids[event_id] = None
        if len(self._ids) > IDS_MAX:
            self._ids.popitem(last=False)
        return False

    def _hour(self, at_ms: int) -> Hour:
        """Return the hour of *at_ms*; a time before the newest hour counts in the newest."""
        start_ms = at_ms // HOUR_MS * HOUR_MS
        self._since_ms = at_ms if self._since_ms is None else self._since_ms
        if not self._hours or self._hours[-1].start_ms < start_ms:
            self._hours.append(Hour(start_ms))
        while self._hours[0].start_ms <= self._hours[-1].start_ms - HOURS_MAX * HOUR_MS:
            self._hours.popleft()
        return self._hours[-1]

    def figures(self, *, now_ms: int) -> dict[str, Any]:
        """Return the counted fields of ``core.source``."""
        counts, ages = Counter[str](), Counter[int]()
        reasons, noted = Counter[str](), Counter[str]()
        kinds, words = Counter[tuple[str, ...]](), Counter[tuple[str, ...]]()
        for hour in self._hours:
            counts.update(hour.counts)
            ages.update(hour.ages)
            reasons.update(hour.reasons)
            noted.update(hour.noted)
            kinds.update(hour.kinds)
            words.update(hour.words)
        least = [hour.least_age_s for hour in self._hours if hour.least_age_s is not None]
        first_ms = self._hours[0].start_ms if self._hours else now_ms
        since_ms = max(first_ms, self._since_ms if self._since_ms is not None else now_ms)
        minutes = max(1.0, ((self.heard_at_ms or since_ms) - since_ms) / 60_000)
        names = ("heard", "failed", "events", "timed", "duplicates", "late", "out_of_order", "unplaced")
        return {
            "counted_since_at": since_ms,
            "heard_at": self.heard_at_ms,
            **{name: counts[name] for name in (*names, "skipped", "set_aside")},
            "rate_per_min": round(counts["in_time"] / minutes, 3),
            "age_p50_s": age_quantile(ages, 0.5),
            "age_p99_s": age_quantile(ages, 0.99),
            "clock_skew_s": -min(least) if least else None,
            "reasons": _most(reasons),
            "noted": _most(noted),
            "kinds": _told(kinds, ("agency", "kind_source"), WORDS_MAX),
            "words": _told(words, ("word", "kind", "agency"), WORDS_TOLD_MAX),
        }

    def event(self, city: str, source: str, breaker: Breaker, *, now_ms: int) -> Event:
        """Return the event of ``core.source``."""
        state, since_ms, reason = breaker.state, breaker.since_ms, breaker.reason
        if state == HEARING and self.trouble is not None:
            state, since_ms, reason = self.trouble
        elif state == HEARING and self.missing:
            reason = "not heard: " + "; ".join(self.missing)
        value = report_fields(city, source, now_ms) | {
            "state": state,
            "state_since_at": since_ms or self._since_ms or now_ms,
            "state_reason": reason,
            "trials": breaker.trials,
            "try_at": breaker.try_at_ms(),
        }
        return Event("core.source", source, value | self.figures(now_ms=now_ms))


def report_fields(city: str, source: str, now_ms: int) -> dict[str, Any]:
    """The fields that a ``core.source`` of *now_ms* begins with."""
    its_id = derived_id("core.source", city, source, now_ms)
    return event_fields(city, source, event_id=its_id, event_time_ms=now_ms, received_ms=now_ms)


def share(part: int, whole: int) -> float:
    """Return *part* of *whole*, 0 to 1; 0 if *whole* is 0."""
    return part / whole if whole else 0.0


def shares(figures: Mapping[str, Any]) -> dict[str, float]:
    """Return the shares of a ``core.source``, each 0 to 1."""
    events, timed = figures["events"], figures["timed"]
    return {
        "late": share(figures["late"], timed),
        "out_of_order": share(figures["out_of_order"], timed),
        "duplicates": share(figures["duplicates"], events),
        "unplaced": share(figures["unplaced"], events),
        "set_aside": share(figures["set_aside"], events + figures["skipped"] + figures["set_aside"]),
    }


def _count(counter: Counter[str], word: str, count: int) -> None:
    """Count *word*. Once there are ``WORDS_MAX``, new words count as ``OTHERS``."""
    counter[word if word in counter or len(counter) < WORDS_MAX else OTHERS] += count


def _count_kind(hour: Hour, value: Mapping[str, Any]) -> None:
    """Count the origin of a kind, by agency, and the kind's text if no table has it. New texts beyond
    ``WORDS_MAX`` are ignored.
    """
    agency, source = str(value["agency"]), str(value["kind_source"])
    known = (agency, source)
    hour.kinds[known if known in hour.kinds or len(hour.kinds) < WORDS_MAX else (OTHERS, source)] += 1
    word = (str(value["kind_text"])[:WORD_LETTERS_MAX], str(value["kind"]), agency)
    if source != TABLE and (word in hour.words or len(hour.words) < WORDS_MAX):
        hour.words[word] += 1


def _told(counter: Counter[tuple[str, ...]], names: tuple[str, ...], most: int) -> list[dict[str, Any]]:
    """Return the *most* frequent under *names*; equal ones by the alphabet."""
    ranked = sorted(counter.items(), key=lambda item: (-item[1], item[0]))
    return [{**dict(zip(names, what, strict=True)), "count": count} for what, count in ranked[:most]]


def _most(counter: Counter[str]) -> list[dict[str, Any]]:
    """Return the three most frequent; equal ones by the alphabet."""
    ranked = sorted(counter.items(), key=lambda item: (-item[1], item[0]))
    return [{"what": what, "count": count} for what, count in ranked[:MOST]]
