"""The gateway killed (-9) at each named point of redeeming and of a first use: what is held, and what is on record."""

from __future__ import annotations

import http.client
import sys
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest

from connectors.gateway.chain import Audit, verified
from connectors.gateway.ticket_form import hash_of_id
from deploy.settings import Endpoints
from tests.a_gateway import PushedCity
from tests.integration.test_video import CAMERA, FILE, SEEN_S, Video
from tests.living_city import LivingCity, wait_until

pytestmark = pytest.mark.cluster

GRANT = "g-1"
GRANT_S = 600.0
POINTS = ("before:redeemed", "after:redeemed", "before:first_use", "after:first_use")


class KilledCity(LivingCity):
    """A city whose gateway kills itself at *point*."""

    point = ""

    def command(self, *words: str) -> tuple[list[str], dict[str, str]]:
        command, environment = super().command(*words)
        if self.point and words[0] == "run":
            command = [sys.executable, "-m", "tests.chaos.killed_at", self.point, *words]
        return command, environment


@pytest.fixture
def video(cluster: Endpoints, tmp_path: Path) -> Iterator[Video]:
    city = KilledCity("killed-tickets", tmp_path, cluster)
    gateway = PushedCity(city, form=FILE.replace("TICKET_S", "60"))
    made = Video(gateway, tmp_path, 60)
    made.key = city.bongsu(
        "key", "add", "119", "--subscribe", "--audience", "119", "--city", str(city.file)
    ).stdout.split()[0]
    try:
        made.grant(GRANT, for_s=GRANT_S)
        yield made
    finally:
        gateway.stop()
        city.remove()


def start(video: Video, point: str) -> None:
    """Start the gateway, which knows its grants and keys when this returns."""
    assert isinstance(video.city, KilledCity)
    video.city.point = point
    video.gateway.start()
    wait_until(lambda: video.redeem("no-grant")[0] == 404, SEEN_S, every_s=0.2)


def redeemed(video: Video) -> str | None:
    """The ticket; ``None`` when the gateway was killed before it answered."""
    try:
        status, told = video.redeem(GRANT)
    except (OSError, http.client.HTTPException):
        return None
    return str(told["ticket"]) if status == 201 else None


def viewed(video: Video, ticket: str) -> tuple[int | None, str | None]:
    """Status and cookie of the check of *ticket*; ``None`` when the gateway was killed before it answered."""
    connection = http.client.HTTPConnection("127.0.0.1", video.gateway.port, timeout=10)
    try:
        uri = f"/video/{CAMERA}/index.m3u8?ticket={ticket}"
        connection.request("GET", f"/v1/{video.city.name}/tickets/check", headers={"X-Original-URI": uri})
        answer = connection.getresponse()
        return answer.status, answer.headers.get("Set-Cookie")
    except (OSError, http.client.HTTPException):
        return None, None
    finally:
        connection.close()


def hash_of(ticket: str) -> str:
    return hash_of_id(str(jwt.decode(ticket, options={"verify_signature": False})["jti"]))


def gone(video: Video) -> None:
    assert video.gateway.process is not None
    assert video.gateway.process.wait(SEEN_S) == -9


@pytest.mark.long
def test_no_act_is_without_a_record_and_no_record_opens_what_nobody_has(video: Video) -> None:
    held: list[str] = []  # the tickets that somebody has
    used: dict[str, str] = {}  # ticket hash → the cookie that somebody has
    for point in POINTS:
        start(video, point)
        ticket = redeemed(video)
        if point.endswith("redeemed"):
            assert ticket is None, point
            gone(video)
            continue
        assert ticket is not None
        held.append(ticket)
        assert viewed(video, ticket) == (None, None), point
        gone(video)
    lost_before, lost_after = held

    start(video, "")
    # before its record nothing happened: the ticket opens its viewing now; after it, it is used
    status, cookie = viewed(video, lost_before)
    assert (status, viewed(video, lost_after)[0]) == (204, 403)
    used[hash_of(lost_before)] = str(cookie)
    for _ in range(2):  # killed right after each answer: what was answered is on record, and goes on
        held.append(str(redeemed(video)))
        video.gateway.kill()
        start(video, "")
        status, cookie = viewed(video, held[-1])
        video.gateway.kill()
        assert status == 204
        used[hash_of(held[-1])] = str(cookie)
        start(video, "")
        assert viewed(video, held[-1])[0] == 403, "the ticket is used, also after the kill"
    video.revoke(GRANT)
    wait_until(lambda: len(ended(video)) == len(used) + 1, SEEN_S, every_s=0.5)

    rows = video.records()
    on_record = {act: [one["ticket_hash"] for one in rows if one["act"] == act] for act in ACTS}
    tickets = {hash_of(one) for one in held}
    # acts without a record: 0
    assert tickets <= set(on_record["redeemed"])
    assert set(used) <= set(on_record["first_use"])
    # a record whose answer was lost by the kill: one each, and neither opens anything to anybody
    (nobodys,) = set(on_record["redeemed"]) - tickets
    assert nobodys not in on_record["first_use"]
    assert set(on_record["first_use"]) - set(used) == {hash_of(lost_after)}
    # nothing stands twice, and every viewing has its end
    for act in ACTS:
        assert len(on_record[act]) == len(set(on_record[act])), act
    assert sorted(on_record["ended"]) == sorted(on_record["first_use"])
    audit = Audit()
    assert verified(((str(number), one) for number, one in enumerate(rows)), audit) == []
    assert len(audit.heads) == 1


ACTS = ("redeemed", "first_use", "ended")


def ended(video: Video) -> list[str]:
    return [one["ticket_hash"] for one in video.records() if one["act"] == "ended"]
