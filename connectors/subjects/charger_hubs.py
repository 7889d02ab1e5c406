"""States of a charger's connectors as ``mobility.hub`` tells them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.subjects.charging_sessions import Charger

KIND = "charging"
OUT_OF_SERVICE = ("inoperative", "out_of_order")
WHOLE = "0"
"""The connector of OCPP 1.6 that stands for the charger itself."""


def connector_states(connectors: Mapping[str, str]) -> list[str]:
    """The states of a charger's *connectors*, of which one may stand for the charger itself."""
    whole = connectors.get(WHOLE)
    others = [state for key, state in connectors.items() if key != WHOLE]
    if whole is None or not others:
        return others if whole is None else [whole]
    return [whole] * len(others) if whole in OUT_OF_SERVICE else others


def hub_said(charger: Charger, counts: Sequence[tuple[str, int]], *, is_stale: bool) -> dict[str, Any]:
    """The fields of ``mobility.hub`` of *charger*. *counts*: state → how many of its connectors are in it."""
    return {
        "hub_id": charger.charger_id,
        "kind": KIND,
        "operator": charger.operator,
        "chargers": [{"state": one, "count": count} for one, count in counts],
        "is_stale": is_stale,
    }
