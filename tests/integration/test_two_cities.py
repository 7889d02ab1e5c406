"""Two cities on one cluster, as processes of their units: neither is in the other's topics, and each keeps its pace."""

from __future__ import annotations

import signal
import subprocess
import threading
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from deploy.assembly.stages import free_port
from deploy.city.city import load_city
from deploy.platform import Platform
from deploy.settings import Endpoints
from streams.runtime.kafka import read_whole
from tests.living_city import LivingCity
from tests.rendered import Described, of_units, started
from tests.two_cities import Reporting, as_it_was, figures, strays

pytestmark = [pytest.mark.cluster]

PER_S, WARM_UP_S, MEASURED_S = 5.0, 15.0, 40.0
PLACES = {"houston": ("active-incidents", (29.76, -95.37)), "columbia": ("cad", (38.95, -92.33))}
PARTS = ("core.effect", "core.source", "core.state", "source.place")


def end_all(processes: dict[str, subprocess.Popen[bytes]], found: list[Described], by: int) -> None:
    """Signal each process of *found*, and wait for its end."""
    for one in found:
        processes[one.name].send_signal(by)
    for one in found:
        processes[one.name].wait(30)


def reported(cities: list[Reporting], seconds: float) -> list[list[int]]:
    """Let every city of *cities* report for *seconds* at the same time; return each one's numbers."""
    numbers: list[list[int]] = [[] for _ in cities]

    def send(place: int) -> None:
        numbers[place] = cities[place].send(seconds, PER_S)

    threads = [threading.Thread(target=send, args=(place,)) for place in range(len(cities))]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return numbers


@pytest.mark.long
def test_no_event_is_in_anothers_topic_and_the_end_of_one_city_is_nothing_to_the_other(
    cluster: Endpoints, tmp_path: Path
) -> None:
    ends = free_port()
    own = {of: LivingCity(f"{of}-{ends}", tmp_path, cluster, of=of) for of in PLACES}
    houston = own["houston"]
    text = houston.file.read_text("utf-8")
    houston.file.write_text(text.replace("every_s = 60", "live = false", 1), encoding="utf-8")
    files = [str(one.file) for one in own.values()]
    first = str(free_port() // 10 * 10)
    program = tmp_path / "bongsu"
    command, _ = houston.command()
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{Path(__file__).parents[2]}" exec {" ".join(command)} "$@"\n')
    program.chmod(0o755)
    words = ("--target", "systemd", "-o", str(tmp_path / "out"), "--first-port", first)
    houston.bongsu("deploy", "render", *files, *words, "--program", str(program))
    found = of_units(tmp_path / "out" / "units")
    of_houston = [one for one in found if houston.name in one.name]
    assert len(of_houston) == len(found) / 2 >= 3
    platform = Platform(cluster, houston.wire)

    cities = tmp_path / "out" / "etc" / "cities"
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    rest = [one for one in found if one not in of_houston]
    with started(rest, tmp_path / "one", cluster, cities):
        with started(of_houston, tmp_path / "two", cluster, cities) as processes:
            both = [
                Reporting(load_city(str(own[of].file)), source, platform, at)
                for of, (source, at) in PLACES.items()
            ]
            reported(both, WARM_UP_S)
            of_both = reported(both, MEASURED_S)
            before_ms = both[1].answered_ms(of_both[1])
            both[0].answered_ms(of_both[0])
            end_all(processes, of_houston, signal.SIGTERM)
            stopped_ms = both[1].answered_ms(reported(both, MEASURED_S)[1])
        with started(of_houston, tmp_path / "two", cluster, cities) as processes:
            behind, alone = reported(both, WARM_UP_S)
            both[0].answered_ms(behind)
            both[1].answered_ms(alone)
            end_all(processes, of_houston, signal.SIGKILL)
            killed_ms = both[1].answered_ms(reported(both, MEASURED_S)[1])
    for one in both:
        one.subscriber.stop()
    told = {"beside the other": before_ms, "the other stopped": stopped_ms, "the other killed": killed_ms}
    for name, values in told.items():
        print(f"{name}: {figures(values)}")
    assert as_it_was(before_ms, stopped_ms) == []
    assert as_it_was(before_ms, killed_ms) == []

    names = [one.name for one in own.values()]
    topics = [
        topic
        for topic in AdminClient({"bootstrap.servers": cluster.kafka}).list_topics(timeout=10).topics
        if topic.startswith(tuple(f"{name}." for name in names))
    ]
    records = list(read_whole(cluster.kafka, topics))
    print(f"{len(records)} records of {len({one.topic for one in records})} topics of {len(topics)}")
    for city in own.values():
        of_city = [one for one in records if one.topic.startswith(city.name)]
        assert len({one.topic for one in of_city}) >= 6 and len(of_city) > 1_000
    decoded = ((one, houston.wire.decode(one.topic, one.value) if one.value else None) for one in records)
    assert strays(decoded, names, parts=PARTS) == []
    for city in own.values():
        city.remove()
