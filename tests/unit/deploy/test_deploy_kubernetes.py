"""The folders for Kubernetes are up to date, whole, closed, and tell no secret; schemas hold them where no API server is."""

from __future__ import annotations

import copy
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import kubernetes_validate
import pytest
import yaml
from click.testing import CliRunner

from deploy.city.city import load_city
from deploy.cli import bongsu
from deploy.cli.deploy import kubernetes_files
from deploy.manifests.kubernetes_city import GATEWAYS, HASHED_BY
from deploy.manifests.kubernetes_kafka import broker_settings
from deploy.manifests.plan import FIRST_PORT, plan_of
from deploy.topics import settings_of
from schemas.catalogue import load_catalogue, topic_name
from tests.conftest import ROOT
from tests.kubernetes_api import Object, documents, resolved
from tests.unit.deploy.test_deploy_plan import own_city

COMMITTED = ROOT / "deploy" / "kubernetes"
RUNS = (("demo",), ("houston", "columbia"))
OVERLAYS = ("one-city", "many-cities")
KUBERNETES = "1.34"
WORKLOADS = ("Deployment", "StatefulSet")


@cache
def rendered(*names: str) -> dict[str, str]:
    return kubernetes_files([load_city(name) for name in names], FIRST_PORT)


def objects() -> list[Object]:
    """Every object of both overlays, the base's once. Copy one before you change it."""
    found = [one for overlay in OVERLAYS for one in resolved(COMMITTED / "overlays" / overlay)]
    return list({(one["kind"], one["metadata"]["name"]): one for one in found}.values())


def of_kind(*kinds: str) -> dict[str, Object]:
    return {one["metadata"]["name"]: one for one in objects() if one["kind"] in kinds}


def pod_of(workload: Object) -> Object:
    found: Object = workload["spec"]["template"]["spec"]
    return found


def is_of_a_city(one: Object) -> bool:
    return "bongsu/role" in one["metadata"]["labels"]


def test_the_committed_folders_are_those_that_are_rendered_now() -> None:
    files = {path: text for names in RUNS for path, text in rendered(*names).items()}
    held = {
        str(path.relative_to(COMMITTED)): path.read_text("utf-8")
        for path in COMMITTED.rglob("*")
        if path.is_file() and path.name != "README.md"
    }
    assert held == files, "render it again as deploy/kubernetes/README.md says"


def test_the_base_and_a_citys_folder_are_the_same_beside_any_other_city() -> None:
    together, alone = rendered("houston", "columbia"), rendered("houston")
    assert together == rendered("columbia", "houston")
    same = [path for path in alone if path.startswith(("base/", "cities/"))]
    assert len(same) > 10 and {path: alone[path] for path in same} == {path: together[path] for path in same}


def test_render_writes_them(tmp_path: Path) -> None:
    words = ["deploy", "render", "demo", "--target", "kubernetes", "-o", str(tmp_path)]
    done = CliRunner().invoke(bongsu, words)
    assert done.exit_code == 0, done.output
    files = rendered("demo")
    assert {path: (tmp_path / path).read_text("utf-8") for path in files} == files


def test_each_topic_of_the_catalogue_is_there_for_each_city_as_the_command_makes_it() -> None:
    topics = of_kind("KafkaTopic")
    for city in ("demo", "houston", "columbia"):
        for contract in load_catalogue().values():
            spec = topics.pop(topic_name(city, contract.name))["spec"]
            assert spec["topicName"] == topic_name(city, contract.name)
            assert (spec["partitions"], spec["replicas"]) == (contract.partitions, 3)
            assert spec["config"] == settings_of(contract)
    assert set(topics) == {"kafkasql-journal", "kafkasql-snapshots", "registry-events"}


def test_kafka_replicates_and_makes_no_topic_by_itself() -> None:
    settings = broker_settings()
    assert settings["auto.create.topics.enable"] is False
    assert settings["min.insync.replicas"] == settings["transaction.state.log.min.isr"] == 2
    assert settings["default.replication.factor"] == settings["offsets.topic.replication.factor"] == 3
    assert not [
        name for name in settings if name.startswith(("listener", "advertised", "process", "node", "log"))
    ]
    pool = of_kind("KafkaNodePool")["brokers"]
    assert pool["spec"]["replicas"] == 3 and pool["metadata"]["labels"]["strimzi.io/cluster"] == "bongsu"


def test_each_process_has_its_command_its_resources_its_probes_and_a_user_of_kafka() -> None:
    users, workloads = of_kind("KafkaUser"), of_kind(*WORKLOADS)
    for names in RUNS:
        for process in (one for name in names for one in plan_of([load_city(name)]).processes):
            container = pod_of(workloads[process.name])["containers"][0]
            assert container["args"] == process.words("0.0.0.0")  # noqa: S104 (compared, nothing listens)
            assert container["resources"]["limits"]["memory"] == f"{process.role.memory_mb}Mi"
            assert container["ports"] == [{"name": "http", "containerPort": process.port}]
            paths = [
                container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness", "readiness")
            ]
            assert paths == ["/healthz", "/healthz", "/readyz"]
            assert users.pop(process.name)["spec"] == {"authentication": {"type": "tls"}}
    assert set(users) == {"demo.hospital", "houston.utility", "columbia.utility"}, (
        "those of the sample's agreements"
    )


def test_one_pod_of_each_role_that_cannot_be_shared_and_the_reason_beside_it() -> None:
    found = {name: one for name, one in of_kind(*WORKLOADS).items() if is_of_a_city(one)}
    gateway = found.pop("demo-gateway")
    assert gateway["kind"] == "StatefulSet" and gateway["spec"]["replicas"] == GATEWAYS == 2
    assert gateway["spec"]["volumeClaimTemplates"][0]["metadata"]["name"] == "home"
    match = found.pop("demo-match")
    assert "replicas" not in match["spec"], "KEDA has that number"
    assert {one["spec"]["scaleTargetRef"]["name"] for one in of_kind("ScaledObject").values()} == {
        "demo-match"
    }
    for name, one in found.items():
        assert (one["spec"]["replicas"], one["spec"]["strategy"]) == (1, {"type": "Recreate"}), name
        assert one["metadata"]["annotations"]["bongsu/replicas"].startswith("one: "), name


def test_a_replica_of_the_gateway_has_its_name_and_the_key_that_all_have_and_a_caller_meets_the_same_one() -> (
    None
):
    gateway = of_kind("StatefulSet")["demo-gateway"]
    variables = {one["name"]: one for one in pod_of(gateway)["containers"][0]["env"]}
    assert variables["BONGSU_REPLICA"]["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}
    assert variables["BONGSU_SHARED_KEY"]["valueFrom"]["secretKeyRef"] == {
        "name": "demo-shared-key",
        "key": "key",
    }
    deliver = pod_of(of_kind("Deployment")["demo-deliver"])["containers"][0]["env"]
    (shared,) = (one["valueFrom"]["secretKeyRef"] for one in deliver if one["name"] == "BONGSU_SHARED_KEY")
    assert shared == {
        "name": "demo-shared-key",
        "key": "key",
        "optional": True,
    }  # it opens what a gateway sealed
    services = of_kind("Service")
    assert services["demo-gateway"]["spec"]["sessionAffinity"] == "ClientIP"
    assert services[gateway["spec"]["serviceName"]]["spec"]["clusterIP"] == "None"
    notes = of_kind("Ingress")["demo-gateway"]["metadata"]["annotations"]
    assert notes["nginx.ingress.kubernetes.io/upstream-hash-by"] == HASHED_BY


def test_every_pod_is_closed() -> None:
    for name, one in of_kind(*WORKLOADS).items():
        pod = pod_of(one)
        assert (
            pod["securityContext"]["runAsNonRoot"] is True and pod["automountServiceAccountToken"] is False
        ), name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in pod["containers"]:
            safe = container["securityContext"]
            assert safe["readOnlyRootFilesystem"] is True and safe["allowPrivilegeEscalation"] is False, name
            assert safe["capabilities"] == {"drop": ["ALL"]}, name
            assert (
                container["resources"]["limits"]["memory"] == container["resources"]["requests"]["memory"]
            ), name


def test_every_workload_has_a_budget_of_its_own_and_each_selector_finds_pods() -> None:
    workloads = of_kind(*WORKLOADS)
    labels = {name: one["spec"]["template"]["metadata"]["labels"] for name, one in workloads.items()}
    for kind in ("PodDisruptionBudget", "Service"):
        for name, one in of_kind(kind).items():
            wanted = one["spec"]["selector"]
            wanted = wanted.get("matchLabels", wanted)
            assert [each for each in labels.values() if wanted.items() <= each.items()], f"{kind} {name}"
    assert set(of_kind("PodDisruptionBudget")) == set(workloads)


def test_nothing_is_open_but_what_a_policy_says() -> None:
    policies = of_kind("NetworkPolicy")
    assert policies["deny-all"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for name, workload in of_kind(*WORKLOADS).items():
        if is_of_a_city(workload):
            labels = workload["spec"]["template"]["metadata"]["labels"]
            spec = policies[name]["spec"]
            assert spec["podSelector"]["matchLabels"].items() <= labels.items()
            (opened,) = spec["ingress"]
            ports = [one["containerPort"] for one in pod_of(workload)["containers"][0]["ports"]]
            assert [one["port"] for one in opened["ports"]] == ports and opened["from"]
    outward = {name for name, one in policies.items() if "ipBlock" in str(one["spec"].get("egress"))}
    assert outward == {"houston-ingest", "demo-deliver", "houston-deliver", "columbia-deliver"}
    assert [one["port"] for one in policies["houston-ingest"]["spec"]["egress"][0]["ports"]] == [443]


DEVICES = """
[[source]]
name = "frigate"
type = "frigate_events"
mqtt = { host = "broker.city.example", port = 8883, topics = ["frigate/events"], tls = true }
"""


def test_the_ports_that_a_process_calls_are_those_of_its_sources_and_subscribers(tmp_path: Path) -> None:
    calls = {one.role.name: one.outward for one in plan_of([own_city(tmp_path)]).processes}
    assert calls == {"ingest": (443,), "situations": (), "deliver": (443,)}
    text = (tmp_path / "own-town.toml").read_text("utf-8").replace("city.example/", "city.example:8443/")
    path = tmp_path / "own-town.toml"
    path.write_text(text + DEVICES, encoding="utf-8")
    calls = {one.role.name: one.outward for one in plan_of([load_city(str(path))]).processes}
    assert calls["ingest"] == (8443, 8883)


def test_a_secret_comes_by_reference_and_an_own_citys_file_is_in_a_map(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLS_KEY", "not-for-other-eyes")
    files = kubernetes_files([own_city(tmp_path)], FIRST_PORT)
    assert not [path for path, text in files.items() if "not-for-other-eyes" in text]
    (workload, *_) = yaml.safe_load_all(files["cities/own-town/ingest.yaml"])
    container = pod_of(workload)["containers"][0]
    secret = {
        "name": "CALLS_KEY",
        "valueFrom": {"secretKeyRef": {"name": "own-town-secrets", "key": "CALLS_KEY"}},
    }
    assert secret in container["env"]
    assert {"name": "cities", "mountPath": "/etc/bongsu/cities", "readOnly": True} in container[
        "volumeMounts"
    ]
    assert "CALLS_KEY" not in files["cities/own-town/situations.yaml"]
    (held,) = yaml.safe_load_all(files["cities/own-town/file.yaml"])
    assert held["data"]["own-town.toml"] == (tmp_path / "own-town.toml").read_text("utf-8")


def test_no_rendering_has_a_secret_and_each_that_it_names_is_in_the_readme() -> None:
    assert of_kind("Secret") == {}
    text = "\n".join(path.read_text("utf-8") for path in sorted(COMMITTED.rglob("*.yaml")))
    names = set(re.findall(r'secretKeyRef:\s+name: "([^"]+)"', text)) | set(
        re.findall(r'secretName: "([^"]+)"', text)
    )
    assert names == {
        "columbia-shared-key",
        "houston-shared-key",
        "demo-shared-key",
        "demo-tls",
        "prometheus-keys",
    }
    readme = (COMMITTED / "README.md").read_text("utf-8")
    general = {re.sub("^(demo|houston|columbia)-", "CITY-", name) for name in names}
    assert not [name for name in general if f"`{name}`" not in readme]


def test_prometheus_finds_the_pods_of_each_process_and_reads_them_with_their_citys_key() -> None:
    for overlay, names in zip(OVERLAYS, RUNS, strict=True):
        (held,) = documents(COMMITTED / "overlays" / overlay / "prometheus.yaml")
        jobs = yaml.safe_load(held["data"]["prometheus.yml"])["scrape_configs"]
        found = {(job["dns_sd_configs"][0]["names"][0], job["dns_sd_configs"][0]["port"]) for job in jobs}
        processes = [one for name in names for one in plan_of([load_city(name)]).processes]
        brokers = ("bongsu-kafka-brokers", 9_404)
        assert found == {brokers, *((f"{one.name}-pods", one.port) for one in processes)}
        keyed = {
            job["job_name"]: job["authorization"]["credentials_file"]
            for job in jobs
            if "authorization" in job
        }
        assert keyed == {f"bongsu-{one.name}": f"/var/run/bongsu-keys/{one.city}" for one in processes}


def test_each_process_has_its_citys_key_for_metrics() -> None:
    for city in ("demo", "houston"):
        for one in plan_of([load_city(city)]).processes:
            workload = documents(COMMITTED / "cities" / city / f"{one.role.name}.yaml")[0]
            spec = workload["spec"]["template"]["spec"]
            (folder,) = [each for each in spec["volumes"] if each["name"] == "metrics-key"]
            assert folder["secret"]["items"] == [{"key": city, "path": "key"}]
            (container,) = spec["containers"]
            variables = {each["name"]: each.get("value") for each in container["env"]}
            (mount,) = [each for each in container["volumeMounts"] if each["name"] == "metrics-key"]
            assert variables["BONGSU_METRICS_KEY_FILE"] == f"{mount['mountPath']}/key"


# -- where no API server can be built, the schemas have the word ---------------------------------------------------------


@pytest.fixture(scope="module")
def definitions(data_dir: Path) -> dict[str, Any]:
    """A judge for each kind of Strimzi's and KEDA's definitions. An unknown field is refused, as the API does it."""
    found = {}
    for folder in ("strimzi", "keda"):
        for file in sorted((data_dir / "deploy" / folder).iterdir()):
            for one in documents(file):
                schema = one["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
                found[one["spec"]["names"]["kind"]] = jsonschema_rs.validator_for(closed(schema))
    return found


def closed(schema: Any, *, is_root: bool = True) -> Any:
    """A definition's schema that allows no other fields, except where it keeps them."""
    if isinstance(schema, list):
        return [closed(one, is_root=False) for one in schema]
    if not isinstance(schema, dict):
        return schema
    whole = {
        key: closed(one, is_root=False) for key, one in schema.items() if not key.startswith("x-kubernetes")
    }
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        keeps = is_root or schema.get("x-kubernetes-preserve-unknown-fields")
        if not keeps and "additionalProperties" not in schema:
            whole["additionalProperties"] = False
    if schema.get("x-kubernetes-int-or-string"):
        whole.pop("type", None)
    return whole


def is_valid(one: Object, definitions: dict[str, Any]) -> bool:
    """Whether the schemas of Kubernetes, Strimzi or KEDA take it."""
    if one["kind"] in definitions:
        return bool(definitions[one["kind"]].is_valid(one))
    try:
        kubernetes_validate.validate(one, KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError:
        return False
    return True


def test_every_object_is_valid_by_its_schema(definitions: dict[str, Any]) -> None:
    for one in objects():
        assert is_valid(one, definitions), f"{one['kind']} {one['metadata']['name']}"


@pytest.mark.parametrize(
    ("kind", "name", "path", "value"),
    [
        ("Deployment", "demo-deliver", "replica", 1),
        ("StatefulSet", "demo-gateway", "replicas", "two"),
        ("KafkaTopic", "demo.core.tick", "partitions", 0),
        ("KafkaNodePool", "brokers", "roles", ["zookeeper"]),
        ("KafkaUser", "demo-ingest", "authentication", {"type": "password"}),
        ("Kafka", "bongsu", "zookeeper", {}),
        ("ScaledObject", "demo-match", "triggers", [{"type": "prometheus"}]),
        ("NetworkPolicy", "dns", "policyTypes", "Egress"),
    ],
)
def test_a_planted_fault_is_found_by_the_schemas(
    definitions: dict[str, Any], kind: str, name: str, path: str, value: object
) -> None:
    one = copy.deepcopy(of_kind(kind)[name])
    one["spec"][path] = value
    assert not is_valid(one, definitions)


def test_the_broker_shows_its_metrics_to_prometheus_alone() -> None:
    held = of_kind("Kafka")["bongsu"]["spec"]["kafka"]["metricsConfig"]
    assert held["type"] == "jmxPrometheusExporter"
    reference = held["valueFrom"]["configMapKeyRef"]
    rules = of_kind("ConfigMap")[reference["name"]]["data"][reference["key"]]
    assert rules == (ROOT / "deploy" / "observability" / "jmx.yml").read_text("utf-8")
    policies = of_kind("NetworkPolicy")
    prometheus = {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "prometheus"}}}
    metrics = [{"port": 9_404, "protocol": "TCP"}]
    opened = [one for one in policies["kafka"]["spec"]["ingress"] if metrics[0] in one["ports"]]
    assert opened == [{"from": [prometheus], "ports": metrics}]
    assert metrics in [one.get("ports") for one in policies["prometheus"]["spec"]["egress"]]
    for overlay in OVERLAYS:
        settings = (COMMITTED / "overlays" / overlay / "prometheus.yaml").read_text("utf-8")
        (job,) = [
            one
            for one in yaml.safe_load(yaml.safe_load(settings)["data"]["prometheus.yml"])["scrape_configs"]
            if one["job_name"] == "bongsu-kafka"
        ]
        assert job["dns_sd_configs"][0]["names"] == ["bongsu-kafka-brokers"]
        assert job["dns_sd_configs"][0]["port"] == 9_404
