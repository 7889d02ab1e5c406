"""Leave to see a camera: never without purpose, legal ground and expiry, and every one ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from schemas.errors import Invalid
from schemas.event import derived_id
from streams.situations.config import RulesConfig
from streams.situations.law import Use
from streams.situations.model import Camera, CameraAt, Grant, Incident, Position, Situation, View
from streams.situations.reports.cameras import CameraIndex
from streams.situations.reports.units import unit_uses

EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Change:
    """A grant's next revision. It is in force unless *revoked_at* says when it ended."""

    grant: Grant
    revoked_at: int | None
    reason: str


def new_grant(
    situation_id: str,
    at: CameraAt,
    agency: str,
    *,
    ordinal: int,
    purpose: str,
    legal_ground: str,
    opened_at: int,
    expires_at: int | None,
    override: str | None = None,
) -> Grant:
    """A grant in its first revision. ``Invalid`` without purpose, legal ground, or expiry after its opening.

    *ordinal* counts the situation's grants, so that a camera granted again has another id.
    """
    if not purpose.strip():
        raise Invalid("a grant needs a purpose", field="purpose", expected="what the camera is looked at for")
    if not legal_ground.strip():
        raise Invalid("a grant needs a legal ground", field="legal_ground", expected="the law that allows it")
    if expires_at is None or expires_at <= opened_at:
        raise Invalid("a grant needs an expiry", field="expires_at", expected="a time after its opening")
    return Grant(
        grant_id=derived_id(situation_id, at.camera_id, agency, ordinal),
        revision=1,
        camera_id=at.camera_id,
        rank=at.rank,
        distance_m=at.distance_m,
        granted_to=agency,
        purpose=purpose,
        legal_ground=legal_ground,
        opened_at=opened_at,
        expires_at=expires_at,
        override=override,
    )


def uses_of(members: tuple[Incident, ...], config: RulesConfig) -> dict[str, Use]:
    """Agency → what it may look for: the use of the domain of its earliest report. None for no use in law, and none for
    companies."""
    uses: dict[str, Use] = {}
    for incident in reversed(members):
        use = None if incident.agency in config.companies else config.law.uses.get(incident.domain)
        if use is not None:
            uses[incident.agency] = use
    return dict(sorted(uses.items()))


def is_fresh(view: View, config: RulesConfig, *, now: int) -> bool:
    """Whether the last event (a report, an order to units, a correction) is young enough to open cameras. An old event that
    arrives only now is not; a situation without reports always is, as its rule decides by what it has just read."""
    newest = max((incident.happened_at for incident in view.incidents), default=now)
    return now - newest <= config.grant_age_max_ms


def regranted(
    situation: Situation,
    wanted: Mapping[str, tuple[CameraAt, ...]],
    config: RulesConfig,
    *,
    cameras: CameraIndex,
    now: int,
    over: str | None,
    uses: Mapping[str, Use] | None = None,
) -> tuple[Situation, list[Change]]:
    """*situation* with the grants that *wanted* (agency or unit → its cameras) calls for, and what changed.

    *over* is why the situation has ended, if it has: then every grant does. *uses* is what each may look for, unless its
    reports say it.
    """
    due = {} if over else {(agency, at.camera_id): at for agency, its in wanted.items() for at in its}
    members = situation.view.incidents
    uses = {**uses_of(members, config), **unit_uses(members, config)} if uses is None else uses
    kept, changes = _kept(situation.grants, due, uses, config)
    held = {grant.pair for grant in kept}
    changes += [
        ended(one, now, over or _why_lost(one, situation, cameras.get(one.camera_id), uses))
        for one in situation.grants
        if one.pair not in held
    ]
    lapsed = tuple(pair for pair in situation.lapsed if pair in due)
    opened: list[Grant] = []
    if due and is_fresh(situation.view, config, now=now):
        held |= set(lapsed)
        for (agency, _), at in due.items():
            if (agency, at.camera_id) not in held:
                opened.append(
                    new_grant(
                        situation.situation_id,
                        at,
                        agency,
                        ordinal=situation.grants_opened + len(opened) + 1,
                        purpose=uses[agency].purpose,
                        legal_ground=_ground(at, uses[agency], config),
                        opened_at=now,
                        expires_at=now + config.grant_ms,
                        override=at.override,
                    )
                )
    changes += [Change(grant, None, _why(grant)) for grant in opened]
    grants = tuple(sorted((*kept, *opened), key=lambda grant: (grant.granted_to, grant.rank)))
    count = situation.grants_opened + len(opened)
    return replace(situation, grants=grants, grants_opened=count, lapsed=lapsed), changes


def _ground(at: CameraAt, use: Use, config: RulesConfig) -> str:
    return use.legal_ground if at.override is None else config.law.overrides[at.override]


def _why(grant: Grant) -> str:
    why = f"nearest {grant.rank} for {grant.purpose}"
    return why if grant.override is None else f"{why}, which its own purposes do not hold: {grant.override}"


def _kept(
    grants: tuple[Grant, ...],
    due: Mapping[tuple[str, str], CameraAt],
    uses: Mapping[str, Use],
    config: RulesConfig,
) -> tuple[list[Grant], list[Change]]:
    """The grants that go on, in a new revision where their rank, or the law's words, are others; and the changes."""
    kept: list[Grant] = []
    changes: list[Change] = []
    for grant in grants:
        at = due.get(grant.pair)
        if at is None:
            continue
        use = uses[grant.granted_to]
        moved = replace(grant, rank=at.rank, distance_m=at.distance_m)
        after = replace(
            moved, purpose=use.purpose, legal_ground=_ground(at, use, config), override=at.override
        )
        if after != grant:
            why = f"now nearest {at.rank}" if after == moved else "the law has other words for it now"
            if after.override != grant.override:
                why = _why(after)
            after = replace(after, revision=grant.revision + 1)
            changes.append(Change(after, None, why))
        kept.append(after)
    return kept, changes


def _why_lost(grant: Grant, situation: Situation, camera: Camera | None, uses: Mapping[str, Use]) -> str:
    """Why *grant* ends, though the situation goes on."""
    use, (agency, _, unit) = uses.get(grant.granted_to), grant.granted_to.partition("/")
    if agency not in situation.view.agencies:
        return "no longer with this agency"
    if use is None:
        return "no longer assigned" if unit and agency in uses else "no ground for it any more"
    return _why_unseen(grant, situation.view.position, camera, use.purpose)


def _why_unseen(grant: Grant, place: Position | None, camera: Camera | None, purpose: str) -> str:
    """Why *camera*, of *grant*, is not among the nearest to *place* that may be used."""
    if camera is None or camera.status != "ok":
        return f"the camera is {'gone' if camera is None else camera.status}"
    if place is None or camera.position is None:
        return f"nobody knows where {'it' if place is None else 'the camera'} is any more"
    if purpose not in camera.purposes and grant.override is None:
        return "the camera serves other purposes"
    return "no longer among the nearest"


def ended(grant: Grant, at: int, reason: str) -> Change:
    return Change(replace(grant, revision=grant.revision + 1), at, reason)


def expired(situation: Situation, *, now: int) -> tuple[Situation, list[Change]]:
    """*situation* without the grants whose time is up by *now*, each ended at its own expiry."""
    over = [grant for grant in situation.grants if grant.expires_at <= now]
    if not over:
        return situation, []
    left = tuple(grant for grant in situation.grants if grant.expires_at > now)
    lapsed = tuple(sorted({*situation.lapsed, *(grant.pair for grant in over)}))
    return (
        replace(situation, grants=left, lapsed=lapsed),
        [ended(grant, grant.expires_at, EXPIRED) for grant in over],
    )
