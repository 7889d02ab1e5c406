"""Sign-in at an issuer that is not ours, in a real Chromium: who has an account acts, others are told why they do not."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from oidc_provider_mock import run_server_in_thread
from playwright.sync_api import Browser, Page, expect

from deploy.assembly.stages import free_port
from deploy.settings import Endpoints
from tests.a_console import ConsoleCity, Person, serious
from tests.living_city import LivingCity, wait_until

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.filterwarnings(
        "ignore:get_jwt_config:DeprecationWarning"
    ),  # of the issuer, which is not ours
    pytest.mark.filterwarnings("ignore:get_audiences:DeprecationWarning"),
]

ISSUER = """
[console.oidc]
issuer = "http://localhost:{port}"
client_id = "bongsu"
client_secret = "any"
label = "City account"
"""
SUBJECT, AUDITOR = "248289761001", "an auditor there"
LINK = "City account"


@pytest.fixture(scope="module")
def city(cluster: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleCity]:
    with run_server_in_thread(free_port(), require_nonce=True) as issuer:
        here = LivingCity(f"oidc-{free_port()}", tmp_path_factory.mktemp("oidc"), cluster)
        found = ConsoleCity(here, more=ISSUER.format(port=issuer.server_port))
        with found.running():
            for name, role, subject in (("minji", "operator", SUBJECT), ("looks", "auditor", AUDITOR)):
                words = (
                    "user",
                    "add",
                    name,
                    "--role",
                    role,
                    "--oidc",
                    subject,
                    "--purpose",
                    "crime-prevention",
                )
                here.bongsu(*words, "--city", str(here.file))
            yield found


def at_issuer(person: Person, subject: str | None) -> Page:
    """The page after *person* was at the issuer and was *subject* there; ``None``: they refused."""
    page = person.page
    page.goto(f"{person.city.url}/console/")
    page.get_by_role("link", name=LINK).click()
    page.wait_for_url("http://localhost:*/oauth2/authorize*")
    if subject is None:
        page.get_by_role("button", name="Deny").click()
    else:
        page.get_by_placeholder("sub").fill(subject)
        page.get_by_role("button", name="Authorize").click()
    page.wait_for_url(re.compile(re.escape(f"{person.city.url}/console/")))
    return page


def is_let_in(person: Person, subject: str) -> bool:
    """Whether the pages opened for *subject*, once they say so or why not."""
    page = at_issuer(person, subject)
    page.locator(".me, .signin .error:not(:empty)").first.wait_for()
    return page.locator(".me").is_visible()


def test_who_has_an_account_signs_in_there_acts_here_and_signs_out(
    browser: Browser, city: ConsoleCity
) -> None:
    city.push("calls", "F-OIDC", "fire.building", (36.31, 127.41))
    city.situation_of("F-OIDC")
    person = Person(browser, city)
    # the gateway hears of a new account within a second or two, and the issuer asks each time
    wait_until(lambda: is_let_in(person, SUBJECT), 30, 0.5)
    page = person.page
    expect(page.locator(".me")).to_contain_text("minji operator")
    expect(page.get_by_role("link", name="Who looked")).to_have_count(0)
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("Escape")
    person.open("F-OIDC")
    page.get_by_role("button", name="Acknowledge").click()
    page.get_by_label("Reason").fill("the crew said so")
    page.get_by_role("dialog").get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_text("the crew said so")).to_be_visible()
    (done,) = city.situation_of("F-OIDC")["actions"]
    assert (done["action"], done["reason"]) == ("acknowledge", "the crew said so")
    cookies = {one["name"]: one for one in person.context.cookies()}
    assert set(cookies) == {"bongsu-session"}, "what the sign-in needed is gone"
    assert cookies["bongsu-session"]["httpOnly"]
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name=LINK)).to_be_visible()
    page.reload()
    expect(page.get_by_role("link", name=LINK)).to_be_visible()
    person.close()


def test_an_auditor_reads_who_looked_and_that_is_recorded_and_changes_nothing(
    browser: Browser, city: ConsoleCity
) -> None:
    person = Person(browser, city, viewport={"width": 1280, "height": 720})
    wait_until(lambda: is_let_in(person, AUDITOR), 30, 0.5)
    page = person.page
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Who looked").click()
    rows = page.locator(".access tbody tr")
    expect(rows.filter(has_text="minji").filter(has_text="signed out")).to_have_count(1)
    expect(page.get_by_role("status").filter(has_text="follows on the one before")).to_be_visible()
    page.locator("select[name=act]").select_option(label="read this record")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(rows.first).to_contain_text("looks")
    expect(rows.filter(has_text="signed out")).to_have_count(0)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert serious(page) == [], scheme
    person.close()


def test_a_stranger_and_whoever_refuses_are_told_why_and_get_no_session(
    browser: Browser, city: ConsoleCity
) -> None:
    person = Person(browser, city)
    page = at_issuer(person, "a-stranger")
    expect(page.get_by_role("alert")).to_have_text(
        "You are known there, but have no account here. Ask your supervisor for one."
    )
    assert page.url == f"{city.url}/console/", "the reason is not left in the address"
    expect(at_issuer(person, None).get_by_role("alert")).to_have_text(
        "The sign-in was cancelled or refused there."
    )
    page.goto(f"{city.url}/console/oidc/callback?code=stolen&state=of-another")
    expect(page.get_by_role("alert")).to_contain_text("This sign-in was not begun in this browser")
    assert person.context.cookies() == []
    person.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_the_sign_in_page(
    browser: Browser, city: ConsoleCity, scheme: str
) -> None:
    person = Person(browser, city, color_scheme=scheme, viewport={"width": 1280, "height": 720})
    page = person.page
    page.goto(f"{city.url}/console/#refused=unknown")
    expect(page.get_by_role("link", name=LINK)).to_be_visible()
    assert serious(page) == []
    person.close()
