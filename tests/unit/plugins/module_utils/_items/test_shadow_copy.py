# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shadow copies: what is said to the host, and what becomes of its answers. Reading one is tested in the lab."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest
from support.windows_files import MemoryWindowsFiles

from ansible_collections.ucops.recovery.plugins.module_utils._entries import ItemReport
from ansible_collections.ucops.recovery.plugins.module_utils._errors import CommandFailed, ConnectionLost, OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._items import shadow_copy
from ansible_collections.ucops.recovery.plugins.module_utils._items.shadow_copy import (
    frozen,
    make_shadow_copy,
    remove_shadow_copy,
)
from ansible_collections.ucops.recovery.plugins.module_utils._transport.base import CommandResult, CommandStream
from ansible_collections.ucops.recovery.plugins.module_utils._transport.windows import WindowsCommands, WindowsTransport

COPY = "{1B3F9C8E-0000-4000-8000-0123456789AB}"
TOKEN = "@GMT-2026.01.31-12.00.00"
Answer = Callable[[list[str]], "tuple[int, str]"]


class Said(CommandStream):
    def __init__(self, rc: int, text: str) -> None:
        self._rc, self._text = rc, text

    def chunks(self) -> Iterator[bytes]:
        yield self._text.encode()

    def finish(self) -> CommandResult:
        return CommandResult(self._rc, b"", b"")

    def close(self) -> None:
        pass


class Commands(WindowsCommands):
    host = "windows.example"

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.asked: list[list[str]] = []

    def open(self, argv: Sequence[object], **options: object) -> CommandStream:  # type: ignore[override]
        self.asked.append([str(word) for word in argv])
        return Said(*self._answer(self.asked[-1]))

    def close(self) -> None:
        pass


class Host:
    """A host whose answers a test chooses; a copy that it makes is offered at once."""

    def __init__(self, **answers: tuple[int, str]) -> None:
        self.files = MemoryWindowsFiles()
        self.files.add(r"C:\a", b"now")
        self.answers = answers
        self.offers = True
        self.commands = Commands(self._answer)
        self.transport = WindowsTransport(self.commands, self.files)

    def _answer(self, argv: list[str]) -> tuple[int, str]:
        kind = argv[0].partition(".")[0] + ("_make" if "create" in " ".join(argv).lower() else "_remove")
        rc, text = self.answers.get(kind, (9009, ""))
        if kind.endswith("_make") and rc == 0 and COPY in text and self.offers:
            self.files.snapshot(TOKEN)
        if kind.endswith("_remove") and rc == 0:
            self.files.shadow_copies.pop(TOKEN, None)
        return rc, text


MADE = (0, f"made {COPY}\r\n")
REMOVED = (0, "removed\r\n")


def test_powershell_makes_and_removes_it() -> None:
    host = Host(powershell_make=MADE, powershell_remove=REMOVED)
    report = ItemReport("x")
    with frozen(host.transport, ["C"], "required", report) as files:
        host.files.write(r"C:\a", [b"later"])
        assert b"".join(files("C").read(r"C:\a")) == b"now"
        assert list(host.files.shadow_copies) == [TOKEN]
    assert host.files.shadow_copies == {} and report.notes == {} and not host.files.closed
    made, removed = host.commands.asked
    assert made[:5] == removed[:5] == ["powershell.exe", "-NoLogo", "-NoProfile", "-NonInteractive", "-Command"]
    assert r"Volume = 'C:\'; Context = 'ClientAccessible'" in made[5] and f"'{COPY}'" in removed[5]
    assert '"' not in made[5] + removed[5] and "%" not in made[5] + removed[5]


def test_vssadmin_where_powershell_says_nothing() -> None:
    german = f"Schattenkopiekennung: {COPY}\r\n  Name: \\\\?\\GLOBALROOT\\Device\\HarddiskVolumeShadowCopy3\r\n"
    host = Host(powershell_make=(0, ""), vssadmin_make=(0, german), vssadmin_remove=(0, ""))
    with frozen(host.transport, ["C"], "required", ItemReport("x")):
        pass
    assert host.commands.asked[1] == ["vssadmin.exe", "create", "shadow", "/for=C:"]
    assert host.commands.asked[3] == ["vssadmin.exe", "delete", "shadows", f"/shadow={COPY}", "/quiet"]


@pytest.mark.parametrize(
    ("answers", "story"),
    [
        ({}, "neither by PowerShell nor by vssadmin"),
        ({"powershell_make": (3, "refused 6\r\n")}, "not enough space"),
        ({"powershell_make": (3, "refused 99\r\n")}, "code 99"),
        ({"powershell_make": (1, f"made {COPY}\r\n")}, "neither"),
        ({"powershell_make": (0, "made {not one}\r\n")}, "neither"),
        ({"vssadmin_make": (0, "done, and nothing said")}, "neither"),
        ({"vssadmin_make": (0, COPY + COPY.replace("1", "2"))}, "neither"),
        ({"vssadmin_make": (2, COPY)}, "neither"),
    ],
)
@pytest.mark.parametrize("mode", ["auto", "required"])
def test_a_host_that_makes_none(answers: dict[str, tuple[int, str]], story: str, mode: str) -> None:
    host, report = Host(**answers), ItemReport("x")
    if mode == "required":
        with pytest.raises(CommandFailed, match=story), frozen(host.transport, ["C"], mode, report):
            pass
        return
    with frozen(host.transport, ["C"], mode, report) as files:
        assert files("C") is host.files
    assert story in report.notes["shadow_copy"]


def test_one_that_is_not_offered_is_removed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shadow_copy, "APPEARS_WITHIN", 0.0)
    host = Host(powershell_make=MADE, powershell_remove=REMOVED)
    host.offers = False
    with pytest.raises(CommandFailed, match="not offered over SMB"):
        make_shadow_copy(host.transport, "c")
    assert "Remove-CimInstance" in host.commands.asked[-1][-1]


def test_the_second_drive_fails_and_the_first_goes_again() -> None:
    host = Host(powershell_make=MADE, powershell_remove=REMOVED)
    with pytest.raises(OptionInvalid), frozen(host.transport, ["C", "Data"], "required", ItemReport("x")):
        pass
    assert host.files.shadow_copies == {}


@pytest.mark.parametrize("error", [KeyboardInterrupt, ConnectionLost("gone")])
def test_it_goes_whatever_happens(error: BaseException) -> None:
    host = Host(powershell_make=MADE, powershell_remove=REMOVED)
    with pytest.raises((KeyboardInterrupt, ConnectionLost)), frozen(host.transport, ["C"], "auto", ItemReport("x")):
        raise error
    assert host.files.shadow_copies == {}


def test_one_that_stays_is_told() -> None:
    host, report = Host(powershell_make=MADE), ItemReport("x")
    with frozen(host.transport, ["C"], "auto", report):
        pass
    assert COPY in report.notes["shadow_copy_left"]


@pytest.mark.parametrize("identifier", ["", "{x}", COPY + "'; Remove-Item C:\\", COPY[:-1]])
def test_an_identifier_that_is_none_is_never_sent(identifier: str) -> None:
    host = Host()
    with pytest.raises(CommandFailed):
        remove_shadow_copy(host.transport, identifier)
    assert host.commands.asked == []


@pytest.mark.parametrize("drive", ["", "CC", "'", "1"])
def test_a_drive_that_is_none_is_never_sent(drive: str) -> None:
    host = Host()
    with pytest.raises(OptionInvalid):
        make_shadow_copy(host.transport, drive)
    assert host.commands.asked == []


def test_never_asks_nothing() -> None:
    host = Host()
    with frozen(host.transport, ["C"], "never", ItemReport("x")) as files:
        assert files("C") is host.files
    assert host.commands.asked == []
