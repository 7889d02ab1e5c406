"""Filings of operators with 119 or 112: published, revised, answered by a report of the agency, or withdrawn. Pure.

A filing belongs to its situation. When situations become one, the filing goes on with the one that stays open; when that
ends before an answer, the filing is withdrawn. The agency answers with a report that repeats its id (``filing_id``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from schemas.event import Event, derived_id
from streams.situations.answers.events import event_fields
from streams.situations.config import RulesConfig
from streams.situations.model import Incident, Situation, View
from streams.situations.operators.actions import Action, joined
from streams.situations.operators.model import Filing
from streams.situations.rule import Draft
from streams.situations.rules.in_force import told_version

SETTLED_MAX = 10
"""The number of answered or withdrawn filings that a situation keeps, the newest. Open ones: one for each domain."""
WORDS = {
    "filed": "filed with {agency}",
    "accepted": "{agency} accepted the filing as {agency_case_no}",
    "withdrawn": "the filing with {agency} is withdrawn",
}


def filed(situation: Situation, action: Action, config: RulesConfig, *, now: int) -> Situation:
    """*situation* with the filing that *action* makes. The action has been checked."""
    domain = action.to_domain or ""
    filing_id = derived_id("filing", situation.situation_id, action.action_id)
    filing = Filing(filing_id, domain, config.filing[domain], now, action.account_id, action.role)
    return replace(situation, filings=(*situation.filings, filing))


def answered(situation: Situation, filing_id: str | None, incident: Incident) -> Situation | None:
    """*situation* with its filing accepted by *incident*; ``None`` where the filing is not open, or the report is of another
    agency than the one asked."""
    after = tuple(
        replace(
            one,
            status="accepted",
            agency_case_no=incident.agency_case_no,
            incident_id=incident.incident_id,
        )
        if one.filing_id == filing_id and one.is_open and _is_asked(one, incident)
        else one
        for one in situation.filings
    )
    return None if after == situation.filings else replace(situation, filings=after)


def _is_asked(filing: Filing, incident: Incident) -> bool:
    return (filing.to_domain, filing.agency) == (incident.domain, incident.agency)


def tied(
    situation: Situation, owner: Situation | None, incident: Incident, config: RulesConfig
) -> list[Incident]:
    """The reports of *situation* and of *incident*'s *owner* as those of one happening, as if an operator had joined them.
    None where they are of one situation already, *situation* has no report, or together they would be too many."""
    ours = situation.view.incidents
    others = () if owner is None else owner.view.incidents
    theirs = (incident, *(one for one in others if one.incident_id != incident.incident_id))
    is_one = owner is not None and owner.situation_id == situation.situation_id
    if is_one or not ours or len(ours) + len(theirs) > config.bounds.incidents:
        return []
    return joined(ours, theirs)


def inherited(drafts: Sequence[Draft], situations: Mapping[str, Situation]) -> list[Draft]:
    """*drafts*, in which a merged situation leaves its filings to the one that it is merged into."""
    left: dict[str, tuple[Filing, ...]] = {}
    for its in (one.situation for one in drafts):
        if its.view.merged_into is not None and its.filings:
            left[its.view.merged_into] = _together(left.get(its.view.merged_into, ()), its.filings)
    after = []
    for one in drafts:
        filings = left.pop(one.situation.situation_id, ())
        after.append(replace(one, situation=_with(one.situation, filings)) if filings else one)
    for into, filings in ((situations.get(one), filings) for one, filings in left.items()):
        if into is not None:
            reason = "what was filed of another is of this"
            again = replace(into, revision=into.revision + 1, reason=reason)
            after.append(Draft(_with(again, filings), None))
    return after


def refiled(situation: Situation, config: RulesConfig, *, now: int) -> tuple[Situation, list[Event]]:
    """*situation* with the next revision of each filing that has changed, and their events. The reason of the situation's
    revision names a filing's new status."""
    if situation.is_merged or not situation.filings:
        return situation, []
    after, events, reason = [], [], situation.reason
    for one in _standing(situation):
        said = _said(situation, one)
        if one.said != said:
            if one.said.partition(" ")[0] != one.status:
                reason = f"{reason}; {WORDS[one.status].format(agency=one.agency, agency_case_no=one.agency_case_no)}"
            one = replace(one, revision=one.revision + 1, said=said)  # noqa: PLW2901 - its next revision
            events.append(_event(situation, one, config, now=now))
        after.append(one)
    return replace(situation, filings=_kept(after), reason=reason), events


def is_untold(situation: Situation) -> bool:
    """Whether a filing has changed since its last event."""
    return any(one.said != _said(situation, one) for one in _standing(situation))


def _standing(situation: Situation) -> list[Filing]:
    """Its filings; those that nobody answered before it ended are withdrawn."""
    is_over = situation.is_closed
    return [replace(one, status="withdrawn") if is_over and one.is_open else one for one in situation.filings]


def _with(situation: Situation, filings: tuple[Filing, ...]) -> Situation:
    return replace(situation, filings=_together(situation.filings, filings))


def _together(ours: Iterable[Filing], theirs: Iterable[Filing]) -> tuple[Filing, ...]:
    """All filings of both, in order. Of two open ones with one domain the first goes on; the other is withdrawn."""
    known = {one.filing_id: one for one in (*theirs, *ours)}
    open_to: set[str] = set()
    after = []
    for one in sorted(known.values(), key=lambda it: (it.filed_at, it.filing_id)):
        is_double = one.is_open and one.to_domain in open_to
        if one.is_open:
            open_to.add(one.to_domain)
        after.append(replace(one, status="withdrawn") if is_double else one)
    return tuple(after)


def _kept(filings: Sequence[Filing]) -> tuple[Filing, ...]:
    settled = [one.filing_id for one in filings if not one.is_open]
    gone = set(settled[:-SETTLED_MAX])
    return tuple(one for one in filings if one.filing_id not in gone)


def _said(situation: Situation, filing: Filing) -> str:
    """The status and a digest of the facts that the agency has. Facts that crews need are revised until the answer."""
    view = situation.view
    match filing.status:
        case "filed":
            about: tuple[object, ...] = (situation.situation_id, view.kind, view.position)
        case "accepted":
            about = (situation.situation_id,)
        case _:
            about = ()
    return f"{filing.status} {derived_id(*map(str, about))}"


def _event(situation: Situation, filing: Filing, config: RulesConfig, *, now: int) -> Event:
    view = situation.view
    value = event_fields(derived_id(filing.filing_id, filing.revision), config.city, now, view.position)
    value |= {
        "filing_id": filing.filing_id,
        "revision": filing.revision,
        "situation_id": situation.situation_id,
        "status": filing.status,
        "to_domain": filing.to_domain,
        "agency": filing.agency,
        "kind": view.kind,
        "opened_at": view.opened_at,
        "evidence": _references(view),
        "filed_at": filing.filed_at,
        "filed_by": {"account_id": filing.account_id, "role": filing.role},
        "rule": situation.rule,
        "rule_version": told_version(situation.rule, config),
        "agency_case_no": filing.agency_case_no,
        "incident_id": filing.incident_id,
    }
    return Event("core.filing", situation.situation_id, value)


def _references(view: View) -> list[dict[str, Any]]:
    """The reports, and what was seen; a camera is named where one saw it."""
    reports = [{"event_id": one.event_id, "topic": one.topic, "camera_id": None} for one in view.incidents]
    return reports + [
        {
            "event_id": one.event_id,
            "topic": one.topic,
            "camera_id": one.seen_by if one.topic.partition(".")[2].startswith("cctv.") else None,
        }
        for one in view.observed
    ]
