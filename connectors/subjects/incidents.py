"""Cases by an agency's own numbers, and the choice of rows that are new. Pure.

For systems whose rows carry a case number that stays: the number is the incident, and a row that says something
else than the one before is its next revision.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import orjson

from connectors.base import Heard, Place, Reading, SetAside, SourceContext
from connectors.subjects.plausible import known_id
from schemas.event import Event, derived_id, event_fields
from schemas.parts import Known

Domain = Literal["fire", "police", "civil"]
Status = Literal["open", "dispatched", "arrived", "closed"]
UNKNOWN_STATUS: Status = "open"
"""The status of a case whose agency's word for it is unknown: somebody may still be waiting."""
REMEMBERED = 5_000
"""Cases remembered beside those of the newest body. One that is forgotten and comes again has the ids it had."""
REMEMBERED_MAX = 100_000
NEVER_TOLD = (0, "")
OLDER = "older than what was told"
DIGEST_BYTES = 6
"""48 bits: two rows of one case that differ are taken for equal once in 3e14."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case, as one row has it. *kind*: the kind of the agency's word (``schemas.parts.kind_of``).

    *number*: the agency's case number, unique in its source unless *identity* is given. *system*: the name of a system whose
    numbers are the same whoever passes them on: its case has one id, by whichever source it is heard. *said_ms*: when the
    agency wrote the row, where it says that. A row older than the newest is not published. A row whose time is not the
    report's own (*is_first_time* false) keeps the time with which its case was first published.
    """

    domain: Domain
    agency: str
    number: str
    kind: Known
    kind_text: str
    status: Status
    event_ms: int
    position: Mapping[str, Any] | None = None
    accuracy_s: float | None = None
    priority: str | None = None
    units: tuple[str, ...] = ()
    address: str | None = None
    closed_reason: str | None = None
    filing_id: str | None = None
    identity: tuple[str, ...] = ()
    system: str | None = None
    said_ms: int | None = None
    is_first_time: bool = True
    warning: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        """``Invalid`` for a case number that means unknown: all such cases would be one."""
        known_id(self.number, "case_no")

    @property
    def key(self) -> str:
        """The key under which the case is remembered."""
        return "\x1f".join(self.identity) or self.number

    def digest(self) -> str:
        """A hash of all its fields."""
        says = (
            self.domain,
            self.agency,
            self.kind_text,
            self.status,
            self.event_ms,
            None if self.position is None else (self.position["lat"], self.position["lon"]),
            self.accuracy_s,
            self.priority,
            self.units,
            self.address,
            self.closed_reason,
            # none of either: as what was remembered before there were any
            *filter(None, (self.filing_id,)),
            *(() if self.warning is None else self.warning.values()),
        )
        return hashlib.blake2b(orjson.dumps(says), digest_size=DIGEST_BYTES).hexdigest()

    def event(self, context: SourceContext, *, revision: int, received_ms: int) -> Event:
        incident_id = derived_id(context.city, self.system or context.source, *self.key.split("\x1f"))
        value = event_fields(
            context.city,
            context.source,
            event_id=derived_id(incident_id, revision),
            event_time_ms=self.event_ms,
            received_ms=received_ms,
            position=None if self.position is None else dict(self.position),
            accuracy_s=self.accuracy_s,
        )
        value |= {
            "incident_id": incident_id,
            "agency": self.agency,
            "agency_case_no": self.number,
            **self.kind.fields,
            "kind_text": self.kind_text,
            "priority": self.priority,
            "status": self.status,
            "units": list(self.units),
            "address": self.address,
            "revision": revision,
            "closed_reason": self.closed_reason,
            "filing_id": self.filing_id,
        }
        if self.domain == "civil":
            value["warning"] = None if self.warning is None else dict(self.warning)
        return Event(f"{self.domain}.incident", incident_id, value)


def tell(
    context: SourceContext,
    heard: Heard,
    place: Place,
    cases: Iterable[Case],
    *,
    aside: Sequence[SetAside] = (),
    skipped: Mapping[str, int] | None = None,
    noted: Mapping[str, int] | None = None,
    remember: int = REMEMBERED,
) -> Reading:
    """An event for each of *cases*, in their order, that is new; the others are counted as skipped.

    Where the time of a body's arrival is not known, a row counts as received when it happened.
    """
    told: dict[str, list[Any]] = {key: list(entry) for key, entry in place.get("told", {}).items()}
    events, here = [], set[str]()
    passed_over, remarks = Counter(skipped or {}), Counter(noted or {})
    for said in cases:
        entry = told.pop(said.key, NEVER_TOLD)
        here.add(said.key)
        case = _since(entry, said)
        if case is None:
            passed_over[OLDER] += 1
            told[said.key] = list(entry)
            continue
        revision, digest = entry[0], case.digest()
        if digest == entry[1]:
            passed_over["said before"] += 1
        else:
            revision += 1
            received_ms = heard.at_ms if heard.at_ms is not None else case.event_ms
            events.append(case.event(context, revision=revision, received_ms=received_ms))
            remarks.update(case.kind.notes(case.kind_text))
        times = [] if case.said_ms is None else [case.event_ms, case.said_ms]
        told[case.key] = [revision, digest, *times]  # last of all: the newest
    if not events:
        return Reading((), place, aside=aside, skipped=passed_over, noted=remarks)
    for oldest in list(told)[: max(0, len(told) - min(len(here) + remember, REMEMBERED_MAX))]:
        del told[oldest]
    return Reading(events, {**place, "told": told}, aside=aside, skipped=passed_over, noted=remarks)


def _since(entry: Sequence[Any], case: Case) -> Case | None:
    """*case* after what was told of it: *entry* is revision, digest, and where the agency dates what it says the
    first time and the newest date. ``None`` when it is older than that.
    """
    if case.said_ms is None or len(entry) < 4:
        return case
    _, _, first_ms, newest_ms = entry
    if case.said_ms < newest_ms:
        return None
    return case if case.is_first_time else replace(case, event_ms=first_ms)
