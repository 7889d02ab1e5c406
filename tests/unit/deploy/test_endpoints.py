"""The addresses of Kafka, the registry and Redis are decided within seconds; an error says how to mend it."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis import Redis
from redis.connection import SSLConnection

from deploy.cli import main
from deploy.local.home import Home, Remembered
from deploy.local.ports import choose_ports
from deploy.local.secure_home import make_secrets
from deploy.settings import VARIABLES, Endpoints, endpoints, home_folder, local_places
from schemas.errors import Fatal, Unreachable
from schemas.hidden_secrets import place_shown
from schemas.registry_url import split_authority


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES.values():
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def listener() -> Iterator[int]:
    """A port that accepts connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def a_home(folder: Path, **ports: int) -> Path:
    Home(folder).remember(Remembered(ports=ports))
    return folder


def test_with_no_cluster_the_command_to_start_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match=r"Kafka is not running.*bongsu up"):
        endpoints(tmp_path / "never")


def test_a_cluster_that_has_ended_is_noticed_in_well_under_ten_seconds(tmp_path: Path) -> None:
    gone = choose_ports(["kafka", "registry", "redis"], kept={}, home=tmp_path)
    begun = time.monotonic()
    with pytest.raises(Unreachable, match=f"Kafka does not answer at 127.0.0.1:{gone['kafka']}.*bongsu up"):
        endpoints(a_home(tmp_path, **gone))
    assert time.monotonic() - begun < 5


def test_a_running_cluster_is_found_by_what_its_home_remembers(tmp_path: Path, listener: int) -> None:
    home = a_home(tmp_path, kafka=listener, registry=listener, redis=listener)
    assert endpoints(home) == Endpoints(
        kafka=f"127.0.0.1:{listener}",
        registry=f"http://127.0.0.1:{listener}/apis/ccompat/v7",
        redis=f"redis://127.0.0.1:{listener}/0",
    )


def test_what_the_environment_names_wins_over_the_home(
    tmp_path: Path, listener: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = a_home(tmp_path, kafka=1, registry=listener, redis=listener)
    monkeypatch.setenv("BONGSU_KAFKA", f"localhost:1,localhost:{listener}")
    assert endpoints(home).kafka == f"localhost:1,localhost:{listener}"


def test_a_named_server_that_does_not_answer_is_told_with_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = choose_ports(["kafka"], kept={}, home=tmp_path)["kafka"]
    monkeypatch.setenv("BONGSU_KAFKA", f"127.0.0.1:{port}")
    with pytest.raises(Unreachable, match="named in BONGSU_KAFKA"):
        endpoints(tmp_path)


def test_what_is_not_needed_may_be_missing(tmp_path: Path, listener: int) -> None:
    found = endpoints(a_home(tmp_path, kafka=listener), need=["kafka"])
    assert (found.registry, found.redis) == ("", "")


def test_an_address_that_is_none_is_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BONGSU_KAFKA", "broker:nine")
    with pytest.raises(Fatal, match="broker:nine is no address"):
        endpoints(tmp_path)


def test_a_password_in_a_place_is_never_shown() -> None:
    assert place_shown("rediss://user:secret@city.example:6380/0") == "rediss://…@city.example:6380/0"
    assert place_shown("rediss://city.example/0?password=secret") == "rediss://city.example/0"
    assert place_shown("unix://u:secret@/run/redis.sock?db=0") == "unix://…@/run/redis.sock"
    place = "https://u:secret@city.example/v7?ssl_ca_certs=/ca.crt"
    assert place_shown(place) == "https://…@city.example/v7"
    assert "secret" not in repr(Endpoints("kafka:9092", place, "redis://u:secret@city.example"))


@pytest.mark.parametrize("home", ["plain", "with space", "ünï?&#%"])
def test_a_secure_home_s_places_name_its_authority(tmp_path: Path, home: str) -> None:
    made = Home(tmp_path / home)
    made.root.mkdir()
    make_secrets(made, now=datetime(2026, 3, 8, tzinfo=UTC))
    places = local_places(made, Remembered(ports={"registry": 1, "redis": 2}, secure=True))
    authority = str(made.root / "security" / "ca.crt")
    url, named = split_authority(places["registry"])
    assert named == authority
    assert url.startswith("https://bongsu:")
    with Redis.from_url(places["redis"]) as client:
        pool = client.connection_pool
        assert pool.connection_kwargs["ssl_ca_certs"] == authority
        assert pool.connection_class is SSLConnection


def test_the_home_folder_is_the_one_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BONGSU_HOME", str(tmp_path))
    assert home_folder() == tmp_path


def test_a_memory_that_cannot_be_read_counts_as_none(tmp_path: Path) -> None:
    for text in ("", "{", json.dumps({"ports": 3}), json.dumps([1])):
        (tmp_path / "cluster.json").write_text(text)
        assert Home(tmp_path).recall() == Remembered()


def up(home: Path, *ports: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(("up", "--home", str(home), *(word for port in ports for word in ("--port", port))))
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.mark.parametrize(
    "port", ["kafka", "kafka=", "kafka=0", "kafka=65536", "kafka=-1", "zookeeper=2181", "9092"]
)
def test_a_port_that_is_none_is_refused_with_what_to_write(
    port: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert up(tmp_path / "home", port) == 2
    assert re.search(
        r"is no port: write kafka= and a number|has no port: write kafka, registry", capsys.readouterr().err
    )
    assert not (tmp_path / "home").exists()


def test_the_port_of_a_server_that_the_environment_names_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BONGSU_KAFKA", "127.0.0.1:1")
    assert up(tmp_path / "home", "kafka=9092") == 1
    assert "unset BONGSU_KAFKA" in capsys.readouterr().err
    assert not (tmp_path / "home").exists()
