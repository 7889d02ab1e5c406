"""The settings by which Prometheus reads the metrics of a plan's processes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from deploy.manifests.alarms import RULES
from deploy.manifests.plan import CityProcess, Plan
from deploy.manifests.yaml_text import yaml_of

Address = Callable[[CityProcess], str]
KeyFile = Callable[[str], str]
BROKER_JOB = "bongsu-kafka"
BROKER_METRICS_PORT = 9_404
"""The port of the JMX exporter in Strimzi's images, and so everywhere."""


def scrape_settings(plan: Plan, address: Address, *, broker: str, key_file: KeyFile | None = None) -> str:
    """``prometheus.yml``: a job for each role, a target for each process. *address* gives a process's host and port.

    *broker*: host and port of the page of Kafka's metrics.
    *key_file* gives the file of a city's key: its processes show their metrics to a caller elsewhere only with one.
    """
    jobs: dict[str, list[CityProcess]] = {}
    for process in plan.processes:
        jobs.setdefault(process.role.name if key_file is None else process.name, []).append(process)
    written = [_job(name, processes, address, key_file) for name, processes in jobs.items()]
    return _settings([*written, _of_broker({"static_configs": [{"targets": [broker]}]})])


def _of_broker(found: Mapping[str, object]) -> dict[str, object]:
    """The job of Kafka's brokers. No label names a role: where they show no metrics, no alarm rings for it."""
    return {"job_name": BROKER_JOB, "metrics_path": "/metrics", **found}


def _settings(jobs: Sequence[Mapping[str, object]]) -> str:
    every = {"scrape_interval": "15s", "scrape_timeout": "10s", "evaluation_interval": "15s"}
    return yaml_of({"global": every, "rule_files": [RULES], "scrape_configs": list(jobs)})


def _job(
    name: str, processes: list[CityProcess], address: Address, key_file: KeyFile | None
) -> dict[str, object]:
    first = processes[0]
    keyed: dict[str, object] = {}
    if key_file is not None:
        keyed = {"authorization": {"credentials_file": key_file(first.city)}}
    targets = [
        {"targets": [address(one)], "labels": {"city": one.city, "role": one.role.name}} for one in processes
    ]
    return {
        "job_name": f"bongsu-{name}",
        "metrics_path": "/metrics",
        "honor_labels": True,  # some metrics name the city themselves: the same one as the target's label
        **keyed,
        "static_configs": targets,
    }


def pods_settings(
    processes: Sequence[CityProcess], service: Address, *, brokers: str, key_file: KeyFile
) -> str:
    """``prometheus.yml`` where a process is several pods: a job for each process, whose pods are found by DNS.

    *service* gives the name that DNS answers with the address of each pod, *brokers* is that of Kafka's.
    """
    written = [_pods_job(process, service, key_file) for process in processes]
    found = {"names": [brokers], "type": "A", "port": BROKER_METRICS_PORT, "refresh_interval": "15s"}
    return _settings([*written, _of_broker({"dns_sd_configs": [found]})])


def _pods_job(process: CityProcess, service: Address, key_file: KeyFile) -> dict[str, object]:
    found = {"names": [service(process)], "type": "A", "port": process.port, "refresh_interval": "15s"}
    labels = [
        {"target_label": name, "replacement": value}
        for name, value in (("city", process.city), ("role", process.role.name))
    ]
    return {
        "job_name": f"bongsu-{process.name}",
        "metrics_path": "/metrics",
        "honor_labels": True,
        "authorization": {"credentials_file": key_file(process.city)},
        "dns_sd_configs": [found],
        "relabel_configs": labels,
    }
