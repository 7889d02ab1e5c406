"""The recorded queries: what they count by agency and over a restart, and that Prometheus keeps as much as they read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from deploy.manifests.alarms import records, rules
from tests.conftest import ROOT
from tests.unit.deploy.test_alarms import promtool

AGED = 'bongsu_events_aged_total{city="c",source="cad",agency="%s",instance="%s"}'
IN_TIME = AGED.replace("aged", "in_time")
OBJECTIVE = 'bongsu_event_age_objective_ratio{city="c",source="cad",instance="%s"}'
SERIES = {
    # ten reports a minute, the process started again after 4 hours; 0.5 % of 112's are late in all, 2 % of 119's in the end
    AGED % ("112", "a"): "0+10x240 _x160",
    AGED % ("112", "b"): "_x240 0+10x160",
    IN_TIME % ("112", "a"): "0+9.95x240 _x160",
    IN_TIME % ("112", "b"): "_x240 0+9.95x160",
    AGED % ("119", "b"): "0+10x400",
    IN_TIME % ("119", "b"): "0+10x340 3410+9.8x60",
    OBJECTIVE % "a": "0.99x240 _x160",
    OBJECTIVE % "b": "_x240 0.99x160",
}
VALUES: dict[str, dict[str, float]] = {
    "bongsu:events_late:ratio5m": {"112": 0.005, "119": 0.02},
    "bongsu:events_late:ratio30m": {"112": 0.005, "119": 0.02},
    "bongsu:events_aged:increase1h": {"112": 600, "119": 600},
    "bongsu:events_in_time:increase1h": {"112": 600, "119": 590},
    "bongsu:events_aged:increase6h": {"112": 3_610, "119": 3_600},
    "bongsu:events_in_time:increase6h": {"112": 3_590, "119": 3_590},
    "bongsu:events_aged:increase5m": {"112": 50, "119": 50},
    "bongsu:events_in_time:increase5m": {"112": 49.75, "119": 49},
    "bongsu:event_age_budget_left:ratio30d": {"112": 0.5, "119": 0.7},
}


def asked(values: dict[str, dict[str, float]]) -> list[dict[str, Any]]:
    return [
        {
            "expr": f'round({name}{{city="c",source="cad"}}, {step(name)})',
            "eval_time": "400m",
            "exp_samples": [
                {"labels": f'{{agency="{agency}",city="c",source="cad"}}', "value": value}
                for agency, value in by_agency.items()
            ],
        }
        for name, by_agency in values.items()
    ]


def step(name: str) -> float:
    return 0.05 if "left" in name else 0.001 if "ratio" in name else 0.25 if "5m" in name else 10


def judged(folder: Path, values: dict[str, dict[str, float]]) -> tuple[int, str]:
    groups = yaml.safe_load(rules([]))["groups"]
    for one in groups:
        one["rules"] = [rule for rule in one["rules"] if "record" in rule]
    (folder / "rules.yml").write_text(yaml.safe_dump({"groups": groups}), "utf-8")
    series = [{"series": name, "values": line} for name, line in SERIES.items()]
    test = {"interval": "1m", "input_series": series, "promql_expr_test": asked(values)}
    whole = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [test]}
    (folder / "cases.yml").write_text(yaml.safe_dump(whole), "utf-8")
    done = promtool("test", "rules", "cases.yml", cwd=folder)
    return done.returncode, done.stdout + done.stderr


def test_each_recorded_query_has_its_value_by_agency_over_a_restart(tmp_path: Path) -> None:
    assert [one["name"] for one in records()] == list(VALUES)
    code, told = judged(tmp_path, VALUES)
    assert code == 0, told


def test_a_wrong_value_of_each_recorded_query_is_found(tmp_path: Path) -> None:
    code, told = judged(tmp_path, {name: {**values, "112": 7.0} for name, values in VALUES.items()})
    assert code != 0 and set(re.findall(r"round\(([\w:]+)", told)) == set(VALUES)


def test_the_rendered_prometheus_keeps_what_the_budget_of_30_days_reads() -> None:
    for file in ("compose/compose.yaml", "kubernetes/base/prometheus.yaml"):
        assert "--storage.tsdb.retention.time=32d" in (ROOT / "deploy" / file).read_text("utf-8")
