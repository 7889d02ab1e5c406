"""The page's lines for a machine without systemd start what each unit of the city starts, with its environment."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from tests.rendered import of_units

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """\
#!{python}
import json, os, pathlib, sys
words = sys.argv[1:]
place = pathlib.Path({told!r}) / (words[words.index("--stage") + 1] + ".json")
about = {{name: value for name, value in os.environ.items() if name.startswith("BONGSU_")}}
place.with_suffix(".new").write_text(json.dumps([words, about]))
place.with_suffix(".new").rename(place)
"""


def test_the_lines_of_the_page_start_each_process_of_the_units(tmp_path: Path) -> None:
    told, program, etc = tmp_path / "told", tmp_path / "bongsu", tmp_path / "etc"
    told.mkdir()
    program.write_text(PROGRAM.format(python=sys.executable, told=str(told)))
    program.chmod(0o755)
    out = tmp_path / "rendered"
    words = ["deploy", "render", "houston", "columbia", "--target", "systemd", "-o", str(out)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "BONGSU_HOME": str(tmp_path / "none")}
    render = [sys.executable, "-m", "deploy.cli", *words, "--program", str(program)]
    subprocess.run(render, env=environment, check=True, capture_output=True, timeout=60)
    (out / "etc").rename(etc)

    page = (ROOT / "deploy" / "README.md").read_text("utf-8")
    (lines,) = (
        one for one in re.findall(r"^```\n(.*?)^```$", page, re.MULTILINE | re.DOTALL) if "ExecStart" in one
    )
    home = str(tmp_path / "home")
    for there, here in (("/etc/bongsu", str(etc)), ("/var/lib/bongsu", home), ("/tmp/rendered", str(out))):  # noqa: S108 (the page's own)
        assert there in lines
        lines = lines.replace(there, here)
    lines = lines.replace("lakeside", "columbia")
    clean = {"PATH": os.environ["PATH"]}
    subprocess.run(["/bin/sh", "-eu", "-c", lines + "wait\n"], env=clean, check=True, timeout=60)

    wanted = {one.role: one.words[1:] for one in of_units(out / "units") if "columbia" in one.name}
    assert len(wanted) >= 3
    deadline = time.monotonic() + 10
    while len([*told.glob("*.json")]) < len(wanted) and time.monotonic() < deadline:
        time.sleep(0.02)
    found = {one.stem: json.loads(one.read_text()) for one in told.glob("*.json")}
    assert {role: said for role, (said, _) in found.items()} == wanted
    for _, about in found.values():
        assert about["BONGSU_HOME"] == home and about["BONGSU_CITIES"] == str(etc / "cities")
        assert about["BONGSU_KAFKA"] == "127.0.0.1:9092"
    assert len((tmp_path / "home" / "pids").read_text().split()) == len(wanted)
