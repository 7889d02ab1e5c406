"""A restart puts all reports into the index at once: the index must equal that of one report after another."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from deploy.laws import law_named
from streams.situations.config import RulesConfig
from streams.situations.model import Incident, Position
from streams.situations.reports.joining import IncidentIndex

CONFIG = RulesConfig.model_validate({"city": "c", "law": law_named("us")})
WINDOW_MS = round(CONFIG.window_max_s * 1000)
KINDS = ("crash.vehicle", "medical", "fire.building", "theft")
CENTRES = ((29.76, -95.37), (0.0, 180.0), (-16.8, -179.999), (89.999, 10.0), (-90.0, 0.0), (60.0, 25.0))


@st.composite
def reports(draw: st.DrawFn) -> list[Incident]:
    """Reports around one place on the sphere, date line and poles included; a few without a place."""
    lat, lon = draw(st.sampled_from(CENTRES))
    steps = st.integers(-6, 6)
    made = draw(
        st.lists(st.tuples(steps, steps, st.integers(-5, 5), st.sampled_from(KINDS), st.sampled_from("AB-")))
    )
    return [
        an_incident(
            number, at=(lat + north * 0.0011, lon + east * 0.0013), when=when, kind=kind, agency=agency
        )
        for number, (north, east, when, kind, agency) in enumerate(made)
    ]


def an_incident(number: int, *, at: tuple[float, float], when: int, kind: str, agency: str) -> Incident:
    lat, lon = max(-90.0, min(90.0, at[0])), (at[1] + 180) % 360 - 180
    where = None if agency == "-" else Position(lat, lon)
    at_ms = 1_772_967_600_000 + when * WINDOW_MS // 2
    words = ("fire", agency, str(number), kind, "open", at_ms, where, 1, "e", "t", 0, 0, at_ms)
    return Incident(f"I{number}", *words)


@given(reports())
def test_put_at_once_is_put_one_after_another(incidents: list[Incident]) -> None:
    at_once, one_by_one = IncidentIndex(CONFIG), IncidentIndex(CONFIG)
    at_once.fill(incidents)
    for incident in incidents:
        one_by_one.put(incident)
    assert at_once == one_by_one


def test_the_comparison_meets_partners_on_both_sides_of_the_date_line() -> None:
    pair = [
        an_incident(number, at=(0.0, lon), when=0, kind="crash.vehicle", agency=agency)
        for number, (lon, agency) in enumerate(((179.9999, "A"), (-179.9999, "B")))
    ]
    index = IncidentIndex(CONFIG)
    index.fill(pair)
    assert [index.possible_partners(one.incident_id) for one in pair] == [["I1"], ["I0"]]
