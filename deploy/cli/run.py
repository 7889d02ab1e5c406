"""``bongsu run``: a city's stages and live sources, until a signal."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from deploy.assembly.stage_names import STAGES
from deploy.cli.parameters import CITY
from deploy.faults import UsageFault
from deploy.platform import ALL, LOG, Platform, know, reach
from streams.log import to_stderr

if TYPE_CHECKING:
    from deploy.assembly.gateway import CityGateway
    from deploy.city.city import City

LOOPBACK = "127.0.0.1"


@click.command()
@click.argument("city_name", metavar="CITY", type=CITY)
@click.option(
    "--stage", type=click.Choice([*STAGES, "gateway"]), help="one stage only, as one worker of many"
)
@click.option("--only-stages", is_flag=True, help="all stages, without the sources")
@click.option("--web-port", type=int, help="port of /healthz, /readyz and /metrics (default: a free one)")
@click.option(
    "--web-host",
    help="address on which these listen (default: 127.0.0.1); with --stage gateway both are the gateway's own",
)
@click.option(
    "--while-stdin", is_flag=True, hidden=True, help="end when standard input does: the parent is gone"
)
@click.option("--quiet", is_flag=True, help="log warnings and errors only")
@click.option("--wait", is_flag=True, help="if another process does the same, wait for its end and take over")
def run(
    city_name: str,
    stage: str | None,
    only_stages: bool,
    web_port: int | None,
    web_host: str | None,
    while_stdin: bool,
    quiet: bool,
    wait: bool,
) -> None:
    """Run CITY: read its sources, correlate, deliver. Ends cleanly on Ctrl-C.

    A stage or source runs once in each home (only --stage match runs in several processes): a second process names the
    first, and ends.

    \b
    Example:  bongsu run demo
    """
    from deploy.assembly.ingest import log_left_out
    from deploy.assembly.locks import holding
    from deploy.assembly.stages import roles_of
    from deploy.city.city import load_city

    if stage == "ingest" and only_stages:
        raise UsageFault(
            "--only-stages leaves the ingest out", hint="give one of --stage ingest and --only-stages"
        )
    to_stderr(logging.WARNING if quiet else logging.INFO)
    city = load_city(city_name)
    log_left_out(city)
    stages = (stage,) if stage else STAGES[1:] if only_stages else STAGES
    is_over = _stdin_ended() if while_stdin else None
    with holding(city, roles_of(city, stages), wait=wait, is_over=is_over or _never):
        if stage == "gateway":
            from deploy.assembly.gateway import CityGateway

            CityGateway(city.listening(web_host, web_port), know()).run()
        else:
            _work(city, stages, (web_host or LOOPBACK, web_port), is_over)


def _work(
    city: City, stages: tuple[str, ...], web: tuple[str, int | None], is_over: Callable[[], bool] | None
) -> None:
    from deploy.assembly.child import worker_kept
    from deploy.assembly.stages import stages_apart, worker_of
    from deploy.topics import demand_order, ensure_topics

    platform = reach(need=ALL if "deliver" in stages else LOG)
    demand_order(ensure_topics(platform.kafka, [city.name]))
    gateway = _gateway_beside(city, platform, stages)
    worker = worker_of(city, platform, stages, web_host=web[0], web_port=web[1])
    if is_over is not None:
        worker.stop_when(is_over)
    with ExitStack() as beside:
        if gateway is not None:
            beside.enter_context(gateway.beside(worker))
        for one in stages_apart(city, stages):
            beside.enter_context(worker_kept(city, "--stage", one, "--wait"))
        worker.run()


def _gateway_beside(city: City, platform: Platform, stages: tuple[str, ...]) -> CityGateway | None:
    """All that a city has runs here: so does its gateway, if it has one."""
    from deploy.assembly.stages import has_all, has_gateway

    if not (has_all(stages) and has_gateway(city)):
        return None
    from deploy.assembly.gateway import CityGateway

    return CityGateway(city, platform)


def _never() -> bool:
    return False


def _stdin_ended() -> Callable[[], bool]:
    """Whether standard input has ended: a parent that dies, however it dies, closes it."""
    ended = threading.Event()

    def wait() -> None:
        while os.read(0, 4096):  # not sys.stdin: its lock would outlive the interpreter
            pass
        ended.set()

    threading.Thread(target=wait, name="stdin", daemon=True).start()
    return ended.is_set
