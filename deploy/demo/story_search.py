"""Chapters of the simulated Bucheon: a child is lost, searched within the law, and found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.simulation.lost_child import LEAVE
from connectors.simulation.street_grid import column_of
from deploy.demo.chapter import Chapter
from deploy.demo.search_desk import (
    ANSWER,
    CANDIDATES,
    CLOSED,
    FORBIDDEN,
    GONE,
    NOT_FOUND,
    OPENED,
    REFUSED,
    ROUTE,
)

Value = Mapping[str, Any]
HOPS = 5
"""A route of fewer counts as nothing."""


def search_chapters() -> tuple[Chapter, ...]:
    """All of them, in the order in which they come."""
    return (*_seeing(), *_asking(), *_searching(), *_ending())


def _seeing() -> tuple[Chapter, ...]:
    return (
        Chapter(
            "place.camera",
            lambda v: v["generated"],
            lambda v: f"made cameras stand at crossings, the first {v['camera_id']} ({v['source']})",
            "the cameras",
        ),
        Chapter(
            "cctv.person",
            lambda v: len(v["attributes"]) > 1,
            _sighting_words,
            "how a person looks whom a camera sees",
        ),
        Chapter(
            "police.incident",
            lambda v: v["kind"] == "missing",
            lambda v: f"112 is called: {v['kind_text']}, case {v['agency_case_no']} ({v['source']})",
            "a call of 112",
        ),
    )


def _asking() -> tuple[Chapter, ...]:
    return (
        Chapter(
            REFUSED,
            lambda v: v["http"] == FORBIDDEN and bool(v["other_grounds"]),
            _refused_words,
            "an adult for whom the act has no ground",
        ),
        Chapter(
            "core.access",
            lambda v: v["act"] == "case_refused",
            lambda v: f"the refusal is on record, link {v['sequence']} of its chain",
            "the record of that refusal",
        ),
        Chapter(
            OPENED,
            lambda v: bool(v["case_id"]),
            lambda v: f"an officer opens a case for a child of seven: {v['legal_ground']}",
            "a case that is opened",
        ),
        Chapter(
            "police.missing",
            lambda v: v["state"] == "open" and v["sealed"] is not None,
            lambda v: f"the case stands on the bus, its identifying fields under its own key ({v['source']})",
            "the case on the bus, sealed",
        ),
    )


def _searching() -> tuple[Chapter, ...]:
    return (
        Chapter(
            "core.candidate",
            lambda v: v["sealed"] is not None,
            lambda v: f"a candidate is written under the case's key ({v['source']})",
            "a sealed candidate",
        ),
        Chapter(
            CANDIDATES,
            lambda v: bool(v["candidates"]),
            lambda v: f"the gateway opens {len(v['candidates'])} candidates to the officer's agency",
            "candidates at the gateway",
        ),
        Chapter(
            ANSWER,
            lambda v: v["said"] == "confirm",
            lambda v: f"an operator confirms what {v['camera_id']} saw",
            "a candidate that is confirmed",
        ),
        Chapter(
            ANSWER,
            lambda v: v["said"] == "reject",
            _rejected_words,
            "a candidate that is rejected",
        ),
        Chapter(
            "core.action",
            lambda v: v["action"] == "confirm" and v["case_id"] is not None,
            lambda v: "the answer is an action in the log: it decides, and is recorded",
            "the answer in the log",
        ),
        Chapter(
            ROUTE,
            lambda v: v["route"] is not None and len(v["route"]["hops"]) >= HOPS,
            lambda v: f"the route: {way(v['route'])}; {len(v['route']['next_cameras'])} cameras come next",
            f"a route of {HOPS} hops",
        ),
        Chapter(
            ROUTE,
            lambda v: (
                v["route"] is not None and any(is_beyond_ride(hop["camera_id"]) for hop in v["route"]["hops"])
            ),
            lambda v: f"the child has taken a bus, and the route goes on: {way(v['route'])}",
            "a route that goes on after the ride",
        ),
    )


def _ending() -> tuple[Chapter, ...]:
    return (
        Chapter(
            CLOSED,
            lambda v: True,
            lambda v: "the child stands there: found, and the case is closed",
            "the child that is found",
        ),
        Chapter(
            GONE,
            lambda v: v["http"] == NOT_FOUND,
            lambda v: "of what the case drew nothing can be read any more: 404",
            "candidates that are gone",
        ),
        Chapter(
            "core.access",
            lambda v: v["act"] == "key_destroyed",
            lambda v: f"the key's destruction is on record, link {v['sequence']} of its chain",
            "the record of the key's destruction",
        ),
    )


def way(route: Value) -> str:
    """The cameras of a route, one after the other."""
    return ", ".join(hop["camera_id"] for hop in route["hops"])


def is_beyond_ride(camera_id: str) -> bool:
    """Whether a camera stands no nearer than the stop at which the child gets off."""
    return column_of(camera_id) >= LEAVE[0]


def _sighting_words(value: Value) -> str:
    words = ", ".join(f"{one['name'].replace('_', ' ')} {one['word']}" for one in value["attributes"])
    return f"{value['camera_id']} sees somebody, no face: {words} ({value['source']})"


def _refused_words(value: Value) -> str:
    grounds = ", ".join(value["other_grounds"])
    return f"a case for an adult is refused, 403; a person may name another ground: {grounds}"


def _rejected_words(value: Value) -> str:
    who = "another child in the same clothes" if value["is_alike"] else "somebody else"
    return f"an operator rejects what {value['camera_id']} saw: {who}"
