"""The alarms and recorded queries of ``deploy/observability`` as Prometheus rules. Pure but for reading them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from deploy.manifests.plan import CityProcess
from deploy.manifests.yaml_text import yaml_of

FOLDER = Path(__file__).parents[1] / "observability"
RULES = "rules.yml"
RUNBOOKS = "deploy/runbooks"


@cache
def alarms() -> tuple[Mapping[str, str], ...]:
    """The alarms in the order of the file: ``name``, ``expr``, ``severity``, ``summary``; ``for`` where it waits.

    ``or_each_process`` where an alarm has a part for each process of the cities.
    """
    return tuple(tomllib.loads((FOLDER / "alarms.toml").read_text("utf-8"))["alarm"])


@cache
def records() -> tuple[Mapping[str, str], ...]:
    """The recorded queries in the order of the file: ``name``, ``expr``; ``every`` where its own interval does."""
    return tuple(tomllib.loads((FOLDER / "records.toml").read_text("utf-8"))["record"])


def rules(processes: Iterable[CityProcess]) -> str:
    """The rules file for the cities of *processes*.

    A process that is gone has no series where targets are discovered, so the rule has to name what should be there.
    """
    known = list(processes)
    often = [_record(one) for one in records() if "every" not in one]
    groups: list[dict[str, Any]] = [
        {"name": "bongsu", "rules": [*often, *(_alarm(one, known) for one in alarms())]}
    ]
    for every in dict.fromkeys(one["every"] for one in records() if "every" in one):
        seldom = [_record(one) for one in records() if one.get("every") == every]
        groups.append({"name": f"bongsu-{every}", "interval": every, "rules": seldom})
    return yaml_of({"groups": groups})


def _record(one: Mapping[str, str]) -> dict[str, Any]:
    return {"record": one["name"], "expr": _line(one["expr"])}


def _alarm(one: Mapping[str, str], processes: Iterable[CityProcess]) -> dict[str, Any]:
    waits = {"for": one["for"]} if "for" in one else {}
    parts = [_line(one["expr"])]
    if each := one.get("or_each_process"):
        named = sorted({(process.city, process.role.name) for process in processes})
        parts += [each.replace("CITY", city).replace("ROLE", role) for city, role in named]
    return {
        "alert": one["name"],
        "expr": " or ".join(parts),
        **waits,
        "labels": {"severity": one["severity"]},
        "annotations": {"summary": one["summary"], "runbook": f"{RUNBOOKS}/{one['name']}.md"},
    }


def _line(query: str) -> str:
    return " ".join(query.split())
