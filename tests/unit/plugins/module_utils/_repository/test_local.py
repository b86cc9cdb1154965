# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import os
import pathlib
import stat
import time

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    AlreadyExists,
    OptionInvalid,
    RepositoryDamaged,
    RepositoryError,
    RepositoryFull,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository.backends import local
from ansible_collections.ucops.recovery.plugins.module_utils._repository.backends.local import LocalBackend


@pytest.fixture(params=[1, 1000], ids=["sync-all", "sync-each"])
def backend(tmp_path: pathlib.Path, request: pytest.FixtureRequest) -> LocalBackend:
    return LocalBackend(str(tmp_path / "deep" / "repository"), sync_all_from=request.param)


def put(backend: LocalBackend, name: str, data: bytes) -> list[str]:
    staged = backend.stage("test")
    staged.write(data)
    staged.close()
    return backend.publish([(staged, name)])


def leftovers(backend: LocalBackend) -> list[str]:
    return backend.names("incoming")


def test_what_was_written_is_read(backend: LocalBackend) -> None:
    assert put(backend, "objects/ab/one", b"data") == []
    assert backend.exists("objects/ab/one") and backend.size("objects/ab/one") == 4
    assert backend.read("objects/ab/one", 4) == b"data"
    with backend.open("objects/ab/one") as stream:
        stream.seek(2)
        assert stream.read(10) == b"ta"
    assert leftovers(backend) == []


def test_files_and_folders_are_closed_to_others(backend: LocalBackend) -> None:
    put(backend, "objects/ab/one", b"data")
    root = pathlib.Path(backend.location)
    assert stat.S_IMODE((root / "objects/ab/one").stat().st_mode) == 0o600
    for folder in (root, root / "objects", root / "objects/ab", root / "incoming"):
        assert stat.S_IMODE(folder.stat().st_mode) & 0o077 == 0


def test_absent_files(backend: LocalBackend) -> None:
    assert not backend.exists("no") and backend.size("no/deeper") is None and backend.names("no") == []
    assert list(backend.list("no")) == []
    for call in (lambda: backend.open("no"), lambda: backend.read("no", 10)):
        with pytest.raises(RepositoryDamaged, match="missing"):
            call()
    backend.remove("no")


def test_nothing_is_visible_before_publication(backend: LocalBackend) -> None:
    staged = backend.stage("test")
    staged.write(b"data")
    staged.close()
    assert [name for name, _size in backend.list() if not name.startswith("incoming/")] == []
    staged.abort()
    staged.abort()
    assert leftovers(backend) == []


def test_publication_never_replaces(backend: LocalBackend) -> None:
    put(backend, "objects/ab/one", b"old")
    assert put(backend, "objects/ab/one", b"new") == ["objects/ab/one"]
    assert backend.read("objects/ab/one", 10) == b"old"
    assert leftovers(backend) == []
    with pytest.raises(AlreadyExists):
        backend.create("objects/ab/one", b"new")


def test_create_many_tells_which_were_there(backend: LocalBackend) -> None:
    backend.create("a/2", b"old")
    files = [(f"a/{number}", b"new") for number in range(20)]
    assert backend.create_many(files) == ["a/2"]
    assert backend.read("a/2", 10) == b"old" and backend.read("a/19", 10) == b"new"
    assert leftovers(backend) == []


def test_replace_and_remove(backend: LocalBackend) -> None:
    backend.replace("keys/one", b"old")
    backend.replace("keys/one", b"newer")
    assert backend.read("keys/one", 10) == b"newer"
    backend.remove("keys/one")
    assert not backend.exists("keys/one") and leftovers(backend) == []


def test_listings(backend: LocalBackend) -> None:
    for name in ("x/a/1", "x/b", "y"):
        backend.create(name, name.encode())
    assert sorted(backend.names("x")) == ["a/", "b"]
    assert sorted(backend.list("x")) == [("x/a/1", 5), ("x/b", 3)]
    assert {name for name, _size in backend.list()} == {"x/a/1", "x/b", "y"}


def test_a_file_that_is_too_long_is_not_read(backend: LocalBackend) -> None:
    backend.create("x", b"12345")
    with pytest.raises(RepositoryDamaged, match="longer than 4"):
        backend.read("x", 4)
    with pytest.raises(RepositoryDamaged, match="longer than 4"):
        backend.find("x", 4)


def test_what_may_not_be_there_is_found_or_not(backend: LocalBackend, tmp_path: pathlib.Path) -> None:
    backend.create("x", b"12345")
    assert backend.find("x", 5) == b"12345"
    assert [backend.find(name, 5) for name in ("y", "y/z", "x/z")] == [None] * 3
    pathlib.Path(backend.location, "link").symlink_to(tmp_path)
    for name in ("link", "."):
        with pytest.raises(RepositoryDamaged, match="not a regular file"):
            backend.find(name, 5)


def test_a_file_that_changes_while_it_is_read_is_read_to_its_end(
    backend: LocalBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend.create("x", b"0123456789" * 100)
    read = os.read
    monkeypatch.setattr(os, "read", lambda descriptor, size: read(descriptor, min(size, 7)))
    assert backend.read("x", 1000) == b"0123456789" * 100
    with pytest.raises(RepositoryDamaged, match="longer than 999"):
        backend.read("x", 999)


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/passwd", "", "a\0b"])
def test_names_that_lead_out_are_refused(backend: LocalBackend, name: str) -> None:
    for call in (backend.open, backend.exists, backend.remove, lambda name: backend.create(name, b"")):
        with pytest.raises(RepositoryDamaged, match="cannot be the name"):
            call(name)


def test_links_are_not_followed(backend: LocalBackend, tmp_path: pathlib.Path) -> None:
    backend.create("x", b"")
    (tmp_path / "secret").write_text("secret")
    os.symlink(tmp_path / "secret", f"{backend.location}/link")
    os.mkfifo(f"{backend.location}/pipe-not-opened")
    os.mkdir(f"{backend.location}/folder")
    assert backend.size("link") is None and backend.size("folder") is None and backend.size("pipe-not-opened") is None
    for name in ("link", "folder"):
        with pytest.raises(RepositoryDamaged, match="not a regular file"):
            backend.read(name, 10)


def test_a_relative_path_is_refused() -> None:
    with pytest.raises(OptionInvalid):
        LocalBackend("repository")


def test_leftovers_are_swept_when_they_are_old(backend: LocalBackend) -> None:
    old, young = backend.stage("old"), backend.stage("young")
    past = time.time() - 2 * 86400
    assert old.path is not None
    os.utime(old.path, (past, past))
    assert backend.sweep() == 1
    assert [name.split("-")[0] for name in leftovers(backend)] == ["young"]
    young.abort()


def test_folders_that_vanish_are_made_again(backend: LocalBackend) -> None:
    put(backend, "objects/ab/one", b"1")
    os.unlink(f"{backend.location}/objects/ab/one")
    os.rmdir(f"{backend.location}/objects/ab")
    os.rmdir(f"{backend.location}/incoming")
    assert put(backend, "objects/ab/one", b"2") == []


def test_a_link_whose_answer_got_lost_counts_as_made(backend: LocalBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.link

    def link_twice(source: str, target: str) -> None:
        real(source, target)
        raise FileExistsError(errno.EEXIST, "exists")

    monkeypatch.setattr(local.os, "link", link_twice)
    assert put(backend, "objects/ab/one", b"1") == []
    assert backend.read("objects/ab/one", 1) == b"1"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("call", ["open", "write", "fsync", "link", "mkdir", "replace"])
def test_a_full_disk_has_one_name_and_leaves_nothing(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, call: str, code: int
) -> None:
    backend = LocalBackend(str(tmp_path / "r"), sync_all_from=1000)
    backend.create("old/one", b"old")
    real_open = os.open

    def fail(*arguments: object, **options: object) -> int:
        if call == "open" and not int(arguments[1]) & os.O_CREAT:  # type: ignore[call-overload]
            return real_open(*arguments, **options)  # type: ignore[arg-type]
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(local.os, call, fail)
    with pytest.raises(RepositoryFull) as error:
        backend.replace("new/one", b"x") if call == "replace" else backend.create("new/one", b"new")
    assert isinstance(error.value.details["free_bytes"], int)
    monkeypatch.undo()
    assert leftovers(backend) == []
    assert backend.read("old/one", 10) == b"old" and not backend.exists("new/one")


def test_other_errors_keep_their_reason(backend: LocalBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    backend.create("one", b"1")

    def fail(*_arguments: object) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(local.os, "write", fail)
    with pytest.raises(RepositoryError, match="Input/output error"):
        backend.create("two", b"2")
    assert leftovers(backend) == []


def test_bytes_are_synced_before_they_get_a_name_and_names_after(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = LocalBackend(str(tmp_path / "r"), sync_all_from=1000)
    backend.create("folder/first", b"1")
    steps: list[str] = []
    real_sync, real_link = os.fsync, os.link

    def sync(descriptor: int) -> None:
        steps.append(
            "sync " + os.path.relpath(os.readlink(f"/proc/self/fd/{descriptor}"), tmp_path / "r").split("-")[0]
        )
        real_sync(descriptor)

    def link(source: str, target: str) -> None:
        steps.append("link")
        real_link(source, target)

    monkeypatch.setattr(local.os, "fsync", sync)
    monkeypatch.setattr(local.os, "link", link)
    backend.create("folder/second", b"2")
    assert steps == ["sync incoming/small", "link", "sync folder"]
    steps.clear()
    backend.create("fresh/one", b"3")
    assert steps == ["sync incoming/small", "link", "sync .", "sync fresh"]


def test_without_syncfs_every_file_is_synced(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = LocalBackend(str(tmp_path / "r"), sync_all_from=1)
    monkeypatch.setattr(local, "_find_syncfs", lambda: None)
    synced: list[int] = []
    monkeypatch.setattr(local.os, "fsync", synced.append)
    backend.create_many([("a/1", b""), ("a/2", b"")])
    assert len(synced) == 2 + 3  # the files, then the folders that list: the repository, the new folder, its parent
