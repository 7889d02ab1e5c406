"""Records that the stage of situations takes, and those that it leaves out: nobody asks for them, or they change nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from schemas.catalogue import contract_name, load_catalogue, topic_name
from schemas.errors import Invalid
from schemas.event import Event, derived_id, event_fields
from schemas.wire import Wire
from streams.journal.replay import COMPARED
from streams.runtime.kafka import ends_of
from streams.runtime.records import Record
from streams.situations.answers.watches import observed_from, takes_evidence
from streams.situations.config import RulesConfig
from streams.situations.fold import CityState
from streams.situations.reports.notices import BOARD, BOOKING, CLOSURE, SPEED, SURPLUS, VEHICLE, VERDICT, ZONE
from streams.situations.rule import Notices, Sifts
from streams.situations.rules.in_force import rules_of
from streams.stages.future import FUTURE_MS_MAX

EVIDENCE, ACTION = "core.evidence", "core.action"
BESIDE = (EVIDENCE, VEHICLE)
"""Topics of several partitions, all read by the worker that has the stage."""
ASKED = (SPEED, ZONE, VERDICT, BOARD, BOOKING, VEHICLE, SURPLUS, CLOSURE)
"""Topics that are taken for a rule that asks for them."""
SIFTED = (BOARD, VEHICLE)
"""Topics of which most records change nothing."""


def is_news(state: CityState, contract: str, value: Mapping[str, Any]) -> bool:
    """Return whether a notice may change anything for a rule in force, or in shadow, that takes it."""
    takers = [one for one in state.rules_in_force if isinstance(one, Notices) and contract in one.notices]
    if any(not isinstance(one, Sifts) or one.is_news(state, contract, value) for one in takers):
        return True
    return state.shadow is not None and is_news(state.shadow, contract, value)


def asks(config: RulesConfig, contract: str) -> bool:
    """Return whether a rule in force, or in shadow, takes notices of *contract*."""
    sets = [one for one in (config, config.candidate()) if one is not None]
    rules = [rule for one in sets for rule in rules_of(one)]
    return any(isinstance(rule, Notices) and contract in rule.notices for rule in rules)


def may_have_room(state: CityState, record: Record) -> bool:
    """Return whether evidence may be listed, or belongs to a watch of the whole city.

    Its key names the situation or watch. Most evidence is not listed, so it need not be decoded or
    journalled.
    """
    if state.config is None:
        return False
    key = (record.key or b"").decode(errors="replace")
    return takes_evidence(state.now_told_as(key), state.config) or state.is_standing(key)


def has_room(state: CityState, value: Mapping[str, Any]) -> bool:
    """Return whether this evidence would be listed, now that its claimant is known."""
    its_id = value["situation_id"]
    return its_id is None or (
        state.config is not None
        and takes_evidence(state.now_told_as(its_id), state.config, observed_from(value).said_by)
    )


def is_of_a_case(contract: str, value: Mapping[str, Any]) -> bool:
    """Return whether it is an answer about a missing person: no situation's, and it must stand in no journal."""
    return contract == ACTION and value["case_id"] is not None


def timely(record: Record, value: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return *value*. ``Invalid`` for a tombstone, and for a live event from the future, which would move the
    city's clock.
    """
    if value is None:
        raise Invalid("a tombstone", field="value", expected="a value")
    if record.is_played:
        return value  # a recording has its own clock; its source has checked the times
    latest_ms = record.timestamp_ms + FUTURE_MS_MAX
    for field in ("received_time", "event_time"):
        if value[field] > latest_ms:
            raise Invalid(f"{field} lies in the future", field=field, expected="at most 300 s ahead")
    return value


def gone_board(city: str, record: Record, wire: Wire) -> Record:
    """Return *record*, the tombstone of a hub's board, as a board of which nothing is held: the rules see that it is gone.

    It has the frame of such a board, since the journal holds frames, and none of a tombstone.
    """
    hub_id, at_ms = (record.key or b"").decode(errors="replace"), record.timestamp_ms
    value: dict[str, Any] = {
        one["name"]: one.get("default") for one in load_catalogue()[BOARD].newest["fields"]
    }
    value |= event_fields(
        city,
        "hubs",
        event_id=derived_id("hub-gone", city, hub_id, record.offset),
        event_time_ms=at_ms,
        received_ms=at_ms,
    )
    _, _, frame = wire.encode(city, Event(BOARD, hub_id, value | {"hub_id": hub_id, "revision": 0}))
    return replace(record, value=frame)


def answer_ends(bootstrap: str, city: str) -> dict[str, int]:
    """Return the offset behind the last answer of each contract. The topics of answers have one partition."""
    topics = [topic_name(city, contract) for contract in COMPARED]
    return {
        contract_name(topic): end
        for (topic, _), end in ends_of(bootstrap, topics, is_committed=False).items()
    }
