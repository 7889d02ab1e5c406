"""Dates and numbers on the pages, in a real Chromium: one calendar and one set of digits in every language."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route

from connectors.sinks.console.city import LANGUAGES
from connectors.sinks.console.console import pages

MOMENT = """async (language) => {
    const words = await import("/console/words.js");
    await words.speak(language);
    words.ofCity({ timezone: "Asia/Bangkok", kinds: {} });
    return [words.moment("2026-07-05T18:02:03Z"), new Intl.NumberFormat(words.locale).format(1234.5)];
}"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of the console's files, without a city behind it."""
    served = pages()

    def answer(route: Route) -> None:
        found = served.get(re.sub(r"^.*/console/", "", route.request.url))
        if found is None:
            route.fulfill(status=200, body="<!doctype html>", content_type="text/html")
        else:
            route.fulfill(status=200, body=found.body, content_type=found.media_type)

    with browser.new_context() as context:
        context.route("**/*", answer)
        page = context.new_page()
        page.goto("http://console.test/console/none")
        yield page


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_date_has_the_year_of_the_times_that_stand_beside_it(page: Page, language: str) -> None:
    date, number = page.evaluate(MOMENT, language)
    # a reader compares it with ISO 8601: 6 July in Bangkok, not the Buddhist year 2569, and no digits but 0 to 9
    assert {"2026", "07", "06", "01", "02", "03"} == set(re.findall(r"\d+", date))
    assert date.isascii() or language == "ko"
    assert number == "1,234.5"


def test_a_browser_left_to_itself_would_show_the_buddhist_year(page: Page) -> None:
    alone = page.evaluate(
        "new Date('2026-07-05T18:02:03Z').toLocaleDateString('th', {timeZone: 'Asia/Bangkok'})"
    )
    assert "2569" in alone
