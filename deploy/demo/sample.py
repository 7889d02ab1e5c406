"""Sample recordings that ship with the package: two minutes of the simulated city, for trying commands out.

A command that takes a recording takes the name of a sample too, where no file of that name is here.
"""

from __future__ import annotations

from pathlib import Path

from deploy.faults import UsageFault

SAMPLES = Path(__file__).resolve().parents[1] / "samples"


def names() -> list[str]:
    return sorted(path.name for path in SAMPLES.iterdir())


def recording(text: str) -> Path:
    """The file *text*, or the sample of that name; ``UsageFault`` where neither is there."""
    path = Path(text)
    if path.is_file():
        return path
    if text in names():
        return SAMPLES / text
    raise UsageFault(
        f"no recording {text}", hint=f"give the path of a file, or a sample's name: {', '.join(names())}"
    )
