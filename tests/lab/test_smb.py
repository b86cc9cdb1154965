# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files over SMB 3 against a real Samba server, a good one and all the bad ones that we must not trust."""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    AuthenticationFailed,
    ConnectionFailed,
    ConnectionLost,
    DeadlineExceeded,
    LibraryMissing,
)
from ansible_collections.ucops.recovery.plugins.module_utils._transport import smb_messages
from ansible_collections.ucops.recovery.plugins.module_utils._transport.smb import SmbFiles, SmbOptions
from ansible_collections.ucops.recovery.plugins.module_utils._transport.windows_files import FileInUse
from lab.directory import Directory, DomainController
from lab.windows.meddler import Change, Meddler
from lab.windows.samba import SambaServer, small_disk, why_not

PASSWORD = "Planted-äß-5f2c"
USERS = {"Administrator": PASSWORD, "Reader": "Planted-reader-77"}
READ_ONLY = 0x1

pytestmark = pytest.mark.skipif(bool(why_not()), reason=f"left out: {why_not()}")


def options(server: SambaServer, **changes: object) -> SmbOptions:
    one = SmbOptions(server.address, server.port or 0, "Administrator", PASSWORD, connect_timeout=5, silence_timeout=10)
    return replace(one, **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def server() -> Iterator[SambaServer]:
    # not in a folder of pytest: a user who is no administrator must get there
    with tempfile.TemporaryDirectory(prefix="ucops-smb-") as home:
        drive = pathlib.Path(home) / "drive_c"
        drive.mkdir()
        drive.chmod(0o777)
        drive.parent.chmod(0o755)
        with SambaServer({"C$": drive}, USERS) as one:
            yield one


@pytest.fixture
def drive(server: SambaServer) -> pathlib.Path:
    return server.shares["C$"]


@pytest.fixture
def files(server: SambaServer) -> Iterator[SmbFiles]:
    with SmbFiles(options(server)) as one:
        yield one


def content(files: SmbFiles, path: str) -> bytes:
    return b"".join(files.read(path))


@contextlib.contextmanager
def through(server: SambaServer, **changes: Change) -> Iterator[tuple[SmbFiles, Meddler]]:
    """The server's files, with somebody in between."""
    between = Meddler(server.address, server.port or 0, **changes)
    with between, SmbFiles(options(server, port=between.port)) as files:
        yield files, between


def refused(files: SmbFiles, match: str, kind: type[ConnectionFailed] = ConnectionFailed) -> ConnectionFailed:
    """How the login or the first request fails."""
    with pytest.raises(kind, match=match) as caught:
        files.list_folder("C:\\")
    return caught.value


class TestFiles:
    def test_names_of_all_kinds(self, files: SmbFiles, drive: pathlib.Path) -> None:
        long = "\\".join(["ein ziemlich langer Ordnername mit Größe"] * 12)
        folder = "C:"
        for name in long.split("\\"):
            folder += "\\" + name
            files.make_folder(folder)
        names = ["Größe.xml", "日本 🎧.txt", "UPPER", "a.b.c", "%TEMP%", "#&'$"]
        for name in names:
            files.write(rf"{folder}\{name}", [name.encode()])
        assert len(folder) > 400
        assert [one.name for one in files.list_folder(folder)] == sorted(names)
        assert all(content(files, rf"{folder}\{name}") == name.encode() for name in names)
        assert content(files, rf"{folder.lower()}\größe.XML") == "Größe.xml".encode()
        assert (drive / pathlib.PurePosixPath(*long.split("\\")) / "Größe.xml").read_bytes() == "Größe.xml".encode()

    def test_contents_of_all_sizes(self, files: SmbFiles) -> None:
        files.make_folder(r"C:\sizes")
        sizes = (0, 1, 65536, 131072, 131073, 1048576, 1048577, 11_000_003)
        data = {size: os.urandom(size) for size in sizes}
        for size in sizes:
            files.write(rf"C:\sizes\{size:08}", (data[size][at : at + 50_000] for at in range(0, size, 50_000)))
        for size in sizes:
            assert content(files, rf"C:\sizes\{size:08}") == data[size]
        listed = files.list_folder(r"C:\sizes")
        taken = {one.name: (one, b"".join(one.content)) for one in files.take(r"C:\sizes", listed)}
        assert [one.size for one in listed] == list(sizes)
        for size in sizes:
            one, found = taken[f"{size:08}"]
            assert found == data[size] and one.file == one.after and one.file is not None
            assert one.security == files.read_security(rf"C:\sizes\{size:08}")
        assert content(files, r"C:\sizes\11000003") == b"".join(files.read(r"C:\sizes\11000003"))
        assert b"".join(files.read(r"C:\sizes\11000003", 10_999_990)) == data[11_000_003][10_999_990:]

    def test_a_reading_that_nobody_finishes_costs_no_handle(self, server: SambaServer, files: SmbFiles) -> None:
        files.write(r"C:\unfinished", [bytes(9_000_000)])
        reading = files.read(r"C:\unfinished")
        next(reading)
        del reading
        for one in files.take("C:\\", [files.stat(r"C:\unfinished")]):
            next(iter(one.content))
            break
        files.remove(r"C:\unfinished")
        # nobody waits for the answer to the closing of what was left, so the file may be about to go for a moment
        deadline = time.monotonic() + 20
        with pytest.raises(FileNotFoundError):
            while time.monotonic() < deadline:
                with contextlib.suppress(FileInUse):
                    files.stat(r"C:\unfinished")
                time.sleep(0.05)

    def test_facts_and_security_are_kept(self, files: SmbFiles) -> None:
        files.write(r"C:\facts", [b"x"])
        files.set_facts(r"C:\facts", 0x27, 131000000000000001, 132000000000000002)
        found = files.stat(r"C:\facts")
        assert (found.attributes & 0x27, found.created, found.written) == (0x27, 131000000000000001, 132000000000000002)
        security = bytearray(files.read_security(r"C:\facts"))
        security[-2] = 0x12  # another trustee in the last entry of the DACL
        files.write_security(r"C:\facts", bytes(security))
        assert files.read_security(r"C:\facts") == bytes(security)
        files.make_folder(r"C:\private", bytes(security))
        assert files.read_security(r"C:\private") == bytes(security)
        files.write(r"C:\private\file", [b"y"], bytes(security))
        assert files.read_security(r"C:\private\file") == bytes(security)

    def test_streams_beside_a_content_are_told(
        self, server: SambaServer, files: SmbFiles, tmp_path: pathlib.Path
    ) -> None:
        (tmp_path / "stream").write_bytes(b"[ZoneTransfer]")
        files.make_folder(r"C:\streams")
        files.write(r"C:\streams\setup.exe", [b"MZ"])
        put = 'cd streams; put stream "setup.exe:Zone.Identifier"'
        subprocess.run(server.client(put), cwd=tmp_path, check=True, capture_output=True)
        (taken,) = files.take(r"C:\streams", files.list_folder(r"C:\streams"))
        assert (list(taken.streams), b"".join(taken.content)) == (["Zone.Identifier"], b"MZ")

    def test_a_read_only_file_is_replaced_and_removed(self, files: SmbFiles) -> None:
        files.write(r"C:\fixed", [b"old"])
        files.set_facts(r"C:\fixed", READ_ONLY, 0, 0)
        files.write(r"C:\fixed", [b"new"])
        assert content(files, r"C:\fixed") == b"new"
        files.set_facts(r"C:\fixed", READ_ONLY, 0, 0)
        files.remove(r"C:\fixed")
        with pytest.raises(FileNotFoundError):
            files.stat(r"C:\fixed")

    def test_what_is_not_there(self, files: SmbFiles) -> None:
        for action in (files.stat, files.list_folder, content_of(files), files.remove, files.read_security):
            with pytest.raises(FileNotFoundError):
                action(r"C:\nowhere\at all")
        with pytest.raises(FileNotFoundError):
            files.write(r"C:\nowhere\file", [b"x"])
        with pytest.raises(FileExistsError):
            files.make_folder(r"C:\twice") or files.make_folder(r"C:\twice")
        with pytest.raises(OSError) as caught:
            files.write(r"C:\twice\in", [b""]) or files.remove(r"C:\twice")
        assert caught.value.errno == errno.ENOTEMPTY
        with pytest.raises(IsADirectoryError):
            files.write(r"C:\twice", [b"x"])

    @pytest.mark.parametrize(
        "path", [r"C:\a\..\b", r"C:\file:stream", "C:\\a\0b", "relative", r"\\server\share\x", r"C:\a\\b"]
    )
    def test_paths_that_mean_something_else(self, files: SmbFiles, path: str) -> None:
        with pytest.raises(OSError) as caught:
            files.write(path, [b"x"])
        assert caught.value.errno == errno.EINVAL

    def test_another_share_and_one_that_is_not_there(self, server: SambaServer) -> None:
        with SmbFiles(options(server, shares={"e": "C$"})) as files:
            assert files.list_folder("E:\\")
            with pytest.raises(ConnectionFailed, match="no share D"):
                files.list_folder("D:\\")

    def test_free_space_is_told_for_what_is_not_there_yet(self, files: SmbFiles) -> None:
        # others write on this machine meanwhile
        assert abs(files.free_space(r"C:\not\yet") - files.free_space("C:\\")) < 2**30 < files.free_space("C:\\")

    def test_ten_thousand_small_files_and_one_large(
        self, server: SambaServer, files: SmbFiles, drive: pathlib.Path, tmp_path: pathlib.Path
    ) -> None:
        small = drive / "small"
        small.mkdir()
        for number in range(10_000):
            (small / f"file{number:05}.xml").write_bytes(b"<x>%d</x>" % number * 100)
        (drive / "large").write_bytes(os.urandom(2**20) * 300)
        theirs = timed(
            lambda: subprocess.run(
                server.client("prompt off; cd small; mget *"), cwd=tmp_path, check=True, capture_output=True
            )
        )
        taken = 0

        def take() -> None:
            nonlocal taken
            for one in files.take(r"C:\small", files.list_folder(r"C:\small")):
                taken += bool(one.security) and len(b"".join(one.content)) > 500

        ours = timed(take)
        assert taken == 10_000 == len(list(tmp_path.iterdir()))
        assert ours <= 1.5 * theirs
        their_rate = max(
            1 / timed(lambda: subprocess.run(server.client("get large /dev/null"), check=True, capture_output=True))
            for _round in range(2)
        )
        our_rate = max(1 / timed(lambda: sum(map(len, files.read(r"C:\large")))) for _round in range(3))
        assert our_rate >= 0.8 * their_rate
        shutil.rmtree(small)
        (drive / "large").unlink()


def timed(action: object) -> float:
    began = time.perf_counter()
    action()  # type: ignore[operator]
    return time.perf_counter() - began


def content_of(files: SmbFiles) -> object:
    return lambda path: content(files, path)


class TestOthersWork:
    def test_reading_hinders_nobody(self, server: SambaServer, files: SmbFiles, drive: pathlib.Path) -> None:
        files.write(r"C:\busy", [bytes(20_000_000)])
        reading = files.read(r"C:\busy")
        next(reading)
        commands = "rename busy busier; get busier /dev/null; del busier"
        done = subprocess.run(server.client(commands), check=True, capture_output=True, text=True)
        assert "NT_STATUS" not in done.stdout + done.stderr
        assert sum(map(len, reading)) > 18_000_000
        with pytest.raises(FileNotFoundError):
            files.stat(r"C:\busier")

    def test_a_file_that_another_program_holds(self, server: SambaServer, files: SmbFiles, drive: pathlib.Path) -> None:
        files.make_folder(r"C:\held")
        files.write(r"C:\held\database.db", [b"theirs"])
        with server.locked("C$", r"held\database.db"):
            with pytest.raises(FileInUse):
                content(files, r"C:\held\database.db")
            with pytest.raises(FileInUse):
                files.write(r"C:\held\database.db", [b"ours"])
            with pytest.raises(FileInUse):
                files.remove(r"C:\held\database.db")
            (taken,) = files.take(r"C:\held", files.list_folder(r"C:\held"))
            assert isinstance(taken.error, FileInUse)
            assert files.stat(r"C:\held\database.db").size == 6
        assert os.listdir(drive / "held") == ["database.db"]
        assert content(files, r"C:\held\database.db") == b"theirs"

    def test_what_the_account_may_not_see(self, server: SambaServer, files: SmbFiles) -> None:
        files.write(r"C:\secret", [b"x"])
        nobody_but_system = bytes.fromhex(
            "0100048014000000240000000000000034000000"  # header: owner, group, DACL
            "01020000000000052000000020020000"  # Administrators
            "01020000000000052000000020020000"
            "02001c0001000000"
            "00001400ff011f00"
            "010100000000000512000000"  # SYSTEM: everything
        )
        files.write_security(r"C:\secret", nobody_but_system)
        with SmbFiles(options(server, username="Reader", password=USERS["Reader"])) as reader:
            for action in (content_of(reader), reader.read_security, reader.remove):
                with pytest.raises(PermissionError) as caught:
                    action(r"C:\secret")  # type: ignore[operator]
                assert not isinstance(caught.value, FileInUse)
            (taken,) = reader.take("C:\\", [one for one in reader.list_folder("C:\\") if one.name == "secret"])
            assert isinstance(taken.error, PermissionError)
        assert content(files, r"C:\secret") == b"x"

    def test_a_shadow_copy_is_read_as_it_was(self, server: SambaServer, files: SmbFiles) -> None:
        files.make_folder(r"C:\frozen")
        files.write(r"C:\frozen\config.xml", [b"before"])
        security = files.read_security(r"C:\frozen\config.xml")
        token = server.make_snapshot()
        files.write(r"C:\frozen\config.xml", [b"after, and longer"])
        files.write(r"C:\frozen\later", [b"x"])
        assert files.snapshots("C:\\") == [token]
        with files.at(token) as then, server.locked("C$", r"frozen\config.xml"):
            (listed,) = then.list_folder(r"C:\frozen")
            (taken,) = then.take(r"C:\frozen", [listed])
            assert b"".join(taken.content) == content(then, r"C:\frozen\config.xml") == b"before"
            assert taken.security == then.read_security(r"C:\frozen\config.xml") == security
            for action in (then.remove, then.make_folder, lambda path: then.write(path, [b""])):
                with pytest.raises(PermissionError):
                    action(r"C:\frozen\config.xml")
        server.remove_snapshot(token)
        assert content(files, r"C:\frozen\config.xml") == b"after, and longer"
        with pytest.raises(FileNotFoundError):
            content(files.at(token), r"C:\frozen\config.xml")
        with pytest.raises(FileNotFoundError):
            files.at("yesterday")


class TestWriting:
    def test_a_full_disk_leaves_the_old_file_and_nothing_else(self, tmp_path: pathlib.Path) -> None:
        tmp_path.chmod(0o755)
        disk = small_disk(tmp_path / "small", 3_000_000)
        with disk as folder, SambaServer({"C$": folder}, USERS) as server, SmbFiles(options(server)) as files:
            files.write(r"C:\config.xml", [b"whole"])
            with pytest.raises(OSError) as caught:
                files.write(r"C:\config.xml", (bytes(200_000) for _piece in range(40)))
            assert caught.value.errno == errno.ENOSPC
            assert content(files, r"C:\config.xml") == b"whole"
            assert [one.name for one in files.list_folder("C:\\")] == ["config.xml"]
            assert files.free_space("C:\\") > 2_000_000

    def test_a_content_that_breaks_off_leaves_the_old_file(self, files: SmbFiles, drive: pathlib.Path) -> None:
        files.make_folder(r"C:\half")
        files.write(r"C:\half\file", [b"whole"])

        def broken() -> Iterator[bytes]:
            yield bytes(3_000_000)
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            files.write(r"C:\half\file", broken())
        assert [one.name for one in files.list_folder(r"C:\half")] == ["file"]
        assert content(files, r"C:\half\file") == b"whole"

    def test_cut_in_the_middle_of_a_file_leaves_the_old_one(
        self, server: SambaServer, files: SmbFiles, drive: pathlib.Path
    ) -> None:
        files.make_folder(r"C:\cut")
        files.write(r"C:\cut\file", [b"whole"])

        def until_cut() -> Iterator[bytes]:
            yield bytes(3_000_000)
            server.cut_connections(gently=True)
            for _piece in range(100):
                time.sleep(0.02)
                yield bytes(1_000_000)

        with pytest.raises(ConnectionLost):
            files.write(r"C:\cut\file", until_cut())
        until = time.monotonic() + 5
        while os.listdir(drive / "cut") != ["file"] and time.monotonic() < until:
            time.sleep(0.05)
        assert os.listdir(drive / "cut") == ["file"]
        assert content(files, r"C:\cut\file") == b"whole"

    def test_cut_while_reading_is_told_and_the_next_call_connects_again(
        self, server: SambaServer, files: SmbFiles
    ) -> None:
        files.write(r"C:\torn", [bytes(40_000_000)])
        reading = files.read(r"C:\torn")
        next(reading)
        server.cut_connections()
        with pytest.raises(ConnectionLost) as caught:
            for _data in reading:
                pass
        assert caught.value.host == server.address and PASSWORD not in str(caught.value)
        assert sum(map(len, files.read(r"C:\torn"))) == 40_000_000

    def test_a_reading_does_not_go_on_in_the_next_connection(self, server: SambaServer, files: SmbFiles) -> None:
        files.write(r"C:\one", [b"1" * 40_000_000])
        files.write(r"C:\other", [b"2" * 40_000_000])
        reading = files.read(r"C:\one")
        next(reading)
        server.cut_connections()
        with pytest.raises(ConnectionLost):
            content(files, r"C:\other")
        other = files.read(r"C:\other")
        assert set(next(other)) == {ord("2")}
        with pytest.raises(ConnectionLost):
            list(reading)
        assert sum(map(len, other)) == 39_000_000 - 48_576

    def test_a_connection_that_was_closed_in_a_long_pause_is_made_again(
        self, server: SambaServer, files: SmbFiles
    ) -> None:
        files.write(r"C:\pause", [b"x"])
        server.cut_connections()
        time.sleep(0.2)
        assert content(files, r"C:\pause") == b"x"

    def test_a_server_that_stops_answering_is_given_up(self, server: SambaServer) -> None:
        with SmbFiles(options(server, silence_timeout=1)) as files:
            files.write(r"C:\slow", [b"x"])
            stopped = server.serving()
            for process in stopped:
                os.kill(process, signal.SIGSTOP)
            began = time.monotonic()
            try:
                with pytest.raises(DeadlineExceeded, match="silent for 1 s"):
                    content(files, r"C:\slow")
            finally:
                for process in stopped:
                    os.kill(process, signal.SIGCONT)
            assert stopped and time.monotonic() - began < 4


def unsigned(message: bytes) -> bytes:
    """What the server says of itself at first: signing is no longer required, only enabled."""
    return message[:66] + b"\x01" + message[67:] if message[:4] == b"\xfeSMB" and message[12] == 0 else message


class TestWhomWeTrust:
    def test_a_wrong_password(self, server: SambaServer) -> None:
        with SmbFiles(options(server, password="wrong-" + PASSWORD)) as files:
            error = refused(files, "Administrator", AuthenticationFailed)
        assert "wrong-" not in f"{error} {error.details}"

    def test_a_guest_is_not_what_we_want_to_be(self, tmp_path: pathlib.Path) -> None:
        drive = {"C$": tmp_path}
        with SambaServer(drive, USERS, encryption="desired", signing="auto", guests=True) as server:
            with SmbFiles(options(server, username="Stranger")) as files:
                refused(files, "as a guest only", AuthenticationFailed)
            with SmbFiles(options(server)) as files:
                assert files.list_folder("C:\\") == []

    def test_no_encryption_is_refused_before_credentials_are_sent(self, tmp_path: pathlib.Path) -> None:
        with SambaServer({"C$": tmp_path}, USERS, encryption="off", signing="auto") as server:
            with through(server) as (files, between):
                error = refused(files, "offers no SMB encryption")
            assert "Set-SmbServerConfiguration" in (error.hint or "")
            assert [message[12] for message in between.seen] == [0]

    def test_a_server_from_before_encryption(self, tmp_path: pathlib.Path) -> None:
        drive = {"C$": tmp_path}
        with SambaServer(drive, USERS, encryption="off", signing="auto", dialect="SMB2_10") as server:
            refused(SmbFiles(options(server)), "offers no SMB encryption")

    @pytest.mark.parametrize("dialect", ["SMB3_00", "SMB3_02", "SMB3_11"])
    def test_every_smb_that_encrypts(self, tmp_path: pathlib.Path, dialect: str) -> None:
        (tmp_path / "there").write_bytes(b"x" * 3_000_000)
        with SambaServer({"C$": tmp_path}, USERS, dialect=dialect) as server, SmbFiles(options(server)) as files:
            assert sum(map(len, files.read(r"C:\there"))) == 3_000_000

    @pytest.mark.parametrize("cipher", ["AES-128-CCM", "AES-256-GCM", "AES-256-CCM"])
    def test_every_cipher(self, tmp_path: pathlib.Path, cipher: str) -> None:
        (tmp_path / "there").write_bytes(b"x" * 3_000_000)
        only = [f"server smb3 encryption algorithms = {cipher}"]
        with SambaServer({"C$": tmp_path}, USERS, more=only) as server, SmbFiles(options(server)) as files:
            assert sum(map(len, files.read(r"C:\there"))) == 3_000_000

    def test_encryption_taken_out_on_the_way(self, server: SambaServer) -> None:
        def strip(message: bytes) -> bytes:
            # the cipher that the server chose becomes none
            at = message.find(b"\x02\x00\x04\x00\x00\x00\x00\x00\x01\x00") if message[12] == 0 else -1
            return message if at < 0 else message[: at + 10] + b"\0\0" + message[at + 12 :]

        with through(server, to_client=strip) as (files, _between):
            refused(files, "offers no SMB encryption")

    def test_signing_taken_out_on_the_way(self, server: SambaServer) -> None:
        with through(server, to_client=unsigned) as (files, _between):
            refused(files, "changed on the way")

    def test_signing_taken_out_of_an_older_smb(self, tmp_path: pathlib.Path) -> None:
        old = SambaServer({"C$": tmp_path}, USERS, dialect="SMB3_02")
        with old, through(old, to_client=unsigned) as (files, _between):
            refused(files, "does not confirm")

    def test_a_signature_taken_from_the_login(self, server: SambaServer) -> None:
        def strip(message: bytes) -> bytes:
            return (
                message[:48] + bytes(16) + message[64:] if message[:4] == b"\xfeSMB" and message[12] == 1 else message
            )

        with through(server, to_client=strip) as (files, _between):
            refused(files, "changed on the way")

    def test_an_answer_in_the_clear_is_refused(self, server: SambaServer) -> None:
        def expose(message: bytes) -> bytes:
            if message[:4] != b"\xfdSMB":
                return message
            header = smb_messages.HEADER.pack(b"\xfeSMB", 64, 1, 0, 3, 1, 1, 0, 4, 0, 1, 0, bytes(16))
            return header + b"\x10\0\1\0" + bytes(12)

        with through(server, to_client=expose) as (files, _between):
            refused(files, "without encryption")

    def test_an_answer_that_was_changed_is_refused(self, server: SambaServer) -> None:
        def flip(message: bytes) -> bytes:
            return message[:-1] + bytes((message[-1] ^ 1,)) if message[:4] == b"\xfdSMB" else message

        with through(server, to_client=flip) as (files, _between):
            refused(files, "changed on the way")

    def test_nothing_but_the_login_is_in_the_clear(self, server: SambaServer, files: SmbFiles) -> None:
        files.write(r"C:\quiet", [b"a very quiet word"])
        with through(server) as (other, between):
            assert content(other, r"C:\quiet") == b"a very quiet word"
        clear = [message for message in between.seen if message[:4] != b"\xfdSMB"]
        assert {message[12] for message in clear} == {0, 1} and len(between.seen) > len(clear)
        written = [PASSWORD.encode(encoding) for encoding in ("utf-8", "utf-16-le")]
        assert not any(one in message for one in written for message in between.seen)


HAS_KERBEROS = importlib.import_module("spnego._gss").HAS_GSSAPI
"""Whether the libraries gssapi and krb5 are there; Debian has no package of the second."""
WITHOUT_PAC = 0x200 | 0x10000 | 0x2000000
"""A service account whose tickets carry no groups: Samba outside of a domain refuses those that do."""


class TestKerberos:
    @pytest.mark.skipif(HAS_KERBEROS, reason="left out: the libraries are there")
    def test_what_is_missing_is_said(self, server: SambaServer) -> None:
        with SmbFiles(options(server, authentication="kerberos")) as files, pytest.raises(LibraryMissing, match="krb5"):
            files.list_folder("C:\\")

    @pytest.mark.skipif(not HAS_KERBEROS, reason="left out: the Python libraries gssapi and krb5 are not installed")
    def test_a_ticket_or_a_password_logs_in(
        self, domain: DomainController, drive: pathlib.Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        directory = Directory(domain)
        service = directory.add_user("uc01-cifs", password="Host-Secret-1")
        directory.set(service, "servicePrincipalName", ["cifs/127.0.0.1"])
        directory.set(service, "userAccountControl", [str(WITHOUT_PAC)])
        directory.add_user("backup", password="Backup-Secret-1")
        directory.close()
        monkeypatch.setenv("KRB5_CONFIG", domain.krb5_config)
        keytab = domain.keytab("cifs/127.0.0.1")
        cache = domain.ticket("backup", "Backup-Secret-1")
        kerberos = ["realm = LAB.EXAMPLE", "kerberos method = dedicated keytab", f"dedicated keytab file = {keytab}"]
        with SambaServer({"C$": drive}, {"backup": "another"}, more=kerberos) as server:
            login = {"authentication": "kerberos", "username": "backup@LAB.EXAMPLE"}
            for good in ({"username": "", "kerberos_cache_file": cache}, {"password": "Backup-Secret-1"}):
                with SmbFiles(options(server, **{**login, **good})) as files:
                    files.write(r"C:\ticket", [b"by ticket"])
                    assert content(files, r"C:\ticket") == b"by ticket"
            for bad in ({"kerberos_cache_file": f"{cache}-none"}, {"password": "Backup-Secret-2"}):
                with SmbFiles(options(server, **{**login, **bad})) as files:
                    assert "Backup-Secret" not in str(
                        refused(files, "by kerberos cannot be made", AuthenticationFailed)
                    )


class TestWhatIsNoServer:
    def test_nobody_listens(self, server: SambaServer) -> None:
        with socket.socket() as free:
            free.bind((server.address, 0))
            refused(SmbFiles(options(server, port=free.getsockname()[1])), "cannot be reached")

    @pytest.mark.parametrize(
        "says", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0\0\0\x08junkjunk", b"\0\xff\xff\xff"]
    )
    def test_something_else_listens(self, says: bytes) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            held = []

            def answer() -> None:
                client, _peer = listening.accept()
                held.append(client)
                client.recv(1000)
                client.sendall(says)

            thread = threading.Thread(target=answer, daemon=True)
            thread.start()
            one = SmbOptions("127.0.0.1", listening.getsockname()[1], "x", "y", connect_timeout=1)
            began = time.monotonic()
            with SmbFiles(one) as files, pytest.raises(ConnectionFailed):
                files.list_folder("C:\\")
            assert time.monotonic() - began < 6
            thread.join(5)
            held[0].close()

    def test_the_password_shows_nowhere(self) -> None:
        assert PASSWORD not in repr(SmbOptions("h", 1, "u", PASSWORD))
