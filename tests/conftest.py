"""What all tests share: where the real input lies."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real input; tests that need it skip where it is not."""
    folder = Path(os.environ.get("BONGSU_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real input at {folder}: set BONGSU_DATA")
    return folder
