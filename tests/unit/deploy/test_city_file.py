"""A wrong city file gives the line, the fault, and what to write."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from deploy.city.city import load_city, with_rules_of, with_secrets
from deploy.city.names import shipped_cities
from deploy.cli.city import city as city_command
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


SURGE = """
[[rule]]
name = "surge"
{shadow}
[rule.families.alarm]
kinds = ["alarm"]
per_hour = 2
"""


def test_a_city_says_which_rules_are_in_force_and_which_are_only_tried(tmp_path: Path) -> None:
    rules = load_city(written(tmp_path, GOOD + SURGE.format(shadow=""))).rules
    assert [one.name for one in rules.others] == ["surge"] and rules.shadows == ()
    wider = '\n[[rule]]\nname = "joint-incident"\nshadow = true\nradius_m = 400\n'
    tried = load_city(written(tmp_path, GOOD + SURGE.format(shadow="shadow = true") + wider)).rules
    assert tried.others == () and {one.name for one in tried.shadows} == {"surge", "joint-incident"}
    candidate = tried.candidate()
    assert candidate is not None and candidate.radius_m == 400 and len(candidate.others) == 1


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ('\n[[rule]]\nname = "surge"\n', "families"),
        (SURGE.format(shadow="") + SURGE.format(shadow=""), "second rule"),
        (SURGE.format(shadow="raise_at = -1"), "raise_at"),
        ('\n[[rule]]\nname = "joint-incident"\nshadow = true\nradius_m = -1\n', "radius_m"),
    ],
)
def test_a_rule_that_cannot_be_says_where(tmp_path: Path, more: str, says: str) -> None:
    with pytest.raises(UsageFault, match=says) as fault:
        load_city(written(tmp_path, GOOD + more))
    assert ", line " in fault.value.what


def test_other_rules_for_the_same_city_come_from_a_file_of_rules_alone(tmp_path: Path) -> None:
    city = load_city(written(tmp_path, GOOD))
    alone = tmp_path / "candidate.toml"
    alone.write_text('[[rule]]\nname = "joint-incident"\nradius_m = 400\n')
    assert with_rules_of(city, alone).rules.radius_m == 400
    alone.write_text("radius_m = 400\n")
    with pytest.raises(UsageFault, match="no \\[\\[rule"):
        with_rules_of(city, alone)


def test_a_check_names_the_rule_in_shadow_whose_watch_nobody_opens(tmp_path: Path) -> None:
    path = tmp_path / "testcity.toml"
    path.write_text(f'{GOOD}\n[[rule]]\nname = "unconfirmed"\nshadow = true\n', encoding="utf-8")
    told = CliRunner().invoke(city_command, ["check", str(path)])
    assert told.exit_code == 0
    assert "in shadow, unconfirmed: a candidate sees only what the watches in force find" in told.output


PUSHED = """
[[source]]
name = "rows"
type = "mapped_rows"
push = true
domain = "fire"
agency = "119"
[source.columns]
case_no = "no"
time = "time"
kind_text = "what"
"""


def test_a_pushed_source_is_bound_to_its_agencies(tmp_path: Path) -> None:
    bound = load_city(written(tmp_path, GOOD + PUSHED))
    assert bound.agencies_of("rows") == {"119"}
    several = GOOD + PUSHED + 'agency = "service"\n'
    with pytest.raises(UsageFault, match=r"source 'rows' is pushed, and nothing says for which") as fault:
        load_city(written(tmp_path, several))
    assert "speaks_for" in fault.value.hint
    told = load_city(
        written(tmp_path, several.replace("push = true", 'push = true\nspeaks_for = ["119", "120"]'))
    )
    assert told.agencies_of("rows") == {"119", "120"} == set(told.context("rows").speaks_for)
    assert load_city(written(tmp_path, several.replace("push = true\n", ""))).agencies_of("rows") == set()


def test_the_shipped_city_that_is_pushed_to_names_whose_reports_they_are() -> None:
    city = load_city("demo")
    assert city.agencies_of("reports-push") == {"112", "police"}
    assert city.agencies_of("onvif") == set()


def test_a_source_knows_the_language_in_which_its_city_is_told() -> None:
    assert load_city("daejeon").context("any").language == "ko"
    assert load_city("houston").context("any").language == "en"
