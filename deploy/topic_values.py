"""Read whole topics for a command. Records that cannot be read are reported on standard error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy.platform import Platform
from deploy.telling import tell
from schemas.catalogue import topic_name

if TYPE_CHECKING:
    from streams.runtime.row_reader import RowReader


def values_of(platform: Platform, city: str, contract: str) -> list[dict[str, Any]]:
    """The values of a city's topic, in order."""
    from streams.runtime.kafka import read_whole
    from streams.runtime.row_reader import RowReader

    reader = RowReader(platform.wire, f"{city}.command")
    values = list(reader.values(read_whole(platform.kafka, [topic_name(city, contract)])))
    tell_left_out(reader)
    return values


def tell_left_out(*readers: RowReader) -> None:
    """Say on standard error which records could not be read, if any."""
    from streams.runtime.row_reader import left_out

    if (told := left_out(readers)) is not None:
        tell(told, err=True)
