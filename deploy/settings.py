"""The home folder, and the addresses of Kafka, the registry and Redis.

``BONGSU_KAFKA`` (bootstrap servers), ``BONGSU_REGISTRY`` (URL of the Confluent API) and ``BONGSU_REDIS``
(URL) each win over the local cluster that ``bongsu up`` started in the home folder (``BONGSU_HOME``).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import platformdirs

from deploy.local.home import Home, Remembered
from deploy.local.redis_doors import redis_url
from deploy.local.secure_home import admin_file, authority_file, folder_of, logins
from schemas.errors import Fatal, Unreachable
from schemas.hidden_secrets import place_shown
from schemas.registry_url import AUTHORITY
from streams.runtime.security import use, used

COMPONENTS = ("kafka", "registry", "redis")
VARIABLES = {"kafka": "BONGSU_KAFKA", "registry": "BONGSU_REGISTRY", "redis": "BONGSU_REDIS"}
WORDS = {"kafka": "Kafka", "registry": "the schema registry", "redis": "Redis"}
CONNECT_S = 1.5
SERVERS_MAX = 3  # of a long bootstrap list only so many are tried: the result must come in seconds


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Bootstrap servers ``host:port,…``; the registry's URL for Confluent clients; a ``redis://`` URL. Their text shows no
    password."""

    kafka: str
    registry: str = field(repr=False)
    redis: str = field(repr=False)

    def as_environment(self) -> dict[str, str]:
        """The variables that give another process the same addresses."""
        return {variable: getattr(self, name) for name, variable in VARIABLES.items()}


def home_folder() -> Path:
    """``BONGSU_HOME``, or the platform's folder for the state of a user's programs."""
    named = os.environ.get("BONGSU_HOME")
    return Path(named).expanduser().resolve() if named else platformdirs.user_state_path("bongsu")


def cache_folder() -> Path:
    """The folder of fetched files, shared by all homes of this user. It can be removed and is fetched again."""
    return platformdirs.user_cache_path("bongsu")


def given() -> dict[str, str]:
    """The components whose address the environment gives: no local one is started for these."""
    return {name: os.environ[variable] for name, variable in VARIABLES.items() if os.environ.get(variable)}


def local_places(home: Home, remembered: Remembered) -> dict[str, str]:
    """The addresses of the local components whose port is remembered. In a secure home those of the registry and of Redis
    have a password, and the file of the authority: Redis's that of the city whose principal this process is."""
    ports = remembered.ports
    found = {
        "kafka": f"127.0.0.1:{ports.get('kafka')}",
        "registry": f"http://127.0.0.1:{ports.get('registry')}/apis/ccompat/v7",
        "redis": f"redis://127.0.0.1:{ports.get('redis')}/0",
    }
    if remembered.secure and authority_file(home).exists():
        login = logins(home, principal=_principal_of(home))
        authority = f"{AUTHORITY}={quote(str(authority_file(home)))}"
        found["registry"] = (
            f"https://{login['registry']}@127.0.0.1:{ports.get('registry')}/apis/ccompat/v7?{authority}"
        )
        found["redis"] = redis_url(home, ports.get("redis", 0), login["redis"])
    return {name: place for name, place in found.items() if name in ports}


def _principal_of(home: Home) -> str:
    """The principal of *home* that this process is; empty where it is none."""
    file = used()
    return file.stem if file is not None and file.parent == folder_of(home) else ""


def use_home(home: Home, remembered: Remembered) -> None:
    """Have this process be the administrator of a secure *home*, unless it is another principal of it already. A Kafka that
    the environment names is not the home's."""
    if "kafka" in given() or not remembered.secure:
        use(None)
    elif (now := used()) is None or now.parent != folder_of(home):
        use(admin_file(home))


def endpoints(home: Path | None = None, *, need: Collection[str] = COMPONENTS) -> Endpoints:
    """The addresses of all three, decided in a few seconds.

    Raises `Unreachable` for the first component of *need* that has no address or accepts no connection there.
    The address of one that is not needed may be an empty string.
    """
    root = home or home_folder()
    named = given()
    place = Home(root)
    remembered = place.recall()
    use_home(place, remembered)
    places = {**local_places(place, remembered), **named}
    for name in COMPONENTS:
        if name in need:
            _demand(name, places.get(name), root, is_given=name in named)
    return Endpoints(**{name: places.get(name, "") for name in COMPONENTS})


def takes_connections(place: str, *, timeout_s: float = CONNECT_S) -> bool:
    """Whether any server of *place* (``host:port,…`` or a URL) accepts a connection."""
    if place.startswith("unix://"):
        return _opens(unquote(urlsplit(place).path), timeout_s)
    return any(_connects(host, port, timeout_s) for host, port in _addresses(place)[:SERVERS_MAX])


def _demand(name: str, place: str | None, root: Path, *, is_given: bool) -> None:
    if place is None:
        raise Unreachable(
            f"{WORDS[name]} is not running: no cluster was started in {root}",
            hint=f"start it with: bongsu up (or name a running one in {VARIABLES[name]})",
        )
    if takes_connections(place):
        return
    where = f"{WORDS[name]} does not answer at {place_shown(place)}"
    if is_given:
        raise Unreachable(f"{where}, named in {VARIABLES[name]}", hint="start it, or correct the variable")
    raise Unreachable(where, hint="start it with: bongsu up")


def _addresses(place: str) -> list[tuple[str, int]]:
    defaults = {"http": 80, "https": 443, "redis": 6379, "rediss": 6379, "kafka": 9092}
    addresses = []
    for server in place.split(","):
        try:
            parts = urlsplit(server.strip() if "://" in server else f"kafka://{server.strip()}")
            address = (parts.hostname or "", parts.port or defaults[parts.scheme])
        except (ValueError, KeyError) as error:
            raise Fatal(
                f"{place_shown(server)} is no address",
                hint="write host:port for Kafka, a URL for the others",
            ) from error
        addresses.append(address)
    return addresses


def _connects(host: str, port: int, timeout_s: float) -> bool:
    try:
        with socket.create_connection((host, port), timeout=timeout_s):
            return True
    except OSError:
        return False


def _opens(path: str, timeout_s: float) -> bool:
    """Whether somebody listens at the socket file."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as one:
            one.settimeout(timeout_s)
            one.connect(path)
            return True
    except OSError:
        return False
