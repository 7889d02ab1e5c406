"""Bounds on connections, and on requests of a connection before it is known: no Kafka, real sockets."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import orjson
import pytest
import uvicorn
from starlette.responses import Response

from connectors.gateway import connections as guarded_module
from connectors.gateway.connections import guarded
from connectors.gateway.door import Door
from tests.unit.gateway.an_app import REPORT, Here, a_gateway

ENDS_S = 10.0
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Plain HTTP needs none, and each new client would read the list of authorities."""


@dataclass(eq=False)
class Somebody:
    address: str
    is_idle: bool = True
    is_gone: bool = False

    def send_away(self) -> None:
        self.is_gone = True


def come(door: Door, address: str, count: int) -> list[Somebody]:
    callers = [Somebody(address) for _ in range(count)]
    for one in callers:
        door.come(one)
    return callers


def test_who_has_waited_longest_at_the_address_with_the_most_goes_first() -> None:
    door = Door(strangers_max=10, of_address_max=100)
    honest, many = come(door, "a", 2), come(door, "b", 50)
    assert not any(one.is_gone for one in honest)
    assert [one.is_gone for one in many] == [True] * 42 + [False] * 8
    assert door.strangers == 10


def test_an_address_has_a_share_and_a_proxy_has_all_of_it() -> None:
    door = Door(is_proxy=lambda address: address == "proxy", strangers_max=20, of_address_max=5)
    assert sum(not one.is_gone for one in come(door, "a", 12)) == 5
    assert sum(not one.is_gone for one in come(door, "proxy", 12)) == 12


def test_the_addresses_of_one_ipv6_network_have_one_share() -> None:
    door = Door(strangers_max=20, of_address_max=5)
    callers = [Somebody(f"2001:db8:1:2::{number:x}") for number in range(12)]
    for one in callers:
        door.come(one)
    assert sum(not one.is_gone for one in callers) == 5
    assert not any(one.is_gone for one in come(door, "2001:db8:1:3::1", 5))
    for one in callers:
        if not one.is_gone:
            door.leave(one)
    assert door.strangers == 5


def test_the_known_are_not_sent_away_for_strangers() -> None:
    door = Door(strangers_max=5)
    (known,) = come(door, "a", 1)
    assert door.know(known, "police")
    come(door, "a", 100)
    assert not known.is_gone
    assert (door.known, door.strangers) == (1, 5)


def test_an_account_has_so_many_connections_and_its_own_idle_ones_make_room() -> None:
    door = Door(of_account_max=2, known_max=3)
    ours, theirs = come(door, "a", 3), come(door, "a", 2)
    assert all(door.know(one, "fire") for one in theirs[:1])
    for one in theirs + ours[:2]:
        one.is_idle = False
    assert [door.know(one, "police") for one in ours] == [True, True, False]
    ours[1].is_idle = True
    assert door.know(ours[2], "police")
    assert [one.is_gone for one in [*ours, *theirs]] == [False, True, False, False, False]


def test_whoever_leaves_is_forgotten() -> None:
    door = Door()
    callers = come(door, "a", 3)
    door.know(callers[0], "police")
    for one in callers * 2:
        door.leave(one)
    assert (door.known, door.strangers, door._strangers, dict(door._of_account)) == (0, 0, {}, {})


def test_a_connection_that_changes_its_account_counts_for_the_newer_one() -> None:
    door = Door(of_account_max=2)
    one, two, three = come(door, "a", 3)
    assert door.know(one, "police") and door.know(one, "police")
    assert (dict(door._of_account), door.known) == ({"police": 1}, 1), "the same key again is no second one"
    assert door.know(two, "police") and door.know(two, "fire")
    assert dict(door._of_account) == {"police": 1, "fire": 1}
    for each in (one, two):
        door.leave(each)
    assert dict(door._of_account) == {}
    assert door.strangers == 1 and not three.is_gone


def test_where_the_house_is_full_any_idle_one_makes_room_and_a_busy_one_never() -> None:
    door = Door(known_max=2)
    one, two, three, four = come(door, "a", 4)
    assert door.know(one, "fire") and door.know(two, "police")
    one.is_idle = two.is_idle = False
    assert not door.know(three, "medical")
    assert (door.known, door.strangers) == (2, 2)
    two.is_idle = True
    assert door.know(three, "medical")
    assert (one.is_gone, two.is_gone, door.known) == (False, True, 2)
    three.is_idle = True
    one.is_idle = True
    assert door.know(four, "medical")
    assert (one.is_gone, three.is_gone) == (True, False), "the one that is known longest"


def test_the_usual_bounds_of_the_door() -> None:
    """As the operator's page says."""
    door = Door()
    strangers = [one for number in range(5) for one in come(door, f"a{number}", 64)]
    assert door.strangers == 256 == sum(not one.is_gone for one in strangers)
    assert sum(not one.is_gone for one in come(Door(), "a", 70)) == 64
    door = Door()
    known = [door.know(one, "police") for one in come_busy(door, 130)]
    assert known.count(True) == 128
    for number in range(7):
        known += [door.know(one, f"k{number}") for one in come_busy(door, 128)]
    assert (door.known, [door.know(one, "k9") for one in come_busy(door, 1)]) == (1_024, [False])


def come_busy(door: Door, count: int) -> Iterator[Somebody]:
    """Callers that come one after the other, each with a request under way."""
    for _ in range(count):
        (one,) = come(door, "b", 1)
        one.is_idle = False
        yield one


@dataclass
class Server:
    here: Here
    port: int
    door: Door
    sockets: list[socket.socket] = field(default_factory=list)

    def connect(self) -> socket.socket:
        made = socket.create_connection(("127.0.0.1", self.port), timeout=ENDS_S)
        self.sockets.append(made)
        return made

    def said_to(self, *pieces: bytes) -> bytes:
        """Send *pieces*; return all bytes received until the connection is closed."""
        made, answer = self.connect(), b""
        with suppress(OSError):
            for piece in pieces:
                made.sendall(piece)
        with suppress(OSError):
            while part := made.recv(65_536):
                answer += part
        return answer

    def push(self, number: int = 1, key: str | None = None, client: str | None = None) -> httpx.Response:
        """Push a report; *client* is the address that a proxy would name."""
        sent = {"authorization": f"Bearer {key or self.here.key}"}
        if client is not None:
            sent["x-forwarded-for"] = client
        url = f"http://127.0.0.1:{self.port}/v1/springfield/sources/reports"
        said = {**REPORT, "agency_case_no": str(number)}
        return httpx.post(url, json=said, headers=sent, timeout=ENDS_S, verify=NO_CERTIFICATES)


@contextmanager
def served(here: Here, door: Door, **about: Any) -> Iterator[Server]:
    config = uvicorn.Config(
        here.app,
        port=0,
        log_level="error",
        ws="none",
        http=guarded(door),
        timeout_graceful_shutdown=1,
        **about,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    end_at = monotonic() + ENDS_S
    while not server.started and monotonic() < end_at:
        thread.join(0.01)
    made = Server(here, server.servers[0].sockets[0].getsockname()[1], door)
    try:
        yield made
    finally:
        for one in made.sockets:
            one.close()
        server.should_exit = True
        thread.join(ENDS_S)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(guarded_module, "HEAD_S", 0.5)
    monkeypatch.setattr(guarded_module, "UNREAD_S", 0.5)
    with a_gateway(tmp_path) as here, served(here, Door(strangers_max=20, of_address_max=15)) as made:
        yield made


START = b"POST /v1/springfield/sources/reports HTTP/1.1\r\nhost: x\r\n"
ENDLESS = {
    "one header": [START + b"a: ", *[b"b" * 65_536] * 200],
    "many headers": [START, *[b"a: b\r\n" * 10_000] * 20],
    "an endless path": [b"POST /", *[b"b" * 65_536] * 200],
    "empty lines": [b"\r\n" * 32_768] * 20,
    "an endless chunk extension": [START + b"transfer-encoding: chunked\r\n\r\n1;a=", *[b"b" * 65_536] * 200],
    "an endless trailer": [
        START + b"transfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\na: ",
        *[b"b" * 65_536] * 200,
    ],
    "requests without a pause": [b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n" * 5_000],
}


@pytest.mark.parametrize("case", ENDLESS)
def test_what_has_no_end_is_ended(server: Server, case: str) -> None:
    pieces = ENDLESS[case]
    begun = monotonic()
    answer = server.said_to(*pieces)
    assert monotonic() - begun < ENDS_S
    assert answer.count(b"HTTP/1.1") < 600
    assert server.push().status_code == 202


def test_a_head_of_too_many_headers_hears_why(server: Server) -> None:
    many = START + b"".join(b"a%d: b\r\n" % number for number in range(150)) + b"\r\n"
    assert server.said_to(many).startswith(b"HTTP/1.1 431 ")


SLOW = {
    "nothing": b"",
    "half a head": START,
    "an empty line": b"\r\n",
    "a second head that never ends": b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\nGET ",
    "a body that nobody waits for": START + b"content-length: 1000\r\n\r\n{",
}


@pytest.mark.parametrize("case", SLOW)
def test_whoever_says_no_more_is_not_waited_for(server: Server, case: str) -> None:
    begun = monotonic()
    server.said_to(SLOW[case])
    assert monotonic() - begun < ENDS_S - 1
    assert server.door.strangers <= 1


def test_silent_connections_keep_nobody_out(server: Server) -> None:
    for _ in range(100):
        server.connect()
    assert [server.push(number).status_code for number in range(5)] == [202] * 5
    assert server.door.strangers <= 20


def test_bodies_that_are_declared_and_not_sent_take_no_room(server: Server) -> None:
    head = START + f"authorization: Bearer {server.here.key}\r\ncontent-length: 100000\r\n\r\n[".encode()
    for _ in range(10):
        server.connect().sendall(head)
    assert [server.push(number).status_code for number in range(5)] == [202] * 5


def test_one_account_that_fills_its_room_leaves_that_of_others(server: Server) -> None:
    head = START + f"authorization: Bearer {server.here.key}\r\ncontent-length: 100000\r\n\r\n[".encode()
    for _ in range(5):
        server.connect().sendall(head + b" " * 90_000)
    end_at = monotonic() + ENDS_S
    while server.here.gateway.room.taken < 100_000 and monotonic() < end_at:
        threading.Event().wait(0.01)
    assert server.here.gateway.room.taken <= 200_000
    assert server.push(key=server.here.other_key).status_code == 202


def test_a_long_body_and_a_request_behind_it_are_both_taken(server: Server) -> None:
    body = orjson.dumps([{**REPORT, "agency_case_no": str(number)} for number in range(400)])
    one = START + f"authorization: Bearer {server.here.key}\r\ncontent-length: {len(body)}\r\n".encode()
    last = one + b"connection: close\r\n\r\n" + body
    answer = server.said_to(one + b"\r\n" + body + last)
    assert answer.count(b"HTTP/1.1 202") == 2


@pytest.mark.parametrize(("proxies", "heard"), [((), 429), (("127.0.0.1",), 401)])
def test_who_asks_without_a_key_is_told_apart_by_a_named_proxy_only(
    tmp_path: Path, proxies: tuple[str, ...], heard: int
) -> None:
    about = {"proxy_headers": bool(proxies), "forwarded_allow_ips": list(proxies)}
    with a_gateway(tmp_path) as here, served(here, Door(), **about) as server:
        here.gateway.wrong_keys.usual = 1.0
        here.gateway.now_s = lambda: 1_000.0  # no time goes by, however long the answers take
        loud = [server.push(key="none", client="10.0.0.1") for _ in range(4)]
        assert [one.status_code for one in loud] == [401, 401, 429, 429]
        assert server.push(key="none", client="10.0.0.2").status_code == heard
        assert server.push(client="10.0.0.1").status_code == 202


def test_a_response_that_is_not_read_is_not_kept_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarded_module, "UNSENT_S", 0.5)
    with a_gateway(tmp_path) as here:
        here.app.add_route("/long", lambda _request: Response(b"x" * (16 << 20)))
        with served(here, Door(), timeout_keep_alive=1) as server:
            slow = server.connect()
            slow.sendall(b"GET /long HTTP/1.1\r\nhost: x\r\n\r\n")
            assert slow.recv(1) == b"H"
            end_at = monotonic() + ENDS_S
            while server.door.strangers and monotonic() < end_at:
                sleep(0.02)
            assert server.door.strangers == 0
