"""A principal's file is read whole or refused with its name, and no message tells what a secret holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import Fatal
from streams.runtime import security as securing
from streams.runtime.security import VARIABLE, reader_group, secured, security, security_of, use

SECRET = "s3cr3t-of-a-test"  # noqa: S105 (no secret of anything)
BY_PASSWORD = 'ca_file = "ca.crt"\nprincipal = "demo.platform"\npassword_file = "one.password"\n'  # noqa: S105 (a file that names one)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(securing, "_used", [])
    for name, text in {"ca.crt": "a", "one.password": f"{SECRET}\n", "admin.pem": "b"}.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def a_file(folder: Path, text: str) -> Path:
    (folder / "way.toml").write_text(text)
    return folder / "way.toml"


def test_without_a_security_settings_stay_as_they_are(folder: Path) -> None:
    assert security() is None
    assert secured({"group.id": "g"}) == {"group.id": "g"}
    assert reader_group() == "bongsu.reader"


def test_a_principal_s_settings_are_those_of_scram_over_tls(folder: Path) -> None:
    use(a_file(folder, BY_PASSWORD))
    assert secured({"group.id": "g"}) == {
        "group.id": "g",
        "ssl.ca.location": str(folder / "ca.crt"),
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "demo.platform",
        "sasl.password": SECRET,
    }
    assert reader_group() == "demo.reader"
    assert SECRET not in repr(security())


def test_a_certificate_s_settings_are_those_of_tls_at_its_own_address(folder: Path) -> None:
    text = 'ca_file = "ca.crt"\ncertificate_file = "admin.pem"\nbootstrap = "127.0.0.1:2"\n'
    settings = security_of(a_file(folder, text)).settings()
    assert settings["security.protocol"] == "SSL"
    assert settings["bootstrap.servers"] == "127.0.0.1:2"
    assert settings["ssl.key.location"] == settings["ssl.certificate.location"] == str(folder / "admin.pem")
    assert security_of(folder / "way.toml").reader_group == "bongsu.reader"


def test_the_environment_wins(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(folder / "nothing.toml")
    monkeypatch.setenv(VARIABLE, str(a_file(folder, BY_PASSWORD)))
    one = security()
    assert one is not None
    assert one.principal == "demo.platform"


@pytest.mark.parametrize(
    "text",
    [
        "",
        'ca_file = "ca.crt"\n',
        'ca_file = "ca.crt"\nprincipal = "demo.platform"\n',
        BY_PASSWORD + 'certificate_file = "admin.pem"\n',
        BY_PASSWORD + f'password = "{SECRET}"\n',
        BY_PASSWORD.replace("one.password", "none.password"),
        BY_PASSWORD.replace("ca.crt", "none.crt"),
        BY_PASSWORD.replace('"demo.platform"', "7"),
        f"{SECRET}\n",
    ],
)
def test_a_file_that_is_not_whole_is_refused_without_its_secret(folder: Path, text: str) -> None:
    with pytest.raises(Fatal) as refused:
        security_of(a_file(folder, text))
    assert str(folder) in str(refused.value)
    assert SECRET not in f"{refused.value} {refused.value.hint}"


def test_an_empty_password_is_refused(folder: Path) -> None:
    (folder / "one.password").write_text("\n")
    with pytest.raises(Fatal, match="holds no password"):
        security_of(a_file(folder, BY_PASSWORD))
