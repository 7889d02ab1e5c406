"""Objects of Kubernetes that all parts of the rendering share: names, *restricted* pods, services. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Object = dict[str, Any]

NAMESPACE = "bongsu"
PART_OF = {"app.kubernetes.io/part-of": "bongsu"}
USER = 10_001
SAFE: Object = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
"""Every container has this. The pod's part of the standard is in `pod`."""


def meta(name: str, labels: Mapping[str, str], **more: Any) -> Object:
    """The metadata of an object in Bongsu's namespace."""
    return {"name": name, "namespace": NAMESPACE, "labels": {**PART_OF, **labels}, **more}


def one(
    api: str, kind: str, name: str, labels: Mapping[str, str], spec: Object, notes: Mapping[str, str] | None = None
) -> Object:  # fmt: skip
    annotated = {"annotations": dict(notes)} if notes else {}
    return {"apiVersion": api, "kind": kind, "metadata": meta(name, labels, **annotated), "spec": spec}


def named(component: str) -> dict[str, str]:
    """The labels of a part of the platform."""
    return {"app.kubernetes.io/name": component}


def pod_user(user: int) -> Object:
    """A pod's security context, as the restricted standard demands it."""
    return {
        "runAsNonRoot": True,
        "runAsUser": user,
        "runAsGroup": user,
        "fsGroup": user,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def pod(
    container: Object, volumes: Sequence[Object], labels: Mapping[str, str], *, user: int = USER, grace_s: int = 30
) -> Object:  # fmt: skip
    """A pod's template with *container* alone: no token of the API, no rights, spread over zones and nodes."""
    return {
        "metadata": {"labels": {**PART_OF, **labels}},
        "spec": {
            "automountServiceAccountToken": False,
            # the variables of Kubernetes' own (REGISTRY_PORT=tcp://…) would be read as settings
            "enableServiceLinks": False,
            "securityContext": pod_user(user),
            "terminationGracePeriodSeconds": grace_s,
            "topologySpreadConstraints": [
                spread("topology.kubernetes.io/zone", labels),
                spread("kubernetes.io/hostname", labels),
            ],
            "containers": [{**container, "securityContext": SAFE}],
            "volumes": list(volumes),
        },
    }


def spread(key: str, labels: Mapping[str, str]) -> Object:
    return {
        "maxSkew": 1,
        "topologyKey": key,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": dict(labels)},
    }


def resources(memory_mb: int, cpus: float) -> Object:
    """Memory is asked for whole, since a process that is given less is killed; of the processors a quarter."""
    return {
        "requests": {"cpu": f"{round(cpus * 250)}m", "memory": f"{memory_mb}Mi"},
        "limits": {"cpu": f"{round(cpus * 1_000)}m", "memory": f"{memory_mb}Mi"},
    }


def empty(name: str, size: str) -> Object:
    return {"name": name, "emptyDir": {"sizeLimit": size}}


def service(name: str, labels: Mapping[str, str], port: int, **more: Any) -> Object:
    """A Service on *port* before the pods with *labels*."""
    spec = {
        "selector": dict(labels),
        "ports": [{"name": "http", "port": port, "targetPort": port, "protocol": "TCP"}],
    }
    return one("v1", "Service", name, labels, {**spec, **more})


def disruption_budget(name: str, labels: Mapping[str, str], why: str, **budget: int) -> Object:
    spec = {**budget, "selector": {"matchLabels": dict(labels)}}
    return one("policy/v1", "PodDisruptionBudget", name, labels, spec, {"bongsu/reason": why})
