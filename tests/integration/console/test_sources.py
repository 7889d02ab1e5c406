"""The page of sources and health, and its route, over a running city in which something is wrong."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic
from typing import Any, Literal

import httpx
import pytest
from playwright.sync_api import Browser, expect

from deploy.assembly.stages import free_port
from deploy.settings import Endpoints
from tests.a_console import ConsoleCity, Person, serious
from tests.living_city import LivingCity, wait_until

pytestmark = [pytest.mark.cluster]

HOSTILE = "<img src=x>"
MORE = """
[[source]]
name = "rows"
type = "mapped_rows"
push = true
domain = "fire"
agency = "119"
format = "csv"
[source.columns]
case_no = "no"
time = "time"
kind_text = "what"
lat = "lat"
lon = "lon"
[[source]]
name = "list"
type = "houston_active_incidents"
url = "{url}"
every_s = 1
"""


class _Empty(BaseHTTPRequestHandler):
    """The list of an agency at which nothing happens."""

    def do_GET(self) -> None:
        body = b'{"features": []}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: Any) -> None:
        """Say nothing."""


@dataclass
class Agency:
    """An outside system that is polled, and may end."""

    server: ThreadingHTTPServer = field(default_factory=lambda: ThreadingHTTPServer(("127.0.0.1", 0), _Empty))

    def __post_init__(self) -> None:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def end(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def agency() -> Iterator[Agency]:
    found = Agency()
    yield found
    found.end()


@pytest.fixture(scope="module")
def city(
    agency: Agency, cluster: Endpoints, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ConsoleCity]:
    url = f"http://127.0.0.1:{agency.server.server_port}/"
    living = LivingCity(f"health-{free_port()}", tmp_path_factory.mktemp("health"), cluster)
    found = ConsoleCity(living, more=MORE.format(url=url))
    with found.running():
        words = ("key", "add", "119", "--city", str(living.file), "--source", "rows")
        found.keys["rows"] = living.bongsu(*words).stdout.split()[-1]
        yield found


def of(city: ConsoleCity, part: str, key: str, name: str) -> dict[str, Any]:
    (found,) = [one for one in city.read("health")[part] if one[key] == name]
    return dict(found)


def codes(one: dict[str, Any]) -> set[str]:
    return {it["code"] for it in one["faults"]}


def push_rows(city: ConsoleCity, *rows: str) -> None:
    body = "\n".join(["no,time,what,lat,lon", *rows]).encode()
    headers = {"Authorization": f"Bearer {city.keys['rows']}", "Content-Type": "text/csv"}
    path = f"{city.url}/v1/{city.city.name}/sources/rows"
    answer = httpx.post(path, content=body, headers=headers, timeout=10)
    assert answer.status_code == 202, answer.text


def test_each_fault_is_shown_at_what_has_it_and_the_worst_comes_first(
    city: ConsoleCity, agency: Agency
) -> None:
    wait_until(lambda: of(city, "sources", "source", "list")["level"] == "well", 20, 0.3)
    unheard = of(city, "sources", "source", "reports")
    assert (unheard["level"], unheard["heard_at"], unheard["faults"]) == ("not-heard", None, [])
    stages = {one["stage"]: one for one in city.read("health")["stages"]}
    assert set(stages) == {"ingest", "situations", "deliver"}
    assert stages["situations"]["workers"] == 1
    wait_until(lambda: of(city, "stages", "stage", "situations")["level"] == "well", 20, 0.3)
    assert of(city, "stages", "stage", "ingest")["lag_s"] < 5
    push_rows(
        city,
        f"1,2026-03-08 09:00:00,{HOSTILE},36.35,127.38",
        "2,2026-03-08 09:00:00,건물 화재,far away,127.38",
    )
    wait_until(
        lambda: {"set-aside", "unknown-words"} <= codes(of(city, "sources", "source", "rows")), 20, 0.3
    )
    rows = of(city, "sources", "source", "rows")
    assert [it["word"] for it in rows["words"]] == [HOSTILE]
    assert (rows["set_aside"], rows["agencies"]) == (1, ["119"])
    agency.end()
    wait_until(lambda: "failing" in codes(of(city, "sources", "source", "list")), 30, 0.3)
    told = city.read("health")
    assert told["trouble"] is None
    assert [one["level"] for one in told["sources"]] == sorted(
        (one["level"] for one in told["sources"]), key=["broken", "look", "not-heard", "well"].index
    )
    assert told["sources"][0]["source"] == "list"
    (aside,) = told["set_aside"]
    assert aside["topic"] == f"{city.city.name}.source.dlq"
    assert [one["count"] for one in aside["reasons"]] == [1]


def test_many_who_ask_share_one_look_and_it_is_quick(city: ConsoleCity) -> None:
    begun = monotonic()
    looks = {city.read("health")["looked_at"] for _ in range(40)}
    assert len(looks) <= 2 + (monotonic() - begun) / 2


def test_without_a_key_or_as_the_public_it_is_refused_and_a_parameter_too(city: ConsoleCity) -> None:
    path = f"{city.url}/v1/{city.city.name}/health"
    assert httpx.get(path).status_code == 401
    assert httpx.get(path, headers={"Authorization": f"Bearer {city.keys['calls']}"}).status_code == 403
    key = {"Authorization": f"Bearer {city.users['watcher']}"}
    assert httpx.get(path, headers=key).status_code == 200
    assert httpx.get(f"{path}?since=1", headers=key).status_code == 422


def test_the_page_says_what_is_wrong_and_what_to_do(browser: Browser, city: ConsoleCity) -> None:
    person = Person(browser, city, color_scheme="light")
    page = person.sign_in("watcher")
    page.get_by_role("link", name="Sources and health").click()
    faults = page.get_by_role("region", name="What is wrong, and what to do").get_by_role("listitem")
    expect(faults.first).to_contain_text("list")
    expect(faults.first).to_contain_text("Call the agency.")
    expect(faults.filter(has_text="bongsu dlq list --city").first).to_be_visible()
    row = page.get_by_role("row", name="rows")
    expect(row).to_contain_text(f"{HOSTILE} (1)")
    assert page.locator("img").count() == 0
    expect(page.get_by_role("row", name="not heard yet reports")).to_contain_text("Not heard yet")
    before = page.locator(".health-state").inner_text()
    expect(page.locator(".health-state")).not_to_have_text(before, timeout=8_000)
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        assert serious(page) == []
    asked: list[str] = []
    page.get_by_role("link", name="Now", exact=True).click()
    page.on("request", lambda it: asked.append(it.url) if it.url.endswith("/health") else None)
    page.wait_for_timeout(5_500)
    assert asked == []
    person.close()
