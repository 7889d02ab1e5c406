"""A home folder may have any name: all data is in it, is there after a restart, and is erased with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic
from confluent_kafka.schema_registry import SchemaRegistryClient
from redis import Redis

from deploy.city.city import load_city
from deploy.local.home import Home
from deploy.settings import VARIABLES, endpoints
from deploy.topics import ensure_topics

pytestmark = pytest.mark.cluster

ODD = '봉수 집 "o\'k" $HOME ${x} 100%d, a;b #!=é'
CACHE = '저장 "o\'k" #'
KEPT = "testcity.kept"


@dataclass
class Place:
    """A home and a cache of odd names, in one folder, and the command as a machine with *lang* runs it."""

    folder: Path
    lang: str

    @property
    def home(self) -> Path:
        return self.folder / ODD

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in VARIABLES.values()}
        said = {"LANG": self.lang, "LC_ALL": self.lang, "BONGSU_HOME": str(self.home)}
        return {**kept, **said, "XDG_CACHE_HOME": str(self.folder / CACHE)}

    def bongsu(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "deploy.cli", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    def done(self, *words: str) -> subprocess.CompletedProcess[str]:
        done = self.bongsu(*words)
        assert done.returncode == 0, done.stderr
        return done

    def demo(self) -> str:
        """The output of a demo that is ended when its first situation is shown."""
        command = [sys.executable, "-m", "deploy.cli", "demo", "--minutes", "3", "--json"]
        told = self.folder / CACHE / "told"
        with (
            told.open("w") as said,
            subprocess.Popen(
                command, env=self.environment, stdout=subprocess.PIPE, stderr=said, text=True
            ) as demo,
        ):
            assert demo.stdout
            is_seen = any("core.situation" in line for line in demo.stdout)
            demo.send_signal(signal.SIGINT)
            demo.communicate(timeout=60)
        assert is_seen and demo.returncode == 0, told.read_text()
        return told.read_text()

    def kept(self) -> set[str]:
        """Everything that the cluster and the home hold of cities, with the consumer groups: they hold offsets."""
        places = endpoints(self.home)
        admin = AdminClient({"bootstrap.servers": places.kafka})
        topics = {name for name in admin.list_topics(timeout=10).topics if not name.startswith("__")}
        groups = {f"group {one.group_id}" for one in admin.list_consumer_groups().result().valid}
        with SchemaRegistryClient({"url": places.registry}) as registry:
            subjects = set(registry.get_subjects())
        with Redis.from_url(places.redis, decode_responses=True) as view:
            keys = set(view.scan_iter())
        files = {str(one) for name in ("gateway", "workers") for one in (self.home / name).glob("*")}
        return topics | groups | subjects | keys | files


@pytest.fixture
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A cluster at an odd path, with its own topic; erased at the end."""
    for variable in VARIABLES.values():
        monkeypatch.delenv(variable, raising=False)
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "bongsu"
    with tempfile.TemporaryDirectory(prefix="bongsu-") as folder:
        one = Place(Path(folder), request.param)
        (one.folder / CACHE).mkdir()
        (one.folder / CACHE / "bongsu").symlink_to(cache)
        try:
            one.done("up")
            keep_something(one)
            yield one
        finally:
            ended = one.bongsu("down", "--erase")
        assert ended.returncode == 0, ended.stderr
        assert [path.name for path in one.folder.iterdir()] == [CACHE]


def keep_something(place: Place) -> None:
    kafka = {"bootstrap.servers": endpoints(place.home).kafka}
    admin, producer = AdminClient(kafka), Producer(kafka)
    admin.create_topics([NewTopic(KEPT, 1, 1)])[KEPT].result(20)
    producer.produce(KEPT, b"a fire on Main Street")
    assert producer.flush(20) == 0


@pytest.mark.parametrize("place", ["C"], indirect=True)
def test_a_home_of_any_name_holds_its_cluster_and_a_demo_leaves_it_as_it_was(place: Place) -> None:
    assert (place.home / "kafka" / "data" / f"{KEPT}-0").is_dir()
    assert (place.home / "registry" / "registry.mv.db").is_file()
    assert {one.name for one in (place.home / "logs").iterdir()} >= {"kafka.log", "registry.log", "redis.log"}
    assert {path.name for path in place.folder.iterdir()} == {ODD, CACHE}
    assert place.done("status").stdout.count("up ") == 3
    before = place.kept()
    ended = place.demo()
    assert place.kept() == before == {KEPT}
    assert "all that city demo made is removed" in ended
    assert "nothing is left behind" not in ended


@pytest.mark.long
@pytest.mark.parametrize("place", ["C.UTF-8"], indirect=True)
def test_what_was_killed_in_an_odd_place_comes_back_with_its_data(place: Place) -> None:
    for name in ("kafka", "registry"):  # Kafka is fenced before it starts again
        psutil.Process(Home(place.home).recall().processes[name].pid).kill()
    place.done("up")
    assert place.kept() == {KEPT}


@pytest.mark.long
@pytest.mark.parametrize("place", ["C.UTF-8"], indirect=True)
def test_a_demo_where_its_city_was_before_says_what_stays_and_how_it_is_removed(place: Place) -> None:
    ensure_topics(endpoints(place.home).kafka, [load_city("demo").name])
    ended = place.demo()
    assert "what it did stays" in ended and "bongsu city erase demo --yes" in ended
    assert {"demo.core.situation", "demo.core.situation-value"} <= place.kept()
    named = place.done("city", "erase", "demo")
    assert "demo.core.situation" in named.stdout and "demo.core.situation" in place.kept()
    place.done("city", "erase", "demo", "--yes")
    assert place.kept() == {KEPT}
