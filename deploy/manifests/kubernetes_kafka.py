"""Kafka as resources of Strimzi: the cluster, its brokers, the catalogue's topics and a user for each service. Pure.

Versions and settings are those of the local broker in ``deploy/local``, except for what one node cannot do: replicate.
"""

from __future__ import annotations

from deploy.local.broker_metrics import RULES
from deploy.local.kafka import SETTINGS as LOCAL
from deploy.manifests.kubernetes_objects import SAFE, Object, meta, named, one, pod_user, spread
from deploy.manifests.plan import CityProcess
from deploy.manifests.platform_services import KAFKA_PORT, version_of
from deploy.topics import REPLICAS_MAX, settings_of
from schemas.catalogue import load_catalogue, topic_name

API = "kafka.strimzi.io/v1"
CLUSTER, POOL, METRICS = "bongsu", "brokers", "kafka-metrics"
BROKERS = f"{CLUSTER}-kafka-brokers"
"""Strimzi's Service that DNS answers with the address of each broker's pod."""
TLS_PORT = 9_093
OF_CLUSTER = {"strimzi.io/cluster": CLUSTER}
BOOTSTRAP = f"{CLUSTER}-kafka-bootstrap:{KAFKA_PORT}"
RACK = "topology.kubernetes.io/zone"
IN_SYNC_MIN = 2
STRIMZI_OWNS = (
    "process.", "node.id", "controller.", "listener", "advertised.", "log.dirs", "log.cleaner.dedupe"
)  # fmt: skip
"""Settings of the local broker that Strimzi writes itself, and one that spares memory on one machine."""
CONTAINER = {name: value for name, value in SAFE.items() if name != "readOnlyRootFilesystem"}
"""Kafka's scripts in Strimzi's image write beside themselves: the standard does not demand a read-only root."""
REGISTRY_TOPICS = ("kafkasql-journal", "kafkasql-snapshots", "registry-events")


def kafka_objects() -> list[Object]:
    """The cluster with the rules of its metrics, its pool of nodes, and the registry's own topics."""
    return [_metrics(), _kafka(), _pool(), *(_registry_topic(name) for name in REGISTRY_TOPICS)]


def broker_settings() -> dict[str, str | int | bool]:
    """The local broker's settings, with every topic on three brokers of which two must have a record."""
    lines = [line.partition("=") for line in LOCAL.template.splitlines() if line]
    local = {
        key: value
        for key, _, value in lines
        if not key.startswith(STRIMZI_OWNS) and not key.endswith("num.partitions")
    }
    replicated: dict[str, str | int | bool] = {}
    for key, value in local.items():
        if key.endswith("replication.factor"):
            replicated[key] = REPLICAS_MAX
        elif key.endswith(("min.isr", "min.insync.replicas")):
            replicated[key] = IN_SYNC_MIN
        else:
            replicated[key] = {"false": False, "true": True}.get(value, value)
    return replicated | {"replica.selector.class": "org.apache.kafka.common.replica.RackAwareReplicaSelector"}


def _kafka() -> Object:
    restricted = {"pod": {"securityContext": _user()}}
    operator = {
        **restricted,
        "topicOperatorContainer": {"securityContext": CONTAINER},
        "userOperatorContainer": {"securityContext": CONTAINER},
    }
    spec = {
        "kafka": {
            "version": version_of("kafka", "kafka_2.13"),
            "rack": {"topologyKey": RACK},
            "listeners": [
                {"name": "plain", "port": KAFKA_PORT, "type": "internal", "tls": False},
                {
                    "name": "tls",
                    "port": TLS_PORT,
                    "type": "internal",
                    "tls": True,
                    "authentication": {"type": "tls"},
                },
            ],
            "authorization": {"type": "simple", "superUsers": ["ANONYMOUS"]},
            "config": broker_settings(),
            "metricsConfig": {
                "type": "jmxPrometheusExporter",
                "valueFrom": {"configMapKeyRef": {"name": METRICS, "key": RULES.name}},
            },
        },
        "entityOperator": {"topicOperator": {}, "userOperator": {}, "template": operator},
    }
    why = {
        "bongsu/super-users": "ANONYMOUS is who comes by the plain listener; by tls comes nobody without rights of its own",
        "bongsu/plain-listener": "the services' clients know no certificates yet; a NetworkPolicy lets no other pod to it",
    }
    return one(API, "Kafka", CLUSTER, named("kafka"), spec, why)


def _metrics() -> Object:
    """The ConfigMap with the rules of the JMX exporter, which is in Strimzi's image."""
    data = {RULES.name: RULES.read_text("utf-8")}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta(METRICS, named("kafka")), "data": data}


def _user() -> Object:
    """The restricted standard without a number: Strimzi's images have their own user."""
    return {name: value for name, value in pod_user(0).items() if name in ("runAsNonRoot", "seccompProfile")}


def _pool() -> Object:
    labels = {"strimzi.io/pool-name": f"{CLUSTER}-{POOL}"}
    spec = {
        "replicas": REPLICAS_MAX,
        "roles": ["controller", "broker"],
        "storage": {
            "type": "jbod",
            "volumes": [
                {
                    "id": 0,
                    "type": "persistent-claim",
                    "size": "100Gi",
                    "deleteClaim": False,
                    "kraftMetadata": "shared",
                }
            ],
        },
        "resources": {
            "requests": {"cpu": "500m", "memory": "2Gi"},
            "limits": {"cpu": "2", "memory": "2Gi"},
        },
        "jvmOptions": {"-Xms": "1g", "-Xmx": "1g"},
        "template": {
            "pod": {
                "securityContext": _user(),
                "topologySpreadConstraints": [spread(RACK, labels), spread("kubernetes.io/hostname", labels)],
            },
            "kafkaContainer": {"securityContext": CONTAINER},
            "initContainer": {"securityContext": CONTAINER},
        },
    }
    why = {
        "bongsu/roles": "three nodes are brokers and controllers: one may fail, and no further pods are needed"
    }
    return one(API, "KafkaNodePool", POOL, {**named("kafka"), **OF_CLUSTER}, spec, why)


def _registry_topic(name: str) -> Object:
    config = {"cleanup.policy": "delete", "retention.ms": "-1" if name == REGISTRY_TOPICS[0] else "604800000"}
    return _topic(name, name, 1, config, named("registry"))


def topic_objects(city: str) -> list[Object]:
    """A KafkaTopic for each of the city's topics, as ``bongsu topics apply`` makes them."""
    return [
        _topic(
            topic_name(city, contract.name),
            topic_name(city, contract.name),
            contract.partitions,
            settings_of(contract),
            {"bongsu/city": city},
        )
        for contract in load_catalogue().values()
    ]


def _topic(name: str, topic: str, partitions: int, config: dict[str, str], labels: dict[str, str]) -> Object:
    spec = {"topicName": topic, "partitions": partitions, "replicas": REPLICAS_MAX, "config": config}
    return one(API, "KafkaTopic", name, {**labels, **OF_CLUSTER}, spec)


def user_object(process: CityProcess) -> Object:
    """The user of a service: a certificate that Strimzi makes, and no rights yet. It is for the listener ``tls``."""
    labels = {"bongsu/city": process.city, "bongsu/role": process.role.name, **OF_CLUSTER}
    return {
        "apiVersion": API,
        "kind": "KafkaUser",
        "metadata": meta(process.name, labels),
        "spec": {"authentication": {"type": "tls"}},
    }
