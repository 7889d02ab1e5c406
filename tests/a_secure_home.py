"""A secure home of a test's own: its cluster runs while the block does, and nothing of it is left."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from connectors.transport.private_files import private_folder
from deploy.local import cluster as local
from deploy.local.home import Home
from deploy.local.secure_home import write_private
from deploy.settings import VARIABLES
from streams.runtime.security import VARIABLE, use


@contextmanager
def a_secure_home(*, passwords: Mapping[str, str] = {}, **named: str) -> Iterator[Home]:
    """Yield the home. *passwords*: those that it finds instead of making its own; *named*: environment variables, with
    what each names within the home's folder."""
    folder = Path(tempfile.mkdtemp(prefix="bongsu-"))
    with pytest.MonkeyPatch.context() as environment:
        for variable in (*VARIABLES.values(), VARIABLE):
            environment.delenv(variable, raising=False)
        environment.setenv("BONGSU_HOME", str(folder))
        for variable, name in named.items():
            environment.setenv(variable, str(folder / name))
        security = private_folder(folder / "security")
        for name, password in passwords.items():
            write_private(security / f"{name}.password", f"{password}\n")
        local.up(folder, secure=True)
        try:
            yield Home(folder)
        finally:
            local.down(folder, erase=True)
            use(None)
