"""The console's files: every word in every language, nothing from elsewhere, and a city as its pages need it."""

from __future__ import annotations

import json
import re

import pytest

from connectors.sinks.console.city import LANGUAGES, ConsoleCity
from connectors.sinks.console.console import POLICY, pages

WORDS = {language: json.loads(pages()[f"words/{language}.json"].body) for language in LANGUAGES}
MODULES = {
    path: page.body.decode()
    for path, page in pages().items()
    if path.endswith(".js") and not path.startswith("leaflet/")
}
SAID = re.compile(r"""\bsay\(\s*["']([^"'`$]+)["']""")
FORBIDDEN = (
    "innerHTML",
    "outerHTML",
    "insertAdjacentHTML",
    "document.write",
    "eval(",
    "bindPopup",
    "bindTooltip",
    "http://",
    "https://",
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_word_that_a_module_says_is_in_the_file_of_each_language(language: str) -> None:
    said = {word for text in MODULES.values() for word in SAID.findall(text)}
    assert len(said) > 50
    assert said - WORDS[language].keys() == set()


def test_the_languages_have_the_same_words_with_the_same_places() -> None:
    places = {
        language: {word: set(re.findall(r"\{\w+\}", text)) for word, text in words.items()}
        for language, words in WORDS.items()
    }
    for language in LANGUAGES:
        assert places[language] == places["en"]


@pytest.mark.parametrize("path", sorted(MODULES))
def test_no_module_reads_markup_out_of_text_or_asks_another_server(path: str) -> None:
    assert [word for word in FORBIDDEN if word in MODULES[path]] == []


def test_the_policy_allows_the_server_s_own_files_only() -> None:
    policy = POLICY.format(video="'self'")
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "*" not in policy


def test_each_action_has_a_name_and_an_explanation() -> None:
    actions = ("acknowledge", "take_over", "confirm", "note", "file", "join", "separate", "close", "reopen")
    for language in LANGUAGES:
        assert {f"act.{one}" for one in actions} <= WORDS[language].keys()
        assert {f"act.{one}.about" for one in actions} <= WORDS[language].keys()


def test_a_city_s_procedure_and_pictures_are_for_those_who_signed_in() -> None:
    city = ConsoleCity(
        "demo", "Demo", "Asia/Seoul", (36.0, 127.0, 37.0, 128.0), video="/v/{camera}",
        layers=[b"{}"], steps={"crash": ("Send an ambulance",)},
    )  # fmt: skip
    inside, outside = (city.told(is_signed_in=one) for one in (True, False))
    assert (
        inside["bounds"] == outside["bounds"] == {"south": 36.0, "west": 127.0, "north": 37.0, "east": 128.0}
    )
    assert inside["kinds"]["crash"] == {"en": "Traffic crash", "ko": "교통사고"}
    assert inside["steps"] == {"crash": ["Send an ambulance"]}
    assert (inside["video"], inside["layers"]) == ("/v/{camera}", ["/console/api/layers/0"])
    assert (outside["video"], outside["layers"], outside["steps"]) == (None, [], {})
