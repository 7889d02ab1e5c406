"""Settings of a page or a file: one base, and none that says something nobody heeds."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from connectors.base import Bounds, Heard, SourceContext
from connectors.discovery import BadConfig, config_model, load_source, read_config, source_types
from connectors.transport.page_or_file import PageOrFileSettings, PageSettings

ROWS: dict[str, Any] = {
    "domain": "fire",
    "agency": "119",
    "columns": {"case_no": "no", "time": "at", "kind_text": "type", "lat": "lat", "lon": "lon"},
}
CAMERAS: dict[str, Any] = {
    "becomes": "camera",
    "owner": "city",
    "columns": {"id": "no", "lat": "lat", "lon": "lon", "time": "at"},
}
SITES: dict[str, Any] = CAMERAS | {"becomes": "site", "kind": "works"}
CITY = SourceContext("ansan", "list", ZoneInfo("Asia/Seoul"), Bounds(36, 127, 37, 128))


def test_every_source_that_asks_a_page_takes_its_settings_from_the_base() -> None:
    asking = [one for one in source_types() if "url" in config_model(one).model_fields]
    assert len(asking) >= 12
    assert [one for one in asking if not issubclass(config_model(one), PageSettings)] == []
    either = [one for one in asking if issubclass(config_model(one), PageOrFileSettings)]
    assert set(asking) - set(either) == {"houston_active_incidents"}, "a live list alone: its url is needed"


@pytest.mark.parametrize(
    ("type_name", "settings", "setting"),
    [
        ("mapped_rows", ROWS | {"path": "rows.csv", "headers": {"key": "1"}}, "headers"),
        ("gbfs", {"path": "gbfs.json", "headers": {"key": "1"}}, "headers"),
        ("columbia_cad", {"timeout_s": 5}, "timeout_s"),
        ("mapped_rows", ROWS | {"format": "json", "delimiter": ";"}, "delimiter"),
        ("mapped_rows", ROWS | {"format": "jsonl", "records": "list"}, "records"),
        ("mapped_rows", ROWS | {"records": "list"}, "records"),
        ("mapped_rows", ROWS | {"point_order": "lon-lat"}, "point_order"),
        ("mapped_rows", ROWS | {"units_separator": "/"}, "units_separator"),
        ("mapped_rows", ROWS | {"time_format": "epoch_s", "timezone": "Asia/Seoul"}, "timezone"),
        ("mapped_places", CAMERAS | {"format": "json", "delimiter": ";"}, "delimiter"),
        ("mapped_places", CAMERAS | {"records": "list"}, "records"),
        ("mapped_places", CAMERAS | {"chargers": {"dc": "dc"}}, "chargers"),
        ("mapped_places", SITES | {"purposes": ["traffic"]}, "purposes"),
        ("mapped_places", CAMERAS | {"kind_words": {"a": "works"}}, "kind_words"),
        ("mapped_rows", ROWS | {"encoding": "utf-17"}, "character set"),
        ("zones_geojson", {"kind": "dong", "encoding": "utf-17"}, "character set"),
        ("daejeon_devices", {"encoding": "utf-17"}, "character set"),
    ],
)
def test_a_setting_that_is_not_heeded_is_refused(
    type_name: str, settings: dict[str, Any], setting: str
) -> None:
    with pytest.raises(BadConfig, match=setting):
        read_config(type_name, settings)


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_json_of_another_character_set_is_read_and_set_aside_in_it(form: str) -> None:
    settings = ROWS | {"format": form, "encoding": "cp949"}
    source = load_source("mapped_rows", CITY, settings)
    rows = [
        {"no": number, "at": "2026-09-21T12:00:00Z", "type": "화재", "lat": lat, "lon": 127.38}
        for number, lat in (("가-1", 36.35), ("나-2", "없음"))
    ]
    between, around = (",", "[]") if form == "json" else ("\n", ("", ""))
    body = (around[0] + between.join(orjson.dumps(row).decode() for row in rows) + around[1]).encode("cp949")
    reading = source.read(Heard(body, None), {})
    assert [event.value["kind_text"] for event in reading.events if event.value] == ["화재"]
    (aside,) = reading.aside
    assert aside.original == orjson.dumps(rows[1]).decode().encode("cp949")
    again = source.read(Heard(aside.before + aside.original + aside.after, None), {})
    assert [one.original for one in again.aside] == [aside.original]
