"""A line a minute in the log: what a process did since the line before, from its metrics.

It is for people without Prometheus. It holds counts, names of stages, sources and receivers, never data of an event.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psutil
from prometheus_client import REGISTRY, CollectorRegistry

from connectors.gateway.metrics import REGISTRY as OF_GATEWAY
from streams.log import log
from streams.log_file import LogOutput

NAMED_MAX = 5
"""Sources that are named when they are not heard; of more only the number is told."""

Figures = Mapping[tuple[str, frozenset[tuple[str, str]]], float]
"""(sample's name, its labels) → its value."""

OF_STAGES = {"bongsu_records_taken_total": "taken", "bongsu_events_put_total": "put"}
TOTALS = {
    "bongsu_records_set_aside_total": "set_aside",
    "bongsu_gateway_records_total": "pushed",
}
HIGHEST = {
    "bongsu_lag_seconds": "lag_s",
    "bongsu_receiver_lag_records": "receiver_lag_records",
    "bongsu_spool_pushes": "spool_pushes",
    "bongsu_receivers_dead": "receivers_dead",
}
SUMS = {"bongsu_situations_open": "situations_open"}
READ = {*OF_STAGES, *TOTALS, *HIGHEST, *SUMS, "bongsu_source_state", "bongsu_deliveries_total"}


@contextmanager
def minute_line(output: LogOutput, **about: Any) -> Iterator[None]:
    """Log the line as often as *output* says while the body runs, or never. *about*: facts that stand in each line."""
    if output.is_quiet:
        yield
        return
    over = threading.Event()
    thread = threading.Thread(
        target=_tell, args=[over, output.line_every_s, about], name="minute line", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(1.0)


def _tell(over: threading.Event, every_s: float, about: Mapping[str, Any]) -> None:
    process, before = psutil.Process(), figures_of(REGISTRY, OF_GATEWAY)
    while not over.wait(every_s):
        now = figures_of(REGISTRY, OF_GATEWAY)
        memory_mb = round(process.memory_info().rss / 1e6)
        log.info("running", **about, **line_facts(before, now), memory_mb=memory_mb)
        before = now


def figures_of(*registries: CollectorRegistry) -> Figures:
    """The present values of the metrics that the line is made of."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for registry in registries
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name in READ
    }


def line_facts(before: Figures, now: Figures) -> dict[str, Any]:
    """The facts of a line: counts since *before*, and the state *now*. A part that a process lacks is left out."""
    counts: defaultdict[str, int] = defaultdict(int)
    states: dict[str, float] = {}
    sources: defaultdict[str, list[str]] = defaultdict(list)
    for (name, its_labels), value in now.items():
        labels, gone = dict(its_labels), int(value - before.get((name, its_labels), 0))
        if name in OF_STAGES:
            counts[f"{OF_STAGES[name]}_{_stage(labels['group'])}"] += gone
        elif name in TOTALS:
            counts[TOTALS[name]] += gone
        elif name == "bongsu_deliveries_total":
            counts[f"deliveries_{labels['outcome']}"] += gone
        elif name in HIGHEST:
            states[HIGHEST[name]] = max(states.get(HIGHEST[name], 0), value)
        elif name in SUMS:
            states[SUMS[name]] = states.get(SUMS[name], 0) + value
        elif value:
            sources[labels["state"]].append(labels["source"])
    highest = {name: round(value, 1) if name == "lag_s" else int(value) for name, value in states.items()}
    return {**dict(sorted(counts.items())), **dict(sorted(highest.items())), **_of_sources(sources)}


def _stage(group: str) -> str:
    """The stage of a group ``CITY.STAGE`` or ``CITY.STAGE.SOURCE``."""
    return group.split(".")[1] if "." in group else group


def _of_sources(sources: Mapping[str, list[str]]) -> dict[str, Any]:
    """Count the sources in each state; name a few."""
    if not sources:
        return {}
    silent = sorted(name for state, names in sources.items() if state != "hearing" for name in names)
    facts: dict[str, Any] = {"sources_hearing": len(sources.get("hearing", ()))}
    for state in sorted(set(sources) - {"hearing"}):
        facts[f"sources_{state}"] = len(sources[state])
    if silent:
        facts["not_hearing"] = ",".join(silent[:NAMED_MAX]) + (",…" if len(silent) > NAMED_MAX else "")
    return facts
