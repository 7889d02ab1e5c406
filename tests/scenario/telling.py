"""Compare a city's answers with those that a scenario expects, in the form of its file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from connectors.subjects.plates import plate_token
from schemas.event import Event
from tests.scenario.a_scenario import Scenario, Wrong
from tests.scenario.happening import PLATE_KEY, place_of

ANSWERS = ("core.situation", "core.alert", "core.grant", "core.dispatch", "core.track", "core.filing")
BETWEEN_US = ("core.evidence", "core.watch", "core.state", "core.shadow")
"""Topics between the stages. A scenario does not expect them, except under ``also``."""
SECONDS = re.compile(r"(\d\d:\d\d):00(?![\d.])")

AS_TEXT: Mapping[str, Any] = {"ensure_ascii": False, "default": lambda raw: raw.decode(errors="replace")}

Value = Mapping[str, Any]


def differences(scenario: Scenario, said: Sequence[Event]) -> list[str]:
    """One line for each answer not expected and each expected answer that is missing; empty when all agree."""
    values = {topic: [e.value for e in said if e.topic == topic and e.value is not None] for topic in ANSWERS}
    told: dict[str, list[Value]] = {}
    for value in values["core.situation"]:
        told.setdefault(value["situation_id"], []).append(value)
    names = list(told)
    found = _counted("situations", scenario.situations, [_short(told[one][-1]) for one in names])
    for number, (expected, its_id) in enumerate(zip(scenario.situations, names, strict=False), 1):
        where = f"situation {number} ({_short(told[its_id][-1])})"
        alerts = _alerts(scenario, [one for one in values["core.alert"] if one["situation_id"] == its_id])
        grants = _grants(scenario, [one for one in values["core.grant"] if one["situation_id"] == its_id])
        bundles = [_bundle(scenario, one) for one in values["core.dispatch"] if one["situation_id"] == its_id]
        filings = [_filing(scenario, one) for one in values["core.filing"] if one["situation_id"] == its_id]
        tracks = [_track(scenario, one) for one in values["core.track"] if one["situation_id"] == its_id]
        revisions = [_revision(scenario, one) for one in told[its_id]]
        found += _lines(f"{where}, alerts", expected.get("alerts", ()), alerts)
        found += _lines(f"{where}, grants", expected.get("grants", ()), grants)
        found += _lines(f"{where}, dispatches", expected.get("dispatches", ()), bundles)
        found += _lines(f"{where}, tracks", expected.get("tracks", ()), tracks)
        found += _lines(f"{where}, filings", expected.get("filings", ()), filings)
        if "told" in expected:
            found += _lines(f"{where}, told", expected["told"], revisions)
        found += [f"{where}: {line}" for line in _facts(scenario, expected, told[its_id][-1], names)]
    others = [e for e in said if e.topic not in (*ANSWERS, *BETWEEN_US) and e.value is not None]
    return found + _also(scenario, others, said) + _nowhere(scenario, said)


def _short(value: Value) -> str:
    its = ", ".join(one["incident_id"] for one in value["incidents"])
    return f"{value['rule']}, {value['kind']}" + (f": {its}" if its else "")


def _counted(what: str, expected: Sequence[object], names: Sequence[str]) -> list[str]:
    if len(expected) == len(names):
        return []
    return [f"{len(expected)} {what} expected, {len(names)} told: {'; '.join(names) or 'none'}"]


# -- lines -----------------------------------------------------------------------------------------------------


def _alerts(scenario: Scenario, values: Iterable[Value]) -> list[str]:
    """A line for each message; audiences of the same message at one time share a line."""
    audiences: dict[tuple[str, str, str], list[str]] = {}
    for value in values:
        mark = "!" if value["demands_attention"] else ""
        refers = [f"{one['name']} {one['reference']}" for one in value["references"]]
        message = value["message_type"] + mark, "; ".join([value["headline"], *refers])
        audiences.setdefault((scenario.clock(value["received_time"]), *message), []).append(value["audience"])
    return [f"{clock} {', '.join(told)} {kind}: {words}" for (clock, kind, words), told in audiences.items()]


def _revision(scenario: Scenario, value: Value) -> str:
    return f"{scenario.clock(value['received_time'])} {value['status']}: {value['reason']}"


def _grants(scenario: Scenario, values: Iterable[Value]) -> list[str]:
    """A line for each agency's grants: cameras, from, until; in the order of opening, then nearest first."""
    last: dict[str, Value] = {}
    for value in values:
        last[value["grant_id"]] = {**value, "rank": last.get(value["grant_id"], value)["rank"]}
    lines: dict[tuple[str, str, str], list[str]] = {}
    for value in sorted(last.values(), key=lambda one: (one["opened_at"], one["granted_to"], one["rank"])):
        until = "" if value["revoked_at"] is None else scenario.clock(value["revoked_at"])
        why = value["purpose"], value["legal_ground"], value["override"]
        over = value["reason"] if until else f"expires {scenario.clock(value['expires_at'])}"
        words = "; ".join(one for one in (*why, over) if one)
        span = f"{scenario.clock(value['opened_at'])}-{until}"
        lines.setdefault((value["granted_to"], span, words), []).append(value["camera_id"])
    return [f"{whose} sees {', '.join(seen)} {span}: {words}" for (whose, span, words), seen in lines.items()]


def _bundle(scenario: Scenario, value: Value) -> str:
    """A dispatch's contents for units: cameras, traffic, dangers, obstacles, notes."""
    to = f" to {', '.join(value['units'])}" if value["units"] else ""
    head = f"{scenario.clock(value['received_time'])} {value['incident_id']} {value['status']}{to}"
    more = f" and {value['cameras_left_out']} more left out" if value["cameras_left_out"] else ""
    words = [f"cameras {', '.join(one['camera_id'] for one in value['cameras']) or 'none'}{more}"]
    if value["units_left_out"]:
        words.append(f"units left out {value['units_left_out']}")
    if (traffic := value["approach"]) is not None:
        usual = "" if traffic["usual_mps"] is None else f", usually {traffic['usual_mps'] * 3.6:.0f}"
        words.append(f"traffic {traffic['speed_mps'] * 3.6:.0f} km/h{usual}")
    words += [f"danger {_site(one)}" for one in value["hazards"]]
    words += [f"in the way {_site(one)}" for one in value["blocks"]]
    words += [f"{one['account_id']} notes {one['text']}" for one in value["notes"]]
    return f"{head}: {'; '.join(words)}"


def _track(scenario: Scenario, value: Value) -> str:
    """A track: its hits in order, a candidate with a question mark, the hop between each two, and the next cameras."""
    words = []
    for one, hop in zip(value["hits"], [None, *value["hops"]], strict=False):
        if hop is not None:
            speed = "no speed" if hop["speed_mps"] is None else f"{hop['speed_mps'] * 3.6:.0f} km/h"
            words.append(f"{hop['distance_m']:.0f} m {'impossible' if hop['is_impossible'] else speed}")
        doubt = "" if one["certainty"] == "hit" else "?"
        words.append(f"{one['camera_id']}{doubt} {scenario.clock(one['seen_at'])}")
    ahead = ", ".join(f"{one['camera_id']} in {one['seconds']:.0f} s" for one in value["next_cameras"])
    head = f"{scenario.clock(value['received_time'])} {value['status']}"
    return f"{head}: {', '.join(words)}; next {ahead or 'none'}"


def _filing(scenario: Scenario, value: Value) -> str:
    """A filing's contents for an agency: kind, evidence, who filed it, and the answer."""
    cameras = sorted({one["camera_id"] for one in value["evidence"] if one["camera_id"]})
    by = value["filed_by"]
    words = [
        f"{value['kind']}, {len(value['evidence'])} references",
        *([f"seen by {', '.join(cameras)}"] if cameras else []),
        f"filed {scenario.clock(value['filed_at'])} by {by['account_id']}, {by['role']}",
        *([f"case {value['agency_case_no']}, report {value['incident_id']}"] if value["incident_id"] else []),
    ]
    return f"{scenario.clock(value['received_time'])} {value['agency']} {value['status']}: {'; '.join(words)}"


def _site(one: Value) -> str:
    """A site, or an observation of a camera."""
    named = (one["kind"], one.get("name"), one["detail"], f"{one['distance_m']:.0f} m")
    seen = f" by {one['seen_by']}" if one.get("seen_by") else ""
    return " ".join(filter(None, named)) + seen


def _lines(where: str, expected: Sequence[str], said: Sequence[str]) -> list[str]:
    """Compare line by line: the part before ": " must be equal, the words behind it must be contained."""
    if len(expected) == len(said) and all(map(_says, expected, said)):
        return []
    return [
        f"{where}: expected",
        *(f"    {one}" for one in expected),
        "  told",
        *(f"    {one}" for one in said),
    ]


def _says(expected: str, said: str) -> bool:
    head, _, words = expected.partition(": ")
    its_head, _, its_words = said.partition(": ")
    return SECONDS.sub(r"\1", head) == its_head and words in its_words


# -- facts -----------------------------------------------------------------------------------------------------


def _facts(scenario: Scenario, expected: Value, value: Value, names: Sequence[str]) -> list[str]:
    """The differences of the last revision from *expected*. ``rule`` is joint-incident unless it is given."""
    found = []
    for name, said in {"rule": "joint-incident", **expected}.items():
        if name in ("alerts", "grants", "dispatches", "tracks", "filings", "told"):
            continue
        its = _fact(scenario, name, value, names)
        wanted = _wanted(name, said)
        if its != wanted:
            found.append(f"{name} is {its!r}, expected {wanted!r}")
    return found


def _wanted(name: str, said: Any) -> object:
    if name == "reports":
        return sorted(said)
    if name == "where":
        return place_of(said)
    return SECONDS.sub(r"\1", said) if name.endswith("_at") else said


def _fact(scenario: Scenario, name: str, value: Value, names: Sequence[str]) -> object:
    """The field *name* of *value*, in the form of a file."""
    known: Mapping[str, Callable[[], object]] = {
        "reports": lambda: sorted(one["incident_id"] for one in value["incidents"]),
        "where": lambda: value["position"],
        "cameras": lambda: [one["camera_id"] for one in value["cameras"]],
        "evidence": lambda: len(value["evidence"]),
        "situations": lambda: [names.index(one) + 1 for one in value["situations"]],
    }
    if name in known:
        return known[name]()
    if name not in value:
        raise Wrong(f"{scenario.name}: a situation has no {name!r}")
    if name in ("merged_into", "split_from", "listed_under") and value[name] is not None:
        return names.index(value[name]) + 1
    return scenario.clock(value[name]) if name.endswith("_at") and value[name] is not None else value[name]


def _also(scenario: Scenario, others: Sequence[Event], said: Sequence[Event]) -> list[str]:
    """Compare answers on further topics; those between the stages only where the scenario names them."""
    asked = {one["topic"] for one in scenario.also}
    told = [e for e in said if e.value is not None and (e in others or e.topic in asked - set(ANSWERS))]
    found = _counted("further answers", scenario.also, [event.topic for event in told])
    for expected, event in zip(scenario.also, told, strict=False):
        value = {"topic": event.topic, **(event.value or {})}
        for name, wanted in expected.items():
            its = _plain(scenario, name, value.get(name))
            if its != wanted:
                found.append(f"{event.topic}: {name} is {its!r}, expected {wanted!r}")
    return found


def _plain(scenario: Scenario, name: str, its: object) -> object:
    is_time = name.endswith(("_at", "_time")) and isinstance(its, int)
    return scenario.clock(its) if is_time and isinstance(its, int) else its


def _nowhere(scenario: Scenario, said: Sequence[Event]) -> list[str]:
    texts = [(event.topic, f"{event.key} {json.dumps(event.value, **AS_TEXT)}") for event in said]
    return [
        f"{topic} holds {word!r}"
        for word in scenario.nowhere
        for topic in sorted({topic for topic, text in texts if any(one in text for one in _forms(word))})
    ]


def _forms(word: str) -> tuple[str, ...]:
    """The forms of *word* to search for: for a plate, its token too."""
    kind, _, plate = word.partition("plate ")
    return (plate, plate_token(PLATE_KEY, plate)) if plate and not kind else (word,)
