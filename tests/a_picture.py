"""A city of the console's tests with the demo's video system, and a person who opens a camera's picture."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import expect

from deploy.assembly.stages import free_port
from deploy.demo.video import city_text, video_running
from deploy.settings import Endpoints
from tests.a_console import WAIT_MS, ConsoleCity, Person
from tests.living_city import LivingCity, wait_until

PLAYED_S = "() => document.querySelector('dialog video')?.currentTime ?? 0"


@dataclass
class PictureCity:
    """*city*, and the *port* of its video system."""

    city: ConsoleCity
    port: int

    def begin(self, person: Person, case: str) -> float:
        """Click for the nearest camera's picture of that case; the seconds until it plays."""
        person.open(case)
        button = person.page.locator(".cameras > li").first.locator("button").first
        expect(button).to_be_visible(timeout=WAIT_MS)
        begun = time.monotonic()
        button.click()
        wait_until(lambda: person.page.evaluate(PLAYED_S) > 0, WAIT_MS / 1000, 0.02)
        return time.monotonic() - begun


@contextmanager
def picture_city(name: str, folder: Path, cluster: Endpoints) -> Iterator[PictureCity]:
    port = free_port()
    city = ConsoleCity(LivingCity(name, folder, cluster), more=city_text(port))
    with video_running(port, city.url, name, folder / "video", zone="Asia/Seoul"), city.running():
        yield PictureCity(city, port)
