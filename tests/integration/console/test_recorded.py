"""A recorded day in a real Chromium: at any time the list is the fold of the log until then, and nothing can be done."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from time import sleep
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from connectors.gateway.read_documents import example_of
from tests.a_console import ConsoleCity, Person, serious
from tests.living_city import wait_until

pytestmark = [pytest.mark.cluster]

ZONE = ZoneInfo("Asia/Seoul")
SECOND_MS = 1_000
TIMES_MAX = 12
"""Times that are looked at, the newest: others used the city before."""


@pytest.fixture(scope="module", autouse=True)
def recorded(city: ConsoleCity) -> None:
    """Four situations that began one after the other; one was acknowledged, and one closed."""
    for number in range(4):
        city.push("reports", f"R-{number}", "crash.injury", (36.30 + number / 40, 127.365))
        one = city.situation_of(f"R-{number}")["situation_id"]
        if number == 1:
            act(city, one, "acknowledge")
        elif number == 2:
            act(city, one, "close")
            wait_until(lambda one=one: city.read(f"situations/{one}")["situation"]["status"] == "closed", 20)
        sleep(1.1)  # the slider's steps are seconds: one lies between two of these
    sleep(2.1)  # the day ends at the last whole second before it is opened


def row_of(page: Page, city: ConsoleCity, case: str) -> Locator:
    return page.locator(f".recorded [id='row-{city.situation_of(case)['situation_id']}']")


def act(city: ConsoleCity, situation: str, action: str) -> None:
    headers = {"Authorization": f"Bearer {city.users['desk-1']}", "Idempotency-Key": f"{situation}-{action}"}
    path = f"{city.url}/v1/{city.city.name}/situations/{situation}/actions"
    answer = httpx.post(path, json={"action": action, "reason": "for the record"}, headers=headers)
    assert answer.status_code == 202, answer.text


def fold(city: ConsoleCity, until_ms: int) -> dict[str, int]:
    """Situation → revision, of all that were open at that time, straight from the topic's records."""
    newest: dict[str, dict[str, Any]] = {}
    for record in city.city.records("core.situation"):
        if record.value is not None and record.timestamp_ms <= until_ms:
            value = city.city.wire.decode(record.topic, record.value)
            newest[value["situation_id"]] = value
    return {
        its_id: one["revision"]
        for its_id, one in newest.items()
        if one["status"] != "closed" and not one["merged_into"]
    }


def open_day(person: Person) -> Page:
    page = person.sign_in("desk-1")
    page.get_by_role("link", name="A day again").click()
    expect(page.get_by_role("heading", name="Recorded day")).to_be_visible()
    expect(page.get_by_role("button", name="Play")).to_be_enabled()
    return page


def seek(page: Page, at_ms: int) -> None:
    """Put the slider on that time, a whole second, and wait until it is shown."""
    local = datetime.fromtimestamp(at_ms / 1000, ZONE)
    second = local.hour * 3_600 + local.minute * 60 + local.second
    page.get_by_role("slider").evaluate(
        "(it, value) => { it.value = value; it.dispatchEvent(new Event('input')); }", str(second)
    )
    expect(page.locator(".clock")).to_contain_text(local.strftime("%H:%M:%S"))


def listed(page: Page) -> dict[str, int]:
    rows = page.locator(".recorded .row").evaluate_all("(rows) => rows.map((it) => [it.id, it.revision])")
    return {its_id.removeprefix("row-"): revision for its_id, revision in rows}


def test_at_each_time_the_list_is_the_fold_of_the_log_also_after_a_seek_back(
    browser: Browser, city: ConsoleCity
) -> None:
    written = [one.timestamp_ms for one in city.city.records("core.situation")]
    times = sorted(
        {(at // SECOND_MS + 1) * SECOND_MS for at in written} | {min(written) // SECOND_MS * SECOND_MS}
    )[-TIMES_MAX:]
    expected = {at: fold(city, at) for at in times}
    assert len({tuple(sorted(one.items())) for one in expected.values()}) >= 4
    person = Person(browser, city)
    page = open_day(person)
    forwards = [*times[::2], times[-1]]
    for at in [*forwards, *reversed(times), times[-1], times[0]]:
        seek(page, at)
        assert listed(page) == expected[at], at
    person.close()


def test_playing_ends_in_what_the_log_says_and_live_events_do_not_come_in(
    browser: Browser, city: ConsoleCity
) -> None:
    written = [one.timestamp_ms for one in city.city.records("core.situation")]
    person = Person(browser, city)
    page = open_day(person)
    seek(page, (min(written) // SECOND_MS - 60) * SECOND_MS)
    assert listed(page) == {}
    city.push("calls", "R-LIVE", "fire.building", (36.40, 127.44))
    live = city.situation_of("R-LIVE")["situation_id"]
    page.get_by_role("button", name="60 times as fast").click()
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_role("button", name="Play")).to_be_visible(timeout=20_000)  # it ended by itself
    assert live not in listed(page)
    assert listed(page) == fold(city, max(written))
    page.get_by_role("link", name="Back to now").click()
    expect(page.locator(f"[id='row-{live}']")).to_be_visible()
    person.close()


def test_nothing_can_be_done_in_a_recorded_day(browser: Browser, city: ConsoleCity) -> None:
    person = Person(browser, city)
    page = person.sign_in("desk-1")
    person.open("R-0")  # chosen on the page of now: no key may act on it from the other page
    expect(page.get_by_role("button", name="Close")).to_be_visible()
    sent: list[str] = []
    page.on("request", lambda one: None if one.method == "GET" else sent.append(one.url))
    page.get_by_role("link", name="A day again").click()
    expect(page.get_by_role("button", name="Play")).to_be_enabled()
    for key in "atonfisrc":
        page.keyboard.press(key)
    expect(page.get_by_role("dialog")).to_have_count(0)
    written = max(one.timestamp_ms for one in city.city.records("core.situation"))
    seek(page, (written // SECOND_MS - 1) * SECOND_MS)
    row_of(page, city, "R-0").click()
    detail = page.get_by_role("region", name="The chosen situation")
    expect(detail.get_by_text("A recorded day: nothing can be done here.")).to_be_visible()
    expect(detail.locator(".story li").first).to_be_visible()
    expect(detail.locator(".actions button")).to_have_count(0)
    for box in [*detail.get_by_role("checkbox").all(), *detail.locator(".cameras button").all()]:
        expect(box).to_be_disabled()
    assert detail.get_by_role("checkbox").count() == 2
    for key in "atonfisrc":
        page.keyboard.press(key)
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert sent == []
    person.close()


def test_a_situation_of_the_day_is_printed_and_saved_as_it_was_known_then(
    browser: Browser, city: ConsoleCity
) -> None:
    its_id = next(
        one["situation_id"]
        for one in city.city.values("core.situation")
        if one["status"] == "closed" and one["incidents"][0]["agency_case_no"] == "R-2"
    )
    last = max(
        one.timestamp_ms
        for one in city.city.records("core.situation")
        if one.key is not None and one.key.decode() == its_id
    )
    written = min(
        one.timestamp_ms
        for one in city.city.records("core.situation")
        if one.key is not None and one.key.decode() == its_id
    )
    before = (written // SECOND_MS + 1) * SECOND_MS
    person = Person(browser, city)
    page = open_day(person)
    seek(page, before)
    known = fold(city, before)
    row = page.locator(f"[id='row-{its_id}']") if its_id in known else page.locator(".recorded .row").first
    row.click()
    expect(page.locator(".recorded .story li").first).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as JSON").click()
    told = json.loads(download.value.path().read_text(encoding="utf-8"))
    assert told["situation"]["revision"] == known[told["situation"]["situation_id"]]
    assert told["story"]
    assert before < last or its_id not in known
    page.emulate_media(media="print")
    expect(page.get_by_role("heading", name="Recorded day")).to_be_visible()
    expect(page.locator(".recorded .story li").first).to_be_visible()
    for hidden in (".recorded .list", ".recorded .map", ".recorded-tools", ".top"):
        expect(page.locator(hidden)).to_be_hidden()
    assert page.pdf()[:5] == b"%PDF-"
    person.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_a_recorded_day(
    browser: Browser, city: ConsoleCity, scheme: str
) -> None:
    person = Person(browser, city, color_scheme=scheme)
    page = open_day(person)
    written = max(one.timestamp_ms for one in city.city.records("core.situation"))
    seek(page, (written // SECOND_MS - 1) * SECOND_MS)
    row_of(page, city, "R-0").click()
    page.locator(".recorded .story li").first.wait_for()
    found = serious(page)
    page.locator(".recorded-tools").get_by_role("button", name="Hand-over").click()
    page.locator(".recorded").get_by_role("heading", name="Hand-over").wait_for()
    assert found + serious(page) == []
    person.close()


@pytest.mark.long
def test_a_busy_day_stays_fluid_at_600_times_its_speed(browser: Browser, city: ConsoleCity) -> None:
    """500 situations open, 1,500 revisions an hour: no task of the page's own takes longer than 200 ms."""
    person = Person(browser, city)
    page = person.sign_in("desk-1")
    page.route("**/recorded?**", busy)
    page.evaluate(
        """() => {
            window.longest = 0;
            new PerformanceObserver((list) => {
                for (const one of list.getEntries()) window.longest = Math.max(window.longest, one.duration);
            }).observe({ type: "longtask" });
        }"""
    )
    page.get_by_role("link", name="A day again").click()
    expect(page.get_by_role("button", name="Play")).to_be_enabled()
    expect(page.get_by_text("500 of 500 open situations")).to_be_visible()
    page.get_by_role("slider").evaluate("(it) => { it.value = 0; it.dispatchEvent(new Event('input')); }")
    page.get_by_role("button", name="600 times as fast").click()
    page.wait_for_timeout(2_000)
    page.evaluate("() => { window.longest = 0; }")
    page.get_by_role("button", name="Play").click()
    page.wait_for_timeout(30_000)
    longest = page.evaluate("() => window.longest")
    assert longest <= 200
    person.close()


def busy(route: Route) -> None:
    """An hour of a busy day: 500 situations stand, and each is revised three times."""
    asked = parse_qs(urlsplit(route.request.url).query)
    begin = datetime.fromisoformat(asked["from"][0].replace("Z", "+00:00"))
    page = int(asked.get("cursor", ["0"])[0])
    hour = int(begin.timestamp() // 3_600) % 100_000
    told = [busy_one(number, 1 + 3 * hour + page, begin) for number in range(500)]
    events = [
        {
            "at": (begin + timedelta(seconds=1_200 * page + 2.4 * number)).astimezone(UTC).isoformat(),
            "contract": "core.situation",
            "data": one,
        }
        for number, one in enumerate(told)
    ]
    standing = [busy_one(number, 3 * hour, begin) for number in range(500)] if page == 0 else []
    body = {"standing": standing, "events": events, "next": str(page + 1) if page < 2 else None}
    route.fulfill(json=body)


def busy_one(number: int, revision: int, begin: datetime) -> dict[str, Any]:
    at = begin.isoformat(timespec="milliseconds")
    place = {"lat": 36.28 + (number % 25) * 0.0055, "lon": 127.30 + number / 25 * 0.0079, "accuracy_m": 5.0}
    return {
        **example_of("core.situation"),
        "situation_id": f"busy-{number}",
        "revision": revision,
        "status": "open",
        "merged_into": None,
        "listed_under": None,
        "severity": ("severe", "moderate", "minor")[(number + revision) % 3],
        "event_time": at,
        "opened_at": at,
        "position": place,
    }
