"""The console's files: every word in every language, nothing from elsewhere, and a city as its pages need it."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import connectors.gateway
import streams.situations
from connectors.gateway.bookings import REFUSED as OF_RIDES
from connectors.gateway.case_right import WORDS as OF_CASES
from connectors.gateway.closures import REFUSED as OF_CLOSURES
from connectors.gateway.ticket_refusals import WORDS as TICKET_WORDS
from connectors.sinks.console.city import LANGUAGES, ConsoleCity
from connectors.sinks.console.console import pages, policy
from tests.letters import foreign_letters, has_own_letters, thai_faults

WORDS = {language: json.loads(pages()[f"words/{language}.json"].body) for language in LANGUAGES}
PHRASES = {
    language: json.loads(pages()[f"words/{language}.phrases.json"].body)
    for language in LANGUAGES
    if language != "en"
}
REFUSALS = {language: json.loads(pages()[f"words/{language}.refusals.json"].body) for language in PHRASES}
RULES = Path(streams.situations.__file__).parent
GATEWAY = Path(connectors.gateway.__file__).parent
ACTED_BY = (
    "actions",
    "idempotency",
    "sessions_request",
    "sessions_sign_in",
    "sessions_paths",
    "reads",
    "deliveries",
)
"""Modules of the gateway that answer the console: each of their problems has a code."""
MODULES = {
    path: page.body.decode()
    for path, page in pages().items()
    if path.endswith(".js") and not path.startswith("leaflet/")
}
UNITS = {"m", ""}
"""The texts that are a unit's sign, or a value, and nothing else."""
SVG = '"http://www.w3.org/2000/svg"'
"""The name of a namespace, which nobody asks."""
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


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_text_is_written_in_the_letters_of_its_language(language: str) -> None:
    texts = {word: text for word, text in WORDS[language].items() if word != "language.locale"}
    for word, text in texts.items():
        said, meant = (re.sub(r"\{\w+\}", "", one) for one in (text, WORDS["en"][word]))
        assert foreign_letters(language, said) == set(), word
        is_own = has_own_letters(language, said) or (said.strip() in UNITS)
        assert is_own or not has_own_letters("en", meant), word
        assert thai_faults(said) == [], word
    for pattern, said in (*PHRASES.get(language, ()), *REFUSALS.get(language, {}).items()):
        assert foreign_letters(language, said) == set(), pattern
        assert has_own_letters(language, said), pattern
        assert thai_faults(said) == [], pattern


def test_the_checks_of_letters_notice_what_is_wrong() -> None:
    assert foreign_letters("th", "โดรน 차량 km") == {"차", "량"}
    assert not has_own_letters("th", "Fire {n}")
    assert thai_faults("ศูนย์ควบคุมเมืองมุกดาหาร รถชนคนเดินเท้า น้ำท่วม ตำรวจ ผู้ป่วย ต่าง ๆ") == []
    for wrong in ("เเล้ว", "นํ้า", "ก ่อน", "ูนย์", "แ ", "ก่่"):
        assert thai_faults(wrong), wrong


def test_each_language_has_the_same_phrases_and_says_what_they_are_about() -> None:
    for language, phrases in PHRASES.items():
        assert [pattern for pattern, _ in phrases] == [pattern for pattern, _ in PHRASES["ko"]], language
        for (pattern, said), (_, korean) in zip(phrases, PHRASES["ko"], strict=True):
            assert set(re.findall(r"\$\d", said)) == set(re.findall(r"\$\d", korean)), pattern


def test_each_language_calls_itself_by_its_own_name_and_the_city_offers_all() -> None:
    assert dict(LANGUAGES) == {"en": "English", "ko": "한국어", "th": "ไทย"}
    city = ConsoleCity("demo", "Demo", "Asia/Bangkok", (16.0, 104.0, 17.0, 105.0))
    assert list(city.told(is_signed_in=False)["languages"].items()) == list(LANGUAGES.items())


def test_kinds_have_the_names_that_the_languages_of_alerts_give_them() -> None:
    names = {"th": {"fire": "เพลิงไหม้", "newer": "ใหม่"}}
    city = ConsoleCity("demo", "Demo", "Asia/Bangkok", (16.0, 104.0, 17.0, 105.0), kind_names=names)
    told = city.told(is_signed_in=False)["kinds"]
    assert told["fire"] == {"en": "Fire", "ko": "화재", "th": "เพลิงไหม้"}
    assert told["crash"] == {"en": "Traffic crash", "ko": "교통사고"}
    assert "newer" not in told


def reasons() -> set[str]:
    """Each reason that the code of the situations writes out, with a 7 where a value stands."""

    def texts(node: ast.expr) -> Iterator[str]:
        match node:
            case ast.Constant(value=str(text)) if text:
                yield text
            case ast.JoinedStr():
                yield "".join(
                    str(part.value) if isinstance(part, ast.Constant) else "7" for part in node.values
                )
            case ast.IfExp():
                yield from texts(node.body)
                yield from texts(node.orelse)

    found: set[str] = set()
    for path in RULES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Assign(targets=[ast.Name(id="reason")], value=value):
                    found.update(texts(value))
                case ast.keyword(arg="reason", value=value):
                    found.update(texts(value))
    return found


@pytest.mark.parametrize("language", PHRASES)
def test_each_reason_of_the_rules_has_words_in_each_language(language: str) -> None:
    found = reasons()
    assert len(found) > 25
    clauses = {clause for one in found for clause in one.split("; ")} - {"7"}
    patterns = [re.compile(pattern) for pattern, _ in PHRASES[language]]
    assert [one for one in sorted(clauses) if not any(it.fullmatch(one) for it in patterns)] == []
    for pattern, words in PHRASES[language]:
        places = {int(number) for number in re.findall(r"\\$(\d)", words)}
        assert places <= set(range(1, re.compile(pattern).groups + 1))


def calls(path: Path, *names: str) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            yield node


def code_of(call: ast.Call) -> ast.expr | None:
    return next((word.value for word in call.keywords if word.arg == "code"), None)


def codes() -> set[str]:
    """Each code that the gateway and the rules' check of an action give."""
    desks = [
        RULES.parent / "operators" / f"{name}.py"
        for name in ("desk", "ride_desk", "surplus_log", "closure_desk")
    ]
    paths = [*GATEWAY.glob("*.py"), *desks]
    written = [code_of(call) for path in paths for call in calls(path, "Problem", "Invalid")]
    checks = [RULES / "operators" / f"{name}.py" for name in ("actions", "action_checks")]
    of_rules = [call.args[0] for path in checks for call in calls(path, "refused")]
    return {str(one.value) for one in (*written, *of_rules) if isinstance(one, ast.Constant)} | {
        *OF_RIDES,
        *OF_CLOSURES,
        *OF_CASES,
    }


@pytest.mark.parametrize("language", REFUSALS)
def test_each_refusal_of_the_gateway_has_words_in_each_language(language: str) -> None:
    found = codes()
    assert len(found) > 35
    assert found - REFUSALS[language].keys() == set()
    of_grants = {one.replace("_", "-") for one in TICKET_WORDS}
    assert REFUSALS[language].keys() - found - of_grants == set()
    redeemed = ("may_not_read", "only_audits", "other_audience", "unknown_grant", "revoked", "expired_grant")
    assert {one.replace("_", "-") for one in redeemed} <= REFUSALS[language].keys()
    places = {place for text in REFUSALS[language].values() for place in re.findall(r"\{(\w+)\}", text)}
    assert places == {"field", "s"}


@pytest.mark.parametrize("module", ACTED_BY)
def test_no_problem_that_the_console_may_get_is_without_a_code(module: str) -> None:
    found = list(calls(GATEWAY / f"{module}.py", "Problem"))
    assert found
    assert [ast.unparse(one) for one in found if code_of(one) is None] == []


@pytest.mark.parametrize("path", sorted(MODULES))
def test_no_module_reads_markup_out_of_text_or_asks_another_server(path: str) -> None:
    assert [word for word in FORBIDDEN if word in MODULES[path].replace(SVG, "")] == []


def test_the_policy_allows_the_server_s_own_files_only() -> None:
    said = policy()
    assert said.startswith("default-src 'none'")
    assert "unsafe" not in said
    assert "*" not in said
    assert "blob:" not in said
    assert "img-src 'self' data:; connect-src 'self';" in said


def test_the_policy_is_wider_only_by_the_origins_that_the_city_s_file_names_and_only_as_needed() -> None:
    video, tiles = "https://vms.city.example:8443", "https://tiles.example"
    said = policy(video=video, tiles=tiles)
    assert f"img-src 'self' data: {video} {tiles};" in said
    assert f"media-src {video};" in said
    assert "connect-src 'self';" in said
    by_script = policy(video=video, has_hls=True)
    assert f"media-src {video} blob:;" in by_script
    assert f"connect-src 'self' {video};" in by_script
    assert "script-src 'self'; style-src 'self';" in by_script


def test_each_action_has_a_name_and_an_explanation() -> None:
    actions = ("acknowledge", "take_over", "confirm", "note", "file", "join", "separate", "close", "reopen")
    for language in LANGUAGES:
        assert {f"act.{one}" for one in actions} <= WORDS[language].keys()
        assert {f"act.{one}.about" for one in actions} <= WORDS[language].keys()


def test_a_city_s_procedure_and_pictures_are_for_those_who_signed_in() -> None:
    city = ConsoleCity(
        "demo", "Demo", "Asia/Seoul", (36.0, 127.0, 37.0, 128.0), video="/v/{camera}",
        layers=[b"{}"], steps={"crash": ("Send an ambulance",)}, filing={"fire": "119"},
    )  # fmt: skip
    inside, outside = (city.told(is_signed_in=one) for one in (True, False))
    assert (
        inside["bounds"] == outside["bounds"] == {"south": 36.0, "west": 127.0, "north": 37.0, "east": 128.0}
    )
    assert inside["kinds"]["crash"] == {"en": "Traffic crash", "ko": "교통사고"}
    assert inside["steps"] == {"crash": ["Send an ambulance"]}
    assert (inside["video"], inside["layers"]) == ("/v/{camera}", ["/console/api/layers/0"])
    assert inside["filing"] == {"fire": "119"}
    assert (outside["video"], outside["layers"], outside["steps"], outside["filing"]) == (None, [], {}, {})
    assert not outside["has_hls"]
    assert outside["tiles"] is None
