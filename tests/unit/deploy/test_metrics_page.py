"""The metrics of all processes: clean, listed with their labels in ``deploy/METRICS.md``, and no series twice."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from prometheus_client import REGISTRY as OF_PROCESS
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.metrics import MetricWrapperBase

from connectors.gateway import metrics as of_gateway
from streams import metrics as of_stages
from streams import metrics_mobility as of_mobility
from streams import metrics_persons as of_persons
from tests.prometheus_text import complaints, series_of, twice

ROW = re.compile(r"^\| `(bongsu_\w+?)(?:\{([\w,]+)\})?` \| (counter|gauge|histogram) \| (.+) \|$", re.M)
LISTED = Path(__file__).parents[3] / "deploy" / "METRICS.md"
LABELS = {
    "action", "agency", "city", "group", "kind", "kind_source", "message_type", "of", "outcome", "reason", "receiver",
    "route", "rule", "source", "state", "status", "topic", "worker",
}  # fmt: skip
"""All label names: of cities, stages, sources and outcomes, none of a person, an account or a place."""


def metrics_of(module: object) -> list[MetricWrapperBase]:
    return [one for one in vars(module).values() if isinstance(one, MetricWrapperBase)]


ALL = [*metrics_of(of_stages), *metrics_of(of_mobility), *metrics_of(of_persons), *metrics_of(of_gateway)]


def name_of(metric: MetricWrapperBase) -> str:
    return str(metric._name) + ("_total" if metric._type == "counter" else "")


@pytest.fixture
def filled() -> None:
    """Give each metric a series: a metric without one has no line on the page."""
    for metric in ALL:
        if metric._labelnames:
            metric.labels(*(f"tried-{label}" for label in metric._labelnames))


def test_the_page_lists_every_metric_with_its_type_and_labels() -> None:
    found = {
        name: (kind, tuple(labels.split(",")) if labels else ())
        for name, labels, kind, _ in ROW.findall(LISTED.read_text("utf-8"))
    }
    assert found == {name_of(one): (one._type, tuple(one._labelnames)) for one in ALL}


def test_labels_name_no_person() -> None:
    assert {label for one in ALL for label in one._labelnames} == LABELS


@pytest.mark.usefixtures("filled")
def test_promtool_finds_nothing_in_the_metrics_of_any_process() -> None:
    page = of_gateway.page(with_process=True).decode()
    assert {series.partition("{")[0] for series in series_of(page)} >= {
        name_of(one) for one in ALL if one._type != "histogram"
    }
    assert complaints(page) == ""


def test_promtool_finds_an_unclean_metric() -> None:
    registry = CollectorRegistry()
    Gauge("bongsu_planted_age_seconds", "Age by quantile", ["quantile"], registry=registry).labels("0.5").set(
        1
    )
    assert "quantile" in complaints(generate_latest(registry).decode())


@pytest.mark.usefixtures("filled")
def test_a_gateway_beside_a_worker_shows_no_series_of_its_page() -> None:
    of_worker = generate_latest(OF_PROCESS).decode()
    beside = of_gateway.page(with_process=False).decode()
    assert "bongsu_gateway_ready" in beside and "bongsu_ready" in of_worker
    assert twice(of_worker, beside) == []
    assert twice(of_worker, of_gateway.page(with_process=True).decode()) != []
