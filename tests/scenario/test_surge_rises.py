"""The table of rises is that of the recording."""

from __future__ import annotations

from pathlib import Path

from tests.scenario.surge_rises import RISES, Calls, rises
from tests.scenario.test_derecho_joins import RECORDING, heard

MINUTE = 60_000


def test_the_rises_are_those_of_the_recording(data_dir: Path) -> None:
    assert rises(heard(data_dir / RECORDING).polls) == RISES


def test_fewer_calls_than_the_floor_are_no_rise() -> None:
    begin = 1_715_749_790_000
    calls = [begin + n * MINUTE for n in range(8)]
    assert Calls(tuple(calls[:5]), tuple(calls), begin).rise("gas") is None
    assert Calls(tuple(calls), tuple(calls), begin).rise("gas") == calls[5]
