"""A part is not the whole: a list that comes in pages is heard whole, or what it lacks is said and nobody is closed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from connectors.base import Bounds, Heard, Reading, SourceContext
from connectors.discovery import config_model, load_source, source_types
from connectors.formats.pages import ListForm, NoPage, joined, linked_next, next_page, origin
from connectors.recordings import read_line, write_line
from connectors.transport import web_page
from connectors.transport.page_or_file import Paged
from schemas.errors import Fatal, Retriable
from tests.contract.a_web_server import Told, a_web_server
from tests.contract.an_example import example_of
from tests.unit.connectors.houston_list import a_line, another

CITY = SourceContext("springfield", "calls", ZoneInfo("America/Chicago"), Bounds(29.4, -95.95, 30.2, -94.95))
LIST = ListForm("list")


def calls(**settings: Any) -> Any:
    columns = {"case_no": "no", "time": "at", "kind_text": "what"}
    return load_source(
        "mapped_rows",
        CITY,
        {"domain": "fire", "agency": "119", "columns": columns, "format": "json", **settings},
    )


def rows(*numbers: int) -> bytes:
    return orjson.dumps([{"no": f"26-{n}", "at": "2026-06-01T12:00:00Z", "what": "fire"} for n in numbers])


def numbers(heard: Heard) -> list[str]:
    return [row["no"] for row in orjson.loads(heard.body)]


def asked(source: Any, times: int = 1) -> list[Heard]:
    async def ask() -> list[Heard]:
        try:
            return [await source.poll({}) for _ in range(times)]
        finally:
            await source.close()

    return asyncio.run(ask())


def link(target: str) -> dict[str, str]:
    return {"Link": f'<{target}>; rel="next"'}


def three_pages(server: Told) -> None:
    server.pages = {"/list": rows(1, 2), "/list?page=2": rows(3), "/list?page=3": rows(4)}
    server.page_headers = {"/list": link("?page=2"), "/list?page=2": link("/list?page=3")}


# -- following -----------------------------------------------------------------------------------------------


def test_the_pages_of_a_list_are_one_reading() -> None:
    with a_web_server() as server:
        three_pages(server)
        source = calls(url=server.url)
        (heard,) = asked(source)
    assert server.paths == ["/list", "/list?page=2", "/list?page=3"]
    reading = source.read(heard, {})
    assert [event.value["agency_case_no"] for event in reading.events] == ["26-1", "26-2", "26-3", "26-4"]
    assert (heard.missing, reading.noted) == ((), {})


def test_what_stands_behind_the_bound_is_noted() -> None:
    with a_web_server() as server:
        three_pages(server)
        source = calls(url=server.url, pages_max=2)
        (heard,) = asked(source)
    assert numbers(heard) == ["26-1", "26-2", "26-3"]
    assert source.read(heard, {}).noted == {"not heard: pages behind the first 2": 1}


def test_the_bytes_of_all_pages_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_page, "BODY_BYTES_MAX", 200)
    with a_web_server() as server:
        three_pages(server)
        (heard,) = asked(calls(url=server.url))
    assert numbers(heard) == ["26-1", "26-2", "26-3"]
    assert heard.missing == ("pages behind the first 200 bytes",)


@pytest.mark.parametrize(("status", "error"), [(500, Retriable), (404, Retriable), (403, Retriable)])
def test_a_page_that_fails_fails_the_whole_poll_which_is_tried_again(
    status: int, error: type[Exception]
) -> None:
    with a_web_server() as server:
        three_pages(server)
        server.headers = {"ETag": '"same"'}
        source = calls(url=server.url)

        async def story() -> Heard:
            await source.poll({})
            server.statuses["/list?page=3"] = status
            server.page_headers["/list?page=3"] = {"ETag": '"new"'}
            with pytest.raises(error):
                await source.poll({})
            server.statuses.clear()
            server.requests.clear()
            heard: Heard = await source.poll({})
            await source.close()
            return heard

        heard = asyncio.run(story())
    assert numbers(heard) == ["26-1", "26-2", "26-3", "26-4"]
    assert "If-None-Match" not in server.requests[0], "a kept link may have run out: all is asked anew"


def test_each_page_is_asked_under_its_own_etag() -> None:
    with a_web_server() as server:
        three_pages(server)
        for path in server.pages:
            server.page_headers.setdefault(path, {})["ETag"] = f'"{path}"'
        source = calls(url=server.url)

        async def story() -> tuple[Heard, Heard]:
            await source.poll({})
            same = await source.poll({})
            server.pages["/list?page=3"] = rows(4, 5)
            server.page_headers["/list?page=3"]["ETag"] = '"other"'
            other = await source.poll({})
            await source.close()
            return same, other

        same, other = asyncio.run(story())
    assert [request.get("If-None-Match") for request in server.requests[3:6]] == [
        '"/list"', '"/list?page=2"', '"/list?page=3"'
    ]  # fmt: skip
    assert numbers(same) == ["26-1", "26-2", "26-3", "26-4"]
    assert numbers(other)[-1] == "26-5", "a first page that did not change says nothing of the third"


def test_a_circle_of_links_ends() -> None:
    with a_web_server() as server:
        three_pages(server)
        server.page_headers["/list?page=3"] = link("/list")
        (heard,) = asked(calls(url=server.url))
    assert len(server.paths) == 3
    assert heard.missing == ("pages whose addresses repeat",)


def test_an_empty_page_is_the_end_of_the_list() -> None:
    with a_web_server() as server:
        three_pages(server)
        server.statuses["/list?page=3"], server.pages["/list?page=3"] = 204, b""
        (heard,) = asked(calls(url=server.url))
    assert (numbers(heard), heard.missing) == (["26-1", "26-2", "26-3"], ())


def test_a_page_that_is_no_list_ends_it_and_is_noted() -> None:
    with a_web_server() as server:
        three_pages(server)
        server.pages["/list?page=2"] = b"<html>"
        (heard,) = asked(calls(url=server.url))
    assert numbers(heard) == ["26-1", "26-2"]
    assert heard.missing == ("page 2, which is no page of the list",)


def test_another_server_is_asked_only_if_the_city_s_file_names_it() -> None:
    with a_web_server() as server, a_web_server() as other:
        server.pages, other.body = {"/list": rows(1)}, rows(2)
        server.page_headers = {"/list": link(other.url)}
        source = calls(url=server.url, headers={"X-Key": "k"})
        (heard,) = asked(source)
        assert (numbers(heard), other.paths) == (["26-1"], [])
        assert heard.missing == ("pages at another server, which pages_from does not name",)
        named = other.url.removesuffix("/list")
        (heard,) = asked(calls(url=server.url, headers={"X-Key": "k"}, pages_from=[named]))
    assert (numbers(heard), heard.missing) == (["26-1", "26-2"], ())
    assert other.requests[0]["X-Key"] == "k"


def test_settings_of_pages_are_refused_where_nothing_is_asked() -> None:
    for wrong in ({"pages_max": 3}, {"pages_from": ["https://b.example"]}):
        with pytest.raises(Fatal, match="heeded only with url"):
            calls(**wrong)
    with pytest.raises(Fatal, match="pages_from"):
        calls(url="https://a.example", pages_from=["https://b.example/with/path"])


def test_a_source_of_one_page_notes_the_others() -> None:
    with a_web_server() as server:
        server.page_headers = {"/list": link("?page=2")}
        source: Any = load_source("gtfs_realtime", CITY, {"url": server.url})
        (heard,) = asked(source)
    assert server.paths == ["/list"]
    assert heard.missing == ("the pages behind the first, which this source cannot join",)


def halves(body: bytes) -> list[bytes]:
    """*body* as two pages: the first record of its list, or row under its heading, and the others."""
    if body[:1] not in b"[{":
        heading, first, rest = body.split(b"\n", 2)
        return [b"\n".join((heading, one)) for one in (first, rest)]
    value = orjson.loads(body)
    if isinstance(value, list):
        return [orjson.dumps(value[:1]), orjson.dumps(value[1:])]
    name, found = next((name, one) for name, one in value.items() if isinstance(one, list))
    return [orjson.dumps({**value, name: part}) for part in (found[:1], found[1:])]


@pytest.mark.parametrize(
    "name",
    [
        "ocpi_locations", "zones_geojson", "mds_zones", "mds_vehicles", "ed269_zones", "ed318_zones", "columbia_cad",
        "daejeon_devices", "vehicle_positions_csv", "mapped_places", "austin_fire_calls",
    ],
)  # fmt: skip
def test_each_source_reads_two_pages_as_it_reads_one(name: str) -> None:
    example = example_of(name)
    whole = max(example.heard(), key=lambda heard: len(heard.body))
    with a_web_server() as server:
        first, second = halves(whole.body)
        server.pages = {"/list": first, "/list?page=2": second}
        server.page_headers = {"/list": link("?page=2")}
        source = example.source(url=server.url)
        (heard,) = asked(source)
    assert (server.paths, heard.missing) == (["/list", "/list?page=2"], ())
    one, two = (example.source().read(Heard(body, whole.at_ms), {}) for body in (whole.body, heard.body))
    assert two.events
    assert (two.events, two.noted, two.skipped) == (one.events, one.noted, one.skipped)
    assert [aside.reason for aside in two.aside] == [aside.reason for aside in one.aside]


# -- ArcGIS and OGC API ----------------------------------------------------------------------------------------


def houston(server: Told) -> Any:
    context = SourceContext("houston", "list", ZoneInfo("America/Chicago"), CITY.bounds)
    return load_source("houston_active_incidents", context, {"url": f"{server.url}?where=1%3D1"})


def features(*lines: object, is_cut: bool) -> bytes:
    return orjson.dumps({"features": lines, "exceededTransferLimit": is_cut})


FIRST, SECOND = "/list?where=1%3D1", "/list?where=1%3D1&resultOffset=1"


def test_a_list_that_arcgis_cut_is_asked_on_behind_its_last_row() -> None:
    with a_web_server() as server:
        server.pages = {FIRST: features(a_line(), is_cut=True), SECOND: features(another(), is_cut=False)}
        source = houston(server)
        (heard,) = asked(source)
    assert server.paths == [FIRST, SECOND]
    assert len(source.read(heard, {}).events) == 2
    assert orjson.loads(heard.body)["exceededTransferLimit"] is False, "it is whole now"


def read_in_turn(source: Any, heard: list[Heard]) -> list[Reading]:
    readings: list[Reading] = []
    for number, one in enumerate(heard):
        place = readings[-1].place if readings else {}
        at_ms = 1_717_243_200_000 + number * 60_000
        readings.append(source.read(Heard(one.body, at_ms, missing=one.missing), place))
    return readings


def whole_then_ignored(server: Told) -> None:
    """A server that does not heed the offset gives its first page for ever."""
    server.body = features(another(), is_cut=True)


def whole_then_no_list(server: Told) -> None:
    server.pages = {FIRST: features(another(), is_cut=True), SECOND: b'{"error": {"code": 400}}'}


def whole_then_linked_away(server: Told) -> None:
    server.body = features(another(), is_cut=False)
    server.headers = link("https://elsewhere.example/list")


@pytest.mark.parametrize("story", [whole_then_ignored, whole_then_no_list, whole_then_linked_away])
def test_a_list_that_is_known_to_be_a_part_closes_nobody(story: Callable[[Told], None]) -> None:
    with a_web_server() as server:
        source = houston(server)
        server.body = features(a_line(), another(), is_cut=False)
        whole = asked(source)
        story(server)
        part = asked(source, times=4)
    readings = read_in_turn(source, [*whole, *part])
    assert [len(reading.events) for reading in readings] == [2, 0, 0, 0, 0]
    assert all(sum(reading.noted.values()) == 1 for reading in readings[1:])


def test_a_recording_keeps_what_was_not_heard() -> None:
    heard = Heard(b"[]", 1_717_243_200_000, missing=("pages behind the first 2",))
    assert read_line(write_line(heard)) == heard


@pytest.mark.parametrize(
    ("body", "following"),
    [
        ({"features": [1, 2], "exceededTransferLimit": True}, "http://a/q?f=json&resultOffset=7"),
        ({"features": [1], "properties": {"exceededTransferLimit": True}}, "http://a/q?f=json&resultOffset=6"),
        ({"features": [], "exceededTransferLimit": True}, "http://a/q?f=json&resultOffset=5"),
        ({"features": [1], "exceededTransferLimit": False}, None),
        ({"features": [1], "links": [{"rel": "self", "href": "x"}, {"rel": "next", "href": "p2"}]}, "http://a/p2"),
        ({"features": [1], "links": {"self": "x", "next": "p2"}}, "http://a/p2"),
        ({"features": [1], "links": {"next": {"href": "p2", "meta": {}}}}, "http://a/p2"),
        ({"features": [1], "links": {"first": "p1", "last": "p1", "prev": None, "next": None}}, None),
        ({"features": [{"exceededTransferLimit": True}]}, None),
    ],
)  # fmt: skip
def test_a_body_names_its_next_page(body: object, following: str | None) -> None:
    form = ListForm("list", ("features",))
    assert next_page("http://a/q?f=json&resultOffset=5", json.dumps(body).encode(), (), form) == following


# -- pure parts ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ('<https://a.example/l?offset=50>; rel="next"', "https://a.example/l?offset=50"),
        ('<p2>; rel=next, <p9>; rel="last"', "p2"),
        ('<p9>; rel="last", <p2>; title="a, \\"b\\"; rel=prev" ; REL = "Next last"', "p2"),
        ('<p2>; rel="prev"; rel="next"', None),
        ('<p2>; rel="next"; anchor="/other"', None),
        ('<p2>; rel="nextpage"', None),
        ("p2; rel=next", None),
        ("", None),
    ],
)
def test_the_link_header_is_read_as_rfc_8288_has_it(header: str, target: str | None) -> None:
    assert linked_next([header]) == target


def test_an_origin_is_scheme_host_and_port() -> None:
    assert origin("HTTPS://A.example/x") == origin("https://a.example:443/y?z")
    assert origin("http://a.example") != origin("https://a.example")
    assert origin("https://a.example:444") != origin("https://a.example")
    assert origin("https://a.example@b.example") == origin("https://b.example")


def test_records_of_all_pages_stand_in_the_first_s_body_byte_by_byte() -> None:
    inner = ListForm("list", ("data.features", "data"))
    pages = [
        b'{"v": 1, "data": [ {"a": 1e400} ]}',
        b'{"data": []}',
        b'{"data":[{"a":12345678901234567890},"\xff"]}',
    ]
    assert joined(pages, inner) == b'{"v": 1, "data": [{"a": 1e400},{"a":12345678901234567890},"\xff"]}'
    korean = ListForm("list", ("",), "cp949")
    assert joined(['["가"]'.encode("cp949"), '["나"]'.encode("cp949")], korean) == '["가","나"]'.encode(
        "cp949"
    )


def test_rows_keep_one_heading_and_lines_are_put_together() -> None:
    assert (
        joined([b"\xef\xbb\xbfa,b\r\n1,2\r\n", b"a,b\n3,4\n", b"a,b\n"], ListForm("rows"))
        == b"\xef\xbb\xbfa,b\r\n1,2\n3,4\n"
    )
    assert joined([b'{"a":1}\n', b'{"a":2}'], ListForm("lines")) == b'{"a":1}\n{"a":2}\n'
    with pytest.raises(NoPage):
        joined([b"a,b\n1,2\n", b"c,d\n3,4\n"], ListForm("rows"))
    with pytest.raises(NoPage):
        joined([b"[1]", b'{"error": 400}'], LIST)


def test_every_polled_list_follows_its_pages() -> None:
    paged = {name for name in source_types() if issubclass(config_model(name), Paged)}
    polled = {name for name in source_types() if "url" in config_model(name).model_fields}
    whole = {
        "adsb_json",
        "cap_alerts",
        "datex_situations",
        "gbfs",
        "gtfs_flex",
        "gtfs_realtime",
        "network_rid",
        "remote_id",
    }
    assert polled - paged == whole, "their feeds are whole by their standards; Atom's next page is noted"
