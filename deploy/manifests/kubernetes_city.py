"""A city's processes as objects of Kubernetes: a workload for each role, its services, its limits, its scaling. Pure.

A role that only one process may hold is a Deployment of one pod that is ended before the next one starts (``Recreate``).
The lock of ``--wait`` is a file of the home, and each pod has a home of its own, so a second pod would not see it: it would
take over the transactional id at once, Kafka would fence the first one, that one would start again and fence the second.
So Kubernetes keeps one pod, and starts another when its node is lost; should the lost one still run, Kafka's fence ends it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from connectors.transport.callers import KEY_FILE
from deploy.manifests.kubernetes_kafka import BOOTSTRAP
from deploy.manifests.kubernetes_network import process_policy
from deploy.manifests.kubernetes_objects import (
    NAMESPACE,
    Object,
    disruption_budget,
    empty,
    meta,
    one,
    pod,
    resources,
    service,
)
from deploy.manifests.kubernetes_platform import KEYS, claim, http_probes
from deploy.manifests.plan import CityProcess, Plan
from deploy.manifests.platform_services import PROMETHEUS_PORT, REDIS_PORT, REGISTRY_PORT
from schemas.catalogue import load_catalogue

HOME, CACHE, CITIES = "/var/lib/bongsu", "/var/cache/bongsu", "/etc/bongsu/cities"
METRICS_KEY = "/var/run/bongsu-metrics"
LISTEN = "0.0.0.0"  # noqa: S104 (inside its pod: a NetworkPolicy says who may reach it)
GATEWAYS = 2
SPOOL = "10Gi"
LAG_S_MAX = 5
"""Seconds of lag for each pod of the match, above which KEDA adds one."""
ADDRESSES = {
    "BONGSU_KAFKA": BOOTSTRAP,
    "BONGSU_REGISTRY": f"http://registry:{REGISTRY_PORT}/apis/ccompat/v7",
    "BONGSU_REDIS": f"redis://redis:{REDIS_PORT}/0",
}
GATEWAY_NOTES = {
    "bongsu/replicas": "two: each has a volume, since its spool holds what it answered 202, and a transactional id",
}
KEYS_NOTES = {
    "bongsu/storage": "a class of volumes that several pods write and that has flock (NFSv4 has), encrypted",
    "bongsu/backup": "never: a key that comes back opens again what the law wanted destroyed",
}
HASHED_BY = "$http_authorization$cookie_bongsu_viewing"
INGRESS_NOTES = {
    "nginx.ingress.kubernetes.io/upstream-hash-by": HASHED_BY,
    "nginx.ingress.kubernetes.io/proxy-buffering": "off",
    "bongsu/upstream-hash-by": "replicas share no memory: a key's repeats, its rate and a viewing must meet one replica",
}


def process_objects(plan: Plan, process: CityProcess, image: str) -> list[Object]:
    """The objects of one process: its workload first."""
    labels = labels_of(process)
    is_own = process.city in plan.city_files
    name = process.role.name
    if name == "gateway":
        found = _gateway(process, image, is_own)
    else:
        found = [_deployment(process, image, is_own), pods_service(process)]
        if process.outer_port is not None:
            found.append(service(process.name, labels, process.outer_port))
        why = f"a drain may move it: {_moved(process)}"
        found.append(disruption_budget(process.name, labels, why, maxUnavailable=1))
    scaling = [_scaling(process)] if process.role.can_share else []
    return [*found, *scaling, process_policy(process, labels)]


def labels_of(process: CityProcess) -> dict[str, str]:
    return {"bongsu/city": process.city, "bongsu/role": process.role.name}


def pods_name(process: CityProcess) -> str:
    """The Service without an address of its own: DNS answers with each pod's."""
    return f"{process.name}-pods"


def pods_service(process: CityProcess) -> Object:
    return service(
        pods_name(process), labels_of(process), process.port, clusterIP="None", publishNotReadyAddresses=True
    )


def city_file(city: str, text: str, lists: Mapping[str, str]) -> Object:
    """The ConfigMap with the file of a city that does not ship, and the *lists* beside it."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": meta(f"{city}-file", {"bongsu/city": city}),
        "data": {f"{city}.toml": text, **lists},
    }


def secrets_of(process: CityProcess) -> dict[str, Object]:
    """Environment variables that come from secrets: variable → reference."""
    found: dict[str, Object] = {
        name: {"name": f"{process.city}-secrets", "key": name} for name in process.secrets
    }
    if process.role.name in ("gateway", "deliver"):
        # not by the process's name: Strimzi makes a secret of that name for its Kafka user
        shared: Object = {"name": f"{process.city}-shared-key", "key": "key"}
        # a city without a gateway may have none; with it, deliver opens what the gateways sealed
        found["BONGSU_SHARED_KEY"] = (
            shared if process.role.name == "gateway" else {**shared, "optional": True}
        )
    return found


def _moved(process: CityProcess) -> str:
    if process.role.can_share:
        return "the others divide its partitions"
    return "the next one goes on where it ended"


def _deployment(process: CityProcess, image: str, is_own: bool) -> Object:
    labels, role = labels_of(process), process.role
    template = pod(
        _container(process, image, is_own), [empty("home", "1Gi"), *_volumes(process, is_own)], labels
    )
    spec: Object = {"selector": {"matchLabels": labels}, "template": template}
    if role.can_share:  # without "replicas": that number is KEDA's
        spec["strategy"] = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
        notes = {"bongsu/replicas": f"several: {role.why}"}
    else:
        spec |= {"replicas": 1, "strategy": {"type": "Recreate"}}
        notes = {
            "bongsu/replicas": f"one: {role.why}",
            "bongsu/strategy": "Recreate: two pods have two homes, so neither would see the other's lock, and each would "
            "be fenced by the other in Kafka",
        }
    return one("apps/v1", "Deployment", process.name, labels, spec, notes)


def _gateway(process: CityProcess, image: str, is_own: bool) -> list[Object]:
    labels = labels_of(process)
    template = pod(_container(process, image, is_own), _volumes(process, is_own), labels)
    spec = {
        "replicas": GATEWAYS,
        "serviceName": pods_name(process),
        "podManagementPolicy": "Parallel",
        "selector": {"matchLabels": labels},
        "template": template,
        "volumeClaimTemplates": [claim("home", SPOOL)],
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
    }
    affinity = {
        "sessionAffinity": "ClientIP",
        "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 10_800}},
    }
    return [
        one("apps/v1", "StatefulSet", process.name, labels, spec, GATEWAY_NOTES),
        pods_service(process),
        service(process.name, labels, process.port, **affinity),
        _ingress(process),
        *([] if process.case_keys is None else [_shared_keys(process)]),
        disruption_budget(process.name, labels, "one of two goes on answering", minAvailable=1),
    ]


def _shared_keys(process: CityProcess) -> Object:
    """The volume of the keys of cases, which the gateways and the search share."""
    spec = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}}
    return one("v1", "PersistentVolumeClaim", _keys_name(process.city), labels_of(process), spec, KEYS_NOTES)


def _keys_name(city: str) -> str:
    return f"{city}-case-keys"


def _ingress(process: CityProcess) -> Object:
    host = f"{process.city}.bongsu.example"
    backend = {"service": {"name": process.name, "port": {"name": "http"}}}
    spec = {
        "ingressClassName": "nginx",
        "tls": [{"hosts": [host], "secretName": f"{process.city}-tls"}],
        "rules": [
            {"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
        ],
    }
    return one("networking.k8s.io/v1", "Ingress", process.name, labels_of(process), spec, INGRESS_NOTES)


def _container(process: CityProcess, image: str, is_own: bool) -> Object:
    own = [{"name": "cities", "mountPath": CITIES, "readOnly": True}] if is_own else []
    keys: list[Object] = []
    if process.case_keys is not None:
        # the folder above: a volume's own folder is open to its group, and the process makes that of the keys with mode 0700
        folder = str(PurePosixPath(HOME, process.case_keys).parent)
        keys.append({"name": "case-keys", "mountPath": folder})
    outer: list[Object] = []
    if process.outer_port is not None:
        outer.append({"name": "ocpp", "containerPort": process.outer_port})
    return {
        "name": process.role.name,
        "image": image,
        "args": process.words(LISTEN),
        "env": _environment(process),
        "ports": [{"name": "http", "containerPort": process.port}, *outer],
        **http_probes("/healthz", "/readyz"),
        "resources": resources(process.role.memory_mb, process.role.cpus),
        "volumeMounts": [
            {"name": "home", "mountPath": HOME},
            {"name": "cache", "mountPath": CACHE},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 (the container's own)
            {"name": "metrics-key", "mountPath": METRICS_KEY, "readOnly": True},
            *own,
            *keys,
        ],
    }


def _volumes(process: CityProcess, is_own: bool) -> list[Object]:
    own = [{"name": "cities", "configMap": {"name": f"{process.city}-file"}}] if is_own else []
    claimed = {"name": "case-keys", "persistentVolumeClaim": {"claimName": _keys_name(process.city)}}
    keys = [] if process.case_keys is None else [claimed]
    items = [{"key": process.city, "path": "key"}]
    shown = {"name": "metrics-key", "secret": {"secretName": KEYS, "items": items, "optional": True}}
    return [empty("cache", "1Gi"), empty("tmp", "256Mi"), shown, *own, *keys]


def _environment(process: CityProcess) -> list[Object]:
    plain: Mapping[str, str] = {
        **ADDRESSES,
        "BONGSU_HOME": HOME,
        "BONGSU_CITIES": CITIES,
        "XDG_CACHE_HOME": CACHE,
        "NUMBA_CACHE_DIR": f"{CACHE}/numba",
        KEY_FILE: f"{METRICS_KEY}/key",
    }
    own_name = {"valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
    names = ["BONGSU_WORKER", *(["BONGSU_REPLICA"] if process.role.name == "gateway" else [])]
    return [
        *({"name": name, "value": value} for name, value in plain.items()),
        *({"name": name, **own_name} for name in names),
        *(
            {"name": variable, "valueFrom": {"secretKeyRef": reference}}
            for variable, reference in secrets_of(process).items()
        ),
    ]


def _scaling(process: CityProcess) -> Object:
    """KEDA's: a pod more while the newest records are older than they may be, at most one for each partition."""
    lag = f'max(bongsu_lag_seconds{{city="{process.city}",role="{process.role.name}"}})'
    partitions = max(contract.partitions for contract in load_catalogue().values())
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": process.name},
        "minReplicaCount": 1,
        "maxReplicaCount": partitions,
        "pollingInterval": 15,
        "cooldownPeriod": 300,
        "triggers": [
            {
                "type": "prometheus",
                "metadata": {
                    "serverAddress": f"http://prometheus.{NAMESPACE}.svc:{PROMETHEUS_PORT}",
                    "query": lag,
                    "threshold": str(LAG_S_MAX),
                },
            }
        ],
    }
    note = {
        "bongsu/reason": "only this role divides its work; a group has one member for each partition at most"
    }
    return one("keda.sh/v1alpha1", "ScaledObject", process.name, labels_of(process), spec, note)
