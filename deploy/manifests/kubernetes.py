"""Cities as folders for Kustomize: ``base``, a folder for each city, and an overlay that has both. Pure.

The base and a city's folder are the same whatever other cities are rendered: a pod has an address of its own, so cities
need no ports of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from deploy.manifests import kubernetes_city as city_parts
from deploy.manifests import kubernetes_platform as platform
from deploy.manifests.kubernetes_kafka import BROKERS, kafka_objects, topic_objects, user_object
from deploy.manifests.kubernetes_network import platform_policies
from deploy.manifests.kubernetes_objects import Object
from deploy.manifests.plan import Plan
from deploy.manifests.prometheus import pods_settings
from deploy.manifests.yaml_text import yaml_of

HEAD = "# Rendered by 'bongsu deploy render CITY --target kubernetes -o DIR'. Do not change it here.\n"
KUSTOMIZATION = "kustomization.yaml"
ONE, MANY = "one-city", "many-cities"


def kubernetes_of(
    plans: Sequence[Plan], *, image: str, agencies: Mapping[str, list[Object]] | None = None
) -> dict[str, str]:
    """Every file of the rendering, by its path in the folder. *plans*: one for each city, in the order of their names.
    *agencies*: the users of the agencies with an agreement, by city."""
    users = agencies or {}
    files = _folder("base", _base())
    for plan in plans:
        (city,) = plan.cities
        files |= _folder(f"cities/{city}", _city(plan, city, image, users.get(city, [])))
    return files | _overlay(plans)


def _base() -> dict[str, list[Object]]:
    return {
        "namespace": [platform.namespace()],
        "network": platform_policies(),
        "kafka": kafka_objects(),
        "registry": platform.registry_objects(),
        "redis": platform.redis_objects(),
        "prometheus": platform.prometheus_objects(),
    }


def _city(plan: Plan, city: str, image: str, agencies: list[Object]) -> dict[str, list[Object]]:
    own = (
        {"file": [city_parts.city_file(city, plan.city_files[city], plan.lists.get(city, {}))]}
        if plan.city_files
        else {}
    )
    topics = {"topics": topic_objects(city), "users": [user_object(process) for process in plan.processes]}
    roles = {
        process.role.name: city_parts.process_objects(plan, process, image) for process in plan.processes
    }
    of_agencies = {"agencies": agencies} if agencies else {}
    return {**own, **topics, **of_agencies, **roles}


def _overlay(plans: Sequence[Plan]) -> dict[str, str]:
    name = ONE if len(plans) == 1 else MANY
    cities = [f"../../cities/{city}" for plan in plans for city in plan.cities]
    processes = [process for plan in plans for process in plan.processes]
    scrapes = pods_settings(
        processes,
        city_parts.pods_name,
        brokers=BROKERS,
        key_file=lambda city: f"{platform.KEYS_FOLDER}/{city}",
    )
    settings = platform.prometheus_settings(scrapes, processes)
    return {
        f"overlays/{name}/{KUSTOMIZATION}": _kustomization(["../../base", *cities, "prometheus.yaml"]),
        f"overlays/{name}/prometheus.yaml": _documents([settings]),
    }


def _folder(path: str, parts: Mapping[str, list[Object]]) -> dict[str, str]:
    """A folder with a file for each part, and the list of them."""
    files = {f"{path}/{name}.yaml": _documents(objects) for name, objects in parts.items()}
    return files | {f"{path}/{KUSTOMIZATION}": _kustomization([f"{name}.yaml" for name in parts])}


def _kustomization(resources: Iterable[str]) -> str:
    whole: dict[str, Any] = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
    return HEAD + yaml_of({**whole, "resources": list(resources)})


def _documents(objects: Sequence[Object]) -> str:
    return HEAD + "---\n".join(yaml_of(one) for one in objects)
