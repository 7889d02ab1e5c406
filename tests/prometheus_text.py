"""Judgement of a page of metrics: what promtool says of it, and series that stand in it twice."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter

import pytest


def complaints(page: str) -> str:
    """The words of ``promtool check metrics`` about *page*: none, if it is clean. Skips where promtool is missing."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool here: apt-get install prometheus")
    done = subprocess.run(
        [promtool, "check", "metrics"], input=page, capture_output=True, text=True, timeout=20, check=False
    )
    said = done.stdout + done.stderr
    return said or ("" if done.returncode == 0 else f"promtool ended with {done.returncode}")


def series_of(page: str) -> list[str]:
    """The series of *page*, each with its labels as it stands there."""
    lines = [line for line in page.splitlines() if line and not line.startswith("#")]
    return [line.rpartition(" ")[0] for line in lines]


def twice(*pages: str) -> list[str]:
    """The series that stand more than once in *pages* together, which one Prometheus would store twice."""
    counts = Counter(series for page in pages for series in series_of(page))
    return sorted(series for series, count in counts.items() if count > 1)
