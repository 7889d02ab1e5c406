"""What all tests share: where the real input lies."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from deploy.local import cluster as local_cluster
from deploy.settings import COMPONENTS, Endpoints, endpoints, given

ROOT = Path(__file__).resolve().parent.parent


TIMEOUTS_S = {"long": 1_800, "cluster": 300}
"""How long a test may take for its marker, unless it says so itself; any other has what ``pyproject.toml`` says."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("timeout") is None:
            for marker, at_most_s in TIMEOUTS_S.items():
                if item.get_closest_marker(marker) is not None:
                    item.add_marker(pytest.mark.timeout(at_most_s))
                    break


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real input; tests that need it skip where it is not."""
    folder = Path(os.environ.get("BONGSU_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real input at {folder}: set BONGSU_DATA")
    return folder


@pytest.fixture(scope="session")
def cluster() -> Iterator[Endpoints]:
    """A real Kafka, schema registry and Redis, shared by all tests: make topics with names of your own.

    The ones that the environment names (BONGSU_KAFKA and so on), else started here and erased at the end.
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
    """Where nothing may be missing (the gate), a skip is a failure."""
    report = yield
    if os.environ.get("BONGSU_NO_SKIP") and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped: {report.longrepr}"
    return report
