"""Kafka, the registry, Redis and Prometheus as services of compose, with the settings of the local cluster. Pure.

Versions and settings are read from ``deploy/local``, so that both run alike. One node cannot replicate: for more than one
host, Kafka is a cluster of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deploy.local.artefacts import load_lock
from deploy.local.broker_metrics import RULES as BROKER_RULES
from deploy.local.kafka import CLUSTER_ID, HEAP
from deploy.local.kafka import SETTINGS as KAFKA_SETTINGS
from deploy.manifests.alarms import RULES
from deploy.manifests.prometheus import BROKER_METRICS_PORT

KAFKA_PORT, CONTROLLER_PORT, REGISTRY_PORT, REDIS_PORT, PROMETHEUS_PORT = 9092, 9093, 8080, 6379, 9090
ADDRESSES = {
    "BONGSU_KAFKA": f"kafka:{KAFKA_PORT}",
    "BONGSU_REGISTRY": f"http://registry:{REGISTRY_PORT}/apis/ccompat/v7",
    "BONGSU_REDIS": f"redis://redis:{REDIS_PORT}/0",
}
AGENT, AGENT_RULES = "/opt/bongsu/jmx-exporter.jar", "/opt/bongsu/jmx.yml"
"""The JMX exporter in Kafka's container, and its rules."""
AGENT_OPTION = f"-javaagent:{AGENT}={BROKER_METRICS_PORT}:{AGENT_RULES}"
VALKEY, PROMETHEUS = "8.1", "v3.5.0"
CLOSED = {
    "read_only": True,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
    "restart": "unless-stopped",
    "logging": {"driver": "json-file", "options": {"max-size": "10m", "max-file": "5"}},
}
"""Every service has these: nothing to write but its volumes, no rights to gain, started again, logs that end."""


def key_of(city: str) -> str:
    """The name of the secret with which Prometheus reads the metrics of the city's processes."""
    return f"{city}-metrics-key"


def platform_services(keyed: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The services by name, in the order of their start. *keyed*: the cities that Prometheus reads."""
    return {
        "kafka": _kafka(),
        "registry": _registry(),
        "redis": _redis(),
        "prometheus": _prometheus(keyed),
    }


def version_of(part: str, name: str) -> str:
    """The version that the local cluster has pinned."""
    return next(one.version for one in load_lock() if (one.part, one.name) == (part, name))


def limited(memory_mb: int, cpus: float, pids: int = 256) -> dict[str, Any]:
    return {"mem_limit": f"{memory_mb}m", "cpus": cpus, "pids_limit": pids}


def healthy(*test: str, start_s: int = 60) -> dict[str, Any]:
    return {
        "test": ["CMD", *test],
        "interval": "10s",
        "timeout": "5s",
        "retries": 6,
        "start_period": f"{start_s}s",
    }


def kafka_environment() -> dict[str, str]:
    """The local broker's settings as the variables of Apache's image, with addresses for other containers."""
    template = KAFKA_SETTINGS.substitute(kafka=KAFKA_PORT, controller=CONTROLLER_PORT)
    settings = dict(line.split("=", 1) for line in template.splitlines() if line)
    settings |= {
        "listeners": f"PLAINTEXT://0.0.0.0:{KAFKA_PORT},CONTROLLER://127.0.0.1:{CONTROLLER_PORT}",
        "advertised.listeners": f"PLAINTEXT://kafka:{KAFKA_PORT}",
        "log.dirs": "/var/lib/kafka/data",
    }
    return {
        "CLUSTER_ID": CLUSTER_ID,
        "KAFKA_HEAP_OPTS": " ".join(HEAP),
        **{f"KAFKA_{name.replace('.', '_').upper()}": value for name, value in settings.items()},
    }


def _kafka() -> dict[str, Any]:
    image = f"apache/kafka:{version_of('kafka', 'kafka_2.13')}"
    return {
        "image": f"${{BONGSU_KAFKA_IMAGE:-{image}}}",
        "environment": kafka_environment()
        | {"KAFKA_OPTS": f"${{BONGSU_JMX_AGENT:+{AGENT_OPTION}}}"},  # else empty
        **CLOSED,
        "tmpfs": ["/tmp", "/opt/kafka/config:uid=1000,gid=1000", "/opt/kafka/logs:uid=1000,gid=1000"],  # noqa: S108 (the container's own)
        "volumes": [
            "kafka:/var/lib/kafka/data",
            f"./{BROKER_RULES.name}:{AGENT_RULES}:ro",
            # without an agent the rules stand in for it: a mount needs a file, and nothing reads this one then
            f"${{BONGSU_JMX_AGENT:-./{BROKER_RULES.name}}}:{AGENT}:ro",
        ],
        **limited(1_536, 2.0, 1_024),
        "healthcheck": healthy("bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{KAFKA_PORT}"),
        "stop_grace_period": "60s",
    }


def _registry() -> dict[str, Any]:
    image = f"apicurio/apicurio-registry:{version_of('registry', 'apicurio-registry-app')}"
    settings: Mapping[str, str] = {
        "APICURIO_STORAGE_KIND": "kafkasql",  # the schemas are in Kafka, beside the events that they describe
        "APICURIO_KAFKASQL_BOOTSTRAP_SERVERS": f"kafka:{KAFKA_PORT}",
        "QUARKUS_HTTP_ACCESS_LOG_ENABLED": "false",
    }
    return {
        "image": f"${{BONGSU_REGISTRY_IMAGE:-{image}}}",
        "environment": dict(settings),
        "depends_on": {"kafka": {"condition": "service_healthy"}},
        **CLOSED,
        "tmpfs": ["/tmp"],  # noqa: S108 (the container's own)
        **limited(768, 1.0, 512),
        "healthcheck": healthy("bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{REGISTRY_PORT}"),
    }


def _redis() -> dict[str, Any]:
    return {
        "image": f"${{BONGSU_REDIS_IMAGE:-valkey/valkey:{VALKEY}}}",
        "command": [
            "valkey-server", "--save", "", "--appendonly", "no", "--maxmemory", "512mb", "--protected-mode", "no"
        ],
        **CLOSED,
        "user": "999:999",
        "tmpfs": ["/data:uid=999,gid=999"],
        **limited(768, 0.5),
        "healthcheck": healthy("valkey-cli", "ping", start_s=10),
    }  # fmt: skip


def _prometheus(keyed: Sequence[str]) -> dict[str, Any]:
    secrets: dict[str, Any] = {"secrets": [key_of(city) for city in keyed]} if keyed else {}
    return {
        "image": f"${{BONGSU_PROMETHEUS_IMAGE:-prom/prometheus:{PROMETHEUS}}}",
        "command": [
            "--config.file=/etc/prometheus/prometheus.yml",
            "--storage.tsdb.path=/prometheus",
            "--storage.tsdb.retention.time=32d",
        ],
        **CLOSED,
        **secrets,
        "volumes": [
            *(f"./{name}:/etc/prometheus/{name}:ro" for name in ("prometheus.yml", RULES)),
            "prometheus:/prometheus",
        ],
        "ports": [f"127.0.0.1:${{BONGSU_PROMETHEUS_PORT:-{PROMETHEUS_PORT}}}:{PROMETHEUS_PORT}"],
        **limited(1_024, 1.0),
        "healthcheck": healthy(
            "wget", "-q", "-O", "-", f"http://127.0.0.1:{PROMETHEUS_PORT}/-/healthy", start_s=30
        ),
    }
