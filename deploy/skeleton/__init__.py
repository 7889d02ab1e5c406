"""Write the files of a new source: its module, its example, its test. The templates are in this folder."""

from __future__ import annotations

import re
from pathlib import Path

from deploy.faults import UsageFault

HERE = Path(__file__).parent
PLACES = {
    "source.py.txt": "connectors/sources/{}.py",
    "example.toml.txt": "tests/contract/examples/{}.toml",
    "example.jsonl.txt": "tests/contract/examples/{}.jsonl",
    "test.py.txt": "tests/unit/connectors/test_{}.py",
}


def skeleton(name: str) -> dict[str, str]:
    """The files of a new source of type *name*: path in the repository → text."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        raise UsageFault(
            f"'{name}' names no source", hint="lower-case letters, digits and _, such as our_calls"
        )
    type_name = "".join(part.capitalize() for part in name.split("_"))
    texts = {template: (HERE / template).read_text(encoding="utf-8") for template in PLACES}
    return {
        PLACES[template].format(name): text.replace("NAME", name).replace("CLASS", type_name)
        for template, text in texts.items()
    }


def lay(name: str, root: Path) -> list[Path]:
    """Write the skeleton into the repository at *root*; the paths written. Nothing is overwritten."""
    files = {root / where: text for where, text in skeleton(name).items()}
    if not (root / "connectors" / "sources").is_dir():
        raise UsageFault(f"{root} is no working copy of Bongsu", hint="go there, or name it with --to")
    for path in files:
        if path.exists():
            raise UsageFault(f"{path} exists", hint="take another name, or remove it first")
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(files)
