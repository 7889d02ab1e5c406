"""Settings of a city's chargers, of its file, its list of chargers and its secret."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from connectors.subjects.charger_keys import SECRET_LETTERS_MIN
from connectors.subjects.charger_list import ListedCharger, charger_list
from deploy.city.check import SECRET
from deploy.city.city import City
from deploy.faults import UsageFault
from schemas.errors import Invalid
from streams.chargers.charging_settings import ChargersSettings


def settings_of_chargers(
    city: City, environment: Mapping[str, str], *, host: str = "127.0.0.1", slot: str = ""
) -> ChargersSettings:
    """The settings of the stage. *host*: where it listens if the file names none. ``UsageFault`` says what is missing."""
    file = city.file.chargers
    if file is None:
        raise UsageFault(
            f"city {city.name} has no [chargers]",
            hint="write [chargers] with port, secret and list; see connectors/CHARGERS.md",
        )
    return ChargersSettings(
        city=city.name,
        source=file.source,
        host=file.host or host,
        port=file.port,
        chargers=listed_chargers(city.path.parent / Path(file.list).expanduser()),
        secret=_secret(file.secret, environment),
        slot=slot,
        interval_s=file.interval_s,
        connections_max=file.connections_max,
        refused=frozenset(file.refused),
        serials=file.serial,
    )


def listed_chargers(path: Path) -> dict[str, ListedCharger]:
    """The chargers of the file *path*. ``UsageFault`` where it cannot be read, or a line is wrong."""
    try:
        return charger_list(listed_text(path))
    except Invalid as error:
        raise UsageFault(
            f"[chargers] list: {path}: {error.what}", hint=f"expected: {error.expected}"
        ) from error


def listed_text(path: Path) -> str:
    """The text of the list *path*. ``UsageFault`` where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageFault(
            f"[chargers] list: {path} cannot be read: {error.strerror}",
            hint="write the path of a CSV with id, operator, lat, lon; it counts from the folder of the city's file",
        ) from error
    except UnicodeDecodeError as error:
        raise UsageFault(f"[chargers] list: {path} is not UTF-8", hint="save it in UTF-8") from error


def _secret(said: str, environment: Mapping[str, str]) -> str:
    name = SECRET.fullmatch(said)
    secret = environment.get(name[1], "").strip() if name is not None else ""
    if len(secret) < SECRET_LETTERS_MIN:
        raise UsageFault(
            f"[chargers] needs the secret {said}, of {SECRET_LETTERS_MIN} letters or more",
            hint="make one with: openssl rand -hex 32; set it as that environment variable",
        )
    return secret
