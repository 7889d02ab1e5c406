"""Missing persons on the console in a real Chromium: opened and answered by keyboard, the route drawn, all forgotten."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from deploy.assembly.stages import free_port
from deploy.settings import Endpoints
from schemas.event import Event, event_fields
from streams.operators.publisher import Publisher
from tests.a_console import ConsoleCity, Person, serious
from tests.living_city import LivingCity

pytestmark = [pytest.mark.cluster]

MORE = """
[cases]
agencies = ["112"]
[persons]
clock_s = 5
rank_s = 1
[persons.route]
show = 1e-9
accept = 0.6
keep = 0.1
gap_s = 300
[console]
crop = "/crops/{crop}"
"""
PLACE = (36.35, 127.38)
LOOKS = {"upper_colour": "red", "hat": "yes"}
CANARY = "canary-number-17"
KOREAN = ("키로 로그인", "키", "로그인")
PICTURES = os.environ.get("BONGSU_PICTURES")
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@pytest.fixture(scope="module")
def city(cluster: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleCity]:
    """A city whose police may look for missing persons, with two officers."""
    living = LivingCity(f"cases-{free_port()}", tmp_path_factory.mktemp("cases"), cluster)
    # its file ends with a table of [console.steps] before these
    found = ConsoleCity(living, more=MORE)
    with found.running():
        for name in ("officer-1", "officer-2"):
            words = ("user", "add", name, "--role", "operator", "--audience", "112")
            found.users[name] = found.city.bongsu(
                *words, "--purpose", "missing-person", "--city", str(living.file)
            ).stdout.split()[-1]
        yield found


class Street:
    """Sightings of people at the city's own cameras, on the bus."""

    def __init__(self, city: ConsoleCity) -> None:
        near = f"cameras?near={PLACE[0]},{PLACE[1]}&radius_m=1400&limit=20"
        self.cameras = [one["camera"] for one in city.read(near)["cameras"]]
        self._city = city
        self._to = Publisher(city.city.name, "people", bootstrap=city.city.places.kafka, wire=city.city.wire)

    def sight(self, camera: int, minutes_ago: float, **looks: str) -> None:
        """Somebody with *looks* is seen by the camera of that number, counted from the nearest on."""
        one = self.cameras[camera]
        at_ms = time.time_ns() // 1_000_000 - round(minutes_ago * 60_000)
        event_id = f"{camera}-{minutes_ago}-{sorted(looks.items())}"
        name = self._city.city.name
        fields = event_fields(name, "people", event_id=event_id, event_time_ms=at_ms, received_ms=at_ms)
        about = {
            "position": one["position"],
            "camera_id": one["camera_id"],
            "track_id": event_id,
            "analytic": "onvif",
            "attributes": [{"name": key, "word": word, "confidence": 0.9} for key, word in looks.items()],
            "crop": {"ref": f"a b/{camera}", "expires_at": at_ms + 86_400_000},
            "clock_error_s": None,
            "case_id": None,
            "score": None,
        }
        self._to.publish(Event("cctv.person", one["camera_id"], {**fields, **about}))


def typed(page: Page, label: str, text: str) -> None:
    """Go to a field and type into it, as hands do."""
    page.get_by_label(label, exact=True).focus()
    page.keyboard.press("Control+A")
    page.keyboard.type(text)


def chosen(page: Page, name: str, first: str) -> None:
    """Go to the choice of that name and type what its word begins with."""
    page.locator(f'select[name="{name}"]').focus()  # its label's text has the options', too
    page.keyboard.type(first)


def candidates(page: Page) -> Any:
    return page.locator(".candidate")


def open_by_keyboard(page: Page) -> None:
    """An adult without a ground is refused, with the other grounds; then the case of a person with dementia is opened."""
    page.get_by_role("link", name="Missing persons").press("Enter")
    expect(page.locator(".case-list")).to_contain_text("No case is open.")
    page.keyboard.press("o")
    page.keyboard.type(CANARY)
    chosen(page, "ground", "None")
    typed(page, "Officer or unit that asks, no name", "canary-unit")
    typed(page, "Latitude", str(PLACE[0]))
    typed(page, "Longitude", str(PLACE[1]))
    chosen(page, "upper_colour", "red")
    chosen(page, "hat", "yes")
    seen = datetime.now(UTC) + timedelta(hours=9) - timedelta(minutes=60)
    page.get_by_label("Last seen", exact=True).fill(seen.strftime("%Y-%m-%dT%H:%M"))
    page.keyboard.press("Enter")
    refused = page.get_by_role("alert").filter(has_text="the law has no ground")
    expect(refused).to_contain_text("Danger to life (PIPA Art. 18(2)3")
    picture(page, "form")
    chosen(page, "ground", "Dem")
    typed(page, "Radius in metres", "1500")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name=CANARY)).to_have_attribute("aria-pressed", "true")


def picture(page: Page, name: str) -> None:
    """Take a picture to be looked at, where ``BONGSU_PICTURES`` names a folder."""
    if PICTURES:
        before = page.viewport_size
        for size in ((1280, 800), (1920, 1080)):
            page.set_viewport_size({"width": size[0], "height": size[1]})
            page.wait_for_timeout(500)
            Path(PICTURES).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=Path(PICTURES) / f"cases-{name}-{size[0]}.png")
        if before:
            page.set_viewport_size(before)


def heap(page: Page) -> str:
    """All that the page's memory holds, strings included."""
    session = page.context.new_cdp_session(page)
    parts: list[str] = []
    session.on("HeapProfiler.addHeapSnapshotChunk", lambda told: parts.append(told["chunk"]))
    session.send("HeapProfiler.enable")
    session.send("HeapProfiler.collectGarbage")
    session.send("HeapProfiler.takeHeapSnapshot", {"reportProgress": False})
    session.detach()
    return "".join(parts)


def test_a_case_is_opened_answered_and_closed_by_keyboard_and_nothing_of_it_stays(
    browser: Browser, city: ConsoleCity
) -> None:
    street = Street(city)
    for camera, minutes in ((0, 55), (1, 40), (2, 25)):
        street.sight(camera, minutes, **LOOKS)
    street.sight(3, 30, upper_colour="red", hat="no", lower_kind="skirt")
    first = Person(browser, city, color_scheme="light")
    page = first.sign_in("officer-1")
    open_by_keyboard(page)
    expect(candidates(page).first).to_be_visible(timeout=20_000)
    expect(page.locator(".heading .count")).to_have_text("4 wait")
    best = candidates(page).first
    expect(best).to_contain_text("Upper colour: red — agrees")
    expect(best).to_contain_text(re.compile(r"\d+ m, \d+ s after the person was last seen"))
    link = best.get_by_role("link", name="Open the picture at its keeper")
    assert re.fullmatch(r"/crops/a%20b%2F\d", link.get_attribute("href") or "")
    page.keyboard.press("ArrowRight")
    expect(candidates(page).nth(1)).to_have_attribute("aria-current", "true")
    page.keyboard.press("ArrowLeft")

    second = Person(browser, city, locale="ko-KR", color_scheme="dark")
    other = second.sign_in("officer-2", KOREAN)
    other.get_by_role("link", name="실종자").click()
    other.get_by_role("button", name=CANARY).press("Enter")
    expect(candidates(other).first).to_contain_text("상의 색: 빨강 — 일치")
    expect(other.locator(".candidate [data-is=differs]").first).to_contain_text("불일치, 찾는 것: 있음")

    hops, shown = page.locator(".hops .hop"), page.locator(".cases > .map")
    answered = candidates(page).first.get_attribute("data-candidate")
    page.keyboard.press("y")
    expect(page.locator(f'[data-candidate="{answered}"]')).to_have_count(0)
    expect(hops).to_have_count(1)
    expect(candidates(page).first).to_contain_text("the last confirmed sighting")
    expect(shown).to_have_attribute("data-hops", "1")
    assert int(shown.get_attribute("data-next") or 0) > 0
    expect(other.locator(".hops .hop")).to_have_count(1)  # nobody reloaded a page
    confirm_by_place(other)
    expect(hops).to_have_count(2)
    expect(shown).to_have_attribute("data-gaps", "1")
    expect(page.locator(".hops .gap")).to_contain_text("without a confirmed sighting")
    for name, told in (("en", page), ("ko", other)):
        picture(told, name)
        for scheme in SCHEMES:
            told.emulate_media(color_scheme=scheme)
            assert serious(told) == []
    page.keyboard.press("z")
    expect(hops).to_have_count(1)
    expect(other.locator(".hops .hop")).to_have_count(1)

    assert CANARY in heap(page)  # so that this search can find something
    page.get_by_role("button", name="Close the case").press("Enter")
    chosen(page, "reason", "The person is")
    page.get_by_role("dialog").get_by_role("button", name="Close the case").press("Enter")
    expect(page.locator(".case-list")).to_contain_text("No case is open.")
    expect(other.locator(".case-list")).to_contain_text("진행 중인 사건이 없습니다.")
    for told in (page, other):
        assert CANARY not in told.content()
        assert "canary-unit" not in told.content()
        held = heap(told)
        assert CANARY not in held
        assert str(answered) not in held
    first.close()
    second.close()


def confirm_by_place(page: Page) -> None:
    """Press the key at the place of Y on a Korean keyboard, which writes ㅛ, for a sighting like the person."""
    before = page.locator('.candidate[aria-current="true"]').get_attribute("data-candidate")
    page.evaluate(
        "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'ㅛ', code: 'KeyY', bubbles: true}))"
    )
    expect(page.locator(f'[data-candidate="{before}"]')).to_have_count(0)


def test_the_page_of_cases_is_for_officers_of_an_agency_that_looks_for_persons(
    browser: Browser, city: ConsoleCity
) -> None:
    person = Person(browser, city)
    page = person.sign_in("desk-1")
    expect(page.get_by_role("link", name="Hand-over")).to_be_visible()
    expect(page.get_by_role("link", name="Missing persons")).to_have_count(0)
    page.goto(f"{city.url}/console/#cases")
    expect(page.locator("main.now")).to_be_visible()
    path = f"{city.url}/v1/{city.city.name}/cases"
    headers = {"Authorization": f"Bearer {city.users['desk-1']}"}
    assert httpx.get(path, headers=headers, timeout=10).status_code == 403
    person.close()
