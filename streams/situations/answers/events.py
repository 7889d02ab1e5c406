"""The core events, as their contracts say them."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from msgspec.structs import asdict

from schemas.event import Event, derived_id
from schemas.event import event_fields as fields_of_event
from schemas.kinds import OTHER
from streams.geo import distance_m
from streams.situations.answers.alerts import Message, alert_id
from streams.situations.answers.companies import own_kind
from streams.situations.answers.grants import Change
from streams.situations.config import RulesConfig
from streams.situations.model import Camera, Incident, Position, Situation, View
from streams.situations.rules.in_force import told_version
from streams.situations.words import others_of, text_of

SOURCE = "situations"
EVIDENCE = ("event_id", "topic", "partition", "offset", "distance_m", "seconds")
_its_evidence = attrgetter(*EVIDENCE)
FILED = ("filing_id", "to_domain", "agency", "status", "filed_at", "agency_case_no", "incident_id")
TOLD_MAX = 20
"""The number of newest actions that each revision carries."""


def event_fields(event_id: str, city: str, now: int, position: Position | None) -> dict[str, Any]:
    """The fields that every event of the rules begins with, as of *now*."""
    return fields_of_event(
        city,
        SOURCE,
        event_id=event_id,
        event_time_ms=now,
        received_ms=now,
        position=position_value(position),
    )


def position_value(position: Position | None) -> dict[str, Any] | None:
    if position is None:
        return None
    return {"lat": position.lat, "lon": position.lon, "accuracy_m": position.accuracy_m}


def situation_event(situation: Situation, config: RulesConfig, *, now: int) -> Event:
    view, its = situation.view, situation.handled
    value = event_fields(
        derived_id(situation.situation_id, situation.revision), config.city, now, view.position
    )
    value |= {
        "situation_id": situation.situation_id,
        "kind": view.kind,
        "revision": situation.revision,
        "status": view.status,
        "opened_at": view.opened_at,
        "closed_at": view.closed_at,
        "agencies": list(view.agencies),
        "incidents": [_member(incident) for incident in view.incidents],
        "evidence": placed_evidence_of(view),
        "severity": view.severity,
        "urgency": view.urgency,
        "certainty": view.certainty,
        "rule": situation.rule,
        "rule_version": told_version(situation.rule, config),
        "merged_into": view.merged_into,
        "split_from": view.split_from,
        "cameras": [
            {"camera_id": at.camera_id, "rank": at.rank, "distance_m": at.distance_m} for at in view.cameras
        ],
        "reason": situation.reason,
        "radius_m": view.radius_m,
        "situations": list(view.beneath),
        "listed_under": None if situation.listed is None else situation.listed[0],
        "acknowledged_at": its.acknowledged_at,
        "acknowledged_by": its.acknowledged_by,
        "taken_by": its.taken_by,
        "escalated_at": its.escalated_at,
        "actions": [asdict(one) for one in its.actions[-TOLD_MAX:]],
        "filings": [{name: getattr(one, name) for name in FILED} for one in situation.filings],
    }
    return Event("core.situation", situation.situation_id, value)


def _member(incident: Incident) -> dict[str, Any]:
    return {
        "domain": incident.domain,
        "agency": incident.agency,
        "agency_case_no": incident.agency_case_no,
        "incident_id": incident.incident_id,
        "kind": incident.kind,
        "status": incident.told_status,
        "event_time": incident.event_time,
        "position": position_value(incident.position),
        "revision": incident.revision,
        "address": incident.address,
        "units": list(incident.units),
    }


def evidence_of(view: View) -> list[dict[str, Any]]:
    """Each report's newest event, then what the watch around it found, with its distance and seconds from where and when
    it began."""
    return [
        {
            "event_id": incident.event_id,
            "topic": incident.topic,
            "partition": incident.partition,
            "offset": incident.offset,
            "distance_m": _away_m(view.position, incident.position),
            "seconds": (incident.event_time - view.opened_at) / 1000,
        }
        for incident in view.incidents
    ] + [dict(zip(EVIDENCE, _its_evidence(one), strict=True)) for one in view.observed]


def placed_evidence_of(view: View) -> list[dict[str, Any]]:
    """The same with the place of each, as far as it is known."""
    places = [*(one.position for one in view.incidents), *(one.place for one in view.observed)]
    return [
        {**told, "position": position_value(place)}
        for told, place in zip(evidence_of(view), places, strict=True)
    ]


def _away_m(one: Position | None, other: Position | None) -> float | None:
    if one is None or other is None:
        return None
    return 0.0 if one is other else distance_m(one.lat, one.lon, other.lat, other.lon)


def alert_event(situation: Situation, message: Message, config: RulesConfig, *, now: int) -> Event:
    """One audience's alert. A company's says how its own alarm stands: no place, no weight, nothing of anybody else."""
    view, audience = situation.view, message.audience
    is_company = audience in config.companies
    its_id = alert_id(situation.situation_id, audience)
    at = None if is_company else view.position
    radius_m = config.alert_radius_m if view.radius_m is None else view.radius_m
    kind = own_kind(view, audience, config) if is_company else view.kind
    value = event_fields(derived_id(its_id, message.revision), config.city, now, at)
    value |= {
        "alert_id": its_id,
        "revision": message.revision,
        "situation_id": situation.situation_id,
        "message_type": message.message_type,
        "audience": audience,
        "headline": text_of(message.headline),
        "area": None if at is None else {"lat": at.lat, "lon": at.lon, "radius_m": radius_m},
        "severity": "unknown" if is_company else view.severity,
        "urgency": "unknown" if is_company else view.urgency,
        "certainty": "unknown" if is_company else view.certainty,
        "kind": kind or OTHER,
        "situation_revision": situation.revision,
        "evidence": [] if is_company else evidence_of(view),
        "rule": situation.rule,
        "rule_version": told_version(situation.rule, config),
        "demands_attention": message.demands_attention,
        "references": [] if is_company else _references(view, audience),
        "headlines": [{"language": code, "headline": said} for code, said in others_of(message.headline)],
    }
    return Event("core.alert", situation.situation_id, value)


def _references(view: View, audience: str) -> list[dict[str, str]]:
    if audience not in (*view.agencies, *view.shown_to):
        return []
    return [{"name": what, "reference": where} for what, where in view.references]


def grant_event(
    situation: Situation, change: Change, camera: Camera | None, config: RulesConfig, *, now: int
) -> Event:
    """The next revision of a grant, at the place of its *camera*."""
    grant, place = change.grant, None if camera is None else camera.position
    moving = None if camera is None else camera.moving
    value = event_fields(derived_id(grant.grant_id, grant.revision), config.city, now, place)
    value |= {
        "grant_id": grant.grant_id,
        "revision": grant.revision,
        "situation_id": situation.situation_id,
        "camera_id": grant.camera_id,
        "rank": grant.rank,
        "distance_m": grant.distance_m,
        "granted_to": grant.granted_to,
        "purpose": grant.purpose,
        "legal_ground": grant.legal_ground,
        "opened_at": grant.opened_at,
        "expires_at": grant.expires_at,
        "revoked_at": change.revoked_at,
        "reason": change.reason,
        "override": grant.override,
        "rule": situation.rule,
        "rule_version": told_version(situation.rule, config),
        "notice_id": None if moving is None else moving.notice_id,
    }
    return Event("core.grant", situation.situation_id, value)


def state_row(key: str, kind: str, body: bytes | None, city: str, *, now: int, sequence: int) -> Event:
    """A row of ``core.state``; without a body the tombstone that removes it."""
    if body is None:
        return Event("core.state", key, None)
    value = event_fields(derived_id("state", key, sequence), city, now, None)
    value |= {"kind": kind, "body": body}
    return Event("core.state", key, value)
