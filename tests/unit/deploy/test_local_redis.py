"""The program of the live view: the machine's own first, else that of the package."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.local.redis import OLDEST, find_redis, version_of


def test_a_machine_without_redis_and_without_a_compiler_has_the_package_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = find_redis()
    assert found.name == "valkey-server"
    assert (version_of(found) or (0,)) >= OLDEST


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("redis-server", "Redis server v=7.2.5 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64"),
        ("valkey-server", "Valkey server v=8.0.1 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64"),
    ],
)
def test_the_machine_s_own_goes_first_unless_it_is_too_old(
    name: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / name
    monkeypatch.setenv("PATH", str(tmp_path))
    program.write_text(f"#!/bin/sh\necho '{says}'\n", encoding="utf-8")
    program.chmod(0o755)
    assert find_redis() == program
    program.write_text("#!/bin/sh\necho 'Redis server v=5.0.14 sha=0 bits=64'\n", encoding="utf-8")
    assert find_redis() != program
