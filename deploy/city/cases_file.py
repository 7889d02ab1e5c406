"""``[cases]`` of a city's file."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from deploy.city.strict import Strict


class CasesFile(Strict):
    """``[cases]``: who may look for missing persons, and where the cases' keys are."""

    agencies: tuple[Annotated[str, Field(pattern=r"\S")], ...] = Field(
        (), description="agencies whose accounts may open cases, such as 112; none named: nobody may"
    )
    keys: str | None = Field(
        None,
        pattern=r"^/[^/\s]+/\S",  # not directly under /: in Kubernetes a volume is mounted in place of the folder above
        description="the folder of the cases' keys, outside every backup, at least two levels below /; "
        "none: cases/<city> in the home folder",
    )
