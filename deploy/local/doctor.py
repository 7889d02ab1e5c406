"""Check a machine and a home for faults, each with how to mend it."""

from __future__ import annotations

import resource
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from deploy.city.city import City, readable_cities
from deploy.city.names import own_cities
from deploy.local import artefacts, broker_metrics, cluster
from deploy.local.home import Home
from deploy.local.java import OLDEST, find_java, version_of
from deploy.local.ports import is_free
from deploy.local.redis import find_redis
from deploy.local.redis import version_of as redis_version_of
from deploy.settings import WORDS, cache_folder
from schemas.errors import Fatal
from schemas.hidden_secrets import place_shown

FREE_MB = 1_000
OPEN_FILES = 1_024
BUILT = datetime(2026, 1, 1, tzinfo=UTC)
PACKAGES = ("confluent-kafka", "faust-streaming", "fastavro", "numba", "redis")


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: its result, and how to mend it when it is not well."""

    what: str
    is_well: bool = True
    mend: str = ""


def examine(home: Path) -> list[Finding]:
    """All checks, the most important first."""
    checks: list[Callable[[], list[Finding]]] = [
        python,
        packages,
        java,
        redis,
        loopback,
        clock,
        open_files,
        lambda: writable(home),
        lambda: disk(home),
        lambda: fetched(cache_folder() / "artefacts"),
        lambda: ports(home),
        lambda: answering(home),
        own_city_files,
    ]
    return [finding for check in checks for finding in check()]


def python() -> list[Finding]:
    name = f"Python {sys.version.split()[0]}"
    return [Finding(name, sys.version_info >= (3, 11), "install Python 3.11 or newer")]


def packages() -> list[Finding]:
    findings = []
    for name in PACKAGES:
        try:
            findings.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            return [
                Finding(f"the package {name} is missing", False, "pip install bongsu, in this environment")
            ]
    return [Finding(", ".join(findings))]


def java() -> list[Finding]:
    try:
        program = find_java()
    except Fatal as error:
        return [Finding(error.what, False, error.hint)]
    return [Finding(f"Java {version_of(program)} ({OLDEST} or newer is needed): {program}")]


def redis() -> list[Finding]:
    try:
        program = find_redis()
    except Fatal as error:
        return [Finding(error.what, False, error.hint)]
    numbers = ".".join(str(number) for number in redis_version_of(program) or ())
    return [Finding(f"Redis {numbers}: {program}")]


def loopback() -> list[Finding]:
    try:
        with (
            socket.create_server(("127.0.0.1", 0)) as server,
            socket.create_connection(server.getsockname()[:2], 2),
        ):
            return [Finding("loopback (127.0.0.1) carries connections")]
    except OSError as error:
        return [Finding(f"loopback carries no connection: {error}", False, "ip link set lo up")]


def clock() -> list[Finding]:
    now = datetime.now(UTC)
    mend = "set the clock (timedatectl set-ntp true): event times and leases rest on it"
    return [Finding(f"the clock says {now:%Y-%m-%d %H:%M} UTC", now > BUILT, mend)]


def open_files() -> list[Finding]:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    is_well = soft == resource.RLIM_INFINITY or soft >= OPEN_FILES
    words = f"{soft} open files are allowed a process ({OPEN_FILES} are needed)"
    return [Finding(words, is_well, f"ulimit -n {OPEN_FILES * 4}, then bongsu down and up")]


def writable(home: Path) -> list[Finding]:
    place = _nearest(home)
    try:
        with tempfile.TemporaryFile(dir=place):
            return [Finding(f"home folder {home} can be written")]
    except OSError as error:
        mend = "make it writable, or name another with --home or BONGSU_HOME"
        return [Finding(f"home folder {home} cannot be written: {error.strerror}", False, mend)]


def disk(home: Path) -> list[Finding]:
    free_mb = shutil.disk_usage(_nearest(home)).free // 1_000_000
    words = f"{free_mb} MB of disk are free ({FREE_MB} are needed)"
    return [Finding(words, free_mb >= FREE_MB, f"make room under {_nearest(home)}, or name another --home")]


def fetched(cache: Path) -> list[Finding]:
    """Check the fetched files. The agent for metrics is fetched when it is asked for."""
    wanted = [
        one
        for one in artefacts.load_lock()
        if one.part != broker_metrics.PORT or (cache / one.path).is_file()
    ]
    missing = [artefact for artefact in wanted if not (cache / artefact.path).is_file()]
    damaged = [artefact for artefact in wanted if artefact not in missing and not _is_pinned(artefact, cache)]
    if damaged:
        names = ", ".join(artefact.file for artefact in damaged)
        return [Finding(f"altered since it was fetched: {names}", False, "bongsu up fetches it again")]
    if missing:
        megabytes = sum(artefact.bytes for artefact in missing) // 1_000_000
        return [Finding(f"{megabytes} MB are still to be fetched, by the first bongsu up")]
    return [Finding("all artefacts are fetched, with the checksums that were pinned")]


def ports(home: Path) -> list[Finding]:
    """Check the ports. One that another program uses now is no fault unless it is fixed: `up` chooses another."""
    remembered = Home(home).recall()
    running = {name for name in cluster.PARTS if cluster.runs(remembered, name)}
    ours = {port for name in running for port in cluster.ports_of(name)}
    taken = {
        name: number for name, number in remembered.ports.items() if name not in ours and not is_free(number)
    }
    words = f"ports {', '.join(map(str, remembered.ports.values())) or 'not chosen yet'}"
    if stuck := [
        f"{number} (fixed for {name})" for name, number in taken.items() if name in remembered.fixed
    ]:
        mend = "end the program that listens there, or: bongsu up --port kafka=9093, with its name and a free number"
        return [Finding(f"{words}; {', '.join(stuck)} cannot be had now", False, mend)]
    anew = f"; {list(taken.values())} are taken by others now: up will choose anew"
    return [Finding(words + anew if taken else words)]


def answering(home: Path) -> list[Finding]:
    findings = []
    for standing in cluster.status(home):
        where = f"at {place_shown(standing.place)}" if standing.place else "(never started here)"
        words = f"{WORDS[standing.name]} {'answers' if standing.up else 'does not answer'} {where}"
        mend = "start it, or correct the variable that names it" if standing.is_given else "bongsu up"
        findings.append(Finding(words[0].upper() + words[1:], standing.up, mend))
    return findings


def own_city_files() -> list[Finding]:
    """Check a user's own city files. A wrong one hinders no other city."""
    findings = []
    for one in readable_cities(own_cities()):
        if isinstance(one, City) and one.left_out:
            findings += [
                Finding(f"your city {one.name}: {bad.found.what}", False, bad.hint) for bad in one.left_out
            ]
        elif isinstance(one, City):
            findings.append(Finding(f"your city {one.name} is well: {one.path}"))
        else:
            findings.append(Finding(one.what, False, one.hint))
    return findings


def _is_pinned(artefact: artefacts.Artefact, cache: Path) -> bool:
    try:
        artefacts.check(artefact, cache / artefact.path)
    except Fatal:
        return False
    return True


def _nearest(folder: Path) -> Path:
    """The folder itself, or the closest one above it that exists."""
    return next(place for place in (folder, *folder.parents) if place.is_dir())
