"""A plan as one file of Compose: the platform, a service for each process, and Prometheus. Pure.

Every process of a city has the one image and one home volume: locks and spool are in it, so that a second process of a role
waits for the first. Values of secrets come from the shell or an ``.env`` file, and stand in no rendering.
"""

from __future__ import annotations

from typing import Any

from connectors.transport.callers import KEY_FILE
from deploy.local.broker_metrics import RULES as BROKER_RULES
from deploy.manifests.alarms import RULES, rules
from deploy.manifests.plan import CityProcess, Plan
from deploy.manifests.platform_services import ADDRESSES, CLOSED, healthy, key_of, limited, platform_services
from deploy.manifests.prometheus import BROKER_METRICS_PORT, scrape_settings
from deploy.manifests.yaml_text import yaml_of

HOST = "0.0.0.0"  # noqa: S104 (inside its container; only what the world reaches is published, on the host's loopback)
HOME, CACHE, CITIES = "/var/lib/bongsu", "/var/cache/bongsu", "/etc/bongsu/cities"
HEAD = "# Rendered by 'bongsu deploy render CITY --target compose -o DIR'. Do not change it here.\n"


def compose_of(plan: Plan, *, image: str) -> dict[str, str]:
    """Every file of the rendering, by its path in the folder. *image*: of Bongsu's own services, unless ``BONGSU_IMAGE``."""
    keyed = list(dict.fromkeys(process.city for process in plan.processes))
    services = platform_services(keyed)
    services |= {process.name: _service(plan, process, image) for process in plan.processes}
    whole: dict[str, Any] = {"name": "bongsu", "services": services}
    whole["volumes"] = {name: {} for name in ("kafka", "prometheus", "home", "cache")}
    if keyed:
        whole["secrets"] = {key_of(city): {"file": f"./secrets/{key_of(city)}"} for city in keyed}
    scrapes = scrape_settings(
        plan,
        lambda process: f"{process.name}:{process.port}",
        broker=f"kafka:{BROKER_METRICS_PORT}",
        key_file=lambda city: f"/run/secrets/{key_of(city)}",
    )
    files = {"compose.yaml": HEAD + yaml_of(whole), "prometheus.yml": HEAD + scrapes}
    files |= {RULES: HEAD + rules(plan.processes), BROKER_RULES.name: BROKER_RULES.read_text("utf-8")}
    files |= {f"cities/{name}": text for lists in plan.lists.values() for name, text in lists.items()}
    return files | {f"cities/{city}.toml": text for city, text in plan.city_files.items()}


def _service(plan: Plan, process: CityProcess, image: str) -> dict[str, Any]:
    role, health = process.role, f"http://127.0.0.1:{process.port}{process.health_path}"
    is_own = process.city in plan.city_files
    mounted = [f"./cities/{process.city}.toml:{CITIES}/{process.city}.toml:ro"] if is_own else []
    if role.name == "chargers":
        mounted += [f"./cities/{name}:{CITIES}/{name}:ro" for name in plan.lists.get(process.city, ())]
    if process.case_keys is not None and process.case_keys.startswith("/"):
        mounted.append(f"{process.case_keys}:{process.case_keys}")  # the host's, of mode 0700, owned by 10001
    outer = process.port if role.name == "gateway" else process.outer_port
    published = {} if outer is None else {"ports": [f"127.0.0.1:{outer}:{outer}"]}
    return {
        "image": f"${{BONGSU_IMAGE:-{image}}}",
        "command": process.words(HOST),
        "environment": _environment(process, health),
        "depends_on": _waits(process),
        "init": True,
        "user": "10001:10001",
        **CLOSED,
        "secrets": [key_of(process.city)],
        "tmpfs": ["/tmp"],  # noqa: S108 (the container's own)
        "volumes": [f"home:{HOME}", f"cache:{CACHE}", *mounted],
        **published,
        **limited(role.memory_mb, role.cpus),
        "ulimits": {"nofile": {"soft": role.files_max, "hard": role.files_max}},
        "healthcheck": healthy("python", "-m", "deploy.manifests.health"),
        "stop_grace_period": "30s",
        "labels": {
            "bongsu.city": process.city,
            "bongsu.role": role.name,
            "bongsu.replicas": f"{'several' if role.can_share else 'one'}: {role.why}",
        },
    }


def _environment(process: CityProcess, health: str) -> dict[str, str]:
    secrets = {name: f"${{{name}:?a secret of {process.city}}}" for name in process.secrets}
    return {
        **ADDRESSES,
        "BONGSU_HOME": HOME,
        "BONGSU_CITIES": CITIES,
        "BONGSU_WORKER": "compose",  # a container's host name changes at each start, and would be another worker
        "BONGSU_HEALTH_URL": health,
        KEY_FILE: f"/run/secrets/{key_of(process.city)}",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "${OTEL_EXPORTER_OTLP_ENDPOINT:-}",  # empty: no traces
        "XDG_CACHE_HOME": CACHE,
        "NUMBA_CACHE_DIR": f"{CACHE}/numba",
        **secrets,
    }


def _waits(process: CityProcess) -> dict[str, Any]:
    needed = ["kafka", "registry", *(["redis"] if process.role.name == "deliver" else [])]
    return {one: {"condition": "service_healthy"} for one in needed} | {
        f"{process.city}-{one}": {"condition": "service_started"} for one in process.after
    }
