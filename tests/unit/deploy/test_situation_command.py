"""The output of ``bongsu situation show`` about dispatches and tracks."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from deploy.cli import situation
from deploy.show import dispatch_lines, in_colour, track_lines
from schemas import catalogue
from schemas.catalogue import load_catalogue
from schemas.json_form import from_json_value
from streams.journal import replay

EXAMPLES = Path(catalogue.__file__).parent / "topics"
BUNDLE = """dispatch 2 of 119 2026-00117: dispatched, E07, L02
    cameras: cam-17 (42 m)
    traffic within 1500 m: 15 km/h, usually 40 (38%), 12 vehicles in a minute
    danger: gas-store Jungang LPG (212 m): LPG 2.9 t
    in the way: parked_vehicle seen by cam-17 (38 m)
    in the way: road-closed (120 m): until 18:00
    note by acc-7: escape by the north gate"""

TRACK = """track 3: open, 3 hits
    candidate at 2026-03-08T08:58:00 by cam-17
    hit at 2026-03-08T08:59:20 by cam-21 (1001 m in 80 s, 45 km/h)
    hit at 2026-03-08T08:59:50 by cam-40 (10008 m in 30 s, impossible)
    next within 180 s at 45 km/h: cam-41 (212 m, 17 s), 1 more"""


def an_example(contract: str, **changed: Any) -> dict[str, Any]:
    text = (EXAMPLES / contract / "examples" / "typical.json").read_text(encoding="utf-8")
    return {**json.loads(text), "situation_id": "s1", **changed}


def shown(monkeypatch: pytest.MonkeyPatch, *options: str) -> str:
    """The output for a city whose topics hold their examples, all of one situation."""

    def values(platform: object, city: str, contract: str) -> list[dict[str, Any]]:
        return [from_json_value(load_catalogue()[contract].newest, an_example(contract))]

    monkeypatch.setattr(situation, "reach", lambda: type("Nowhere", (), {"kafka": "", "wire": None}))
    monkeypatch.setattr(replay, "explained", lambda *of, **how: iter(()))
    monkeypatch.setattr(situation, "values_of", values)
    monkeypatch.setattr(situation, "demand_ran", lambda _platform, _city: None)
    result = CliRunner().invoke(situation.situation, ["show", "s1", "--city", "demo", *options])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_everything_that_units_were_told_is_printed_plain_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    out = shown(monkeypatch)
    assert BUNDLE in out
    assert "\x1b" not in out
    assert out.index("grant of ") < out.index("dispatch 2")


def test_the_track_of_a_wanted_vehicle_is_printed_in_a_few_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    assert TRACK in shown(monkeypatch)


def test_a_track_says_where_nothing_is_known_and_when_it_is_over() -> None:
    told = an_example("core.track", next_cameras=[], cameras_in_reach=0)
    told["hits"][1]["camera_id"] = None
    told["hops"] = [
        {"distance_m": None, "seconds": 80.0, "speed_mps": None, "is_impossible": False} for _ in range(2)
    ]
    assert track_lines(told).splitlines()[2:] == [
        "    hit at 2026-03-08T08:59:20 by a camera without a name (no distance in 80 s, no speed)",
        "    hit at 2026-03-08T08:59:50 by cam-40 (no distance in 80 s, no speed)",
        "    next within 180 s at 45 km/h: none",
    ]
    over = an_example("core.track", status="over", hits=[], hops=[], next_cameras=[], reach_m=None)
    assert track_lines(over) == "track 3: over"


def test_as_json_it_is_a_record_like_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [json.loads(line) for line in shown(monkeypatch, "--json").splitlines()]
    assert [line["dispatch_id"] for line in lines if "dispatch_id" in line] == ["d1"]


def test_on_a_terminal_it_has_its_colour_and_the_same_words() -> None:
    coloured = in_colour(BUNDLE, "core.dispatch", colour=True)
    assert coloured != BUNDLE
    assert in_colour(BUNDLE, "core.dispatch", colour=False) == BUNDLE
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == BUNDLE


def test_what_was_left_out_and_what_nobody_knows_is_said() -> None:
    told = an_example(
        "core.dispatch",
        cameras_left_out=2,
        units_left_out=1,
        approach={"radius_m": 1500.0, "speed_mps": 5.0, "vehicles": 3, "usual_mps": None, "share": None},
        hazards=[],
        blocks=[
            {
                "site_id": "w1",
                "seen_by": None,
                "kind": "works",
                "detail": None,
                "distance_m": None,
                "seconds": None,
            }
        ],
        notes=[],
    )
    assert dispatch_lines(told).splitlines()[1:] == [
        "    cameras: cam-17 (42 m), 2 more left out",
        "    units that see none: 1",
        "    traffic within 1500 m: 18 km/h, 3 vehicles in a minute",
        "    in the way: works (no distance)",
    ]


def test_one_that_is_over_is_one_line() -> None:
    over = an_example(
        "core.dispatch", status="over", units=[], cameras=[], approach=None, hazards=[], blocks=[], notes=[]
    )
    assert dispatch_lines(over) == "dispatch 2 of 119 2026-00117: over"
