# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bad days of files on a Windows host, from playbook to disk: each ends in one clear error, and after a restore that
failed the host is as it was before.

The host is the stand-in of ``tests/lab/windows``; its file servers, good and bad, are real Samba.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from lab.windows.host import WindowsHost
from lab.windows.meddler import Meddler
from lab.windows.samba import SambaServer, small_disk
from lab.windows_recovery import WindowsRecovery

DATA = r"C:\Data\app"
DISK = 8_000_000
OPTIONS: dict[str, Any] = {"paths": [{"path": [DATA], "name": "files"}]}
LARGE = 500_000
"""Bytes of a message that carries a part of a large file."""


@pytest.fixture(scope="module")
def recovery(windows_host: WindowsHost, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WindowsRecovery]:
    """A host with some data on a small disk of its own, and one generation of it."""
    (windows_host.drive_c / "Data").mkdir()
    with small_disk(windows_host.drive_c / "Data", DISK):
        windows_host.write(rf"{DATA}\config.xml", "<config><port>5060</port></config>")
        windows_host.write(rf"{DATA}\Ansagen\groß.bin", os.urandom(2_500_000))
        windows_host.write(rf"{DATA}\Ansagen\klein.bin", os.urandom(1_000))
        one = WindowsRecovery(tmp_path_factory.mktemp("windows"), windows_host)
        play = one.play({"backup": ("windows_backup", OPTIONS)})
        assert play["backup"]["status"] == "ok", play.output
        yield one


@pytest.fixture
def spoilt(recovery: WindowsRecovery) -> Iterator[dict[str, Any]]:
    """The data as no generation has it; afterwards nothing of the test is left on its disk."""
    host = recovery.host
    for name in (r"config.xml", r"Ansagen\groß.bin", r"Ansagen\später.bin"):
        # another content each time: times of a file alone are no change that would be kept
        host.write(rf"{DATA}\{name}", os.urandom(1_000))
    yield look(recovery)
    host.path(r"C:\Data\others.bin").unlink(missing_ok=True)


def look(recovery: WindowsRecovery) -> dict[str, Any]:
    """Contents of everything, and times as Windows counts them."""
    times = {
        path.name: path.stat().st_mtime_ns // 100 for path in recovery.host.path(DATA).rglob("*") if path.is_file()
    }
    return {"files": recovery.files(DATA), "times": times}


def restore(recovery: WindowsRecovery, **options: Any) -> Mapping[str, Any]:
    """How a restore of the generation ended."""
    given = {**OPTIONS, "generation": f"{recovery.host.name}/windows/1", **options}
    play = recovery.play({"restore": ("windows_restore", given)})
    return play["restore"]


def one_clear_error(result: Mapping[str, Any], error: str, *words: str) -> None:
    """It failed by this error, and says these words."""
    assert (result["status"], result.get("error")) == ("failed", error), result
    for word in words:
        assert word in result["msg"], result["msg"]


def test_servers_that_must_not_be_trusted(recovery: WindowsRecovery) -> None:
    host, shares = recovery.host, {"C$": recovery.host.drive_c}
    plain = SambaServer(shares, host.accounts, host.address, encryption="off", signing="auto")
    guests = SambaServer(shares, {"Somebody": "x"}, host.address, encryption="desired", signing="auto", guests=True)
    before = look(recovery)
    with plain, guests:
        servers = {"plain": {"smb_port": plain.port}, "guests": {"smb_port": guests.port}, "nobody": {"smb_port": 1}}
        play = recovery.play({name: ("windows_backup", {**OPTIONS, **given}) for name, given in servers.items()})
    one_clear_error(play["plain"], "ConnectionFailed", "offers no SMB encryption", "no credentials were sent")
    one_clear_error(play["guests"], "AuthenticationFailed", "as a guest only")
    one_clear_error(play["nobody"], "ConnectionFailed", "cannot be reached", "smb_port")
    assert look(recovery) == before and recovery.host.password not in play.output


def test_a_locked_file_makes_a_backup_partial_by_name_and_a_restore_is_refused(
    recovery: WindowsRecovery, spoilt: dict[str, Any]
) -> None:
    with recovery.host.samba.locked("C$", r"Data\app\config.xml"):
        play = recovery.play({"backup": ("windows_backup", OPTIONS)})
        result = restore(recovery)
    one_clear_error(play["backup"], play["backup"]["error"], "config.xml", "in use by another program")
    assert play["backup"]["generation"]["status"] == "partial"
    one_clear_error(result, "RestoreRefused", "nothing was put back", "config.xml", "in use by another program")
    assert look(recovery) == spoilt


def test_a_disk_that_is_full_in_the_middle_of_a_restore(recovery: WindowsRecovery, spoilt: dict[str, Any]) -> None:
    disk = os.statvfs(recovery.host.path(r"C:\Data"))
    recovery.host.write(r"C:\Data\others.bin", bytes(disk.f_bavail * disk.f_frsize - 900_000))
    before = look(recovery)
    result = restore(recovery)
    one_clear_error(result, "RestoreFailed", "groß.bin", "disk of the host is full", "The host was put back to")
    assert look(recovery) == before
    assert not list(recovery.host.path(r"C:\Data").rglob("~ucops*"))


def test_a_connection_that_breaks_in_the_middle_of_a_restore(recovery: WindowsRecovery, spoilt: dict[str, Any]) -> None:
    host = recovery.host
    with Meddler(host.address, host.smb_port, to_server=_Once()) as between:
        result = restore(recovery, smb_port=between.port)
    one_clear_error(result, "RestoreFailed", "The SMB connection broke", "The host was put back to")
    assert look(recovery) == spoilt
    assert not list(host.path(r"C:\Data").rglob("~ucops*"))


def test_a_connection_that_breaks_in_the_middle_of_a_backup(recovery: WindowsRecovery) -> None:
    host = recovery.host
    host.write(rf"{DATA}\Ansagen\groß.bin", os.urandom(2_500_000))
    with Meddler(host.address, host.smb_port, to_client=_Once()) as between:
        play = recovery.play({"backup": ("windows_backup", {**OPTIONS, "smb_port": between.port})})
    one_clear_error(play["backup"], play["backup"]["error"], "The SMB connection broke")


def test_and_then_it_is_put_back(recovery: WindowsRecovery, spoilt: dict[str, Any]) -> None:
    result = restore(recovery)
    assert result["status"] == "changed" or result.get("changed"), result
    assert recovery.host.path(rf"{DATA}\config.xml").read_text() == "<config><port>5060</port></config>"
    assert not recovery.host.path(rf"{DATA}\Ansagen\später.bin").exists()


class _Once:
    """Cuts the connection at the first message that carries a part of a large file."""

    def __init__(self) -> None:
        self._cut = False

    def __call__(self, message: bytes) -> bytes | None:
        if len(message) < LARGE or self._cut:
            return message
        self._cut = True
        return None
