"""The local cluster: a real Kafka, schema registry and Redis, on loopback, in one home folder."""

from __future__ import annotations

import fcntl
import signal
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from deploy.local import artefacts, broker_metrics, fetch, kafka_security, processes
from deploy.local.artefacts import Artefact, Progress, Silent
from deploy.local.component import Component, Ground
from deploy.local.home import Home, Remembered
from deploy.local.java import environment
from deploy.local.kafka import Kafka
from deploy.local.made_secure import made_secure
from deploy.local.ports import choose_ports, with_fixed
from deploy.local.programs import demand_programs
from deploy.local.redis import Redis
from deploy.local.registry import Registry
from deploy.settings import (
    COMPONENTS,
    VARIABLES,
    WORDS,
    Endpoints,
    cache_folder,
    given,
    local_places,
    use_home,
)
from schemas.errors import Fatal

PARTS: dict[str, Component] = {"kafka": Kafka(), "registry": Registry(), "redis": Redis()}
START_ORDER = ("redis", "registry", "kafka")  # Kafka's folder is prepared while the others start
START_S = 120.0
POLL_S = 0.05
LOG_LINES = 8


@dataclass(frozen=True, slots=True)
class ComponentState:
    """The state of a component. *place*: its address, empty when unknown; *is_given*: the environment named it;
    *metrics*: the address of its page of metrics, empty when it has none."""

    name: str
    place: str
    up: bool
    is_given: bool
    pid: int | None
    metrics: str = ""


def up(
    home: Path,
    from_dir: Path | None = None,
    progress: Progress | None = None,
    cache: Path | None = None,
    ports: Mapping[str, int] | None = None,
    secure: bool = False,
) -> Endpoints:
    """Start the components that do not run, and return when all answer.

    Missing files come from *from_dir* when given, else from the network, into *cache* (the user's, shared by all
    homes). *ports*, by component, are those that the home has from now on. On an error or an interrupt, the processes
    started here are ended. *secure*: nobody gets in without a principal; a home that is so stays so.
    """
    told = progress or Silent()
    place = Home(home)
    ours = [name for name in START_ORDER if name not in given()]
    if elsewhere := sorted({_owner(name) for name in ports or ()} & set(given())):
        raise Fatal(
            f"{elsewhere[0]} is the one that {VARIABLES[elsewhere[0]]} names: its port is not ours to choose",
            hint=f"leave out its port, or unset {VARIABLES[elsewhere[0]]}",
        )
    with place.locked():
        before = (
            made_secure(place, [name for name in PARTS if runs(place.recall(), name)])
            if secure
            else place.recall()
        )
        missing = [name for name in ours if not runs(before, name)]
        used = [port for name in PARTS if runs(before, name) for port in ports_of(name)]
        remembered = with_fixed(before, ports or {}, running=used)
        if missing:
            demand_programs(missing)
            store = ensure(
                _needed(missing, remembered.ports), cache or cache_folder() / "artefacts", from_dir, told
            )
            _start_all(place, remembered, missing, store, told)
        elif remembered != before:
            place.remember(remembered)
        _wait_for_all(place, ours)
    return Endpoints(**{one.name: one.place for one in _known(home)})


def down(home: Path, erase: bool = False) -> list[str]:
    """End the processes that `up` started here, and nothing else. With *erase*, remove their data and logs too, and the
    cities' files here. Returns the names of files in the home that are not ours: they stay."""
    place = Home(home)
    if not home.exists():
        return []
    if erase and (holders := processes.holding([home / "gateway", home / "workers"])):
        raise Fatal(
            f"processes {holders} still use {home}: pushes and records that they accept would be lost",
            hint="end those workers and gateways of a city first",
        )
    with place.locked():
        remembered = place.recall()
        processes.end(remembered.processes.values(), patience_s=0.0 if erase else processes.PATIENCE_S)
        if erase:
            return place.erase()
        place.remember(replace(remembered, processes={}))
    return []


def status(home: Path) -> list[ComponentState]:
    """The state of each component, by a client's request to it; in a few seconds at most."""
    return [replace(one, up=_answers(one)) for one in _known(home)]


def metrics_of(home: Path) -> str:
    """The address of the broker's page of metrics; empty when it has none."""
    return next((one.metrics for one in _known(home) if one.metrics), "")


def ensure(wanted: Sequence[Artefact], cache: Path, from_dir: Path | None, progress: Progress) -> Path:
    """Fetch into *cache* every artefact that is missing or altered; returns *cache*."""
    cache.mkdir(parents=True, exist_ok=True)
    with _alone_in(cache):
        missing = [artefact for artefact in wanted if not artefacts.is_whole(artefact, cache)]
        if missing and from_dir:
            artefacts.copy(missing, from_dir, cache)
        elif missing:
            size = sum(artefact.bytes for artefact in missing) / 1e6
            progress.say(f"fetching Kafka and the schema registry, once: {len(missing)} files, {size:.0f} MB")
            fetch.fetch(missing, cache, progress)
    return cache


def ensure_near(wanted: Sequence[Artefact], folder: Path, progress: Progress) -> None:
    """As `ensure`, but take what the user's cache holds from there."""
    cache = cache_folder() / "artefacts"
    near = [artefact for artefact in wanted if artefacts.is_whole(artefact, cache)]
    ensure(near, folder, cache, progress)
    ensure(wanted, folder, None, progress)


def ports_of(name: str) -> tuple[str, ...]:
    """The names of the ports that a component listens on, with that of its metrics, which it has only where one is fixed,
    and the one that only a secure Kafka has."""
    more = (kafka_security.PORT, broker_metrics.PORT) if name == broker_metrics.OF else ()
    return (*PARTS[name].ports, *more)


def _owner(port: str) -> str:
    """The component that listens on the port of this name."""
    return broker_metrics.OF if port == broker_metrics.PORT else port


def _needed(components: Collection[str], ports: Mapping[str, int]) -> list[Artefact]:
    more = (
        {broker_metrics.PORT}
        if broker_metrics.OF in components and broker_metrics.is_wanted(ports)
        else set()
    )
    return [artefact for artefact in artefacts.load_lock() if artefact.part in {*components, *more}]


def _start_all(
    home: Home, remembered: Remembered, missing: Sequence[str], store: Path, progress: Progress
) -> None:
    wanted = [port for name in missing for port in ports_of(name)]
    names = [
        port
        for port in wanted
        if (port != broker_metrics.PORT or broker_metrics.is_wanted(remembered.ports))
        and (port != kafka_security.PORT or remembered.secure)
    ]
    chosen = choose_ports(names, kept=remembered.ports, home=home.root, fixed=remembered.fixed)
    ports = {**remembered.ports, **chosen}
    home.remember(replace(remembered, ports=ports))
    ground = Ground(
        home=home,
        ports=ports,
        artefacts=artefacts.load_lock(),
        cache=store,
        progress=progress,
        secure=remembered.secure,
    )
    progress.say(f"starting {', '.join(WORDS[name] for name in missing)}")
    with _ending_on_failure(home, missing):
        for name in missing:
            command = PARTS[name].command(ground)
            with _uninterrupted():  # between start and remember: else a process could run unknown to `down`
                out = home.logs / f"{name}.out"
                process = processes.start(command, out=out, folder=home.folder(name), env=environment())
                home.remember(home.recall().with_process(name, process))
        _wait_for_all(home, missing)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _ending_on_failure(home: Home, names: Sequence[str]) -> Iterator[None]:
    before = home.recall()
    try:
        yield
    except BaseException:  # Ctrl-C too: an interrupted start leaves nothing running
        started = [process for name, process in home.recall().processes.items() if name in names]
        processes.end(started, patience_s=2.0)
        for name in names:
            before = before.with_process(name, None)
        home.remember(before)
        raise


def _wait_for_all(home: Home, names: Sequence[str]) -> None:
    deadline = time.monotonic() + START_S
    remembered = home.recall()
    use_home(home, remembered)
    places = local_places(home, remembered)
    waiting = list(names)
    while waiting := [name for name in waiting if not PARTS[name].answers(places[name])]:
        for name in waiting:
            if not runs(remembered, name):
                raise Fatal(
                    f"{WORDS[name]} ended while starting: {_last_words(home, name)}", hint="bongsu doctor"
                )
        if time.monotonic() > deadline:
            raise Fatal(
                f"{WORDS[waiting[0]]} runs but does not answer after {START_S:.0f} s",
                hint=f"see: bongsu logs {waiting[0]}; or: bongsu down, then bongsu up",
            )
        time.sleep(POLL_S)


def _known(home: Path) -> list[ComponentState]:
    place = Home(home)
    remembered = place.recall()
    use_home(place, remembered)
    named = given()
    places = {**local_places(place, remembered), **named}
    return [
        ComponentState(
            name=name,
            place=places.get(name, ""),
            up=False,
            is_given=name in named,
            pid=remembered.processes[name].pid if runs(remembered, name) else None,
            metrics=broker_metrics.page_url(remembered.ports)
            if _shows_metrics(remembered, name, named)
            else "",
        )
        for name in COMPONENTS
    ]


def _shows_metrics(remembered: Remembered, name: str, named: Collection[str]) -> bool:
    return name == broker_metrics.OF and name not in named and runs(remembered, name)


def _answers(state: ComponentState) -> bool:
    is_there = bool(state.place) and (state.is_given or state.pid is not None)
    return is_there and PARTS[state.name].answers(state.place)


def runs(remembered: Remembered, name: str) -> bool:
    """Whether the component started last time still runs."""
    process = remembered.processes.get(name)
    return process is not None and processes.is_running(process)


def _last_words(home: Home, name: str) -> str:
    lines: list[str] = []
    for file in (home.logs / f"{name}.out", home.log(name)):
        if file.exists():
            lines += file.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]
    return "\n  ".join(lines) or "it said nothing"


@contextmanager
def _alone_in(cache: Path) -> Iterator[None]:
    with (cache / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
