"""Read whole topics for a command. Records that cannot be read are reported on standard error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy.faults import UsageFault
from deploy.platform import Platform
from deploy.telling import tell
from schemas.catalogue import topic_name

if TYPE_CHECKING:
    from deploy.city.city import City
    from streams.runtime.row_reader import RowReader


def values_of(platform: Platform, city: str, contract: str) -> list[dict[str, Any]]:
    """The values of a city's topic, in order."""
    from streams.runtime.kafka import read_whole
    from streams.runtime.row_reader import RowReader

    reader = RowReader(platform.wire, f"{city}.command")
    values = list(reader.values(read_whole(platform.kafka, [topic_name(city, contract)])))
    tell_left_out(reader)
    return values


def has_run(platform: Platform, city: str) -> bool:
    """Whether the situations of *city* ever ran on this cluster: its journal has a first entry from then on."""
    from streams.runtime.kafka import ends_of, known_topics

    journal = topic_name(city, "core.journal")
    if journal not in known_topics(platform.kafka):
        return False
    return any(ends_of(platform.kafka, [journal], is_committed=False).values())


def demand_ran(platform: Platform, city: City) -> None:
    """``UsageFault`` with the command to run, where *city* never ran on this cluster."""
    if not has_run(platform, city.name):
        raise never_ran(city)


def never_ran(city: City) -> UsageFault:
    """The error about a city that never ran here."""
    return UsageFault(
        f"{city.name} never ran here",
        hint=f"run it first: bongsu run {city.spoken}; "
        f"or play recordings: bongsu play {city.spoken} --source NAME RECORDING",
    )


def tell_left_out(*readers: RowReader) -> None:
    """Say on standard error which records could not be read, if any."""
    from streams.runtime.row_reader import left_out

    if (told := left_out(readers)) is not None:
        tell(told, err=True)
