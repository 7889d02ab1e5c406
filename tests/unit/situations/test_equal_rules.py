"""Rules are equals: none knows another, each writes only the hooks it needs, and nobody else reads what they remember."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import Invalid
from streams.situations import rules as rules_package
from streams.situations.config import RulesConfig
from streams.situations.entry import Entry
from streams.situations.explain import came_in
from streams.situations.memory import memory_of
from streams.situations.reports.notices import NOTICES, NoticeKind, need
from streams.situations.rule import City as RulesCity
from streams.situations.rule import Heard, Notices, Rule, Step
from streams.situations.rules.in_force import NOT_RULES, rule_names
from streams.stages.situations import INPUTS
from tests.unit.situations.a_city import City, a_tick, an_incident, at, rules

FOLDER = Path(rules_package.__file__).parent
PACKAGE = rules_package.__name__
REPORTS = "joint_incident"
"""The rule that decides which reports are one situation: the fold asks it when operators join or separate some."""


def _imports(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{one.name}" for one in node.names)
        elif isinstance(node, ast.Import):
            yield from (one.name for one in node.names)


def rules_known(text: str) -> set[str]:
    """The rules that a module of that *text* imports."""
    names = {name.replace("-", "_") for name in rule_names()}
    found = (one.removeprefix(f"{PACKAGE}.").partition(".")[0] for one in _imports(text) if PACKAGE in one)
    return {one for one in found if one in names}


def _rule_of(path: Path) -> str:
    return path.relative_to(FOLDER).parts[0].removesuffix(".py")


def test_no_rule_imports_another() -> None:
    paths = [one for one in FOLDER.rglob("*.py") if _rule_of(one) not in ("__init__", *NOT_RULES)]
    assert {_rule_of(one) for one in paths} == {name.replace("-", "_") for name in rule_names()}
    strangers = {str(one): rules_known(one.read_text()) - {_rule_of(one)} for one in paths}
    assert not {name: known for name, known in strangers.items() if known}


def test_nobody_beside_a_rule_knows_it() -> None:
    streams = FOLDER.parent.parent
    paths = [one for one in streams.rglob("*.py") if FOLDER not in one.parents]
    paths.append(FOLDER / "in_force.py")
    paths += (FOLDER / "parts").glob("*.py")
    known = {str(one): rules_known(one.read_text()) - {REPORTS} for one in paths}
    assert not {name: one for name, one in known.items() if one}


@pytest.mark.parametrize(
    "text",
    [
        "from streams.situations.rules.surge import Numbers",
        "from streams.situations.rules import surge",
        "import streams.situations.rules.surge.level",
        "def f():\n    from streams.situations.rules.surge.level import Level",
    ],
)
def test_an_import_of_a_rule_is_seen(text: str) -> None:
    assert rules_known(text) == {"surge"}


def test_a_rule_without_hooks_answers_nothing() -> None:
    class Silent(Rule):
        name, version = "silent", "1"

    city = City(rules())
    city.take(an_incident(status="open"))
    incident = next(iter(city.state.index.incidents.values()))
    situation = next(iter(city.state.situations.values()))
    heard = Heard(incident, None, frozenset())
    rule = Silent()
    assert rule.on_event(city.state, heard) == Step()
    assert rule.on_evidence(city.state, {}) == Step()
    assert rule.on_time(city.state, situation) == Step()


def test_every_kind_of_notice_is_heard() -> None:
    assert {contract: INPUTS.get(contract) for contract in NOTICES} == {
        contract: kind.entry_kind for contract, kind in NOTICES.items()
    }


def test_a_notice_of_a_new_kind_is_one_line_and_the_rule_that_takes_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Loud(Rule, Notices):
        name, version = "loud", "1"
        notices = frozenset({"civil.noise"})

        def on_notice(self, city: RulesCity, entry: Entry) -> Step:
            return Step(memories=[memory_of("loud", "last", {"level_db": entry.value["level_db"]})])

    def check(entry: Entry, config: RulesConfig) -> None:
        need(entry, entry.value["level_db"] > 0, "level_db", "above 0")

    kind = NoticeKind("notice", check, lambda it: f"{it['level_db']} dB")
    monkeypatch.setitem(NOTICES, "civil.noise", kind)
    city = City(rules())
    city.take(a_tick("12:00"))
    city.state.rules_in_force += (Loud(),)
    assert city.state.takes("civil.noise")
    city.take(a_noise(70))
    assert city.state.memories["loud:last"].body == {"level_db": 70}
    assert came_in(a_noise(70)).startswith("70 dB, ")
    with pytest.raises(Invalid, match="level_db"):
        city.take(a_noise(0))


def a_noise(level_db: int) -> Entry:
    value: dict[str, Any] = {"event_time": at("12:01"), "received_time": at("12:01"), "level_db": level_db}
    return Entry("notice", "demo.civil.noise", 0, 0, value)
