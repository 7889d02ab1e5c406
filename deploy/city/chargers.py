"""``[chargers]`` of a city's file: its central system of OCPP. Reading its list of chargers and its secret."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from connectors.subjects.charger_keys import SECRET_LETTERS_MIN
from connectors.subjects.charger_list import ListedCharger, charger_list
from deploy.city.check import SECRET
from deploy.faults import UsageFault
from schemas.errors import Invalid
from streams.chargers.settings import ChargersSettings

if TYPE_CHECKING:
    from deploy.city.city import City

ChargerName = Annotated[str, Field(min_length=1, max_length=48)]


class ChargersFile(BaseModel):
    """``[chargers]``: where chargers connect over OCPP, and which may."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    port: int = Field(
        ge=1, le=65_535, description="where it listens for WebSockets; a proxy with TLS stands before it"
    )
    host: str | None = Field(
        None, description="the address it listens on; none: that of --web-host, 127.0.0.1"
    )
    secret: str = Field(
        pattern=r"^\$\{[A-Z][A-Z0-9_]*\}$",
        description="${NAME}: the variable with the secret of which the chargers' keys are derived, 16 letters or more",
    )
    list: str = Field(
        pattern=r"\S",
        description="a CSV with id, operator, lat, lon, from the folder of this file; others are refused",
    )
    source: str = Field(
        "chargers", pattern=r"^[a-z][a-z0-9-]*$", description="the name under which they speak, as a source's"
    )
    interval_s: int = Field(
        300,
        ge=10,
        le=86_400,
        description="seconds between two heartbeats; silent for three, a charger is told as unknown",
    )
    connections_max: int = Field(
        2_000, ge=1, le=20_000, description="chargers that one process takes at once"
    )
    refused: tuple[ChargerName, ...] = Field((), description="ids of chargers that are shut out")
    serial: dict[ChargerName, Annotated[int, Field(ge=1)]] = Field(
        {}, description="charger → a number that is raised to renew its key; the key before it is refused"
    )


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
        return charger_list(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageFault(
            f"[chargers] list: {path} cannot be read: {error.strerror}",
            hint="write the path of a CSV with id, operator, lat, lon; it counts from the folder of the city's file",
        ) from error
    except UnicodeDecodeError as error:
        raise UsageFault(f"[chargers] list: {path} is not UTF-8", hint="save it in UTF-8") from error
    except Invalid as error:
        raise UsageFault(
            f"[chargers] list: {path}: {error.what}", hint=f"expected: {error.expected}"
        ) from error


def _secret(said: str, environment: Mapping[str, str]) -> str:
    name = SECRET.fullmatch(said)
    secret = environment.get(name[1], "").strip() if name is not None else ""
    if len(secret) < SECRET_LETTERS_MIN:
        raise UsageFault(
            f"[chargers] needs the secret {said}, of {SECRET_LETTERS_MIN} letters or more",
            hint="make one with: openssl rand -hex 32; set it as that environment variable",
        )
    return secret
