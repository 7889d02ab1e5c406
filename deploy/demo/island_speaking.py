"""The fifty chargers of the simulated Jeju that speak OCPP: they connect to the central system over a socket."""

from __future__ import annotations

import asyncio
import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors.simulation.charger_plan import ChargerPlan
from connectors.simulation.chargers import SimulatedCharger
from connectors.subjects.charger_keys import charger_key
from connectors.transport.charger_fleet import ChargerFleet
from connectors.transport.web_page import wall_clock_ms
from deploy.city.city import City
from deploy.demo.field import ROUND_S
from deploy.demo.island_chargers import speaking, speaking_list
from deploy.demo.island_places import FAULTY

SECRET = "BONGSU_DEMO_CHARGERS_SECRET"  # noqa: S105 - the name of a variable
SOURCE = "central-system"
LIST = "island-chargers.csv"
FAULT_FROM_S, FAULT_UNTIL_S = 50.0, 90.0
ROUNDS = 720
"""Faults are planned for a day."""
INTERVAL_S = 60
END_S = 5


def chargers_text(folder: Path, port: int) -> str:
    """Write the list of chargers into *folder*; the part of the city's file with its central system at *port*.

    Its secret is made for this run, and stands in the environment from then on.
    """
    os.environ.setdefault(SECRET, secrets.token_hex(16))
    (folder / LIST).write_bytes(speaking_list())
    return (
        f'[chargers]\nport = {port}\nsecret = "${{{SECRET}}}"\nlist = "{LIST}"\nsource = "{SOURCE}"\n'
        f"interval_s = {INTERVAL_S}\n"
    )


def plans(seed: int) -> list[ChargerPlan]:
    """Sessions of half a minute, so that some end in each round; the first charger of a hub fails once in each."""
    faulty = next(one.charger_id for one in speaking() if one.hub.hub_id == FAULTY)
    faults = tuple((FAULT_FROM_S + one * ROUND_S, FAULT_UNTIL_S + one * ROUND_S) for one in range(ROUNDS))
    return [
        ChargerPlan(
            one.charger_id,
            "2.0.1" if number % 2 else "1.6",
            seed,
            interval_s=10,
            session_s=(20, 40),
            pause_s=(3, 10),
            power_w=(7_000, 50_000),
            faults_s=faults if one.charger_id == faulty else (),
        )
        for number, one in enumerate(speaking())
    ]


@contextmanager
def chargers_running(city: City, seed: int) -> Iterator[ChargerFleet]:
    """Run them in a thread; they come again until the central system listens."""
    about = city.file.chargers
    if about is None:
        raise ValueError(f"city {city.name} has no [chargers]")
    begin_ms = wall_clock_ms()
    chargers = [SimulatedCharger(one, begin_ms=begin_ms) for one in plans(seed)]
    names = [one.plan.charger_id for one in chargers]
    keys = {name: charger_key(os.environ[SECRET], city.name, name) for name in names}
    fleet = ChargerFleet(chargers, url=f"ws://127.0.0.1:{about.port}/ocpp/{city.name}", keys=keys, seed=seed)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=_run, args=(loop, fleet), name="chargers", daemon=True)
    thread.start()
    try:
        yield fleet
    finally:
        loop.call_soon_threadsafe(fleet.stop)
        thread.join(END_S)


def _run(loop: asyncio.AbstractEventLoop, fleet: ChargerFleet) -> None:
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(fleet.run())
