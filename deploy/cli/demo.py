"""``bongsu demo``: the main job on this machine: a real bus, a simulated city, and a board."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deploy.cli.parameters import CITY
from deploy.cli.progress import shown
from deploy.faults import UsageFault
from deploy.platform import ALL, Platform, reach
from deploy.settings import given, home_folder
from deploy.telling import tell
from schemas.catalogue import load_catalogue, topic_name

if TYPE_CHECKING:
    from deploy.city.city import City
    from deploy.demo.devices import Devices
    from streams.runtime.records import Record

CORE = ("core.situation", "core.alert", "core.grant", "core.track")
STORY_S_MAX = 300


@click.command()
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), help="end by itself after so long")
@click.option("--seed", type=int, default=1, show_default=True, help="another seed, another day in the city")
@click.option(
    "--city", "city_name", type=CITY, default="demo", show_default=True, help="another simulated city"
)
@click.option("--no-browser", is_flag=True, help="never open a browser")
@click.option("--json", "as_json", is_flag=True, help="core events as JSON lines instead of the board")
@click.option(
    "--story", "as_story", is_flag=True, help="tell each thing once, with where it can be read, and end"
)
@click.option("--cameras", is_flag=True, help="show each situation's nearest cameras on the board")
def demo(
    minutes: float | None,
    seed: int,
    city_name: str,
    no_browser: bool,
    as_json: bool,
    as_story: bool,
    cameras: bool,
) -> None:
    """Start a real bus on this machine and play a small simulated city on it.

    Kafka, the schema registry and Redis are started where they are missing (fetched once), and ended again. In the
    city "demo" cameras, dispatch centres, buses, sensors and tags send in their own forms, through the connectors that a
    real city uses: each of its rules answers within two minutes, and again each time round.

    \b
    Example:  bongsu demo --minutes 3
              bongsu demo --city mukdahan     drones over a park and a border river
              bongsu demo --city jeju         hubs, shared vehicles, buses, chargers and vans on an island
              bongsu demo --city bucheon      a lost child is searched over cameras, within the law
    """
    from deploy.assembly.child import worker_running
    from deploy.assembly.gateway_place import gateway_url
    from deploy.assembly.stages import free_port, has_gateway
    from deploy.demo.console import link_of_operator, offer
    from deploy.demo.output import Output
    from deploy.demo.video import video_running
    from deploy.principals import act_as_platform
    from deploy.topics import demand_order, ensure_topics

    begun, shown_city = time.monotonic(), simulated(city_name)
    has_devices = shown_city.path in _scripted()
    if as_story and (as_json or shown_city.path not in _told()):
        raise UsageFault(
            "the story is told in lines of its own, and of the cities demo, jeju and bucheon only",
            hint="give --story without --json, and without --city or with --city jeju or bucheon",
        )
    if as_story and minutes is None:
        minutes = STORY_S_MAX / 60
    ends_at = begun + minutes * 60 if minutes else None
    with ExitStack() as stack:
        goes_whole = stack.enter_context(_cluster())
        act_as_platform(shown_city.name)
        platform = reach(need=ALL)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bongsu-demo-")))
        devices = stack.enter_context(_devices(shown_city, folder, seed)) if has_devices else None
        video_port = free_port()
        city = seeded(shown_city, seed, folder, devices, video_port)
        if not goes_whole:
            stack.enter_context(_left_as_found(platform, city.name))
        demand_order(ensure_topics(platform.kafka, [city.name]))
        records = _records(platform, city, ends_at)
        stack.callback(records.close)  # its consumer ends before the cluster does
        next(records)  # subscribed: nothing from here on is missed
        key = _key(platform, city) if devices is not None else ""
        link = link_of_operator(platform, city) if has_gateway(city) else None
        check = stack.enter_context(worker_running(city))
        if devices is not None:
            place = (gateway_url(city), city.name, folder / "video")
            stack.enter_context(video_running(video_port, *place, zone=city.file.timezone))
        if link is not None:
            offer(link, opens=not (no_browser or as_json or as_story))
        if devices is not None:
            stack.enter_context(devices.sending(city, platform, key))
        heard = devices.heard if devices is not None else tuple
        shape = {"as_json": as_json, "as_story": as_story, "cameras": cameras}
        output = Output(platform, city, **shape, begun=begun, heard=heard)
        output.all_of(records, check)
    if goes_whole:
        tell("ended; nothing is left behind", err=True)


@contextmanager
def _left_as_found(platform: Platform, city: str) -> Iterator[None]:
    """In a cluster that stays, what the simulated city made is removed; but not where that city was before."""
    from deploy.assembly.erase import erase_city, is_here

    home = home_folder()
    was_here = is_here(platform, city, home)
    if was_here:
        tell(f"city {city} is here already: what this demo does is added to it, and stays", err=True)
    try:
        yield
    finally:
        if was_here:
            tell(
                f"ended; city {city} was here before, so what it did stays, with what was there."
                f" All of it is removed with: bongsu city erase {city} --yes",
                err=True,
            )
        else:
            erase_city(platform, city, home)
            tell(f"ended; all that city {city} made is removed, the rest of the cluster stays", err=True)


@contextmanager
def _cluster() -> Iterator[bool]:
    """Starts the parts that are missing, and ends them again. Yields whether all data is removed with them."""
    from deploy.local import cluster

    home = home_folder()
    fresh = not home.exists()
    was_up = all(standing.up for standing in cluster.status(home))
    if not was_up:
        try:
            with shown() as progress:
                cluster.up(home, progress=progress)
        except KeyboardInterrupt:  # it has ended what it started; its files are still there
            _end(home, fresh)
            raise
    try:
        yield fresh and not was_up and not given()
    finally:
        if not was_up:
            _end(home, fresh)


def _end(home: Path, fresh: bool) -> None:
    """End the cluster; *fresh*: the folder came with it, and goes."""
    from deploy.local import cluster

    cluster.down(home, erase=fresh)
    if fresh:
        shutil.rmtree(home, ignore_errors=True)


def simulated(name: str) -> City:
    """The city *name*. ``UsageFault`` where nothing would happen in it by itself."""
    from deploy.city.city import load_city

    city = load_city(name)
    is_scripted = city.path in _scripted()
    if not is_scripted and not any(one.type == "simulated_calls" and one.live for one in city.file.source):
        raise UsageFault(
            f"{city.name} is not simulated: no live source of it is of type simulated_calls",
            hint=f"run it: bongsu run {city.spoken}; or add such a source to its file",
        )
    return city


def shipped_demo() -> Path:
    """The file of the simulated city that ships."""
    from deploy.city.names import CITIES

    return CITIES / "demo.toml"


def _scripted() -> tuple[Path, ...]:
    """The files of the cities whose devices this command plays."""
    return shipped_demo(), *(_shipped(name) for name in ("mukdahan", "jeju", "bucheon"))


def _shipped(name: str) -> Path:
    return shipped_demo().with_name(f"{name}.toml")


def _told() -> tuple[Path, ...]:
    """The files of the cities that have a story."""
    return shipped_demo(), _shipped("jeju"), _shipped("bucheon")


@contextmanager
def _devices(city: City, folder: Path, seed: int) -> Iterator[Devices]:
    from deploy.demo.devices import Devices, IslandDevices, RiverDevices, broker_running
    from deploy.demo.search_devices import SearchDevices

    if city.path != shipped_demo():
        kinds = {"jeju": IslandDevices, "bucheon": SearchDevices, "mukdahan": RiverDevices}
        yield kinds[city.name](seed, None)
        return
    with broker_running(folder) as broker:
        yield Devices(seed, broker)


def seeded(
    city: City, seed: int, folder: Path, devices: Devices | None, video_port: int | None = None
) -> City:
    """*city* as a file in *folder*, with *seed* in each place that has one, and with its *devices*, ground and pictures."""
    from deploy.city.city import load_city
    from deploy.demo.video import city_text

    text = city.path.read_text(encoding="utf-8")
    text = re.sub(r"^seed = .*$", f"seed = {seed}", text, flags=re.MULTILINE)
    named = re.compile(r"^connectors = .*$", re.MULTILINE)  # relative to the city's file, which is copied
    text = named.sub(
        lambda line: re.sub(r'"([^"]*)"', lambda one: f'"{city.path.parent / one[1]}"', line[0]), text
    )
    path = folder / f"{city.name}.toml"
    if devices is not None:
        text = devices.placed(text, folder)
        text += devices.ground_text(folder)
        text += city_text(video_port) if video_port is not None else ""
    path.write_text(text, encoding="utf-8")
    return load_city(str(path))


def _key(platform: Platform, city: City) -> str:
    """A key with which the demo's devices push, good for a day."""
    from connectors.gateway.accounts import new_key
    from connectors.transport.web_page import wall_clock_ms
    from deploy.account_rows import end_of, publish
    from deploy.assembly.stages import pushed_sources

    now_ms = wall_clock_ms()
    shown_key, event = new_key(
        city.name,
        "demo-devices",
        pushed_sources(city),
        now_ms=now_ms,
        requests_per_s=50,
        expires_at=end_of(1, now_ms),
    )
    publish(platform, city, event)
    return shown_key


def _records(platform: Platform, city: City, ends_at: float | None) -> Generator[Record | None, None, None]:
    """Core events as they are committed, from now on; ``None`` a few times a second in between."""
    from confluent_kafka import TopicPartition

    from streams.runtime.kafka import reader
    from streams.runtime.records import record_of

    consumer = reader(platform.kafka, **{"enable.partition.eof": False})
    try:
        consumer.assign([TopicPartition(topic, part, -1) for topic, part in _partitions(city)])
        consumer.poll(0.5)  # the end of each topic is looked up now
        yield None
        while ends_at is None or time.monotonic() < ends_at:
            messages = consumer.consume(500, 0.2)
            yield from (record_of(message) for message in messages if message.error() is None)
            yield None
    finally:
        consumer.close()


def _partitions(city: City) -> Iterator[tuple[str, int]]:
    from deploy.demo.sources import read_in

    catalogue = load_catalogue()
    for contract in (*read_in(city.name), *CORE):
        for part in range(catalogue[contract].partitions):
            yield topic_name(city.name, contract), part
