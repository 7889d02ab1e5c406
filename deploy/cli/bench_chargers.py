"""``bongsu bench chargers``: the speed of answers to chargers, by one process or several."""

from __future__ import annotations

from typing import Any

import click

from deploy.cli.bench import bench, benchmark, print_figures
from deploy.faults import UsageFault

__all__ = ["bench", "chargers"]


@bench.command()
@click.option("--chargers", type=click.IntRange(1), default=1_000, show_default=True)
@click.option("--charging", type=click.IntRange(0), default=200, show_default=True, help="of them")
@click.option("--beats", type=click.IntRange(1), default=100, show_default=True, help="heartbeats a second")
@click.option("--seconds", type=click.FloatRange(1), default=30, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option(
    "--processes", type=click.IntRange(1), default=1, show_default=True, help="one of them is killed"
)
@click.option("--json", "as_json", is_flag=True, help="one JSON object")
def chargers(as_json: bool, **about: Any) -> None:
    """Measure how fast chargers are answered over OCPP.

    And how soon all are back after a kill (-9) of a process. Ends with 1 when it takes too long.

    \b
    Example:  bongsu bench chargers --processes 6 --chargers 10500
    """
    if about["charging"] > about["chargers"]:
        raise UsageFault("more chargers charge than there are", hint="give a lower --charging")
    found = benchmark("chargers").run(**about)
    print_figures(found, as_json=as_json)
    if not found["meets_targets"]:
        raise click.exceptions.Exit(1)
