"""A town with connectors of its own: its file, a folder beside it, and packages as an installer leaves them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from click.testing import CliRunner, Result

from deploy.cli import bongsu
from schemas.errors import BongsuError

TOWN = """\
name = "owntown"
title = "Our town"
timezone = "Asia/Seoul"
law = "kr"
{connectors}
[bounds]
south = 36.2
west = 127.2
north = 36.5
east = 127.6

[[source]]
name = "reports"
type = "simulated_calls"
domain = "police"
"""
SOURCE = """
[[source]]
name = "{name}"
type = "{type}"
url = "http://127.0.0.1:1/calls"
"""
GOOD = '''\
"""A source that says nothing."""

from pydantic import BaseModel, ConfigDict

from connectors.base import Reading


class Config(BaseModel):
    model_config = ConfigDict(extra="allow")


class Quiet:
    def __init__(self, context, config):
        pass

    async def poll(self, place):
        raise NotImplementedError

    async def close(self):
        pass

    def read(self, heard, place):
        return Reading((), place)


SOURCE = Quiet
'''


def a_town(folder: Path, *types: str, connectors: str = 'connectors = ["./connectors"]') -> Path:
    """The file of a town with a simulated source, and one source of each of *types*, called by its type."""
    text = TOWN.format(connectors=connectors)
    text += "".join(SOURCE.format(name=one.replace("_", "-"), type=one) for one in types)
    path = folder / "owntown.toml"
    path.write_text(text, encoding="utf-8")
    return path


def a_source(folder: Path, name: str, text: str = GOOD, kind: str = "sources") -> Path:
    """A connector in ``folder/connectors``."""
    file = folder / "connectors" / kind / f"{name}.py"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def a_package(site: Path, name: str, points: str, modules: Mapping[str, str]) -> None:
    """Package *name* in *site*, a folder of packages, with *points* as its ``entry_points.txt``."""
    for module, text in modules.items():
        file = site / name / f"{module}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    about = site / f"{name}-1.2.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
    (about / "entry_points.txt").write_text(points)


def ran(*words: str | Path) -> Result:
    return CliRunner().invoke(bongsu, [str(one) for one in words])


def fault_of(result: Result) -> str:
    assert isinstance(result.exception, BongsuError), result.output
    return str(result.exception)
