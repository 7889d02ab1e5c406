"""Every shipped city has in force exactly the rules for which it has a source, is sound, and runs without any secret."""

from __future__ import annotations

import os
from collections.abc import Collection

import pytest
from click.testing import CliRunner

from deploy.city.check import SECRET
from deploy.city.city import City, load_city
from deploy.city.names import shipped_cities
from deploy.cli.city import city as city_command

ALL = {
    "joint-incident",
    "surge",
    "traffic-impact",
    "unconfirmed",
    "wanted",
    "disaster",
    "vulnerable",
}
"""All but those which need drones, hubs and other things that may not be somewhere."""
IN_FORCE = {
    "austin": {"joint-incident"},
    "bucheon": {"joint-incident", "unconfirmed"},
    "columbia": {"joint-incident", "surge"},
    "daejeon": ALL,
    "demo": {"joint-incident"},
    "houston": {"joint-incident", "surge"},
    "jeju": {"joint-incident", "hub", "surplus", "closure"},
    "mukdahan": {"joint-incident", "unconfirmed", "zone"},
}
"""City → the rules in force. A new city needs its line."""
STAGED = {"demo"}
"""Cities whose sources are only shown, each by itself: not every rule that they could feed is in force."""

CALLS, DAYS = "calls with a time", "calls with only a day"
BRINGS = {
    "austin_fire_calls": {DAYS},
    "columbia_cad": {CALLS},
    "houston_active_incidents": {CALLS},
    "simulated_calls": {CALLS},
    "vehicle_positions_csv": {"mobility.position"},
    "daejeon_devices": {"place.camera"},
    "generated_cameras": {"place.camera"},
    "mapped_places": {"place.hub"},
    "zones_geojson": {"place.zone"},
    "surplus_rows": {"energy.surplus"},
    "gbfs": {"mobility.hub", "mobility.position"},
    "gtfs_realtime": {"mobility.position", "mobility.trip"},
    "mds_vehicles": {"mobility.position"},
    "ocpi_locations": {"place.hub", "mobility.hub"},
    "cap_alerts": {"civil.incident"},
    "onvif_metadata": {"cctv.detection", "cctv.person"},
    "remote_id": {"drone.position"},
    "mavlink": {"drone.position"},
    "misb_klv": {"drone.position", "drone.footprint"},
}
"""Type of source → what it brings; ``city_events`` brings its contract."""
NEEDS = {
    "joint-incident": ({CALLS, DAYS, "fire.incident", "police.incident"},),
    "surge": ({CALLS},),
    "traffic-impact": ({CALLS}, {"mobility.position", "mobility.speed"}),
    "unconfirmed": ({"cctv.detection"},),
    "wanted": ({"police.wanted"}, {"cctv.plate"}),
    "disaster": ({"civil.observation"},),
    "vulnerable": ({"civil.vulnerable"},),
    "zone": ({"place.zone"}, {"drone.position"}),
    "hub": ({"mobility.hub"},),
    "surplus": ({"energy.surplus"},),
    "closure": ({"civil.incident"}, {"mobility.hub"}),
}
"""Rule → what it needs: of each set something."""
SEEN = {"cctv.detection", "cctv.plate", "mobility.position", "drone.position"}
"""Contracts that only the match brings to the rules."""
READ_BY_MATCH = {"unconfirmed", "wanted", "zone"}


def brought(city: City) -> set[str]:
    """All that the city's sources bring."""
    found: set[str] = set()
    for one in city.file.source:
        found |= {one.settings["contract"]} if one.type == "city_events" else BRINGS[one.type]
    return found


def in_force(city: City) -> set[str]:
    return {"joint-incident", *(one.name for one in city.rules.others)}


@pytest.fixture
def _no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine but the path to programs."""
    for name in set(os.environ) - {"PATH", "HOME"}:
        monkeypatch.delenv(name)


def cities(*, but: Collection[str] = ()) -> list[str]:
    return [name for name in shipped_cities() if name not in but]


@pytest.mark.parametrize("name", cities())
def test_the_rules_in_force_are_these(name: str) -> None:
    assert in_force(load_city(name)) == IN_FORCE[name]


@pytest.mark.parametrize("name", cities(but=STAGED))
def test_the_rules_in_force_are_those_that_its_sources_feed(name: str) -> None:
    city = load_city(name)
    found = brought(city)
    fed = {rule for rule, needs in NEEDS.items() if all(found & need for need in needs)}
    assert in_force(city) == fed


@pytest.mark.parametrize("name", cities(but=STAGED))
def test_what_is_only_compared_is_compared_and_nothing_else_is(name: str) -> None:
    """A city has ``[match]`` where something is seen, ``[speed]`` where vehicles are, ``[drones]`` where drones are: else
    none, which would wait for nothing."""
    city = load_city(name)
    found = brought(city)
    assert (city.file.match is not None) == bool(found & SEEN)
    assert (city.file.speed is not None) == ("mobility.position" in found)
    assert (city.file.drones is not None) == ("drone.position" in found)
    assert (city.file.hubs is not None) == ("mobility.hub" in found)
    assert (city.file.energy is not None) == ("energy.surplus" in found)
    assert (city.file.persons is not None) == ("cctv.person" in found) == bool(city.file.cases.agencies)
    assert city.file.match is not None or not in_force(city) & READ_BY_MATCH


def test_every_rule_is_in_force_in_some_shipped_city() -> None:
    assert (
        {*ALL, "zone", "hub", "surplus", "closure"}
        == set(NEEDS)
        == set().union(*(in_force(load_city(name)) for name in cities()))
    )


@pytest.mark.usefixtures("_no_secrets")
@pytest.mark.parametrize("name", cities())
def test_its_check_is_green_without_any_secret(name: str) -> None:
    done = CliRunner().invoke(city_command, ["check", name])
    assert done.exit_code == 0, done.output
    assert f"{name} is well" in done.output


@pytest.mark.usefixtures("_no_secrets")
@pytest.mark.parametrize("name", cities())
def test_what_a_run_hears_and_takes_is_built_without_any_secret(name: str) -> None:
    city = load_city(name)
    for one in city.file.source:
        if one.live or one.push:
            assert not SECRET.search(str(one.settings))
            city.load(one.name)
