"""What agencies tell that is no report of a happening: a sensor's value, a person who asks for help, a wanted vehicle.

The law is looked at first, whatever rules are in force: without consent, or a ground, nothing is taken. Pure.
"""

from __future__ import annotations

from collections.abc import Collection

from schemas.errors import Invalid
from streams.situations.config import RulesConfig
from streams.situations.entry import Entry

OBSERVATION, VULNERABLE, WANTED = "civil.observation", "civil.vulnerable", "police.wanted"
SPEED, HUB, SITE = "mobility.speed", "place.hub", "place.site"
CAUSES = ("button", "zone_exit", "zone_return", "cancelled")
TOKENS_MAX = 1_000
SPEED_MAX_MPS = 150.0
WANTED_MAX = 5_000
"""So many vehicles may be on the list: a nation has some 200 urgent ones a day."""


def check_notice(entry: Entry, config: RulesConfig, known: Collection[str]) -> None:
    """``Invalid`` for one that says nothing, or that the law does not let us take. Never quotes it: it may be personal.

    *known* are the names of all that rules remember.
    """
    contract = entry.topic.partition(".")[2]
    match contract:
        case "civil.observation":
            _need(entry, _is_said(entry, "sensor_id"), "sensor_id", "a sensor")
        case "civil.vulnerable":
            _need(entry, _is_said(entry, "consent_ref"), "consent_ref", "where the person's consent is kept")
            _need(entry, entry.value["cause"] in CAUSES, "cause", " or ".join(CAUSES))
            _need(entry, _is_said(entry, "person_ref"), "person_ref", "a pseudonym")
        case "police.wanted":
            _check_wanted(entry, config, known)
        case "mobility.speed":
            speed, vehicles = entry.value["mean_speed_mps"], entry.value["vehicles"]
            _need(entry, 0 <= speed <= SPEED_MAX_MPS, "mean_speed_mps", f"0 to {SPEED_MAX_MPS:g} m/s")
            _need(entry, vehicles >= 1, "vehicles", "at least one")
            _need(entry, _is_said(entry, "cell"), "cell", "row:column")
            _need(entry, entry.value["position"] is not None, "position", "the middle of the cell")
        case "place.hub":
            _need(entry, _is_said(entry, "hub_id"), "hub_id", "the hub's own id")


def _check_wanted(entry: Entry, config: RulesConfig, known: Collection[str]) -> None:
    _need(entry, _is_said(entry, "entry_id"), "entry_id", "the list's own id")
    if not entry.value["is_listed"]:
        return
    _need(entry, _is_said(entry, "offence"), "offence", "the class of offence")
    _need(entry, _is_said(entry, "legal_ground"), "legal_ground", "the law that allows it")
    allowed = config.law.wanted_offences
    if allowed is not None:
        _need(entry, entry.value["offence"] in allowed, "offence", " or ".join(allowed) or "none by this law")
    tokens = [*entry.value["tokens"], *entry.value["candidate_tokens"]]
    _need(entry, bool(entry.value["tokens"]), "tokens", "at least one token")
    is_room = f"wanted:{entry.value['entry_id']}" in known or _listed(known) < WANTED_MAX
    _need(entry, is_room, "entry_id", f"at most {WANTED_MAX} vehicles on the list")
    _need(entry, _is_said(entry, "agency"), "agency", "who looks for it")
    _need(entry, len(tokens) <= TOKENS_MAX, "candidate_tokens", f"at most {TOKENS_MAX} tokens")


def _listed(known: Collection[str]) -> int:
    return sum(name.startswith("wanted:") for name in known)


def _is_said(entry: Entry, field: str) -> bool:
    return bool((entry.value[field] or "").strip())


def _need(entry: Entry, is_so: bool, field: str, expected: str) -> None:
    if not is_so:
        raise Invalid(f"{entry.topic}: taken only with a usable {field}", field=field, expected=expected)
