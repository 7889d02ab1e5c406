"""The console in a real Chromium over a running city: seen, understood and acted on as people do, by roles and names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import asin, cos, radians, sin, sqrt

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.a_console import ConsoleCity, Person, serious
from tests.living_city import wait_until

pytestmark = [pytest.mark.cluster]

KOREAN = ("키로 로그인", "키", "로그인")
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"


def metres(a: tuple[float, float], b: tuple[float, float]) -> float:
    """The great circle, by the haversine formula."""
    (south, west), (north, east) = (tuple(map(radians, one)) for one in (a, b))
    h = sin((north - south) / 2) ** 2 + cos(south) * cos(north) * sin((east - west) / 2) ** 2
    return 2 * 6_371_000 * asin(sqrt(h))


def test_a_joined_crash_shows_both_agencies_and_its_cameras_by_distance(
    browser: Browser, city: ConsoleCity
) -> None:
    place = (36.3501, 127.3801)
    city.push("calls", "F-JOIN", "crash.vehicle", place)
    city.push(
        "reports",
        "P-JOIN",
        "crash.vehicle",
        (place[0] + 0.0001, place[1]),
        address="Daedeok-daero 99",
        units=["Patrol-6"],
    )
    person = Person(browser, city)
    page = person.sign_in("desk-1")
    person.open("deok-DAERO 99")
    expect(page.locator(".reports").get_by_text("Daedeok-daero 99")).to_be_visible()
    expect(page.locator(".reports").get_by_text("Units: Patrol-6")).to_be_visible()
    detail = page.get_by_role("region", name="The chosen situation")
    expect(detail.get_by_role("heading", name="Vehicle crash")).to_be_visible()
    story = detail.locator("details", has_text="Story")
    expect(story.get_by_text("119 F-JOIN")).to_be_visible()
    expect(story.get_by_text("112 P-JOIN")).to_be_visible()
    expect(story.get_by_text(re.compile("joined with the report of (119|112): .*11 m apart"))).to_be_visible()
    names = [one.split(",")[0] for one in detail.locator(".cameras .name").all_inner_texts()]
    situation = city.situation_of("P-JOIN")
    at = (situation["position"]["lat"], situation["position"]["lon"])
    everywhere = city.read("cameras?near=36.35,127.38&radius_m=50000&limit=500")["cameras"]
    places = {
        one["camera"]["name"]: (one["camera"]["position"]["lat"], one["camera"]["position"]["lon"])
        for one in everywhere
    }
    away = [metres(at, places[name]) for name in names]
    assert away == sorted(away)
    assert min(metres(at, one) for one in places.values()) == away[0]
    assert len(names) == len(situation["cameras"]) > 1
    person.close()


def test_the_evidence_of_the_opened_situation_alone_is_on_the_map_with_a_number_where_places_are_one(
    browser: Browser, city: ConsoleCity
) -> None:
    place = (36.3011, 127.3411)
    city.push("calls", "F-EVID", "crash.vehicle", place)
    city.push("reports", "P-EVID", "crash.vehicle", place)
    city.push("highway", "H-EVID", "crash.vehicle", (place[0] + 0.0002, place[1]), agency="highway-patrol")
    city.push("calls", "F-NONE", "crash.minor", (36.41, 127.45))
    wait_until(lambda: len(city.situation_of("H-EVID")["evidence"]) == 3, 20, 0.2)
    person = Person(browser, city)
    page = person.sign_in("desk-1")
    city_map = page.get_by_role("application", name="Map of the situations")
    expect(page.get_by_text("several at one place")).to_be_visible()  # the legend
    person.open("H-EVID")
    detail = page.get_by_role("region", name="The chosen situation")
    expect(detail.get_by_text("Evidence on the map: 3, at 2 places.")).to_be_visible()
    expect(detail.get_by_text("36.30110, 127.34110: report × 2")).to_be_visible()
    expect(city_map).to_have_attribute("data-evidence", "2 1")
    person.open("F-NONE")
    expect(city_map).to_have_attribute("data-evidence", "1")
    page.locator("body").press("Escape")
    expect(city_map).to_have_attribute("data-evidence", "")
    person.close()


def test_an_alert_says_to_whom_it_was_delivered(browser: Browser, city: ConsoleCity) -> None:
    city.push("calls", "F-TOLD", "fire.building", (36.295, 127.395))
    one = city.situation_of("F-TOLD")["situation_id"]
    person = Person(browser, city)
    page = person.sign_in("desk-1")
    person.open("F-TOLD")
    alerts = page.locator("details[data-part=alerts]")
    expect(alerts.get_by_role("list", name="Receivers")).not_to_have_count(0)
    told = city.read(f"situations/{one}/deliveries")["alerts"]
    assert {each["audience"] for each in told} >= {"119", "operator"}
    expect(alerts.get_by_text(re.compile(r"archive \(json_lines\): received revision 1, by "))).to_have_count(
        len(told)
    )
    person.close()


def test_an_action_is_kept_and_seen_in_another_browser_and_refused_to_a_viewer(
    browser: Browser, city: ConsoleCity
) -> None:
    city.push("calls", "F-ACT", "fire.building", (36.31, 127.41))
    first, second, watcher = (Person(browser, city) for _ in range(3))
    for person, name in ((first, "desk-1"), (second, "desk-2"), (watcher, "watcher")):
        person.sign_in(name)
        person.open("F-ACT")
    first.page.get_by_role("button", name="Acknowledge").click()
    first.page.get_by_label("Reason").fill("smoke on the camera")
    first.page.get_by_role("dialog").get_by_role("button", name="Acknowledge").click()
    for person in (first, second, watcher):
        expect(person.page.get_by_text("smoke on the camera")).to_be_visible()
        expect(person.page.get_by_text("Acknowledged by", exact=False)).to_be_visible()
    (done,) = city.situation_of("F-ACT")["actions"]
    assert (done["action"], done["reason"]) == ("acknowledge", "smoke on the camera")
    expect(watcher.page.get_by_text("You may look, not act.")).to_be_visible()
    situation = city.situation_of("F-ACT")["situation_id"]
    refused = watcher.page.evaluate(
        """async (path) => {
            const { csrf } = await (await fetch("/console/api/session")).json();
            const body = JSON.stringify({ action: "close", reason: "for fun" });
            const headers = { "Content-Type": "application/json", "X-Bongsu-CSRF": csrf };
            return (await fetch(path, { method: "POST", headers, body })).status;
        }""",
        f"/v1/{city.city.name}/situations/{situation}/actions",
    )
    assert refused == 403
    for person in (first, second, watcher):
        person.close()


def test_by_keyboard_alone_a_situation_is_found_noted_and_closed(browser: Browser, city: ConsoleCity) -> None:
    city.push("reports", "P-KEYS", "crash.minor", (36.40, 127.31))
    one = city.situation_of("P-KEYS")["situation_id"]
    person = Person(browser, city)
    page = person.sign_in("desk-1")
    expect(page.get_by_role("listbox")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("P-KEYS")
    expect(page.locator(".row")).to_have_count(1)
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    expect(page.get_by_role("heading", name="Crash without injury")).to_be_visible()
    page.keyboard.press("n")
    page.keyboard.type("the cars are at the side")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("the cars are at the side")).to_be_visible()
    page.keyboard.press("c")
    page.keyboard.type("moved on")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("moved on", exact=False)).to_be_visible()
    wait_until(lambda: city.read(f"situations/{one}")["situation"]["status"] == "closed", 20)
    person.close()


def done(city: ConsoleCity, its_id: str) -> list[str]:
    return [one["action"] for one in city.read(f"situations/{its_id}")["situation"]["actions"]]


def test_each_other_action_is_done_by_keyboard_alone(browser: Browser, city: ConsoleCity) -> None:
    place = (36.40, 127.345)
    city.push("calls", "F-PAIR", "crash.vehicle", place)
    city.push("reports", "P-PAIR", "crash.vehicle", place)
    city.push("reports", "P-ALONE", "crash.minor", (36.39, 127.345))
    city.push("reports", "P-NEAR", "crash.minor", (36.388, 127.340))  # the nearest of the others
    wait_until(lambda: len(city.situation_of("F-PAIR")["incidents"]) == 2, 20, 0.2)
    pair, alone, near = (city.situation_of(case)["situation_id"] for case in ("F-PAIR", "P-ALONE", "P-NEAR"))
    person = Person(browser, city)
    page = person.sign_in("desk-1")

    def act(ids: Sequence[str], key: str, action: str, *before: str) -> None:
        """Press *key*, then *before* while the reason has the focus, give a reason and send it."""
        page.keyboard.press(key)
        expect(page.get_by_role("dialog")).to_be_visible()
        for one in before:
            page.keyboard.press(one)
        page.keyboard.type(f"by keyboard: {action}")
        for one in ("Tab", "Tab", "Enter"):
            page.keyboard.press(one)
        expect(page.get_by_role("dialog")).to_have_count(0)
        wait_until(lambda: any(action in done(city, its_id) for its_id in ids), 20, 0.2)

    def choose(case: str) -> None:
        page.keyboard.press("/")
        page.keyboard.press("Control+a")
        page.keyboard.type(case)
        expect(page.locator(".row")).to_have_count(1)
        page.keyboard.press("Escape")
        page.keyboard.press("j")
        expect(page.locator(".reports").get_by_text(case)).to_be_visible()

    choose("P-ALONE")
    act([alone], "f", "file")
    act([alone, near], "i", "join")
    choose("F-PAIR")
    act([pair], "o", "confirm")
    act([pair], "t", "take_over")
    act([pair], "s", "separate", "Shift+Tab", "Space", "Tab")
    act([pair], "c", "close")
    expect(
        page.get_by_role("button", name="Reopen")
    ).to_be_visible()  # before, the key is none of this situation's
    page.keyboard.press("r")
    page.keyboard.type("not over")
    for one in ("Tab", "Tab", "Enter"):
        page.keyboard.press(one)
    wait_until(lambda: "reopen" in done(city, pair), 20, 0.2)
    person.close()


def test_steps_of_the_kind_are_ticked_off_with_a_name(browser: Browser, city: ConsoleCity) -> None:
    city.push("reports", "P-STEP", "crash.injury", (36.29, 127.33))
    person = Person(browser, city)
    page = person.sign_in("desk-1")
    person.open("P-STEP")
    page.get_by_label("Close the lane").check()
    expect(page.get_by_text("Steps to take1/2")).to_be_visible()
    expect(page.get_by_label("Close the lane")).to_be_disabled()
    assert city.situation_of("P-STEP")["actions"][0]["reason"] == "✓ Close the lane"
    person.close()


def test_after_a_cut_it_says_so_comes_back_by_itself_and_misses_nothing(
    browser: Browser, city: ConsoleCity
) -> None:
    person = Person(browser, city)
    page = person.sign_in("desk-1")
    expect(page.get_by_role("listbox")).to_be_visible()
    person.context.set_offline(True)
    expect(page.get_by_text("No connection since", exact=False)).to_be_visible()
    city.push("reports", "P-CUT", "crash.fatal", (36.33, 127.44))
    city.situation_of("P-CUT")
    person.context.set_offline(False)
    expect(page.get_by_text("No connection since", exact=False)).to_be_hidden()
    person.open("P-CUT")
    person.close()


def test_who_is_disabled_is_asked_to_sign_in_and_not_told_of_a_cut(
    browser: Browser, city: ConsoleCity
) -> None:
    words = ("user", "add", "leaver", "--role", "viewer", "--city", str(city.city.file))
    city.users["leaver"] = city.city.bongsu(*words).stdout.split()[-1]
    person = Person(browser, city)
    page = person.sign_in("leaver")
    expect(page.get_by_role("listbox")).to_be_visible()
    city.city.bongsu("user", "disable", "leaver", "--city", str(city.city.file))
    expect(page.get_by_text("Your session is over. Please sign in again.")).to_be_visible(timeout=20_000)
    expect(page.get_by_role("listbox")).to_be_hidden()
    person.close()


def test_hostile_text_is_shown_as_text_and_the_policy_allows_no_foreign_script(
    browser: Browser, city: ConsoleCity
) -> None:
    city.push("reports", f"P-{HOSTILE}"[:60], "crash.vehicle", (36.30, 127.40))
    person = Person(browser, city)
    page = person.sign_in("desk-1")
    person.open("p-<img")
    page.get_by_role("button", name="Note").click()
    page.get_by_label("Reason").fill(HOSTILE)
    page.get_by_role("dialog").get_by_role("button", name="Note").click()
    expect(page.get_by_text(HOSTILE, exact=False).first).to_be_visible()
    assert page.locator("img[src=x]").count() == 0
    policy = page.evaluate("fetch('/console/').then((it) => it.headers.get('content-security-policy'))")
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    person.close()


def test_a_person_without_english_signs_in_and_reads(browser: Browser, city: ConsoleCity) -> None:
    city.push("reports", "P-KO", "crash.pedestrian", (36.35, 127.35))
    person = Person(browser, city, locale="ko-KR")
    page = person.sign_in("desk-1", KOREAN)
    person.open("P-KO")
    expect(page.get_by_role("heading", name="보행자 사고")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "ko"
    story = page.locator("details", has_text="경과").locator(".story li")
    expect(story.filter(has_text="112 신고")).to_be_visible()
    expect(story.filter(has_text="보행자 사고, 접수")).not_to_have_count(0)
    person.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Browser, city: ConsoleCity, scheme: str) -> None:
    city.push("reports", f"P-AXE-{scheme}", "crash.vehicle", (36.36, 127.42))
    person = Person(browser, city, color_scheme=scheme)
    person.page.goto(f"{city.url}/console/")
    person.page.get_by_text("Sign in with a key").click()
    found = serious(person.page)
    person.sign_in("desk-1")
    person.open(f"P-AXE-{scheme}")
    person.page.locator(".story li").first.wait_for()
    person.page.wait_for_timeout(3_000)  # colours of new rows fade for 2.4 s
    found += serious(person.page)
    person.page.get_by_role("link", name="Hand-over").click()
    person.page.get_by_role("heading", name="Hand-over").wait_for()
    found += serious(person.page)
    assert found == []
    person.close()


def test_nothing_but_the_console_s_own_files_is_served(city: ConsoleCity) -> None:

    for path in ("../app.py", "%2e%2e/city.py", "words/../../console.py", "leaflet/leaflet.js.map"):
        assert httpx.get(f"{city.url}/console/{path}").status_code == 404


def test_an_administrator_is_told_which_roles_read_situations_and_sees_who_looked(
    browser: Browser, city: ConsoleCity
) -> None:
    words = ("user", "add", "chief", "--role", "administrator", "--city", str(city.city.file))
    city.users["chief"] = city.city.bongsu(*words).stdout.split()[-1]
    person = Person(browser, city)
    page = person.sign_in("chief", has_tour=False)
    expect(page.get_by_text("role viewer, operator, supervisor or auditor")).to_be_visible()
    expect(page.get_by_role("heading", name="Who looked")).to_be_visible()
    expect(page.get_by_role("listbox")).to_have_count(0)
    page.get_by_role("combobox", name="Language").select_option("ko")
    expect(page.get_by_text("열람자, 운영자, 감독자 또는 감사자 역할")).to_be_visible()
    situation = f"/v1/{city.city.name}/situations/none"
    told = page.evaluate(
        """async (path) => {
            const { get } = await import("/console/api.js");
            return get(path).catch((error) => [error.status, error.message]);
        }""",
        situation,
    )
    assert told == [403, "이 계정은 상황, 경보, 열람 허가를 볼 수 없습니다."]
    person.close()
