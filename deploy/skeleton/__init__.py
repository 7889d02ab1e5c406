"""Write the files of a new source: its module, its example, its test. The templates are in this folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from connectors.locations import NAME, NAME_FORM, locate
from deploy.faults import UsageFault

HERE = Path(__file__).parent
PLACES = {
    "source.py.txt": "connectors/sources/{}.py",
    "example.toml.txt": "tests/contract/examples/{}.toml",
    "example.jsonl.txt": "tests/contract/examples/{}.jsonl",
    "test.py.txt": "tests/unit/connectors/test_{}.py",
}
"""Template → its place in the repository."""
OWN_PLACES = {
    "source.py.txt": "sources/{}.py",
    "example.toml.txt": "examples/{}.toml",
    "example.jsonl.txt": "examples/{}.jsonl",
    "own_test.py.txt": "tests/test_{}.py",
}
"""Template → its place in a folder of one's own."""


def skeleton(name: str, places: Mapping[str, str] = PLACES) -> dict[str, str]:
    """The files of a new source of type *name*: path → text. *places*: template → path, within the repository by default."""
    if not NAME.fullmatch(name):
        raise UsageFault(f"'{name}' names no source", hint=NAME_FORM)
    type_name = "".join(part.capitalize() for part in name.split("_"))
    texts = {template: (HERE / template).read_text(encoding="utf-8") for template in places}
    return {
        places[template].format(name): text.replace("NAME", name).replace("CLASS", type_name)
        for template, text in texts.items()
    }


def lay(name: str, root: Path) -> list[Path]:
    """Write the skeleton into the repository at *root*; the paths written. Nothing is overwritten."""
    if not (root / "connectors" / "sources").is_dir():
        raise UsageFault(
            f"{root} is no working copy of Bongsu",
            hint="go there, or name it with --to; for a folder of your own: --in DIR",
        )
    return _written({root / where: text for where, text in skeleton(name).items()})


def lay_in_folder(name: str, folder: Path) -> list[Path]:
    """Write the skeleton into a *folder* of one's own, which is made; the paths written. Nothing is overwritten."""
    files = {folder / where: text for where, text in skeleton(name, OWN_PLACES).items()}
    located = locate("source", (folder,))
    if (taken := located.found.get(name)) is not None and taken.file != (
        folder / f"sources/{name}.py"
    ).resolve():
        raise UsageFault(f"there is a source {name!r} already: {taken.spoken}", hint="take another name")
    return _written(files)


def _written(files: Mapping[Path, str]) -> list[Path]:
    for path in files:
        if path.exists():
            raise UsageFault(f"{path} exists", hint="take another name, or remove it first")
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(files)
