# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How commands share a shell; the rest is seen on a real endpoint in the lab."""

from __future__ import annotations

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    AuthenticationFailed,
    ConnectionFailed,
    LibraryMissing,
    OptionInvalid,
)
from ansible_collections.ucops.recovery.plugins.module_utils._transport import winrm as module
from ansible_collections.ucops.recovery.plugins.module_utils._transport import winrm_lines
from ansible_collections.ucops.recovery.plugins.module_utils._transport.windows import WindowsCommands
from ansible_collections.ucops.recovery.plugins.module_utils._transport.winrm import WinRm, WinRmOptions
from ansible_collections.ucops.recovery.plugins.module_utils._transport.winrm_errors import ShellGone
from ansible_collections.ucops.recovery.plugins.module_utils._transport.winrm_line import Outputs

OPTIONS = WinRmOptions("uc01", username="backup", password="Planted-Secret")


class Host:
    """A host that runs every command well, and what was said to it."""

    def __init__(self):
        self.shells: list[str] = []
        self.made = 0
        self.said: list[tuple] = []
        self.lines = 0
        self.refuses = False


@pytest.fixture
def host(monkeypatch):
    host = Host()

    class Line:
        def __init__(self, options):
            assert options.host == "uc01"

        def open(self):
            if host.refuses:
                raise AuthenticationFailed("no more", host="uc01")
            host.lines += 1
            return self

        def __enter__(self):
            return self

        def __exit__(self, *_unused):
            self.close()

        def open_shell(self, patience, variables):
            host.made += 1
            host.shells.append(f"S{host.made}")
            host.said.append(("shell", dict(variables)))
            return host.shells[-1]

        def close_shell(self, patience, shell):
            host.shells.remove(shell)

        def start(self, patience, shell, line):
            if shell not in host.shells:
                raise ShellGone("The host has ended its shell", host="uc01")
            host.said.append(("start", shell, line))
            return "C1"

        def send(self, patience, shell, command, data, last):
            host.said.append(("send", data, last))

        def receive(self, shell, command):
            return Outputs(b"out", b"err", 0, True)

        def terminate(self, patience, shell, command):
            host.said.append(("terminate", command))

        is_quiet = True

        def cut(self):
            pass

        def close(self):
            host.lines -= 1

    monkeypatch.setattr(winrm_lines, "Line", Line)
    return host


def test_it_is_commands_of_a_windows_host():
    assert issubclass(WinRm, WindowsCommands)


def test_commands_share_a_shell_and_each_is_cleaned_up(host):
    with WinRm(OPTIONS) as winrm:
        for _turn in range(2):
            result = winrm.run(["reg", "query", "a b"])
            assert (result.rc, result.stdout, result.stderr) == (0, b"out", b"err")
    started = ("start", "S1", 'reg query ^"a b^"')
    once = [started, ("send", b"", True), ("terminate", "C1")]
    assert host.said == [("shell", {"NoDefaultCurrentDirectoryInExePath": "1"}), *once, *once]
    assert host.shells == [] and host.lines == 0


def test_a_shell_that_is_gone_is_replaced_once(host):
    with WinRm(OPTIONS) as winrm:
        winrm.connect()
        host.shells.clear()
        assert winrm.run(["hostname"]).rc == 0
        assert host.shells == ["S2"]


def test_a_host_without_lasting_shells_is_told(host):
    with WinRm(OPTIONS) as winrm:
        winrm.connect()
        host.shells = Forgetful()
        with pytest.raises(ConnectionFailed, match="ended its shell"):
            winrm.run(["hostname"])
    assert host.lines == 0


class Forgetful(list):
    """Shells that are gone as soon as they are there."""

    def __contains__(self, _name):
        return False

    def remove(self, _name):
        raise ConnectionFailed("no such shell")


def test_connecting_happens_once(host):
    with WinRm(OPTIONS) as winrm:
        winrm.connect()
        winrm.connect()
        assert host.made == 1


def test_nothing_happens_without_a_need(host):
    with WinRm(OPTIONS):
        pass
    assert host.said == []


def test_closing_never_raises(host):
    winrm = WinRm(OPTIONS)
    winrm.connect()
    host.refuses = True
    winrm.close()
    winrm.close()


def test_bad_words_and_becoming_are_refused_before_anything_is_sent(host):
    with WinRm(OPTIONS) as winrm:
        for argv, become in ((["reg", "%OS%"], False), ([], False), (["hostname"], True), (["hostname"], "other")):
            with pytest.raises(OptionInvalid):
                winrm.run(argv, become=become)
    assert host.said == [] and host.lines == 0


def test_input_is_told_apart_from_none(host):
    with WinRm(OPTIONS) as winrm:
        winrm.run(["more"], input=b"")
        assert [each for each in host.said if each[0] == "send"] == [("send", b"", True)]
        winrm.run(["more"], input=iter([b"data"]))


def test_kerberos_without_its_library(monkeypatch):
    monkeypatch.setattr(module.winrm.transport, "HAVE_KERBEROS", False)
    with pytest.raises(LibraryMissing, match="pykerberos"):
        WinRm(WinRmOptions("uc01", authentication="kerberos"))
    monkeypatch.setattr(module.winrm.transport, "HAVE_KERBEROS", True)
    WinRm(WinRmOptions("uc01", authentication="kerberos"))
