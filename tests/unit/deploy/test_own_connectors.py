"""Sources of one's own, in an installed package or in a folder of the city's file: found, shown, tried, and run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import click
import pytest

from connectors import imports
from connectors.locations import locate
from deploy import own_cities
from deploy.assembly.gateway import CityGateway
from deploy.assembly.ingest import add_sources, log_left_out
from deploy.city.city import City, load_city, readable_cities
from deploy.cli import bongsu
from deploy.cli.parameters import TypeOrSource
from deploy.faults import UsageFault
from deploy.own_cities import idle_cities
from deploy.platform import Platform
from deploy.skeleton import OWN_PLACES, lay_in_folder, skeleton
from tests.unit.deploy.own_town import GOOD, a_package, a_source, a_town, fault_of, ran

NO_PARAMETER = (click.Context(bongsu), click.Argument(["name"]))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages, which Python finds."""
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return tmp_path / "site"


def laid(name: str) -> str:
    return skeleton(name, OWN_PLACES)[f"sources/{name}.py"]


# -- found, shown, run ------------------------------------------------------------------------------------------


def test_a_source_in_a_folder_is_found_shown_and_tried(tmp_path: Path) -> None:
    lay_in_folder("our_calls", tmp_path / "connectors")
    town = a_town(tmp_path, "our_calls")
    shown = ran("source", "show", f"{town}/our-calls").stdout
    assert f"from: folder {tmp_path / 'connectors'}" in shown
    assert "url  (text; needed)  the address of the list of calls" in shown
    example = tmp_path / "connectors" / "examples" / "our_calls.jsonl"
    for word in ([f"{town}/our-calls"], ["our_calls", "--city", town, "--set", 'url="http://c/"']):
        tried = ran("source", "try", *word[:1], example, *word[1:])
        assert tried.exit_code == 0, tried.output
        assert [json.loads(line)["topic"] for line in tried.stdout.splitlines()] == ["fire.incident"] * 2
    checked = ran("city", "check", town)
    assert checked.exit_code == 0
    assert "sources 2" in checked.stdout


def test_it_is_listed_under_its_city_and_no_other_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_source(tmp_path, "quiet_one")
    a_town(tmp_path, "quiet_one")
    monkeypatch.setenv("BONGSU_CITIES", str(tmp_path))
    listed = ran("source", "list").stdout
    assert "quiet-one                    quiet_one, every 60 s" in listed
    assert f"A source that says nothing.  [folder {tmp_path / 'connectors'}]" in listed
    assert listed.index("owntown:") < listed.index("[folder")
    with pytest.raises(UsageFault, match="no source is of that type"):
        load_city(str(a_town(tmp_path, "quiet_one", connectors="")))


def test_its_parts_are_imported_from_beside_it_and_two_cities_do_not_mix_them(tmp_path: Path) -> None:
    for number in (1, 2):
        folder = tmp_path / str(number)
        a_source(folder, "_part", f"N = {number}\n")
        a_source(folder, "parted", GOOD + "from ._part import N\nQuiet.number = N\n")
        city = load_city(str(a_town(folder, "parted")))
        assert city.load("parted").number == number


def test_a_source_in_a_package_is_found_by_its_entry_point_shown_and_tried(
    tmp_path: Path, site: Path
) -> None:
    points = "[bongsu.sources]\nacme-calls = acme_one.calls\n"
    a_package(site, "acme_one", points, {"__init__": "", "calls": laid("acme_calls")})
    town = a_town(tmp_path, "acme_calls", connectors="")
    listed = ran("source", "list").stdout
    (line,) = [line for line in listed.splitlines() if line.startswith("  acme_calls ")]
    assert "[package acme_one 1.2]" in line
    assert f"from: package acme_one 1.2 ({site / 'acme_one' / 'calls.py'})" in (
        ran("source", "show", "acme_calls").stdout
    )
    for name, text in skeleton("acme_calls", OWN_PLACES).items():
        if name.startswith("examples/"):
            (site / "acme_one" / "examples").mkdir(exist_ok=True)
            (site / "acme_one" / name).write_text(text)
    tried = ran("source", "try", f"{town}/acme-calls", site / "acme_one" / "examples" / "acme_calls.jsonl")
    assert len(tried.stdout.splitlines()) == 2, tried.output
    assert "acme_calls" in [one.value for one in TypeOrSource().shell_complete(*NO_PARAMETER, "acme")]
    checked = ran("source", "check", "acme_calls")
    assert checked.exit_code == 0, checked.output
    assert "FAILED" not in checked.stdout


def test_what_an_installer_leaves_is_found_by_the_command_itself(tmp_path: Path) -> None:
    """As above, through an environment and a process of its own."""
    site = tmp_path / "site"
    a_package(site, "acme_two", "[bongsu.sources]\nacme_two = acme_two\n", {"__init__": GOOD})
    program = f"import sys; sys.path.append({str(site)!r})\nfrom deploy.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "source", "show", "acme_two"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "from: package acme_two 1.2" in done.stdout, done.stderr


def test_a_sink_is_found_and_shown_by_both_ways(tmp_path: Path, site: Path) -> None:
    sink = GOOD.replace("SOURCE", "SINK").replace("def read(self, heard, place)", "def deliver(self, events)")
    a_source(tmp_path, "our_view", sink, "sinks")
    a_package(site, "acme_sink", "[bongsu.sinks]\nacme_view = acme_sink.view\n", {"view": sink})
    (folder,) = [(tmp_path / "connectors").resolve()]
    found = locate("sink", (folder,)).found
    assert {name: one.origin for name, one in found.items() if not one.is_shipped} == {
        "acme_view": "package acme_sink 1.2",
        "our_view": f"folder {folder}",
    }
    assert "redis_view" in found
    listed = ran("source", "list").stdout
    assert "acme_view                    A source that says nothing.  [package acme_sink 1.2]" in listed
    imports.import_connector(found["our_view"])


# -- broken ones ------------------------------------------------------------------------------------------------

BROKEN = {
    "a syntax error": ('"""A."""\n\ndef f(:\n', 3, "SyntaxError"),
    "an import error": ('"""A."""\nimport no_such_package_here\n', 2, "ModuleNotFoundError"),
    "raising": ('"""A."""\n\n\nraise RuntimeError("no tide today")\n', 4, "no tide today"),
    "leaving": ("import sys\nsys.exit(3)\n", 2, "SystemExit"),
    "looping": ('"""A."""\nwhile True:\n    pass\n', 2, "did not end within 0.2 s"),
    "sleeping": ('"""A."""\nimport time\ntime.sleep(600)\n', 3, "did not end within 0.2 s"),
    "no SOURCE": (GOOD.replace("SOURCE = Quiet", ""), 1, "SOURCE is missing"),
    "SOURCE no class": (GOOD.replace("SOURCE = Quiet", "SOURCE = 7"), 26, "SOURCE is no class"),
    "SOURCE without read": (GOOD.replace("def read", "def reed"), 26, "SOURCE has no read"),
    "SOURCE without poll": (GOOD.replace("def poll", "def pull"), 26, "SOURCE has no poll or listen"),
    "Config no model": (GOOD.replace("(BaseModel)", ""), 8, "Config is no pydantic model"),
    "bytes of nothing": ("\x00", 1, "null bytes"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_source_is_told_with_file_and_line_and_harms_nobody(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    text, line, why = BROKEN[kind]
    monkeypatch.setattr(imports, "IMPORT_S_MAX", 0.2 if "ing" in kind and line < 4 else 30)
    file = a_source(tmp_path, "broken_one", text)
    a_source(tmp_path, "quiet_one")
    town = a_town(tmp_path, "broken_one", "quiet_one")
    city = load_city(str(town))
    assert [one.name for one in city.file.source] == ["reports", "quiet-one"]
    assert city.load("quiet-one") and city.load("reports")
    fault = fault_of(ran("city", "check", town))
    assert f"{town}, line 19: source 'broken-one' is left out" in fault
    assert why in fault
    if kind != "bytes of nothing":  # Python names no line of it
        assert f"{file}, line {line}" in fault
    assert ran("source", "check", file).exit_code == 1
    with pytest.raises(UsageFault, match="is left out"):
        city.load("broken-one")
    monkeypatch.setenv("BONGSU_CITIES", str(tmp_path))
    listed = ran("source", "list")
    assert listed.exit_code == 0
    assert "broken-one                   left out" in listed.stdout
    assert all(isinstance(one, City) for one in readable_cities())
    log_left_out(city)
    assert why in caplog.text
    monkeypatch.setattr(own_cities, "has_run", lambda *_: True)
    (idle,) = idle_cities(cast(Platform, None)).items()
    assert idle[0] == "owntown/broken-one"
    assert why in idle[1]["state"]


def test_a_broken_package_is_told_and_harms_no_other(tmp_path: Path, site: Path) -> None:
    a_package(
        site,
        "acme_bad",
        "[bongsu.sources]\nbad_one = acme_bad.sub\nlost_one = acme_bad.nowhere\nfine_one = acme_bad.fine\n",
        {"__init__": "", "sub": "x = 1\n\n1 / 0\n", "fine": GOOD},
    )
    a_package(site, "acme_torn", "[bongsu.sources]\nthis is no entry point\n", {"__init__": ""})
    a_package(site, "acme_bytes", "[bongsu.sources]\n", {"__init__": ""})
    (site / "acme_bytes-1.2.dist-info" / "entry_points.txt").write_bytes(b"\xff\xfe")
    listed = ran("source", "list").stdout
    assert f"{site / 'acme_bad' / 'sub.py'}, line 3: ZeroDivisionError" in listed
    assert "package acme_torn 1.2: its entry_points.txt cannot be read" in listed
    assert "lost_one                     cannot be used" in listed
    assert "fine_one                     A source that says nothing." in listed
    city = load_city(str(a_town(tmp_path, "bad_one", "lost_one", "fine_one", connectors="")))
    assert [one.name for one in city.left_out] == ["bad-one", "lost-one"]


def test_a_hanging_import_is_waited_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "IMPORT_S_MAX", 0.2)
    a_source(tmp_path, "hanging_one", "import threading\nthreading.Event().wait()\n")
    town = str(a_town(tmp_path, "hanging_one"))
    assert load_city(town).left_out
    monkeypatch.setattr(imports, "IMPORT_S_MAX", 600)
    assert load_city(town).left_out


@pytest.mark.parametrize(
    ("good", "bad", "why"),
    [
        (
            "        pass\n\n    async def poll",
            "        raise KeyError('x')\n\n    async def poll",
            "cannot be made",
        ),
        ("    def __init__(self, context, config)", "    def __init__(self)", "cannot be made"),
        ("        pass\n\n    async def poll", "        exit(3)\n\n    async def poll", "cannot be made"),
        (
            "        pass\n\n    async def poll",
            "        while True: pass\n\n    async def poll",
            "did not end",
        ),
    ],
)
def test_a_source_that_cannot_be_made_leaves_the_others_running(
    good: str,
    bad: str,
    why: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(imports, "IMPORT_S_MAX", 0.2 if why == "did not end" else 30)
    file = a_source(tmp_path, "unmade_one", GOOD.replace(good, bad, 1))
    city = load_city(str(a_town(tmp_path, "unmade_one")))
    services: list[Any] = []
    worker = cast(Any, SimpleNamespace(add_service=services.append))
    add_sources(worker, city, cast(Any, SimpleNamespace(kafka="127.0.0.1:1", wire=None)))
    assert [one.name for one in services] == ["reports", "clock"]
    assert why in caplog.text
    assert str(file) in caplog.text


def test_a_pushed_source_that_cannot_be_made_leaves_the_gateway_open_for_others(tmp_path: Path) -> None:
    a_source(
        tmp_path, "unmade_one", GOOD.replace("def __init__(self, context, config)", "def __init__(self)")
    )
    a_source(tmp_path, "quiet_one")
    town = a_town(tmp_path, "unmade_one", "quiet_one")
    pushed = 'push = true\nspeaks_for = ["119"]\nurl ='
    town.write_text(town.read_text().replace("url =", pushed))
    made = cast(Any, SimpleNamespace(_pushed=lambda name, city, *_: city.load(name)))
    kept = CityGateway._all_pushed(made, load_city(str(town)), cast(Any, None), lambda: None)
    assert list(kept) == ["quiet-one"]


def test_settings_that_its_own_code_cannot_read_leave_it_out(tmp_path: Path) -> None:
    validator = """
    @model_validator(mode="before")
    @classmethod
    def _odd(cls, raw):
        return {}["odd"]
"""
    text = GOOD.replace('(extra="allow")\n', '(extra="allow")\n' + validator)
    file = a_source(tmp_path, "odd_one", text.replace("ConfigDict\n", "ConfigDict, model_validator\n"))
    city = load_city(str(a_town(tmp_path, "odd_one")))
    (left,) = city.left_out
    assert f"cannot read its settings: {file}, line 14: KeyError" in left.what


def test_an_unused_broken_source_of_the_folder_is_said_by_city_check_too(tmp_path: Path) -> None:
    file = a_source(tmp_path, "torn_one", "def f(:\n")
    town = a_town(tmp_path)
    assert load_city(str(town)).left_out == ()
    assert f"{town}, line 5: source 'torn_one' cannot be imported: {file}, line 1" in fault_of(
        ran("city", "check", town)
    )


def test_a_folder_that_is_not_there_or_holds_nothing_is_a_fault_with_its_line(tmp_path: Path) -> None:
    town = a_town(tmp_path)
    with pytest.raises(UsageFault, match=f"line 5: connectors.0: no folder is at {tmp_path}/connectors"):
        load_city(str(town))
    (tmp_path / "connectors").mkdir()
    with pytest.raises(UsageFault, match="neither a folder sources nor a folder sinks"):
        load_city(str(town))


def test_code_that_every_user_may_write_is_noted(tmp_path: Path) -> None:
    file = a_source(tmp_path, "quiet_one")
    town = a_town(tmp_path, "quiet_one")
    assert "every user" not in ran("city", "check", town).stdout
    file.chmod(0o666)
    checked = ran("city", "check", town)
    assert checked.exit_code == 0
    assert f"{file} may be written by every user" in checked.stdout


# -- names --------------------------------------------------------------------------------------------------------


def test_a_name_that_stands_twice_is_refused_with_both_places(tmp_path: Path, site: Path) -> None:
    file = a_source(tmp_path, "double_one")
    a_package(site, "acme_double", "[bongsu.sources]\ndouble_one = acme_double\n", {"__init__": GOOD})
    town = a_town(tmp_path, "double_one")
    fault = fault_of(ran("city", "check", town))
    assert "stands twice" in fault
    assert "package acme_double 1.2" in fault
    assert str(file) in fault or str(file.parents[1]) in fault
    assert [one.name for one in load_city(str(town)).file.source] == ["reports"]
    assert "package acme_double 1.2" in ran("source", "show", "double_one").stdout, (
        "the city's folder is its own"
    )


def test_two_packages_with_one_name_are_refused_and_the_rest_is_listed(site: Path) -> None:
    for name in ("acme_left", "acme_right"):
        a_package(site, name, f"[bongsu.sources]\nsame_one = {name}\n", {"__init__": GOOD})
    listed = ran("source", "list").stdout
    (line,) = [line for line in listed.splitlines() if line.startswith("  same_one")]
    assert "acme_left 1.2" in line and "acme_right 1.2" in line
    assert "mapped_rows" in listed
    assert "stands twice" in fault_of(ran("source", "show", "same_one"))


def test_the_name_of_one_that_ships_cannot_be_taken(tmp_path: Path, site: Path) -> None:
    file = a_source(tmp_path, "simulated_calls")
    a_package(site, "acme_thief", "[bongsu.sources]\ngbfs = acme_thief\n", {"__init__": GOOD})
    town = a_town(tmp_path)
    city = load_city(str(town))
    assert type(city.load("reports")._source).__module__ == "connectors.sources.simulated_calls"
    fault = fault_of(ran("city", "check", town))
    assert "has the name of one that ships" in fault
    assert str(file.parents[1]) in fault
    assert "has the name of one that ships" in fault_of(ran("source", "check", file))
    listed = ran("source", "list").stdout
    assert "source 'gbfs' of package acme_thief 1.2" in listed
    with pytest.raises(UsageFault, match="ships with Bongsu"):
        lay_in_folder("gbfs", tmp_path / "elsewhere")


def test_a_file_whose_name_no_city_could_write_is_told(tmp_path: Path) -> None:
    a_source(tmp_path, "Our-Calls")
    assert "call it by lower-case letters" in fault_of(ran("city", "check", a_town(tmp_path)))
