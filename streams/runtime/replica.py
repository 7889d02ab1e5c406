"""Names that tell the replicas of a city's gateway apart: their transactional ids, and their rows in compacted topics. Pure.

Without a replica's name they are those of a city's only gateway. Replicas share no transactional id, so none fences another;
and no row, so none overwrites another's place in a source.
"""

from __future__ import annotations


def gateway_id(city: str, replica: str | None) -> str:
    return f"{city}.gateway" if replica is None else f"{city}.gateway.{replica}"


def ingest_id(city: str, source: str, replica: str | None) -> str:
    """The transactional id of what publishes for *source*."""
    return f"{city}.ingest.{source}" if replica is None else f"{gateway_id(city, replica)}.ingest.{source}"


def row_name(source: str, replica: str | None) -> str:
    """The key of the rows of *source* in ``source.place`` and ``core.source``. A source's name has no '@'."""
    return source if replica is None else f"{source}@{replica}"


def source_of(row: str) -> str:
    """The source that a row's key names."""
    return row.partition("@")[0]
