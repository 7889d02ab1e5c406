"""The alarms of ``deploy/observability/alarms.toml`` as a file of rules for Prometheus. Pure but for reading that file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from deploy.manifests.yaml_text import yaml_of

FILE = Path(__file__).parents[1] / "observability" / "alarms.toml"
RULES = "rules.yml"
RUNBOOKS = "deploy/runbooks"


@cache
def alarms() -> tuple[Mapping[str, str], ...]:
    """The alarms in the order of the file: ``name``, ``expr``, ``severity``, ``summary``, and ``for`` where it waits."""
    return tuple(tomllib.loads(FILE.read_text("utf-8"))["alarm"])


def rules() -> str:
    """The rules file: the same for all cities, since each series names its own."""
    return yaml_of({"groups": [{"name": "bongsu", "rules": [_rule(one) for one in alarms()]}]})


def _rule(one: Mapping[str, str]) -> dict[str, Any]:
    waits = {"for": one["for"]} if "for" in one else {}
    return {
        "alert": one["name"],
        "expr": " ".join(one["expr"].split()),
        **waits,
        "labels": {"severity": one["severity"]},
        "annotations": {"summary": one["summary"], "runbook": f"{RUNBOOKS}/{one['name']}.md"},
    }
