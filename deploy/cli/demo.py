"""``bongsu demo``: the main job on this machine: a real bus, a simulated city, and a board."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click
import orjson

from deploy.cli.parameters import CITY
from deploy.cli.progress import shown
from deploy.faults import UsageFault
from deploy.platform import ALL, Platform, reach
from deploy.settings import given, home_folder
from deploy.telling import tell
from schemas.catalogue import contract_name, topic_name

if TYPE_CHECKING:
    from deploy.city.city import City
    from streams.runtime.records import Record

CORE = ("core.situation", "core.alert", "core.grant")


@click.command()
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), help="end by itself after so long")
@click.option("--seed", type=int, default=1, show_default=True, help="another seed, another day in the city")
@click.option(
    "--city", "city_name", type=CITY, default="demo", show_default=True, help="another simulated city"
)
@click.option("--no-browser", is_flag=True, help="never open a browser")
@click.option("--json", "as_json", is_flag=True, help="core events as JSON lines instead of the board")
def demo(minutes: float | None, seed: int, city_name: str, no_browser: bool, as_json: bool) -> None:
    """Start a real bus on this machine and play a small simulated city on it.

    Kafka, the schema registry and Redis are started where they are missing (fetched once), and ended again.

    \b
    Example:  bongsu demo --minutes 3
    """
    from deploy.assembly.child import worker_running
    from deploy.topics import demand_order, ensure_topics

    begun, shown_city = time.monotonic(), simulated(city_name)
    ends_at = begun + minutes * 60 if minutes else None
    with ExitStack() as stack:
        goes_whole = stack.enter_context(_cluster())
        platform = reach(need=ALL)
        city = stack.enter_context(seeded(shown_city, seed))
        if not goes_whole:
            stack.enter_context(_left_as_found(platform, city.name))
        demand_order(ensure_topics(platform.kafka, [city.name]))
        records = _records(platform, city, ends_at)
        next(records)  # subscribed: nothing from here on is missed
        check = stack.enter_context(worker_running(city))
        _show(records, platform, city, check, as_json=as_json, begun=begun)
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
    if not any(one.type == "simulated_calls" and one.live for one in city.file.source):
        raise UsageFault(
            f"{city.name} is not simulated: no live source of it is of type simulated_calls",
            hint=f"run it: bongsu run {city.spoken}; or add such a source to its file",
        )
    return city


@contextmanager
def seeded(city: City, seed: int) -> Iterator[City]:
    """*city*, with *seed* written into its file in each place that has one."""
    from deploy.city.city import load_city

    text = city.path.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="bongsu-demo-") as folder:
        path = Path(folder) / f"{city.name}.toml"
        path.write_text(re.sub(r"^seed = .*$", f"seed = {seed}", text, flags=re.MULTILINE), encoding="utf-8")
        yield load_city(str(path))


def _records(platform: Platform, city: City, ends_at: float | None) -> Iterator[Record | None]:
    """Core events as they are committed, from now on; ``None`` a few times a second in between."""
    from confluent_kafka import TopicPartition

    from streams.runtime.kafka import reader
    from streams.runtime.records import record_of

    consumer = reader(platform.kafka, **{"enable.partition.eof": False})
    try:
        consumer.assign([TopicPartition(topic_name(city.name, contract), 0, -1) for contract in CORE])
        consumer.poll(0.5)  # the end of each topic is looked up now
        yield None
        while ends_at is None or time.monotonic() < ends_at:
            messages = consumer.consume(500, 0.2)
            yield from (record_of(message) for message in messages if message.error() is None)
            yield None
    finally:
        consumer.close()


def _show(
    records: Iterator[Record | None],
    platform: Platform,
    city: City,
    check: Callable[[], None],
    *,
    as_json: bool,
    begun: float,
) -> None:
    from rich.console import Console
    from rich.live import Live

    from deploy.cli.tail import shown_record
    from deploy.demo.board import Board
    from streams.runtime.row_reader import RowReader, Unreadable

    zone = ZoneInfo(city.file.timezone)
    board = Board(f"{city.file.title or city.name} (simulated)", zone)
    console = Console()
    moving = console.is_terminal and not as_json
    rows = RowReader(platform.wire, f"{city.name}.demo")
    live = Live(board.render(), console=console, refresh_per_second=4, screen=False) if moving else None
    try:
        with live or ExitStack():
            for record in records:
                if record is None:
                    check()
                    if live:
                        live.update(board.render())
                    continue
                if as_json:
                    tell(orjson.dumps(shown_record(record, platform)).decode())
                    continue
                row = rows.read(record)
                if isinstance(row, Unreadable) or row.value is None:
                    continue
                is_first = board.opened == 0
                line = board.take(contract_name(record.topic), row.value)
                if is_first and board.opened:
                    board.title += f" · first situation {time.monotonic() - begun:.1f} s after the start"
                if line and not moving:
                    tell(line)
    except KeyboardInterrupt:
        tell("ending …", err=True)
