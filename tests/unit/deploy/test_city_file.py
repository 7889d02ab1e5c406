"""A city file that is wrong says the line, what is wrong with it, and what to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.city import load_city, shipped_cities, with_secrets
from deploy.faults import UsageFault

GOOD = """\
name = "testcity"
timezone = "Etc/UTC"
law = "us"

[bounds]
south = 1
west = 1
north = 2
east = 2

[[source]]
name = "cameras"
type = "generated_cameras"
count = 5

[[rule]]
name = "joint-incident"
radius_m = 150
"""


@pytest.mark.parametrize("name", shipped_cities())
def test_every_shipped_city_is_sound(name: str) -> None:
    assert load_city(name).name == name


def test_a_city_is_read_with_the_numbers_of_its_rule(tmp_path: Path) -> None:
    assert load_city(written(tmp_path, GOOD)).rules.radius_m == 150


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("testcity", "Test City", 1, "lower-case"),
        ("Etc/UTC", "Mars/Olympus", 2, "IANA"),
        ('"us"', '"atlantis"', 3, "atlantis"),
        ("north = 2", "north = 91", 8, "90"),
        ("count = 5", "count = -1", 14, "count"),
        ("count = 5", "cuont = 5", 14, "cuont"),
        ('"joint-incident"', '"other"', 17, "no rule 'other'"),
        ("radius_m = 150", "radius_m = -1", 18, "radius_m"),
    ],
)
def test_an_error_names_its_line(tmp_path: Path, old: str, new: str, line: int, says: str) -> None:
    assert old in GOOD
    with pytest.raises(UsageFault) as fault:
        load_city(written(tmp_path, GOOD.replace(old, new)))
    assert f"line {line}:" in fault.value.what
    assert says in fault.value.what
    assert fault.value.hint


def test_what_is_no_toml_says_where(tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match="line 1"):
        load_city(written(tmp_path, "name = "))


def test_an_unknown_city_is_told_the_known_ones() -> None:
    with pytest.raises(UsageFault, match="houston"):
        load_city("atlantis")


def test_secrets_come_from_the_environment_and_their_absence_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("A_KEY", "s3cret")
    settings = {"url": "https://x/?k=${A_KEY}", "headers": {"k": ["${A_KEY}"]}, "every_s": 5}
    assert with_secrets(settings, "source 'a'") == {
        "url": "https://x/?k=s3cret", "headers": {"k": ["s3cret"]}, "every_s": 5
    }  # fmt: skip
    monkeypatch.delenv("A_KEY")
    with pytest.raises(UsageFault, match="source 'a' needs the secret A_KEY"):
        with_secrets(settings, "source 'a'")


def test_a_source_of_another_place_is_held_against_its_own_bounds_and_no_other_is(tmp_path: Path) -> None:
    elsewhere = GOOD.replace("count = 5", "count = 5\nbounds = { south = 5, west = 5, north = 6, east = 6 }")
    city = load_city(written(tmp_path, elsewhere))
    assert city.context("cameras").bounds.holds(5.5, 5.5)
    assert not city.context("cameras").bounds.holds(1.5, 1.5)
    assert city.context("another").bounds.holds(1.5, 1.5)


def written(folder: Path, text: str) -> str:
    file = folder / "testcity.toml"
    file.write_text(text, encoding="utf-8")
    return str(file)
