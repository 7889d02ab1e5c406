"""``bongsu run``: a city's stages and live sources, until a signal."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from contextlib import ExitStack

import click

from deploy.child import worker_kept
from deploy.city import City, load_city
from deploy.faults import UsageFault
from deploy.platform import Platform, know, reach
from deploy.stages import STAGES, stages_apart, worker_of
from deploy.topics import ensure_topics
from streams.log import to_stderr


@click.command()
@click.argument("city_name", metavar="CITY")
@click.option(
    "--stage", type=click.Choice([*STAGES, "gateway"]), help="one stage only, as one worker of many"
)
@click.option("--only-stages", is_flag=True, help="all stages, without the sources")
@click.option("--web-port", type=int, help="port of /healthz, /readyz and /metrics (default: a free one)")
@click.option(
    "--while-stdin", is_flag=True, hidden=True, help="end when standard input does: the parent is gone"
)
@click.option("--quiet", is_flag=True, help="log warnings and errors only")
def run(
    city_name: str, stage: str | None, only_stages: bool, web_port: int | None, while_stdin: bool, quiet: bool
) -> None:
    """Run CITY: hear its sources, correlate, deliver. Ends cleanly on Ctrl-C.

    Example:  bongsu run houston
    """
    if stage == "ingest" and only_stages:
        raise UsageFault(
            "--only-stages leaves the ingest out", hint="give one of --stage ingest and --only-stages"
        )
    to_stderr(logging.WARNING if quiet else logging.INFO)
    city = load_city(city_name)
    if stage == "gateway":
        from deploy.gateway import CityGateway  # noqa: PLC0415 (a worker loads what it runs)

        CityGateway(city, know()).run()
        return
    platform = reach()
    ensure_topics(platform.kafka, [city.name])
    stages = (stage,) if stage else STAGES[1:] if only_stages else STAGES
    worker = worker_of(city, platform, stages, web_port=web_port)
    if while_stdin:
        worker.stop_when(_stdin_ended())
    end_gateway = _gateway_beside(city, platform) if len(stages) > 1 and "ingest" in stages else None
    try:
        with ExitStack() as beside:
            for one in stages_apart(city, stages):
                beside.enter_context(worker_kept(city, "--stage", one))
            worker.run()
    finally:
        if end_gateway is not None:
            end_gateway()


def _gateway_beside(city: City, platform: Platform) -> Callable[[], None] | None:
    """All that a city has runs here: so does its gateway, if it has one. What ends it."""
    from deploy.gateway import CityGateway, has_gateway  # noqa: PLC0415 (a worker loads what it runs)

    return CityGateway(city, platform).run_beside() if has_gateway(city) else None


def _stdin_ended() -> Callable[[], bool]:
    """Whether standard input has ended: a parent that dies, however it dies, closes it."""
    ended = threading.Event()

    def wait() -> None:
        while os.read(0, 4096):  # not sys.stdin: its lock would outlive the interpreter
            pass
        ended.set()

    threading.Thread(target=wait, name="stdin", daemon=True).start()
    return ended.is_set
