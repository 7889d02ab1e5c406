"""Sites that crews must know of: dangerous goods, closed roads. Which of them are near a place, and hold now. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.errors import Invalid
from streams.geo import Grid
from streams.situations.entry import Entry
from streams.situations.model import Position, Site
from streams.situations.reports.cameras import CELL_DEG
from streams.situations.reports.facts import position_of, source_of

SITE = "place.site"


@dataclass(slots=True)
class SiteIndex:
    """A city's sites, by id and by place."""

    sites: dict[str, Site] = field(default_factory=dict)
    grid: Grid[str] = field(default_factory=lambda: Grid(CELL_DEG))

    def put(self, site: Site) -> None:
        before = self.sites.pop(site.site_id, None)
        if before is not None and before.position is not None:
            self.grid.remove(site.site_id, before.position.lat, before.position.lon)
        self.sites[site.site_id] = site
        if site.position is not None:
            self.grid.add(site.site_id, site.position.lat, site.position.lon)

    def near(self, place: Position, radius_m: float, now: int) -> list[tuple[Site, float]]:
        """(site, metres) of those that hold now, nearest first."""
        found = sorted((away_m, its_id) for its_id, away_m in self.grid.near(place.lat, place.lon, radius_m))
        return [(self.sites[its_id], away_m) for away_m, its_id in found if self.sites[its_id].holds(now)]


def site_of(entry: Entry, known: Mapping[str, Site], most: int) -> Site:
    """``Invalid`` names the field that is missing or cannot be, or says that the city holds as many as it may."""
    value = entry.value
    try:
        site = Site(
            site_id=value["site_id"],
            position=position_of(value["position"]),
            kind=value["kind"],
            name=value["name"],
            detail=value["detail"],
            starts_at=value["starts_at"],
            ends_at=value["ends_at"],
            source=source_of(entry),
        )
    except KeyError as error:
        field_name = str(error.args[0])
        raise Invalid(f"{entry.topic}: no {field_name}", field=field_name, expected="a value") from None
    if not site.site_id.strip() or not site.kind.strip():
        raise Invalid(f"{entry.topic}: a site has an id and a kind", field="site_id", expected="a name")
    if site.site_id not in known and len(known) >= most:
        raise Invalid(f"{entry.topic}: too many sites", field="site_id", expected=f"at most {most}")
    return site
