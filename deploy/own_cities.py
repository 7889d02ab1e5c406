"""A user's own cities that do not run: one whose file is wrong, one that never ran on this cluster."""

from __future__ import annotations

from deploy.city.city import load_city
from deploy.city.names import own_cities
from deploy.faults import UsageFault
from deploy.platform import Platform
from deploy.topic_values import has_run, never_ran


def idle_cities(platform: Platform) -> dict[str, dict[str, str]]:
    """Own city → its state and the cure, of those that do not run; ``CITY/SOURCE`` of a source that was left out."""
    idle = {}
    for name in own_cities():
        try:
            city = load_city(name)
        except UsageFault as fault:
            idle[name] = {"state": f"is wrong: {fault.what}", "cure": fault.hint}
            continue
        for one in city.left_out:
            idle[f"{name}/{one.name}"] = {"state": f"is left out: {one.what}", "cure": one.hint}
        if not has_run(platform, city.name):
            idle[name] = {"state": "never ran here", "cure": never_ran(city).hint}
    return idle
