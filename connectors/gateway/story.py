"""The story of a situation: what came in, what was decided and who was told, in the order of time. Pure.

It is told from what the subscriber may see: no words stand in it that its rows do not show.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connectors.gateway.shelf import Value

ENTRIES_MAX = 2_000
WHATS = ("revision", "incident", "evidence", "action", "filing", "alert", "grant")

Entry = dict[str, str]
"""``at`` (ISO 8601), ``what`` (one of ``WHATS``), ``id`` and ``words``."""


def story(revisions: Sequence[Value], alerts: Sequence[Value], grants: Sequence[Value]) -> list[Entry]:
    """The newest entries of the situation with these *revisions*, oldest first; *alerts* and *grants* in every revision."""
    entries = [
        *_of_revisions(revisions),
        *_of_members(revisions),
        *(_alert(one) for one in alerts),
        *(_grant(one) for one in grants),
    ]
    return sorted(entries, key=lambda it: (it["at"], WHATS.index(it["what"])))[-ENTRIES_MAX:]


def _entry(at: str, what: str, its_id: str, words: str) -> Entry:
    return {"at": at, "what": what, "id": its_id, "words": words}


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
        )


def _of_members(revisions: Sequence[Value]) -> Iterator[Entry]:
    """Reports, evidence, actions and filings of the revisions, each told once; a report again at each of its statuses."""
    seen: set[tuple[object, ...]] = set()
    for revision in revisions:
        for mark, entry in _members(revision):
            if mark not in seen:
                seen.add(mark)
                yield entry


def _members(one: Value) -> Iterator[tuple[tuple[object, ...], Entry]]:
    for it in one["incidents"] or ():
        words = f"{it['agency']} {it['agency_case_no']}: {it['kind']}, {it['status']}"
        mark = (it["incident_id"], it["revision"], it["status"])
        yield mark, _entry(it["event_time"], "incident", it["incident_id"], words)
    for it in one["evidence"] or ():
        where = f"{it['topic']}[{it['partition']}]@{it['offset']}"
        words = f"rests on {where}" + ("" if it["distance_m"] is None else f", {it['distance_m']:.0f} m away")
        yield (it["event_id"],), _entry(one["event_time"], "evidence", it["event_id"], words)
    for it in one["actions"] or ():
        by = f" by {it['account_id']}" if it["account_id"] else ""
        because = f": {it['reason']}" if it["reason"] else ""
        yield (
            (it["action_id"],),
            _entry(it["at"], "action", it["action_id"], f"{it['action']}{by}{because}"),
        )
    for it in one["filings"] or ():
        case = f", case {it['agency_case_no']}" if it["agency_case_no"] else ""
        words = f"filed with {it['agency']} ({it['to_domain']}): {it['status']}{case}"
        at = it["filed_at"] if it["status"] == "filed" else one["event_time"]
        yield (it["filing_id"], it["status"]), _entry(at, "filing", it["filing_id"], words)


def _alert(one: Value) -> Entry:
    words = f"to {one['audience']}, {one['message_type']} {one['revision']}: {one['headline']}"
    return _entry(one["event_time"], "alert", one["alert_id"], words)


def _grant(one: Value) -> Entry:
    end = f"ended {one['revoked_at']}" if one["revoked_at"] else f"until {one['expires_at']}"
    because = f": {one['reason']}" if one["reason"] else ""
    words = f"{one['camera_id']} to {one['granted_to']} for {one['purpose']}, {one['legal_ground']}, {end}{because}"
    return _entry(one["event_time"], "grant", one["grant_id"], words)
