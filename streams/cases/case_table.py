"""Cases as the log tells them: ``police.missing`` for what is asked, ``core.access`` for when it was opened and filed.

A compacted topic keeps only a case's newest revision, so the times come from the acts. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from threading import RLock
from typing import Any

import orjson

from streams.cases.case_acts import DESTROYED, FILED, OPENED, REFUSED, CaseActs
from streams.cases.judge import Case
from streams.deliver.polygon import Corner

REQUESTS = (OPENED, REFUSED, FILED)
"""The acts of the request ledger; ``DESTROYED`` is that of the destruction ledger."""
OPEN, AUTHORISATION_REFUSED = "open", "authorisation_refused"
HEAD = {"event_id", "event_time", "received_time"}
CASES_MAX = 10_000
"""The most cases remembered; the oldest that are over are forgotten first."""


def corners_of(area: str | None) -> tuple[Corner, ...]:
    """The outer ring of a GeoJSON polygon, latitude first; empty for what is none or has a hole."""
    try:
        said = orjson.loads(area or "null")
        if said["type"] != "Polygon":
            return ()
        (ring,) = said["coordinates"]
        return tuple((float(lat), float(lon)) for lon, lat, *_ in ring[:-1])
    except (ValueError, TypeError, KeyError):
        return ()


def is_over_for_good(row: Mapping[str, Any]) -> bool:
    """Whether the case had a key that is destroyed. One that was refused at first may be asked for again."""
    return bool(row["state"] == "closed" or row["state_reason"] == AUTHORISATION_REFUSED)


def _rank(row: Mapping[str, Any]) -> int:
    return 2 if is_over_for_good(row) else 1 if row["state"] == OPEN else 0


def _says_the_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two rows differ in no more than who wrote them, and when."""
    return all(one[name] == other[name] for name in one.keys() - HEAD)


def case_of(value: Mapping[str, Any]) -> Case:
    """The case that an opened row of ``police.missing`` tells, as if it was opened at the row's time."""
    return Case(
        case_id=value["case_id"],
        opened_at_ms=value["event_time"],
        requester=value["requester"],
        ground=value["ground"],
        area=corners_of(value["area"]),
        from_ms=value["from_time"],
        until_ms=value["until_time"],
        other_ground=value["other_ground"],
        authorisation_id=value["authorisation_id"],
        is_urgent=value["is_urgent"],
        filing_id=value["filing_id"],
        is_authorisation_refused=value["state_reason"] == AUTHORISATION_REFUSED,
        is_closed=value["state"] != OPEN,
    )


@dataclass(frozen=True, slots=True)
class KnownCase:
    """A case and its newest row, opened."""

    row: Mapping[str, Any]
    case: Case


@dataclass(slots=True)
class CaseTable:
    """Take each row once or more, in the log's order. Threads may share it."""

    _rows: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    _unread: set[str] = field(default_factory=set)
    """Cases whose newest row was written here and is not read yet: another may stand before it in the log."""
    _contested: set[str] = field(default_factory=set)
    _acts: CaseActs = field(init=False)
    _lock: RLock = field(default_factory=RLock, repr=False)

    def __post_init__(self) -> None:
        self._acts = CaseActs(self._rows.keys())

    def take(self, value: Mapping[str, Any], *, is_read: bool = True) -> None:
        """Take a row of ``police.missing``, opened where its key is there. *is_read*: it was read from the log, not written
        just now.

        Two processes may write one revision at once. An end stands before an opening, an opening before a refusal, and
        else the first in the log.
        """
        its_id = value["case_id"]
        with self._lock:
            known = self._rows.get(its_id)
            if known is None or self._stands_before(value, known, is_read=is_read):
                self._rows[its_id] = value
                (self._unread.discard if is_read else self._unread.add)(its_id)
            if len(self._rows) > CASES_MAX:
                self._forget()

    def _stands_before(self, value: Mapping[str, Any], known: Mapping[str, Any], *, is_read: bool) -> bool:
        its_id = value["case_id"]
        # a process that had not read the end yet may have written a row behind it
        if is_over_for_good(known) and value["state"] == OPEN:
            return False
        if value["revision"] != known["revision"] or _rank(value) != _rank(known):
            return (value["revision"], _rank(value)) > (known["revision"], _rank(known))
        if value["event_id"] == known["event_id"]:
            return is_read  # the same row, perhaps opened by now
        if is_read and its_id in self._unread:
            return True
        if is_read and not _says_the_same(value, known):
            self._contested.add(its_id)
        return False

    def is_read(self, case_id: str) -> bool:
        """Whether the newest row of the case was read from the log."""
        with self._lock:
            return case_id not in self._unread

    def contested(self) -> list[str]:
        """The cases of which a row stands behind the one that counts. Compaction keeps the one that does not count, so the
        other must be told again."""
        with self._lock:
            self._contested &= self._rows.keys()
            return sorted(self._contested)

    def told_again(self, case_id: str) -> None:
        """Take that the row of *case_id* that counts is the last in the log again."""
        with self._lock:
            self._contested.discard(case_id)

    def take_act(self, act: Mapping[str, Any]) -> None:
        """Take a row of ``core.access``."""
        with self._lock:
            self._acts.take(act)

    def clear_rows(self) -> None:
        """Forget the rows: ``police.missing`` is read anew."""
        with self._lock:
            self._rows.clear()
            self._unread.clear()
            self._contested.clear()

    def clear_acts(self) -> None:
        """Forget the acts: ``core.access`` is read anew."""
        with self._lock:
            self._acts.clear()

    def cases(self) -> list[KnownCase]:
        """Every case, the newest changed first."""
        return list(self._found(lambda _row: True))

    def get(self, case_id: str) -> KnownCase | None:
        """The case as it stands. The judge refuses one whose opening is not on record."""
        with self._lock:
            row = self._rows.get(case_id)
            acts = self._acts.of(case_id)
        if row is None:
            return None
        case = replace(
            case_of(row),
            opened_at_ms=acts.opened_ms or 0,
            filed_at_ms=acts.filed_ms,
            is_on_record=acts.opened_ms is not None,
        )
        return KnownCase(row, case)

    def open_cases(self) -> Iterator[KnownCase]:
        """Yield the cases that are open by their newest row."""
        return self._found(lambda row: bool(row["state"] == OPEN))

    def _found(self, is_wanted: Callable[[Mapping[str, Any]], bool]) -> Iterator[KnownCase]:
        """Yield the cases whose row *is_wanted*, the newest changed first."""
        with self._lock:
            chosen = [(row["event_time"], one) for one, row in self._rows.items() if is_wanted(row)]
        for _, one in sorted(chosen, key=lambda it: it[0], reverse=True):
            if (found := self.get(one)) is not None:
                yield found

    def ended(self) -> set[str]:
        """The cases that are over for good: none of them may have a key."""
        with self._lock:
            return {one for one, row in self._rows.items() if is_over_for_good(row)}

    def owed(self) -> list[str]:
        """The cases that were opened and are over, and the end of whose key is not on record yet."""
        with self._lock:
            return [
                one for one, row in self._rows.items() if row["state"] != OPEN and self._acts.is_owed(one)
            ]

    def _forget(self) -> None:
        over = (one for one, row in self._rows.items() if row["state"] != OPEN)
        oldest = next((one for one in over if not self._acts.is_owed(one)), None)
        if oldest is not None:
            del self._rows[oldest]
            self._unread.discard(oldest)
            self._contested.discard(oldest)
            self._acts.forget(oldest)


def request_ledger(acts: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The acts by which cases were asked for, refused and filed, of *acts* of ``core.access``."""
    return [one for one in acts if one["act"] in REQUESTS]


def destruction_ledger(acts: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The acts that say which case's key was destroyed, when and why."""
    return [one for one in acts if one["act"] == DESTROYED]
