"""The place of a city's gateway on this machine: its folder, its address and its spool."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from connectors.gateway.reserve import RESERVE_BYTES
from connectors.gateway.spool import Spool
from connectors.transport.private_files import private_folder
from deploy.assembly.stages import CONSOLE, free_port
from deploy.city.city import City
from deploy.principals import secure_home
from deploy.replica import Replica
from deploy.settings import home_folder
from schemas.errors import Fatal


def gateway_folder(city: City, replica: str | None = None) -> Path:
    """The folder of the city's gateway in this home, for its spool, keys and port. A replica has one of its own."""
    folder = home_folder() / "gateway" / city.name
    return folder if replica is None else folder / "replicas" / replica


def kept_port(city: City, replica: str | None = None) -> int:
    """The port of the city's gateway in this home: free when it first ran, and kept since."""
    file = gateway_folder(city, replica) / "port"
    if not file.is_file():
        private_folder(file.parent)
        file.write_text(f"{free_port()}\n")
    return int(file.read_text())


def gateway_url(city: City, replica: str | None = None) -> str:
    """The address at which the city's gateway on this machine listens."""
    about = city.file.gateway
    return f"{'https' if about.ends_tls else 'http'}://{about.host}:{about.port or kept_port(city, replica)}"


def console_city(city: City) -> City:
    """*city* for a console alone: the port of its file is the gateway's."""
    gateway = city.file.gateway.model_copy(update={"port": None})
    return replace(city, file=city.file.model_copy(update={"gateway": gateway}))


def console_replica(replica: Replica) -> Replica:
    """The replica that a console alone is. Its own name keeps its tickets, its port and its record of access apart."""
    return replace(replica, name=replica.name or CONSOLE)


def demand_closed(city: City) -> None:
    """Return where keys of agencies cannot cross a network as plain text, or nothing here is secure. In a secure home the
    gateway needs no certificate on loopback: what crosses it does not leave the machine."""
    about = city.file.gateway
    if about.is_in_the_open and secure_home() is not None:
        raise Fatal(
            f"the gateway of {city.name} would take keys as plain text from any network at {about.host}",
            hint="this home is secure: give tls_certificate and tls_key under [gateway], or name its proxy: trusted_proxies",
        )


def spool_path(city: City, replica: str | None = None) -> Path:
    return gateway_folder(city, replica) / "spool.sqlite"


def spool_of(city: City, replica: Replica, *, has_doors: bool) -> Spool:
    """The spool; a console's keeps the accounts alone, and no room for pushes."""
    about = city.file.gateway
    return Spool(
        spool_path(city, replica.name),
        bytes_max=about.spool_bytes_max,
        reserve_bytes=max(RESERVE_BYTES, 3 * about.body_bytes_max) if has_doors else 0,
    )
