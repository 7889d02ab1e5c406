"""The machine of a benchmark, and how much of it other guests of its host had meanwhile."""

from __future__ import annotations

import platform
from typing import Any

import psutil

_BEGUN = psutil.cpu_times()


def described() -> dict[str, Any]:
    """The machine's processors and memory, Python, and the load before the run."""
    return {
        "machine": f"{platform.machine()}, {psutil.cpu_count()} cores, {psutil.virtual_memory().total >> 30} GB",
        "python": platform.python_version(),
        "load_average": round(psutil.getloadavg()[0], 1),
    }


def stolen_percent() -> float | None:
    """The share of processor time, since the benchmark was loaded, that the host gave to others while we could have run.

    ``None`` where the system does not say. A delay counts only where this is near zero: at 10 % delays are twice as long.
    """
    now = psutil.cpu_times()
    if not hasattr(now, "steal"):
        return None
    passed = sum(now) - sum(_BEGUN)
    return round(100 * (now.steal - _BEGUN.steal) / passed, 1) if passed else None
