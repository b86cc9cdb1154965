# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every transport owes its callers, seen on local commands."""

from __future__ import annotations

import threading
import time
import tracemalloc

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    ConnectionLost,
    DeadlineExceeded,
    OutputTooLarge,
    RepositoryDamaged,
)
from ansible_collections.ucops.recovery.plugins.module_utils._transport import process
from ansible_collections.ucops.recovery.plugins.module_utils._transport.local import LocalTransport
from ansible_collections.ucops.recovery.plugins.module_utils._transport.sudo import Launch

MIB = 2**20


@pytest.fixture(autouse=True)
def no_thread_stays():
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


@pytest.fixture
def local():
    with LocalTransport("pbx") as transport:
        yield transport


def test_status_output_and_errors_come_apart(local):
    result = local.run(["sh", "-c", "echo out; echo err >&2; exit 3"])
    assert (result.rc, result.stdout, result.stderr) == (3, b"out\n", b"err\n")
    assert result.complaint == "err"


def test_a_missing_program_is_a_result(local):
    assert local.run(["no-such-program"]).rc == 127


def test_commands_run_in_the_root_folder_in_the_c_locale_with_sbin(local):
    result = local.run(["sh", "-c", "pwd; echo $LC_ALL; echo $PATH"])
    folder, locale, path = result.text.splitlines()
    assert (folder, locale) == ("/", "C")
    assert path.endswith(":/usr/local/sbin:/usr/sbin:/sbin")


def test_a_script_of_a_shell_is_run_by_the_shell_that_is_there(local):
    """With its words and its exit status, and a script that is none is a result too."""
    script = 'printf "%s|%s|%s" "$#" "$1" "$2"; cat /proc/$$/cmdline >&2; exit 5'
    result = local.run(["sh", "-c", script, "sh", "a b", "$(c)"])
    assert (result.rc, result.stdout) == (5, b"2|a b|$(c)")
    assert b"-start" in result.stderr, "another shell was started"
    broken = local.run(["sh", "-c", "echo 'open", "sh", "x"])
    assert broken.rc == 2 and b"nterminated" in broken.stderr


def test_a_command_without_input_reads_an_empty_stream(local):
    assert local.run(["cat"]).stdout == b""


def test_a_killed_command_has_no_status_of_its_own(local):
    assert local.run(["sh", "-c", "kill -9 $$"]).rc == -1


def test_large_streams_flow_both_ways_at_once_in_bounded_memory(local):
    total = 64 * MIB
    tracemalloc.start()
    with local.open(["cat"], input=(b"x" * MIB for _turn in range(64))) as stream:
        received = sum(len(chunk) for chunk in stream.chunks())
        assert stream.finish().rc == 0
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert received == total
    assert peak < 8 * MIB


def test_output_beyond_the_limit_cuts_the_command_off(local):
    with pytest.raises(OutputTooLarge, match="pbx: The command wrote more than 100000 bytes"):
        local.run(["yes"], limit=100_000)


def test_endless_errors_are_capped_with_a_mark(local, monkeypatch):
    monkeypatch.setattr(process, "ERRORS_HEAD", 10_000)
    result = local.run(["sh", "-c", "echo begin >&2; head -c 300000 /dev/zero | tr '\\0' x >&2; echo; echo end >&2"])
    assert result.rc == 0
    assert len(result.stderr) < 30_000
    assert result.stderr.startswith(b"begin\n")
    assert result.stderr.endswith(b"end\n")
    assert b"bytes not kept" in result.stderr


def test_silence_has_an_end(local):
    with pytest.raises(DeadlineExceeded, match="Nothing moved for 0.3 s"):
        local.run(["sleep", "60"], silence=0.3)


def test_a_busy_command_has_an_end_too(local):
    with pytest.raises(DeadlineExceeded, match="took longer than 0.4 s"):
        local.run(["sh", "-c", "while :; do echo x >&2; sleep 0.05; done"], deadline=0.4)


def test_output_on_either_stream_or_input_breaks_the_silence(local):
    def slowly():
        for _turn in range(8):
            time.sleep(0.1)
            yield b"x"

    assert local.run(["sh", "-c", "cat > /dev/null; echo done"], input=slowly(), silence=0.5).stdout == b"done\n"
    assert local.run(["sh", "-c", "for i in 1 2 3 4 5 6 7; do echo x >&2; sleep 0.1; done"], silence=0.5).rc == 0


def test_a_slow_reader_is_not_the_host_being_silent(local):
    with local.open(["sh", "-c", "head -c 400000 /dev/zero"], silence=0.3) as stream:
        chunks = stream.chunks()
        size = len(next(chunks))
        time.sleep(0.6)
        assert size + sum(len(chunk) for chunk in chunks) == 400_000


def test_an_error_of_the_input_cuts_the_command_off_and_comes_back(local, tmp_path):
    def broken():
        yield b"first half"
        raise RepositoryDamaged("the second half is lost")

    after = tmp_path / "after"
    with pytest.raises(RepositoryDamaged):
        local.run(["sh", "-c", f"cat > /dev/null; echo committed > {after}"], input=broken())
    time.sleep(0.1)
    assert not after.exists()


class CutLine(process.Process):
    """A command at the end of a line that breaks as soon as it is cut off."""

    def __init__(self):
        self.cut = threading.Event()

    def read(self, size, timeout):
        if self.cut.wait(timeout):
            raise ConnectionLost("The connection broke")
        return None

    read_errors = read

    def write(self, data, timeout):
        return len(data)

    def end_input(self):
        pass

    def exit_status(self, timeout):
        return None

    def abort(self):
        self.cut.set()

    def release(self):
        pass


def test_an_error_of_the_input_is_told_and_not_the_line_that_it_cut():
    def broken():
        yield b"first half"
        raise RepositoryDamaged("the second half is lost")

    limits = process.Limits(10, 10, None)
    started = Launch(("x",), b"", None, None)
    stream = process.ProcessStream(CutLine(), started, "pbx", broken(), None, limits)
    with stream, pytest.raises(RepositoryDamaged):
        list(stream.chunks())
    line = CutLine()
    line.cut.set()
    stream = process.ProcessStream(line, started, "pbx", None, None, limits)
    with stream, pytest.raises(ConnectionLost):
        list(stream.chunks())


def test_input_that_a_command_does_not_want_is_no_error(local):
    assert local.run(["sh", "-c", "exec 0<&-; exit 7"], input=(b"x" * MIB for _turn in range(20))).rc == 7


def test_the_input_is_closed_when_the_command_ends_early(local):
    closed = threading.Event()

    def endless():
        try:
            while True:
                yield b"x" * 1000
        finally:
            closed.set()

    assert local.run(["head", "-c", "10"], input=endless()).stdout == b"x" * 10
    assert closed.is_set()


def test_what_a_command_leaves_behind_neither_hangs_us_nor_dies(local, monkeypatch, tmp_path):
    monkeypatch.setattr(process, "AFTERGLOW", 0.3)
    monkeypatch.setattr(process, "TICK", 0.1)
    alive = tmp_path / "alive"
    begun = time.monotonic()
    result = local.run(["sh", "-c", f"(sleep 1; echo yes > {alive}) & echo started"])
    assert (result.rc, result.stdout, result.left_open) == (0, b"started\n", True)
    assert time.monotonic() - begun < 0.95
    deadline = time.monotonic() + 3
    while not alive.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert alive.exists()


class LateWords(CutLine):
    """Silent, then it speaks and ends while nobody looks: between a read and the question for its end."""

    def __init__(self):
        super().__init__()
        self.words = []
        self.ended = False
        self.begun = time.monotonic()

    def read(self, size, timeout):
        if not self.ended:
            time.sleep(timeout)
            return None
        return self.words.pop(0) if self.words else b""

    def read_errors(self, size, timeout):
        return b""

    def exit_status(self, timeout):
        if time.monotonic() - self.begun > process.AFTERGLOW and not self.ended:
            self.words, self.ended = [b"last ", b"words"], True
        return 0 if self.ended else None


def test_what_a_command_said_right_before_its_end_is_read_after_any_silence(monkeypatch):
    monkeypatch.setattr(process, "AFTERGLOW", 0.2)
    monkeypatch.setattr(process, "TICK", 0.05)
    stream = process.ProcessStream(
        LateWords(), Launch(("x",), b"", None, None), "pbx", None, None, process.Limits(10, 10, None)
    )
    with stream:
        assert b"".join(stream.chunks()) == b"last words"


def test_leaving_early_cuts_the_command_off(local):
    begun = time.monotonic()
    with local.open(["sh", "-c", "echo x; sleep 60"]) as stream:
        assert next(stream.chunks()) == b"x\n"
    assert time.monotonic() - begun < 5


def test_finish_drops_what_was_not_read(local):
    with local.open(["sh", "-c", "head -c 3000000 /dev/zero; exit 4"], limit=1000) as stream:
        assert stream.finish().rc == 4


def test_words_arrive_as_they_are(local):
    words = [b"\xff\xfe", "Grüße", b"a\nb", "", "*", "$HOME", "'"]
    result = local.run(["printf", "%s\\0", *words])
    assert result.stdout.split(b"\0")[:-1] == [w if isinstance(w, bytes) else w.encode() for w in words]
