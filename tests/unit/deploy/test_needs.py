"""A command needs only its own components: without Redis, all commands but those of the live view work."""

from __future__ import annotations

import ast
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

import deploy
from deploy.platform import ALL, reach
from schemas.errors import Unreachable

CLI = Path(deploy.__file__).parent / "cli"
NEED_REDIS = {"city.py", "demo.py", "play.py", "run.py"}
"""Commands that start the live view's stage, or erase the view."""


@pytest.fixture
def without_redis(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with socket.socket() as open_port, socket.socket() as closed:
        open_port.bind(("127.0.0.1", 0))
        open_port.listen()
        closed.bind(("127.0.0.1", 0))
        here = f"127.0.0.1:{open_port.getsockname()[1]}"
        monkeypatch.setenv("BONGSU_KAFKA", here)
        monkeypatch.setenv("BONGSU_REGISTRY", f"http://{here}")
        monkeypatch.setenv("BONGSU_REDIS", f"redis://127.0.0.1:{closed.getsockname()[1]}/0")
        yield


@pytest.mark.usefixtures("without_redis")
def test_who_reads_the_log_goes_without_redis() -> None:
    platform = reach()
    assert platform.kafka
    with pytest.raises(Unreachable, match="Redis"):
        reach(need=ALL)


def test_who_needs_a_log_is_told_what_is_away(monkeypatch: pytest.MonkeyPatch, without_redis: None) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("BONGSU_KAFKA", f"127.0.0.1:{closed.getsockname()[1]}")
        with pytest.raises(Unreachable, match="Kafka"):
            reach()


def asks_for_all(text: str) -> bool:
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    named = [
        call for call in calls if isinstance(call.func, ast.Name) and call.func.id in ("reach", "endpoints")
    ]
    return any(
        isinstance(name, ast.Name) and name.id == "ALL"
        for call in named
        for word in call.keywords
        for name in ast.walk(word.value)
    )


def test_only_those_commands_ask_for_redis_that_start_the_live_view() -> None:
    asking = {file.name for file in CLI.glob("*.py") if asks_for_all(file.read_text(encoding="utf-8"))}
    assert asking == NEED_REDIS
