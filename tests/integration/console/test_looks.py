"""Pictures of the console, each page at each size: nothing is cut, and nothing lies over the header.

The pictures are to be looked at: the folder is written to standard error (``-s``), or named by ``BONGSU_PICTURES``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import time_ns
from typing import Any, Literal

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from deploy.assembly.stages import free_port
from deploy.settings import Endpoints
from tests.a_console import ConsoleCity, Person, serious
from tests.living_city import LivingCity, wait_until

pytestmark = pytest.mark.cluster

FAULTS = Path(__file__).with_name("faults.js").read_text(encoding="utf-8")
SIZES = {
    "1280x800": 1.0,
    "1920x1080": 1.0,
    "3840x2160": 1.0,
    "1024x768": 1.0,
    "768x1024": 1.0,
    "1280x900": 1.25,
}
"""Width and height → how large its letters are."""
PAGES = ("now", "situation", "handover", "sources", "figures", "recorded", "wall")
KINDS = (
    "crash.vehicle", "crash.pedestrian", "fire.building", "medical.overdose", "crime.robbery",
    "hazard.fuel", "crash.minor", "traffic.stalled", "rescue.elevator", "gas.leak",
)  # fmt: skip
CUT_S = 30


@dataclass(frozen=True, slots=True)
class Look:
    """A way to see a page."""

    size: str
    scheme: Literal["light", "dark"] = "light"
    language: Literal["en", "ko", "th"] = "en"

    @property
    def view(self) -> dict[str, Any]:
        width, height = map(int, self.size.split("x"))
        return {"viewport": {"width": width, "height": height}, "color_scheme": self.scheme}

    def __str__(self) -> str:
        return f"{self.size}-{self.scheme}-{self.language}"


LOOKS = [
    Look("1280x800"),
    Look("1280x800", "dark", "ko"),
    Look("1920x1080", "light", "ko"),
    Look("1920x1080", "dark"),
    Look("3840x2160"),
    Look("3840x2160", "dark", "ko"),
    Look("1024x768", "dark"),
    Look("768x1024", "light", "ko"),
    Look("1280x900"),
    Look("1280x800", "light", "th"),
    Look("1920x1080", "dark", "th"),
]


@pytest.fixture(scope="module")
def city(cluster: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleCity]:
    found = ConsoleCity(LivingCity(f"looks-{free_port()}", tmp_path_factory.mktemp("looks"), cluster))
    with found.running():
        fill(found)
        yield found


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(os.environ.get("BONGSU_PICTURES") or tmp_path_factory.mktemp("pictures"))
    folder.mkdir(parents=True, exist_ok=True)
    sys.stderr.write(f"pictures: {folder}\n")
    return folder


def fill(city: ConsoleCity) -> None:
    """Begin 30 situations of several kinds: one that two agencies report, some acknowledged, one taken over."""
    now = time_ns() // 1_000_000
    for number in range(30):
        place = (36.30 + (number * 7 % 30) / 280, 127.32 + (number * 11 % 30) / 240)
        city.push(
            "calls" if number % 2 else "reports", f"2026-{number:06d}", KINDS[number % len(KINDS)], place,
            event_time=now - number * 90_000,
        )  # fmt: skip
    city.push("reports", "P-JOINED", "crash.injury", (36.3501, 127.3801), event_time=now)
    city.push("calls", "F-JOINED", "crash.injury", (36.3502, 127.3801), event_time=now)
    wait_until(lambda: len(city.situation_of("P-JOINED")["incidents"]) == 2, 20, 0.3)
    for number, action in enumerate(("acknowledge", "take_over", "acknowledge", "note", "confirm")):
        case = f"2026-{number + 3:06d}" if number else "P-JOINED"
        one = city.situation_of(case)["situation_id"]
        headers = {"Authorization": f"Bearer {city.users['desk-1']}", "Idempotency-Key": f"looks-{number}"}
        told = {"action": action, "reason": "seen on the camera at the crossing; the second lane is blocked"}
        path = f"{city.url}/v1/{city.city.name}/situations/{one}/actions"
        assert httpx.post(path, json=told, headers=headers, timeout=10).status_code == 202


@pytest.fixture(scope="module")
def signed_in(browser: Browser, city: ConsoleCity) -> Any:
    """The cookies of somebody who signed in: as often as there are looks would be too often."""
    person = Person(browser, city)
    person.sign_in("desk-1")
    state = person.context.storage_state()
    person.close()
    return state


def show(person: Person, city: ConsoleCity, name: str, look: Look) -> Page:
    """Open the page *name*, with all that it shows."""
    page = person.page
    page.goto("about:blank")
    page.goto(f"{city.url}/console/{'' if name in ('now', 'situation') else f'#{name}'}")
    expect(page.locator(".as-of")).not_to_be_empty()
    page.evaluate(
        "size => { document.documentElement.style.fontSize = size }",
        f"{SIZES[look.size]:.0%}" if SIZES[look.size] != 1 else "",
    )
    if name in ("now", "situation", "wall"):
        expect(page.locator(".row").first).to_be_visible()
    if name in ("situation", "wall"):
        page.keyboard.press("j")
        page.locator(".story li").first.wait_for(state="attached")
    elif name == "figures":
        page.locator("table").last.wait_for()
    elif name == "sources":
        page.locator(".health table").first.wait_for()
    elif name == "recorded":
        expect(page.locator("button.play")).to_be_enabled()
    page.wait_for_timeout(400)
    return page


def person_of(browser: Browser, city: ConsoleCity, look: Look, state: Any = None) -> Person:
    locale = {"en": "en-US", "ko": "ko-KR", "th": "th-TH"}[look.language]
    person = Person(browser, city, locale=locale, storage_state=state, **look.view)
    chosen = f"localStorage.setItem('language', '{look.language}')"
    person.context.add_init_script(f"if (location.protocol === 'http:') {chosen}")
    return person


def faults_of(page: Page, where: str) -> list[str]:
    return [f"{where}: {one}" for one in page.evaluate(FAULTS)]


@pytest.mark.long
@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_nothing_is_cut_and_nothing_lies_over_the_header(
    browser: Browser, city: ConsoleCity, signed_in: Any, pictures: Path, look: Look
) -> None:
    stranger = person_of(browser, city, look)
    stranger.page.goto(f"{city.url}/console/")
    stranger.page.locator("input").first.wait_for()
    stranger.page.screenshot(path=pictures / f"signin-{look}.png")
    found = faults_of(stranger.page, "signin")
    stranger.close()
    person = person_of(browser, city, look, signed_in)
    for name in PAGES:
        page = show(person, city, name, look)
        page.screenshot(path=pictures / f"{name}-{look}.png")
        found += faults_of(page, name)
    person.close()
    assert found == []


@pytest.mark.long
@pytest.mark.parametrize(
    "look",
    [
        Look("1280x800"),
        Look("1280x800", "dark"),
        Look("1280x800", "light", "ko"),
        Look("1280x800", "light", "th"),
    ],
    ids=str,
)
def test_axe_finds_nothing_serious_on_any_page(
    browser: Browser, city: ConsoleCity, signed_in: Any, look: Look
) -> None:
    person = person_of(browser, city, look, signed_in)
    found = []
    for name in PAGES:
        page = show(person, city, name, look)
        page.wait_for_timeout(2_500)  # colours of new rows fade for 2.4 s
        found += [f"{name}: {one}" for one in serious(page)]
    person.close()
    assert found == []


@pytest.mark.long
def test_a_cut_of_30_s_is_said_and_nothing_is_missing_after_it(browser: Browser, city: ConsoleCity) -> None:
    person = Person(browser, city)
    page = person.sign_in("desk-2")
    expect(page.get_by_role("listbox")).to_be_visible()
    person.context.set_offline(True)
    told = page.get_by_role("alert").filter(has_text="No connection since")
    expect(told).to_be_visible()
    for number in range(5):
        city.push("reports", f"P-CUT-{number}", "crash.minor", (36.30 + number / 50, 127.44))
        page.wait_for_timeout(CUT_S / 5 * 1000)
    expect(told).to_be_visible()
    person.context.set_offline(False)
    expect(told).to_be_hidden()
    for number in range(5):
        person.open(f"P-CUT-{number}")
        expect(page.get_by_role("region", name="The chosen situation")).to_contain_text(f"P-CUT-{number}")
    person.close()
