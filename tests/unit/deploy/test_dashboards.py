"""The dashboards: the committed files are those that are made now, and each query asks for metrics that there are."""

from __future__ import annotations

import json
import re
from pathlib import Path

from click.testing import CliRunner

from deploy.manifests.alarms import records
from deploy.manifests.dashboards import CITY, DASHBOARDS, EVERY, dashboard, main
from tests.conftest import ROOT

COMMITTED = ROOT / "deploy" / "observability" / "dashboards"
OF_PROMETHEUS = {"up", "process_resident_memory_bytes"}


def test_the_committed_files_are_those_that_are_made_now(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["-o", str(tmp_path)])
    assert done.exit_code == 0, done.output
    made = {file.name: file.read_text("utf-8") for file in tmp_path.iterdir()}
    assert made == {file.name: file.read_text("utf-8") for file in COMMITTED.iterdir()}, (
        "make them again: python -m deploy.manifests.dashboards -o deploy/observability/dashboards"
    )


def test_each_metric_of_a_query_is_one_that_the_processes_show_and_each_query_is_of_one_city() -> None:
    shown = re.findall(r"`(bongsu_\w+)", (ROOT / "deploy" / "METRICS.md").read_text("utf-8"))
    known = {*shown, *OF_PROMETHEUS, *(one["name"] for one in records())}
    for name, (_, panels) in DASHBOARDS.items():
        for title, query, _ in panels:
            asked = set(re.findall(r"(?<![\w:])([\w:]+)\{", query))
            assert asked and {re.sub("_bucket$", "", one) for one in asked} <= known, f"{name}: {title}"
            assert query.count("{") == query.count(f'city="{CITY}"'), f"{name}: {title}"


def test_each_panel_has_a_place_of_its_own_and_the_source_of_the_dashboard() -> None:
    for name in EVERY:
        panels = json.loads(json.dumps(dashboard(name)))["panels"]
        places = {(one["gridPos"]["x"], one["gridPos"]["y"]) for one in panels}
        assert len(places) == len(panels) == len(EVERY[name][1])
        assert all(one["targets"][0]["datasource"]["uid"] == "${source}" for one in panels)
