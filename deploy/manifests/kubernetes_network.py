"""NetworkPolicies: nothing may reach or be reached, except for what is written here. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from deploy.manifests.kubernetes_kafka import OF_CLUSTER, TLS_PORT
from deploy.manifests.kubernetes_objects import PART_OF, Object, named, one
from deploy.manifests.plan import CityProcess
from deploy.manifests.platform_services import KAFKA_PORT, PROMETHEUS_PORT, REDIS_PORT, REGISTRY_PORT
from deploy.manifests.prometheus import BROKER_METRICS_PORT

API = "networking.k8s.io/v1"
DNS_PORT = 53
NAMESPACE_NAME = "kubernetes.io/metadata.name"
PRIVATE = ("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")
"""Addresses inside: a source or a webhook is outside, and an address of a webhook must open nothing here."""
PRIVATE_6 = ("::1/128", "fc00::/7", "fe80::/10")
BETWEEN_BROKERS = (9_090, 9_091)
"""Strimzi's ports for controllers and for replication."""
API_SERVER = (443, 6_443)
KEDA, INGRESS = "keda", "ingress-nginx"
"""The namespaces in which KEDA and the Ingress controller run."""
SERVICE = {"matchExpressions": [{"key": "bongsu/role", "operator": "Exists"}]}
"""Pods of a city's processes."""


def platform_policies() -> list[Object]:
    """The policies that no city changes."""
    services = [{"podSelector": SERVICE}]
    registry, redis = [_pods(named("registry"))], [_pods(named("redis"))]
    kafka = [_pods(OF_CLUSTER)]
    metrics = {"matchLabels": named("prometheus")}
    return [
        _policy("deny-all", {}, ["Ingress", "Egress"]),
        _policy("dns", {}, ["Egress"], egress=[_dns()]),
        _policy(
            "kafka",
            {"matchLabels": OF_CLUSTER},
            ["Ingress", "Egress"],
            ingress=[
                opening("from", services, KAFKA_PORT, TLS_PORT),
                opening("from", registry, KAFKA_PORT),
                opening("from", kafka, *BETWEEN_BROKERS),
                opening("from", [_pods(named("prometheus"))], BROKER_METRICS_PORT),
            ],
            egress=[
                opening("to", kafka, *BETWEEN_BROKERS),
                {"ports": [_port(port) for port in API_SERVER]},
            ],
            why="brokers read their zone, and the entity operator its resources, at the API: no label names it",
        ),
        _policy(
            "registry",
            {"matchLabels": named("registry")},
            ["Ingress", "Egress"],
            ingress=[opening("from", services, REGISTRY_PORT)],
            egress=[opening("to", kafka, KAFKA_PORT)],
        ),
        _policy(
            "redis",
            {"matchLabels": named("redis")},
            ["Ingress"],
            ingress=[opening("from", [_pods({"bongsu/role": "deliver"})], REDIS_PORT)],
        ),
        _policy(
            "prometheus",
            metrics,
            ["Ingress", "Egress"],
            ingress=[opening("from", [_space(KEDA)], PROMETHEUS_PORT)],
            egress=[{"to": services}, opening("to", kafka, BROKER_METRICS_PORT)],
        ),
        _policy(
            "services",
            SERVICE,
            ["Egress"],
            egress=[opening("to", kafka, KAFKA_PORT, TLS_PORT), opening("to", registry, REGISTRY_PORT)],
        ),
        _policy(
            "deliver",
            {"matchLabels": {"bongsu/role": "deliver"}},
            ["Egress"],
            egress=[opening("to", redis, REDIS_PORT)],
        ),
    ]  # fmt: skip


def process_policy(process: CityProcess, labels: Mapping[str, str]) -> Object:
    """The policy of one process: who reaches it, and the addresses outside that it calls."""
    ways = [_pods(named("prometheus"))]
    if process.role.name == "gateway":
        ways.append(_space(INGRESS))
    outer = []
    if process.outer_port is not None:  # an ingress controller with TLS sends the chargers here
        outer.append(opening("from", [_space(INGRESS)], process.outer_port))
    out = [opening("to", _outside(), *process.outward)] if process.outward else []
    return _policy(
        process.name,
        {"matchLabels": dict(labels)},
        ["Ingress", *(["Egress"] if out else [])],
        ingress=[opening("from", ways, process.port), *outer],
        egress=out,
    )


def opening(side: str, peers: Sequence[Object], *ports: int) -> Object:
    """One rule: *side* is ``from`` or ``to``."""
    return {side: list(peers), "ports": [_port(port) for port in ports]}


def _policy(
    name: str,
    selector: Object,
    types: Sequence[str],
    *,
    ingress: Sequence[Object] = (),
    egress: Sequence[Object] = (),
    why: str = "",
) -> Object:
    spec: Object = {"podSelector": selector, "policyTypes": list(types)}
    if ingress:
        spec["ingress"] = list(ingress)
    if egress:
        spec["egress"] = list(egress)
    return one(API, "NetworkPolicy", name, PART_OF, spec, {"bongsu/reason": why} if why else None)


def _dns() -> Object:
    ports = [{"port": DNS_PORT, "protocol": protocol} for protocol in ("UDP", "TCP")]
    return {"to": [_space("kube-system")], "ports": ports}


def _port(port: int) -> Object:
    return {"port": port, "protocol": "TCP"}


def _pods(labels: Mapping[str, str]) -> Object:
    return {"podSelector": {"matchLabels": dict(labels)}}


def _space(name: str) -> Object:
    return {"namespaceSelector": {"matchLabels": {NAMESPACE_NAME: name}}}


def _outside() -> list[Object]:
    return [
        {"ipBlock": {"cidr": "0.0.0.0/0", "except": list(PRIVATE)}},
        {"ipBlock": {"cidr": "::/0", "except": list(PRIVATE_6)}},
    ]
