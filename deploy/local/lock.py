"""Write ``artefacts.lock.toml``: ``python -m deploy.local.lock``. Run it to move to another version.

It resolves the cluster's files with jgo, downloads them, and pins size and sha256 of every file.
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Any

from jgo.maven import MavenContext

from deploy.local.artefacts import LOCK_FILE, Artefact
from deploy.local.repositories import repositories

KAFKA = "org.apache.kafka:kafka_2.13:4.3.1"
LOG = "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4"
REGISTRY = ("io.apicurio", "apicurio-registry-app", "3.3.3", "all", "tar.gz")
AGENT = ("io.prometheus.jmx", "jmx_prometheus_javaagent", "1.0.1", "", "jar")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        bases = {str(order): url for order, url in enumerate(repositories())}
        context = MavenContext(repo_cache=Path(folder), remote_repos=bases)
        pinned = [
            *_jars(context),
            _single("kafka-metrics", AGENT, context),
            _single("registry", REGISTRY, context),
        ]
        found = {artefact.path: artefact for artefact in pinned}
        LOCK_FILE.write_text(_as_toml(list(found.values())), encoding="utf-8")


def _jars(context: Any) -> list[Artefact]:
    jars = []
    for coordinates in (KAFKA, LOG):
        wanted = context.create_dependency(coordinates)
        wanted.raw = (
            True  # otherwise jgo takes log4j's parent as a bill of materials, and Kafka gets clients of 3.9
        )
        inputs, transitive = context.resolver.resolve([wanted])
        jars += [_pinned("kafka", dependency.artifact) for dependency in [*inputs, *transitive]]
    return jars


def _single(part: str, coordinates: tuple[str, ...], context: Any) -> Artefact:
    group, name, version, classifier, packaging = coordinates
    component = context.project(group, name).at_version(version)
    return _pinned(part, component.artifact(classifier, packaging))


def _pinned(part: str, artifact: Any) -> Artefact:
    content = artifact.resolve().read_bytes()
    return Artefact(
        part=part,
        group=artifact.groupId,
        name=artifact.artifactId,
        version=artifact.version,
        packaging=artifact.packaging,
        classifier=artifact.classifier,
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def _as_toml(artefacts: list[Artefact]) -> str:
    lines = ["# Written by: python -m deploy.local.lock", "version = 1", ""]
    for artefact in artefacts:
        lines.append("[[artefact]]")
        for name in artefact.__slots__:
            value = getattr(artefact, name)
            lines.append(f"{name} = {value}" if isinstance(value, int) else f'{name} = "{value}"')
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
