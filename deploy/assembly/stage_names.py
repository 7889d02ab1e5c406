"""The names of the stages, for commands that only need to know them."""

from __future__ import annotations

STAGES = (
    "ingest",
    "match",
    "speed",
    "drones",
    "chargers",
    "energy",
    "hubs",
    "persons",
    "situations",
    "deliver",
)
HTTP_STAGES = ("gateway", "console")
"""The stages that answer HTTP. The console is the gateway without the agencies' doors."""
