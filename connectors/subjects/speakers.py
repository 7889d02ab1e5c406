"""Agencies for which a source may speak. Pure.

The city's file binds a source to its agencies (``speaks_for``); a record that names another is refused. So no agency
reports, answers a filing or asks for a vehicle in another's name.
"""

from __future__ import annotations

from collections.abc import Collection

from connectors.base import SourceContext
from schemas.errors import Invalid

OWN = {"fire": ("fire", "119"), "police": ("police", "112"), "civil": ("civil",)}
"""The agencies of a source for which the city's file names none: its domain's own service, by name or by number."""


def own_agencies(context: SourceContext, *, domain: str) -> tuple[str, ...]:
    """The agencies for which a source of *domain*, whose records name their agency, may speak."""
    return context.speaks_for or OWN.get(domain, ())


def checked_agency(agency: str, agencies: Collection[str]) -> str:
    """*agency* itself. ``Invalid`` for one that is none of *agencies*; where these are empty, any agency may."""
    if agencies and agency not in agencies:
        raise Invalid(
            "the source does not speak for this agency",
            field="agency",
            expected=f"{' or '.join(sorted(agencies))}, or an agency that speaks_for of the source names",
        )
    return agency
