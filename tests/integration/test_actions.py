"""Operators act through the real gateway on the real bus, and a replay of the journal gives the same bytes."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from connectors.formats.cap_out import NAMESPACE
from deploy.settings import Endpoints
from tests.a_gateway import PushedCity
from tests.living_city import LivingCity, live, wait_until

pytestmark = pytest.mark.cluster

SEEN_S = 20.0
CAP = f"{{{NAMESPACE}}}"
FILE = """
name = "{name}"
timezone = "Asia/Seoul"
law = "kr"
[bounds]
south = 36.0
west = 127.0
north = 37.0
east = 128.0
[gateway]
port = {port}
[cap]
public = ["119"]
[[source]]
name = "police-reports"
type = "city_events"
contract = "police.incident"
push = true
[[source]]
name = "fire-reports"
type = "city_events"
contract = "fire.incident"
push = true
[[rule]]
name = "joint-incident"
"""


@dataclass
class Room:
    """The operators of a running city, with their keys."""

    gateway: PushedCity
    agency: str
    operator: str
    supervisor: str
    viewer: str

    @property
    def city(self) -> LivingCity:
        return self.gateway.city

    def report(self, domain: str, case: str, **about: Any) -> None:
        value = {
            "agency": {"police": "112", "fire": "119"}[domain],
            "agency_case_no": case,
            "kind": "crash.vehicle",
            "kind_text": "교통사고",
            "status": "open",
            "units": [],
            "revision": 1,
            "event_time": int(time.time() * 1000) - 5_000,
            "position": {"lat": 36.5, "lon": 127.5},
            **about,
        }
        status, said = self.gateway.push(self.agency, f"{domain}-reports", value)
        assert status == 202, said

    def asked(self, path: str, key: str | None = None) -> tuple[int, bytes]:
        """The answer of the feed of CAP, or of what lies below it."""
        sent = {} if key is None else {"authorization": f"Bearer {key}"}
        return self.gateway.ask("GET", f"/v1/{self.city.name}/cap{path}", None, **sent)

    def the_situation(self) -> dict[str, Any]:
        (only,) = live(self.city.situations())
        return only

    def seen(
        self, is_so: Callable[[dict[str, Any]], bool], situation_id: str | None = None
    ) -> dict[str, Any]:
        """Wait until the situation (by default the only one) *is_so*; return it."""
        found: dict[str, Any] = {}

        def look() -> bool:
            all_of_them = self.city.situations()
            chosen = [all_of_them[situation_id]] if situation_id else live(all_of_them)
            found.update(chosen[0] if len(chosen) == 1 and is_so(chosen[0]) else {})
            return bool(found)

        wait_until(look, SEEN_S, every_s=0.2)
        return found


@pytest.fixture(scope="module")
def room(cluster: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    gateway = PushedCity(LivingCity("acted", tmp_path_factory.mktemp("acted"), cluster), form=FILE)
    made = Room(
        gateway,
        gateway.key("--source", "police-reports", "--source", "fire-reports"),
        *(gateway.user(f"desk-{role}", role) for role in ("operator", "supervisor", "viewer")),
    )
    with gateway.city.running():
        wait_until(lambda: gateway.status("GET", "/readyz") == 200, SEEN_S)
        yield made
    gateway.city.remove()


def test_an_operator_works_on_a_crash_until_it_is_closed_and_open_again(room: Room) -> None:
    room.report("police", "P-1")
    room.report("fire", "F-1")
    situation = room.seen(lambda one: len(one["incidents"]) == 2)
    its_id = situation["situation_id"]

    status, said = room.gateway.act(room.operator, its_id, "acknowledge", idempotency_key="a-1")
    assert (status, said["repeated"]) == (202, False), said
    after = room.seen(lambda one: one["acknowledged_at"] is not None)
    assert after["acknowledged_by"] == said["account_id"]
    assert room.gateway.act(room.operator, its_id, "acknowledge", idempotency_key="a-1")[1]["repeated"]

    fire = next(one["incident_id"] for one in situation["incidents"] if one["domain"] == "fire")
    status, said = room.gateway.act(room.operator, its_id, "separate", incident_ids=[fire])
    assert status == 202, said
    wait_until(lambda: len(live(room.city.situations())) == 2, SEEN_S, every_s=0.2)
    assert {one["split_from"] for one in live(room.city.situations())} == {None, its_id}

    for action, then in (("close", "closed"), ("reopen", "open")):
        status, said = room.gateway.act(room.operator, its_id, action, reason=f"{action}: as the unit says")
        assert status == 202, said
        room.seen(lambda one, then=then: one["status"] == then, its_id)  # type: ignore[misc]  # bound early
    newest = room.city.situations()[its_id]
    assert [one["action"] for one in newest["actions"]] == ["acknowledge", "separate", "close", "reopen"]


def test_who_may_not_is_told_so_and_nothing_comes_of_it(room: Room) -> None:
    its_id = min(room.city.situations())
    before = len(room.city.values("core.action"))
    for key, action, word in ((room.viewer, "note", "operator"), (room.operator, "override", "supervisor")):
        status, said = room.gateway.act(key, its_id, action, ground="danger-to-life")
        assert (status, said["field"]) == (403, "role")
        assert word in said["expected"]
    assert room.gateway.act(room.operator, "nothing", "note")[0] == 404
    assert room.gateway.act(room.operator, its_id, "reopen")[0] == 409
    assert len(room.city.values("core.action")) == before
    status, said = room.gateway.act(room.supervisor, its_id, "override", ground="danger-to-life")
    assert (status, said["role"]) == (202, "supervisor")
    room.seen(lambda one: "override" in [done["action"] for done in one["actions"][-1:]], its_id)


def test_a_disabled_user_is_refused_within_seconds_and_what_they_did_stays(room: Room) -> None:
    guest = room.gateway.user("guest", "operator")
    its_id = min(room.city.situations())
    wait_until(lambda: room.gateway.act(guest, its_id, "note")[0] == 202, SEEN_S, every_s=0.2)
    room.city.bongsu("user", "disable", "guest", "--city", str(room.city.file))
    wait_until(lambda: room.gateway.act(guest, its_id, "note")[0] == 401, SEEN_S, every_s=0.2)
    listed = room.city.bongsu("user", "list", "--city", str(room.city.file)).stdout
    assert "guest  operator  disabled" in listed
    assert guest.split("_", 2)[2] not in listed


def test_what_was_done_is_explained_revision_by_revision(room: Room) -> None:
    its_id = min(room.city.situations())
    shown = room.city.bongsu("situation", "show", its_id, "--city", str(room.city.file)).stdout
    revisions = [one for one in room.city.values("core.situation") if one["situation_id"] == its_id]
    for word in ("came in: ", "decided by joint-incident 1+", "nearest that did not join: "):
        assert shown.count(word) == len(revisions)
    assert "an operator separated them" in shown or "separate by" in shown


def test_the_effects_stand_in_their_topic_and_what_nobody_reports_is_not_zero(room: Room) -> None:
    wait_until(lambda: room.city.values("core.effect"), SEEN_S, every_s=0.2)
    newest = {one["measure"]: one for one in room.city.values("core.effect")}
    assert newest["arrival_minutes"]["value"] is newest["video_minutes"]["value"] is None
    assert newest["alerts:operator"]["value"] >= 1
    shown = room.city.bongsu("effects", str(room.city.file), "--from", "2026-01-01T00:00:00Z").stdout
    assert "video minutes: not reported" in shown
    assert "no control: the log begins at" in shown


def test_every_action_is_on_record_and_the_replay_is_byte_identical(room: Room) -> None:
    actions = room.city.values("core.action")
    assert all(one["account_id"] and one["reason"] and one["role"] for one in actions)
    wait_until(
        lambda: sum(one["entry"] == "action" for one in room.city.values("core.journal")) == len(actions),
        SEEN_S,
    )
    assert not room.city.values("core.action.dlq")
    assert "byte-identical" in room.city.bongsu("replay", str(room.city.file), "--verify").stdout


@pytest.mark.parametrize(
    ("how", "code", "is_stopped"), [(signal.SIGTERM, 0, False), (signal.SIGINT, 130, True)]
)
def test_a_gateway_that_is_told_to_end_ends_well(
    cluster: Endpoints, tmp_path: Path, how: signal.Signals, code: int, is_stopped: bool
) -> None:
    gateway = PushedCity(LivingCity("ended", tmp_path, cluster), form=FILE)
    try:
        gateway.start()
        assert gateway.process is not None
        gateway.process.send_signal(how)
        assert gateway.process.wait(15) == code
        assert ("stopped" in (tmp_path / "gateway.log").read_text()) == is_stopped
    finally:
        gateway.stop()
        gateway.city.remove()


def test_a_new_incident_is_read_in_cap_by_anybody_and_the_police_alert_by_who_has_a_key(room: Room) -> None:
    place = {"position": {"lat": 36.9, "lon": 127.9}}
    before = published(room), published(room, room.viewer)
    room.report("fire", "F-cap", kind="fire.building", **place)
    room.report("police", "P-cap", kind="fire.building", **place)
    wait_until(lambda: len(published(room, room.viewer) - before[1]) >= 3, SEEN_S)
    (shown,) = published(room) - before[0]
    hidden = {one for one in published(room, room.viewer) - before[1] if room.asked(f"/{one}.xml")[0] == 404}
    assert len(hidden) >= 2  # the police's and the operator's

    status, body = room.asked(f"/{shown}.xml")
    alerts = [one for one in room.gateway.city.values("core.alert") if f"{one['alert_id']}-" in shown]
    assert (status, {one["audience"] for one in alerts}) == (200, {"119"})
    said = etree.fromstring(body)
    assert (said.findtext(f"{CAP}scope"), said.findtext(f"{CAP}status")) == ("Public", "Actual")
    assert said.findtext(f".//{CAP}headline") in {one["headline"] for one in alerts}
    assert room.asked(f"/{sorted(hidden)[0]}.xml", room.viewer)[0] == 200


def published(room: Room, key: str | None = None) -> set[str]:
    """The identifiers in the feed of CAP."""
    status, body = room.asked("?limit=1000", key)
    assert status == 200, body
    return {str(one.text) for one in etree.fromstring(body).iter(f"{CAP}identifier")}
