"""Agreements are read strictly: each fault with its line, and the word that was meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.faults import UsageFault
from deploy.sharing.agreement_file import SAMPLE, VARIABLE, load_sharing, shareable, sharing_file

GOOD = """[city.demo]
agencies = ["hospital"]

[[agreement]]
city = "demo"
agency = "hospital"
may = "read"
topics = "core.alert"
purpose = "disaster"
legal_ground = "Act, section 1"
valid_until = 2036-01-01T00:00:00+09:00
"""


def fault(tmp_path: Path, text: str) -> UsageFault:
    file = tmp_path / "sharing.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageFault) as found:
        load_sharing(file)
    return found.value


def test_the_sample_is_read_and_takes_nothing_from_anybody() -> None:
    sharing = load_sharing(SAMPLE)
    assert {one.city for one in sharing.entries} == set(sharing.cities) == {"demo", "houston", "columbia"}
    assert not any(one.closed for one in sharing.cities.values())


def test_an_agreement_knows_its_number_its_line_and_its_end(tmp_path: Path) -> None:
    file = tmp_path / "sharing.toml"
    file.write_text(GOOD, encoding="utf-8")
    sharing = load_sharing(file)
    (one,) = sharing.entries
    assert (one.title, one.principal, one.topics) == (
        "agreement 1 (line 4)",
        "demo.hospital",
        ("core.alert",),
    )
    assert one.valid_until.isoformat() == "2036-01-01T00:00:00+09:00"
    assert sharing.cities["demo"].closed, "a file of one's own lets in only who has an agreement"


@pytest.mark.parametrize(
    ("right", "wrong", "line", "told", "hint"),
    [
        ('city = "demo"', 'city = "dmeo"', 5, "no such city", "demo"),
        ('agency = "hospital"', 'agency = "hopsital"', 6, "has no such agency", "hospital"),
        ('agency = "hospital"', 'agency = "platform"', 6, "a service of ours", "another name"),
        ('agency = "hospital"', 'agency = "a.b"', 6, "agreement 1.agency", "agency"),
        ('may = "read"', 'may = "raed"', 7, "agreement 1.may", "read"),
        ('topics = "core.alert"', 'topics = "core.alret"', 8, "no such topic", "core.alert"),
        ('topics = "core.alert"', 'topics = ["core.account"]', 8, "no agency may read it", ""),
        ('topics = "core.alert"', "topics = []", 8, "agreement 1.topics", "topics"),
        ('purpose = "disaster"', 'purpose = "disastre"', 9, "names no such purpose", "disaster"),
        ("2036-01-01T00:00:00+09:00", "2036-01-01T00:00:00", 11, "agreement 1.valid_until", "valid_until"),
        ('purpose = "disaster"', 'purposse = "disaster"', 9, "no such setting", "purpose"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_line_and_what_was_meant(
    tmp_path: Path, right: str, wrong: str, line: int, told: str, hint: str
) -> None:
    assert right in GOOD
    found = fault(tmp_path, GOOD.replace(right, wrong))
    assert f"line {line}:" in found.what
    assert told in found.what
    assert hint in found.hint


def test_our_own_services_words_are_published_by_no_agency(tmp_path: Path) -> None:
    assert "no agency may publish it" in fault(tmp_path, GOOD.replace('"read"', '"publish"')).what
    assert "civil.observation" in shareable("publish")
    assert not {"core.grant", "core.alert", "source.dlq"} & shareable("publish")


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    found = fault(tmp_path, GOOD.replace('"disaster"', '"x"').replace('"core.alert"', '"y"'))
    assert found.what.startswith("2 things are wrong")


def test_the_environment_names_another_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert sharing_file() == SAMPLE
    monkeypatch.setenv(VARIABLE, str(tmp_path / "none.toml"))
    with pytest.raises(UsageFault, match="cannot be read"):
        load_sharing()
