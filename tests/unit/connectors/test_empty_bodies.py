"""Nothing is not bad: a body that is whole and holds no record is counted, and nobody is closed or blamed."""

from __future__ import annotations

import ast
import asyncio
from pathlib import Path

import pytest

import connectors.sources
from connectors.base import Heard
from connectors.discovery import source_types
from connectors.formats.empty_body import NOTHING
from connectors.formats.messages import enveloped
from connectors.transport.web_page import WebPage
from tests.contract.a_web_server import a_web_server
from tests.contract.an_example import Example, example_of, read_all

EMPTY_OF = {
    "austin_fire_calls": b"",
    "columbia_cad": b"incident,datetime,type,service,location_txt,lat,lon\n",
    "houston_active_incidents": b'{"features": []}',
    "mapped_rows": b'{"reports": {"list": []}}',
    "mds_vehicles": b'{"version": "2.0.0", "last_updated": 1772971200000, "ttl": 60, "vehicles_status": []}',
    "mds_zones": b'{"version": "2.0.0", "data": {"geographies": []}}',
    "ocpi_locations": b'{"data": [], "status_code": 1000, "timestamp": "2026-06-01T12:00:00Z"}',
    "zones_geojson": b'{"type": "FeatureCollection", "features": []}',
}
"""An empty list as the source's own form has it."""


@pytest.fixture(params=source_types())
def example(request: pytest.FixtureRequest) -> Example:
    return example_of(request.param)


@pytest.mark.parametrize("body", [b"", b" \r\n", b"[]", b" [\n] ", b"\xef\xbb\xbf[]", b"\xef\xbb\xbf"])
def test_an_empty_body_is_counted_and_changes_nothing(example: Example, body: bytes) -> None:
    heard = example.heard()
    _, _, place = read_all(example.source(), heard[:1])
    for _ in range(3):
        reading = example.source().read(Heard(body, heard[0].at_ms), place)
        assert (reading.events, reading.aside, reading.place) == ((), (), place)
        assert reading.skipped == {NOTHING: 1}


@pytest.mark.parametrize("name", EMPTY_OF)
def test_an_empty_list_of_its_own_form_is_counted_and_changes_nothing(name: str) -> None:
    example = example_of(name)
    heard = example.heard()
    _, _, place = read_all(example.source(), heard)
    for _ in range(3):
        reading = example.source().read(Heard(EMPTY_OF[name], heard[-1].at_ms), place)
        assert (reading.events, reading.aside, reading.place) == ((), (), place)
        assert reading.skipped == {NOTHING: 1}


@pytest.mark.parametrize("name", ["austin_fire_calls", "daejeon_devices", "vehicle_positions_csv"])
def test_a_heading_alone_is_counted(name: str) -> None:
    example = example_of(name)
    first = example.heard()[0]
    reading = example.source().read(Heard(first.body.splitlines(keepends=True)[0], first.at_ms), {})
    assert (reading.events, reading.aside, reading.skipped) == ((), (), {NOTHING: 1})


@pytest.mark.parametrize(
    "name", ["frigate_events", "nvidia_deepstream", "axis_scene_description", "onvif_metadata", "axis_plates"]
)
def test_an_empty_list_by_mqtt_is_counted_and_blames_nobody(name: str) -> None:
    example = example_of(name)
    lines = [enveloped("porch/cam", b" [] "), enveloped("porch/cam", b"[]")]
    reading = example.source().read(Heard(b"\n".join(lines), example.heard()[0].at_ms), {})
    assert (reading.events, reading.aside) == ([], [])
    assert reading.skipped == {NOTHING: 2}


def test_a_failed_poll_is_not_counted_as_an_empty_one() -> None:
    example = example_of("mapped_rows")
    assert example.source().read(Heard(b"[]", None, "timed out"), {}).skipped == {}


def test_a_page_without_content_says_nothing() -> None:
    async def ask(url: str) -> Heard:
        page = WebPage(url, timeout_s=5)
        try:
            return await page.get()
        finally:
            await page.close()

    with a_web_server() as server:
        server.status, server.body = 204, b""
        assert asyncio.run(ask(server.url)).body == b""


def test_no_source_guards_by_itself() -> None:
    (folder,) = connectors.sources.__path__
    for path in sorted(Path(folder).glob("*.py")):
        source = path.read_text("utf-8")
        if "error" not in source:  # such a module need not be parsed
            continue
        for node in ast.walk(ast.parse(source)):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "heard"
            ):
                assert node.attr != "error", (
                    f"{path.name}:{node.lineno}: the guard stands in connectors/empty_body"
                )
