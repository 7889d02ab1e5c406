"""A city with its console, and people who use it in a real Chromium as a screen reader hears it: by roles and names."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import time_ns
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from deploy.assembly.stages import free_port
from tests.living_city import LivingCity, wait_until

READY_S = 60.0
WAIT_MS = 15_000.0
FILE = """
name = "{name}"
title = "Test city"
timezone = "Asia/Seoul"
law = "kr"
[bounds]
south = 36.28
west = 127.30
north = 36.42
east = 127.46
[gateway]
port = {port}
[console.steps]
"crash" = ["Send an ambulance", "Close the lane"]
[[source]]
name = "calls"
type = "city_events"
contract = "fire.incident"
push = true
[[source]]
name = "reports"
type = "city_events"
contract = "police.incident"
push = true
[[source]]
name = "cameras"
type = "generated_cameras"
reference = true
seed = 1
count = 400
[[rule]]
name = "joint-incident"
[rule.filing]
fire = "119"
police = "112"
"""


@dataclass
class ConsoleCity:
    """*keys*: by source, what pushes; *more*: tables that the city's file ends with."""

    city: LivingCity
    port: int = field(default_factory=free_port)
    keys: dict[str, str] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=dict)
    more: str = ""
    _number: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def running(self) -> Iterator[None]:
        self.city.file.write_text(
            FILE.format(name=self.city.name, port=self.port) + self.more, encoding="utf-8"
        )
        with self.city.running():
            for source, agency in (("calls", "119"), ("reports", "112")):
                words = ("key", "add", agency, "--city", str(self.city.file), "--source", source)
                self.keys[source] = self.city.bongsu(*words).stdout.split()[-1]
            for name, role in (("desk-1", "operator"), ("desk-2", "operator"), ("watcher", "viewer")):
                words = ("user", "add", name, "--role", role, "--city", str(self.city.file))
                purpose = ("--purpose", "crime-prevention")  # who did what identifies somebody
                self.users[name] = self.city.bongsu(*words, *purpose).stdout.split()[-1]
            wait_until(self.is_open, READY_S, 0.3)
            yield

    def is_open(self) -> bool:
        try:
            listed = self.read("cameras?near=36.35,127.38&radius_m=5000&limit=1")
        except httpx.HTTPError:
            return False
        return bool(listed["cameras"])

    def read(self, what: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.users['desk-1']}"}
        answer = httpx.get(f"{self.url}/v1/{self.city.name}/{what}", headers=headers, timeout=10)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def push(self, source: str, case: str, kind: str, place: tuple[float, float], **about: Any) -> None:
        """Report an incident now."""
        self._number += 1
        event = {
            "agency": "119" if source == "calls" else "112",
            "agency_case_no": case,
            "kind": kind,
            "kind_text": kind,
            "status": "open",
            "units": [],
            "revision": 1,
            "event_time": time_ns() // 1_000_000,
            "position": {"lat": place[0], "lon": place[1], "accuracy_m": 10.0},
            **about,
        }
        headers = {"Authorization": f"Bearer {self.keys[source]}"}
        answer = httpx.post(
            f"{self.url}/v1/{self.city.name}/sources/{source}", json=event, headers=headers, timeout=10
        )
        assert answer.status_code == 202, answer.text

    def situation_of(self, case: str) -> dict[str, Any]:
        """The situation that has that case."""
        found: list[dict[str, Any]] = []

        def is_there() -> bool:
            found[:] = [
                one
                for one in self.read("situations?limit=500")["situations"]
                if any(it["agency_case_no"] == case for it in one["incidents"])
            ]
            return bool(found)

        wait_until(is_there, 20, 0.2)
        return found[0]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, headless."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def serious(page: Page) -> list[str]:
    """List what axe finds serious or critical on the page as it is."""
    return [
        f"{one['id']}: {[it['html'][:120] for it in one['nodes'][:3]]}"
        for one in Axe().run(page).response["violations"]
        if one["impact"] in {"serious", "critical"}
    ]


class Person:
    """Somebody at a browser. *troubles*: errors of scripts, and what the pages' policy refused."""

    def __init__(self, browser: Browser, city: ConsoleCity, *, locale: str = "en-US", **about: Any) -> None:
        self.city = city
        self.context: BrowserContext = browser.new_context(locale=locale, **about)
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(WAIT_MS)
        self.troubles: list[str] = []
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("console", lambda said: self._heard(said.type, said.text))
        self.page.on("dialog", self._asked)

    def _heard(self, kind: str, text: str) -> None:
        if kind == "error" and "Failed to load resource" not in text:
            self.troubles.append(text)

    def _asked(self, dialog: Any) -> None:
        self.troubles.append(f"a script opened a dialog: {dialog.message}")
        dialog.dismiss()

    def sign_in(
        self,
        name: str,
        words: tuple[str, str, str] = ("Sign in with a key", "Key", "Sign in"),
        *,
        has_tour: bool = True,
    ) -> Page:
        """Sign in by a key and close the tour, which who reads situations is given."""
        by_key, key, sign_in = words
        self.page.goto(f"{self.city.url}/console/")
        self.page.get_by_text(by_key).click()
        self.page.get_by_label(key, exact=True).fill(self.city.users[name])
        self.page.get_by_role("button", name=sign_in).last.click()
        if has_tour:
            self.page.get_by_role("dialog").wait_for()
            self.page.keyboard.press("Escape")
        return self.page

    def open(self, text: str) -> None:
        """Search for *text*, and choose the one situation that is found."""
        self.page.get_by_role("searchbox").fill(text)
        rows = self.page.locator(".row")
        expect(rows).to_have_count(1)
        rows.click()

    def close(self) -> None:
        self.context.close()
        assert self.troubles == [], self.troubles
