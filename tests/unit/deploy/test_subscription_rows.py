"""Secrets of webhooks: made, kept in private files, named in rows, and exchanged with two that sign."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.assembly.deliver import secrets_folder, with_files
from deploy.subscription_rows import new_secret, rotated
from schemas.errors import Fatal
from streams.deliver.subscriptions import Subscription, event_of, faults_of


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BONGSU_HOME", str(tmp_path))
    return tmp_path


def test_a_secret_stands_in_a_private_file_and_its_name_in_the_row() -> None:
    secret, setting = new_secret("town", "desk", number=1)
    one = Subscription("desk", "police", "webhook", {"secrets": [setting]})
    assert faults_of(one) == []
    assert secret not in str(event_of(one, "town", now_ms=1))
    (file,) = secrets_folder().iterdir()
    assert (file.stat().st_mode & 0o777, secrets_folder().stat().st_mode & 0o777) == (0o600, 0o700)
    assert with_files(one.settings, secrets_folder()) == {"secrets": [secret]}


def test_after_a_rotation_the_new_and_the_last_one_sign() -> None:
    one = Subscription("desk", "police", "webhook")
    secrets = []
    for number in (1, 2, 3):
        secret, setting = new_secret("town", "desk", number=number)
        secrets.append(secret)
        one = rotated(one, setting)
    assert with_files(one.settings, secrets_folder()) == {"secrets": [secrets[2], secrets[1]]}


def test_a_secret_that_is_not_on_this_machine_is_told_by_name(home: Path) -> None:
    with pytest.raises(Fatal, match=r"town\.desk\.1 cannot be read"):
        with_files({"secrets": ["${FILE:town.desk.1}"]}, home / "secrets")
