"""Apicurio Registry, which answers Confluent's API; its storage is one file.

It runs in its own folder of the home. Paths in its settings are relative to that: a setting's ``${…}`` and ``\\`` and the
``;`` of a database's URL mean something else.
"""

from __future__ import annotations

import ssl
from datetime import UTC, datetime

import httpx

from connectors.transport.private_files import private_folder
from deploy.local.artefacts import unpacked
from deploy.local.component import Ground
from deploy.local.java import find_java
from deploy.local.secure_home import (
    make_server_certificate,
    registry_settings,
    write_private,
)
from schemas.registry_url import split_authority

ANSWER_S = 2.0

# The quick compiler only: it gets a few requests at the start of a stage, then almost none.
JAVA = ("-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError")


class Registry:
    ports = ("registry", "management")

    def command(self, ground: Ground) -> list[str]:
        folder = private_folder(ground.home.folder("registry"))
        if (
            ground.secure
        ):  # Quarkus reads this file in its working folder: no argument and no variable has a password
            make_server_certificate(ground.home, "registry", now=datetime.now(UTC))
            write_private(
                private_folder(folder / "config") / "application.properties", registry_settings(ground.home)
            )
        archive = next(artefact for artefact in ground.artefacts if artefact.part == "registry")
        program = unpacked(archive, ground.cache, ground.cache, ground.progress) / "quarkus-run.jar"
        settings = [f"-D{name}={value}" for name, value in self._settings(ground).items()]
        return [str(find_java()), *JAVA, *settings, "-jar", str(program)]

    def answers(self, place: str) -> bool:
        try:
            url, authority = split_authority(place)
            trust = ssl.create_default_context(cafile=authority) if authority else True
            answer = httpx.get(f"{url.rstrip('/')}/subjects", timeout=ANSWER_S, trust_env=False, verify=trust)
            return answer.status_code == httpx.codes.OK and isinstance(answer.json(), list)
        except (httpx.HTTPError, ValueError, OSError):
            return False

    def _settings(self, ground: Ground) -> dict[str, object]:
        return {
            "quarkus.http.host": "127.0.0.1",
            "quarkus.http.port": ground.ports["registry"],
            "quarkus.http.ssl-port": ground.ports["registry"],
            "quarkus.http.insecure-requests": "disabled" if ground.secure else "enabled",
            "quarkus.management.host": "127.0.0.1",  # by default it listens on every address of the machine
            "quarkus.management.port": ground.ports["management"],
            "quarkus.http.access-log.enabled": "false",
            "quarkus.log.console.enabled": "false",
            "quarkus.log.file.enabled": "true",
            "quarkus.log.file.path": f"../logs/{ground.home.log('registry').name}",
            "quarkus.log.file.json.enabled": "false",
            "quarkus.log.file.format": "%d{yyyy-MM-dd HH:mm:ss,SSS} %p %s%e (%c{1})%n",
            "quarkus.log.file.rotation.max-file-size": "10M",
            "quarkus.log.file.rotation.max-backup-index": 3,
            "apicurio.storage.kind": "sql",
            "apicurio.storage.sql.kind": "h2",
            # without this, a kill loses the schemas of the last half second
            "apicurio.datasource.url": "jdbc:h2:file:./registry;WRITE_DELAY=0",
            "apicurio.datasource.jdbc.initial-size": 2,
            "apicurio.datasource.jdbc.min-size": 2,
            "apicurio.datasource.jdbc.max-size": 20,
            "apicurio.import.work-dir": ".",
            "java.io.tmpdir": ".",
            "bongsu.home": ground.home.root,  # not read by the registry: it names the home in the process list
        }
