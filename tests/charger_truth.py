"""Holds ``mobility.charge`` against the ledgers of simulated chargers. Pure: each difference is a sentence."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from connectors.simulation.charger_plan import ChargingSession
from connectors.simulation.chargers import SimulatedCharger

Told = Mapping[str, Any]
ORDER = {"started": 0, "reading": 1, "updated": 1, "ended": 2}


def differences(events: Sequence[Told], chargers: Iterable[SimulatedCharger]) -> list[str]:
    """All that *events* tell otherwise than the ledgers; empty when each session is told once, and every watt-hour."""
    found = [f"event {one} {n} times" for one, n in Counter(e["event_id"] for e in events).items() if n > 1]
    sessions: dict[tuple[str, str], list[Told]] = defaultdict(list)
    for one in events:
        sessions[one["charger_id"], str(one["transaction_id"])].append(one)
    known = set()
    for charger in chargers:
        name = charger.plan.charger_id
        for session in charger.ledger:
            key = (name, str(session.transaction_id))
            known.add(key)
            for fault in _of_session(sessions.get(key, []), session, charger.plan.version):
                found.append(f"{name} session {session.number}: {fault}")
    found += [f"{charger} tells {number}, which never was" for charger, number in sessions.keys() - known]
    return found


def energy_wh(events: Iterable[Told]) -> Decimal:
    """Energy of the sessions that began and ended, by their events alone."""
    signs = {"started": -1, "ended": 1}
    return sum(
        (signs[e["kind"]] * Decimal(e["register_wh"]) for e in events if e["kind"] in signs), Decimal(0)
    )


def _of_session(events: Sequence[Told], session: ChargingSession, version: str) -> Iterator[str]:
    kinds = Counter(one["kind"] for one in events)
    if (kinds["started"], kinds["ended"]) != (1, 1):
        yield f"began {kinds['started']} times and ended {kinds['ended']} times"
        return
    in_order = sorted(events, key=lambda one: (one["event_time"], ORDER[one["kind"]]))
    registers = [Decimal(one["register_wh"]) for one in in_order if one["register_wh"] is not None]
    if registers != sorted(registers):
        yield "its register shrank"
    if (registers[0], registers[-1]) != (session.register_start_wh, session.register_stop_wh):
        yield f"{registers[0]} to {registers[-1]} Wh, not {session.register_start_wh} to {session.register_stop_wh}"
    beside = 2 if version == "2.0.1" else 0  # its start and its end carry a reading each
    if kinds["reading"] != session.readings + beside:
        yield f"{kinds['reading']} readings, not {session.readings + beside}"
    if session.given_up:
        yield f"{session.given_up} messages were refused too often"
    if version == "1.6":
        if {str(one) for one in session.ids} != {session.transaction_id}:
            yield f"its start was given the numbers {session.ids}"
        return
    numbers = {one["seq_no"] for one in events}
    if set(range(session.next_seq)) - numbers != set(session.lost):
        yield f"the numbers {sorted(set(range(session.next_seq)) - numbers)} are missing, not {session.lost}"
    missing = {one["seq_no"]: one["missing_before"] for one in events if one["missing_before"]}
    if sum(missing.values()) != len(session.lost):
        yield f"gaps of {sum(missing.values())} messages are told, not of {len(session.lost)}"
