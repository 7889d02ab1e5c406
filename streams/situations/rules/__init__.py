"""The rules there are, one file each, found by the name that a city's ``[[rule]]`` gives them.

Each file has ``Numbers`` (what a city may say of it) and ``build(config, numbers)``. ``joint-incident`` is always in
force. What a rule says of many reports together, it says before each is told alone; one that ``speaks_last`` finds the
reports in their situations.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streams.situations.config import RulesConfig
    from streams.situations.rule import Rule

JOINT_INCIDENT = "joint-incident"


@cache
def rule_names() -> list[str]:
    return sorted(one.name.replace("_", "-") for one in pkgutil.iter_modules(__path__))


def rule_file(name: str) -> Any:
    """The module of the rule *name*. ``KeyError`` when there is none."""
    if name not in rule_names():
        raise KeyError(name)
    return importlib.import_module(f"{__name__}.{name.replace('-', '_')}")


@cache
def version_of(name: str) -> str:
    """The version of the rule *name*; "?" for one that is no longer there."""
    return str(rule_file(name).VERSION) if name in rule_names() else "?"


def told_version(name: str, config: RulesConfig) -> str:
    """What an output says of who decided it: the rule's version and, behind ``+``, the numbers that hold (as
    ``core.journal`` has them)."""
    return f"{version_of(name)}+{config.numbers}"


def rules_of(config: RulesConfig) -> tuple[Rule, ...]:
    """The rules that *config* puts in force, in the order in which they are asked."""
    others = [rule_file(one.name).build(config, one.numbers) for one in config.others]
    joint = rule_file(JOINT_INCIDENT).build(config, None)
    first, last = ([one for one in others if one.speaks_last is late] for late in (False, True))
    return (*first, joint, *last)


def families_of(config: RulesConfig) -> Mapping[str, tuple[str, ...]]:
    """The families of kinds that any rule counts, each named ``<rule>:<family>``."""
    return {
        f"{rule.name}:{family}": tuple(said["kinds"])
        for rule in config.others
        for family, said in rule.numbers.get("families", {}).items()
    }
