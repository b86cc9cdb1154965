# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A command by WinRM, played by a scripted connection."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import ConnectionLost, DeadlineExceeded
from ansible_collections.ucops.recovery.plugins.module_utils._transport import winrm_process
from ansible_collections.ucops.recovery.plugins.module_utils._transport.winrm_line import Outputs
from ansible_collections.ucops.recovery.plugins.module_utils._transport.winrm_process import WinRmProcess


class ScriptedLine:
    """Hands out what the script says: outputs, None (nothing yet), or an error; then waits until it is cut."""

    def __init__(self, *script, refuses_input=False):
        self.script = list(script)
        self.refuses_input = refuses_input
        self.said: list[tuple] = []
        self.is_cut = threading.Event()
        self.closed = False
        self.given_back = False

    @property
    def is_quiet(self):
        return not self.is_cut.is_set()

    def __enter__(self):
        return self

    def __exit__(self, *_unused):
        self.close()

    def receive(self, shell, command):
        assert (shell, command) == ("SHELL", "COMMAND")
        if not self.script:
            self.is_cut.wait(10)
            raise ConnectionLost("The connection broke", host="uc01")
        step = self.script.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    def send(self, patience, shell, command, data, last):
        if self.refuses_input:
            raise ConnectionLost("The connection broke", host="uc01")
        self.said.append(("send", data, last))

    def terminate(self, patience, shell, command):
        if self.is_cut.is_set():
            raise ConnectionLost("The connection broke", host="uc01")
        self.said.append(("terminate", command))

    def cut(self):
        self.is_cut.set()

    def close(self):
        self.closed = True


class ScriptedLines:
    """Other connections to the host, until there are none."""

    def __init__(self, others):
        self.others = list(others)

    def take(self):
        if not self.others:
            raise ConnectionLost("The host is gone", host="uc01")
        return self.others.pop(0)

    def give_back(self, line):
        assert line.is_quiet
        line.given_back = True


def process(line, *others, input_ended=True):
    return WinRmProcess(line, "SHELL", "COMMAND", lines=ScriptedLines(others), input_ended=input_ended, answer=1)


def everything(read):
    data = b""
    while True:
        piece = read(3, 5)
        if not piece:
            return data
        data += piece


@pytest.fixture(autouse=True)
def no_thread_stays():
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def test_both_outputs_and_the_code():
    line = ScriptedLine(Outputs(b"out", b"er", -1, False), None, Outputs(b"put", b"ror", 7, True))
    command = process(line)
    assert everything(command.read) == b"output"
    assert everything(command.read_errors) == b"error"
    assert command.exit_status(1) == 7
    command.release()
    assert line.said == [("terminate", "COMMAND")] and line.given_back and not line.closed


def test_codes_have_32_bits():
    for code, told in ((1060, 1060), (-1, 2**32 - 1), (3221225786, 3221225786)):
        command = process(ScriptedLine(Outputs(b"", b"", code, True)))
        assert command.exit_status(1) == told
        command.release()


def test_nothing_yet_is_none():
    command = process(ScriptedLine())
    began = time.monotonic()
    assert command.read(10, 0.05) is None and command.read_errors(10, 0.05) is None
    assert command.exit_status(0.05) is None
    assert time.monotonic() - began < 2
    command.abort()
    command.release()


def test_what_came_before_the_break_is_read_and_then_the_break_told():
    command = process(ScriptedLine(Outputs(b"half", b"", -1, False), ConnectionLost("gone", host="uc01")))
    assert command.read(10, 5) == b"half"
    for call in (lambda: command.read(10, 5), lambda: command.read_errors(10, 5), lambda: command.exit_status(5)):
        with pytest.raises(ConnectionLost, match="gone"):
            call()
    command.release()


def test_output_is_fetched_only_so_far_ahead(monkeypatch):
    monkeypatch.setattr(winrm_process, "FETCHED_AHEAD", 10)
    line = ScriptedLine(*[Outputs(b"x" * 6, b"", -1, False)] * 5, Outputs(b"", b"", 0, True))
    command = process(line)
    time.sleep(0.1)
    assert len(line.script) == 4
    assert everything(command.read) == b"x" * 30
    command.release()


def test_input_has_a_connection_of_its_own():
    line, other = ScriptedLine(None, None), ScriptedLine()
    command = process(line, other, input_ended=False)
    assert command.write(b"data", 1) == 4
    command.end_input()
    command.end_input()
    assert other.said == [("send", b"data", False), ("send", b"", True)]
    assert line.said == []
    command.abort()
    command.release()
    assert other.closed


def test_input_that_nobody_takes_breaks_the_pipe():
    for others in ((), (ScriptedLine(refuses_input=True),)):
        command = process(ScriptedLine(), *others, input_ended=False)
        with pytest.raises(BrokenPipeError):
            command.write(b"data", 1)
        command.end_input()  # says nothing
        command.abort()
        command.release()


def test_an_aborted_command_is_ended_by_another_connection():
    line, other = ScriptedLine(Outputs(b"x", b"", -1, False)), ScriptedLine()
    command = process(line, other)
    assert command.read(1, 5) == b"x"
    command.abort()
    command.abort()
    assert line.is_cut.is_set()
    command.release()
    assert other.said == [("terminate", "COMMAND")] and other.closed and line.closed


def test_waiting_calls_return_when_it_is_aborted():
    command = process(ScriptedLine(), ScriptedLine())
    threading.Timer(0.1, command.abort).start()
    began = time.monotonic()
    with contextlib.suppress(ConnectionLost):  # which of both is seen first is chance
        assert command.read(10, 5) == b""
    assert time.monotonic() - began < 3
    command.release()


def test_a_host_that_is_gone_hinders_nobody():
    command = process(ScriptedLine(DeadlineExceeded("late", host="uc01")))
    with pytest.raises(DeadlineExceeded):
        command.read(1, 5)
    command.abort()
    command.release()
