"""Who may see which camera: nothing without a purpose, a legal ground and an end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from schemas.errors import Invalid
from schemas.event import derived_id
from streams.situations.cameras import CameraIndex
from streams.situations.config import RulesConfig
from streams.situations.model import CLOSED, Grant, Situation

EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Ended:
    """A grant that ended now, and why."""

    grant: Grant
    reason: str


def a_grant(
    *,
    grant_id: str,
    camera_id: str,
    rank: int,
    distance_m: float,
    granted_to: str,
    purpose: str | None,
    legal_ground: str | None,
    opened_at: int,
    expires_at: int | None,
) -> Grant:
    """A grant, refused with ``Invalid`` where purpose, legal ground or expiry is missing."""
    if not purpose:
        raise Invalid("a grant without purpose", field="purpose", expected="a purpose of the law's profile")
    if not legal_ground:
        raise Invalid("a grant without legal ground", field="legal_ground", expected="a ground of the law's profile")
    if expires_at is None or expires_at <= opened_at:
        raise Invalid("a grant without end", field="expires_at", expected="a time after it opens")
    return Grant(
        grant_id, camera_id, rank, distance_m, granted_to, purpose, legal_ground, opened_at, expires_at
    )


def purposes_of(situation: Situation, config: RulesConfig) -> dict[str, str]:
    """Agency → the purpose for which the law lets it look; an agency whose domain has none is left out."""
    law = config.law
    found = {}
    for member in situation.members:
        purpose = law.purpose.get(member.domain)
        if purpose is not None and law.legal_ground.get(purpose):
            found[member.agency] = purpose
    return dict(sorted(found.items()))


def regrant(
    situation: Situation, index: CameraIndex, config: RulesConfig, *, now_ms: int
) -> tuple[Situation, list[Grant], list[Ended]]:
    """The situation with its grants as they have to be now; which were opened, which ended and why."""
    wanted = _wanted(situation, index, config)
    kept, ended = [], []
    for grant in situation.grants:
        if grant.ended is not None:
            kept.append(grant)  # ran out while the situation goes on: not opened again by itself
        elif (grant.granted_to, grant.camera_id) in wanted:
            kept.append(grant)
        else:
            ended.append(Ended(replace(grant, ended=now_ms), _why(situation)))
    if not wanted:
        kept = []
    opened = _opened(situation, wanted, kept, config, now_ms=now_ms)
    made = situation.grants_made + len(opened)
    return replace(situation, grants=(*kept, *opened), grants_made=made), opened, ended


def expire(situation: Situation, *, now_ms: int) -> tuple[Situation, list[Ended]]:
    """The situation with those grants ended whose time is up."""
    grants, ended = [], []
    for grant in situation.grants:
        if grant.ended is None and grant.expires_at <= now_ms:
            gone = replace(grant, ended=grant.expires_at)
            ended.append(Ended(gone, EXPIRED))
            grants.append(gone)
        else:
            grants.append(grant)
    return replace(situation, grants=tuple(grants)), ended


def _wanted(situation: Situation, index: CameraIndex, config: RulesConfig) -> dict[tuple[str, str], str]:
    """(agency, camera) → purpose, in order of agency and rank."""
    if situation.status == CLOSED or not situation.is_live:
        return {}
    return {
        (agency, at.camera_id): purpose
        for agency, purpose in purposes_of(situation, config).items()
        for at in situation.cameras
        if purpose in index.cameras[at.camera_id].purposes
    }


def _opened(
    situation: Situation,
    wanted: dict[tuple[str, str], str],
    kept: Sequence[Grant],
    config: RulesConfig,
    *,
    now_ms: int,
) -> list[Grant]:
    held = {(grant.granted_to, grant.camera_id) for grant in kept}
    newest = max(member.event_time for member in situation.members if member.status != CLOSED) if wanted else 0
    if now_ms - newest > config.grant_age_max_min * 60_000:
        return []
    minutes = min(config.grant_minutes, config.law.grant_minutes_max)
    at = {one.camera_id: one for one in situation.cameras}
    opened: list[Grant] = []
    for (agency, camera_id), purpose in wanted.items():
        if (agency, camera_id) in held:
            continue
        number = situation.grants_made + len(opened)
        opened.append(
            a_grant(
                grant_id=derived_id("grant", situation.situation_id, camera_id, agency, number),
                camera_id=camera_id,
                rank=at[camera_id].rank,
                distance_m=at[camera_id].distance_m,
                granted_to=agency,
                purpose=purpose,
                legal_ground=config.law.legal_ground[purpose],
                opened_at=now_ms,
                expires_at=now_ms + round(minutes * 60_000),
            )
        )
    return opened


def _why(situation: Situation) -> str:
    if situation.merged_into is not None:
        return "the situation is part of another"
    if situation.status == CLOSED:
        return "the situation ended"
    return "the camera is no longer among the nearest, or its agency is no longer on it"
