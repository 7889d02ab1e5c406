"""Folders and files with agencies' data: for their owner alone, whatever the user's umask is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

FOLDER_MODE, FILE_MODE = 0o700, 0o600


def private_folder(path: Path) -> Path:
    """*path*, made with those above it that are missing; one that is there already is closed to others."""
    for missing in [one for one in reversed(path.parents) if not one.exists()]:
        missing.mkdir(mode=FOLDER_MODE, exist_ok=True)
    path.mkdir(mode=FOLDER_MODE, exist_ok=True)
    path.chmod(FOLDER_MODE)
    return path


def private_file(path: Path) -> Path:
    """*path*, made where it is missing; one that is there already keeps what it holds, and is closed to others."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
    try:
        os.fchmod(descriptor, FILE_MODE)
    finally:
        os.close(descriptor)
    return path


def appended(path: Path) -> BinaryIO:
    """*path*, to append to. One that is made here is its owner's alone; one that is there keeps the mode it was given."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, FILE_MODE), "ab")
