"""A real MQTT broker on loopback for a test. Skips where mosquitto is not installed."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt import publish

USER, PASSWORD = "ear", "a word that no log may hold"


def program(name: str) -> str:
    found = shutil.which(name) or shutil.which(f"/usr/sbin/{name}")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def a_free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@dataclass
class Broker:
    """A mosquitto process. *settings*: lines of its configuration beside the listener."""

    port: int
    folder: Path
    settings: str = "allow_anonymous true"
    process: subprocess.Popen[str] | None = None
    log: threading.Thread | None = None

    def start(self) -> None:
        conf = self.folder / "mosquitto.conf"
        conf.write_text(
            f"listener {self.port} 127.0.0.1\n{self.settings}\nuser root\nlog_dest stderr\n", encoding="utf-8"
        )
        self.process = subprocess.Popen(
            [program("mosquitto"), "-c", str(conf)], stderr=subprocess.PIPE, text=True
        )
        assert self.process.stderr is not None
        if not any(" running" in line for line in self.process.stderr):
            raise AssertionError("mosquitto did not start")
        self.log = threading.Thread(target=self.process.stderr.read, daemon=True)
        self.log.start()  # a full pipe would block it

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            if self.log is not None:
                self.log.join()
            assert self.process.stderr is not None
            self.process.stderr.close()
            self.process = None

    def publish(self, *messages: tuple[str, bytes], **how: Any) -> None:
        publish.multiple(
            [{"topic": topic, "payload": payload, "qos": 1} for topic, payload in messages],
            hostname="127.0.0.1",
            port=self.port,
            **how,
        )


@contextmanager
def a_broker(folder: Path, settings: str = "allow_anonymous true") -> Iterator[Broker]:
    broker = Broker(a_free_port(), folder, settings)
    program("mosquitto")
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()


def a_password_file(folder: Path) -> Path:
    path = folder / "passwords"
    subprocess.run([program("mosquitto_passwd"), "-b", "-c", str(path), USER, PASSWORD], check=True)
    return path


def a_certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate of 127.0.0.1, and its key."""
    certificate, key = folder / "broker.pem", folder / "broker.key"
    command = [
        program("openssl"),
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
    ]
    command += ["-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(
        [*command, "-keyout", str(key), "-out", str(certificate)], check=True, stderr=subprocess.DEVNULL
    )
    return certificate, key
