"""The processes that rendered files describe, read back from the files alone and started here without systemd or Docker."""

from __future__ import annotations

import ctypes
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.manifests.health import is_well
from deploy.settings import Endpoints
from tests.living_city import ROOT, end, wait_until

READY_S = 90.0
PR_SET_MDWE, REFUSE_EXEC_GAIN = 65, 1
LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Described:
    """A process as a file describes it. *url*: of its health. *is_sealed*: no page of it may become executable."""

    name: str
    words: list[str]
    environment: dict[str, str]
    after: frozenset[str]
    url: str
    is_sealed: bool = False

    @property
    def role(self) -> str:
        return self.words[self.words.index("--stage") + 1]

    def start(
        self, environment: Mapping[str, str], places: Mapping[str, str], log: Path
    ) -> subprocess.Popen[bytes]:
        """Start it. *environment*: the addresses here; *places*: folders of the description → folders here; *log*: of its
        standard error."""
        own = {name: moved(value, places) for name, value in self.environment.items()}
        clean = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH") if name in os.environ}
        with log.open("wb") as errors:
            return subprocess.Popen(
                [moved(word, places) for word in self.words],
                env={**clean, **own, **environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
                preexec_fn=seal if self.is_sealed else None,  # noqa: PLW1509 (one system call, no lock is taken)
            )


def seal() -> None:
    """Refuse this process pages that are written and executed, as MemoryDenyWriteExecute does; kernels from 6.3 on can."""
    LIBC.prctl(PR_SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0)


def program_in(folder: Path) -> Path:
    """``bongsu`` of this checkout, as one file in *folder*."""
    file = folder / "bongsu"
    file.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m deploy.cli "$@"\n')
    file.chmod(0o755)
    return file


def moved(text: str, places: Mapping[str, str]) -> str:
    """*text* with a path in one of *places* put where that is here."""
    for there, here in places.items():
        if text == there or text.startswith(f"{there}/"):
            return here + text[len(there) :]
    return text


def in_order(found: list[Described]) -> list[Described]:
    """*found* so that each comes after those that it names; fails on a circle."""
    names = {one.name for one in found}
    ordered: list[Described] = []
    while len(ordered) < len(found):
        done = {one.name for one in ordered}
        free = [one for one in found if one.name not in done and one.after & names <= done]
        assert free, "a circle in the order of start"
        ordered += free
    return ordered


def of_units(folder: Path) -> list[Described]:
    """The processes of the services in *folder*, in the order of their start."""
    return in_order([_of_unit(path) for path in sorted(folder.glob("*.service"))])


def _of_unit(path: Path) -> Described:
    lines = re.findall(r"^(\w+)=(.*)$", path.read_text("utf-8"), re.MULTILINE)
    words = shlex.split(next(value for key, value in lines if key == "ExecStart"))
    after = {one for key, value in lines if key == "After" for one in value.split()}
    port = words[words.index("--web-port") + 1]
    return Described(
        path.name,
        words,
        dict(value.split("=", 1) for key, value in lines if key == "Environment"),
        frozenset(after),
        f"http://127.0.0.1:{port}/healthz",
        ("MemoryDenyWriteExecute", "yes") in lines,
    )


def of_compose(file: Path, program: str) -> list[Described]:
    """The processes of Bongsu's own image, in the order of their start. *program* stands for the image's entry point."""
    services: dict[str, Any] = yaml.safe_load(file.read_text("utf-8"))["services"]
    found = [
        Described(
            name,
            [program, *one["command"]],
            dict(one["environment"]),
            frozenset(one["depends_on"]),
            one["environment"]["BONGSU_HEALTH_URL"],
        )
        for name, one in services.items()
        if "bongsu.role" in one.get("labels", {})
    ]
    return in_order(found)


@contextmanager
def started(
    found: list[Described], folder: Path, places: Endpoints, cities: Path
) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Start *found* in their order, with state and logs in *folder*; each must answer its health check. Yields the
    processes by name, and ends those that still run in the other order."""
    moves = {
        "/var/lib/bongsu": str(folder / "home"),
        "/etc/bongsu/cities": str(cities),
        "/var/cache/bongsu": str(folder / "cache"),
    }
    (folder / "home").mkdir(exist_ok=True)
    with ExitStack() as running:
        processes: dict[str, subprocess.Popen[bytes]] = {}
        for one in found:
            process = one.start(places.as_environment(), moves, folder / f"{one.name}.log")
            running.callback(end, process)
            processes[one.name] = process
        for one in found:
            process = processes[one.name]
            wait_until(
                lambda one=one, process=process: is_well(one.url) or process.poll() is not None,
                READY_S,
                every_s=0.2,
            )
            if process.poll() is not None:
                pytest.fail(f"{one.name} ended: {(folder / f'{one.name}.log').read_text()[-1500:]}")
        yield processes
