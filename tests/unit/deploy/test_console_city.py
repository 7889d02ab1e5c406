"""The console of a city's file: its steps, its pictures' address and the layers of its map."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.sinks.console.console import policy
from deploy.assembly.gateway_console import LAYER_BYTES_MAX, _host_of, _layer, _script
from deploy.city.model import ConsoleFile, MapFile
from schemas.errors import Fatal


def test_a_layer_is_sent_as_it_stands_in_its_file(tmp_path: Path) -> None:
    file = tmp_path / "streets.geojson"
    file.write_bytes(b'{"type": "FeatureCollection", "features": []}')
    assert _layer(file) == b'{"type": "FeatureCollection", "features": []}'


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"no json", "cannot be read"),
        (b'{"type": "Topology"}', "is no GeoJSON"),
        (b'["FeatureCollection"]', "is no GeoJSON"),
        (b'{"type": "Feature", "x": "' + b"x" * LAYER_BYTES_MAX + b'"}', "more than 20"),
    ],
)
def test_a_layer_that_cannot_be_drawn_is_named_with_its_cure(tmp_path: Path, body: bytes, why: str) -> None:
    file = tmp_path / "streets.geojson"
    file.write_bytes(body)
    with pytest.raises(Fatal, match=why) as told:
        _layer(file)
    assert "streets.geojson" in told.value.what
    assert told.value.hint


def test_a_layer_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Fatal, match=r"missing\.geojson cannot be read"):
        _layer(tmp_path / "missing.geojson")


@pytest.mark.parametrize(
    ("address", "host"),
    [
        (None, "'self'"),
        ("/video/{camera}.m3u8?ticket={ticket}", "'self'"),
        ("https://vms.city.example:8443/{camera}?t={ticket}", "https://vms.city.example:8443"),
    ],
)
def test_the_policy_names_the_pictures_host_alone(address: str | None, host: str) -> None:
    assert ConsoleFile(video=address).video == address
    assert _host_of(address) == host
    assert f"media-src {host};" in policy(video=_host_of(address))


@pytest.mark.parametrize(
    "address", ["https://a.example; script-src *", "javascript:alert(1)", "ftp://a.example/x", "https://a b"]
)
def test_an_address_that_could_widen_the_policy_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="video"):
        ConsoleFile(video=address)


def test_tiles_have_a_server_and_three_numbers() -> None:
    address = "https://tiles.example:8443/map/{z}/{x}/{y}.png"
    assert MapFile(tiles=address).tiles == address
    assert _host_of(address) == "https://tiles.example:8443"


@pytest.mark.parametrize(
    "address",
    [
        "https://tiles.example/{z}/{x}.png",
        "https://{s}.tiles.example/{z}/{x}/{y}.png",
        "https://tiles.example/{z}/{x}/{y}{r}.png",
        "https://tiles.example; img-src */{z}/{x}/{y}",
        "javascript:{z}/{x}/{y}",
        "/{z}/{x}/{y}.png",
    ],
)
def test_tiles_that_could_widen_the_policy_or_miss_a_number_are_refused(address: str) -> None:
    with pytest.raises(ValueError, match="tiles"):
        MapFile(tiles=address)


def test_a_script_that_is_not_there_is_named_with_its_package(tmp_path: Path) -> None:
    with pytest.raises(Fatal, match=r"\[console\] hls: hls\.min\.js cannot be read") as told:
        _script(tmp_path / "hls.min.js")
    assert told.value.hint is not None
    assert "npm" in told.value.hint
