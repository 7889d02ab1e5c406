"""Rule ``joint-incident``: reports of one happening by several agencies become one situation.

A situation's id comes from its anchor, the report that opened it. When the reports' clusters change, the cluster that
holds an anchor keeps that situation; of two anchors in one cluster the situation opened first goes on, and the
other says ``merged_into``; a cluster without an anchor is a new situation that says ``split_from``. An id that was
merged away never lives again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from schemas.event import Event, derived_id
from streams.situations.joining import Edge, clusters, edge_of, widest_m
from streams.situations.model import CLOSED, Member, Situation
from streams.situations.revising import revise
from streams.situations.state import CityState
from streams.situations.telling import RULE


def on_incident(state: CityState, member: Member) -> list[Event]:
    """What *member*, new or changed, does to the situations."""
    known = state.members.get(member.incident_id)
    if known is not None and known.revision >= member.revision:
        return []  # late or heard twice: a newer revision is known
    seeds = {member.incident_id}
    if known is not None:
        seeds |= {other.incident_id for other, _ in _neighbours(state, known)}
        home = state.situations[state.home[member.incident_id]]
        seeds |= {one.incident_id for one in home.members}
    state.members[member.incident_id] = member
    state.grid.put(member.incident_id, member.place)
    part, edges = _connected(state, seeds)
    reason = _reason(known, member)
    return _settle(state, clusters(part, edges, state.rules), member, reason)


def _neighbours(state: CityState, member: Member) -> list[tuple[Member, Edge]]:
    if member.place is None:
        return []
    found = []
    for other_id, _ in state.grid.near(member.place, widest_m(state.rules)):
        other = state.members[other_id]
        edge = edge_of(member, other, state.rules) if other_id != member.incident_id else None
        if edge is not None:
            found.append((other, edge))
    return found


def _connected(state: CityState, seeds: Iterable[str]) -> tuple[list[Member], set[Edge]]:
    """Every report that edges connect with *seeds*, and those edges."""
    waiting, seen, edges = list(seeds), set(seeds), set()
    while waiting:
        for other, edge in _neighbours(state, state.members[waiting.pop()]):
            edges.add(edge)
            if other.incident_id not in seen:
                seen.add(other.incident_id)
                waiting.append(other.incident_id)
    return sorted((state.members[one] for one in seen), key=lambda member: member.order), edges


def _settle(
    state: CityState, happenings: list[tuple[Member, ...]], cause: Member, reason: str
) -> list[Event]:
    """Give each happening its situation: kept, new, or the one it turned out to be."""
    before = {state.home[one.incident_id] for happening in happenings for one in happening if one.incident_id in state.home}
    keepers: dict[str, Situation] = {}
    merged: list[Situation] = []
    for happening in happenings:
        anchored = _anchored(state, happening, before)
        if anchored:
            keeper, *others = anchored
            merged += [replace(other, merged_into=keeper.situation_id) for other in others]
        else:
            keeper = _new(state, happening)
        keepers[keeper.situation_id] = replace(keeper, members=happening)
    events: list[Event] = []
    for other in merged:
        events += revise(state, replace(other, status=CLOSED), "is part of another situation")
    for keeper in keepers.values():
        touched = any(one.incident_id == cause.incident_id for one in keeper.members)
        events += revise(state, keeper, reason if touched else "its reports were sorted anew", force_row=touched)
    return events


def _anchored(state: CityState, happening: tuple[Member, ...], before: set[str]) -> list[Situation]:
    """The live situations whose anchor lies in *happening*, the one opened first in front."""
    ids = {member.incident_id for member in happening}
    found = [state.situations[one] for one in before if state.situations[one].anchor in ids]
    return sorted(found, key=lambda situation: (situation.opened_sequence, situation.situation_id))


def _new(state: CityState, happening: tuple[Member, ...]) -> Situation:
    anchor = happening[0].incident_id
    number = 0
    while (one := _id(anchor, number)) in state.situations:  # merged away or split before
        number += 1
    origin = state.home.get(anchor)
    return Situation(one, anchor, state.sequence, split_from=origin)


def _id(anchor: str, number: int) -> str:
    return derived_id(RULE, anchor) if number == 0 else derived_id(RULE, anchor, number)


def _reason(known: Member | None, member: Member) -> str:
    if known is None:
        return f"{member.agency} reports {member.kind}"
    if known.status != member.status:
        return f"{member.agency} says {member.status}"
    if known.place != member.place:
        return f"{member.agency} corrects the place"
    if known.kind != member.kind:
        return f"{member.agency} now says {member.kind}"
    return f"{member.agency} says more"
