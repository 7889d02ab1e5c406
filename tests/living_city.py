"""A city of a test's own on the real bus: its file, its commands, and their results."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import orjson
from confluent_kafka.admin import AdminClient

from deploy.assembly.stages import free_port
from deploy.settings import Endpoints
from schemas.catalogue import topic_name
from schemas.registry import Registry
from schemas.wire import Wire
from streams.runtime.kafka import read_whole
from streams.runtime.records import Record

ROOT = Path(__file__).resolve().parent.parent
DERECHO = "houston/houston_active_incidents_2024-05-15_17_derecho.jsonl.gz"
COMMAND_S = 180
READY_S = 30.0
ANSWERS = ("core.situation", "core.alert", "core.grant")

Gist = Counter[tuple[tuple[str, ...], str, tuple[str, ...]]]


@dataclass(slots=True)
class LivingCity:
    """Houston, or the shipped city *of*, under another name, so that tests do not share topics."""

    name: str
    folder: Path
    places: Endpoints
    of: str = "houston"
    wire: Wire = field(init=False)

    def __post_init__(self) -> None:
        self.wire = Wire(Registry(self.places.registry))
        text = (ROOT / "deploy" / "cities" / f"{self.of}.toml").read_text(encoding="utf-8")
        self.file.write_text(text.replace(f'name = "{self.of}"', f'name = "{self.name}"'), encoding="utf-8")

    @property
    def file(self) -> Path:
        return self.folder / f"{self.name}.toml"

    # -- commands --------------------------------------------------------------------------------------------

    def command(self, *words: str) -> tuple[list[str], dict[str, str]]:
        """A ``bongsu`` command and its environment."""
        environment = {
            **os.environ,
            **self.places.as_environment(),
            "BONGSU_HOME": str(self.folder / "home"),
            "PYTHONPATH": str(ROOT),
        }
        return [sys.executable, "-m", "deploy.cli", *words], environment

    def bongsu(
        self, *words: str, code: int = 0, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; it must end with *code*."""
        command, environment = self.command(*words)
        done = subprocess.run(
            command,
            env=environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            check=False,
        )
        assert done.returncode == code, f"{' '.join(words)} ended with {done.returncode}:\n{done.stderr}"
        return done

    def play(self, recording: Path, *options: str) -> str:
        """Play *recording* with *options*; return the command's output."""
        return self.bongsu(
            "play", str(self.file), "--source", "active-incidents", str(recording), *options
        ).stderr

    def start(
        self, *words: str, environment: Mapping[str, str] | None = None, **about: Any
    ) -> subprocess.Popen[bytes]:
        """Start a command and return at once. The caller ends it. *environment*: what it has beside ours."""
        command, ours = self.command(*words)
        environment = {**ours, **(environment or {})}
        return subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, start_new_session=True, **about
        )

    @contextmanager
    def running(self, *options: str) -> Iterator[subprocess.Popen[bytes]]:
        """``bongsu run`` with *options*, ready."""
        port = free_port()
        worker = self.start("run", str(self.file), "--quiet", "--web-port", str(port), *options)
        try:
            wait_until(lambda: answers(port) or worker.poll() is not None, READY_S)
            assert worker.poll() is None, "the worker ended at once"
            yield worker
        finally:
            end(worker)

    # -- results ---------------------------------------------------------------------------------------------

    def topic(self, contract: str) -> str:
        return topic_name(self.name, contract)

    def records(self, contract: str) -> list[Record]:
        """Every committed record of that topic."""
        return list(read_whole(self.places.kafka, [self.topic(contract)]))

    def values(self, contract: str) -> list[dict[str, Any]]:
        records = self.records(contract)
        return [self.wire.decode(one.topic, one.value) for one in records if one.value is not None]

    def incidents(self) -> dict[str, int]:
        """Each incident's newest revision."""
        everything = [*self.values("fire.incident"), *self.values("police.incident")]
        return {one["incident_id"]: one["revision"] for one in everything}

    def situations(self) -> dict[str, dict[str, Any]]:
        """Each situation's newest revision."""
        return {one["situation_id"]: one for one in self.values("core.situation")}

    def set_aside(self) -> list[dict[str, Any]]:
        contracts = ("source.dlq", "fire.incident.dlq", "police.incident.dlq", "place.camera.dlq")
        return [one for contract in contracts for one in self.values(contract)]

    def gist(self) -> Gist:
        """The situations by members, status and cameras, in a form that does not depend on the city's name."""
        return Counter(
            (
                tuple(sorted(f"{one['agency']} {one['agency_case_no']}" for one in value["incidents"])),
                value["status"],
                tuple(one["camera_id"].removeprefix(self.name) for one in value["cameras"]),
            )
            for value in live(self.situations())
        )

    def said_twice(self) -> dict[str, int]:
        """The (id, revision) pairs that a subscriber read more than once, counted by topic."""
        ids = {"core.situation": "situation_id", "core.alert": "alert_id", "core.grant": "grant_id"}
        ids |= {"fire.incident": "incident_id", "police.incident": "incident_id"}
        doubles = {}
        for contract, name in ids.items():
            seen = Counter((one[name], one["revision"]) for one in self.values(contract))
            if found := sum(count - 1 for count in seen.values()):
                doubles[contract] = found
        return doubles

    def remove(self) -> None:
        """Delete its topics, for the tests that follow."""
        admin = AdminClient({"bootstrap.servers": self.places.kafka, "log_level": 3})
        topics = [one for one in admin.list_topics(timeout=10).topics if one.startswith(f"{self.name}.")]
        for future in admin.delete_topics(topics).values() if topics else ():
            future.result()
        self.wire.registry.close()


def live(situations: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in situations.values() if one["merged_into"] is None]


def cut(recording: Path, to: Path, *, first: int = 0, count: int) -> Path:
    """Copy *count* lines of a recording from line *first* on into a new recording."""
    with gzip.open(recording, "rb") as lines:
        kept = [line for number, line in enumerate(lines) if first <= number < first + count]
    to.write_bytes(b"".join(kept))
    return to


def recording_of(bodies: Sequence[bytes], to: Path, *, first_ms: int, apart_ms: int) -> Path:
    """A recording of *bodies*, each *apart_ms* after the one before."""
    lines = [
        {"fetched_at": _iso(first_ms + number * apart_ms), "body": body.decode()}
        for number, body in enumerate(bodies)
    ]
    to.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    return to


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")


def wait_until(is_so: Any, at_most_s: float, every_s: float = 0.02) -> float:
    """Wait until *is_so*; return the seconds it took. Fails at the deadline."""
    begun = monotonic()
    while not is_so():
        assert monotonic() - begun < at_most_s, f"not so after {at_most_s} s"
        sleep(every_s)
    return monotonic() - begun


def answers(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a worker's ``/readyz`` says that it is ready."""
    try:
        with urllib.request.urlopen(f"http://{host}:{port}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def end(worker: subprocess.Popen[bytes]) -> None:
    """End a process that we started, also when it has ended already."""
    worker.terminate()
    try:
        worker.wait(15)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
