"""The broker's own metrics: Prometheus's JMX exporter as an agent in Kafka's Java, where a port was named for it.

It is off unless ``bongsu up --port kafka-metrics=N`` was written: the agent is one more file to fetch, and one more port.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.local.artefacts import Artefact
from schemas.errors import Fatal

PORT = "kafka-metrics"
"""The name of its port, and of the agent's part in the lock file."""
OF = "kafka"
"""The component that serves it."""
RULES = Path(__file__).parents[1] / "observability" / "jmx.yml"
"""The metrics that are shown, under which name: the same file for every target."""


def is_wanted(ports: Mapping[str, int]) -> bool:
    return PORT in ports


def page_url(ports: Mapping[str, int]) -> str:
    """The address of its page; empty when it is off."""
    return f"http://127.0.0.1:{ports[PORT]}/metrics" if is_wanted(ports) else ""


def java_options(
    artefacts: Sequence[Artefact], cache: Path, folder: Path, ports: Mapping[str, int]
) -> list[str]:
    """Java's option that loads the agent, none when it is off. Writes the rules into *folder*, in which Kafka runs."""
    if not is_wanted(ports):
        return []
    agent = cache / next(one.path for one in artefacts if one.part == PORT)
    if "=" in str(agent):
        raise Fatal(
            f"Java cannot be given an agent from {cache}: '=' ends the name of its file",
            hint="name another folder for what is fetched, without '=', in XDG_CACHE_HOME",
        )
    (folder / RULES.name).write_bytes(RULES.read_bytes())
    return [f"-javaagent:{agent}=127.0.0.1:{ports[PORT]}:{RULES.name}"]
