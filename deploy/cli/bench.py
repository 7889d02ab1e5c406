"""``bongsu bench``: the benchmarks, each loaded when it is called. They stand with the tests, in the source tree."""

from __future__ import annotations

import importlib
import sys
from functools import partial
from pathlib import Path
from typing import Any

import click
import orjson

from deploy.cli.group import Group
from deploy.cli.progress import counting
from deploy.faults import UsageFault
from deploy.platform import reach

TREE = Path(__file__).resolve().parents[2]


@click.group(cls=Group)
def bench() -> None:
    """Measure speed, with the seed, the machine and the settings beside every figure.

    \b
    Example:  bongsu bench latency --rate 20 --seconds 60
    """


def benchmark(name: str) -> Any:
    """The module of that benchmark. It is no part of an installed package."""
    if not (TREE / "tests" / "bench" / f"{name}.py").is_file():
        raise UsageFault(
            f"the benchmark '{name}' is not here: benchmarks stand in the source tree",
            hint="clone the repository, then: pip install -e '.[test]'",
        )
    if str(TREE) not in sys.path:
        sys.path.insert(0, str(TREE))
    importlib.import_module("tests.bench.machine")  # its time begins before any run
    return importlib.import_module(f"tests.bench.{name}")


@bench.command()
@click.option(
    "--rate", type=click.FloatRange(0, min_open=True), default=20, show_default=True, help="reports a second"
)
@click.option(
    "--seconds", type=click.FloatRange(1), default=60, show_default=True, help="after 10 s of warm-up"
)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--runs", type=click.IntRange(1), default=1, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="one JSON object a run")
def latency(rate: float, seconds: float, seed: int, runs: int, as_json: bool) -> None:
    """Measure the time from a report to its camera grants.

    It runs from a report being accepted to its grants being readable. Ends with 1 when it takes too long.

    \b
    Example:  bongsu bench latency
    """
    module = benchmark("latency")
    platform = reach()
    load = module.Load(rate=rate, seconds=seconds, seed=seed)
    met = True
    for _ in range(runs):
        about = module.surroundings(load)
        figures = module.measure(platform, load)
        met = met and figures.meets_targets
        found = {**about, **module.shown(figures), "meets_targets": figures.meets_targets}
        print_figures(found, as_json=as_json)
    if not met:
        raise click.exceptions.Exit(1)


@bench.command()
@click.option("--seconds", type=click.FloatRange(1), default=20, show_default=True, help="of each phase")
@click.option("--batch", type=click.IntRange(1), default=100, show_default=True, help="events a request")
@click.option("--json", "as_json", is_flag=True, help="one JSON object")
def gateway(seconds: float, batch: int, as_json: bool) -> None:
    """Measure events pushed over HTTP until they are safe on disk.

    In batches and singly. Ends with 1 below its bar.

    \b
    Example:  bongsu bench gateway
    """
    module = benchmark("gateway")
    load = module.Load(seconds=seconds, batch=batch)
    about = module.surroundings(load)
    figures = module.measure(reach(), load)
    found = {**about, **module.shown(figures), "meets_targets": figures.meets_targets}
    print_figures(found, as_json=as_json)
    if not figures.meets_targets:
        raise click.exceptions.Exit(1)


@bench.command()
@click.option("--form", type=click.Choice(["nvidia", "onvif"]), default="nvidia", show_default=True)
@click.option("--events", type=click.IntRange(1), default=100_000, show_default=True)
@click.option("--runs", type=click.IntRange(1), default=3, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="one JSON object a run")
def ingest(form: str, events: int, runs: int, as_json: bool) -> None:
    """Measure events a second from a camera to Kafka, on one core.

    Says where the time goes, from the camera's own form to Avro in Kafka.

    \b
    Example:  bongsu bench ingest --form onvif
    """
    module = benchmark("ingest")
    platform = reach()
    for _ in range(runs):
        found = {**module.surroundings(form, events), **module.shown(module.measure(platform, form, events))}
        print_figures(found, as_json=as_json)


@bench.command()
@click.option(
    "--load",
    "name",
    type=click.Choice(["ingest", "lean", "hot", "all"]),
    default="ingest",
    show_default=True,
    help="the log as ingest writes it; ten fields alone; three shapes and a hot place; three schemas and bad records",
)
@click.option("--detections", type=click.IntRange(1), default=6_000_000, show_default=True)
@click.option("--watches", type=click.IntRange(1), default=2_000, show_default=True)
@click.option(
    "--look-back", "look_back_s", type=click.IntRange(0), default=0, show_default=True, help="seconds"
)
@click.option("--reader", type=click.Choice(["auto", "plain"]), default="auto", show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--runs", type=click.IntRange(1), default=5, show_default=True)
@click.option("--profile", is_flag=True, help="once, in this process: where the time goes")
@click.option("--json", "as_json", is_flag=True, help="one JSON object")
def match(reader: str, runs: int, profile: bool, as_json: bool, **about: Any) -> None:
    """Match a backlog of detections against watches, on one core.

    One worker, exactly once; every run's evidence is checked against a slow, simple match.

    \b
    Example:  bongsu bench match --runs 5
    """
    module = benchmark("match")
    load = module.Load(**about)
    found = {**module.surroundings(load), "reader": reader}
    if profile:
        found |= benchmark("match_profile").measure(reach(), load, reader)
    else:
        tell = partial(click.echo, err=True)
        found |= module.shown(module.measure(reach(), load, runs, reader=reader, tell=tell))
    print_figures(found, as_json=as_json)


@bench.command()
@click.option(
    "--rate", "a_second", type=click.IntRange(1), default=120_000, show_default=True, help="detections"
)
@click.option("--seconds", type=click.IntRange(5), default=60, show_default=True)
@click.option("--watches", type=click.IntRange(1), default=2_000, show_default=True)
@click.option(
    "--look-back", "look_back_s", type=click.IntRange(0), default=300, show_default=True, help="seconds"
)
@click.option("--kill", is_flag=True, help="two workers, one of which is killed (-9) at half time")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="one JSON object")
def flow(seconds: int, kill: bool, as_json: bool, **about: Any) -> None:
    """Match a steady stream of detections: delay and memory.

    \b
    Example:  bongsu bench flow --rate 40000 --seconds 900
    """
    module = benchmark("match_flow")
    load = module.Load(**about, detections=about["a_second"] * seconds)
    found = {**benchmark("match").surroundings(load), "benchmark": "flow", "seconds": seconds}
    figures = module.measure(reach(), load, tell=partial(click.echo, err=True), kill=kill)
    found |= module.shown(figures)
    print_figures(found, as_json=as_json)


@bench.command()
@click.option("--reports", type=click.IntRange(1), default=20_000, show_default=True)
@click.option("--evidence", type=click.IntRange(1), default=100_000, show_default=True)
@click.option(
    "--live", type=click.IntRange(1), default=100_000, show_default=True, help="situations taken up again"
)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--kafka", "from_kafka", is_flag=True, help="take the state up from the Kafka that is up")
@click.option("--json", "as_json", is_flag=True, help="one JSON object")
def situations(as_json: bool, from_kafka: bool, **about: Any) -> None:
    """Measure the rules alone, and the restart of their state.

    Reports and evidence a second of one core. Ends with 1 below its bar.

    \b
    Example:  bongsu bench situations
    """
    module = benchmark("situations")
    load = module.Load(**about)
    figures = module.measure(load, reach() if from_kafka else None)
    found = {**module.surroundings(load), **module.shown(figures), "meets_targets": figures.meets_targets}
    print_figures(found, as_json=as_json)
    if not figures.meets_targets:
        raise click.exceptions.Exit(1)


@bench.command()
@click.option(
    "--rate",
    type=click.FloatRange(0, min_open=True),
    default=20,
    show_default=True,
    help="incidents a second",
)
@click.option(
    "--seconds", type=click.FloatRange(1), default=60, show_default=True, help="after 5 s of warm-up"
)
@click.option("--json", "as_json", is_flag=True, help="one JSON object")
def delivery(rate: float, seconds: float, as_json: bool) -> None:
    """Measure the time from an incident to its alert outside.

    By webhook, by server-sent events and in the CAP feed. Ends with 1 when it takes too long.

    \b
    Example:  bongsu bench delivery
    """
    module = benchmark("delivery")
    load = module.Load(rate=rate, seconds=seconds)
    about = module.surroundings(load)
    figures = module.measure(reach(), load)
    found = {**about, **module.shown(figures), "meets_targets": figures.meets_targets}
    print_figures(found, as_json=as_json)
    if not figures.meets_targets:
        raise click.exceptions.Exit(1)


@bench.command()
@click.option("--seconds", type=click.FloatRange(1), default=60, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="one JSON object")
def idle(seconds: float, as_json: bool) -> None:
    """Measure what a city costs in which nothing happens.

    Memory and processor time of all its processes, beside a running neighbour. Ends with 1 when it costs too much.

    \b
    Example:  bongsu bench idle
    """
    module = benchmark("idle")
    load = module.Load(seconds=seconds)
    about = module.surroundings(load)
    figures = module.measure(reach(), load)
    print_figures({**about, **module.shown(figures), "meets_targets": figures.meets_targets}, as_json=as_json)
    if not figures.meets_targets:
        raise click.exceptions.Exit(1)


@bench.command()
@click.option("--seeds", type=click.IntRange(1), default=3, show_default=True)
@click.option("--cases", type=click.IntRange(1), default=1, show_default=True, help="at once in one city")
@click.option("--first", type=int, default=1, show_default=True, help="the first seed")
@click.option("--alone", is_flag=True, help="leave out the two searches that know less")
@click.option("--processes", type=click.IntRange(1), default=2, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="one JSON object")
def persons(alone: bool, as_json: bool, **about: Any) -> None:
    """Measure the search of missing persons over made cities.

    Precision, recall and answers, beside searches by time or looks alone. Ends with 1 below its bars. Three seeds take
    about a minute and a half on two cores; `--seeds 100` is the long run.

    \b
    Example:  bongsu bench persons --seeds 10 --alone
    """
    module = benchmark("persons")
    load = module.Load(compare=not alone, **about)
    with counting("persons", len(load.levels) * load.seeds) as step:
        found, is_met = module.run(load, step)
    print_figures(found, as_json=as_json)
    if not is_met:
        raise click.exceptions.Exit(1)


def print_figures(found: dict[str, Any], *, as_json: bool) -> None:
    """Print one run's figures, and the part of the machine that others had meanwhile."""
    found["stolen_percent"] = benchmark("machine").stolen_percent()
    click.echo(orjson.dumps(found).decode() if as_json else _lines(found))


def _lines(found: dict[str, Any]) -> str:
    return "\n".join(f"{name}: {_in_words(value)}" for name, value in found.items()) + "\n"


def _in_words(value: Any) -> str:
    return "  ".join(f"{n} {v}" for n, v in value.items()) if isinstance(value, dict) else str(value)
