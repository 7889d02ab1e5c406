"""``bongsu play``: recordings through their sources, on the recording's clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deploy.cli.parameters import CITY
from deploy.demo.sample import recording
from deploy.faults import UsageFault
from deploy.platform import ALL, LOG, reach
from deploy.show import progress_of
from deploy.telling import tell
from deploy.times import epoch_ms

if TYPE_CHECKING:
    from deploy.city.city import City
    from deploy.demo.play import Alter, Part


class Pairs(click.Command):
    """``--source NAME RECORDING…``: every word after NAME up to the next option is a recording of it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        folded: list[str] = []
        position = 0
        while position < len(args):
            if args[position] != "--source" or position + 1 == len(args):
                folded.append(args[position])
                position += 1
                continue
            end = position + 2
            while end < len(args) and not args[end].startswith("--"):
                end += 1
            folded += ["--source", "\0".join(args[position + 1 : end])]
            position = end
        return click.Command.parse_args(self, ctx, folded)


@click.command(cls=Pairs)
@click.argument("city_name", metavar="CITY", type=CITY)
@click.option(
    "--source", "pairs", multiple=True, required=True, metavar="NAME RECORDING…", help="what to play"
)
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    help="times real time (default: as fast as it goes)",
)
@click.option(
    "--shift", "shifts", multiple=True, metavar="DOMAIN=MINUTES", help="move one domain in time, as a control"
)
@click.option("--until", metavar="TIME", help="stop there (ISO 8601)")
@click.option("--ingest-only", is_flag=True, help="publish only; leave the stages to other workers")
@click.option("--wait", is_flag=True, help="if another process hears or plays a source, wait for its end")
def play(
    city_name: str,
    pairs: tuple[str, ...],
    speed: float | None,
    shifts: tuple[str, ...],
    until: str | None,
    ingest_only: bool,
    wait: bool,
) -> None:
    """Feed recordings through CITY's sources and return when everything downstream has settled.

    Played again, a recording adds nothing: each event is published once. A source that a worker of this home reads is
    not played beside it, nor a list that is read before a play (reference = true). 'bongsu run CITY --only-stages' reads
    none.

    A RECORDING is a file, or the name of a sample that ships, as in the example.

    \b
    Example:  bongsu play demo --source calls-119 demo-calls-119.jsonl --source reports-112 demo-reports-112.jsonl
    """
    from deploy.assembly.locks import holding
    from deploy.city.city import load_city
    from deploy.demo.play import played_roles, shifted
    from streams.traces import spans_exported

    city = load_city(city_name)
    for bad in city.left_out:
        tell(bad.found.what, fg="yellow", err=True)
    recordings = [_pair(city, pair) for pair in pairs]
    alter = shifted(dict(_shift(text) for text in shifts))
    until_ms = epoch_ms(until) if until else None
    with holding(city, played_roles(city, recordings), wait=wait), spans_exported("play"):
        _play(city, recordings, alter, until_ms, _pace(speed), ingest_only=ingest_only)


def _play(
    city: City,
    recordings: list[tuple[str, list[Path]]],
    alter: Alter,
    until_ms: int | None,
    pace: Callable[[int], None],
    *,
    ingest_only: bool,
) -> None:
    from deploy.demo.play import Player, settle, stages_running
    from deploy.principals import act_as_platform
    from deploy.topics import demand_order, ensure_topics

    act_as_platform(city.name)
    platform = reach(need=LOG if ingest_only else ALL)
    demand_order(ensure_topics(platform.kafka, [city.name]))
    player = Player(city, platform, recordings)
    running = nullcontext(_no_check) if ingest_only else stages_running(city, platform)
    with running as check, progress_of(f"playing {city.name}") as progress:
        player.open()
        asyncio.run(player.hear_references())

        def told(part: Part) -> None:
            check()
            moment = datetime.fromtimestamp(part.time_ms / 1000, UTC).isoformat(timespec="seconds")
            progress.step(f"{part.source} {moment}", len(part.slice.events))

        played = player.play(alter, until_ms=until_ms, pace=pace, told=told)
        if not ingest_only:
            progress.say("waiting until everything downstream has settled")
            settle(city, platform, check)
    tell(
        f"played {played.events} events in {played.transactions} transactions; {played.set_aside} set aside",
        err=True,
    )


def _no_check() -> None:
    """Check nothing: no process was started for the play."""


def _pair(city: City, text: str) -> tuple[str, list[Path]]:
    name, *files = text.split("\0")
    city.source_file(name)
    if not files:
        raise UsageFault(f"--source {name} names no recording", hint="write: --source NAME RECORDING…")
    paths = [recording(file) for file in files]
    return name, paths


def _shift(text: str) -> tuple[str, int]:
    domain, _, minutes = text.partition("=")
    try:
        return domain, int(minutes)
    except ValueError:
        raise UsageFault(
            f"--shift {text}: no such form", hint="write for example: --shift police=360"
        ) from None


def _pace(speed: float | None) -> Callable[[int], None]:
    """Waits so that event time passes *speed* times as fast as the clock on the wall; never, without a speed."""
    if speed is None:
        return lambda _time_ms: None
    started: dict[str, Any] = {}

    def wait(time_ms: int) -> None:
        first_ms = started.setdefault("time_ms", time_ms)
        since = started.setdefault("since", time.monotonic())
        time.sleep(max(0.0, (time_ms - first_ms) / 1000 / speed - (time.monotonic() - since)))

    return wait
