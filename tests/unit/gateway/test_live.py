"""Live streams over real sockets, from a log in memory: resume, reset, filters, rights, bounds and ends."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from httpx_sse import ServerSentEvent, connect_sse

from connectors.gateway.accounts import new_key, new_user
from connectors.gateway.app import app_of
from connectors.gateway.door import Door
from connectors.gateway.live_hub import Hub, Limits
from connectors.gateway.live_ring import Ring
from connectors.gateway.sessions import LIFE_MS, Session, Sessions
from tests.living_city import wait_until
from tests.unit.gateway.a_live_log import ALERT, GRANT, HUB, SITUATION, MemoryLog
from tests.unit.gateway.an_app import NOON_MS, Here, a_gateway
from tests.unit.gateway.test_door import NO_CERTIFICATES, served

WAIT_S = 20.0


@dataclass
class Live:
    """A served gateway with streams."""

    here: Here
    hub: Hub
    log: MemoryLog
    port: int
    key: str
    is_ending: bool = False

    def key_of(self, audience: str | None, *purposes: str) -> str:
        key, account = new_key(
            "springfield", "reader", [], now_ms=NOON_MS, subscribes=True, audience=audience, purposes=purposes
        )
        self.here.gateway.accounts.put(account.value or {})
        return key

    @contextmanager
    def stream(
        self, query: str = "", last: str = "", key: str = "", **headers: str
    ) -> Iterator[Iterator[ServerSentEvent]]:
        """The events of a stream. It has joined: its first block was received."""
        sent = headers if "cookie" in headers else {"authorization": f"Bearer {key or self.key}", **headers}
        sent |= {"last-event-id": last} if last else {}
        url = f"http://127.0.0.1:{self.port}/v1/springfield/events?{query}"
        with (
            httpx.Client(verify=NO_CERTIFICATES, timeout=WAIT_S) as client,
            connect_sse(client, "GET", url, headers=sent) as source,
        ):
            events = source.iter_sse()
            next(events)
            yield events

    def read(self, count: int, query: str = "", last: str = "", key: str = "") -> list[ServerSentEvent]:
        """The next *count* events with data."""
        with self.stream(query, last, key) as events:
            return take(events, count)

    def refused(self, query: str = "", key: str = "", city: str = "springfield") -> httpx.Response:
        sent = {"authorization": f"Bearer {key or self.key}"}
        url = f"http://127.0.0.1:{self.port}/v1/{city}/events?{query}"
        return httpx.get(url, headers=sent, timeout=WAIT_S, verify=NO_CERTIFICATES)

    def wait_for_streams(self, count: int) -> None:
        wait_until(lambda: len(self.hub._clients) == count, WAIT_S)


def take(events: Iterator[ServerSentEvent], count: int) -> list[ServerSentEvent]:
    found: list[ServerSentEvent] = []
    while len(found) < count:
        if (event := next(events)).data:
            found.append(event)
    return found


def revisions(events: list[ServerSentEvent]) -> list[int]:
    return [event.json()["data"]["revision"] for event in events]


@contextmanager
def living(
    folder: Path, *, ring: Ring | None = None, log: MemoryLog | None = None, **limits: Any
) -> Iterator[Live]:
    log = log or MemoryLog()
    with a_gateway(folder) as here:
        holder: list[Live] = []
        hub = Hub(
            log,
            now_ms=lambda: NOON_MS,
            limits=Limits(**{"word_s": 0.3, **limits}),
            ring=ring,
            is_ending=lambda: bool(holder) and holder[0].is_ending,
        )
        here.gateway.live = hub
        here.gateway.purposes = lambda: ("dispatch",)
        here.gateway.sessions = Sessions(b"s" * 32, "springfield")
        here.app = app_of(here.gateway)
        hub.start()
        with served(here, Door()) as server:
            live = Live(here, hub, log, server.port, "")
            live.key = live.key_of("*", "dispatch")
            holder.append(live)
            yield live
            live.is_ending = True
            live.wait_for_streams(0)


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    with living(tmp_path) as made:
        yield made


def test_an_event_is_a_cloud_event_under_its_contracts_name_and_its_place(live: Live) -> None:
    with live.stream() as events:
        live.log.write(SITUATION, situation_id="S1")
        live.log.write(ALERT)
        first, second = take(events, 2)
    assert (first.event, first.id, second.event, second.id) == (SITUATION, "s1.a0.g0", ALERT, "s1.a1.g0")
    told = first.json()
    assert (told["type"], told["subject"], told["specversion"]) == (f"bongsu.{SITUATION}", "S1", "1.0")
    assert told["data"]["situation_id"] == "S1"


def test_the_stream_is_not_to_be_kept_or_buffered(live: Live) -> None:
    sent = {"authorization": f"Bearer {live.key}"}
    url = f"http://127.0.0.1:{live.port}/v1/springfield/events"
    with httpx.stream("GET", url, headers=sent, verify=NO_CERTIFICATES) as answer:
        heads = [answer.headers[name] for name in ("content-type", "cache-control", "x-accel-buffering")]
    assert heads == ["text/event-stream; charset=utf-8", "no-store", "no"]


def test_without_an_id_a_stream_begins_now_or_with_all_that_is_kept(live: Live) -> None:
    for number in range(5):
        live.log.write(SITUATION, revision=number)
    assert revisions(live.read(5, "from=beginning")) == [0, 1, 2, 3, 4]
    with live.stream() as events:
        live.log.write(SITUATION, revision=9)
        assert revisions(take(events, 1)) == [9]


@pytest.mark.parametrize("jump", [0, 1])
@pytest.mark.parametrize("ring", [100, 3])
def test_whoever_is_cut_anywhere_resumes_without_a_gap_or_a_double(
    tmp_path: Path, ring: int, jump: int
) -> None:
    chance = random.Random(22)
    with living(tmp_path, ring=Ring(ring), log=MemoryLog(jump=jump)) as live:
        written = [
            live.log.write(chance.choice([SITUATION, ALERT, GRANT]), revision=number) for number in range(40)
        ]
        found: list[tuple[str, int]] = []
        last = "s0.a0.g0"
        while len(found) < len(written):
            count = min(chance.randint(1, 9), len(written) - len(found))
            events = live.read(count, last=last)
            found += [(one.event, one.json()["data"]["revision"]) for one in events]
            last = events[-1].id
        assert sorted(found) == sorted((one.contract, one.value["revision"]) for one in written)
        for contract in (SITUATION, ALERT, GRANT):
            ours = [number for name, number in found if name == contract]
            assert ours == sorted(ours)
        wait_until(lambda: live.log.open_readings == 0, WAIT_S)
        assert (live.log.readings > 0) == (ring == 3)


def test_events_during_a_reading_from_the_log_come_once(tmp_path: Path) -> None:
    with living(tmp_path, ring=Ring(4)) as live:
        for number in range(20):
            live.log.write(SITUATION, revision=number)
        live.log.gate.clear()
        with live.stream(last="s3.a0.g0") as events:
            wait_until(lambda: live.log.open_readings == 1, WAIT_S)
            for number in range(20, 30):
                live.log.write(SITUATION, revision=number)
            live.log.gate.set()
            assert revisions(take(events, 27)) == list(range(3, 30))
            live.log.write(SITUATION, revision=30)
            assert revisions(take(events, 1)) == [30]


def test_more_at_once_than_memory_holds_comes_from_the_log(tmp_path: Path) -> None:
    log = MemoryLog()
    with living(tmp_path, ring=Ring(4), log=log) as live, live.stream() as events:
        log.listener = None
        written = [log.write(SITUATION, revision=number) for number in range(30)]
        live.hub.take(written, log.newest)
        assert revisions(take(events, 30)) == list(range(30))
        log.listener = live.hub
        log.write(SITUATION, revision=30)
        assert revisions(take(events, 1)) == [30]


def test_only_so_many_read_the_log_at_once_and_the_others_wait_with_heartbeats(tmp_path: Path) -> None:
    with living(tmp_path, ring=Ring(1), readings_max=1, heartbeat_s=0.2) as live:
        for number in range(4):
            live.log.write(SITUATION, revision=number)
        live.log.gate.clear()
        with live.stream(last="s0.a0.g0") as first, live.stream(last="s1.a0.g0") as second:
            wait_until(lambda: live.log.open_readings == 1, WAIT_S)
            assert next(second).data == "", "a heartbeat"
            assert live.log.readings == 1
            live.log.gate.set()
            assert revisions(take(first, 4)) == [0, 1, 2, 3]
            assert revisions(take(second, 3)) == [1, 2, 3]


RESETS = {
    "nonsense": "none of ours",
    "s1.a2": "none of ours",
    "s1.a2.g-3": "none of ours",
    "s99.a0.g0": "beyond the end",
    "s1.a0.g0": "older than what is kept",
}


@pytest.mark.parametrize(
    ("last", "way"), [*((one, "header") for one in RESETS), ("s1.a0.g0", "query"), ("nonsense", "query")]
)
def test_a_place_that_is_lost_gets_a_reset_and_what_stands(tmp_path: Path, last: str, way: str) -> None:
    with living(tmp_path, ring=Ring(2)) as live:
        for number in range(6):
            live.log.write(SITUATION, revision=number, closed_at=None if number % 2 else "2026-03-08")
        live.log.oldest = live.log.oldest.after(0, 3)
        here = {"last": last} if way == "header" else {"query": f"last_event_id={last}"}
        with live.stream(**here) as events:
            reset, *snapshot = take(events, 4)
            assert reset.event == "reset" and RESETS[last] in reset.json()["reason"]
            assert (reset.json()["snapshot"], reset.json()["is_whole"]) == (3, True)
            assert revisions(snapshot) == [1, 3, 5]
            assert {one.id for one in [reset, *snapshot]} == {""}, "cut now, it gets a reset again"
            live.log.write(SITUATION, revision=6)
            (after,) = take(events, 1)
            assert (revisions([after]), after.id) == ([6], "s7.a0.g0")


def test_the_id_moves_over_what_the_client_may_not_see(tmp_path: Path) -> None:
    with living(tmp_path, heartbeat_s=0.2) as live, live.stream(key=live.key_of(None)) as events:
        for _ in range(5):
            live.log.write(SITUATION)
        wait_until(lambda: next(events).id == "s5.a0.g0", WAIT_S)


def test_each_sees_its_own_rows_and_no_field_beyond_its_purpose(live: Live) -> None:
    ours, nobody = live.key_of("119"), live.key_of(None)
    with live.stream(key=ours) as ours_events, live.stream(key=nobody) as public, live.stream() as whole:
        for number, agencies in enumerate((["112"], ["119"], ["112", "119"])):
            live.log.write(SITUATION, revision=number, agencies=agencies, reason="a name")
        live.log.write(ALERT, revision=3, audience="public", kind="crash.vehicle")
        ours_seen, public_seen, all_seen = take(ours_events, 3), take(public, 1), take(whole, 4)
    assert (revisions(ours_seen), revisions(public_seen)) == ([1, 2, 3], [3])
    assert [one.json()["data"]["reason"] for one in all_seen[:3]] == ["a name"] * 3
    assert [one.json()["data"]["reason"] for one in ours_seen[:2]] == [None, None]
    assert ours_seen[0].json()["data"]["position"] and not public_seen[0].json()["data"]["position"]
    assert public_seen[0].json()["data"]["area"]


def test_boards_of_hubs_come_to_who_asks_for_them_and_move_the_id_of_others(live: Live) -> None:
    with live.stream(query=f"contract={HUB}", key=live.key_of(None)) as boards, live.stream() as others:
        live.log.write(HUB, hub_id="H-1")
        live.log.write(SITUATION)
        (board,) = take(boards, 1)
        (other,) = take(others, 1)
    assert (board.event, board.id, board.json()["subject"]) == (HUB, "s0.a0.g0.h1", "H-1")
    assert (other.event, other.id) == (SITUATION, "s1.a0.g0.h1")
    assert board.json()["data"]["docks"]["free"] == 3
    with live.stream(query=f"contract={HUB},{SITUATION}", last="s0.a0.g0") as resumed:
        assert [one.event for one in take(resumed, 2)] == [HUB, SITUATION], (
            "an id of before there were boards"
        )


def test_filters_are_by_kind_with_those_below_by_contract_and_by_place(live: Live) -> None:
    live.log.write(SITUATION, revision=0, kind="crash.vehicle")
    live.log.write(SITUATION, revision=1, kind="fire", position={"lat": 36.5, "lon": 127.9, "accuracy_m": 1})
    live.log.write(ALERT, revision=2, kind="crash", area={"lat": 36.5, "lon": 128.0, "radius_m": 20_000.0})
    live.log.write(GRANT, revision=3, position=None)
    live.log.write(SITUATION, revision=9, kind="crash", position={"lat": 36.5, "lon": 127.9, "accuracy_m": 1})
    since = "last_event_id=s0.a0.g0&"
    assert revisions(live.read(3, f"{since}kind=crash")) == [0, 2, 9]
    assert revisions(live.read(2, f"{since}contract=core.alert&topic=springfield.core.grant")) == [2, 3]
    assert revisions(live.read(3, f"{since}bbox=127.8,36.4,127.95,36.6")) == [1, 2, 9]
    assert revisions(
        live.read(1, f"{since}bbox=127.8,36.4,127.95,36.6&kind=crash&contract=core.situation")
    ) == [9]


def test_a_box_does_not_tell_the_public_a_place_that_is_masked(live: Live) -> None:
    live.log.write(ALERT, audience="public", revision=1, area=None)
    live.log.write(ALERT, audience="public", revision=2)
    nobody = live.key_of(None)
    events = live.read(1, "last_event_id=s0.a0.g0&bbox=127,36,128,37", key=nobody)
    assert revisions(events) == [2]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("kind=nonsense", "kind"),
        ("contract=core.track", "contract"),
        ("topic=other.core.alert", "contract"),
        ("bbox=1,2,3", "bbox"),
        ("bbox=10,50,5,60", "bbox"),
        ("bbox=nan,0,1,1", "bbox"),
        ("polygon=1,2", "polygon"),
        ("from=then", "from"),
        ("kind=" + "crash," * 60, "kind"),
    ],
)
def test_a_filter_that_cannot_be_is_refused_by_its_name(live: Live, query: str, field: str) -> None:
    answer = live.refused(query)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert answer.headers["content-type"] == "application/problem+json"


def test_who_may_not_read_is_refused(live: Live) -> None:
    assert live.refused(key=live.here.key).status_code == 403
    assert live.refused(key="none").status_code == 401
    assert live.refused(city="shelbyville").status_code == 404


def test_an_account_and_the_gateway_have_so_many_streams(tmp_path: Path) -> None:
    with living(tmp_path, of_account_max=1, streams_max=2) as live:
        other, third = live.key_of("*"), live.key_of("*")
        with live.stream():
            answer = live.refused()
            assert (answer.status_code, "retry-after" in answer.headers) == (429, True)
            with live.stream(key=other):
                assert live.refused(key=third).status_code == 429
        live.wait_for_streams(0)
        with live.stream():
            pass


def dropped(events: Iterator[ServerSentEvent]) -> dict[str, Any]:
    (last,) = take(events, 1)
    assert last.event == "dropped"
    assert not [one for one in events if one.data], "the stream has ended"
    return dict(last.json())


def test_a_revoked_expired_or_changed_key_ends_its_stream_within_a_second(live: Live) -> None:
    changes: tuple[dict[str, Any], ...] = (
        {"revoked_at": NOON_MS},
        {"expires_at": NOON_MS},
        {"roles": []},
        {"audience": "119"},
    )
    for change in changes:
        key, account = new_key("springfield", "x", [], now_ms=NOON_MS, subscribes=True, audience="*")
        live.here.gateway.accounts.put(account.value or {})
        with live.stream(key=key) as events, live.stream() as others:
            begun = time.monotonic()
            live.here.gateway.accounts.put({**(account.value or {}), **change})
            assert dropped(events)["reason"] == "key"
            assert time.monotonic() - begun < 1.0
            live.log.write(SITUATION)
            assert take(others, 1)


@pytest.mark.parametrize("over", ["signed out", "another password", "disabled", "expired"])
def test_a_session_that_is_over_ends_its_stream_alone(live: Live, over: str) -> None:
    gateway = live.here.gateway
    key, event = new_user("springfield", "desk-3", "operator", now_ms=NOON_MS)
    gateway.accounts.put(event.value or {})
    account = gateway.accounts.of_id(event.key)
    assert account is not None
    assert gateway.sessions is not None
    session, other = (gateway.sessions.begin(account, now_ms=NOON_MS) for _ in range(2))
    with (
        live.stream(cookie=cookie_of(gateway.sessions, session)) as events,
        live.stream(cookie=cookie_of(gateway.sessions, other)) as others,
        live.stream(key=key) as by_key,
    ):
        live.log.write(SITUATION)
        assert take(events, 1)
        begun = time.monotonic()
        if over == "signed out":
            gateway.sessions.end(session, now_ms=NOON_MS)
        elif over == "expired":
            gateway.now_ms = lambda: NOON_MS + LIFE_MS
        else:
            change = {"password_hash": "x"} if over == "another password" else {"revoked_at": NOON_MS}
            gateway.accounts.put({**(event.value or {}), **change})
        assert dropped(events)["reason"] == "key"
        assert time.monotonic() - begun < 1.0
        live.log.write(SITUATION)
        if over == "signed out":
            assert take(others, 2)
        if over in ("signed out", "expired"):
            assert take(by_key, 2)


def cookie_of(sessions: Sessions, session: Session) -> str:
    return f"bongsu-session={sessions.token(session)}"


def test_a_shutdown_says_so_to_all(live: Live) -> None:
    live.log.write(SITUATION)
    with live.stream() as one, live.stream(last="s0.a0.g0") as two:
        take(two, 1)
        live.is_ending = True
        said = dropped(one)
        assert (said["reason"], said["last_event_id"]) == ("shutdown", "s1.a0.g0")
        assert dropped(two)["reason"] == "shutdown"


def test_a_log_that_begins_anew_ends_its_streams(live: Live) -> None:
    live.log.write(SITUATION)
    with live.stream() as events:
        live.hub.begin(live.log.oldest)
        assert dropped(events)["reason"] == "log"


def test_a_stream_that_still_reads_the_log_ends_too_where_that_begins_anew(tmp_path: Path) -> None:
    with living(tmp_path, ring=Ring(4)) as live:
        for number in range(20):
            live.log.write(SITUATION, revision=number)
        live.log.gate.clear()
        with live.stream(last="s3.a0.g0") as events:
            wait_until(lambda: live.log.open_readings == 1, WAIT_S)
            live.hub.begin(live.log.oldest)
            live.log.gate.set()
            assert "dropped" in [one.event for one in events]


def test_where_the_log_cannot_be_read_a_stream_says_so(tmp_path: Path) -> None:
    with living(tmp_path, ring=Ring(2)) as live:
        for _ in range(3):
            live.log.write(SITUATION)
        live.log.is_away = True
        with live.stream(last="s2.a0.g0") as events:
            live.log.write(SITUATION)
            assert len(take(events, 2)) == 2, "what is in memory needs no log"
        url = f"http://127.0.0.1:{live.port}/v1/springfield/events"
        sent = {"authorization": f"Bearer {live.key}", "last-event-id": "s0.a0.g0"}
        told = httpx.get(url, headers=sent, timeout=WAIT_S, verify=NO_CERTIFICATES).text
        assert "event: dropped" in told and '"reason":"log"' in told


def ask(live: Live, receives: int) -> socket.socket:
    """A client that has asked for a stream and reads nothing of it."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives)
    made.settimeout(WAIT_S)
    made.connect(("127.0.0.1", live.port))
    head = f"GET /v1/springfield/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {live.key}\r\n\r\n"
    made.sendall(head.encode())
    live.wait_for_streams(1)
    return made


def write_until_dropped(live: Live) -> int:
    """Write until the slow client is; the number of events."""
    (client,) = live.hub._clients
    for number in range(100_000):
        live.log.write(SITUATION, reason="x" * 20_000, revision=number)
        if client.dropped is not None:
            return number
        until = (
            time.monotonic() + WAIT_S
        )  # one that is not held up in a send has caught up, however fast the writer is
        while (
            client.sending_since is None
            and number - client.place.offsets[0] > 20
            and time.monotonic() < until
        ):
            time.sleep(0.0005)
        if number % 50 == 0:
            time.sleep(0.005)
    raise AssertionError("never dropped")


def test_a_slow_client_is_dropped_with_a_word_that_it_may_still_read(tmp_path: Path) -> None:
    with living(tmp_path, ring=Ring(50), word_s=WAIT_S) as live, ask(live, 4_096) as slow:
        write_until_dropped(live)
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        told = b""
        while part := slow.recv(1 << 16):
            told += part
        last_id = told.rpartition(b"\nid: ")[2].partition(b"\n")[0].decode()
        word = told.rpartition(b"event: dropped\ndata: ")[2]
        assert b'"reason":"slow"' in word and f'"last_event_id":"{last_id}"'.encode() in word
        assert told.endswith(b"0\r\n\r\n")


def test_a_slow_client_that_reads_no_more_is_closed_and_delays_nobody(tmp_path: Path) -> None:
    with living(tmp_path, ring=Ring(50)) as live, ask(live, 4_096):
        number = write_until_dropped(live)
        live.wait_for_streams(0)
        assert revisions(live.read(1, last=f"s{number}.a0.g0")) == [number]


def test_a_client_that_reads_nothing_is_dropped_even_when_little_happens(tmp_path: Path) -> None:
    with living(tmp_path, send_s=0.3) as live, ask(live, 4_096):
        (client,) = live.hub._clients
        while client.sending_since is None or time.monotonic() - client.sending_since < 0.1:
            live.log.write(SITUATION, reason="x" * 200_000)
            time.sleep(0.01)
        live.wait_for_streams(0)
        assert client.dropped == "slow"


def test_the_operation_is_described(live: Live) -> None:
    operation = live.here.app.openapi()["paths"]["/v1/{city}/events"]["get"]
    assert "text/event-stream" in operation["responses"]["200"]["content"]
    names = {one["name"] for one in operation["parameters"]}
    assert names == {"city", "Last-Event-ID", "last_event_id", "from", "kind", "contract", "topic", "bbox"}
