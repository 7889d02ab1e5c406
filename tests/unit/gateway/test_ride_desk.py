"""Assignments of rides over HTTP: two gateways, one log, one winner. The log is a list; each gateway reads it late."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from connectors.gateway import booking_list, bookings
from connectors.gateway.accounts import Accounts, new_key, new_user
from connectors.gateway.app import app_of
from connectors.gateway.roles import ROLES
from connectors.gateway.service import Gateway
from connectors.gateway.spool import Spool
from schemas.catalogue import load_catalogue
from schemas.errors import Retriable
from schemas.event import Event
from schemas.rows import RowCodec
from schemas.wire import Wire
from streams.operators import ride_desk
from streams.operators.ride_desk import LogBookings
from streams.runtime.follower import Following
from streams.runtime.records import Record
from tests.unit.gateway.an_app import NOON_MS, Here

TOPIC = "springfield.mobility.booking"
CODEC = RowCodec(load_catalogue()["mobility.booking"].newest)
EXAMPLE = orjson.loads(
    (load_catalogue()["mobility.booking"].folder / "examples" / "typical.json").read_bytes()
)
RIDE = EXAMPLE | {"booking_id": "r-1", "city": "springfield", "event_time": NOON_MS, "received_time": NOON_MS}
RIDE |= {"pickup_at": NOON_MS + 600_000, "dropoff_at": NOON_MS + 1_800_000}


class JsonWire(Wire):
    """Reads records that are JSON."""

    def __init__(self) -> None:
        """Nothing is registered."""

    def decode(self, topic: str, value: bytes) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads(value)
        return found


@dataclass
class RideLog:
    """The topic of rides. *fails*: what happens to the next command, ``before`` or ``after`` it is safe."""

    records: list[Record] = field(default_factory=list)
    fails: str | None = None

    def put(self, row: dict[str, Any]) -> None:
        CODEC.check(row)
        offset = len(self.records)
        key = row["booking_id"].encode()
        self.records.append(Record(TOPIC, 0, offset, NOON_MS, key, orjson.dumps(row), {}))

    def tell(self, state: str, revision: int, **about: Any) -> None:
        """Add what the ride's operator tells."""
        self.put({**RIDE, "state": state, "revision": revision, **about})

    def commands(self) -> list[dict[str, Any]]:
        rows = [orjson.loads(one.value or b"") for one in self.records]
        return [row for row in rows if row["command_id"] is not None]


class Door(Here):
    """One gateway. It reads the log to its end when it starts, and whenever a command of its own is safe."""

    now_ms = NOON_MS

    def __init__(self, log: RideLog, gateway: Gateway, spool: Spool, keys: dict[str, str]) -> None:
        self.log, self.keys, self.read = log, keys, 0
        self.gateway, self.spool, self.key = gateway, spool, keys["operator"]
        self.start()

    def start(self) -> None:
        """Begin with nothing known, as after a kill."""
        made = LogBookings(
            "springfield",
            Following("here", bootstrap=""),
            bootstrap="",
            wire=JsonWire(),
            now_ms=lambda: self.now_ms,
            publish=self.publish,
        )
        self.app = app_of(
            self.gateway, None, [partial(part.add, desk=made) for part in (booking_list, bookings)]
        )
        self.desk, self.read = made, 0
        self.follow()

    def follow(self) -> None:
        self.desk._follower.pass_on(self.log.records[self.read :], is_at_end=True)
        self.read = len(self.log.records)

    def publish(self, event: Event) -> None:
        fails, self.log.fails = self.log.fails, None
        if fails == "before":
            raise Retriable("no broker answers")
        assert event.value is not None and event.key == event.value["booking_id"]
        self.log.put(dict(event.value))
        if fails == "after":
            raise Retriable("no broker answers")
        self.follow()

    def assign(self, vehicle: Any, revision: Any = 1, **about: Any) -> httpx.Response:
        path = f"/v1/{about.get('city', 'springfield')}/bookings/{about.get('ride', 'r-1')}/assign"
        headers = {"authorization": f"Bearer {self.keys[about.get('role', 'operator')]}"}
        headers |= {"idempotency_key": about["key"]} if "key" in about else {}
        body = {"vehicle_id": vehicle, "revision": revision, **about.get("more", {})}
        return self.post(body, path=path, **headers)


@dataclass
class Doors:
    log: RideLog
    one: Door
    other: Door


@pytest.fixture
def doors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Doors]:
    monkeypatch.setattr(ride_desk, "SETTLES_S", 0.02)
    monkeypatch.setattr(ride_desk, "DECIDES_S", 0.05)
    made = {role: new_user("springfield", f"desk-{role}", role, now_ms=NOON_MS) for role in ROLES}
    readers = {"plain": "*", "cleared": "*", "jeju-drt": "jeju-drt", "taxis": "taxis", "public": None}
    for name, audience in readers.items():
        purposes = [] if name == "plain" else ["dispatch"]
        about: dict[str, Any] = {"subscribes": True, "audience": audience, "purposes": purposes}
        made[name] = new_key("springfield", name, [], now_ms=NOON_MS, **about)
    made["agency"] = new_key("springfield", "police", ["*"], now_ms=NOON_MS)
    for name in ("taxis", "jeju-drt"):
        user = new_user("springfield", f"dispatcher-{name}", "operator", now_ms=NOON_MS, audience=name)
        made[f"dispatcher-{name}"] = user
    accounts = Accounts([event.value or {} for _, event in made.values()])
    spool = Spool(tmp_path / "spool.sqlite", bytes_max=1 << 20)
    gateway = Gateway("springfield", {}, accounts, spool, lambda: NOON_MS)
    gateway.purposes = lambda: {"dispatch"}
    keys = {role: key for role, (key, _) in made.items()}
    log = RideLog()
    log.tell("requested", 1)
    try:
        yield Doors(log, Door(log, gateway, spool, keys), Door(log, gateway, spool, keys))
    finally:
        spool.close()


def test_the_first_in_the_log_has_it_and_the_other_is_told_whose_it_is(doors: Doors) -> None:
    won, lost = doors.one.assign("van-1"), doors.other.assign("van-2", role="supervisor")
    assert (won.status_code, lost.status_code) == (200, 409)
    said = won.json()
    assert (said["booking_id"], said["state"], said["vehicle_id"]) == ("r-1", "assigned", "van-1")
    assert (said["revision"], said["repeated"]) == (2, False)
    about = lost.json()
    assert (about["code"], about["vehicle_id"], about["revision"]) == ("booking-taken", "van-1", 2)
    first, second = doors.log.commands()
    assert (first["assigned_by"], first["vehicle_id"], first["revision"]) == (said["assigned_by"], "van-1", 1)
    assert first["assigned_by"] != second["assigned_by"]
    assert (first["pickup"], first["operator"]) == (RIDE["pickup"], RIDE["operator"])


def test_a_repeat_gets_the_same_answer_from_whichever_gateway_and_writes_nothing(doors: Doors) -> None:
    won, lost = doors.one.assign("van-1", key="k-1"), doors.other.assign("van-2", key="k-2")
    doors.log.tell("cancelled", 2)
    for door in (doors.one, doors.other):
        door.start()
        again = door.assign("van-1", key="k-1").json()
        assert again == {**won.json(), "repeated": True}
        assert door.assign("van-2", key="k-2").json() == lost.json()
    assert len(doors.log.commands()) == 2


@pytest.mark.parametrize("fails", ["before", "after"])
def test_a_gateway_that_dies_at_its_command_loses_none_and_doubles_none(doors: Doors, fails: str) -> None:
    doors.log.fails = fails
    away = doors.one.assign("van-1", key="k-1")
    assert (away.status_code, away.json()["code"]) == (503, "log-away")
    doors.other.follow()
    again = doors.other.assign("van-1", key="k-1")
    assert (again.status_code, again.json()["repeated"]) == (200, fails == "after")
    assert len(doors.log.commands()) == 1


REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "of another city": ({"city": "shelbyville"}, 404, "no-city"),
    "that is unknown": ({"ride": "r-9"}, 404, "no-booking"),
    "by a viewer": ({"role": "viewer"}, 403, "may-not-act"),
    "by an agency": ({"role": "agency"}, 403, "may-not-act"),
    "by an administrator": ({"role": "administrator"}, 403, "may-not-act"),
    "by an auditor": ({"role": "auditor"}, 403, "only-audits"),
    "to no vehicle": ({"vehicle": ""}, 422, "wrong-field"),
    "without a revision": ({"revision": None}, 422, "wrong-field"),
    "at a revision that is a text": ({"revision": "1"}, 422, "wrong-field"),
    "at a revision beyond all": ({"revision": 2**31}, 422, "wrong-field"),
    "with a word too many": ({"more": {"colour": "red"}}, 422, "wrong-field"),
    "at a revision that is not yet": ({"revision": 2}, 409, "booking-changed"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_ride_is_not_assigned(doors: Doors, case: str) -> None:
    about, status, code = REFUSED[case]
    answer = doors.one.assign(
        about.get("vehicle", "van-1"), **{k: v for k, v in about.items() if k != "vehicle"}
    )
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert doors.one.assign("van-2").status_code == 200


LATE = {"cancelled": "booking-cancelled", "picked_up": "booking-under-way", "requested": "booking-changed"}


@pytest.mark.parametrize("state", LATE)
def test_what_its_operator_told_before_counts_though_the_gateway_had_not_read_it(
    doors: Doors, state: str
) -> None:
    doors.log.tell(state, 2)
    answer = doors.one.assign("van-1")
    assert (answer.status_code, answer.json()["code"], answer.json()["revision"]) == (409, LATE[state], 2)


def test_a_key_is_for_one_wish(doors: Doors) -> None:
    assert doors.one.assign("van-1", key="k-1").status_code == 200
    other = doors.one.assign("van-2", key="k-1")
    assert (other.status_code, other.json()["code"]) == (422, "key-used")


def test_while_the_log_is_not_read_nothing_is_assigned(doors: Doors) -> None:
    doors.one.desk._follower.trouble = "the bookings are being read"
    answer = doors.one.assign("van-1")
    assert (answer.status_code, answer.json()["code"]) == (503, "log-away")
    assert doors.log.commands() == []


def test_the_route_and_its_answers_are_described(doors: Doors) -> None:
    said = doors.one.app.openapi()["paths"]["/v1/{city}/bookings/{booking_id}/assign"]["post"]
    assert {"200", "403", "404", "409", "422", "503"} <= said["responses"].keys()
    schema = said["requestBody"]["content"]["application/json"]["schema"]
    assert set(schema["required"]) == {"vehicle_id", "revision"}


def test_a_dispatcher_assigns_the_rides_of_their_own_operator_alone(doors: Doors) -> None:
    doors.one.follow()
    others = doors.one.assign("taxi-1", role="dispatcher-taxis")
    assert (others.status_code, others.json()["code"]) == (404, "no-booking")
    assert "vehicle_id" not in others.json()
    assert doors.one.assign("van-1", role="dispatcher-jeju-drt").status_code == 200
