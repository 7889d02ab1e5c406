"""A language is a file: found by its name, complete where it ships; another one needs a file and nothing else."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from msgspec.structs import replace

from deploy.city.city import load_city
from schemas.errors import Fatal
from schemas.kinds import load_kinds
from streams.situations import languages
from streams.situations.config import RulesConfig
from streams.situations.rules.in_force import CityRules, rule_file, rule_names
from streams.situations.rules.parts.settings import Speech
from streams.situations.state.rows import body_of, situation_from
from streams.situations.terms import JOINT_INCIDENT
from streams.situations.words import Wording, others_of, text_of
from tests.letters import foreign_letters, has_own_letters, thai_faults
from tests.unit.situations.a_city import City, an_incident, rules

GERMAN = """
name = "Deutsch"
[headlines]
alert = "{kind}: {agencies}, {status}"
update = "{kind}: {agencies}, {status}"
cancel = "{kind}: beendet"
merged = "{kind}: zusammengelegt"
left = "{kind}: abgegeben"
[headlines.statuses]
open = "gemeldet"
dispatched = "unterwegs"
arrived = "vor Ort"
closed = "geschlossen"
[kinds]
"crash.vehicle" = "Autounfall"
"""


CODES = [path.stem for path in sorted(languages.FOLDER.glob("*.toml"))]


@pytest.fixture
def one_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of languages with one more file in it."""
    for path in languages.FOLDER.glob("*.toml"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "de.toml").write_text(GERMAN, encoding="utf-8")
    monkeypatch.setattr(languages, "FOLDER", tmp_path)
    languages.languages.cache_clear()
    return tmp_path


@pytest.fixture(autouse=True)
def _as_shipped() -> Any:
    yield
    languages.languages.cache_clear()


def headline(config: RulesConfig, kind: str = "crash.vehicle") -> str:
    city = City(config)
    city.take(an_incident(kind=kind))
    return str(city.all("core.alert")[-1]["headline"])


def test_a_further_language_is_another_file_and_nothing_else(one_more: Path) -> None:
    assert list(languages.languages()) == ["en", "de", "ko", "th"]
    config = rules(language="de")
    assert headline(config) == "Autounfall: 119, gemeldet"
    assert headline(config, "fire") == "Fire: 119, gemeldet", (
        "a kind without a name in it is called by its English one"
    )


def alerts_in(*codes: str, kind: str = "crash.vehicle", **other: Any) -> list[dict[str, Any]]:
    """The alerts of a city that speaks Korean and tells in *codes*, too."""
    further = {code: languages.kind_names(code) for code in codes}
    city = City(rules(language="ko", further_names=further, **other))
    city.take(an_incident(kind=kind))
    city.take(an_incident(kind=kind, status="closed", revision=2))
    return [dict(one) for one in city.all("core.alert")]


def test_an_alert_is_told_in_every_language_that_the_city_has_words_for(one_more: Path) -> None:
    told = alerts_in("de", "en")
    assert {one["headline"] for one in told} == {"차량 사고 발생: 119, 접수", "차량 사고: 상황 종료"}
    assert next(one["headlines"] for one in told if one["message_type"] == "alert") == [
        {"language": "de", "headline": "Autounfall: 119, gemeldet"},
        {"language": "en", "headline": "Vehicle crash: 119, reported"},
    ]
    last = {one["language"]: one["headline"] for one in told[-1]["headlines"]}
    assert last == {"en": "Vehicle crash: ended", "de": "Autounfall: beendet"}


def test_further_languages_change_neither_when_an_alert_is_told_nor_its_own_words() -> None:
    def own(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
        apart = ("headlines", "rule_version")  # the version names the numbers, which have the names of kinds
        return [{name: value for name, value in one.items() if name not in apart} for one in told]

    assert own(alerts_in("en")) == own(alerts_in())
    assert all(one["headlines"] == [] for one in alerts_in())


def test_a_company_is_told_how_its_alarm_stands_in_each_language() -> None:
    told = alerts_in("en", companies=["119"])
    mine = next(one for one in told if one["audience"] == "119")
    assert (mine["headline"], mine["headlines"]) == (
        "차량 사고: 접수",
        [{"language": "en", "headline": "Vehicle crash: reported"}],
    )


def test_a_journal_of_before_there_were_further_languages_is_told_as_it_was() -> None:
    before = rules(language="ko")
    assert "further_names" not in before.canonical()
    assert CityRules.model_validate(before.canonical()).numbers == before.numbers


def test_a_citys_file_tells_in_all_languages_that_there_are() -> None:
    for name, own, further in (("daejeon", "ko", ["en", "th"]), ("houston", "en", ["ko", "th"])):
        its = load_city(name).rules
        assert (its.spoken, list(its.further)) == (own, further)
        for code in further:
            assert its.further_names[code]["fire"] == languages.kind_names(code)["fire"]


def test_words_in_several_languages_come_back_from_their_row() -> None:
    for words in (None, "one", Wording("one", (("en", "two"), ("th", "three")))):
        city = City(rules(language="ko"))
        city.take(an_incident())
        one = next(iter(city.state.situations.values()))
        kept = replace(one, view=replace(one.view, words=words))
        assert situation_from(body_of(kept)) == kept


RULES = {
    name: rule_file(name)
    for name in rule_names()
    if name != JOINT_INCIDENT and "headlines" in rule_file(name).Numbers.model_fields
}


NEEDED: dict[str, dict[str, Any]] = {"surge": {"families": {"fire": {"kinds": ["fire"], "per_hour": 1}}}}
"""The settings that a rule has no defaults for."""


@pytest.mark.parametrize("name", RULES)
def test_each_rule_says_its_words_in_every_language(name: str) -> None:
    config = rules(language="ko", further_names={code: languages.kind_names(code) for code in ("en", "th")})
    rule = RULES[name].build(config, NEEDED.get(name, {}))
    speech = next(iter(_speeches(rule)), None)
    assert speech is not None, f"{name} does not speak by Speech"
    words = RULES[name].Numbers.model_validate(NEEDED.get(name, {})).headlines["ko"]
    for template in type(words).model_fields:
        places = {place: said for place, said in words.places.items() if place != "kind"}
        told = speech.said(template, {"kind": "fire"}, **places)
        assert text_of(told).startswith("화재")
        assert [(code, said[:4]) for code, said in others_of(told)] == [("en", "Fire"), ("th", "เพลิ")]


def _speeches(part: Any) -> Iterator[Speech[Any]]:
    """The speech of a rule, or of one of its parts."""
    for one in vars(part).values():
        if isinstance(one, Speech):
            yield one
        elif type(one).__module__.startswith("streams.situations.rules") and hasattr(one, "__dict__"):
            yield from _speeches(one)


def test_what_a_language_has_no_words_for_is_said_in_the_fallback(one_more: Path) -> None:
    assert list(languages.words_of("surge")) == ["en", "ko", "th"]


def test_the_words_of_then_are_told_again_when_the_file_is_gone(one_more: Path) -> None:
    kept = rules(language="de").canonical()
    (one_more / "de.toml").unlink()
    languages.languages.cache_clear()
    with pytest.raises(ValueError, match="no headlines in language 'de': there are en, ko, th"):
        rules(language="de")
    assert headline(CityRules.model_validate(kept)) == "Autounfall: 119, gemeldet"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "de.toml: name: is missing"),
        ("name = ", "de.toml: Invalid value"),
        (GERMAN + 'colour = "red"\n[extra]\n', "de.toml"),
    ],
)
def test_a_file_that_is_wrong_is_named(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "de.toml").write_text(text, encoding="utf-8")
    with pytest.raises(Fatal, match=says):
        languages.read_languages(tmp_path)


@pytest.mark.parametrize("code", CODES)
def test_a_language_that_ships_says_everything_with_the_same_fields(code: str) -> None:
    ours, theirs = (_templates(languages.languages()[one]) for one in (code, languages.FALLBACK))
    assert ours.keys() == theirs.keys()
    assert {name: _fields(said) for name, said in ours.items()} == {
        name: _fields(said) for name, said in theirs.items()
    }
    assert set(languages.kind_names(code)) == set(load_kinds().names)
    rules(language=code)


@pytest.mark.parametrize("code", CODES)
def test_a_language_that_ships_is_written_in_its_own_letters(code: str) -> None:
    ours, english = (_templates(languages.languages()[one]) for one in (code, languages.FALLBACK))
    kinds = {kind: load_kinds().name(kind) for kind in load_kinds().names}
    for said, meant in ((ours, english), (languages.kind_names(code), kinds)):
        for name, text in said.items():
            words, its = (re.sub(r"\{[^{}]*\}", "", one) for one in (text, meant[name]))
            assert foreign_letters(code, words) == set(), name
            assert has_own_letters(code, words) or not has_own_letters("en", its), name
            assert thai_faults(words) == [], name


def test_kinds_are_named_apart_from_each_other_in_each_language() -> None:
    for code in CODES:
        names = list(languages.kind_names(code).values())
        assert sorted(names) == sorted(set(names)), code


def test_the_check_of_completeness_notices_what_is_missing(one_more: Path) -> None:
    ours, theirs = (_templates(languages.languages()[one]) for one in ("de", "en"))
    assert theirs.keys() - ours.keys() >= {"surge.over", "unconfirmed.claimed"}


def test_no_rule_says_anything_that_stands_in_one_language_only() -> None:
    """A rule's texts are in the languages' files, or in every language beside its settings."""
    shipped = set(languages.languages())
    for name in rule_names():
        module = rule_file(name)
        file = Path(module.__file__)
        numbers = file.with_name("config.toml") if file.stem == "__init__" else file.with_suffix(".toml")
        beside = tomllib.loads(numbers.read_text(encoding="utf-8"))
        said = set(languages.words_of(name)) | set(beside.get("headlines", {}))
        assert not said or said == shipped or name == JOINT_INCIDENT, name


def _templates(language: languages.Language) -> dict[str, str]:
    plain = {name: said for name, said in language.headlines.items() if isinstance(said, str)}
    statuses = {f"statuses.{name}": said for name, said in language.headlines["statuses"].items()}
    own = {f"{rule}.{name}": said for rule, words in language.rules.items() for name, said in words.items()}
    return {**plain, **statuses, **own}


def _fields(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}
