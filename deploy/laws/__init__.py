"""Law profiles: what a country's law lets a platform do, as data. A working summary, not legal advice."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from schemas.errors import Fatal

LAWS = Path(__file__).parent


def law_named(name: str) -> dict[str, Any]:
    """The profile ``deploy/laws/<name>.toml``."""
    path = LAWS / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(one.stem for one in LAWS.glob("*.toml")))
        raise Fatal(f"no law profile '{name}'", hint=f"write one of: {known}")
    return tomllib.loads(path.read_text(encoding="utf-8"))
