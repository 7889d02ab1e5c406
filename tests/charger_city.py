"""A fleet of simulated chargers of both versions, and the part of a city's file by which it is served."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from connectors.formats.ocpp_calls import Version
from connectors.simulation.charger_plan import ChargerPlan
from connectors.simulation.chargers import SimulatedCharger
from connectors.subjects.charger_keys import charger_key
from connectors.transport.web_page import wall_clock_ms

SECRET = "a secret of simulated chargers"  # noqa: S105 (of no real city)
SECRET_NAME = "SIMULATED_CHARGERS_SECRET"  # noqa: S105 (the name of a variable)
VERSIONS: tuple[Version, Version] = ("1.6", "2.0.1")


def fleet_of(count: int, *, seed: int, **about: Any) -> list[SimulatedCharger]:
    """*count* chargers, the one half of 1.6 and the other of 2.0.1."""
    begin_ms = wall_clock_ms()
    plans = [
        ChargerPlan(**{"charger_id": f"SIM-{n:05}", "version": VERSIONS[n % 2], "seed": seed, **about})
        for n in range(count)
    ]
    return [SimulatedCharger(one, begin_ms=begin_ms) for one in plans]


def names_of(chargers: Iterable[SimulatedCharger]) -> list[str]:
    return [one.plan.charger_id for one in chargers]


def list_of(names: Sequence[str]) -> str:
    """The CSV of chargers that ``[chargers]`` names."""
    return "id,operator,lat,lon\n" + "".join(f"{one},simulated,33.5,126.5\n" for one in names)


def served_at(port: int, *, file: str = "chargers.csv", interval_s: int = 10) -> str:
    """``[chargers]`` of a city's file."""
    secret = f"${{{SECRET_NAME}}}"
    return f'\n[chargers]\nport = {port}\nsecret = "{secret}"\nlist = "{file}"\ninterval_s = {interval_s}\n'


def keys_of(names: Iterable[str], city: str) -> dict[str, str]:
    return {one: charger_key(SECRET, city, one) for one in names}
