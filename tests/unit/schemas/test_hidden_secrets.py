"""Text that is shown holds no secret: whatever library wrote it, whoever prints it."""

from __future__ import annotations

import io
import logging
import subprocess
import sys
from collections.abc import Callable

import httpx
import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient
from redis import Redis

from schemas.errors import Fatal, Invalid, Retriable, Unreachable
from schemas.hidden_secrets import place_shown, without_secrets
from schemas.registry import Registry
from streams.log import Log
from streams.log_file import JsonLines
from tests.living_city import ROOT

SECRET = "CANARY7f3"  # noqa: S105 (planted)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"rediss://demo.platform:{SECRET}@10.0.0.1:6379/0 is down", "rediss://…@10.0.0.1:6379/0 is down"),
        (f"'https://u:a/{SECRET}@@host/x'", "'https://…@host/x'"),
        (f"http://{SECRET}@host", "http://…@host"),
        (
            f"GET https://city.example/v1?serviceKey={SECRET}&page=2",
            "GET https://city.example/v1?serviceKey=…&page=2",
        ),
        (f"https://a.example/?page=2&access_token={SECRET}#x", "https://a.example/?page=2&access_token=…"),
        (f"headers: {{'Authorization': 'Bearer {SECRET}'}}", "headers: {'Authorization': 'Bearer …'}"),
        ("https://a.example/users/@me?page=3", "https://a.example/users/@me?page=3"),
        ("no secret: a=b, mail@example.org, key=value", "no secret: a=b, mail@example.org, key=value"),
    ],
)
def test_what_is_secret_is_hidden_and_the_rest_stays(text: str, shown: str) -> None:
    assert without_secrets(text) == shown
    assert without_secrets(shown) == shown


def test_a_place_is_shown_without_its_login_whatever_letters_that_has() -> None:
    for login in (f"u:{SECRET}", f"u:a/{SECRET}", f"u:a@{SECRET}", f"u:?{SECRET}", SECRET):
        assert place_shown(f"redis://{login}@host:1/0?password={SECRET}") == "redis://…@host:1/0"


@pytest.mark.parametrize("kind", [Fatal, Unreachable, Retriable, Invalid])
def test_an_error_of_ours_hides_it(kind: type[Fatal]) -> None:
    error = kind(f"no answer from http://u:{SECRET}@host", hint=f"see http://host/?token={SECRET}")
    assert SECRET not in f"{error} {error!r} {error.what} {error.hint} {error.args}"
    assert "host" in error.what


FAULTS: list[Callable[[], object]] = [
    lambda: Redis.from_url(f"redis://u:{SECRET}@127.0.0.1:1/0").ping(),
    lambda: Redis.from_url(f"redis://u:{SECRET}@127.0.0.1:bad/0"),
    lambda: httpx.get(f"http://u:{SECRET}@127.0.0.1:bad/", trust_env=False),
    lambda: httpx.get(f"http://u:{SECRET}@127.0.0.1:1/?key={SECRET}", trust_env=False),
    lambda: SchemaRegistryClient({"url": f"ftp://u:{SECRET}@h"}),
    lambda: httpx.Response(401, request=httpx.Request("GET", f"http://h/?key={SECRET}")).raise_for_status(),
    lambda: Registry(f"http://u:{SECRET}@127.0.0.1:1").registered("x"),
    lambda: Registry(f"ftp://u:a/{SECRET}@127.0.0.1:1"),
]


@pytest.mark.parametrize("fault", range(len(FAULTS)))
def test_a_log_line_about_another_s_error_hides_it(fault: int) -> None:
    with pytest.raises(Exception) as raised:
        FAULTS[fault]()
    lines = io.StringIO()
    for name, formatter in (("plain", None), ("json", JsonLines())):
        logger = logging.getLogger(f"test.{name}")
        logger.propagate = False
        handler = logging.StreamHandler(lines)
        handler.setFormatter(formatter)
        logger.addHandler(handler)
        try:
            told = f"{raised.value} {raised.value!r} {vars(raised.value)}"
            Log(f"test.{name}").error("not reached", why=told, url=f"http://u:{SECRET}@h")
        finally:
            logger.removeHandler(handler)
    assert lines.getvalue().count("http://…@h") == 2
    assert SECRET not in lines.getvalue()


BREAKS = f"""
import asyncio, sys, threading
from deploy.tracebacks import hide_secrets_in_tracebacks
hide_secrets_in_tracebacks()
def fails():
    raise ValueError("no answer at " + "http://u:" + {SECRET[:3]!r} + {SECRET[3:]!r} + "@host/ ")
async def forgets():
    task = asyncio.get_running_loop().create_task(asyncio.to_thread(fails))
    await asyncio.wait([task])
asyncio.run(forgets())
thread = threading.Thread(target=fails, name="beside")
thread.start()
thread.join()
fails()
"""


def test_a_traceback_hides_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", BREAKS], capture_output=True, text=True, timeout=60, check=False, cwd=ROOT
    )
    assert done.returncode == 1
    assert done.stderr.count("http://…@host/") >= 3, done.stderr
    assert "beside" in done.stderr
    assert SECRET not in done.stderr
