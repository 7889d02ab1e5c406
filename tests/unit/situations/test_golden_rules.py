"""The kinds that join, and how grave each kind is, written down apart from the rules' file."""

from __future__ import annotations

from itertools import combinations_with_replacement

from schemas.kinds import load_kinds
from tests.unit.situations.a_city import rules

QUARTER, HALF_HOUR, TEN_MINUTES = 900, 1_800, 600

JOIN = {
    # a crash, and what comes of it
    ("crash", "crash"): (200, QUARTER),
    ("crash", "medical"): (200, QUARTER),
    ("crash", "rescue"): (200, QUARTER),
    ("crash", "fire.vehicle"): (200, QUARTER),
    ("crash", "hazard.fuel"): (200, QUARTER),
    ("crash", "wires"): (200, QUARTER),
    # a fire; a detector speaks long before anybody sees it
    ("fire", "fire"): (200, QUARTER),
    ("fire", "crime.arson"): (200, QUARTER),
    ("fire", "alarm.smoke"): (200, HALF_HOUR),
    ("fire", "alarm.automatic"): (200, HALF_HOUR),
    ("fire", "alarm.water-flow"): (200, HALF_HOUR),
    # gas is smelt first, and its explosion is heard from afar
    ("gas", "gas"): (200, QUARTER),
    ("gas", "alarm.carbon-monoxide"): (200, QUARTER),
    ("gas", "fire.explosion"): (300, HALF_HOUR),
    # people who are hurt, stuck or missing
    ("medical", "medical"): (200, QUARTER),
    ("rescue", "rescue"): (200, QUARTER),
    ("missing", "missing"): (200, QUARTER),
    ("missing", "rescue"): (200, QUARTER),
    # crimes against persons; next door is another bar
    ("crime.assault", "medical"): (200, QUARTER),
    ("crime.robbery", "medical"): (200, QUARTER),
    ("crime.assault", "crime.assault"): (150, TEN_MINUTES),
    ("crime.robbery", "crime.robbery"): (200, QUARTER),
    ("crime.kidnapping", "crime.kidnapping"): (200, QUARTER),
    # an alarm names its building
    ("crime.robbery", "alarm.intrusion"): (100, TEN_MINUTES),
    ("crime.burglary", "alarm.intrusion"): (100, TEN_MINUTES),
    ("alarm.intrusion", "alarm.intrusion"): (100, TEN_MINUTES),
    ("alarm.smoke", "alarm.smoke"): (100, QUARTER),
    ("alarm.smoke", "alarm.automatic"): (100, QUARTER),
    ("alarm.automatic", "alarm.automatic"): (100, QUARTER),
    # help that was asked for by name
    ("assist", "medical"): (300, HALF_HOUR),
    ("assist", "fire"): (300, HALF_HOUR),
    ("assist", "rescue"): (300, HALF_HOUR),
}
"""Pair → metres and seconds within which two agencies' reports may be of one happening. A kind holds all below it."""

GRAVITY = {
    ("extreme", "immediate"): """
        rescue.collapse rescue.aircraft crime.kidnapping warning.weather.tornado warning.tsunami warning.earthquake""",
    ("severe", "immediate"): """
        fire fire.building fire.building.residential fire.vehicle fire.vegetation fire.explosion
        crash.fatal crash.pedestrian crash.motorcycle crash.injury
        rescue rescue.water gas.leak medical.life-threat crime.robbery crime.assault crime.weapon
        warning.flood.flash warning.hazmat""",
    ("moderate", "immediate"): """
        crash crash.vehicle crash.hit-and-run missing gas fire.electrical fire.outdoor
        wires wires.down wires.arcing wires.pole wires.transformer
        medical medical.unknown-problem medical.overdose medical.transport""",
    ("moderate", "expected"): """
        warning warning.weather warning.weather.wind warning.weather.thunderstorm warning.weather.typhoon
        warning.weather.rain warning.weather.snow warning.weather.cold warning.weather.heat warning.weather.fog
        warning.weather.dust warning.weather.dry warning.weather.sea warning.flood warning.flood.coastal
        warning.volcano warning.landslide warning.fire warning.air warning.environment warning.health
        warning.security warning.missing warning.infrastructure warning.transport""",
    ("minor", "expected"): """
        crash.minor fire.check rescue.elevator medical.check
        alarm alarm.automatic alarm.smoke alarm.water-flow alarm.carbon-monoxide alarm.intrusion
        hazard hazard.traffic hazard.fuel hazard.electrical
        crime crime.larceny crime.burglary crime.vehicle-theft crime.fraud crime.vandalism crime.trespass crime.harassment
        crime.arson crime.impaired-driving
        disturbance assist assist.medical assist.fire assist.police""",
    ("minor", "future"): "standby",
    ("unknown", "unknown"): """
        other death disaster vulnerable wanted wanted.candidate check check.welfare check.call check.suspicious check.drone
        intrusion intrusion.drone intrusion.boat intrusion.person intrusion.vehicle
        traffic traffic.stop traffic.stalled traffic.parking traffic.jam patrol animal
        service service.hub service.charger service.vehicle service.ride service.surplus""",
}
"""CAP's severity and urgency → every kind that is told so. disaster, vulnerable, wanted, intrusion: rules of their own."""

ORDER = """
    rescue.collapse rescue.aircraft warning.weather.tornado warning.tsunami warning.earthquake
    crime.kidnapping fire.building crash.fatal rescue.water gas.leak crime.robbery
    crime.weapon fire.vehicle fire.vegetation fire crash.pedestrian crash.motorcycle crash.injury crime.assault
    medical.life-threat rescue warning.flood.flash warning.hazmat
    crash.hit-and-run crash.vehicle crash missing gas wires fire.electrical fire.outdoor
    medical warning crash.minor fire.check rescue.elevator alarm hazard medical.check crime disturbance assist standby
    other"""
"""The gravest first: of several reports the first of these names the situation."""


def test_these_pairs_join_within_these_bounds_and_no_other() -> None:
    config = rules()
    found = {
        pair.kinds: (
            pair.radius_m or config.radius_m,
            config.window_s if pair.window_s is None else pair.window_s,
        )
        for pair in config.matrix
    }
    assert found == JOIN
    assert len(config.matrix) == len(JOIN)


def test_every_two_kinds_of_the_tree_join_as_the_pairs_of_their_ancestors_say() -> None:
    config, kinds = rules(), load_kinds()
    for one, other in combinations_with_replacement(kinds.names, 2):
        allowed = {
            bounds
            for (first, second), bounds in JOIN.items()
            if (kinds.is_a(one, first) and kinds.is_a(other, second))
            or (kinds.is_a(one, second) and kinds.is_a(other, first))
        }
        reach = config.reach(one, other)
        found = None if reach is None else (reach.radius_m, reach.window_s)
        assert (found in allowed) if allowed else (found is None), (one, other)
        assert config.reach(other, one) == reach


def test_every_kind_of_the_tree_is_as_grave_and_urgent_as_written_here() -> None:
    config = rules()
    found = {}
    for kind in load_kinds().names:
        line = config.gravity[config.gravity_of(kind)]
        found[kind] = (line.severity, line.urgency)
    assert found == {kind: told for told, kinds in GRAVITY.items() for kind in kinds.split()}


def test_the_gravest_comes_first() -> None:
    assert [line.kind for line in rules().gravity] == ORDER.split()


def test_a_situation_stays_within_bounds() -> None:
    bounds = rules().bounds
    assert (bounds.incidents, bounds.partners, bounds.span_m, bounds.span_min) == (6, 8, 600, 90)
    assert (rules().radius_m, rules().window_s, rules().observed_from) == (200, QUARTER, 2)


def test_cameras_bear_out_these_kinds_only() -> None:
    assert [(one.kind, set(one.labels)) for one in rules().corroborate] == [
        ("fire", {"smoke", "fire"}),
        ("alarm", {"smoke", "fire"}),
        ("crash", {"collision"}),
        ("medical", {"person_down"}),
        ("crime.assault", {"fight"}),
        ("disturbance", {"fight", "crowd"}),
    ]
