"""All faults of a city's file are reported at once: each with its line, the value there, and what to write."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest
from click.testing import CliRunner

from deploy.city.city import load_city
from deploy.city.names import shipped_cities
from deploy.city.read import BOM
from deploy.cli.city import city as city_command
from deploy.faults import UsageFault

WHOLE = """\
name = "testcity"
title = "A town"
timezone = "Etc/UTC"
law = "us"

[bounds]
south = 1
west = 1
north = 2
east = 2

[gateway]
port = 8080

[match]
look_back_s = 300

[speed]
parked_min = 5

[[source]]
name = "cameras"
type = "generated_cameras"
every_s = 60
around = [{ lat = 1.5, lon = 1.5, radius_m = 100 }]

[[source]]
name = "calls"
type = "simulated_calls"
domain = "fire"

[source.bounds]
south = 1
west = 1
north = 2
east = 2

[[rule]]
name = "joint-incident"
radius_m = 150
attention = [
    "fire",
    "rescue",
]

[[rule.matrix]]
kinds = ["fire", "rescue"]
window_s = 60

[[rule.gravity]]
kind = "fire"
severity = "severe"
urgency = "immediate"

[rule.cameras]
count = 3

[rule.watch]
purpose = "fire-safety"
labels = ["smoke"]

[[rule]]
name = "surge"

[rule.families.alarm]
kinds = ["alarm"]
carries = ["rescue.water"]
per_hour = 2

[[rule]]
name = "unconfirmed"
"""


def told(folder: Path, text: str) -> tuple[str, str]:
    file = folder / "testcity.toml"
    file.write_bytes(text.encode())
    with pytest.raises(UsageFault) as fault:
        load_city(str(file))
    return fault.value.what, fault.value.hint


def line_with(text: str, part: str) -> int:
    assert text.count(part) == 1, part
    return text[: text.index(part)].count("\n") + 1


def test_the_whole_file_is_well(tmp_path: Path) -> None:
    (tmp_path / "testcity.toml").write_text(WHOLE)
    assert load_city(str(tmp_path / "testcity.toml")).name == "testcity"


BOX = "[bounds]\nsouth = {}\nwest = {}\nnorth = {}\neast = {}\n"

MISSPELT = [
    ("title = ", "titel = ", "title"),
    (BOX.format(1, 1, 2, 2), BOX.format(1, 1, 2, 2) + "eats = 2\n", "east"),
    ("[gateway]\nport", "[gateway]\nprot", "port"),
    ("[gateway]", "[gatewy]", "gateway"),
    ("look_back_s", "look_bakc_s", "look_back_s"),
    ("parked_min", "praked_min", "parked_min"),
    ("every_s", "evry_s", "every_s"),
    ("lat = 1.5, lon = 1.5, radius_m", "lat = 1.5, lon = 1.5, raduis_m", "radius_m"),
    ("domain = ", "domian = ", "domain"),
    ("[source.bounds]\nsouth = 1", "[source.bounds]\nsuoth = 1\nsouth = 1", "south"),
    ("radius_m = 150", "raduis_m = 150", "radius_m"),
    ("window_s = 60", "windw_s = 60", "window_s"),
    ('severity = "severe"', 'severity = "severe"\nsevrity = "severe"', "severity"),
    ("count = 3", "cuont = 3", "count"),
    ("labels = ", "lables = ", "labels"),
    ("per_hour = 2", "per_huor = 2", "per_hour"),
    ("[rule.families.alarm]", "[rule.famlies.alarm]", "families"),
    ('[[rule]]\nname = "surge"', '[[rule]]\nname = "surge"\nrais_at = 2', "raise_at"),
    ('name = "unconfirmed"', 'name = "unconfirmed"\nshadw = true', "shadow"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "meant"), MISSPELT)
def test_a_misspelt_key_is_refused_at_every_level_with_the_word_that_was_meant(
    tmp_path: Path, old: str, new: str, meant: str
) -> None:
    assert WHOLE.count(old) == 1
    what, hint = told(tmp_path, WHOLE.replace(old, new))
    everything = f"{what}\n{hint}"
    wrong = next(
        word for word in re.findall(r"[\w-]+", new) if word not in re.findall(r"[\w-]+", old)
    )  # the misspelt word
    line = line_with(WHOLE.replace(old, new), wrong)
    assert re.search(rf"line {line}: \S*{wrong}: no such setting", everything)
    assert f"write {meant}" in everything


def test_a_needed_key_that_is_misspelt_is_one_fault_and_not_a_missing_one_too(tmp_path: Path) -> None:
    what, hint = told(tmp_path, WHOLE.replace("timezone = ", "timezne = "))
    assert what.endswith("line 3: timezne: no such setting") and hint == "write timezone"
    what, _ = told(tmp_path, WHOLE.replace("timezone = ", "clock = "))
    assert "clock: no such setting" in what and "timezone is missing" in what


def test_an_entry_of_a_list_is_refused_in_its_own_line(tmp_path: Path) -> None:
    spread = 'around = [\n  { lat = 1.5, lon = 1.5, radius_m = 100 },\n  { lat = 1.5, lon = "x", radius_m = 1 },\n]'
    text = re.sub(r"^around = .*$", lambda _: spread, WHOLE, flags=re.MULTILINE)
    what, hint = told(tmp_path, text)
    line = line_with(text, 'lon = "x"')
    assert f"line {line}: source.0.around.1.lon = 'x': must be a number" in what
    assert hint == "write another value for lon"


WRONG = [
    ('name = "calls"', 'name = "cameras"', "'cameras'", "name of its own"),
    ('law = "us"', 'law = "../laws/kr"', "'../laws/kr'", "eu, id, kr"),
    ('timezone = "Etc/UTC"', 'timezone = "Asia/Soeul"', "'Asia/Soeul'", "Asia/Seoul"),
    ('timezone = "Etc/UTC"', 'timezone = "Asia"', "'Asia'", "IANA"),
    ('timezone = "Etc/UTC"', 'timezone = ""', "''", "IANA"),
    ("radius_m = 150", "radius_m = -150", "-150", "greater than 0"),
    ("radius_m = 150", "radius_m = nan", "nan", "finite"),
    ("every_s = 60", "every_s = 0", "= 0", "greater than 0"),
    ("every_s = 60", "every_s = inf", "inf", "finite"),
    ('    "rescue",\n', '    "rescu",\n', "'rescu'", "write rescue"),
    ('kinds = ["fire", "rescue"]', 'kinds = ["fire", "rescui"]', "'rescui'", "write rescue"),
    ('kind = "fire"', 'kind = "fier"', "'fier'", "write fire"),
    ('kinds = ["alarm"]', 'kinds = ["allarm"]', "'allarm'", "write alarm"),
    ('carries = ["rescue.water"]', 'carries = ["rescue.watr"]', "'rescue.watr'", "write rescue.water"),
    ('type = "simulated_calls"', 'type = "simulated_cals"', "'simulated_cals'", "write simulated_calls"),
    ('name = "unconfirmed"', 'name = "unconfirmd"', "'unconfirmd'", "write unconfirmed"),
    ('name = "unconfirmed"', 'name = "surge"', "'surge'", "keep one"),
    ('name = "unconfirmed"', 'name = "unconfirmed"\nshadow = "no"', "'no'", "shadow = true"),
    ("radius_m = 150", 'radius_m = 150\nlanguage = "kr"', "'kr'", "ko"),
    ("radius_m = 150", "radius_m = 150\ngrant_minutes = 100000", "100000", "law"),
    ('domain = "fire"', 'domain = "fire"\nseed = "${bongsu_seed}"', "${", "${NAME}"),
    ('domain = "fire"', 'domain = "water"', "'water'", "fire"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "value", "write"), WRONG)
def test_what_cannot_be_is_refused_with_line_value_and_what_to_write(
    tmp_path: Path, old: str, new: str, value: str, write: str
) -> None:
    assert WHOLE.count(old) == 1
    text = WHOLE.replace(old, new)
    what, hint = told(tmp_path, text)
    both = zip(text.splitlines(), [*WHOLE.splitlines(), ""], strict=False)
    changed = next(n for n, (a, b) in enumerate(both, 1) if a != b)
    at = changed + (1 if "things are wrong" not in what and f"line {changed}:" not in what else 0)
    assert f"line {at}:" in what
    assert value in what
    assert write in f"{what}\n{hint}"


@pytest.mark.parametrize(
    ("box", "line", "says"),
    [((2, 1, 1, 2), 9, "south = 2"), ((1, 2, 2, 1), 10, "west = 2"), ((1, 1, 1, 2), 9, "north of")],
)
def test_an_extent_upside_down_or_empty_is_refused(
    tmp_path: Path, box: tuple[int, ...], line: int, says: str
) -> None:
    what, _ = told(tmp_path, WHOLE.replace(BOX.format(1, 1, 2, 2), BOX.format(*box), 1))
    assert f"line {line}: bounds." in what and says in what


def test_everything_is_told_at_once_in_the_order_of_its_lines(tmp_path: Path) -> None:
    text = WHOLE.replace("title", "titel").replace('"us"', '"atlantis"').replace(
        "every_s = 60", "every_s = -1"
    ).replace('"rescue",\n', '"rescu",\n').replace(
        'name = "unconfirmed"', 'name = "nobody"'
    ) + SUBSCRIPTION.replace("json_lines", "pigeon")
    what, hint = told(tmp_path, text)
    lines = [int(one) for one in re.findall(r"line (\d+):", what)]
    wrong = ["titel", '"atlantis"', "every_s", '"rescu"', '"nobody"', '"pigeon"']
    assert lines == sorted(lines) == [line_with(text, one) for one in wrong]
    assert what.startswith("6 things are wrong") and "city check" in hint


SUBSCRIPTION = """
[[subscription]]
name = "desk"
who = "police"
sink = "json_lines"
path = "desk.jsonl"
audience = "112"
kinds = ["crash"]
area = [[36.3, 127.3], [36.3, 127.5], [36.4, 127.4]]
severity_from = "severe"
"""


def test_a_subscription_is_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "testcity.toml"
    file.write_text(WHOLE + SUBSCRIPTION, encoding="utf-8")
    (one,) = load_city(str(file)).file.subscriptions()
    assert (one.name, one.sink, one.settings) == ("desk", "json_lines", {"path": "desk.jsonl"})
    assert (one.kinds, one.severity_from, one.area[0]) == (("crash",), "severe", (36.3, 127.3))


def test_a_webhooks_secret_by_name_is_right_and_judged_when_it_is_filled_in(tmp_path: Path) -> None:
    file = tmp_path / "testcity.toml"
    hook = 'sink = "webhook"\nurl = "https://desk.example/in"\nsecrets = ["${DESK_SECRET}"]'
    text = WHOLE + SUBSCRIPTION.replace('sink = "json_lines"\npath = "desk.jsonl"', hook)
    file.write_text(text, encoding="utf-8")
    (one,) = load_city(str(file)).file.subscriptions()
    assert one.settings["secrets"] == ["${DESK_SECRET}"]


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ('name = "desk"', 'name = "The Desk"', "name"),
        ('who = "police"', "", "who is missing"),
        ('sink = "json_lines"', 'sink = "json_line"', "no sink is of that type"),
        ('path = "desk.jsonl"', 'paht = "desk.jsonl"', "no such setting"),
        ('path = "desk.jsonl"', 'path = "desk.jsonl"\ntoken = "abc"', "a secret in clear text"),
        ('kinds = ["crash"]', 'kinds = ["crush"]', "no such kind"),
        ("[36.3, 127.3], ", "[136.3, 127.3], ", "area"),
        ("[36.3, 127.3], [36.3, 127.5], ", "", "no polygon"),
        ('"severe"', '"bad"', "severity_from"),
    ],
)
def test_a_wrong_subscription_is_told_with_its_line(
    tmp_path: Path, right: str, wrong: str, says: str
) -> None:
    text = WHOLE + SUBSCRIPTION.replace(right, wrong, 1)
    what, _ = told(tmp_path, text)
    assert says in what
    first = line_with(text, "[[subscription]]")
    lines = [int(one) for one in re.findall(r"line (\d+):", what)]
    assert lines and all(one >= first for one in lines), what


def test_two_subscriptions_of_one_name_are_refused(tmp_path: Path) -> None:
    what, _ = told(tmp_path, WHOLE + SUBSCRIPTION + SUBSCRIPTION)
    assert "a subscription of that name is there already" in what


@pytest.mark.parametrize(
    ("raw", "line", "says"),
    [
        (WHOLE.encode().replace(b"A town", "A t\u00f6wn".encode("latin-1")), 2, "not UTF-8"),
        (WHOLE.encode("utf-16"), 1, "not UTF-8"),
        (b"name = " + b"[" * 5_000, 0, "too deep"),
        (b"\x00", 1, "not TOML"),
    ],
)
def test_what_is_no_text_or_no_toml_is_told_not_thrown(
    tmp_path: Path, raw: bytes, line: int, says: str
) -> None:
    file = tmp_path / "testcity.toml"
    file.write_bytes(raw)
    with pytest.raises(UsageFault, match=says) as fault:
        load_city(str(file))
    assert not line or f"line {line}:" in fault.value.what
    assert fault.value.hint


def test_the_mark_that_some_editors_put_first_is_no_part_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "testcity.toml").write_text(BOM + WHOLE, encoding="utf-8")
    assert load_city(str(tmp_path / "testcity.toml")).name == "testcity"


def test_a_secret_that_stands_in_the_file_is_not_printed(tmp_path: Path) -> None:
    source = (
        '\n[[source]]\nname = "plates"\ntype = "axis_plates"\ncamera_id = "a"\nkey = "s3cret"\ncameras = 5\n'
    )
    what, hint = told(tmp_path, WHOLE.replace("\n[[rule]]", source + "\n[[rule]]", 1))
    assert "cameras = 5" in what
    assert "s3cret" not in what + hint


def test_a_wrong_law_is_told_as_the_laws_own_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "zz.toml").write_text('name = "zz"\nforget_after_days = -1\n')
    (tmp_path / "yy.toml").write_text("name = \n")
    monkeypatch.setattr("deploy.laws.LAWS", tmp_path)
    what, hint = told(tmp_path, WHOLE.replace('"us"', '"zz"'))
    assert "line 4: the law's profile.forget_after_days" in what and "deploy/laws" in hint
    what, hint = told(tmp_path, WHOLE.replace('"us"', '"yy"'))
    assert "line 4: law profile 'yy'" in what and "yy.toml" in hint


# -- checks of `city check` beside the file -------------------------------------------------------------------

LIST = '\n[[source]]\nname = "list"\ntype = "daejeon_devices"\n'
KEYED = """
[[source]]
name = "plates"
type = "axis_plates"
camera_id = "a"
key = "${A_PLATE_KEY}"
cameras = { a = { lat = 1.5, lon = 1.5, azimuth = 1 } }
"""


def checked(folder: Path, more: str) -> tuple[bool, str]:
    file = folder / "testcity.toml"
    file.write_text(WHOLE.replace("\n[[rule]]", more + "\n[[rule]]", 1))
    done = CliRunner().invoke(city_command, ["check", str(file)])
    return done.exit_code == 0, done.output if done.exit_code == 0 else str(done.exception)


def test_a_source_that_is_to_be_heard_lacks_nothing_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("A_PLATE_KEY", raising=False)
    line = line_with(WHOLE, '\n[[rule]]\nname = "joint') + 1
    assert checked(tmp_path, LIST) == (
        False,
        CheckOf(f"line {line}: source 'list' is to be heard and has no url and no path"),
    )
    missing = tmp_path / "missing.csv"
    assert checked(tmp_path, f'{LIST}path = "{missing}"\n') == (False, CheckOf(f"nothing is at {missing}"))
    assert checked(tmp_path, KEYED) == (False, CheckOf("needs the secret A_PLATE_KEY"))
    missing.touch()
    assert checked(tmp_path, f'{LIST}path = "{missing}"\n')[0]
    monkeypatch.setenv("A_PLATE_KEY", "x" * 16)
    assert checked(tmp_path, KEYED)[0]


def test_what_a_source_lacks_that_is_only_played_is_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("A_PLATE_KEY", raising=False)
    assert checked(tmp_path, f"{KEYED}live = false\n") == (
        True,
        CheckOf("to be played, source 'plates' needs the secret"),
    )
    assert checked(tmp_path, f"{LIST}live = false\n") == (True, CheckOf("is well"))


def test_a_city_with_a_missing_file_still_runs(tmp_path: Path) -> None:
    file = tmp_path / "testcity.toml"
    file.write_text(WHOLE.replace("\n[[rule]]", f'{LIST}path = "/missing.csv"\n\n[[rule]]', 1))
    assert load_city(str(file)).name == "testcity"


@pytest.mark.parametrize("name", shipped_cities())
def test_every_shipped_city_is_well_on_any_machine(name: str) -> None:
    done = CliRunner().invoke(city_command, ["check", name])
    assert done.exit_code == 0, done.exception


class CheckOf(str):
    """A text that equals every text that contains it."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and self in other

    def __repr__(self) -> str:
        return f"…{self}…"


def test_an_agency_is_called_by_its_own_name_in_one_spelling(tmp_path: Path) -> None:
    agency = "대전소방본부"
    filing = f'\n[rule.filing]\nfire = "{unicodedata.normalize("NFD", agency)}"\npolice = "Police/ตำรวจ"\n'
    file = tmp_path / "testcity.toml"
    file.write_text(WHOLE.replace("\n[rule.watch]", filing + "\n[rule.watch]"), encoding="utf-8")
    assert load_city(str(file)).rules.filing == {"fire": agency, "police": "Police/ตำรวจ"}
    what, _ = told(
        tmp_path, WHOLE.replace("\n[rule.watch]", '\n[rule.filing]\nfire = "a\\u001bb"\n\n[rule.watch]')
    )
    assert "rule.0.filing.fire" in what and "control" in what and "\x1b" not in what
