"""Law profiles: what a country's law lets a platform do, as data. A working summary, not legal advice."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from schemas.errors import Fatal
from streams.cases.case_law import CaseLaw

LAWS = Path(__file__).parent
CASES = "missing_persons"
"""The section on missing persons' cases. No rule goes by it, so the rules' version does not change with it."""


def law_names() -> list[str]:
    """The names of the profiles there are."""
    return sorted(one.stem for one in LAWS.glob("*.toml"))


def law_named(name: str) -> dict[str, Any]:
    """The profile ``deploy/laws/<name>.toml``, as far as the rules go by it."""
    return {section: said for section, said in _profile(name).items() if section != CASES}


def case_law_named(name: str) -> CaseLaw:
    """The law of missing persons' cases of that profile."""
    try:
        return CaseLaw.model_validate(_profile(name)[CASES])
    except (KeyError, ValidationError) as error:
        raise Fatal(
            f"law profile '{name}': its section [{CASES}] is missing or wrong: {error}",
            hint=f"write it as deploy/laws/kr.toml has it, in {LAWS / name}.toml",
        ) from error


def _profile(name: str) -> dict[str, Any]:
    known = law_names()
    if name not in known:
        raise Fatal(f"no law profile {name!r}", hint=f"write one of: {', '.join(known)}")
    path = LAWS / f"{name}.toml"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Fatal(f"law profile '{name}': {error}", hint=f"mend {path}") from error
