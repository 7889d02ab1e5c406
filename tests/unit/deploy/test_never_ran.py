"""A city that never ran is answered with the command that runs it; a source that delivers nothing, with its cure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from deploy import source_states, topic_values
from deploy.city.names import CITIES
from deploy.cli import bongsu, cluster, dlq, effects, replay, situation, tail
from deploy.cli import source as source_command
from deploy.cli.tail import _no_topic
from deploy.faults import UsageFault
from deploy.local.cluster import ComponentState
from deploy.own_cities import idle_cities
from deploy.settings import COMPONENTS
from streams.dlq.fold import Aside
from streams.runtime import kafka
from tests.unit.deploy.test_hints import trouble_with

NOWHERE: Any = type("Nowhere", (), {"kafka": "", "wire": None})


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.delenv("BONGSU_CITIES", raising=False)
    monkeypatch.setenv("BONGSU_HOME", str(tmp_path))
    for module in (dlq, effects, replay, situation, source_command, cluster):
        monkeypatch.setattr(module, "reach", lambda *_of, **_how: NOWHERE)
    return tmp_path


def cluster_with(monkeypatch: pytest.MonkeyPatch, journals: dict[str, int]) -> None:
    """A cluster whose topics are *journals*, with so many records each."""
    monkeypatch.setattr(kafka, "known_topics", lambda _bootstrap: set(journals))
    monkeypatch.setattr(source_states, "known_topics", lambda _bootstrap: set(journals))
    monkeypatch.setattr(
        kafka, "ends_of", lambda _bootstrap, topics, **_how: {(one, 0): journals[one] for one in topics}
    )


ASKED = [
    ("situation", "list", "demo"),
    ("situation", "show", "3f2a", "--city", "demo"),
    ("replay", "demo", "--verify"),
    ("replay", "demo"),
    ("effects", "demo"),
    ("dlq", "list", "--city", "demo"),
    ("source", "report", "calls-119", "--city", "demo"),
]


@pytest.mark.parametrize("journals", [{}, {"demo.core.journal": 0}])
@pytest.mark.parametrize("words", ASKED)
def test_a_city_that_never_ran_is_answered_with_what_runs_it(
    monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], journals: dict[str, int]
) -> None:
    cluster_with(monkeypatch, journals)
    monkeypatch.setattr("deploy.assembly.retry.asides_in", lambda *_of, **_how: [])
    error = CliRunner().invoke(bongsu, words).exception
    assert isinstance(error, UsageFault), error
    assert "run it first: bongsu run demo" in error.hint
    assert trouble_with(error.hint.partition("bongsu ")[2].partition(";")[0]) is None


def test_a_city_of_a_file_is_run_by_its_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cluster_with(monkeypatch, {})
    path = tmp_path / "elsewhere.toml"
    path.write_text((CITIES / "demo.toml").read_text(encoding="utf-8"), encoding="utf-8")
    error = CliRunner().invoke(bongsu, ["situation", "list", str(path)]).exception
    assert isinstance(error, UsageFault) and f"bongsu run {path}" in error.hint


def test_a_city_that_ran_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster_with(monkeypatch, {"demo.core.journal": 1})
    monkeypatch.setattr(situation, "values_of", lambda *_of: [])
    assert CliRunner().invoke(bongsu, ["situation", "list", "demo"]).output == "nothing is going on in demo\n"
    assert topic_values.has_run(NOWHERE, "demo") and not topic_values.has_run(NOWHERE, "houston")


def test_nothing_set_aside_is_no_fault_where_a_city_ran_from_a_file_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster_with(monkeypatch, {"elsewhere.core.journal": 1})
    monkeypatch.setattr("deploy.assembly.retry.asides_in", lambda *_of, **_how: [])
    done = CliRunner().invoke(bongsu, ["dlq", "list", "--city", "elsewhere"])
    assert (done.exit_code, done.stderr) == (0, "nothing was set aside\n")
    assert "no city 'nowhere'" in str(
        CliRunner().invoke(bongsu, ["dlq", "list", "--city", "nowhere"]).exception
    )


def test_a_tail_of_a_known_city_without_topics_says_how_to_run_it() -> None:
    assert "bongsu run demo" in _no_topic(("demo.core.*",), None).hint
    assert "bongsu run demo" in _no_topic(("core.*",), "demo").hint
    assert "bongsu run" not in _no_topic(("nobody.core.*",), None).hint
    assert tail.matching(("core.*",), ["demo.core.alert"], "demo") == ["demo.core.alert"]


def test_only_a_users_own_cities_are_named_as_idle(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    text = (CITIES / "columbia.toml").read_text(encoding="utf-8")
    (home / "cities").mkdir()
    for name in ("mytown", "other", "broken"):
        (home / "cities" / f"{name}.toml").write_text(text.replace('"columbia"', f'"{name}"'))
    (home / "cities" / "broken.toml").write_text("name = 5")
    cluster_with(monkeypatch, {"other.core.journal": 4})
    idle = idle_cities(NOWHERE)
    assert idle["mytown"]["state"] == "never ran here" and "bongsu run mytown" in idle["mytown"]["cure"]
    assert "broken.toml" in idle["broken"]["state"]
    assert set(idle) == {"mytown", "broken"}


# -- status -----------------------------------------------------------------------------------------------------

STATES = {
    "stopped": "bongsu source resume calls --city demo",
    "refused": "its url or its secret",
    "failing": "whether its system answers",
    "trial": "it is being tried",
    "hearing": "a part of it is not heard",
}


@pytest.mark.parametrize(("state", "cure"), STATES.items())
def test_status_names_a_silent_source_with_its_cure(
    monkeypatch: pytest.MonkeyPatch, state: str, cure: str
) -> None:
    up = [ComponentState(name, "127.0.0.1:1", up=True, is_given=False, pid=1) for name in COMPONENTS]
    monkeypatch.setattr("deploy.local.cluster.status", lambda _home: up)
    told = {
        "city": "demo",
        "source": "calls",
        "state": state,
        "state_reason": "HTTP 401",
        "state_since_at": 1,
    }
    monkeypatch.setattr(source_states, "unheard", lambda _platform: [told])
    shown = CliRunner().invoke(bongsu, ["status"]).stdout
    assert f"demo/calls {state}: HTTP 401" in shown
    assert cure in shown
    said = json.loads(CliRunner().invoke(bongsu, ["status", "--json"]).stdout)["sources"]["demo/calls"]
    assert said["state"] == state and cure in said["cure"]


# -- dlq list -----------------------------------------------------------------------------------------------------


def an_aside(event_id: str, reason: str = "no time") -> Aside:
    value = {
        "reason": reason, "field": "", "attempts": 1, "retried_at": None, "first_at": 0, "last_at": 0,
        "event_id": event_id, "original": b"",
    }  # fmt: skip
    return Aside("demo.source.dlq", b"", value)


def test_the_list_shows_ids_that_show_and_retry_take() -> None:
    same = "a" * 14
    asides = [
        an_aside(same + "1" + "0" * 17),
        an_aside(same + "2" + "0" * 17),
        an_aside("b" * 32, "no place"),
    ]
    shown = "\n".join(dlq.summary(asides))
    ids = [
        one
        for line in shown.splitlines()
        if "ids: " in line
        for one in line.partition("ids: ")[2].split(", ")
    ]
    assert len(ids) == 3
    for one in ids:
        assert len(dlq._chosen(asides, (one,))) == 1
    assert "b" * 12 in ids, "cut short where it can be"


def test_of_many_ids_the_newest_are_shown_and_the_rest_counted() -> None:
    asides = [an_aside(f"{number:032x}"[::-1]) for number in range(9)]
    (_, line) = dlq.summary(asides)
    assert line.count(",") == 4 and "and 4 more" in line
    assert line.partition("ids: ")[2].startswith(asides[-1].event_id[:12])
