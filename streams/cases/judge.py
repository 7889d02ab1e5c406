"""Whether a case may be looked for, until when, and which sightings it may see. Pure: the time is a parameter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from streams.cases.case_law import OTHER, CaseLaw
from streams.deliver.polygon import Corner, holds

HOUR_MS = 3_600_000
UNRECORDED, EXPIRED = "unrecorded", "expired"
PURGED_WITHIN_MS = 5_000
"""All that a refused case drew is destroyed within this time."""


@dataclass(frozen=True, slots=True)
class Case:
    """A case as ``police.missing`` tells it. *area*: the corners; *filed_at_ms*: when the request for the authorisation was
    filed, by the log's clock."""

    case_id: str
    opened_at_ms: int
    requester: str | None
    ground: str | None
    area: tuple[Corner, ...]
    from_ms: int | None
    until_ms: int | None
    other_ground: str | None = None
    authorisation_id: str | None = None
    is_urgent: bool = False
    filing_id: str | None = None
    filed_at_ms: int | None = None
    is_authorisation_refused: bool = False
    is_closed: bool = False
    is_on_record: bool = True
    """Whether its opening stands in ``core.access``: without that nobody knows who asked, and since when."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A row of ``cctv.person``, as far as the law looks at it. *of_case*: the case whose query it answers."""

    seen_at_ms: int
    analytic: str
    lat: float | None
    lon: float | None
    has_score: bool = False
    of_case: str | None = None


@dataclass(frozen=True, slots=True)
class Allowed:
    """It may be looked for before *until_ms*; then it is judged anew. *biometric_ground*: by which biometric scores may be
    used, too; ``None`` where they may not."""

    until_ms: int
    legal_ground: str
    biometric_ground: str | None


@dataclass(frozen=True, slots=True)
class Refused:
    """It may not. *reason*: a word; *other_grounds*: what a person may name instead, by the law's words. What it drew is
    destroyed by *purge_by_ms*."""

    reason: str
    purge_by_ms: int
    other_grounds: Mapping[str, str] = field(default_factory=dict)


def judge(case: Case, law: CaseLaw, now_ms: int) -> Allowed | Refused:
    """The law's answer at *now_ms*. A law that nobody has looked up refuses, so that a person decides."""
    ground = _ground(case, law)
    reason = (
        _wrong_in(case, now_ms)
        or (None if ground else _no_ground(case, law))
        or _not_filed(case, law, now_ms)
    )
    if reason is not None or ground is None or case.until_ms is None:
        return Refused(reason or "no_ground", now_ms + PURGED_WITHIN_MS, law.other_grounds)
    filing_ends_ms = _filing_ends_ms(case, law)
    is_filed = filing_ends_ms is None or _filed_at_ms(case) is not None
    ends_ms = case.until_ms if is_filed else min(case.until_ms, filing_ends_ms or 0)
    return Allowed(ends_ms, ground, _biometric_ground(case, law))


def _wrong_in(case: Case, now_ms: int) -> str | None:
    """The reason that stands in the case itself, whatever the law says."""
    if case.is_closed or case.is_authorisation_refused:
        return "closed" if case.is_closed else "authorisation_refused"
    if not case.is_on_record:
        return UNRECORDED
    if not (case.requester or "").strip():
        return "no_requester"
    if len(case.area) < 3:
        return "no_area"
    if case.from_ms is None or case.until_ms is None or case.from_ms >= case.until_ms:
        return "no_time"
    return EXPIRED if now_ms >= case.until_ms else None


def over_by_time(case: Case, law: CaseLaw, now_ms: int) -> str | None:
    """Why a case is over by time alone: what a process without its key can tell. ``None`` while it is not."""
    if case.until_ms is not None and now_ms >= case.until_ms:
        return EXPIRED
    return _not_filed(case, law, now_ms) if case.is_on_record else None


def _ground(case: Case, law: CaseLaw) -> str | None:
    """The law's words for the ground; ``None`` where it has none for this case."""
    words = next((words for word, words in law.grounds.items() if word == case.ground), None)
    if words is None and case.ground == OTHER and case.authorisation_id:
        return law.other_grounds.get(case.other_ground or "")
    return words


def _no_ground(case: Case, law: CaseLaw) -> str:
    if case.ground == OTHER and case.other_ground in law.other_grounds:
        return "no_authorisation"
    return "no_ground" if law.grounds else "law_unknown"


def _filing_ends_ms(case: Case, law: CaseLaw) -> int | None:
    """The last moment to file the request; ``None`` where there is nothing to file."""
    if law.biometric is None or not case.is_urgent or case.authorisation_id:
        return None
    return case.opened_at_ms + round(law.biometric.filing_hours * HOUR_MS)


def _filed_at_ms(case: Case) -> int | None:
    """When the request was filed; one without its id is not."""
    return case.filed_at_ms if case.filing_id else None


def _not_filed(case: Case, law: CaseLaw, now_ms: int) -> str | None:
    ends_ms = _filing_ends_ms(case, law)
    if ends_ms is None:
        return None
    filed_ms = _filed_at_ms(case)
    is_late = now_ms >= ends_ms if filed_ms is None else filed_ms > ends_ms
    return "not_filed" if is_late else None


def _biometric_ground(case: Case, law: CaseLaw) -> str | None:
    if law.biometric is None or not (case.authorisation_id or case.is_urgent):
        return None
    return law.biometric.legal_ground


def may_see(
    case: Case, verdict: Allowed | Refused | None, sighting: Sighting, law: CaseLaw, now_ms: int
) -> bool:
    """Whether *case* may see *sighting* at *now_ms*: only with a verdict in force, inside its area and time, not beyond
    the retention of sightings, no other case's answer, and a biometric one only where the law lets it."""
    if not isinstance(verdict, Allowed) or now_ms >= verdict.until_ms or case.from_ms is None:
        return False
    if sighting.of_case not in (None, case.case_id):
        return False
    if not seen_from_ms(case, law, now_ms) <= sighting.seen_at_ms < verdict.until_ms:
        return False
    if law.is_biometric(sighting.analytic, has_score=sighting.has_score) and verdict.biometric_ground is None:
        return False
    return (
        sighting.lat is not None and sighting.lon is not None and holds(case.area, sighting.lat, sighting.lon)
    )


def seen_from_ms(case: Case, law: CaseLaw, now_ms: int) -> int:
    """The earliest moment that *case* may look back to."""
    kept_ms = now_ms - round(law.sighting_hours * HOUR_MS)
    return kept_ms if case.from_ms is None else max(case.from_ms, kept_ms)
