"""``bongsu run``: a city's stages and live sources, until a signal."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deploy.assembly.stage_names import HTTP_STAGES, STAGES
from deploy.cli.parameters import CITY
from deploy.faults import UsageFault
from deploy.platform import ALL, LOG, Platform, know, reach
from schemas.errors import BongsuError
from streams.log import facts_of, log
from streams.log_file import COUNT, EVERY_S, SIZE_MB, LogOutput
from streams.traces import spans_exported

if TYPE_CHECKING:
    from deploy.assembly.forked import Forked
    from deploy.assembly.gateway import CityGateway
    from deploy.city.city import City
    from deploy.replica import Replica

LOOPBACK = "127.0.0.1"
Web = tuple[str | None, int | None, tuple[str | None, str | None]]
"""Host, port, and the files of certificate and key, as the command's options give them."""


@click.command()
@click.argument("city_name", metavar="CITY", type=CITY)
@click.option(
    "--stage", type=click.Choice([*STAGES, *HTTP_STAGES]), help="one stage only, as one worker of many"
)
@click.option("--only-stages", is_flag=True, help="all stages, without the sources")
@click.option("--web-port", type=int, help="port of /healthz, /readyz and /metrics (default: a free one)")
@click.option(
    "--web-host",
    help="address on which these listen (default: 127.0.0.1); with --stage gateway and console both are their own",
)
@click.option(
    "--tls-certificate",
    type=click.Path(exists=True, dir_okay=False),
    help="with --stage gateway or console: its certificate and the chain above it, in PEM; it ends TLS itself",
)
@click.option(
    "--tls-key",
    type=click.Path(exists=True, dir_okay=False),
    help="the certificate's key, in PEM, without a password",
)
@click.option(
    "--while-stdin", is_flag=True, hidden=True, help="end when standard input does: the parent is gone"
)
@click.option("--quiet", is_flag=True, help="log warnings and errors only, and no line a minute")
@click.option(
    "--log-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="log to this file, not to standard error; of a stage that runs beside, such as match, to FILE-match",
)
@click.option(
    "--log-size",
    type=click.IntRange(1, 10_000),
    default=SIZE_MB,
    show_default=True,
    help="megabytes at which the file is rotated to FILE.1",
)
@click.option(
    "--log-count",
    type=click.IntRange(1, 1_000),
    default=COUNT,
    show_default=True,
    help="rotated files kept beside it",
)
@click.option(
    "--line-every",
    type=click.FloatRange(1, 86_400),
    default=EVERY_S,
    show_default=True,
    help="seconds from one line that says what was done to the next",
)
@click.option("--log-json", is_flag=True, help="log one JSON object per line")
@click.option("--wait", is_flag=True, help="if another process does the same, wait for its end and take over")
def run(
    city_name: str,
    stage: str | None,
    only_stages: bool,
    web_port: int | None,
    web_host: str | None,
    tls_certificate: str | None,
    tls_key: str | None,
    while_stdin: bool,
    quiet: bool,
    log_file: Path | None,
    log_size: int,
    log_count: int,
    line_every: float,
    log_json: bool,
    wait: bool,
) -> None:
    """Run CITY: read its sources, correlate, deliver. Ends cleanly on Ctrl-C.

    A line each minute says what it did: records by stage, lag, situations, sources, deliveries, web port, memory.

    A stage or source runs once in each home (only --stage match runs in several processes): a second process names the
    first, and ends. --stage chargers runs several times in homes of their own, where BONGSU_REPLICA names each.

    --stage gateway runs several times where BONGSU_REPLICA names each, and BONGSU_SHARED_KEY (32 bytes in hex or base64)
    is the same for all. A running viewing belongs to its replica: it stops when that one dies, and goes on when it is
    back. Rates of an account count for each replica. See deploy/examples/replicas.md.

    --stage console is the gateway without the agencies' doors: people sign in, read and act; nothing is pushed to it, and
    it keeps nothing that waits for Kafka. A console of this home counts a gateway's sessions as its own; elsewhere, and for
    several of them, it takes BONGSU_REPLICA and BONGSU_SHARED_KEY as a gateway does.

    \b
    Example:  bongsu run demo
    """
    from deploy.assembly.heap import one_arena, trim_after_start
    from deploy.assembly.ingest import log_left_out
    from deploy.assembly.locks import holding
    from deploy.assembly.stages import roles_of
    from deploy.city.city import load_city
    from deploy.replica import replica_from

    _demand_sense(stage, only_stages, (tls_certificate, tls_key))
    stages = (stage,) if stage else STAGES[1:] if only_stages else STAGES
    early = _early_children(city_name, stages)
    if stage != "match":
        one_arena()
    trim_after_start()
    output = LogOutput(log_file, log_size, log_count, line_every, is_json=log_json, is_quiet=quiet)
    output.begin()
    try:
        replica = replica_from(os.environ)
        city = load_city(city_name)
        log_left_out(city)
        is_over = _stdin_ended() if while_stdin else _never
        role = stage or ("stages" if only_stages else "all")
        with (
            holding(city, roles_of(city, stages, replica.name), wait=wait, is_over=is_over),
            spans_exported(role),
        ):
            if stage in HTTP_STAGES:
                web = (web_host, web_port, (tls_certificate, tls_key))
                _serve(city, web, output, replica, has_doors=stage == "gateway")
            else:
                _work(city, stages, (web_host or LOOPBACK, web_port), is_over, output, replica, early)
    except Exception as error:
        if log_file is not None:  # the command says it on standard error, which may go nowhere
            log.error("ended by an error", **facts_of(error))
        raise


def _demand_sense(stage: str | None, only_stages: bool, tls: tuple[str | None, str | None]) -> None:
    """``UsageFault`` for options that do not go together."""
    if stage == "ingest" and only_stages:
        raise UsageFault(
            "--only-stages leaves the ingest out", hint="give one of --stage ingest and --only-stages"
        )
    if tls != (None, None) and (None in tls or stage not in HTTP_STAGES):
        raise UsageFault(
            "--tls-certificate and --tls-key belong together, and to --stage gateway or console",
            hint="give both, or tls_certificate and tls_key under [gateway] in the city's file",
        )


def _early_children(city_name: str, stages: tuple[str, ...]) -> Mapping[str, Forked]:
    """Children for the stages that run in processes of their own, forked while this one is small and has no thread."""
    from deploy.assembly.forked import forked
    from deploy.assembly.stages import stages_apart
    from deploy.city.city import load_city
    from deploy.cli import main

    if len(stages) == 1:
        return {}
    try:
        apart = stages_apart(load_city(city_name), stages)
    except BongsuError:  # told when the city is loaded again, with the log there
        return {}
    return forked(apart, main)


def _serve(city: City, web: Web, output: LogOutput, replica: Replica, *, has_doors: bool) -> None:
    from deploy.assembly.gateway import CityGateway
    from deploy.assembly.gateway_place import console_city, console_replica, demand_closed
    from deploy.principals import act_as_platform
    from streams.runtime.minute_line import minute_line
    from streams.runtime.replica import gateway_id

    act_as_platform(city.name)
    if not has_doors:
        city, replica = console_city(city), console_replica(replica)
    city = city.listening(*web)
    demand_closed(city)
    gateway = CityGateway(city, know(), replica, has_doors=has_doors)
    with minute_line(
        output, name=gateway_id(city.name, replica.name), web=gateway.url, console=gateway.console_url
    ):
        gateway.run()


def _work(
    city: City,
    stages: tuple[str, ...],
    web: tuple[str, int | None],
    is_over: Callable[[], bool],
    output: LogOutput,
    replica: Replica,
    early: Mapping[str, Forked],
) -> None:
    from deploy.assembly.child import worker_kept
    from deploy.assembly.stages import stages_apart, worker_of
    from deploy.principals import act_as_platform
    from deploy.topics import demand_order, ensure_topics
    from streams.runtime.minute_line import minute_line

    act_as_platform(city.name)
    platform = reach(need=ALL if "deliver" in stages else LOG)
    demand_order(ensure_topics(platform.kafka, [city.name]))
    gateway = _gateway_beside(city, platform, stages, replica)
    worker = worker_of(city, platform, stages, web_host=web[0], web_port=web[1])
    worker.stop_when(is_over)
    about = {"name": worker.name, "web_port": worker.web_port}
    if gateway is not None:
        about |= {"gateway": gateway.url, "console": gateway.console_url}
    with ExitStack() as beside:
        if gateway is not None:
            beside.enter_context(gateway.beside(worker))
        for one in stages_apart(city, stages):
            beside.enter_context(worker_kept(city, one, output, early.get(one)))
        beside.enter_context(minute_line(output, **about))
        worker.run()


def _gateway_beside(
    city: City, platform: Platform, stages: tuple[str, ...], replica: Replica
) -> CityGateway | None:
    """All that a city has runs here: so does its gateway, if it has one."""
    from deploy.assembly.stages import has_all, has_gateway

    if not (has_all(stages) and has_gateway(city)):
        return None
    from deploy.assembly.gateway import CityGateway
    from deploy.assembly.gateway_place import demand_closed

    demand_closed(city)
    return CityGateway(city, platform, replica)


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
