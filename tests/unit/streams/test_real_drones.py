"""Verdicts on the real captures and flights: none implausible but for what is truly wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors.base import Bounds, SourceContext
from streams.drones.fleet import Fleet
from tests.unit.connectors.seen import read, source

PORTLAND = SourceContext(
    "portland", "rid", ZoneInfo("America/Los_Angeles"), Bounds(45.0, -124.0, 46.0, -122.0)
)
ZURICH = SourceContext("zurich", "rid", ZoneInfo("Europe/Zurich"), Bounds(47.3, 8.4, 47.5, 8.6))
KEY = "a key of more than sixteen bytes"
Judged = dict[str, tuple[int, set[tuple[str, tuple[str, ...]]]]]


def judged(reader: Any, path: Path) -> Judged:
    """For each drone the number of its positions, and what was told of it."""
    if not path.is_file():
        pytest.skip(f"no file at {path}")
    fleet, found = Fleet(), Judged()
    for value in (event.value or {} for event in read(reader, path.read_bytes()).events):
        count, told = found.get(value["drone_id"], (0, set()))
        told |= {(one.verdict, one.reasons) for one in fleet.take(value)}
        found[value["drone_id"]] = count + 1, told
    return found


@pytest.mark.parametrize("name", ["odid_wifi_bcn_sample", "odid_wifi_sample"])
def test_no_capture_is_implausible(data_dir: Path, name: str) -> None:
    found = judged(
        source("remote_id", PORTLAND, key=KEY, receiver="roof"),
        data_dir / "drone" / "remote_id" / f"{name}.pcap",
    )
    assert sum(count for count, _ in found.values()) > 20
    assert {verdict for _, told in found.values() for verdict, _ in told} <= {"unknown", "stale"}


def test_only_the_false_serial_of_the_flights_over_zurich_is_implausible(data_dir: Path) -> None:
    folder = data_dir / "drone" / "network_rid"
    told = {path.stem: judged(source("network_rid", ZURICH), path) for path in sorted(folder.glob("*.json"))}
    if not told:
        pytest.skip(f"no file in {folder}")
    assert len(told) == 21 and sum(count for count, _ in told["zurich"].values()) == 30
    wrong = {(name, drone): told for name, found in told.items() for drone, (_, told) in found.items()}
    assert {which: told for which, told in wrong.items() if told != {("unknown", ())}} == {
        ("invalid_wrong_serial_number", "WRONG"): {("implausible", ("bad_serial",))}
    }
