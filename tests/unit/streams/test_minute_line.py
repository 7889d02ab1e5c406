"""The line a minute: what was done since the line before, what stands now, and nothing when quiet."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pytest
from prometheus_client import REGISTRY, Counter, Gauge, Histogram

from connectors.gateway import metrics as of_gateway
from streams import metrics
from streams.log_file import LogOutput
from streams.runtime.minute_line import READ, figures_of, line_facts, minute_line

PLACE = frozenset[tuple[str, str]]


def of(**labels: str) -> PLACE:
    return frozenset(labels.items())


def test_it_counts_since_the_line_before_by_stage() -> None:
    taken, put = "bongsu_records_taken_total", "bongsu_events_put_total"
    fire, police = (
        of(group="town.situations", topic="town.fire.incident.v1"),
        of(group="town.situations", topic="b"),
    )
    feeds = (of(group="town.ingest.a", topic="x"), of(group="town.ingest.b", topic="x"))
    before = {(taken, fire): 10.0, (put, feeds[0]): 5.0}
    now = {(taken, fire): 12.0, (taken, police): 1.0, (put, feeds[0]): 5.0, (put, feeds[1]): 4.0}
    assert line_facts(before, now) == {"put_ingest": 4, "taken_situations": 3}


def test_it_names_the_sources_that_are_not_heard_and_only_a_few_of_them() -> None:
    state = "bongsu_source_state"
    now = {(state, of(city="town", source=f"s{one}", state="failing")): 1.0 for one in range(7)}
    now |= {(state, of(city="town", source="calls", state="hearing")): 1.0}
    now |= {(state, of(city="town", source="calls", state="failing")): 0.0}
    assert line_facts({}, now) == {
        "sources_hearing": 1,
        "sources_failing": 7,
        "not_hearing": "s0,s1,s2,s3,s4,…",
    }


def test_what_stands_now_is_the_largest_of_its_parts() -> None:
    lag, spool = "bongsu_lag_seconds", "bongsu_spool_pushes"
    now = {
        (lag, of(group="town.match")): 2.26,
        (lag, of(group="town.speed")): 1.0,
        (spool, of(source="a")): 3.0,
    }
    assert line_facts({}, now) == {"lag_s": 2.3, "spool_pushes": 3}


def test_every_metric_that_it_reads_is_one_of_ours() -> None:
    objects = [one for module in (metrics, of_gateway) for one in vars(module).values()]
    families = [
        one for made in objects if isinstance(made, Counter | Gauge | Histogram) for one in made.describe()
    ]
    names = {one.name + ("_total" if one.type == "counter" else "") for one in families}
    assert names >= READ


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Bongsu's log lines as they come."""
    found: list[str] = []
    ours = logging.getLogger("bongsu")

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(record.getMessage())
            heard.set()

    heard.clear()
    handler = Keeping()
    ours.addHandler(handler)
    monkeypatch.setattr(ours, "level", logging.INFO)
    ours.manager._clear_cache()  # type: ignore[attr-defined]  # levels are cached, and we set one by hand
    yield found
    ours.removeHandler(handler)
    ours.manager._clear_cache()  # type: ignore[attr-defined]  # see above


heard = threading.Event()


def test_it_is_one_line_with_the_web_port_and_the_memory(lines: list[str]) -> None:
    metrics.records_taken.labels("town.situations", "town.fire.incident.v1").inc(0)
    with minute_line(LogOutput(line_every_s=0.01), name="town.all", web_port=8123):
        assert heard.wait(10)
    assert lines[0].startswith("running name=town.all web_port=8123 ")
    assert " memory_mb=" in lines[0] and " taken_situations=" in lines[0] and "\n" not in lines[0]


def test_a_quiet_process_has_no_line_and_no_thread(lines: list[str]) -> None:
    with minute_line(LogOutput(is_quiet=True, line_every_s=0.001), name="town.all"):
        assert not [one for one in threading.enumerate() if one.name == "minute line"]
    assert lines == []


def test_the_figures_are_those_of_the_registry() -> None:
    labels = ("town.minute", "town.fire.incident.v1")
    metrics.records_taken.labels(*labels).inc(2)
    key = ("bongsu_records_taken_total", of(group=labels[0], topic=labels[1]))
    assert figures_of(REGISTRY)[key] == 2
