"""The page of figures in a real Chromium over a running city: the numbers are the route's, and what is not told is said."""

from __future__ import annotations

from collections.abc import Iterator
from time import time_ns
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from deploy.assembly.stages import free_port
from deploy.settings import Endpoints
from tests.a_console import ConsoleCity, Person, serious
from tests.living_city import LivingCity, wait_until

pytestmark = [pytest.mark.cluster]

PLACE = (36.4150, 127.4550)


@pytest.fixture(scope="module")
def city(cluster: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleCity]:
    """A city of its own, in which nothing was counted before."""
    found = ConsoleCity(LivingCity(f"figures-{free_port()}", tmp_path_factory.mktemp("figures"), cluster))
    with found.running():
        yield found


def report(city: ConsoleCity, case: str, place: tuple[float, float], *, arrives: bool) -> None:
    """A crash that both agencies report; 119 says that its units are there, where *arrives*."""
    began = time_ns() // 1_000_000 - 300_000
    city.push("calls", f"F-{case}", "crash.vehicle", place, event_time=began)
    city.push("reports", f"P-{case}", "crash.vehicle", (place[0] + 0.0001, place[1]), event_time=began + 1000)
    city.situation_of(f"P-{case}")
    if arrives:
        city.push(
            "calls", f"F-{case}", "crash.vehicle", place, status="arrived", revision=2, event_time=began
        )


def figures_of(city: ConsoleCity) -> dict[str, Any]:
    return city.read("figures")


def number(page: Any, name: str) -> Any:
    """The number below *name*."""
    return page.locator("dl > div").filter(has=page.get_by_text(name, exact=True)).locator(".number")


def test_what_is_not_reported_is_said_and_what_is_has_the_numbers_of_the_route(
    browser: Browser, city: ConsoleCity
) -> None:
    report(city, "ONE", PLACE, arrives=False)
    wait_until(lambda: figures_of(city)["whole"]["situations"] == 1, 60)
    whole = figures_of(city)["whole"]
    assert (whole["dispatch"], whole["arrival"], whole["within_goal_share"], whole["video"]) == (None,) * 4
    person = Person(browser, city)
    page = person.sign_in("watcher")
    page.get_by_role("link", name="Figures").click()
    expect(number(page, "Situations")).to_have_text("1")
    for name in ("Report to dispatch", "Report to arrival", "Report to first picture", "There within 7 min"):
        expect(number(page, name)).to_have_text("not reported")
    expect(number(page, "Joined from several agencies")).to_have_text("100 %")

    report(city, "TWO", (36.4150, 127.3100), arrives=True)
    wait_until(lambda: figures_of(city)["whole"]["arrival"] is not None, 60)
    page.get_by_role("button", name="Show", exact=True).click()
    expect(number(page, "Situations")).to_have_text("2")
    whole = figures_of(city)["whole"]
    assert whole["arrival"]["count"] == 1
    assert 300 <= whole["arrival"]["median_s"] < 420
    minutes = f"{round(whole['arrival']['median_s'] / 6) / 10:g} min"
    expect(number(page, "Report to arrival")).to_have_text(minutes)
    expect(number(page, "There within 7 min")).to_have_text("100 %")
    expect(number(page, "Report to dispatch")).to_have_text("not reported")
    kinds = page.get_by_role("table", name="By kind")
    expect(kinds.get_by_role("row", name="Traffic crash")).to_contain_text(minutes)
    expect(page.get_by_role("table", name="By day").get_by_role("row")).to_have_count(8)
    loads = {one["audience"]: one for one in whole["loads"]}
    load = page.get_by_role("table", name="Load of alerts (IEC 62682)")
    for audience, one in loads.items():
        row = load.get_by_role("row", name=audience).first
        expect(row.get_by_role("cell").first).to_have_text(str(one["alerts"]))
    expect(page.get_by_role("img", name="Report to arrival, median in minutes")).to_have_count(2)
    person.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_has_no_serious_finding_of_axe(browser: Browser, city: ConsoleCity, theme: Any) -> None:
    wait_until(lambda: bool(figures_of(city)["whole"]["situations"]), 60)
    person = Person(browser, city, color_scheme=theme)
    page = person.sign_in("watcher")
    page.get_by_role("link", name="Figures").click()
    expect(page.get_by_role("table", name="By kind")).to_be_visible()
    assert serious(page) == []
    person.close()


def test_days_are_chosen_by_keyboard_and_a_span_that_is_none_is_explained(
    browser: Browser, city: ConsoleCity
) -> None:
    person = Person(browser, city)
    page = person.sign_in("watcher")
    page.get_by_role("link", name="Figures").click()
    page.get_by_label("From", exact=True).fill("2026-03-08")
    page.get_by_label("To", exact=True).fill("2026-03-09")
    page.keyboard.press("Enter")
    expect(page.get_by_role("table", name="By day").get_by_role("row")).to_have_count(3)
    expect(number(page, "Situations")).to_have_text("not reported")
    page.get_by_label("To", exact=True).fill("2026-03-07")
    page.get_by_role("button", name="Show", exact=True).press("Enter")
    expect(page.get_by_role("alert").filter(has_text="is after")).to_be_visible()
    person.close()
