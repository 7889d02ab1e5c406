"""A camera's picture in a real Chromium over a running city: it plays after one click, and stops with the grant."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from deploy.assembly.stages import free_port
from deploy.demo.footage import BEGIN
from deploy.settings import Endpoints
from tests.a_console import Person
from tests.a_picture import PLAYED_S, PictureCity, picture_city
from tests.living_city import wait_until

pytestmark = [pytest.mark.cluster]

PLACE = (36.3502, 127.3802)
ENDS_S = 20.0


@pytest.fixture(scope="module")
def video(cluster: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PictureCity]:
    if shutil.which("ffmpeg") is None:
        pytest.skip("no ffmpeg: apt-get install ffmpeg")
    with picture_city(f"picture-{free_port()}", tmp_path_factory.mktemp("picture"), cluster) as made:
        yield made


@pytest.mark.long
def test_the_nearest_camera_plays_after_one_click_and_stops_when_its_grant_ends(
    browser: Browser, video: PictureCity
) -> None:
    city = video.city
    for source, case in (("calls", "F-PIC"), ("reports", "P-PIC")):
        city.push(source, case, "crash.vehicle", PLACE, status="dispatched", units=["unit-1"])
    person = Person(browser, city)
    page = person.sign_in("desk-1")
    video.begin(person, "P-PIC")
    played_s = page.evaluate(PLAYED_S)
    wait_until(lambda: page.evaluate(PLAYED_S) > played_s + BEGIN, ENDS_S, 0.1)
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("status")).to_contain_text("May be watched until")
    situation = city.situation_of("P-PIC")
    camera = min(situation["cameras"], key=lambda one: one["rank"])["camera_id"]
    address = f"http://127.0.0.1:{video.port}/video/{camera}/index.m3u8"
    assert person.context.request.get(address).status == 200
    for source, case in (("calls", "F-PIC"), ("reports", "P-PIC")):
        city.push(source, case, "crash.vehicle", PLACE, status="closed", revision=2)
    expect(dialog.get_by_role("status")).to_contain_text("The leave to watch is over", timeout=ENDS_S * 1000)
    expect(dialog.locator("video")).to_have_count(0)
    refused = person.context.request.get(address)
    assert (refused.status, refused.json()["reason"]) == (403, "revoked")
    person.close()
