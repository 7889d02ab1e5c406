"""The alarms: Prometheus takes them, each fires in its case and rests in the other, each has its page, each name exists."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.manifests.alarms import RUNBOOKS, alarms, records, rules
from deploy.manifests.dashboards import DASHBOARDS
from deploy.manifests.plan import CityProcess
from deploy.manifests.roles import ROLES
from deploy.manifests.yaml_text import yaml_of
from tests.conftest import ROOT

CASES: dict[str, dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("alarm_cases.toml").read_text("utf-8")
)
NAMES = [one["name"] for one in alarms()]
PROCESSES = [CityProcess("c", ROLES[name], 9_400, (), ()) for name in ("match", "speed")]
PARTS = ("## What it means", "## What is at risk", "## Look at", "## Do", "## Tried")


def promtool(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("no promtool here: apt-get install prometheus")
    return subprocess.run([program, *words], cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


def several(case: dict[str, str] | list[dict[str, str]]) -> list[dict[str, str]]:
    return case if isinstance(case, list) else [case]


def written(folder: Path, cases: dict[str, dict[str, Any]], *, text: str | None = None) -> list[str]:
    """Write the rules, and a test file for each alarm of *cases*, which fires in its case and rests in the other.

    A test runs over the alarm's own rule and the recorded queries that it names: over all, it takes many times as long.
    """
    whole = text or rules(PROCESSES)
    (folder / "rules.yml").write_text(whole, "utf-8")
    files = []
    for name, case in cases.items():
        (folder / (rule_file := f"{name}.rules.yml")).write_text(
            yaml_of({"groups": [own_rules(whole, name)]}), "utf-8"
        )
        given = [(one, 1) for one in several(case["fires"])] + [(one, 0) for one in several(case["rests"])]
        tests = [case_of(name, f"{case['at']}m", *one) for one in given]
        files.append(f"{name}.cases.yml")
        test = {"rule_files": [rule_file], "evaluation_interval": "1m", "tests": tests}
        (folder / files[-1]).write_text(yaml_of(test), "utf-8")
    return files


def own_rules(whole: str, name: str) -> dict[str, Any]:
    every = yaml.safe_load(whole)["groups"][0]["rules"]
    own = next(one for one in every if one.get("alert") == name)
    return {
        "name": "bongsu",
        "rules": [*(one for one in every if "record" in one and one["record"] in own["expr"]), own],
    }


def case_of(name: str, minute: str, series: dict[str, str], count: int) -> dict[str, Any]:
    query = f'count(ALERTS{{alertname="{name}",alertstate="firing"}}) or vector(0)'
    wanted = [{"labels": "{}", "value": count}]
    return {
        "interval": "1m",
        "input_series": [{"series": one, "values": values} for one, values in series.items()],
        "promql_expr_test": [{"expr": query, "eval_time": minute, "exp_samples": wanted}],
    }


def test_prometheus_takes_the_rules(tmp_path: Path) -> None:
    written(tmp_path, {})
    done = promtool("check", "rules", "--lint-fatal", "rules.yml", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(NAMES) + len(records())} rules found" in done.stdout


def test_each_alarm_fires_in_its_case_and_rests_in_the_other(tmp_path: Path) -> None:
    assert list(CASES) == NAMES
    done = promtool("test", "rules", *written(tmp_path, CASES), cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["StageLag", "DiskFull"])
def test_an_alarm_that_never_fires_and_one_that_always_does_are_found(tmp_path: Path, name: str) -> None:
    for expr in ("vector(0) > 1", "vector(1)"):
        whole = yaml.safe_load(rules(PROCESSES))
        next(one for one in whole["groups"][0]["rules"] if one.get("alert") == name)["expr"] = expr
        files = written(tmp_path, {name: CASES[name]}, text=yaml.safe_dump(whole))
        assert promtool("test", "rules", *files, cwd=tmp_path).returncode != 0, expr


def test_each_alarm_has_a_page_and_each_page_an_alarm() -> None:
    pages = {page.stem: page.read_text("utf-8") for page in (ROOT / RUNBOOKS).glob("*.md")}
    assert set(pages) - {"README"} == set(NAMES)
    assert {name: [part for part in PARTS if part not in pages[name]] for name in NAMES} == {
        name: [] for name in NAMES
    }
    assert all(name in pages["README"] for name in NAMES)


def test_what_a_page_says_it_was_tried_by_exists() -> None:
    named = {
        name: re.findall(
            r"\btests/[\w/]+\.\w+", (ROOT / RUNBOOKS / f"{name}.md").read_text("utf-8").split("## Tried")[1]
        )
        for name in NAMES
    }
    assert all(named.values())
    assert {name: [one for one in files if not (ROOT / one).is_file()] for name, files in named.items()} == {
        name: [] for name in NAMES
    }


def test_each_row_of_the_index_is_of_its_page_and_not_cut_in_a_number() -> None:
    index = (ROOT / RUNBOOKS / "README.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| \[(\w+)\]\(\1\.md\) \| (.+) \|$", index, re.M))
    assert list(rows) == NAMES
    for name, row in rows.items():
        page = " ".join((ROOT / RUNBOOKS / f"{name}.md").read_text("utf-8").split())
        assert re.search(re.escape(row.removesuffix(".")) + r"[.:;,]?(?!\S)", page), f"{name}: {row}"


def test_each_metric_of_an_alarm_is_one_that_the_processes_show() -> None:
    known = set(re.findall(r"`((?:bongsu|kafka)_\w+)", (ROOT / "deploy" / "METRICS.md").read_text("utf-8")))
    asked = {
        name for one in (*alarms(), *records()) for name in re.findall(r"\b(?:bongsu|kafka)_\w+", one["expr"])
    }
    assert {re.sub("_(bucket|count|sum)$", "", name) for name in asked} <= known
    assert {"bongsu_lag_seconds", "kafka_offline_partitions"} <= asked
    recorded = {one["name"] for one in records()}
    texts = [*(one["expr"] for one in (*alarms(), *records())), *queries()]
    assert {name for text in texts for name in re.findall(r"\bbongsu:[\w:]+", text)} == recorded


def queries() -> list[str]:
    return [query for _, panels in DASHBOARDS.values() for _, query, _ in panels]
