# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two commands in one session, against a real OpenSSH server; and how the end of the first is found."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sshd import SSHD, WITHOUT_SSHD, Sshd
from support.thoroughness import thorough

from ansible_collections.ucops.recovery.plugins.module_utils._errors import DeadlineExceeded, PrivilegeFailed
from ansible_collections.ucops.recovery.plugins.module_utils._transport.base import CommandsRefused
from ansible_collections.ucops.recovery.plugins.module_utils._transport.shell_turns import _UntilMark
from ansible_collections.ucops.recovery.plugins.module_utils._transport.ssh import SshOptions, SshTransport

PASSWORD = "pass wörd"
SECOND = r"""
echo $$
for w; do printf '<%s>' "$w"; done
cat
echo a word >&2
exit 7
"""
WORDS = [
    "",
    "plain",
    "two words",
    " edge ",
    "=sign",
    ".",
    "*",
    "$HOME",
    "`id`",
    "back\\slash",
    "it's",
    '"quoted"',
    "ü",
    b"\xff\xfe",
]


def connect(server, **changes) -> SshTransport:
    values = {
        "host": server.host,
        "port": server.port,
        "username": server.username,
        "private_key": str(server.client_key),
        "known_hosts_file": str(server.known_hosts),
    }
    return SshTransport(SshOptions(**{**values, **changes}))


def first(ssh, script="echo $$", become=False) -> str:
    """The process of the shell that ran the first command, and waits."""
    ssh.expect(SECOND, become)
    return ssh.run(["sh", "-c", script, "sh", "unused"], become=become).text


def second(ssh, *words, become=False, input=b""):
    """The process of the shell that ran the second one, and its result."""
    result = ssh.run(["sh", "-c", SECOND, "sh", *words], become=become, input=input)
    shell, _newline, rest = result.stdout.partition(b"\n")
    return shell.decode() + "\n", rest, result


@pytest.mark.parametrize("become", [False, True, "nobody"])
def test_both_run_in_one_shell_with_words_input_errors_and_status(server, become):
    data = b"line\n\0\xff" * 50_000
    with connect(server, become_password=PASSWORD) as ssh:
        waiting = first(ssh, become=become)
        shell, rest, result = second(ssh, *WORDS, become=become, input=data)
        assert shell == waiting
        told = b"".join(b"<%s>" % (word if isinstance(word, bytes) else word.encode()) for word in WORDS)
        assert rest == told + data
        assert (result.rc, result.stderr) == (7, b"a word\n")
        again, rest, _result = second(ssh, "x", become=become)
        assert (again != waiting, rest) == (True, b"<x>")


@thorough
def test_the_first_one_is_as_it_always_is(server):
    with connect(server) as ssh:
        for script, rc, out, err in (
            ("printf 'no end'; printf 'nor here' >&2; exit 3", 3, b"no end", b"nor here"),
            ("exit 0", 0, b"", b""),
            ("cat; echo $# $1", 0, b"1 unused\n", b""),
            ("head -c 3000000 /dev/zero", 0, bytes(3_000_000), b""),
        ):
            ssh.expect(SECOND, False)
            result = ssh.run(["sh", "-c", script, "sh", "unused"])
            assert (result.rc, result.stdout, result.stderr) == (rc, out, err), script
            assert second(ssh, "x")[1] == b"<x>"
        ssh.expect(SECOND, False)
        assert ssh.run(["sh", "-c", "echo out; kill -9 $$; sleep 5", "sh"]).rc in (-1, 137)
        assert second(ssh, "x")[1] == b"<x>"


def test_what_login_scripts_say_is_no_output(server):
    with connect(server, username="noisy", become_password="x") as ssh:
        for become in (False, True):
            assert first(ssh, "echo out; echo err >&2", become) == "out\n"
            assert second(ssh, "x", become=become)[1] == b"<x>"


@pytest.mark.parametrize(
    ("words", "become"), [(["two\nlines"], False), (["x"], True), (["x" * 20_000], False)], ids=["line", "user", "long"]
)
def test_what_cannot_be_told_or_is_somebody_elses_gets_a_session_of_its_own(server, words, become):
    with connect(server, become_password=PASSWORD) as ssh:
        waiting = first(ssh)
        shell, rest, _result = second(ssh, *words, become=become)
        assert (shell != waiting, rest) == (True, b"<%s>" % words[0].encode())
        assert second(ssh, "x")[0] == waiting  # it still waits


@pytest.mark.skipif(SSHD is None, reason=WITHOUT_SSHD)
def test_a_host_that_opens_one_session_at_a_time_is_enough():
    with Sshd(config="MaxSessions 1") as one, connect(one) as ssh:
        first(ssh)
        assert ssh.run(["echo", "between"]).text == "between\n"
        assert second(ssh, "x")[1] == b"<x>"
        first(ssh)
        assert [status.name for status in ssh.list_dir(b"/proc/self/fdinfo")] != []


@pytest.mark.parametrize("signal", ["KILL", "STOP"])
def test_a_shell_that_is_gone_or_does_not_answer_is_replaced(server, signal):
    with connect(server, connect_timeout=1) as ssh:
        waiting = first(ssh)
        ssh.run(["kill", f"-{signal}", waiting.strip()])
        time.sleep(0.1)
        shell, rest, result = second(ssh, "x", input=b"data")
        assert (shell != waiting, rest, result.rc) == (True, b"<x>data", 7)


def test_one_that_is_cut_off_leaves_nothing_waiting(server):
    with connect(server) as ssh:
        ssh.expect(SECOND, False)
        with pytest.raises(DeadlineExceeded):
            ssh.run(["sh", "-c", "echo $$; sleep 30", "sh"], deadline=0.5)
        assert second(ssh, "x")[1] == b"<x>"


@thorough
def test_refusals_are_told_as_always(server):
    with connect(server, become_password="wrong") as ssh, pytest.raises(PrivilegeFailed, match="refused the password"):
        first(ssh, become=True)
    with connect(server) as ssh, pytest.raises(PrivilegeFailed, match="none is given"):
        first(ssh, become=True)
    with connect(server, username="menu") as ssh, pytest.raises(CommandsRefused):
        first(ssh)


def test_a_transport_that_is_closed_forgets_who_waits(server):
    with connect(server) as ssh:
        waiting = first(ssh)
        ssh.close()
        assert second(ssh, "x")[0] != waiting


# --- the end of the first ---------------------------------------------------------------------------------------------
@given(
    said=st.lists(st.sampled_from([b"ucops", b"-end", b"ucops-1-", b"ucops-1-end", b" 0", b"\n", b"text"]), max_size=8),
    ends=st.booleans(),
    sizes=st.lists(st.integers(1, 9), min_size=1),
)
def test_the_end_is_found_however_it_is_cut(said, ends, sizes):
    mark, text = b"ucops-1-end", b"".join(said)
    stream = text + (mark + b" 12\n" if ends else b"")
    end = re.search(re.escape(mark) + rb" \d{1,3}\n", stream)
    pieces, at = [], 0
    while at < len(stream):
        pieces.append(stream[at : at + sizes[len(pieces) % len(sizes)]])
        at += len(pieces[-1])
    until = _UntilMark(mark, re.compile(rb" \d{1,3}\n"))
    got = bytearray()
    while (data := until.read(lambda size, timeout: pieces.pop(0) if pieces else b"", 10, 1)) != b"":
        got += data or b""
    if end is not None and text.count(mark) == 0:
        assert (bytes(got), until.ended) == (text, b" 12\n")
    elif not ends and mark not in text:
        assert (bytes(got), until.ended) == (text, b"")


def test_a_host_that_pretends_an_end_is_not_kept_in_memory():
    until = _UntilMark(b"mark-end", re.compile(rb" \d{1,3}\n"))
    assert until.read(lambda size, timeout: b"mark-end" + b"x" * 1000, 10, 1) == b"mark-end" + b"x" * 1000
    assert until.read(lambda size, timeout: b"", 10, 1) == b""
