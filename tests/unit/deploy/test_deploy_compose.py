"""The file of Compose is valid by Compose's own schema, closed as it says, and the committed one is up to date."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from deploy.city.city import load_city
from deploy.cli.deploy import image_name
from deploy.manifests.compose import compose_of
from deploy.manifests.plan import plan_of
from deploy.manifests.platform_services import kafka_environment
from deploy.manifests.systemd import units_of
from deploy.manifests.yaml_text import yaml_of
from tests.conftest import ROOT
from tests.unit.deploy.test_deploy_plan import own_city

IMAGE = "bongsu:1"
COMMITTED = ROOT / "deploy" / "compose"


@pytest.fixture(scope="module")
def judge(data_dir: Path) -> Callable[[Any], bool]:
    schema = json.loads((data_dir / "deploy" / "compose" / "compose-spec.json").read_text("utf-8"))
    found: Callable[[Any], bool] = jsonschema_rs.validator_for(schema).is_valid
    return found


def composed(*names: str) -> dict[str, Any]:
    files = compose_of(plan_of([load_city(name) for name in names]), image=IMAGE)
    found: dict[str, Any] = yaml.safe_load(files["compose.yaml"])
    return found


def test_it_is_valid_by_the_schema_of_compose(judge: Callable[[Any], bool]) -> None:
    assert judge(composed("demo", "houston", "daejeon"))


@pytest.mark.parametrize(
    "fault",
    [
        {"restarts": "always"},
        {"command": {"run": "demo"}},
        {"healthcheck": {"tests": ["CMD", "true"]}},
        {"depends_on": {"kafka": {"condition": "service_awake"}}},
        {"read_only": ["yes", "no"]},
    ],
)
def test_a_planted_fault_is_found_by_it(judge: Callable[[Any], bool], fault: dict[str, Any]) -> None:
    whole = composed("demo")
    whole["services"]["demo-gateway"] |= fault
    assert not judge(whole)


def test_the_committed_file_is_the_one_that_is_rendered_now() -> None:
    files = compose_of(plan_of([load_city("demo")]), image=image_name())
    held = {path: (COMMITTED / path).read_text("utf-8") for path in files}
    assert held == files, "render it again: bongsu deploy render demo --target compose -o deploy/compose"


def test_every_service_is_limited_closed_watched_and_started_again() -> None:
    for name, service in composed("demo", "houston")["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"] and service["security_opt"] == ["no-new-privileges:true"], name
        assert service["mem_limit"] and service["cpus"] and service["pids_limit"], name
        assert service["healthcheck"]["test"] and service["restart"] == "unless-stopped", name


def test_each_service_waits_only_for_what_is_there_and_those_of_the_platform_until_they_are_well() -> None:
    services = composed("demo", "houston")["services"]
    for name, service in services.items():
        waits = service.get("depends_on", {})
        assert set(waits) <= set(services), name
        for one in ("kafka", "registry", "redis"):
            assert waits.get(one, {"condition": "service_healthy"}) == {"condition": "service_healthy"}, name
    assert {"kafka", "registry", "redis"} <= set(services["houston-deliver"]["depends_on"])


def test_the_processes_are_those_of_the_units() -> None:
    plan = plan_of([load_city("demo"), load_city("houston")])
    services = composed("demo", "houston")["services"]
    units = units_of(plan, program="/opt/bongsu/bin/bongsu")
    for process in plan.processes:
        words = services[process.name]["command"]
        unit = units[f"units/bongsu-{process.name}.service"]
        assert f"ExecStart=/opt/bongsu/bin/bongsu {' '.join(process.words('127.0.0.1'))}" in unit
        assert words == process.words("0.0.0.0")  # noqa: S104 (compared, nothing listens)


def test_the_broker_has_the_settings_of_the_local_one() -> None:
    settings = kafka_environment()
    assert settings["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert settings["KAFKA_TRANSACTION_STATE_LOG_MIN_ISR"] == "1"
    assert settings["KAFKA_PROCESS_ROLES"] == "broker,controller"
    assert settings["KAFKA_ADVERTISED_LISTENERS"] == "PLAINTEXT://kafka:9092"
    assert not [name for name, value in settings.items() if "$" in value]


def test_the_broker_has_the_exporter_where_its_file_is_named_and_needs_none() -> None:
    kafka = composed("demo")["services"]["kafka"]
    option = kafka["environment"]["KAFKA_OPTS"].removeprefix("${BONGSU_JMX_AGENT:+").removesuffix("}")
    agent, _, rules = option.removeprefix("-javaagent:").partition("=9404:")
    mounted = {volume.removesuffix(":ro").rpartition(":")[2]: volume for volume in kafka["volumes"][1:]}
    assert mounted == {
        rules: f"./jmx.yml:{rules}:ro",
        agent: f"${{BONGSU_JMX_AGENT:-./jmx.yml}}:{agent}:ro",  # a file that is there without the agent, too
    }
    files = compose_of(plan_of([load_city("demo")]), image=IMAGE)
    assert files["jmx.yml"] == (ROOT / "deploy" / "observability" / "jmx.yml").read_text("utf-8")


def test_prometheus_reads_each_process_once_with_its_citys_key() -> None:
    plan = plan_of([load_city("demo"), load_city("daejeon")])
    files = compose_of(plan, image=IMAGE)
    jobs = yaml.safe_load(files["prometheus.yml"])["scrape_configs"]
    targets = [target for job in jobs for one in job["static_configs"] for target in one["targets"]]
    assert sorted(targets) == sorted([*(f"{one.name}:{one.port}" for one in plan.processes), "kafka:9404"])
    keys = {
        job["job_name"]: job["authorization"]["credentials_file"] for job in jobs if "authorization" in job
    }
    assert keys == {f"bongsu-{one.name}": f"/run/secrets/{one.city}-metrics-key" for one in plan.processes}
    whole = yaml.safe_load(files["compose.yaml"])
    for one in plan.processes:
        service = whole["services"][one.name]
        assert service["secrets"] == [f"{one.city}-metrics-key"]
        assert service["environment"]["BONGSU_METRICS_KEY_FILE"] == f"/run/secrets/{one.city}-metrics-key"
    assert set(whole["services"]["prometheus"]["secrets"]) == set(whole["secrets"])


def test_a_secret_comes_by_reference_and_an_own_citys_file_is_mounted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLS_KEY", "not-for-other-eyes")
    files = compose_of(plan_of([own_city(tmp_path)]), image=IMAGE)
    services = yaml.safe_load(files["compose.yaml"])["services"]
    assert services["own-town-ingest"]["environment"]["CALLS_KEY"].startswith("${CALLS_KEY:?")
    assert "CALLS_KEY" not in services["own-town-situations"]["environment"]
    mounted = "./cities/own-town.toml:/etc/bongsu/cities/own-town.toml:ro"
    assert mounted in services["own-town-ingest"]["volumes"] and "cities/own-town.toml" in files
    assert not [path for path, text in files.items() if "not-for-other-eyes" in text]


def test_texts_stay_texts_in_yaml() -> None:
    odd = {
        "on": ["1", "1.0", "yes", "null", "2026-11-30", "a: b", "#", "", 'say "x"\n'],
        "n": {"a-b": 1, "Ω": 2.5, "empty": {}, "none": []},
        "lists": [{"a": {"b": ["c"]}, "d": True}, ["e", "f"]],
    }
    assert yaml.safe_load(yaml_of(odd)) == odd
