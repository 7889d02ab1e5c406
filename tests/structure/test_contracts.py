"""The import contracts hold, and they refuse a forbidden import wherever it is planted."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.structure.tree import ROOT, TOPS

COMMAND = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"]


def contracts() -> Sequence[Mapping[str, Any]]:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    found: Sequence[Mapping[str, Any]] = tomllib.loads(text)["tool"]["importlinter"]["contracts"]
    return found


def forbidden() -> Iterator[tuple[str, str]]:
    """(a package or module that is pure, a module that it must not import), each of both at least once."""
    for contract in contracts():
        if contract["type"] == "layers":
            layers = contract["layers"]
            yield from ((low, high) for at, high in enumerate(layers) for low in layers[at + 1 :])
        else:
            others = contract["forbidden_modules"]
            for number, source in enumerate(contract["source_modules"]):
                yield source, others[number % len(others)]
            yield from ((contract["source_modules"][0], other) for other in others)


def planted(tree: Path, source: str, other: str, number: int) -> str:
    """Write an import of *other* into *source*, in a module of its own where it is a package; the name of that module."""
    place = tree.joinpath(*source.split("."))
    if place.is_dir():
        (place / f"planted_{number}.py").write_text(f"import {other}\n", encoding="utf-8")
        return f"{source}.planted_{number}"
    file = place.with_suffix(".py")
    file.write_text(f"{file.read_text(encoding='utf-8')}\nimport {other}\n", encoding="utf-8")
    return source


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "--no-cache"], cwd=tree, capture_output=True, text=True, timeout=120, check=False
    )


def test_a_forbidden_import_is_refused_in_every_pure_package_and_every_layer(tmp_path: Path) -> None:
    for top in TOPS:
        shutil.copytree(ROOT / top, tmp_path / top, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    clean = lint(tmp_path)
    assert clean.returncode == 0, clean.stdout
    wanted = [
        (planted(tmp_path, source, other, number), other)
        for number, (source, other) in enumerate(sorted(set(forbidden())))
    ]
    found = lint(tmp_path)
    told = " ".join(found.stdout.split())
    assert found.returncode == 1
    missed = [f"{name} -> {other}" for name, other in wanted if f"{name} -> {other}" not in told]
    assert missed == []
