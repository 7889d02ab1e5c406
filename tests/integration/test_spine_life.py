"""A running city: its subscribers, its live view, bad input, and error messages for wrong use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import orjson
import pytest
from confluent_kafka import Producer
from redis import Redis

from deploy.settings import Endpoints
from schemas.catalogue import load_catalogue
from schemas.json_form import to_json_value
from tests.living_city import DERECHO, LivingCity, cut, recording_of, wait_until
from tests.unit.connectors.houston_list import MINUTE, NOON, a_line, another

pytestmark = pytest.mark.cluster

REBUILT_S = 1.0
QUIET_S = 5.0
UNREACHABLE_S = 10.0


@pytest.fixture(scope="module")
def city(
    cluster: Endpoints, tmp_path_factory: pytest.TempPathFactory, data_dir: Path
) -> Iterator[LivingCity]:
    """A city whose stages run during the tests, with a few hours of the storm played."""
    one = LivingCity("living", tmp_path_factory.mktemp("living"), cluster)
    one.bongsu("play", str(one.file), "--source", "active-incidents", str(hours(one, data_dir)))
    with one.running("--only-stages"):
        yield one
    one.remove()


def hours(city: LivingCity, data_dir: Path) -> Path:
    return cut(data_dir / DERECHO, city.folder / "hours.jsonl", count=8)


# -- subscribers ---------------------------------------------------------------------------------------------


def test_a_subscriber_gets_one_json_object_a_record(city: LivingCity) -> None:
    lines = [orjson.loads(line) for line in tailed(city, city.topic("core.situation")).splitlines()]
    assert len(lines) == len(city.records("core.situation"))
    for number, line in enumerate(lines):
        assert {*line} == {
            "topic",
            "partition",
            "offset",
            "timestamp_ms",
            "key",
            "headers",
            "schema",
            "value",
        }
        assert line["topic"] == city.topic("core.situation")
        assert line["key"] == line["value"]["situation_id"]
        assert line["schema"]["subject"] == f"{line['topic']}-value"
        assert line["headers"]["ce_type"] == "bongsu.core.situation"
        assert datetime.fromisoformat(line["value"]["opened_at"]).tzinfo is not None
        assert number == 0 or line["offset"] > lines[number - 1]["offset"]


def tailed(city: LivingCity, *topics: str) -> str:
    return city.bongsu("tail", *topics, "--from-beginning", "--until-idle", "--json").stdout


# -- the live view -------------------------------------------------------------------------------------------


def test_the_live_view_is_the_fold_of_the_log(city: LivingCity, cluster: Endpoints) -> None:
    wait_until(lambda: viewed(city, cluster) == folded(city), QUIET_S)
    assert len(folded(city).situations) > 50


def test_a_live_view_that_was_lost_is_there_again_within_a_second(
    city: LivingCity, cluster: Endpoints
) -> None:
    expected = folded(city)
    wait_until(lambda: viewed(city, cluster) == expected, QUIET_S)
    with Redis.from_url(cluster.redis) as redis:
        redis.flushall()
        assert not redis.exists(f"bongsu:{city.name}:open")
    assert wait_until(lambda: viewed(city, cluster) == expected, REBUILT_S + 1) <= REBUILT_S


def test_a_live_view_lost_while_much_happens_equals_the_log_within_a_second_of_quiet(
    city: LivingCity, cluster: Endpoints, data_dir: Path
) -> None:
    more = cut(data_dir / DERECHO, city.folder / "more.jsonl", first=8, count=4)
    counts = [len(city.records("core.situation"))]
    with ThreadPoolExecutor() as threads, Redis.from_url(cluster.redis) as redis:
        playing = threads.submit(
            city.bongsu, "play", str(city.file), "--source", "active-incidents", str(more)
        )
        flushed = 0
        while not playing.done() or len(counts) == 1 or counts[-1] != counts[-2]:
            if not playing.done():
                redis.flushall()
                flushed += 1
            sleep(REBUILT_S if playing.done() else REBUILT_S / 5)
            counts.append(len(city.records("core.situation")))
    # It took a second to be sure of the quiet; the last flush may have been just before it.
    assert wait_until(lambda: viewed(city, cluster) == folded(city), QUIET_S) <= REBUILT_S
    assert flushed > 1
    assert counts[-1] > counts[0] + 50


@dataclass
class View:
    """All that Redis has of a city, but its mark."""

    situations: dict[str, Any] = field(default_factory=dict)
    kinds: dict[str, set[str]] = field(default_factory=dict)
    places: dict[str, tuple[float, float]] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)


PERSONS = ("acknowledged_by", "taken_by", "reason")


def folded(city: LivingCity) -> View:
    """The view by the log alone."""
    schema, view = load_catalogue()["core.situation"].newest, View()
    for one, value in city.situations().items():
        if value["status"] == "closed":
            continue
        shown = to_json_value(schema, value) | dict.fromkeys(PERSONS)
        shown["actions"] = [{**act, "account_id": None, "reason": None} for act in shown["actions"]]
        shown["incidents"] = [{**it, "address": None} for it in shown["incidents"]]
        view.situations[one] = shown
        view.kinds.setdefault(value["kind"], set()).add(one)
        if (at := value["position"]) is not None:
            view.places[one] = (round(at["lon"], 3), round(at["lat"], 3))
    return view


def viewed(city: LivingCity, cluster: Endpoints) -> View:
    """Every key that Redis has of the city."""
    prefix, view = f"bongsu:{city.name}:", View()
    with Redis.from_url(cluster.redis, decode_responses=True) as redis:
        keys = list(redis.scan_iter(f"{prefix}*", count=1_000))
        ids = [
            one.removeprefix(f"{prefix}situation:") for one in keys if one.startswith(f"{prefix}situation:")
        ]
        texts = redis.mget([f"{prefix}situation:{one}" for one in ids]) if ids else []
        view.situations = {one: orjson.loads(text) for one, text in zip(ids, texts, strict=True) if text}
        for key in keys:
            kind, _, name = key.removeprefix(prefix).partition(":")
            if kind == "situation":
                continue
            if kind == "kind":
                view.kinds[name] = redis.smembers(key)
            elif (kind, name) == ("open", ""):
                ids = redis.zrange(key, 0, -1)
                at = redis.geopos(key, *ids) if ids else []
                view.places = {
                    one: (round(p[0], 3), round(p[1], 3)) for one, p in zip(ids, at, strict=True) if p
                }
            elif (kind, name) != ("view", ""):
                view.others.append(key)
    return view


# -- bad input -----------------------------------------------------------------------------------------------


def test_what_cannot_be_read_is_set_aside_with_its_bytes_and_harms_no_neighbour(
    cluster: Endpoints, tmp_path: Path
) -> None:
    city = LivingCity("bad-input", tmp_path, cluster)
    html, truncated = b"<html>503</html>", listed(a_line())[:-9]
    number = orjson.dumps({"features": 5})
    off_earth = a_line(LATITUDE=91.0, UID=91_000_000, Units="X091")
    nameless = a_line(CALL_TIME=..., Units="X002")
    bodies = [
        listed(a_line(), another()), html, truncated, number,
        listed(a_line(), another(), off_earth, nameless), listed(a_line(), another()),
    ]  # fmt: skip
    city.play(recording_of(bodies, tmp_path / "bad.jsonl", first_ms=NOON, apart_ms=15 * MINUTE))
    aside = city.values("source.dlq")
    assert [one["original"] for one in aside[:3]] == [html, truncated, number]
    assert [orjson.loads(one["original"]) for one in aside[3:]] == [off_earth, nameless]
    assert all(one["reason"] for one in aside)
    assert [one["field"] for one in aside[3:]] == ["position.lat", "CALL_TIME"]
    assert sorted(city.incidents().values()) == [1, 1], "the neighbours came once, and nothing closed them"
    assert len(city.situations()) == 2
    city.remove()


def listed(*lines: object) -> bytes:
    return orjson.dumps({"features": lines})


@pytest.mark.parametrize("poison", [b"", b"no frame", b"\x00\x7f\xff\xff\xffwho wrote this", None])
def test_a_poison_record_is_set_aside_and_its_neighbours_go_on(
    city: LivingCity, poison: bytes | None
) -> None:
    aside, entries = len(city.values("fire.incident.dlq")), len(city.records("core.journal"))
    sound = city.records("fire.incident")[0]
    producer = Producer({"bootstrap.servers": city.places.kafka})
    for value in (poison, sound.value):
        producer.produce(city.topic("fire.incident"), value, key=b"foreign")
    assert producer.flush(10) == 0
    begun = monotonic()
    wait_until(lambda: len(city.records("core.journal")) > entries, QUIET_S)
    assert monotonic() - begun < QUIET_S
    found = city.values("fire.incident.dlq")[aside:]
    assert [one["original"] for one in found] == [poison or b""]
    assert found[0]["origin_topic"] == city.topic("fire.incident")
    assert found[0]["reason"]


# -- used wrongly --------------------------------------------------------------------------------------------


def test_a_wrong_city_file_says_line_and_mending_and_ends_with_2(city: LivingCity, tmp_path: Path) -> None:
    text = city.file.read_text(encoding="utf-8")
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(text.replace("every_s = 60", 'every_s = "often"'), encoding="utf-8")
    line = next(number for number, row in enumerate(text.splitlines(), 1) if row.startswith("every_s"))
    told = city.bongsu("play", str(wrong), "--source", "active-incidents", str(wrong), code=2).stderr
    assert re.search(rf"wrong\.toml, line {line}: .*every_s", told)
    assert "how to mend it" in told


def test_without_kafka_a_command_ends_with_3_in_seconds(
    city: LivingCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = LivingCity(
        "nowhere", city.folder, Endpoints("127.0.0.1:1", city.places.registry, city.places.redis)
    )
    for words in (("play", str(city.file), "--source", "active-incidents", str(city.file)), ("tail", "*.*")):
        begun = monotonic()
        told = nowhere.bongsu(*words, code=3).stderr
        assert monotonic() - begun < UNREACHABLE_S
        assert "Kafka does not answer at 127.0.0.1:1" in told
