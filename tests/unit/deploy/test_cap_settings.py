"""``[cap]`` in a city's file: the city as a sender of CAP, its faults with their line, and the key that signs."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.city.cap import publisher_of, signer_of
from deploy.city.city import City, check_surroundings, city_of_text, load_city
from deploy.city.names import shipped_cities
from deploy.city.read import read_toml
from deploy.faults import UsageFault
from tests.unit.connectors.test_xml_signature import a_certificate, a_key, is_valid, pem

TOWN = """\
name = "testcity"
timezone = "Etc/UTC"
law = "us"
bounds = { south = 1, west = 1, north = 2, east = 2 }
rule = [{ name = "joint-incident" }]
[cap]
"""


def a_city(folder: Path, about: str) -> City:
    path = folder / "town.toml"
    path.write_text(TOWN + about, encoding="utf-8")
    return city_of_text(path, *read_toml(path, ""))


@pytest.mark.parametrize("name", shipped_cities())
def test_every_shipped_city_sends_and_one_that_is_simulated_only_exercises(name: str) -> None:
    city = load_city(name)
    publisher = publisher_of(city.file, city.rules.spoken)
    assert publisher.sender == city.context("x").cap_sender == f"alerts@{name}.invalid"
    is_simulated = any(one.type == "simulated_calls" for one in city.file.source)
    assert publisher.status == ("Exercise" if is_simulated else "Actual")
    assert publisher.public == ({"119"} if name == "demo" else {"public"})


def test_the_file_says_how_a_city_sends(tmp_path: Path) -> None:
    city = a_city(
        tmp_path,
        """sender = "alerts@town.example"
languages = ["ko"]
public = ["public", "fire"]
restrictions = { police = "for the police" }
status = "Test"
lasts_h = 0.5
""",
    )
    publisher = publisher_of(city.file, "en")
    assert (publisher.sender, publisher.languages, publisher.lasts_ms) == (
        "alerts@town.example",
        ("ko",),
        1_800_000,
    )
    assert [publisher.scope(one) for one in ("fire", "police", "119")] == ["Public", "Restricted", "Private"]
    assert (publisher.status, city.context("x").cap_sender) == ("Test", "alerts@town.example")


@pytest.mark.parametrize(
    ("about", "line", "told"),
    [
        ('sender = "no address"', 7, "must be an address without space"),
        ('\nsender = "a,b"', 8, "must be an address without space"),
        ('languages = ["english, german"]', 7, "languages"),
        ('status = "exercise"', 7, "Exercise"),
        ("lasts_h = 0", 7, "lasts_h"),
        ('public = ["119"]\nrestrictions = { 119 = "x" }', 8, "'119' is public, too"),
        ('url = "city.example"', 7, "url"),
        ('url = "https://city.example/"', 7, "url"),
        ('certificate = "c.pem"', 7, "without key"),
        ('sendr = "a@b"', 7, "no such setting"),
    ],
)
def test_a_fault_is_told_with_its_line(tmp_path: Path, about: str, line: int, told: str) -> None:
    with pytest.raises(UsageFault) as fault:
        a_city(tmp_path, about)
    said = f"{fault.value.what} {fault.value.hint}"
    assert f"line {line}:" in said
    assert told in said


def test_a_key_that_is_not_here_is_told_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for about in ('key = "/nowhere/key.pem"', 'key = "${TOWN_KEY}"'):
        with pytest.raises(UsageFault, match=r"line 7: cap\.key"):
            check_surroundings(a_city(tmp_path, about))
    monkeypatch.setenv("TOWN_KEY", pem(a_key("ec")).decode())
    assert check_surroundings(a_city(tmp_path, 'key = "${TOWN_KEY}"')) == []


@pytest.mark.parametrize("is_file", [True, False])
def test_a_key_of_a_file_or_of_the_environment_signs(tmp_path: Path, is_file: bool) -> None:
    said = {"key": pem(a_key("ec")).decode(), "certificate": a_certificate("ec").decode()}
    if is_file:
        for name, text in said.items():
            (tmp_path / name).write_text(text, encoding="ascii")
        said = {name: str(tmp_path / name) for name in said}
    sign = signer_of(said, "town")
    assert sign is not None
    assert is_valid(sign(b"<alert/>"), "ec", tmp_path)


def test_without_a_key_nothing_signs_and_a_key_that_is_lost_is_told(tmp_path: Path) -> None:
    assert signer_of({"key": None}, "town") is None
    with pytest.raises(UsageFault, match=r"city town: cap\.key cannot be read: No such file"):
        signer_of({"key": str(tmp_path / "lost.pem")}, "town")
