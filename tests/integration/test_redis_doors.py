"""Who gets into the Redis of a secure home, by its real server: each city within its own keys and channels."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as NotThere
from redis.exceptions import NoPermissionError, RedisError, ResponseError

from connectors.sinks.redis_view import RedisView
from deploy.assembly.stages import free_port
from deploy.local import redis as server
from deploy.local.artefacts import Silent
from deploy.local.component import Ground
from deploy.local.home import Home, Remembered
from deploy.local.redis_doors import speaks_tls, write_users
from deploy.local.secure_home import folder_of, make_secrets, password_in
from deploy.settings import local_places, takes_connections
from schemas.hidden_secrets import place_shown
from streams.runtime.security import use
from tests.integration.test_redis_view import a_situation

CITIES = ("new", "new-york")
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    folder = Path(tempfile.mkdtemp(prefix="bongsu-"))
    home, port = Home(folder), free_port()
    home.logs.mkdir()
    make_secrets(home, now=NOW)
    home.remember(Remembered(ports={"redis": port}, secure=True))
    ground = Ground(home, {"redis": port}, (), folder, Silent(), secure=True)
    process = subprocess.Popen(server.Redis().command(ground), cwd=home.folder("redis"))
    try:
        while not server.Redis().answers(url_of(home)):
            assert process.poll() is None, home.log("redis").read_text()
        for city in CITIES:
            password_in(folder_of(home) / f"{city}.platform.password")
        server.let_in(home, port)
        yield home
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(folder)


def url_of(home: Home, city: str = "") -> str:
    """The URL that a process which serves *city* is given; the administrator's for none."""
    use(folder_of(home) / f"{city}.platform.toml" if city else None)
    try:
        return local_places(home, home.recall())["redis"]
    finally:
        use(None)


def test_a_city_has_its_own_keys_and_channels_and_no_other_s(home: Home) -> None:
    for city, other in (CITIES, CITIES[::-1]):
        with Redis.from_url(url_of(home, city)) as view, view.pubsub() as listener:
            assert view.set(f"bongsu:{city}:view", 1)
            assert view.publish(f"bongsu:{city}:events", "x") == 0
            listener.subscribe(f"bongsu:{city}:events")
            assert listener.get_message(timeout=2)["type"] == "subscribe"
            for doing in (
                lambda view=view, other=other: view.get(f"bongsu:{other}:view"),
                lambda view=view, other=other: view.set(f"bongsu:{other}:view", 2),
                lambda view=view, other=other: view.delete(f"bongsu:{other}:view"),
                lambda view=view, other=other: view.publish(f"bongsu:{other}:events", "x"),
                lambda view=view: view.get("other"),
                lambda view=view: view.execute_command("PUBSUB", "CHANNELS"),
                view.flushall,
                view.acl_list,
                lambda view=view: view.config_get("*"),
                lambda view=view: view.client_list(),
                lambda view=view: view.keys("*"),
                lambda view=view: view.eval("return 1", 0),
            ):
                with pytest.raises(NoPermissionError):
                    doing()
        with Redis.from_url(url_of(home, city)) as view, view.pubsub() as listener:
            for listening in (listener.subscribe, listener.psubscribe):
                with pytest.raises(NoPermissionError):
                    listening(f"bongsu:{other}:events")
                    listener.get_message(timeout=2)


def test_the_view_lives_within_its_user_s_rights(home: Home) -> None:
    async def life() -> int | None:
        view = RedisView(url_of(home, "new"), "new")
        await view.empty()
        await view.deliver([a_situation("s1"), a_situation("s2")])
        await view.deliver([a_situation("s1", status="closed", revision=2)])
        await view.mark(7, anew=True)
        found = await view.marked()
        await view.close()
        return found

    assert asyncio.run(life()) == 7
    with Redis.from_url(url_of(home), decode_responses=True) as admin:
        assert admin.smembers("bongsu:new:kind:fire") == {"s2"}


def test_the_administrator_may_only_have_the_users_read_again(home: Home) -> None:
    with Redis.from_url(url_of(home)) as admin:
        assert admin.acl_load()
        for doing in (
            lambda: admin.acl_setuser("mallory", enabled=True),
            admin.acl_list,
            lambda: admin.config_get("*"),
            admin.flushall,
        ):
            with pytest.raises(NoPermissionError):
                doing()


def test_nobody_else_gets_in(home: Home) -> None:
    url, secret = url_of(home, "new"), password_in(folder_of(home) / "new.platform.password")
    assert secret in url
    assert secret not in place_shown(url)
    for wrong in (url.replace(secret, "another"), url.replace(f"new.platform:{secret}@", "")):
        with Redis.from_url(wrong) as stranger, pytest.raises((ResponseError, RedisError)) as refused:
            stranger.ping()
        assert secret not in str(refused.value)


def test_it_has_no_open_door(home: Home) -> None:
    """TLS where the server was built with it, else a socket file for its owner alone; plain TCP in neither."""
    port, url = home.recall().ports["redis"], url_of(home)
    with Redis.from_url(f"redis://127.0.0.1:{port}") as plain, pytest.raises((NotThere, ResponseError)):
        plain.ping()
    assert takes_connections(url)
    if speaks_tls(server.find_redis()):
        assert url.startswith("rediss://")
        with Redis.from_url(url.partition("?")[0]) as unsure, pytest.raises(NotThere, match="certificate"):
            unsure.ping()
        context = ssl.create_default_context(cafile=folder_of(home) / "ca.crt")
        with (
            socket.create_connection(("127.0.0.1", port), 2) as raw,
            context.wrap_socket(raw, server_hostname="127.0.0.1") as made,
        ):
            assert made.version() == "TLSv1.3"
    else:
        assert stat.S_IMODE((home.folder("redis") / "redis.sock").stat().st_mode) == 0o600
        assert not takes_connections(f"127.0.0.1:{port}")


def test_users_are_written_anew_only_where_they_changed(home: Home) -> None:
    assert not write_users(home)
    assert not [
        one for one in (home.folder("redis") / "users.acl").read_text().split() if one.startswith(">")
    ]
