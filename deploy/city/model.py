"""The form of a city's file: its fields, their bounds and the faults of each."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from connectors.formats.cap_words import PUBLIC, is_sender
from deploy.city.air import DroneFile, TerrainFile
from deploy.city.cases_file import CasesFile
from deploy.city.chargers import ChargersFile
from deploy.city.findings import nearest
from deploy.city.gateway_file import GatewayFile
from deploy.city.names import NAME
from deploy.city.oidc import OidcFile
from deploy.city.strict import Strict
from deploy.city.subscriptions import DeliverFile, SubscriptionFile
from streams.deliver.subscriptions import Subscription
from streams.drones.numbers import DroneNumbers
from streams.energy.energy_numbers import EnergyNumbers
from streams.hubs.hub_numbers import HubNumbers
from streams.ingest.event_age import AGE_OBJECTIVE_S
from streams.match.core.config import MatchConfig
from streams.persons.persons_numbers import PersonsNumbers
from streams.speed.minutes import SpeedConfig


def known_zone(name: str) -> str:
    """*name* itself. ``ValueError`` names the time zone that was meant, or one of them."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: a folder of zones, such as Asia
        alike = (nearest(name, available_timezones()) if name else None) or "Asia/Seoul"
        raise ValueError(f"an IANA time zone such as {alike}") from error
    return name


class BoundsFile(Strict):
    """The extent in WGS-84 degrees. Records outside it are set aside."""

    south: float = Field(ge=-90, le=90)
    west: float = Field(ge=-180, le=180)
    north: float = Field(ge=-90, le=90)
    east: float = Field(ge=-180, le=180)

    @field_validator("north")
    @classmethod
    def _above(cls, north: float, so_far: ValidationInfo) -> float:
        south = so_far.data.get("south")
        if south is not None and north <= south:
            raise ValueError(f"must lie north of south = {south:g}")
        return north

    @field_validator("east")
    @classmethod
    def _right(cls, east: float, so_far: ValidationInfo) -> float:
        west = so_far.data.get("west")
        if west is not None and east <= west:
            raise ValueError(
                f"must lie east of west = {west:g}; an extent across the 180th meridian is not supported"
            )
        return east


class SourceFile(BaseModel):
    """One ``[[source]]``: its name in this city, its type, and the settings of that type's own model."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    type: str
    every_s: float = Field(60, gt=0, description="seconds between two polls")
    age_objective_s: float = Field(
        AGE_OBJECTIVE_S,
        gt=0,
        description="99 of 100 first reports should be no older than this when they are received",
    )
    reference: bool = Field(False, description="places, read once before anything else is played")
    live: bool = Field(True, description="false: read only when a recording of it is played")
    push: bool = Field(False, description="true: its agency pushes it to the gateway; it is not polled")
    speaks_for: tuple[Annotated[str, Field(pattern=r"\S")], ...] = Field(
        (), description="the agencies for which it speaks: records that name another are refused"
    )
    bounds: BoundsFile | None = Field(
        None,
        description="the extent that its records must lie in, where it is of another place than the city",
    )

    @property
    def settings(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class CapFile(Strict):
    """``[cap]``: the city as a sender of CAP 1.2, served by its gateway."""

    sender: str | None = Field(
        None,
        description="its name, unique in the world, such as alerts@city.example; none: alerts@<name>.invalid",
    )
    languages: tuple[Annotated[str, Field(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")], ...] = Field(
        (), description="further languages of a message, beside the city's"
    )
    public: tuple[Annotated[str, Field(pattern=r"\S")], ...] = Field(
        (PUBLIC,), description="audiences whose alerts anybody may read"
    )
    restrictions: dict[str, Annotated[str, Field(pattern=r"\S")]] = Field(
        {}, description="audience → who may read its alerts; others that are not public are private"
    )
    status: Literal["Actual", "Exercise", "Test"] | None = Field(
        None, description="absent: Exercise where a source is simulated, else Actual"
    )
    lasts_h: float = Field(
        24, gt=0, le=720, description="hours after which a message expires if none followed"
    )
    url: str | None = Field(
        None,
        pattern=r"^https?://[^\s/?#]+(/[^\s?#]*[^\s?#/])?$",
        description="where the public finds the gateway, such as https://alerts.city.example; none: the host it asks",
    )
    key: str | None = Field(
        None, description="file of the private key that signs messages, or ${NAME} with its path or PEM"
    )
    certificate: str | None = Field(None, description="file of its certificate and the chain above it")

    @field_validator("sender")
    @classmethod
    def _sender(cls, sender: str | None) -> str | None:
        if sender is not None and not is_sender(sender):
            raise ValueError("must be an address without space, comma, < and &, such as alerts@city.example")
        return sender

    @field_validator("restrictions")
    @classmethod
    def _not_public(cls, restrictions: dict[str, str], so_far: ValidationInfo) -> dict[str, str]:
        for audience in restrictions:
            if audience in so_far.data.get("public", ()):
                raise ValueError(f"{audience!r} is public, too: name it in one of them")
        return restrictions

    @field_validator("certificate")
    @classmethod
    def _with_key(cls, certificate: str | None, so_far: ValidationInfo) -> str | None:
        if certificate is not None and "key" in so_far.data and so_far.data["key"] is None:
            raise ValueError("a certificate without key: add key")
        return certificate


class LiveViewFile(Strict):
    """``[live_view]``: the open situations in Redis."""

    identifying: bool = Field(
        False, description="true: fields that identify somebody are in it, for whoever reaches Redis"
    )


class MapFile(Strict):
    """``[map]``: the background of the console's map."""

    layers: tuple[Annotated[str, Field(pattern=r"\S")], ...] = Field(
        (),
        description="files of GeoJSON, from the folder of this file; drawn in this order, without their words",
    )
    tiles: str | None = Field(
        None,
        pattern=r"^https?://[^\s;,'\"{}/]+/([^\s;,'\"{}]|\{[zxy]\})+$",
        description="the address of a map's tiles under the layers, with {z}, {x} and {y}; browsers ask that server",
    )
    attribution: str = Field("", max_length=300, description="who made the tiles; shown on the map")

    @field_validator("tiles")
    @classmethod
    def _tiles(cls, address: str | None) -> str | None:
        missing = [one for one in ("{z}", "{x}", "{y}") if address is not None and one not in address]
        if missing:
            raise ValueError(f"no {missing[0]} in it: https://tiles.example/{{z}}/{{x}}/{{y}}.png")
        return address


class ConsoleFile(Strict):
    """``[console]``: the operators' pages."""

    video: str | None = Field(
        None,
        pattern=r"^(https?://[^\s;,']+|/[^\s;,']*)$",
        description="the address of a camera's picture, with {camera} and {ticket}; none: the ticket is shown to nobody",
    )
    hls: str | None = Field(
        None,
        pattern=r"\S",
        description="hls.js (its file hls.min.js), from the folder of this file, for browsers that play no HLS",
    )
    crop: str | None = Field(
        None,
        pattern=r"^(https?://[^\s;,']+|/[^\s;,']*)$",
        description="where the keeper of a missing person's sighting opens its picture, with {crop}; absent: none is shown",
    )
    steps: dict[str, tuple[Annotated[str, Field(pattern=r"\S", max_length=200)], ...]] = Field(
        {},
        description="kind → the steps that the city's procedure wants, in order; kinds below it have them too",
    )
    oidc: OidcFile | None = Field(None, description="absent: nobody signs in by OpenID Connect")


class CityFile(Strict):
    name: str
    title: str = ""
    timezone: str
    law: str
    bounds: BoundsFile
    connectors: tuple[str, ...] = Field(
        (),
        description="folders with connectors of one's own, from the folder of this file; their code is run",
    )
    source: tuple[SourceFile, ...] = ()
    rule: tuple[dict[str, Any], ...] = ()
    subscription: tuple[SubscriptionFile, ...] = ()
    deliver: DeliverFile = Field(default_factory=lambda: DeliverFile.model_validate({}))
    match: MatchConfig | None = Field(
        None,
        description="the fast topics are compared with the watches; absent: only by 'bongsu run CITY --stage match'",
    )
    speed: SpeedConfig | None = Field(None, description="speeds are computed; absent: only by --stage speed")
    energy: EnergyNumbers | None = Field(None, description="rewards of charging; absent: none")
    drones: DroneNumbers | None = Field(None, description="drones are judged; absent: only by --stage drones")
    chargers: ChargersFile | None = Field(None, description="chargers connect over OCPP; absent: none can")
    hubs: HubNumbers | None = Field(None, description="boards of hubs are kept; absent: only by --stage hubs")
    persons: PersonsNumbers | None = Field(
        None, description="missing persons are looked for; absent: only by --stage persons"
    )
    cases: CasesFile = CasesFile(agencies=())
    gateway: GatewayFile = Field(default_factory=lambda: GatewayFile.model_validate({}))
    cap: CapFile = Field(default_factory=lambda: CapFile.model_validate({}))
    live_view: LiveViewFile = LiveViewFile(identifying=False)
    map: MapFile = Field(default_factory=lambda: MapFile.model_validate({}))
    console: ConsoleFile = Field(default_factory=lambda: ConsoleFile.model_validate({}))
    terrain: TerrainFile = TerrainFile()
    drone: tuple[DroneFile, ...] = Field((), description="drones that the city knows; others are unknown")

    @field_validator("name")
    @classmethod
    def _name(cls, name: str) -> str:
        if not NAME.fullmatch(name):
            raise ValueError("lower-case letters, digits and '-', as it begins every topic's name")
        return name

    @field_validator("timezone")
    @classmethod
    def _zone(cls, name: str) -> str:
        return known_zone(name)

    @property
    def cap_sender(self) -> str:
        """The city's name as a sender of CAP: its file's own, or one that can be nobody's address (RFC 2606)."""
        return self.cap.sender or f"alerts@{self.name}.invalid"

    def subscriptions(self) -> list[Subscription]:
        """The subscriptions of ``[[subscription]]``."""
        return [one.as_subscription() for one in self.subscription]
