"""A fetcher with brokers of any response times: none starves, blocks it, or is reported wrongly."""

from __future__ import annotations

import select
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from io import BytesIO
from typing import Any

import pytest
from aiokafka.protocol.fetch import FetchRequest_v11, FetchResponse_v11
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from streams.match.core.flow import Partition
from streams.match.native import connection
from streams.match.native import fetcher as fetching
from streams.match.native.connection import SILENT_S
from streams.match.native.fetcher import LEADERS_EVERY_S, Fetcher
from streams.match.native.secure_socket import Broker, Unanswered

END = 1_000_000
AWAY = "broker unavailable"
Send = Callable[[socket.socket, bytes], None]


class Endless:
    """A broker that always has ten more records. *send* sends its response."""

    def __init__(self, send: Send = socket.socket.sendall) -> None:
        self.send = send
        self._door = socket.create_server(("127.0.0.1", 0))
        self.broker: Broker = self._door.getsockname()
        self.connections: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        for one in (self._door, *self.connections):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._door.accept()
                self.connections.append(connection)
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with suppress(OSError):
            while size := connection.recv(4, socket.MSG_WAITALL):
                asked = BytesIO(connection.recv(int.from_bytes(size), socket.MSG_WAITALL))
                number = asked.read(8)[4:]
                asked.read(int.from_bytes(asked.read(2)))  # the client's name
                request: Any = FetchRequest_v11.decode(asked)
                topics = [
                    (topic, [(one[0], 0, END, END, 0, None, -1, _batch(one[2])) for one in partitions])
                    for topic, partitions in request.topics
                ]
                answer = number + FetchResponse_v11(0, 0, 0, topics).encode()
                self.send(connection, len(answer).to_bytes(4) + answer)


def _batch(first: int) -> bytes:
    builder = DefaultRecordBatchBuilder(2, 0, False, -1, -1, -1, 100_000)
    for number in range(10):
        builder.append(number, 1_700_000_000_000, b"key", b"value" * 40, [])
    return first.to_bytes(8) + bytes(builder.build())[8:]


def wait_for_responses(fetcher: Fetcher) -> None:
    """Return once the response to every request under way has begun to arrive."""
    for one in fetcher._connections.values():
        if one.requested:
            assert select.select([one.socket], [], [], 5.0)[0]


@pytest.fixture
def ahead_s(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds by which the fetcher's clock is ahead of the real one; a test changes them."""
    ahead = [0.0]
    for module in (connection, fetching):
        monkeypatch.setattr(module, "monotonic", lambda: time.monotonic() + ahead[0])
    return ahead


@pytest.fixture
def brokers() -> Iterator[list[Endless]]:
    made = [Endless(), Endless()]
    yield made
    for one in made:
        one.close()


@pytest.fixture
def fetcher(brokers: list[Endless]) -> Iterator[Fetcher]:
    """Partitions 0 and 1 are led by one broker each."""

    def leaders(places: Any) -> dict[Partition, Broker]:
        return {place: brokers[place[1]].broker for place in places}

    made = Fetcher(leaders, lambda _: 0, wait_ms=20)
    yield made
    made.close()


def test_no_broker_starves_behind_a_quicker_one(fetcher: Fetcher) -> None:
    fetcher.begin({("topic", 0): 0, ("topic", 1): 0})
    came = Counter[int]()
    for _ in range(20):
        came.update(part.place[1] for part in fetcher.fetched(1.0))
        wait_for_responses(fetcher)
    assert min(came[0], came[1]) > 15


@pytest.mark.parametrize("wanted", [{("topic", 0): 0, ("next", 0): 0}, {("topic", 0): 5}, {("next", 0): 0}])
def test_what_is_to_be_read_now_does_not_wait_for_a_request_that_waits_for_other_records(
    fetcher: Fetcher, brokers: list[Endless], caplog: pytest.LogCaptureFixture, wanted: dict[Partition, int]
) -> None:
    asked = threading.Event()
    send, brokers[0].send = brokers[0].send, lambda _connection, _held: asked.set()
    fetcher.begin({("topic", 0): 0})
    assert fetcher.fetched(0.0) == []
    assert asked.wait(5.0)
    brokers[0].send = send
    fetcher.begin(wanted)
    came: set[Partition] = set()
    until = time.monotonic() + 5.0
    while came != wanted.keys() and time.monotonic() < until:
        came |= {part.place for part in fetcher.fetched(LEADERS_EVERY_S)}
    assert came == wanted.keys()
    assert len(brokers[0].connections) == 2
    assert AWAY not in caplog.text


def test_fewer_partitions_leave_the_request_under_way_as_it_is(
    fetcher: Fetcher, brokers: list[Endless]
) -> None:
    send, asked, may_answer = brokers[0].send, threading.Event(), threading.Event()

    def later(connection: socket.socket, held: bytes) -> None:
        asked.set()
        may_answer.wait(5.0)
        send(connection, held)

    brokers[0].send = later
    fetcher.begin({("topic", 0): 0, ("next", 0): 0})
    assert fetcher.fetched(0.0) == []
    assert asked.wait(5.0)
    fetcher.begin({("topic", 0): 0})
    assert fetcher.fetched(0.0) == []
    may_answer.set()
    assert {part.place for part in fetcher.fetched(5.0)} == {("topic", 0)}
    assert len(brokers[0].connections) == 1


def test_without_partitions_it_waits_as_it_is_told(fetcher: Fetcher) -> None:
    begun = time.monotonic()
    fetcher.begin({})
    assert fetcher.fetched(0.2) == []
    assert time.monotonic() - begun >= 0.2


def test_an_answer_that_nobody_had_time_for_is_no_silence(
    fetcher: Fetcher, ahead_s: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    fetcher.begin({("topic", 0): 0})
    assert fetcher.fetched(1.0)
    wait_for_responses(fetcher)
    ahead_s[0] += 3 * SILENT_S
    assert fetcher.fetched(1.0)
    assert AWAY not in caplog.text


def test_a_broker_that_never_responds_is_said_to_be_away(
    fetcher: Fetcher, brokers: list[Endless], ahead_s: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    """The control of the tests around it: there the same words must not be logged."""
    asked = threading.Event()
    brokers[0].send = lambda _connection, _held: asked.set()
    fetcher.begin({("topic", 0): 0})
    assert fetcher.fetched(0.0) == []
    assert asked.wait(5.0)
    assert AWAY not in caplog.text
    ahead_s[0] += 3 * SILENT_S
    assert fetcher.fetched(0.0) == []
    assert AWAY in caplog.text


def test_an_answer_that_comes_slowly_holds_nobody_up_and_is_no_silence(
    fetcher: Fetcher,
    brokers: list[Endless],
    ahead_s: list[float],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The whole response takes longer than a broker may be silent, each piece of it less."""
    pieces, sent = threading.Semaphore(0), list[int]()

    def slowly(connection: socket.socket, held: bytes) -> None:
        step = len(held) // 8
        for at in range(0, len(held), step):
            pieces.acquire()
            connection.sendall(held[at : at + step])
            sent.append(at)

    brokers[0].send = slowly
    fetcher.begin({("topic", 0): 0})
    found, longest_s = fetcher.fetched(0), 0.0
    while not found and len(sent) < 100:
        pieces.release()
        wait_for_responses(fetcher)
        ahead_s[0] += 0.7 * SILENT_S
        begun = time.monotonic()
        found = fetcher.fetched(0)
        longest_s = max(longest_s, time.monotonic() - begun)
    assert found
    assert len(sent) > 2
    assert longest_s < 1.0
    assert AWAY not in caplog.text


def test_a_broker_that_hangs_up_unasked_is_not_said_to_be_away(
    fetcher: Fetcher, brokers: list[Endless], ahead_s: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    fetcher.begin({("topic", 0): 0, ("topic", 1): 0})
    assert fetcher.fetched(1.0)
    fetcher.begin({("topic", 1): 0})  # the response under way from the other broker is not used
    for _ in range(5):
        assert fetcher.fetched(1.0)
        wait_for_responses(fetcher)
    brokers[0].connections[0].shutdown(socket.SHUT_RDWR)
    for _ in range(5):
        assert fetcher.fetched(1.0)
        wait_for_responses(fetcher)
    assert AWAY not in caplog.text
    fetcher.begin({("topic", 0): 0})
    ahead_s[0] += LEADERS_EVERY_S
    assert fetcher.fetched(1.0)


def test_a_broker_that_resets_the_connection_does_not_speak_as_we_do(brokers: list[Endless]) -> None:
    def reset(connection: socket.socket, _held: bytes) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    brokers[0].send = reset
    with pytest.raises(Unanswered):
        connection.prove(brokers[0].broker)


def test_a_broker_that_lets_nobody_in_seldom_holds_up_what_another_tells(
    fetcher: Fetcher, brokers: list[Endless], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "CONNECT_S", 0.3)
    with ExitStack() as stack:
        door = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):  # it is full now
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(door.getsockname())
        monkeypatch.setattr(brokers[1], "broker", door.getsockname())
        fetcher.begin({("topic", 0): 0, ("topic", 1): 0})
        held_up, until = 0, time.monotonic() + 3
        while (begun := time.monotonic()) < until:
            assert fetcher.fetched(1.0)
            held_up += time.monotonic() - begun > 0.2
    assert 1 <= held_up <= 3
