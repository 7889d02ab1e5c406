"""Only pinned files are run, byte for byte."""

from __future__ import annotations

import hashlib
import re
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deploy.local import artefacts
from deploy.local.artefacts import Artefact, Silent
from deploy.local.fetch import fetch
from deploy.local.repositories import repositories
from schemas.errors import Fatal, Unreachable

CONTENT = b"a jar, say" * 1000


def an_artefact(content: bytes = CONTENT) -> Artefact:
    digest = hashlib.sha256(content).hexdigest()
    return Artefact("kafka", "org.city", "beacon", "1.0", "jar", "all", len(content), digest)


def a_folder_with(content: bytes, folder: Path) -> Path:
    file = folder / an_artefact().path
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    return folder


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
        pass


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that is served as a Maven repository."""
    folder = tmp_path / "repository"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        monkeypatch.setenv("BONGSU_MAVEN", f"http://127.0.0.1:{server.server_port}")
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        yield folder
        server.shutdown()
        serving.join()


def test_the_lock_pins_every_file_once_and_the_clients_are_the_brokers_own() -> None:
    lock = artefacts.load_lock()
    assert len({entry.path for entry in lock}) == len(lock)
    assert all(re.fullmatch("[0-9a-f]{64}", entry.sha256) and entry.bytes > 0 for entry in lock)
    versions = {entry.name: entry.version for entry in lock}
    assert versions["kafka-clients"] == versions["kafka_2.13"]
    assert "log4j-slf4j-impl" in versions


def test_what_is_fetched_takes_its_name_only_when_it_is_what_was_pinned(
    repository: Path, tmp_path: Path
) -> None:
    a_folder_with(CONTENT, repository)
    fetch([an_artefact()], tmp_path / "cache", Silent())
    assert artefacts.is_whole(an_artefact(), tmp_path / "cache")


def test_a_repository_that_hands_out_something_else_is_refused(repository: Path, tmp_path: Path) -> None:
    a_folder_with(CONTENT + b"!", repository)
    with pytest.raises(Fatal, match="pinned"):
        fetch([an_artefact()], tmp_path / "cache", Silent())
    assert [file for file in (tmp_path / "cache").rglob("*") if file.is_file()] == []


@pytest.mark.usefixtures("repository")
def test_a_repository_without_it_is_told_with_the_way_without_a_network(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match=r"404.*bongsu up --from DIR"):
        fetch([an_artefact()], tmp_path / "cache", Silent())


def test_a_folder_brought_by_hand_is_checked_too(tmp_path: Path) -> None:
    brought = a_folder_with(CONTENT, tmp_path / "brought")
    artefacts.copy([an_artefact()], brought, tmp_path / "cache")
    assert artefacts.is_whole(an_artefact(), tmp_path / "cache")


@pytest.mark.parametrize(("content", "words"), [(CONTENT[:-1], "pinned"), (None, "does not hold")])
def test_a_folder_with_an_altered_or_missing_file_is_refused(
    content: bytes | None, words: str, tmp_path: Path
) -> None:
    brought = a_folder_with(content, tmp_path / "brought") if content else tmp_path
    with pytest.raises(Fatal, match=words):
        artefacts.copy([an_artefact()], brought, tmp_path / "cache")


def test_a_copy_damaged_since_is_removed_to_be_fetched_again(tmp_path: Path) -> None:
    cache = a_folder_with(CONTENT[:-1], tmp_path)
    assert not artefacts.is_whole(an_artefact(), cache)
    assert not (cache / an_artefact().path).exists()


def test_the_mirror_of_the_ordinary_maven_settings_is_honoured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BONGSU_MAVEN", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".m2").mkdir()
    (tmp_path / ".m2" / "settings.xml").write_text(
        '<settings xmlns="urn:any"><mirrors><mirror><mirrorOf>other</mirrorOf><url>https://no.example</url></mirror>'
        "<mirror><mirrorOf>central</mirrorOf><url>https://mirror.example/maven/</url></mirror></mirrors></settings>"
    )
    assert repositories() == ["https://mirror.example/maven"]


@pytest.mark.parametrize("has_filters", [True, False])
def test_an_archive_is_unpacked_by_each_python_from_3_11_0_on(
    has_filters: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`extractall` takes a filter from 3.11.4 on; Debian 12 has 3.11.2."""
    content = tmp_path / "content"
    content.write_bytes(CONTENT)
    archive = an_artefact()
    (tmp_path / archive.path).parent.mkdir(parents=True)
    with tarfile.open(tmp_path / archive.path, "w") as made:
        made.add(content, "folder/content")
    extract, filters = tarfile.TarFile.extractall, list[object]()

    def as_of_old(self: tarfile.TarFile, path: Path, **more: object) -> None:
        filters.append(more.get("filter"))
        extract(self, path, filter="data")

    monkeypatch.setattr(tarfile.TarFile, "extractall", as_of_old)
    if not has_filters:
        monkeypatch.delattr(tarfile, "data_filter")
    folder = artefacts.unpacked(archive, tmp_path, tmp_path, Silent())
    assert (folder / "folder" / "content").read_bytes() == CONTENT
    assert filters == ["data" if has_filters else None]
