"""The source tree as the structure's tests see it: modules, their text and syntax, their imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOPS = ("schemas", "connectors", "streams", "deploy")


@dataclass(frozen=True)
class Module:
    """One file of Python: its dotted name, its path from the root, its text."""

    name: str
    path: str
    text: str

    @property
    def top(self) -> str:
        return self.name.partition(".")[0]

    @property
    def stem(self) -> str:
        return Path(self.path).stem

    @property
    def lines(self) -> int:
        return self.text.count("\n")

    @property
    def syntax(self) -> ast.Module:
        return ast.parse(self.text)


def module_of(path: Path, root: Path = ROOT) -> Module:
    there = path.relative_to(root)
    parts = there.with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Module(name, there.as_posix(), path.read_text(encoding="utf-8"))


@cache
def product() -> tuple[Module, ...]:
    """Every module of the four top folders."""
    return tuple(module_of(path) for top in TOPS for path in sorted((ROOT / top).rglob("*.py")))


@cache
def everything() -> tuple[Module, ...]:
    """The product and its tests."""
    return (*product(), *(module_of(path) for path in sorted((ROOT / "tests").rglob("*.py"))))


def imports_of(module: Module, known: Mapping[str, Module]) -> Iterator[str]:
    """The modules of *known* that *module* imports anywhere: at its top, in functions, under TYPE_CHECKING."""
    for node in ast.walk(module.syntax):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for one in node.names:
                inner = f"{node.module}.{one.name}"
                if inner in known:
                    yield inner
                elif node.module in known:
                    yield node.module


def pages() -> list[Path]:
    """Every page of prose; folders of tools, which begin with a point, are left out."""
    found = sorted(ROOT.rglob("*.md"))
    return [one for one in found if not any(part.startswith(".") for part in one.relative_to(ROOT).parts)]
