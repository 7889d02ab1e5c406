"""Law profiles: what a country's law lets a platform do, as data. A working summary, not legal advice."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from schemas.errors import Fatal

LAWS = Path(__file__).parent


def law_names() -> list[str]:
    """The names of the profiles there are."""
    return sorted(one.stem for one in LAWS.glob("*.toml"))


def law_named(name: str) -> dict[str, Any]:
    """The profile ``deploy/laws/<name>.toml``."""
    known = law_names()
    if name not in known:
        raise Fatal(f"no law profile {name!r}", hint=f"write one of: {', '.join(known)}")
    path = LAWS / f"{name}.toml"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Fatal(f"law profile '{name}': {error}", hint=f"mend {path}") from error
