"""Several processes of the stage of chargers for one city, each with its home and its address of the loopback network."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from deploy.assembly.stages import free_port
from deploy.replica import REPLICA, SHARED_KEY
from schemas.errors import Fatal
from tests.charger_city import SECRET, SECRET_NAME
from tests.living_city import answers

READY_S, LOOK_S = 300.0, 0.1
KEY = "5e" * 32


@dataclass(slots=True)
class ChargerProcesses:
    """*file*: of the city, which serves its chargers at *port*. *places*: of Kafka and the registry, as environment."""

    city: str
    file: Path
    port: int
    places: Mapping[str, str]
    core: int | None = None
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    """By the URL of their chargers."""
    _web: dict[str, tuple[str, int]] = field(default_factory=dict)

    def start(self, count: int) -> None:
        """Start so many, and return when all are ready. ``Fatal`` if one ends, or is not ready in time."""
        for number in range(count):
            host, web, name = f"127.0.0.{number + 2}", free_port(), f"chargers-{number}"
            words = (
                "run", str(self.file), "--stage", "chargers", "--quiet", "--web-host", host, "--web-port", str(web),
            )  # fmt: skip
            environment = {
                **os.environ,
                **self.places,
                SECRET_NAME: SECRET,
                REPLICA: name,
                SHARED_KEY: KEY,
                "BONGSU_HOME": str(self.file.parent / name),
            }
            url = f"ws://{host}:{self.port}/ocpp/{self.city}"
            command = [sys.executable, "-m", "deploy.cli", *words]
            self.running[url] = process = subprocess.Popen(command, env=environment)
            self._web[url] = (host, web)
            if self.core is not None:
                psutil.Process(process.pid).cpu_affinity([self.core])
        until = time.monotonic() + READY_S
        for url, process in self.running.items():
            host, web = self._web[url]
            while not answers(web, host):
                if process.poll() is not None or time.monotonic() > until:
                    raise Fatal(f"the process at {url} is not ready", hint="its words stand above")
                time.sleep(LOOK_S)

    def kill(self, url: str) -> None:
        """Kill that process (-9)."""
        process = self.running.pop(url)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def end(self) -> None:
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            process.wait()
        self.running.clear()
