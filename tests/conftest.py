"""Fixtures and limits of all tests: the real input, the cluster, the timeouts."""

from __future__ import annotations

import gc
import os
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import hypothesis
import pytest

from deploy.local import cluster as local_cluster
from deploy.settings import COMPONENTS, Endpoints, endpoints, given

ROOT = Path(__file__).resolve().parent.parent

hypothesis.settings.register_profile(
    "bongsu", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("bongsu")  # a busy machine is no fault of what is tested


TIMEOUTS_S = {"long": 1_800, "cluster": 300}
"""The timeout of a test by its marker, unless it sets its own; all others have that of ``pyproject.toml``."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("timeout") is None:
            for marker, at_most_s in TIMEOUTS_S.items():
                if item.get_closest_marker(marker) is not None:
                    item.add_marker(pytest.mark.timeout(at_most_s))
                    break


def pytest_sessionstart() -> None:
    """Collect no garbage while the tests are found: there is none, but thousands of modules and functions to look at."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Leave what was found out of every later collection of garbage."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real input; tests that need it skip where it is missing."""
    folder = Path(os.environ.get("BONGSU_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real input at {folder}: set BONGSU_DATA")
    return folder


@pytest.fixture(scope="session")
def cluster() -> Iterator[Endpoints]:
    """A real Kafka, schema registry and Redis, shared by all tests: use topic names of your own.

    Those of the environment (BONGSU_KAFKA and so on), else started here and erased at the end.
    """
    if set(given()) == set(COMPONENTS):
        yield endpoints()
        return
    home = Path(tempfile.mkdtemp(prefix="bongsu-"))
    try:
        yield local_cluster.up(home)
    finally:
        local_cluster.down(home, erase=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure where nothing may be missing (the gate)."""
    report = yield
    if os.environ.get("BONGSU_NO_SKIP") and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped: {report.longrepr}"
    return report
