"""The fold: one entry of the journal after another, and what the rules answer. Pure but for its state."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from schemas.errors import Fatal
from schemas.event import Event
from streams.situations.alerts import retold
from streams.situations.config import RulesConfig
from streams.situations.entry import Entry
from streams.situations.facts import camera_of, incident_of, time_of
from streams.situations.grants import Change, expired, regranted
from streams.situations.joining import Partner, clusters, connected, joins_alike
from streams.situations.model import Camera, CameraAt, Incident, Situation, View
from streams.situations.rules.joint_incident import Members, id_of_new, regrouped, view_of, why
from streams.situations.state import CityState
from streams.situations.told import alert_event, grant_event, situation_event
from streams.situations.watches import ends_at, observed_from, rewatched, takes_evidence, unwatched

__all__ = ["CityState", "step"]

LEFT_OUT = "left_out"


def step(state: CityState, entry: Entry) -> list[Event]:
    """What the rules answer to *entry*, in order; *state* is changed to match.

    First what was due before the entry's time, each at its own; then the entry itself. ``Invalid`` for an
    entry that cannot be: nothing has changed then, the sequence neither.
    """
    match entry.kind:
        case "rules":
            config = RulesConfig.model_validate(dict(entry.value))
            state.sequence += 1
            state.use(config)
            state.rules_digest = config.digest()
            return []
        case "incident":
            incident = incident_of(entry)
            events = _until(state, time_of(entry))
            return events + _on_incident(state, replace(incident, heard_at=state.now_ms))
        case "place":  # reference data says nothing of the time
            camera = camera_of(entry)
            state.sequence += 1
            return _on_camera(state, camera)
        case "evidence":  # its time is that of what was seen: older, or of a play that runs ahead
            state.sequence += 1
            return _on_evidence(state, entry)
        case "tick":
            return _until(state, time_of(entry))
        case _:
            raise Fatal(f"{entry.topic}: entry of unknown kind {entry.kind!r}", hint="run a newer version")


def _until(state: CityState, time_ms: int) -> list[Event]:
    """Count the entry, let everything happen that is due by its time, and set the clock to it."""
    state.sequence += 1
    events: list[Event] = []
    for due, situation in state.due_until(time_ms):
        state.now_ms = max(state.now_ms, due)
        events += _on_time(state, situation)
    state.now_ms = max(state.now_ms, time_ms)
    return events


# -- what happens --------------------------------------------------------------------------------------------


def _on_incident(state: CityState, incident: Incident) -> list[Event]:
    index = state.index
    known = index.incidents.get(incident.incident_id)
    if known is not None:
        if incident.revision <= known.revision:
            return []
        incident = replace(incident, anchored=known.anchored)
        owner = state.owner_of(known)
        if owner is not None and joins_alike(known, incident):
            members = tuple(incident if one is known else one for one in owner.view.incidents)
            return _revise(state, owner, members)
    touched = {incident.incident_id, *index.possible_partners(incident.incident_id)}
    index.put(incident)
    touched.update(index.possible_partners(incident.incident_id))
    return _regroup(state, touched)


def _on_camera(state: CityState, camera: Camera) -> list[Event]:
    before = state.cameras.get(camera.camera_id)
    if camera == before:
        return []
    state.cameras.put(camera)
    places = [one.position for one in (before, camera) if one is not None and one.position is not None]
    events = [state.camera_row(camera)]
    for situation in state.live_near(places, state.rules.cameras.radius_m):
        events += _revise(state, situation, situation.view.incidents)
    return events


def _on_evidence(state: CityState, entry: Entry) -> list[Event]:
    """List what a watch found with the situation that it was opened for, as long as there is room."""
    situation = state.watched_by(entry.value["situation_id"])
    if situation is None or entry.value["kind"] == LEFT_OUT or not takes_evidence(situation, state.rules):
        return []
    found = observed_from(entry.value)
    if any(one.event_id == found.event_id for one in situation.view.observed):
        return []
    view = replace(situation.view, observed=(*situation.view.observed, found))
    reason = f"seen nearby: {entry.value['label']}" if entry.value["label"] else "seen nearby"
    after = replace(situation, revision=situation.revision + 1, reason=reason, view=view)
    return _tell(state, after, None, is_new_revision=True)


def _on_time(state: CityState, situation: Situation) -> list[Event]:
    """What is due in *situation* by now: grants run out, silent reports lapse, the closed is forgotten."""
    now, rules = state.now_ms, state.rules
    closed_at = situation.view.closed_at
    if closed_at is not None and closed_at + rules.forget_after_ms <= now:
        _, ended = unwatched(situation)
        state.forget(situation)
        return [*ended, state.situation_row(situation.situation_id)]
    watch_ends_at = ends_at(situation, rules)
    events: list[Event] = []
    if watch_ends_at is not None and watch_ends_at <= now:
        situation, events = unwatched(situation)
    situation, changes = expired(situation, now=now)
    state.put(situation)
    events += _grant_events(state, situation, changes)
    if events:
        events.append(state.situation_row(situation.situation_id))
    if rules.expire_after_ms is not None:
        silent_since = now - rules.expire_after_ms
        lapsed = tuple(
            replace(one, lapsed=True) if not one.is_closed and one.heard_at <= silent_since else one
            for one in situation.view.incidents
        )
        events += _revise(state, situation, lapsed)
    return events


# -- situations ----------------------------------------------------------------------------------------------


def _regroup(state: CityState, touched: set[str]) -> list[Event]:
    """Decide anew which reports are of one happening, among all that hang together with *touched*."""
    among, before = _affected(state, touched)
    groups = regrouped(clusters(state.index, among, state.rules.bounds), before)
    events: list[Event] = []
    for situation, into in groups.merged:
        events += _merge(state, situation, into)
    for situation, members in groups.kept:
        if members != situation.view.incidents:
            events += _revise(state, situation, members)
    for members, split_from in groups.opened:
        events += _open(state, members, split_from)
    return events


def _affected(state: CityState, touched: Iterable[str]) -> tuple[dict[str, list[Partner]], list[Situation]]:
    """All reports connected with *touched* by partnership or by being told together, and their situations."""
    among: dict[str, list[Partner]] = {}
    waiting = set(touched)
    while waiting:
        among |= connected(state.index, waiting)
        homes = {state.owners[one] for one in among if one in state.owners}
        told = {i.incident_id for one in homes for i in state.situations[one].view.incidents}
        waiting = told - among.keys()
    return among, [state.situations[one] for one in homes]


def _open(state: CityState, members: Members, split_from: str | None) -> list[Event]:
    """A new situation, anchored in its earliest report."""
    now = state.now_ms
    first = members[0]
    its_id = id_of_new(first, state.rules, now=now, sequence=state.sequence)
    members = (replace(first, anchored=True), *members[1:])
    view, wanted = view_of(members, state.rules, state.cameras, before=None, split_from=split_from, now=now)
    situation = Situation(its_id, first.incident_id, state.sequence, 1, why(None, view), view)
    return _tell(state, situation, wanted, is_new_revision=True)


def _revise(state: CityState, situation: Situation, members: Members) -> list[Event]:
    """*situation* with other members, or others' facts, or other cameras: a revision if any of it shows."""
    before = situation.view
    view, wanted = view_of(
        members, state.rules, state.cameras, before=before, split_from=before.split_from, now=state.now_ms
    )
    if view == before:
        return _tell(state, situation, wanted, is_new_revision=False)
    lapsed = situation.lapsed
    if before.closed_at is not None or {i.incident_id for i in members} - {
        i.incident_id for i in before.incidents
    }:
        lapsed = ()
    after = replace(
        situation, revision=situation.revision + 1, reason=why(before, view), view=view, lapsed=lapsed
    )
    return _tell(state, after, wanted, is_new_revision=True)


def _merge(state: CityState, situation: Situation, into: str) -> list[Event]:
    """The last revision of a situation whose anchor is told with another. Its id never lives again."""
    closed_at = situation.view.closed_at if situation.is_closed else state.now_ms
    view = replace(situation.view, status="closed", closed_at=closed_at, merged_into=into)
    last = replace(situation, revision=situation.revision + 1, reason=f"merged into {into}", view=view)
    return _tell(state, last, {}, is_new_revision=True)


def _tell(
    state: CityState,
    situation: Situation,
    wanted: dict[str, tuple[CameraAt, ...]] | None,
    *,
    is_new_revision: bool,
) -> list[Event]:
    """Remember *situation*, and tell of it: the situation itself, its alerts, its grants, its watch, its row.

    Without *wanted* its grants stay as they are.
    """
    config, now = state.rules, state.now_ms
    changes: list[Change] = []
    if wanted is not None:
        situation, changes = regranted(situation, wanted, config, now=now, over=_over(situation.view))
    situation, messages = retold(situation, config)
    situation, watches = rewatched(situation, config, now=now)
    if not is_new_revision and not changes and not watches:
        return []
    state.put(situation)
    events = [situation_event(situation, config, now=now)] if is_new_revision else []
    events += [alert_event(situation, message, config, now=now) for message in messages]
    events += [*_grant_events(state, situation, changes), *watches]
    return [*events, state.situation_row(situation.situation_id)]


def _over(view: View) -> str | None:
    """Why no grant lives on; ``None`` while they may."""
    if view.merged_into is not None:
        return f"merged into {view.merged_into}"
    return "every report is closed" if view.status == "closed" else None


def _grant_events(state: CityState, situation: Situation, changes: Iterable[Change]) -> list[Event]:
    events = []
    for change in changes:
        camera = state.cameras.get(change.grant.camera_id)
        place = camera.position if camera is not None else None
        events.append(grant_event(situation.situation_id, change, place, state.rules, now=state.now_ms))
    return events
