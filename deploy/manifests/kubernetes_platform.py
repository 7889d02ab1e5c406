"""The namespace, the registry, Valkey and Prometheus as objects of Kubernetes. Pure.

Nothing here names a city: its part of Prometheus's settings is in the overlay.
"""

from __future__ import annotations

from collections.abc import Sequence

from deploy.manifests.alarms import RULES, rules
from deploy.manifests.kubernetes_kafka import BOOTSTRAP
from deploy.manifests.kubernetes_objects import (
    NAMESPACE,
    PART_OF,
    Object,
    disruption_budget,
    empty,
    meta,
    named,
    one,
    pod,
    resources,
    service,
)
from deploy.manifests.plan import CityProcess
from deploy.manifests.platform_services import (
    PROMETHEUS,
    PROMETHEUS_PORT,
    REDIS_PORT,
    REGISTRY_PORT,
    VALKEY,
    version_of,
)

STANDARD = "pod-security.kubernetes.io"
KEYS, KEYS_FOLDER = "prometheus-keys", "/var/run/bongsu-keys"
"""The secret with a key of each city, by the city's name, with which Prometheus reads the gateways."""


def namespace() -> Object:
    modes = ("enforce", "warn")  # "enforce" sees pods only; "warn" speaks when a workload is applied
    labels = {**PART_OF, **{f"{STANDARD}/{mode}": "restricted" for mode in modes}}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}


def registry_objects() -> list[Object]:
    """The registry: two replicas, since each holds all schemas, which are in Kafka."""
    labels = named("registry")
    container = {
        "name": "registry",
        "image": f"apicurio/apicurio-registry:{version_of('registry', 'apicurio-registry-app')}",
        "env": [
            {"name": "APICURIO_STORAGE_KIND", "value": "kafkasql"},
            {"name": "APICURIO_KAFKASQL_BOOTSTRAP_SERVERS", "value": BOOTSTRAP},
            {"name": "QUARKUS_HTTP_ACCESS_LOG_ENABLED", "value": "false"},
        ],
        **_probes("/health/live", "/health/ready", REGISTRY_PORT),
        "resources": resources(768, 1.0),
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 (the container's own)
    }
    template = pod(container, [empty("tmp", "256Mi")], labels)
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    why = "either replica has every schema"
    return [
        one("apps/v1", "Deployment", "registry", labels, spec),
        service("registry", labels, REGISTRY_PORT),
        disruption_budget("registry", labels, why, minAvailable=1),
    ]


def redis_objects() -> list[Object]:
    """Valkey with nothing on disk: the live view is made again from Kafka."""
    labels = named("redis")
    ping = {"exec": {"command": ["valkey-cli", "ping"]}, "periodSeconds": 10, "timeoutSeconds": 5}
    words = ["valkey-server", "--save", "", "--appendonly", "no", "--maxmemory", "512mb"]
    container = {
        "name": "redis",
        "image": f"valkey/valkey:{VALKEY}",
        "command": [*words, "--protected-mode", "no"],
        "ports": [{"name": "redis", "containerPort": REDIS_PORT}],
        "startupProbe": {**ping, "periodSeconds": 2, "failureThreshold": 30},
        "livenessProbe": ping,
        "readinessProbe": ping,
        "resources": resources(768, 0.5),
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    spec = {
        "replicas": 1,
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": labels},
        "template": pod(container, [empty("data", "64Mi")], labels, user=999),
    }
    note = {"bongsu/replicas": "one: two views would differ; an empty one is filled from Kafka in seconds"}
    return [
        one("apps/v1", "Deployment", "redis", labels, spec, note),
        service("redis", labels, REDIS_PORT),
        disruption_budget("redis", labels, "a drain may move it: it is filled again", maxUnavailable=1),
    ]


def prometheus_objects() -> list[Object]:
    """Prometheus with a volume. It finds pods by DNS, so it needs no rights at the API."""
    labels = named("prometheus")
    container = {
        "name": "prometheus",
        "image": f"prom/prometheus:{PROMETHEUS}",
        "args": [
            "--config.file=/etc/prometheus/prometheus.yml",
            "--storage.tsdb.path=/prometheus",
            "--storage.tsdb.retention.time=32d",
        ],
        **_probes("/-/healthy", "/-/ready", PROMETHEUS_PORT),
        "resources": resources(1_024, 1.0),
        "volumeMounts": [
            {"name": "settings", "mountPath": "/etc/prometheus", "readOnly": True},
            {"name": "keys", "mountPath": KEYS_FOLDER, "readOnly": True},
            {"name": "data", "mountPath": "/prometheus"},
        ],
    }
    volumes = [
        {"name": "settings", "configMap": {"name": "prometheus"}},
        {"name": "keys", "secret": {"secretName": KEYS, "optional": True}},
    ]
    spec = {
        "replicas": 1,
        "serviceName": "prometheus",
        "selector": {"matchLabels": labels},
        "template": pod(container, volumes, labels, user=65_534),
        "volumeClaimTemplates": [claim("data", "50Gi")],
    }
    why = "a drain may move it: while it moves there are no new measurements, and none is lost that it has"
    return [
        one("apps/v1", "StatefulSet", "prometheus", labels, spec),
        service("prometheus", labels, PROMETHEUS_PORT),
        disruption_budget("prometheus", labels, why, maxUnavailable=1),
    ]


def prometheus_settings(text: str, processes: Sequence[CityProcess]) -> Object:
    """The ConfigMap with ``prometheus.yml`` and the rules of the alarms for *processes*."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": meta("prometheus", named("prometheus")),
        "data": {"prometheus.yml": text, RULES: rules(processes)},
    }


def claim(name: str, size: str) -> Object:
    """A volume for each replica of a StatefulSet."""
    modes: Sequence[str] = ["ReadWriteOnce"]
    return {
        "metadata": {"name": name},
        "spec": {"accessModes": modes, "resources": {"requests": {"storage": size}}},
    }


def _probes(alive: str, ready: str, port: int) -> Object:
    return {"ports": [{"name": "http", "containerPort": port}], **http_probes(alive, ready)}


def http_probes(alive: str, ready: str) -> Object:
    """The three probes on the port ``http``: five minutes to start, half a minute without an answer to be started again."""
    return {
        "startupProbe": _probe(alive, every_s=5, failures=60),
        "livenessProbe": _probe(alive, every_s=10, failures=3),
        "readinessProbe": _probe(ready, every_s=5, failures=3),
    }


def _probe(path: str, *, every_s: int, failures: int) -> Object:
    asked = {"httpGet": {"path": path, "port": "http"}}
    return {**asked, "periodSeconds": every_s, "timeoutSeconds": 4, "failureThreshold": failures}
