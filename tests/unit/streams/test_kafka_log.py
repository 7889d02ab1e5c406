"""Messages of librdkafka go through our log; the fencing of a producer by design is logged as information."""

from __future__ import annotations

import ast
import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

import deploy
import streams
from streams.log import KAFKA_LOGGER, log
from streams.match.native.librdkafka import _logged

FENCED = "FATAL [rdkafka#producer-1] [thrd:main]: Fatal error: Local: This instance has been fenced by a newer instance"
FOLDERS = [Path(folder) for one in (deploy, streams) for folder in one.__path__]
CLIENTS = {"Producer", "Consumer", "AdminClient", "SerializingProducer", "DeserializingConsumer"}


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """The lines of a worker's log as an operator sees them."""
    out = io.StringIO()
    ours, handler = logging.getLogger("bongsu"), logging.StreamHandler(out)
    before = (ours.level, ours.propagate)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    ours.addHandler(handler)
    ours.propagate = False
    yield out
    ours.removeHandler(handler)
    ours.setLevel(before[0])
    ours.propagate = before[1]


def test_a_fenced_producer_is_information_and_quiet_workers_say_nothing(lines: io.StringIO) -> None:
    logging.getLogger("bongsu").setLevel(logging.INFO)
    KAFKA_LOGGER.log(logging.CRITICAL, "%s [%s] %s", "FATAL", "x", FENCED)
    assert lines.getvalue().startswith("INFO Kafka client: FATAL")
    logging.getLogger("bongsu").setLevel(logging.WARNING)
    KAFKA_LOGGER.log(logging.CRITICAL, "%s", FENCED)
    assert len(lines.getvalue().splitlines()) == 1


def test_what_is_wrong_stays_an_error_on_one_line_without_commands(lines: io.StringIO) -> None:
    logging.getLogger("bongsu").setLevel(logging.WARNING)
    KAFKA_LOGGER.error("%s", "FAIL broker \x1b[2J\n says no")
    (line,) = lines.getvalue().splitlines()
    assert line.startswith("ERROR Kafka client: FAIL") and line.isprintable()


def test_the_quick_producer_says_the_same(lines: io.StringIO) -> None:
    logging.getLogger("bongsu").setLevel(logging.INFO)
    _logged(None, 0, b"FATAL", FENCED.encode())
    _logged(None, 3, b"FAIL", b"\xff no broker")
    _logged(None, 4, None, None)
    first, second, third = lines.getvalue().splitlines()
    assert (first.split()[0], second.split()[0], third.split()[0]) == ("INFO", "ERROR", "WARNING")


def test_it_speaks_again_after_a_library_has_silenced_all_loggers() -> None:
    KAFKA_LOGGER.disabled = True
    log.enable()
    assert not KAFKA_LOGGER.disabled


def made_by_hand(text: str) -> list[int]:
    """The lines that create a client of librdkafka."""
    if not any(name in text for name in CLIENTS):  # most modules: they need not be parsed
        return []
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    return [call.lineno for call in calls if isinstance(call.func, ast.Name) and call.func.id in CLIENTS]


def test_every_client_is_made_where_it_gets_our_log() -> None:
    files = [file for folder in FOLDERS for file in folder.rglob("*.py")]
    others = {
        f"{file}:{line}"
        for file in files
        if file.name != "clients.py" and file.parent.name != "examples"  # those are for programs without us
        for line in made_by_hand(file.read_text(encoding="utf-8"))
    }
    assert not others, "make it with streams.runtime.clients"


def test_that_check_can_fail() -> None:
    assert made_by_hand("a = 1\nProducer({})\n") == [2]
