"""The story of a situation: what came in, what was decided and who was told, in the order of time. Pure.

It is told from what the subscriber may see: no words stand in it that its rows do not show.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from connectors.formats.areas import distance_m
from connectors.gateway.shelf import Value

ENTRIES_MAX = 2_000
WHATS = ("revision", "incident", "evidence", "action", "filing", "alert", "grant")

Entry = dict[str, Any]
"""``at`` (ISO 8601), ``what`` (one of ``WHATS``), ``id``, English ``words``, and the ``facts`` that they are made of:
for another language."""


def story(revisions: Sequence[Value], alerts: Sequence[Value], grants: Sequence[Value]) -> list[Entry]:
    """The newest entries of the situation with these *revisions*, oldest first; *alerts* and *grants* in every revision."""
    entries = [
        *_of_revisions(revisions),
        *_of_members(revisions),
        *(_alert(one) for one in alerts),
        *(_grant(one) for one in grants),
    ]
    return sorted(entries, key=lambda it: (it["at"], WHATS.index(it["what"])))[-ENTRIES_MAX:]


def _entry(at: str, what: str, its_id: str, words: str, facts: Mapping[str, Any]) -> Entry:
    return {"at": at, "what": what, "id": its_id, "words": words, "facts": dict(facts)}


def _some(one: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: one[name] for name in names}


def _of_revisions(revisions: Sequence[Value]) -> Iterator[Entry]:
    for one in revisions:
        because = f", because {one['reason']}" if one["reason"] else ""
        into = f", merged into {one['merged_into']}" if one["merged_into"] else ""
        words = f"revision {one['revision']}: {one['kind']}, {one['status']}{into}{because}"
        yield _entry(
            one["event_time"],
            "revision",
            one["event_id"],
            f"{words} (rule {one['rule']} {one['rule_version']})",
            _some(one, "revision", "kind", "status", "merged_into", "reason", "rule", "rule_version"),
        )


def _of_members(revisions: Sequence[Value]) -> Iterator[Entry]:
    """Reports, evidence, actions and filings of the revisions, each told once; a report again at each of its statuses."""
    seen: set[tuple[object, ...]] = set()
    told: dict[str, int] = {}  # report → the place of its first revision
    for number, revision in enumerate(revisions):
        reports = revision["incidents"] or ()
        # The list is in the order of event times: a report that came later may stand first in it.
        first: Mapping[str, Any] = min(
            reports, key=lambda it: told.get(it["incident_id"], number), default={}
        )
        for it in reports:
            told.setdefault(it["incident_id"], number)
        for mark, entry in _members(revision, first):
            if mark not in seen:
                seen.add(mark)
                yield entry


def _members(one: Value, first: Mapping[str, Any]) -> Iterator[tuple[tuple[object, ...], Entry]]:
    for it in one["incidents"] or ():
        mark = (it["incident_id"], it["revision"], it["status"])
        yield mark, _report(it, first)
    for it in one["evidence"] or ():
        where = f"{it['topic']}[{it['partition']}]@{it['offset']}"
        words = f"rests on {where}" + ("" if it["distance_m"] is None else f", {it['distance_m']:.0f} m away")
        facts = _some(it, "topic", "distance_m")
        yield (it["event_id"],), _entry(one["event_time"], "evidence", it["event_id"], words, facts)
    for it in one["actions"] or ():
        by = f" by {it['account_id']}" if it["account_id"] else ""
        because = f": {it['reason']}" if it["reason"] else ""
        words, facts = f"{it['action']}{by}{because}", _some(it, "action", "account_id", "reason")
        yield (it["action_id"],), _entry(it["at"], "action", it["action_id"], words, facts)
    for it in one["filings"] or ():
        case = f", case {it['agency_case_no']}" if it["agency_case_no"] else ""
        words = f"filed with {it['agency']} ({it['to_domain']}): {it['status']}{case}"
        at = it["filed_at"] if it["status"] == "filed" else one["event_time"]
        facts = _some(it, "agency", "to_domain", "status", "agency_case_no")
        yield (it["filing_id"], it["status"]), _entry(at, "filing", it["filing_id"], words, facts)


def _report(it: Mapping[str, Any], first: Mapping[str, Any]) -> Entry:
    """Entry of one report, with what lies between it and *first*, the one that was there before it: why it was joined."""
    words = f"{it['agency']} {it['agency_case_no']}: {it['kind']}, {it['status']}"
    facts = _some(it, "agency", "agency_case_no", "kind", "status")
    if it["incident_id"] != first["incident_id"]:
        apart = [
            _seconds(it["event_time"], first["event_time"]),
            _metres(it["position"], first["position"]),
        ]
        facts |= {"beside": first["agency"], "apart_s": apart[0], "apart_m": apart[1]}
        said = [f"{one} {unit}" for one, unit in zip(apart, ("s", "m"), strict=True) if one is not None]
        words += f"; joined with that of {first['agency']}" + (
            f", {' and '.join(said)} apart" if said else ""
        )
    return _entry(it["event_time"], "incident", it["incident_id"], words, facts)


def _seconds(one: str | None, other: str | None) -> int | None:
    if one is None or other is None:
        return None
    return round(abs((datetime.fromisoformat(one) - datetime.fromisoformat(other)).total_seconds()))


def _metres(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> int | None:
    if one is None or other is None:
        return None
    return round(distance_m((one["lat"], one["lon"]), (other["lat"], other["lon"])))


def _alert(one: Value) -> Entry:
    words = f"to {one['audience']}, {one['message_type']} {one['revision']}: {one['headline']}"
    facts = _some(one, "audience", "message_type", "revision", "headline")
    return _entry(one["event_time"], "alert", one["alert_id"], words, facts)


def _grant(one: Value) -> Entry:
    end = f"ended {one['revoked_at']}" if one["revoked_at"] else f"until {one['expires_at']}"
    because = f": {one['reason']}" if one["reason"] else ""
    words = f"{one['camera_id']} to {one['granted_to']} for {one['purpose']}, {one['legal_ground']}, {end}{because}"
    names = ("camera_id", "granted_to", "purpose", "legal_ground", "expires_at", "revoked_at", "reason")
    return _entry(one["event_time"], "grant", one["grant_id"], words, _some(one, *names))
