"""Somebody new at the console, by nothing but what the pages say and label: no selector names a class or an id.

The words stand here once more, as a person would be told them; they are not read from the console's files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.a_console import ConsoleCity, Person
from tests.living_city import wait_until

pytestmark = pytest.mark.cluster


@dataclass(frozen=True, slots=True)
class Words:
    """The words that somebody new is told to look for."""

    by_key: str
    key: str
    sign_in: str
    tour: str
    end_of_tour: str
    situations: str
    joined: str
    cameras: str
    picture: str
    close_window: str
    actions: str
    file: str
    to: str
    fire: str
    reason: str
    done: str
    close: str


ENGLISH = Words(
    "Sign in with a key", "Key", "Sign in", "A short tour", "Done", "Open situations", "2 reports joined",
    "Nearest cameras", "Open the picture of", "Close the window", "What you can do", "File", "To whom",
    "Fire and ambulance (119)", "Reason", "File: done", "Close",
)  # fmt: skip
KOREAN = Words(
    "키로 로그인", "키", "로그인", "화면 안내", "끝", "진행 중인 상황", "신고 2건 병합",
    "가까운 카메라", "영상 열기", "창 닫기", "할 수 있는 조치", "이관", "이관할 곳",
    "소방·구급 (119)", "사유 (기록됩니다)", "이관: 완료", "종결",
)  # fmt: skip


@pytest.mark.parametrize(
    ("locale", "words", "place"),
    [("en-US", ENGLISH, (36.3901, 127.4301)), ("ko-KR", KOREAN, (36.3001, 127.3301))],
    ids=["english", "korean"],
)
def test_somebody_new_finds_the_joined_crash_looks_files_and_closes_it(
    browser: Browser, city: ConsoleCity, locale: str, words: Words, place: tuple[float, float]
) -> None:
    case = f"P-{locale}"
    city.push("reports", case, "crash.vehicle", place)
    beside = (place[0] + 0.0001, place[1])
    city.push("highway", f"H-{locale}", "crash.vehicle", beside, agency="highway-patrol")
    wait_until(lambda: len(city.situation_of(case)["incidents"]) == 2, 20, 0.2)
    one = city.situation_of(case)["situation_id"]
    person = Person(browser, city, locale=locale)
    page = person.page
    page.goto(f"{city.url}/console/")
    page.get_by_text(words.by_key).click()
    page.get_by_role("textbox", name=words.key, exact=True).fill(city.users["desk-1"])
    page.get_by_role("button", name=words.sign_in).last.click()
    page.get_by_role("dialog", name=words.tour).get_by_role("button", name=words.end_of_tour).first.click()
    list_of_all = page.get_by_role("listbox", name=words.situations)
    list_of_all.get_by_role("option").filter(has_text=words.joined).first.click()
    expect(page.get_by_text(words.cameras)).to_be_visible()
    page.get_by_role("button", name=re.compile(words.picture)).first.click()
    picture = page.get_by_role("dialog", name=re.compile(words.picture))
    expect(picture.get_by_role("status")).not_to_be_empty()
    picture.get_by_role("button", name=words.close_window).click()
    may = page.get_by_role("group", name=words.actions)
    may.get_by_role("button", name=words.file).click()
    filing = page.get_by_role("dialog", name=words.file)
    expect(filing.get_by_role("option")).to_have_count(1)  # 112 has reported it itself
    filing.get_by_role("combobox", name=words.to).select_option(label=words.fire)
    filing.get_by_role("textbox", name=words.reason).fill("two cars, one lane")
    filing.get_by_role("button", name=words.file, exact=True).click()
    expect(page.get_by_role("status").filter(has_text=words.done)).to_be_visible()
    may.get_by_role("button", name=words.close).click()
    closing = page.get_by_role("dialog", name=words.close)
    closing.get_by_role("textbox", name=words.reason).fill("both cars are gone")
    closing.get_by_role("button", name=words.close, exact=True).click()
    wait_until(lambda: city.read(f"situations/{one}")["situation"]["status"] == "closed", 20, 0.2)
    told = city.read(f"situations/{one}")["situation"]
    assert [it["action"] for it in told["actions"]] == ["file", "close"]
    assert told["actions"][-1]["reason"] == "both cars are gone"
    person.close()


def test_the_keyboard_stays_where_it_was_when_the_situation_is_drawn_anew(
    browser: Browser, city: ConsoleCity
) -> None:
    city.push("reports", "P-FOCUS", "crash.vehicle", (36.40, 127.43))
    first, second = Person(browser, city), Person(browser, city)
    page = first.sign_in("desk-1")
    first.open("P-FOCUS")
    told = page.get_by_role("region", name="The chosen situation")
    picture = told.get_by_role("button", name=re.compile("Open the picture of")).first
    picture.focus()
    other = second.sign_in("desk-2")
    second.open("P-FOCUS")
    note(other, "the lane is free")
    expect(told.get_by_text("the lane is free")).to_be_visible()
    expect(picture).to_be_focused()
    picture.press("Enter")
    dialog = page.get_by_role("dialog", name=re.compile("Open the picture of"))
    expect(dialog).to_be_visible()
    note(other, "both cars are gone")
    expect(told.get_by_text("both cars are gone")).to_be_visible()
    page.keyboard.press("Escape")
    expect(picture).to_be_focused()
    told.get_by_role("button", name="Acknowledge").focus()
    note(other, "all is well")
    expect(told.get_by_text("all is well")).to_be_visible()
    expect(told.get_by_role("button", name="Acknowledge")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Acknowledge").press("Enter")
    expect(told.get_by_role("button", name="Acknowledge")).to_have_count(0)
    expect(told).to_be_focused()
    expect(told.get_by_text("Acknowledged by desk-1 at")).to_be_visible()
    assert httpx.get(f"{city.url}/console/api/people").status_code == 401
    mine = httpx.get(
        f"{city.url}/console/api/people", headers={"Authorization": f"Bearer {city.keys['calls']}"}
    )
    assert mine.json() == {}  # a key without a purpose
    for person in (first, second):
        person.close()


def note(page: Page, text: str) -> None:
    page.get_by_role("button", name="Note").click()
    page.get_by_role("textbox", name="Reason").fill(text)
    page.get_by_role("dialog").get_by_role("button", name="Note").click()
