"""Publishes what the rules decided: the situation, its alerts, grants, bundles, track, filings, watch and row."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from schemas.event import Event
from streams.situations.answers.alerts import retold
from streams.situations.answers.dispatch import sent_out
from streams.situations.answers.events import alert_event, grant_event, situation_event
from streams.situations.answers.filing import inherited, is_untold, refiled
from streams.situations.answers.grants import Change, regranted
from streams.situations.answers.tracks import tracked
from streams.situations.answers.watches import rewatched, unwatched
from streams.situations.model import Incident, Situation
from streams.situations.operators.actions import redrawn
from streams.situations.rule import Draft, Follows, Step
from streams.situations.state.city import CityState
from streams.situations.state.limits import let_go, too_many


def put_in_force(state: CityState, step: Step) -> list[Event]:
    """Keep the memories of a rule's *step*, and publish its drafts."""
    events = [event for memory in step.memories for event in state.keep(memory)]
    events += [event for name in step.forgets for event in state.drop(state.memories[name])]
    drafts = inherited(step.drafts, state.situations)
    return [
        *events,
        *step.watches,
        *step.closures,
        *(event for draft in drafts for event in publish(state, draft)),
    ]


def publish(state: CityState, draft: Draft) -> list[Event]:
    """Keep a situation, and publish it with its alerts, grants, bundles, track, filings, watch and row."""
    situation, wanted = draft.situation, draft.wanted
    filings: list[Event] = []
    tracks: list[Event] = []
    if draft.is_new_revision:  # what the situation itself says of it is told with a revision only
        situation = _listed(state, situation)
    config, now = state.rules, state.now_ms
    changes: list[Change] = []
    if wanted is not None:
        over = _over(situation)
        situation, changes = regranted(
            situation, wanted, config, cameras=state.cameras, now=now, over=over, uses=draft.uses
        )
    rule = state.rule_named(situation.rule)
    for_operator = rule is None or rule.tells_operator
    situation, messages = retold(
        situation, config, now=now, is_urgent=draft.is_urgent, for_operator=for_operator
    )
    situation, bundles = send_out(state, situation)
    if draft.is_new_revision:
        situation, filings = refiled(situation, config, now=now)
        situation, tracks = tracked(situation, state)
    situation, watches = rewatched(situation, config, now=now, has_room=state.has_room_to_watch(situation))
    before = state.situations.get(situation.situation_id)
    is_same = before is not None and before.wake_at == situation.wake_at
    if is_same and not draft.is_new_revision and not (changes or bundles or watches):
        return []
    state.put(situation)
    events = [situation_event(situation, config, now=now)] if draft.is_new_revision else []
    events += [alert_event(situation, message, config, now=now) for message in messages]
    events += [*grant_events(state, situation, changes), *bundles, *tracks, *filings, *watches]
    return [*events, state.situation_row(situation.situation_id)]


def send_out(state: CityState, situation: Situation) -> tuple[Situation, list[Event]]:
    """Publish the bundles that are due. Cameras and units left out are counted as their number grows."""
    were = {one.incident_id: (one.left_out, one.units_left_out) for one in situation.sent}
    situation, bundles = sent_out(situation, state)
    for one in situation.sent:
        cameras, units = were.get(one.incident_id, (0, 0))
        state.left_out += max(0, one.left_out - cameras)
        state.units_left_out += max(0, one.units_left_out - units)
    return situation, bundles


def _listed(state: CityState, situation: Situation) -> Situation:
    """*situation*, listed beneath the area alert that covers its kind, if there is one; on its own again once its kind is
    another."""
    kind = situation.view.kind
    if not situation.holds_reports or (situation.listed is not None and situation.listed[1] == kind):
        return situation
    area = next((one.situation_id for one in state.covering(kind)), None)
    listed = None if area is None else (area, kind)
    return situation if listed == situation.listed else replace(situation, listed=listed)


def _over(situation: Situation) -> str | None:
    """The reason to end all grants; ``None`` while they may stay."""
    if situation.view.merged_into is not None:
        return f"merged into {situation.view.merged_into}"
    if situation.handled.hold == "closed":
        return "closed by an operator"
    if situation.is_closed:
        is_their_word = situation.holds_reports and all(one.is_closed for one in situation.view.incidents)
        return "every report is closed" if is_their_word else situation.reason
    return None


def grant_events(state: CityState, situation: Situation, changes: Iterable[Change]) -> list[Event]:
    events = []
    for change in changes:
        camera = state.cameras.get(change.grant.camera_id)
        events.append(grant_event(situation, change, camera, state.rules, now=state.now_ms))
    return events


def publish_evidence(state: CityState, situation: Situation) -> list[Event]:
    """Publish *situation*, to which only one observation was added: no alert, grant or watch depends on it."""
    state.relist(situation)
    told = situation_event(situation, state.rules, now=state.now_ms)
    return [told, state.situation_row(situation.situation_id)]


def publish_answer(state: CityState, its_id: str | None, incident: Incident) -> list[Event]:
    """Publish that a filing is answered, where no rule has published it with the report."""
    situation = state.now_told_as(its_id)
    if situation is None or not is_untold(situation):
        return []
    reason = f"answered by {incident.agency}"
    return publish(state, Draft(replace(situation, revision=situation.revision + 1, reason=reason), None))


def publish_handled(state: CityState, after: Situation) -> list[Event]:
    """Publish *after*, the revision of an operator's action, with the view that follows from it."""
    if not after.holds_reports:
        after = replace(after, view=redrawn(after.view, after.handled, state.rules, now=state.now_ms))
    rule = state.rule_named(after.rule)
    return publish(state, rule.on_action(state, after) if isinstance(rule, Follows) else Draft(after, {}))


def made_room(state: CityState) -> list[Event]:
    """Let go of the situations beyond the city's bound: an open one is published closed, then all are forgotten."""
    events: list[Event] = []
    for one in too_many(state):
        if not one.is_closed:
            events += publish(state, Draft(let_go(one, state.rules, now=state.now_ms), {}))
        situation, ended = unwatched(state.situations[one.situation_id])
        state.let_go(situation)
        events += [*ended, state.situation_row(situation.situation_id)]
    return events
