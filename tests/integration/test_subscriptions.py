"""Subscriptions over HTTP on the real bus: a webhook is made, paused, resumed, held with its account, and removed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest
from standardwebhooks.webhooks import Webhook as Verifier

from connectors.contract_suite.receivers import WebReceiver, a_web_receiver
from connectors.gateway.accounts import new_key, new_user, told
from deploy.settings import Endpoints
from schemas.event import Event
from streams.runtime.kafka import transactional_producer
from streams.runtime.transaction import transaction
from tests.a_gateway import EVENT_MS, PushedCity
from tests.living_city import LivingCity, wait_until

pytestmark = pytest.mark.cluster

SEEN_S = 20.0
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
[deliver]
allow_hosts = ["127.0.0.1"]
[[source]]
name = "reports"
type = "city_events"
contract = "police.incident"
push = true
[[rule]]
name = "joint-incident"
"""


@dataclass
class Town:
    """A running city with its gateway, and a receiver outside."""

    gateway: PushedCity
    receiver: WebReceiver
    keys: dict[str, str] = field(default_factory=dict)
    rows: dict[str, Any] = field(default_factory=dict)

    @property
    def city(self) -> LivingCity:
        return self.gateway.city

    def write(self, *events: Event) -> None:
        producer = transactional_producer(self.city.places.kafka, f"{self.city.name}.test")
        with transaction(producer, self.city.wire, self.city.name) as outbox:
            for event in events:
                outbox.put(event)

    def make_accounts(self) -> None:
        name = self.city.name
        made = {
            "police": new_key(name, "police", ["reports"], now_ms=1, subscribes=True, audience="*"),
            "chief": new_user(name, "chief", "administrator", now_ms=1),
        }
        self.keys = {role: key for role, (key, _) in made.items()}
        self.rows = {role: event.value for role, (_, event) in made.items()}
        self.write(*(event for _, event in made.values()))
        wait_until(lambda: self.ask("GET")[0] == 200, SEEN_S)

    def change_account(self, **about: Any) -> None:
        self.write(told(self.city.name, {**self.rows["police"], **about}, now_ms=2))

    def ask(self, method: str, path: str = "", body: Any = None, role: str = "police") -> tuple[int, Any]:
        status, answer = self.gateway.ask(
            method,
            f"/v1/{self.city.name}/subscriptions{path}",
            None if body is None else orjson.dumps(body),
            authorization=f"Bearer {self.keys[role]}",
        )
        return status, orjson.loads(answer) if answer else None

    def report(self, number: int, at: float) -> None:
        """Push a report, and wait for its situation."""
        report = {
            "agency": "police",
            "agency_case_no": f"26-{number}",
            "kind": "theft",
            "kind_text": "절도",
            "status": "open",
            "units": [],
            "revision": 1,
            "event_time": EVENT_MS + number,
            "position": {"lat": at, "lon": 127.5},
        }
        status, answer = self.gateway.push(self.keys["police"], "reports", report)
        assert status == 202, answer
        wait_until(lambda: len(self.city.situations()) == number, SEEN_S, every_s=0.1)

    def got(self) -> list[str]:
        """The situations that arrived, in order."""
        return [orjson.loads(one.body)["data"]["situation_id"] for one in self.receiver.taken]

    def revisions(self, its_id: str) -> list[int]:
        """The revisions of a situation in the order in which they arrived, each once."""
        values = [orjson.loads(one.body)["data"] for one in self.receiver.taken]
        return list(dict.fromkeys(one["revision"] for one in values if one["situation_id"] == its_id))

    def receiver_state(self) -> str | None:
        rows = self.city.records("core.delivery")
        newest = {
            one.key: None if one.value is None else self.city.wire.decode(one.topic, one.value)
            for one in rows
        }
        found = newest.get(b"desk")
        return None if found is None else found["state"]


@pytest.fixture
def town(cluster: Endpoints, tmp_path: Path) -> Iterator[Town]:
    city = LivingCity("webhooked", tmp_path, cluster)
    gateway = PushedCity(city, form=FILE)
    try:
        with a_web_receiver() as receiver, city.running():
            made = Town(gateway, receiver)
            wait_until(lambda: gateway.status("GET", "/readyz") == 200, SEEN_S)
            made.make_accounts()
            yield made
    finally:
        city.remove()


def test_a_subscriber_makes_pauses_and_ends_a_webhook_over_http(town: Town) -> None:
    wish = {"name": "desk", "settings": town.receiver.settings, "contracts": ["core.situation"]}
    status, made = town.ask("POST", "", wish)
    assert status == 201, made
    secret = made["secret"]

    town.report(1, 36.2)
    wait_until(lambda: len(town.got()) >= 1, SEEN_S)
    assert set(town.got()) == {*town.city.situations()}
    for one in town.receiver.taken:
        assert Verifier(secret).verify(one.body, dict(one.headers))

    first = set(town.got())
    assert town.ask("POST", "/desk/pause")[1]["state"] == "paused"
    wait_until(lambda: town.receiver_state() == "paused", SEEN_S, every_s=0.1)
    town.report(2, 36.4)
    town.report(3, 36.6)
    assert set(town.got()) == first
    wait_until(lambda: town.ask("GET", "/desk")[1]["lag"] >= 2, SEEN_S, every_s=0.2)
    town.ask("POST", "/desk/resume")
    wait_until(lambda: len(set(town.got())) == 3, SEEN_S)
    assert set(town.got()) == {*town.city.situations()}
    for its_id in town.city.situations():  # between situations there is no order
        assert town.revisions(its_id) == sorted(town.revisions(its_id)) != []

    town.change_account(revoked_at=2)
    wait_until(lambda: town.receiver_state() == "paused", SEEN_S, every_s=0.1)
    shown = town.ask("GET", "/desk", role="chief")[1]
    assert (shown["state"], shown["held"]) == ("paused", "its account is revoked or expired")
    town.change_account()
    wait_until(lambda: town.receiver_state() == "active", SEEN_S, every_s=0.1)

    assert town.ask("DELETE", "/desk")[0] == 204
    wait_until(lambda: town.receiver_state() is None, SEEN_S, every_s=0.1)
    assert town.ask("GET", "/desk")[0] == 404
    count = len(town.receiver.taken)
    town.report(4, 36.8)
    assert len(town.receiver.taken) == count
    assert not list((town.city.folder / "home" / "secrets").iterdir())
