"""Media types and content codings that a push may have, and the refusal of others. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.gateway.problems import Problem

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
TAKEN = (
    "application/json",
    "application/xml",
    "text/csv",
    "application/octet-stream",
    "avro/binary",
    STRUCTURED,
    BATCH,
)
"""The types as the description at ``/openapi.json`` has them. A source knows its own form whatever type a body has; of
CloudEvents only these are unwrapped."""
_CLOUD_EVENTS = "application/cloudevents"


def media_type_of(content_types: Sequence[str]) -> str:
    """The media type of a request's ``Content-Type`` headers, without parameters; empty for none.

    ``Problem`` 415 for CloudEvents of a format that is not taken, 400 for two types.
    """
    types = {one.partition(";")[0].strip().lower() for one in content_types}
    if len(types) > 1:
        more = {"field": "Content-Type", "expected": "one media type"}
        raise Problem(400, "the request has more than one Content-Type", more=more)
    media_type = next(iter(types), "")
    if media_type.startswith(_CLOUD_EVENTS) and media_type not in (STRUCTURED, BATCH):
        raise _refused(f"CloudEvents as {media_type[:60]!r} are not taken", {"Accept": ", ".join(TAKEN)})
    return media_type


def check_coding(codings: Sequence[str]) -> None:
    """``Problem`` 415 for a body that is compressed."""
    said = ",".join(codings).lower()
    if wrong := [one for one in map(str.strip, said.split(",")) if one not in ("", "identity")]:
        raise _refused(
            f"content encoding {wrong[0][:20]!r} is not supported: send the body uncompressed",
            {"Accept-Encoding": "identity"},
        )


def _refused(what: str, headers: dict[str, str]) -> Problem:
    more = {"taken": list(TAKEN), "taken_encodings": ["identity"]}
    return Problem(415, f"{what}; taken are {', '.join(TAKEN)}", more=more, headers=headers)
