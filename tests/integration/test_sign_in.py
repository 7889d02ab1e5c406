"""People sign in to a gateway on a real log by key, password and link; they read, act, are refused, and are signed out."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from deploy.settings import Endpoints
from tests.a_gateway import PushedCity
from tests.living_city import LivingCity, wait_until

pytestmark = pytest.mark.cluster

PATH = "/console/api/session"
PASSWORD = "four words of mine"  # noqa: S105 (of nobody)
KNOWN_S = 10.0


@dataclass
class Person:
    """Somebody at a browser: keeps the cookie, and sends the CSRF value."""

    gateway: PushedCity
    cookie: str = ""
    csrf: str = ""

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=30)
        headers = {"content-type": "application/json", "cookie": self.cookie, "x-bongsu-csrf": self.csrf}
        try:
            connection.request(method, path, None if body is None else orjson.dumps(body), headers)
            answer = connection.getresponse()
            told = answer.read()
            if (cookie := answer.headers["set-cookie"]) is not None:
                self.cookie = cookie.partition(";")[0]
            return answer.status, orjson.loads(told) if told else None
        finally:
            connection.close()

    def sign_in(self, **way: str) -> int:
        status, told = self.ask("POST", PATH, way)
        if status == 200:
            self.csrf = told["csrf"]
        return status

    def act(self) -> int:
        body = {"action": "acknowledge", "reason": "seen on the camera"}
        return self.ask("POST", f"/v1/{self.gateway.city.name}/situations/none/actions", body)[0]


@pytest.fixture
def gateway(cluster: Endpoints, tmp_path: Path) -> Iterator[PushedCity]:
    made = PushedCity(LivingCity("signin", tmp_path, cluster))
    made.start()
    yield made
    made.stop()
    made.city.remove()


def link_of(gateway: PushedCity, name: str) -> str:
    done = gateway.city.bongsu("user", "link", name, "--city", str(gateway.city.file))
    return done.stdout.strip().partition("#link=")[2]


def signs_in(gateway: PushedCity, **way: str) -> Person:
    """Somebody who signed in, as soon as the gateway knows what the command has written."""
    person = Person(gateway)
    wait_until(lambda: person.sign_in(**way) == 200, KNOWN_S)
    return person


def test_people_sign_in_by_each_way_read_act_and_are_refused(gateway: PushedCity) -> None:
    key, viewer_key = gateway.user("desk-3", "operator"), gateway.user("wall", "viewer")
    operator, viewer = signs_in(gateway, key=key), signs_in(gateway, key=viewer_key)
    situations = f"/v1/{gateway.city.name}/situations"
    for person in (operator, viewer):
        wait_until(lambda one=person: one.ask("GET", situations)[0] == 200, KNOWN_S)
    assert operator.act() == 404  # it may, and there is no such situation
    assert viewer.act() == 403
    assert Person(gateway, operator.cookie).act() == 403

    by_link = signs_in(gateway, link=(link := link_of(gateway, "desk-3")))
    assert by_link.ask("GET", PATH)[1]["account"]["name"] == "desk-3"
    assert Person(gateway).sign_in(link=link) == 401
    assert operator.ask("GET", PATH)[0] == 200

    words = ("user", "password", "desk-3", "--from-stdin", "--city", str(gateway.city.file))
    gateway.city.bongsu(*words, stdin=f"{PASSWORD}\n")
    wait_until(lambda: operator.ask("GET", PATH)[0] == 401, KNOWN_S)
    assert by_link.ask("GET", situations)[0] == 401
    assert Person(gateway).sign_in(name="desk-3", password="wrong") == 401  # noqa: S106 (of nobody)
    operator = signs_in(gateway, name="Desk-3", password=PASSWORD)
    assert operator.act() == 404

    stolen = operator.cookie
    assert operator.ask("DELETE", PATH)[0] == 204
    assert Person(gateway, stolen).ask("GET", PATH)[0] == 401
