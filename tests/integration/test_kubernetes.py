"""A real API server takes every committed rendering for Kubernetes, twice, and refuses planted faults."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.kubernetes_api import KubernetesApi, Object, documents, kubernetes, resolved
from tests.kubernetes_build import missing

RENDERED = ROOT / "deploy" / "kubernetes"
OVERLAYS = ("one-city", "many-cities")
CUSTOM = ("strimzi", "keda")

pytestmark = pytest.mark.skipif(
    bool(missing()),
    reason=f"not built: {', '.join(missing())}; 'python -m tests.kubernetes_build' builds them with Go",
)


@pytest.fixture(scope="module")
def api(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubernetesApi]:
    """The server with Strimzi's and KEDA's definitions."""
    with kubernetes(tmp_path_factory.mktemp("kubernetes")) as server:
        folders = [data_dir / "deploy" / name for name in CUSTOM]
        server.define(
            one for folder in folders for file in sorted(folder.iterdir()) for one in documents(file)
        )
        yield server


def applied(api: KubernetesApi, overlay: str) -> dict[tuple[str, str], str]:
    """Apply the overlay; the version of each object after it. Any refusal or warning is a failure."""
    versions = {}
    for one in resolved(RENDERED / "overlays" / overlay):
        answer = api.apply(one)
        assert answer.is_taken, f"{one['kind']} {one['metadata']['name']}: {answer.what}"
        found = answer.body["metadata"]
        versions[one["kind"], found["name"]] = str(found["resourceVersion"])
    return versions


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_it_takes_each_rendering_and_a_second_time_nothing_changes(api: KubernetesApi, overlay: str) -> None:
    first = applied(api, overlay)
    assert len(first) == len(resolved(RENDERED / "overlays" / overlay)) > 100
    assert applied(api, overlay) == first


def test_another_object_does_change_its_version(api: KubernetesApi) -> None:
    first = applied(api, "one-city")
    one = found("Deployment", "demo-deliver")
    one["metadata"]["annotations"]["bongsu/replicas"] = "changed"
    answer = api.apply(one)
    assert (
        answer.is_taken and answer.body["metadata"]["resourceVersion"] != first["Deployment", "demo-deliver"]
    )


def test_the_pods_of_every_workload_are_admitted_where_only_restricted_ones_are(api: KubernetesApi) -> None:
    assert api.apply(found("Namespace", "bongsu")).is_taken
    templates = [
        (one["metadata"]["name"], one["spec"]["template"])
        for overlay in OVERLAYS
        for one in resolved(RENDERED / "overlays" / overlay)
        if one["kind"] in ("Deployment", "StatefulSet")
    ]
    assert len({name for name, _ in templates}) == 14
    for name, template in templates:
        answer = api.try_pod(without_claims(template), "bongsu")
        assert answer.is_taken, f"{name}: {answer.what}"


def without_claims(template: Object) -> Object:
    """*template* with a folder where a StatefulSet puts a volume: only its controller does that."""
    whole = copy.deepcopy(template)
    pod = whole["spec"]
    held = {one["name"] for one in pod["volumes"]}
    wanted = {mount["name"] for container in pod["containers"] for mount in container.get("volumeMounts", ())}
    pod["volumes"] += [{"name": name, "emptyDir": {}} for name in sorted(wanted - held)]
    return whole


def found(kind: str, name: str) -> Object:
    """A rendered object, to be spoiled."""
    (one,) = [
        one
        for one in resolved(RENDERED / "overlays" / "one-city")
        if (one["kind"], one["metadata"]["name"]) == (kind, name)
    ]
    return copy.deepcopy(one)


def put(path: str, value: Any) -> Callable[[Object], None]:
    """A fault: *value* at *path* (``spec.ports.0.port``)."""

    def spoil(one: Any) -> None:
        *way, last = [int(word) if word.isdigit() else word for word in path.split(".")]
        for word in way:
            one = one[word]
        one[last] = value

    return spoil


FAULTS = {
    "an unknown field": ("Deployment", "demo-deliver", put("spec.replica", 1)),
    "an unknown field in a pod": ("StatefulSet", "demo-gateway", put("spec.template.spec.hostNet", True)),
    "a selector of no pod": ("Deployment", "demo-match", put("spec.selector.matchLabels", {"a": "b"})),
    "a memory that is no amount": (
        "Deployment",
        "demo-deliver",
        put("spec.template.spec.containers.0.resources.limits.memory", "1 GB"),
    ),
    "less memory than is asked for": (
        "Deployment",
        "demo-deliver",
        put("spec.template.spec.containers.0.resources.limits.memory", "1Mi"),
    ),
    "a volume that is not there": ("Deployment", "demo-deliver", put("spec.template.spec.volumes.0.name", "other")),
    "a topic without partitions": ("KafkaTopic", "demo.core.tick", put("spec.partitions", 0)),
    "too many replicas of a topic": ("KafkaTopic", "demo.core.tick", put("spec.replicas", 40_000)),
    "a topic's number as a text": ("KafkaTopic", "demo.core.tick", put("spec.partitions", "four")),
    "an unknown field of Kafka": ("Kafka", "bongsu", put("spec.kafka.replicas", 3)),
    "an unknown role of a node": ("KafkaNodePool", "brokers", put("spec.roles", ["zookeeper"])),
    "an unknown kind of user": ("KafkaUser", "demo-ingest", put("spec.authentication.type", "password")),
    "a trigger's number that is no text": ("ScaledObject", "demo-match", put("spec.triggers.0.metadata.threshold", 5)),
    "a trigger without settings": ("ScaledObject", "demo-match", put("spec.triggers.0", {"type": "prometheus"})),
    "an opening without a protocol": ("NetworkPolicy", "dns", put("spec.egress.0.ports.0.protocol", "ICMP")),
    "an opening to no network": (
        "NetworkPolicy",
        "demo-deliver",
        put("spec.egress.0.to.0.ipBlock.cidr", "10.0.0.300/8"),
    ),
    "an exception outside its network": (
        "NetworkPolicy",
        "demo-deliver",
        put("spec.egress.0.to.0.ipBlock.cidr", "10.0.0.0/8"),
    ),
    "two limits of a disruption": ("PodDisruptionBudget", "demo-gateway", put("spec.maxUnavailable", 1)),
    "a namespace that is not there": ("Service", "demo-gateway", put("metadata.namespace", "elsewhere")),
    "an affinity of no kind": ("Service", "demo-gateway", put("spec.sessionAffinity", "Cookie")),
    "a path that is none": ("Ingress", "demo-gateway", put("spec.rules.0.http.paths.0.path", "v1")),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_refused(api: KubernetesApi, fault: str) -> None:
    kind, name, spoil = FAULTS[fault]
    assert api.apply(found("Namespace", "bongsu")).is_taken
    one = found(kind, name)
    assert api.apply(one).is_taken
    spoil(one)
    answer = api.apply(one)
    assert answer.status in (400, 404, 422, 500), answer.what


UNSAFE = {
    "root": put("spec.securityContext.runAsNonRoot", False),
    "no seccomp": put("spec.securityContext.seccompProfile.type", "Unconfined"),
    "more rights": put("spec.containers.0.securityContext.allowPrivilegeEscalation", True),
    "a capability": put("spec.containers.0.securityContext.capabilities.add", ["NET_ADMIN"]),
    "the node's network": put("spec.hostNetwork", True),
    "the node's folder": put("spec.volumes.0", {"name": "home", "hostPath": {"path": "/"}}),
}


@pytest.mark.parametrize("fault", UNSAFE)
def test_a_pod_that_is_not_restricted_is_refused_and_its_workload_warned_of(
    api: KubernetesApi, fault: str
) -> None:
    assert api.apply(found("Namespace", "bongsu")).is_taken
    one = found("Deployment", "demo-deliver")
    assert api.try_pod(one["spec"]["template"], "bongsu").is_taken
    UNSAFE[fault](one["spec"]["template"])
    answer = api.try_pod(one["spec"]["template"], "bongsu")
    assert answer.status in (403, 422), answer.what
    assert not api.apply(one).is_taken
