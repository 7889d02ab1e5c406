"""The rules there are, one file each, found by the name that a city's ``[[rule]]`` gives them.

Each file has ``Numbers`` (what a city may say of it) and ``build(config, numbers)``. ``joint-incident``, which holds the
reports, is always in force. What a rule says of many reports together, it says before each is told alone; one that
``speaks_last`` finds the reports in their situations.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from streams.situations.config import RulesConfig
from streams.situations.rule import Rule
from streams.situations.sections import RuleEntry
from streams.situations.terms import JOINT_INCIDENT

NOT_RULES = frozenset({"in_force", "parts"})
"""Modules of this folder that are no rules."""


@cache
def rule_names() -> list[str]:
    found = (one.name for one in pkgutil.iter_modules([str(Path(__file__).parent)]))
    return sorted(name.replace("_", "-") for name in found if name not in NOT_RULES)


def rule_file(name: str) -> Any:
    """The module of the rule *name*. ``KeyError`` when there is none."""
    if name not in rule_names():
        raise KeyError(name)
    return importlib.import_module(f"{__package__}.{name.replace('-', '_')}")


@cache
def version_of(name: str) -> str:
    """The version of the rule *name*; "?" for one that is no longer there."""
    return str(rule_file(name).VERSION) if name in rule_names() else "?"


def told_version(name: str, config: RulesConfig) -> str:
    """Who decided, as an output says it: the rule's version and, behind ``+``, the numbers that hold (as
    ``core.journal`` has them)."""
    return f"{version_of(name)}+{config.numbers}"


class CheckedEntry(RuleEntry):
    """A ``[[rule]]`` beside joint-incident, with all its numbers: what it did not say, its file's defaults said."""

    @model_validator(mode="after")
    def _checked(self) -> CheckedEntry:
        others = [name for name in rule_names() if name != JOINT_INCIDENT]
        if self.name not in others:
            raise ValueError(f"no rule '{self.name}' beside {JOINT_INCIDENT}: there are {', '.join(others)}")
        full = rule_file(self.name).Numbers.model_validate(self.numbers).model_dump(mode="json")
        object.__setattr__(self, "numbers", full)
        return self


class CityRules(RulesConfig):
    """The numbers of all rules of a city, each checked against its rule's file."""

    others: tuple[CheckedEntry, ...] = Field((), description="the rules in force beside joint-incident")


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


def is_kept(rules: Iterable[Rule], name: str) -> bool:
    """Whether one of *rules* may have a memory of that name."""
    kept = (one for rule in rules for one in rule.keeps)
    return any(name.startswith(one) if one.endswith(":") else name == one for one in kept)
