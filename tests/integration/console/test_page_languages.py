"""The pages' languages in a real Chromium, without a city behind: who chooses one, its calendar and its digits."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from connectors.sinks.console.city import LANGUAGES, ConsoleCity
from connectors.sinks.console.console import pages

MOMENT = """async (language) => {
    const words = await import("/console/words.js");
    await words.speak(language);
    words.ofCity({ timezone: "Asia/Bangkok", kinds: {} });
    return [words.moment("2026-07-05T18:02:03Z"), new Intl.NumberFormat(words.locale).format(1234.5)];
}"""
BANGKOK = "{timeZone: 'Asia/Bangkok'}"
CITY = ConsoleCity("demo", "Demo", "Asia/Bangkok", (16.5, 104.6, 16.6, 104.8))


def session(*, may_read: bool) -> dict[str, object]:
    may = {"act": [], "read": may_read}
    return {"account": {"account_id": "a", "name": "desk-1", "role": "viewer", "may": may}, "csrf": "x"}


def told(path: str, *, may_read: bool) -> object:
    """The answer of a city in which nothing happens."""
    if path == "api/city":
        return CITY.told(is_signed_in=True)
    if path == "api/session":
        return session(may_read=may_read)
    return {"situations": [], "next": None} if "situations" in path else {}


def serve(page: Page, *, may_read: bool = True) -> None:
    """Answer what *page* asks, from the console's files."""
    served = pages()

    def answer(route: Route) -> None:
        path = re.sub(r"^https?://[^/]+/(console/)?|\?.*$", "", route.request.url)
        if path.endswith("events"):
            route.fulfill(status=200, body="retry: 60000\n\n", content_type="text/event-stream")
        elif (found := served.get(path or "index.html")) is not None:
            route.fulfill(status=200, body=found.body, content_type=found.media_type)
        elif path == "none":
            route.fulfill(status=200, body="<!doctype html>", content_type="text/html")
        else:
            body = json.dumps(told(path, may_read=may_read))
            route.fulfill(status=200, body=body, content_type="application/json")

    page.route("**/*", answer)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context(locale="th-TH") as context:
        yield context.new_page()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_date_has_the_year_of_the_times_that_stand_beside_it(page: Page, language: str) -> None:
    serve(page)
    page.goto("http://console.test/console/none")
    date, number = page.evaluate(MOMENT, language)
    # a reader compares it with ISO 8601: 6 July in Bangkok, not the Buddhist year 2569, and no digits but 0 to 9
    assert {"2026", "07", "06", "01", "02", "03"} == {one.zfill(2) for one in re.findall(r"\d+", date)}
    assert date.isascii() or language == "ko"
    assert number == "1,234.5"


def test_a_browser_left_to_itself_would_show_the_buddhist_year(page: Page) -> None:
    alone = page.evaluate(f"new Date('2026-07-05T18:02:03Z').toLocaleDateString('th', {BANGKOK})")
    assert "2569" in alone


@pytest.mark.parametrize("may_read", [True, False], ids=["reads", "reads-nothing"])
def test_each_language_is_chosen_on_a_page_in_any_other(page: Page, may_read: bool) -> None:
    serve(page, may_read=may_read)
    page.goto("http://console.test/console/")
    page.keyboard.press("Escape")  # the tour
    for before, after in (("th", "ko"), ("ko", "en"), ("en", "th")):
        expect(page.locator(f"html[lang={before}]")).to_be_attached()
        choice = page.locator("header.top .tools select")
        expect(choice).to_have_value(before)
        assert choice.locator("option").all_inner_texts() == list(LANGUAGES.values())
        choice.select_option(after)
    expect(page.locator("html[lang=th]")).to_be_attached()
