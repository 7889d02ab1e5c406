"""The secret that signs sessions where replicas share none: made once, in a file for its owner alone."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from connectors.transport.private_files import FILE_MODE, private_folder
from schemas.errors import Fatal

SECRET_BYTES = 32


def kept_secret(file: Path) -> bytes:
    """The secret in *file*, made where it is missing."""
    private_folder(file.parent)
    try:
        secret = bytes.fromhex(file.read_text("ascii"))
    except FileNotFoundError:
        return _made(file)
    except (UnicodeDecodeError, ValueError):
        secret = b""
    if len(secret) < SECRET_BYTES:
        raise Fatal(
            f"{file} is no secret of sessions",
            hint="move it away: a new one is made, and everybody signs in again",
        )
    return secret


def _made(file: Path) -> bytes:
    secret = secrets.token_bytes(SECRET_BYTES)
    part = file.with_suffix(f".{os.getpid()}.part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE), "w") as out:
        out.write(secret.hex())
        out.flush()
        os.fsync(out.fileno())
    try:
        os.link(part, file)  # whole or not at all: half a secret would end every later start
    except (
        FileExistsError
    ):  # a gateway and a console of this home begin at once: the first one's holds for both
        return kept_secret(file)
    finally:
        part.unlink()
    return secret
