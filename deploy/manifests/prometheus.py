"""The settings by which Prometheus reads the metrics of a plan's processes. Pure."""

from __future__ import annotations

from collections.abc import Callable

from deploy.manifests.plan import CityProcess, Plan
from deploy.manifests.yaml_text import yaml_of

KEY_FILE = "/run/secrets/metrics-key"
"""Holds the key of a subscriber: the gateway shows its metrics to a caller elsewhere only with one."""


def scrape_settings(plan: Plan, address: Callable[[CityProcess], str], *, key_file: str | None = None) -> str:
    """``prometheus.yml``: a job for each role, a target for each process. *address* gives a process's host and port."""
    roles = dict.fromkeys(process.role.name for process in plan.processes)
    jobs = [_job(plan, role, address, key_file if role == "gateway" else None) for role in roles]
    return yaml_of({"global": {"scrape_interval": "15s", "scrape_timeout": "10s"}, "scrape_configs": jobs})


def _job(
    plan: Plan, role: str, address: Callable[[CityProcess], str], key_file: str | None
) -> dict[str, object]:
    targets = [
        {"targets": [address(process)], "labels": {"city": process.city, "role": role}}
        for process in plan.processes
        if process.role.name == role
    ]
    keyed: dict[str, object] = {"authorization": {"credentials_file": key_file}} if key_file else {}
    return {"job_name": f"bongsu-{role}", "metrics_path": "/metrics", **keyed, "static_configs": targets}
