"""Situations, alerts and grants as events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.event import Event, derived_id
from streams.geo import Point, distance_m
from streams.situations.alerts import Alert
from streams.situations.config import RulesConfig, is_a, longest_of
from streams.situations.model import CLOSED, Grant, Member, Situation
from streams.situations.state import CityState, event_fields

RULE, VERSION = "joint-incident", "1"
AREA_RADIUS_M = 200.0


def kind_of(situation: Situation, config: RulesConfig) -> str:
    """The kind that names the situation: by the city's order of kinds, then the more exact, then the earlier."""

    def rank(member: Member) -> tuple[int, int, tuple[int, str]]:
        order = next((i for i, kind in enumerate(config.kind_order) if is_a(member.kind, kind)), len(config.kind_order))
        return order, -member.kind.count("."), member.order

    return min(situation.members, key=rank).kind


def severity_of(situation: Situation, config: RulesConfig) -> str:
    return longest_of(config.severity, kind_of(situation, config), "unknown")


def shown(situation: Situation, config: RulesConfig) -> dict[str, Any]:
    """What a revision shows, but for its number, its time and its reason."""
    place = situation.place
    return {
        "kind": kind_of(situation, config),
        "status": situation.status,
        "opened_at": situation.opened_at,
        "closed_at": situation.closed_at,
        "agencies": situation.agencies,
        "incidents": [_member(member) for member in situation.members],
        "severity": severity_of(situation, config),
        "urgency": "past" if situation.status == CLOSED else "immediate",
        "certainty": "observed" if len(situation.agencies) > 1 else "likely",
        "rule": RULE,
        "rule_version": VERSION,
        "merged_into": situation.merged_into,
        "split_from": situation.split_from,
        "cameras": [
            {"camera_id": at.camera_id, "rank": at.rank, "distance_m": at.distance_m} for at in situation.cameras
        ],
        "position": position_of(place),
    }


def situation_event(state: CityState, situation: Situation, reason: str) -> Event:
    value = shown(situation, state.rules)
    event_id = derived_id("situation", situation.situation_id, situation.revision)
    return Event(
        "core.situation",
        situation.situation_id,
        event_fields(state, event_id, value["position"])
        | value
        | {
            "situation_id": situation.situation_id,
            "revision": situation.revision,
            "evidence": evidence_of(situation),
            "reason": reason,
        },
    )


def alert_event(state: CityState, situation: Situation, alert: Alert) -> Event:
    place = situation.place
    value = shown(situation, state.rules)
    area = None if place is None else {"lat": place.lat, "lon": place.lon, "radius_m": AREA_RADIUS_M}
    return Event(
        "core.alert",
        situation.situation_id,
        event_fields(state, derived_id("alert", alert.alert_id, alert.revision), value["position"])
        | {
            "alert_id": alert.alert_id,
            "revision": alert.revision,
            "situation_id": situation.situation_id,
            "message_type": alert.message_type,
            "audience": alert.audience,
            "headline": alert.headline,
            "area": area,
            **{name: value[name] for name in ("severity", "urgency", "certainty", "kind", "rule", "rule_version")},
            "situation_revision": situation.revision,
            "evidence": evidence_of(situation),
        },
    )


def grant_event(state: CityState, situation: Situation, grant: Grant, reason: str) -> Event:
    revision = 1 if grant.ended is None else 2
    return Event(
        "core.grant",
        situation.situation_id,
        event_fields(
            state, derived_id("grant", grant.grant_id, revision), position_of(situation.place)
        )
        | {
            "grant_id": grant.grant_id,
            "revision": revision,
            "situation_id": situation.situation_id,
            "camera_id": grant.camera_id,
            "rank": grant.rank,
            "distance_m": grant.distance_m,
            "granted_to": grant.granted_to,
            "purpose": grant.purpose,
            "legal_ground": grant.legal_ground,
            "opened_at": grant.opened_at,
            "expires_at": grant.expires_at,
            "revoked_at": grant.ended,
            "reason": reason,
        },
    )


def evidence_of(situation: Situation) -> list[dict[str, Any]]:
    """Each report's newest event, with its distance in metres and seconds from where and when it all began."""
    place = situation.place
    return [
        {
            "event_id": member.event_id,
            "topic": member.topic,
            "partition": member.partition,
            "offset": member.offset,
            "distance_m": _apart(place, member.place),
            "seconds": (member.event_time - situation.opened_at) / 1000,
        }
        for member in situation.members
    ]


def position_of(place: Point | None) -> dict[str, Any] | None:
    return None if place is None else {"lat": place.lat, "lon": place.lon, "accuracy_m": None}


def _apart(one: Point | None, other: Point | None) -> float | None:
    return None if one is None or other is None else round(distance_m(one, other), 2)


def _member(member: Member) -> Mapping[str, Any]:
    return {
        "domain": member.domain,
        "agency": member.agency,
        "agency_case_no": member.agency_case_no,
        "incident_id": member.incident_id,
        "kind": member.kind,
        "status": member.status,
        "event_time": member.event_time,
        "position": position_of(member.place),
        "revision": member.revision,
    }
