# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What arrives by real OpenSSH, Samba and nfs-ganesha servers, and what their accounts cannot do."""

from __future__ import annotations

import gzip
import hashlib
import os
import pathlib
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest

from lab import landing
from lab.landing import FIRST_UID, NfsServer, SftpServer, Site
from lab.windows import samba
from lab.windows.samba import SambaServer, small_disk

pytestmark = pytest.mark.skipif(bool(landing.why_not()), reason=f"left out: {landing.why_not()}")

SIZE = 2**30
SOURCES = {name: FIRST_UID + number for number, name in enumerate(("pbx", "other"))}
NOBODY = 65534
ADDRESS = "127.0.21.5"
YEAR = 366 * 86400


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Site, SftpServer]]:
    with Site.create(SOURCES) as site, SftpServer(site) as server:
        yield site, server


@pytest.fixture
def server(servers: tuple[Site, SftpServer]) -> SftpServer:
    return servers[1]


@pytest.fixture
def site(servers: tuple[Site, SftpServer], request: pytest.FixtureRequest) -> Iterator[Site]:
    """The zones empty, and a repository of the test's own."""
    one = servers[0]
    folder = one.folder / request.node.name.replace("/", "_")[:60]
    folder.mkdir()
    with mock.patch.object(one, "repository", landing.TestRepository.create(folder)):
        yield one
    for source in SOURCES:
        for path in sorted(one.files(source).rglob("*"), reverse=True):
            path.unlink() if not path.is_dir() or path.is_symlink() else path.rmdir()


class Receiving(threading.Thread):
    """The module at work while something is sent."""

    def __init__(self, site: Site, **options: Any) -> None:
        super().__init__(daemon=True)
        self._site = site
        self._options = options
        self.result: dict[str, Any] = {}
        self.start()

    def run(self) -> None:
        self.result = self._site.backup(**self._options)

    def answer(self, timeout: float) -> dict[str, Any]:
        self.join(timeout)
        assert not self.is_alive(), "the module still waits"
        return self.result


def large_file(path: pathlib.Path) -> str:
    """A file of SIZE bytes, no block of it like another. Returns its SHA-256."""
    block = os.urandom(2**20)
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for number in range(SIZE // len(block)):
            piece = number.to_bytes(8, "big") + block[8:]
            file.write(piece)
            digest.update(piece)
    return digest.hexdigest()


def sha256(path: pathlib.Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while data := file.read(2**20):
            digest.update(data)
    return digest.hexdigest()


def wait_for_size(path: pathlib.Path, size: int) -> None:
    until = time.monotonic() + 60
    while not path.exists() or path.stat().st_size < size:
        assert time.monotonic() < until, f"{path} does not grow to {size}"
        time.sleep(0.02)


def test_a_slow_file_of_1_gib_is_taken_when_it_is_whole_and_not_before(site: Site, server: SftpServer) -> None:
    """It stalls for longer than the quiet period, then its sender dies and resumes."""
    source = site.folder / "large.sar"
    wanted = large_file(source)
    receiving = Receiving(site, wait_timeout=300, poll_interval=1, quiet_period=3)
    there = site.files("pbx") / "large.sar"
    sender = server.sender("pbx", f"put {source}")
    for part in (0.2, 0.4):
        wait_for_size(there, int(SIZE * part))
        sender.send_signal(signal.SIGSTOP)
        time.sleep(4)
        assert there.stat().st_size < SIZE and there.exists()
        sender.send_signal(signal.SIGCONT)
    wait_for_size(there, int(SIZE * 0.6))
    sender.kill()
    sender.communicate()
    time.sleep(1.5)
    assert there.exists() and there.stat().st_size < SIZE
    assert server.run("pbx", f"reput {source}")[0] == 0
    result = receiving.answer(300)
    assert result["verdict"] == "ok", result
    assert result["files"][0]["size"] == SIZE and [one["id"] for one in result["generations"]] == ["pbx/pushed/1"]
    assert not there.exists() and site.claims("pbx") == []
    (found,) = site.extract("pbx/pushed/1").rglob("large.sar")
    assert sha256(found) == wanted
    found.unlink()
    source.unlink()


def test_an_account_can_push_and_can_see_nothing(site: Site, server: SftpServer) -> None:
    site.folder.joinpath("a.sar").write_bytes(os.urandom(9000))
    local = site.folder / "a.sar"
    folder = "starface-backup/Default"
    assert server.run("pbx", f"mkdir starface-backup\nmkdir {folder}\nput {local} {folder}/")[0] == 0
    for batch in (
        "ls",
        "ls /",
        f"get starface-backup/Default/a.sar {site.folder}/got",
        "symlink /etc/shadow x.sar",
        "ln starface-backup/Default/a.sar b.sar",
        f"put {local} ../x.sar",
        f"put {local} ../../taken/x.sar",
        f"put {local} /x.sar",
        f"put {local} /etc/x.sar",
        f"put {local} {site.files('other')}/x.sar",
        "rename starface-backup/Default/a.sar /../../../taken/a.sar",
        "rmdir /files",
        "chmod 777 /files",
    ):
        rc, said = server.run("pbx", batch)
        assert rc != 0 or "Permission denied" in said, f"{batch}: {said}"
    assert (site.folder / "got").read_bytes() == b""  # the client made it, and got nothing
    assert [path.name for path in site.landing.rglob("*.sar")] == ["a.sar"]
    result = site.backup()
    assert result["files"][0]["name"] == "files/starface-backup/Default/a.sar" and result["refused"] == []


def test_what_is_not_stable_can_be_renamed_and_resumed(site: Site, server: SftpServer) -> None:
    local = site.folder / "b.sar"
    local.write_bytes(os.urandom(200_000))
    (site.folder / "half").write_bytes(local.read_bytes()[:100_000])
    receiving = Receiving(site, wait_timeout=60, poll_interval=1, quiet_period=2)
    assert server.run("pbx", f"put {site.folder}/half b.sar.part")[0] == 0
    assert "Permission denied" in server.run("pbx", "rm b.sar.part")[1]
    time.sleep(1)
    assert server.run("pbx", f"reput {local} b.sar.part\nrename b.sar.part b.sar")[0] == 0
    result = receiving.answer(60)
    assert [(one["name"], one["size"]) for one in result["files"]] == [("files/b.sar", 200_000)], result


def test_a_stable_file_is_out_of_reach(site: Site, server: SftpServer) -> None:
    local = site.folder / "c.sar"
    local.write_bytes(os.urandom(50_000))
    assert server.run("pbx", f"mkdir sub\nput {local} sub/c.sar\nput {local} other.bin")[0] == 0
    result = site.backup(patterns=["*.sar"], after="keep")
    assert result["verdict"] == "ok"
    kept = site.files("pbx") / "sub" / "c.sar"
    assert kept.stat().st_uid == 0 and kept.stat().st_gid == SOURCES["pbx"]
    for batch in (
        f"put {local} sub/c.sar",
        f"reput {local} sub/c.sar",
        "rm sub/c.sar",
        "rename sub/c.sar sub/d.sar",
        "chmod 666 sub/c.sar",
        "rename sub moved",
        "rename other.bin sub/c.sar",
    ):
        rc, said = server.run("pbx", batch)
        assert rc != 0, f"{batch}: {said}"
    assert kept.read_bytes() == local.read_bytes()
    # the folder still takes what is new
    assert server.run("pbx", f"put {local} sub/e.sar")[0] == 0
    result = site.backup(patterns=["*.sar"], after="keep")
    assert result["verdict"] == "repeated"


def test_a_kept_file_stays_where_it_is_however_deep_its_folder_lies(site: Site, server: SftpServer) -> None:
    """As a STARFACE makes its folders: C(starface-backup/<name>/)."""
    local = site.folder / "a.sar"
    local.write_bytes(os.urandom(50_000))
    top, folder = "starface-backup", "starface-backup/Default"
    assert server.run("pbx", f"mkdir {top}\nmkdir {folder}\nput {local} {folder}/a.sar")[0] == 0
    assert site.backup(after="keep")["verdict"] == "ok"
    kept = site.files("pbx") / folder / "a.sar"
    for batch in (
        f"rename {folder} {top}/gone",
        f"rename {top} gone",
        f"rename {folder} gone",
        f"rename {folder}/a.sar {folder}/b.sar",
        f"put {local} {folder}/a.sar",
        f"chmod 777 {folder}",
        f"chmod 777 {top}",
    ):
        rc, said = server.run("pbx", batch)
        assert rc != 0 or "Permission denied" in said, f"{batch}: {said}"
    # by a shell, which sshd gives to nobody, it comes no further
    for command in (f"mv {folder} {top}/gone", f"mv {top} gone", f"rm -rf {top}", f"rmdir {folder}"):
        account = SOURCES["pbx"]
        subprocess.run(["sh", "-c", command], cwd=site.files("pbx"), user=account, group=account, check=False)
        assert kept.read_bytes() == local.read_bytes(), command
    # what is new is taken, at every depth
    for place in (f"{folder}/next.sar", f"{top}/next.sar"):
        assert server.run("pbx", f"put {local} {place}")[0] == 0, place
    assert server.run("pbx", f"mkdir {top}/Weekly\nput {local} {top}/Weekly/a.sar")[0] == 0
    result = site.backup(after="keep")
    assert result["verdict"] == "repeated" and len(result["files"]) == 3


def test_two_files_at_once(site: Site, server: SftpServer) -> None:
    for name in ("one", "two"):
        (site.folder / name).write_bytes(os.urandom(3_000_000))
    receiving = Receiving(site, wait_timeout=60, poll_interval=1, quiet_period=2)
    senders = [server.sender("pbx", f"put {site.folder / name}", "-l", "16000") for name in ("one", "two")]
    assert [sender.wait(60) for sender in senders] == [0, 0]
    result = receiving.answer(60)
    assert sorted(one["name"] for one in result["files"]) == ["files/one", "files/two"]
    assert len(result["generations"]) == 2 and all(one["verdict"] == "ok" for one in result["files"])


def test_each_bad_backup_has_its_own_verdict_and_no_clock_of_a_sender_counts(site: Site, server: SftpServer) -> None:
    local = site.folder / "d.gz"

    def push(content: bytes, told: float) -> dict[str, Any]:
        local.write_bytes(content)
        os.utime(local, (told, told))
        assert server.run("pbx", f"put -p {local}")[0] == 0
        assert abs((site.files("pbx") / "d.gz").stat().st_mtime - told) < 2
        return site.backup(expected_every="1d", grace="1h")

    def packed() -> bytes:
        return gzip.compress(os.urandom(50_000))

    now = time.time()
    good = packed()
    assert push(good, now + YEAR)["verdict"] == "ok"
    assert push(packed(), now - YEAR)["verdict"] == "ok"
    assert push(good, now)["verdict"] == "repeated"
    assert push(b"\0" * 50_000, now)["verdict"] == "all_zero"
    assert push(packed()[:-100], now + YEAR)["verdict"] == "truncated"
    assert push(gzip.compress(os.urandom(9_000)), now)["verdict"] == "shrunken"
    assert push(b"", now - YEAR)["verdict"] == "empty"
    last = site.backup(expected_every="1d")
    assert last["verdict"] == "nothing_came" and not last.get("failed") and last["last_good"]["id"] == "pbx/pushed/2"
    time.sleep(1.1)
    late = site.backup(expected_every="1s", grace="0s")
    assert late["error"] == "BackupOverdue" and "pbx/pushed/2" in late["msg"]


def test_a_full_landing_zone_is_emptied_and_the_next_try_arrives() -> None:
    """It has a server of its own: sshd sees the mounts that were there when it began."""
    with Site.create({"pbx": FIRST_UID}) as site, small_disk(site.landing / "pbx", 8 * 2**20):
        site.make_zone("pbx")
        local = site.folder / "e.gz"
        content = gzip.compress(os.urandom(5_000_000))
        local.write_bytes(content)
        ballast = site.files("pbx") / "ballast"
        with SftpServer(site) as server:
            # it sets room aside for its notes
            assert site.backup(patterns=["*.gz"])["verdict"] == "nothing_came"
            ballast.write_bytes(b"x" * 4_000_000)
            rc, said = server.run("pbx", f"put {local}")
            assert rc != 0 and "Failure" in said, said
            assert 0 < (site.files("pbx") / "e.gz").stat().st_size < len(content)
            result = site.backup(patterns=["*.gz"])
            assert result["verdict"] == "truncated" and site.claims("pbx") == []
            assert not (site.files("pbx") / "e.gz").exists()
            ballast.unlink()
            assert server.run("pbx", f"put {local}")[0] == 0
            result = site.backup(patterns=["*.gz"])
            assert result["verdict"] == "ok" and result["files"][0]["size"] == len(content)


def test_a_full_repository_loses_nothing(site: Site, server: SftpServer) -> None:
    local = site.folder / "f.sar"
    local.write_bytes(os.urandom(3_000_000))
    with small_disk(site.folder / "small", 2**21) as small:
        repository = landing.TestRepository.create(small)
        assert server.run("pbx", f"put {local}")[0] == 0
        with mock.patch.object(site, "repository", repository):
            full = site.backup()
            assert full["error"] == "RepositoryFull" and len(site.claims("pbx")) == 1
            assert not (site.files("pbx") / "f.sar").exists()
            subprocess.run(["mount", "-o", "remount,size=32m", str(small)], check=True)
            result = site.backup()
            assert result["generation"]["id"] == "pbx/pushed/1" and result["files"][0]["size"] == 3_000_000
    assert site.claims("pbx") == []


@pytest.mark.skipif(bool(samba.why_not()), reason=f"left out: {samba.why_not()}")
def test_a_samba_share(site: Site) -> None:
    incoming = site.landing / "other" / "incoming" / "files"
    os.chown(incoming, 0, NOBODY)
    incoming.chmod(0o1770)
    local = site.folder / "g.sar"
    local.write_bytes(os.urandom(400_000))
    users = {"Administrator": "Planted-adm-1", "starface": "Planted-push-2"}
    with SambaServer({"landing": incoming}, users, address=ADDRESS) as server:

        def push(commands: str) -> subprocess.CompletedProcess[bytes]:
            return subprocess.run(server.client(commands, "landing", "starface"), capture_output=True, check=False)

        assert push(f"put {local} g.sar").returncode == 0
        with server.locked("landing", "g.sar"):
            held = site.backup("other")
            assert held["verdict"] == "waiting" and "open for writing" in held["msg"], held
        result = site.backup("other", after="keep")
        assert result["verdict"] == "ok" and result["files"][0]["size"] == 400_000
        for commands in (f"put {local} g.sar", "del g.sar", "rename g.sar h.sar"):
            said = push(commands)
            assert b"NT_STATUS" in said.stdout + said.stderr, commands
        assert (incoming / "g.sar").read_bytes() == local.read_bytes()
        # what is there stays to be seen
        assert b"g.sar" in push("ls").stdout


def test_an_nfs_export(site: Site) -> None:
    """The client is libnfs, in user space; test_nfs_mount.py has a kernel's. What libnfs of Debian 12 cannot write is
    written into the server's own folder, which is where the module judges."""
    incoming = site.landing / "other" / "incoming" / "files"
    reason = landing.why_no_nfs(incoming)
    if reason:
        pytest.skip(f"left out: {reason}")
    os.chown(incoming, 0, NOBODY)
    incoming.chmod(0o1770)
    quick = {"ignore_writers": ["ganesha.nfsd"]}
    with NfsServer(incoming, NOBODY, ADDRESS) as server:
        local = site.folder / "h.bin"
        local.write_bytes(b"tiny backup")
        server.client("nfs-cp", str(local), name="h.bin")
        there = incoming / "h.bin"
        assert there.read_bytes() == local.read_bytes() and there.stat().st_uid == NOBODY
        # it was closed by its client, and its server has it open for as long as it likes
        assert "ganesha.nfsd has it open" in site.backup("other")["msg"]
        assert site.backup("other", **quick, after="keep")["verdict"] == "ok"
        (incoming / "i.bin").write_bytes(os.urandom(70_000))
        os.chown(incoming / "i.bin", NOBODY, NOBODY)
        result = site.backup("other", **quick, after="keep", size_at_most=1e5, quiet_period=1, poll_interval=1)
        assert result["verdict"] == "ok" and result["files"][0]["size"] == 70_000
        # what was taken stays to be browsed by the appliance, and cannot be replaced by it
        listed = server.client("nfs-ls").stdout
        assert "h.bin" in listed and "i.bin" in listed
        local.write_bytes(b"other words")
        server.client("nfs-cp", str(local), name="h.bin")
        assert there.read_bytes() == b"tiny backup" and there.stat().st_uid == 0
