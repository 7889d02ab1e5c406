"""A language is a file: found by its name, complete where it ships; a third one needs a file and nothing else."""

from __future__ import annotations

import tomllib
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from schemas.errors import Fatal
from schemas.kinds import load_kinds
from streams.situations import languages
from streams.situations.config import RulesConfig
from streams.situations.rules.in_force import CityRules, rule_file, rule_names
from streams.situations.terms import JOINT_INCIDENT
from tests.unit.situations.a_city import City, an_incident, rules

THAI = """
name = "ไทย"
[headlines]
alert = "{kind}: {agencies}, {status}"
update = "{kind}: {agencies}, {status}"
cancel = "{kind}: สิ้นสุด"
merged = "{kind}: รวมแล้ว"
left = "{kind}: ย้ายแล้ว"
[headlines.statuses]
open = "รับแจ้ง"
dispatched = "กำลังไป"
arrived = "ถึงแล้ว"
closed = "ปิด"
[kinds]
"crash.vehicle" = "รถชน"
"""


@pytest.fixture
def a_third(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of languages with one more file in it."""
    for path in languages.FOLDER.glob("*.toml"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "th.toml").write_text(THAI, encoding="utf-8")
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


def test_a_third_language_is_another_file_and_nothing_else(a_third: Path) -> None:
    assert list(languages.languages()) == ["en", "ko", "th"]
    config = rules(language="th")
    assert headline(config) == "รถชน: 119, รับแจ้ง"
    assert headline(config, "fire") == "Fire: 119, รับแจ้ง", (
        "a kind without a name in it is called by its English one"
    )


def test_what_a_language_has_no_words_for_is_said_in_the_fallback(a_third: Path) -> None:
    assert list(languages.words_of("surge")) == ["en", "ko"]


def test_the_words_of_then_are_told_again_when_the_file_is_gone(a_third: Path) -> None:
    kept = rules(language="th").canonical()
    (a_third / "th.toml").unlink()
    languages.languages.cache_clear()
    with pytest.raises(ValueError, match="no headlines in language 'th': there are en, ko"):
        rules(language="th")
    assert headline(CityRules.model_validate(kept)) == "รถชน: 119, รับแจ้ง"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "th.toml: name: is missing"),
        ("name = ", "th.toml: Invalid value"),
        (THAI + 'colour = "red"\n[extra]\n', "th.toml"),
    ],
)
def test_a_file_that_is_wrong_is_named(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "th.toml").write_text(text, encoding="utf-8")
    with pytest.raises(Fatal, match=says):
        languages.read_languages(tmp_path)


@pytest.mark.parametrize("code", [path.stem for path in sorted(languages.FOLDER.glob("*.toml"))])
def test_a_language_that_ships_says_everything_with_the_same_fields(code: str) -> None:
    ours, theirs = (_templates(languages.languages()[one]) for one in (code, languages.FALLBACK))
    assert ours.keys() == theirs.keys()
    assert {name: _fields(said) for name, said in ours.items()} == {
        name: _fields(said) for name, said in theirs.items()
    }
    assert set(languages.kind_names(code)) == set(load_kinds().names)
    rules(language=code)


def test_the_check_of_completeness_notices_what_is_missing(a_third: Path) -> None:
    ours, theirs = (_templates(languages.languages()[one]) for one in ("th", "en"))
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
