# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Against real OpenSSH servers."""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import subprocess
import threading
import time

import paramiko
import pytest
from sshd import SSHD, WITHOUT_SSHD, Account, Sshd
from support.thoroughness import thorough

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    AuthenticationFailed,
    ConnectionFailed,
    ConnectionLost,
    DeadlineExceeded,
    HostKeyMismatch,
    HostKeyUnknown,
    LibraryMissing,
    OptionInvalid,
    PrivilegeFailed,
)
from ansible_collections.ucops.recovery.plugins.module_utils._transport.base import CommandsRefused
from ansible_collections.ucops.recovery.plugins.module_utils._transport.ssh import SshOptions, SshTransport

PASSWORD = "pass wörd"


@pytest.fixture(autouse=True)
def nothing_stays_and_nothing_is_said(capfd):
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 3
    while not set(threading.enumerate()) <= before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert set(threading.enumerate()) <= before
    assert capfd.readouterr() == ("", "")


def options(server, **changes) -> SshOptions:
    values = {
        "host": server.host,
        "port": server.port,
        "username": server.username,
        "private_key": str(server.client_key),
        "known_hosts_file": str(server.known_hosts),
    }
    return SshOptions(**{**values, **changes})


def connect(server, **changes) -> SshTransport:
    return SshTransport(options(server, **changes))


def _failure(call, kind):
    with pytest.raises(kind) as caught:
        call()
    return caught.value


# --- logging in -------------------------------------------------------------------------------------------------------
def test_a_key_from_file_or_text_logs_in(server):
    for key in (str(server.client_key), server.client_key.read_text()):
        with connect(server, private_key=key) as ssh:
            assert ssh.run(["id", "-un"]).text == "ops\n"


def test_a_password_logs_in(server):
    with connect(server, private_key=None, password=PASSWORD) as ssh:
        assert ssh.run(["id", "-un"]).text == "ops\n"


def test_the_agent_logs_in(server, tmp_path, monkeypatch):
    listing = subprocess.run(
        ["ssh-agent", "-s", "-a", str(tmp_path / "agent")], capture_output=True, text=True, check=True
    )
    pid = int(listing.stdout.split("SSH_AGENT_PID=")[1].split(";")[0])
    try:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
        subprocess.run(["ssh-add", "-q", str(server.client_key)], check=True)
        with connect(server, private_key=None, use_agent=True) as ssh:
            assert ssh.run(["id", "-un"]).text == "ops\n"
    finally:
        os.kill(pid, 15)


def test_a_host_that_wants_key_and_password_gets_both(server):
    with connect(server, username="careful", password="both") as ssh:
        assert ssh.run(["id", "-un"]).text == "careful\n"
    with connect(server, username="careful") as ssh, pytest.raises(AuthenticationFailed):
        ssh.connect()


def test_a_wrong_password_is_refused_without_being_shown(server):
    with (
        connect(server, private_key=None, password="wr0ng-secret") as ssh,
        pytest.raises(AuthenticationFailed) as caught,
    ):
        ssh.run(["id"])
    assert "127.0.0.1: The host refuses the login of ops (tried: password" in str(caught.value)
    assert "wr0ng-secret" not in str(caught.value)
    assert "wr0ng-secret" not in repr(options(server, password="wr0ng-secret"))


def test_the_wrong_passphrase_is_told_before_the_host_is_bothered(tmp_path):
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "right", "-f", str(key)], check=True)
    nowhere = SshOptions(
        "192.0.2.1", private_key=str(key), private_key_passphrase="wrong", host_key="SHA256:" + "A" * 43
    )
    with pytest.raises(AuthenticationFailed, match="passphrase does not open"):
        SshTransport(nowhere).connect()


def test_nothing_to_log_in_with_is_told():
    with pytest.raises(OptionInvalid, match="nothing to log in with"):
        SshTransport(SshOptions("pbx", host_key="SHA256:" + "A" * 43))


# --- host keys --------------------------------------------------------------------------------------------------------
def test_an_unknown_host_key_is_named_and_never_added(server, tmp_path):
    known = tmp_path / "known_hosts"
    known.write_text("")
    with connect(server, known_hosts_file=str(known)) as ssh, pytest.raises(HostKeyUnknown) as caught:
        ssh.run(["id"])
    shown = subprocess.run(
        ["ssh-keygen", "-lf", str(server.folder / "host_ed25519.pub")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.stdout.split()[1] in str(caught.value)
    assert "ssh-ed25519" in str(caught.value)
    assert known.read_text() == ""


def test_a_changed_host_key_is_refused_with_both_fingerprints(plain_server):
    old = plain_server.host_key
    with connect(plain_server) as ssh:
        assert ssh.run(["true"]).rc == 0
    plain_server.kill()
    plain_server.new_host_keys()
    plain_server.start()
    with connect(plain_server) as ssh, pytest.raises(HostKeyMismatch) as caught:
        ssh.run(["true"])
    for key in (old, plain_server.host_key):
        digest = subprocess.run(
            ["ssh-keygen", "-lf", "-"], input=key, capture_output=True, text=True, check=False
        ).stdout.split()[1]
        assert digest in str(caught.value)


def test_a_pinned_key_and_a_pinned_fingerprint_are_enough(server):
    digest = subprocess.run(
        ["ssh-keygen", "-lf", "-"],
        input=server.host_key,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()[1]
    for pin in (server.host_key, digest):
        with connect(server, known_hosts_file=None, host_key=pin) as ssh:
            assert ssh.run(["true"]).rc == 0
    with connect(server, host_key="SHA256:" + "A" * 43) as ssh, pytest.raises(HostKeyMismatch):
        ssh.connect()


@pytest.mark.skipif(SSHD is None, reason=WITHOUT_SSHD)
@pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ed25519"])
def test_the_kind_of_host_key_that_is_known_is_asked_for(tmp_path, kind):
    with Sshd(key_types=("ed25519", "ecdsa", "rsa")) as server:
        lines = server.known_hosts.read_text().splitlines()
        known = tmp_path / "known_hosts"
        known.write_text("\n".join(line for line in lines if kind in line) + "\n")
        with connect(server, known_hosts_file=str(known)) as ssh:
            assert ssh.run(["true"]).rc == 0


# --- the way there ----------------------------------------------------------------------------------------------------
@pytest.mark.skipif(SSHD is None, reason=WITHOUT_SSHD)
@pytest.mark.parametrize("known", ["aes128-gcm@openssh.com,aes128-ctr", "aes256-ctr"])
def test_a_cipher_that_needs_no_mac_is_asked_for_and_any_other_will_do(known):
    with Sshd(config=f"Ciphers {known}") as server, connect(server) as ssh:
        assert ssh.run(["cat"], input=b"\0" * 300_000).stdout == b"\0" * 300_000
        used = ssh._connection._transport.local_cipher
    possible = [name for name in known.split(",") if name in paramiko.Transport._preferred_ciphers]
    assert used == possible[0]


def test_a_jump_host_is_logged_in_to_and_checked_on_its_own(server, plain_server):
    with connect(server, jump=options(plain_server)) as ssh:
        assert ssh.run(["id", "-un"]).text == "ops\n"
        assert len(ssh.run(["head", "-c", "3000000", "/dev/zero"]).stdout) == 3_000_000
    stranger = options(plain_server, known_hosts_file=None, host_key="SHA256:" + "A" * 43)
    with connect(server, jump=stranger) as ssh, pytest.raises(HostKeyMismatch):
        ssh.connect()
    with (
        connect(server, jump=options(plain_server), host_key="SHA256:" + "A" * 43) as ssh,
        pytest.raises(HostKeyMismatch),
    ):
        ssh.connect()


def test_a_host_that_the_jump_host_cannot_reach_is_named(plain_server):
    closed = options(plain_server, port=1, host_key="SHA256:" + "A" * 43, jump=options(plain_server))
    with (
        SshTransport(closed) as ssh,
        pytest.raises(ConnectionFailed, match="port 1: The jump host 127.0.0.1 cannot reach"),
    ):
        ssh.connect()


@pytest.mark.skipif(SSHD is None, reason=WITHOUT_SSHD)
def test_a_jump_host_that_forwards_nothing_is_named(plain_server):
    with Sshd(config="AllowTcpForwarding no") as jump, connect(plain_server, jump=options(jump)) as ssh:
        error = _failure(ssh.connect, ConnectionFailed)
    assert "AllowTcpForwarding" in str(error)


def test_a_closed_port_and_an_unknown_name_are_told(server):
    with (
        connect(server, port=1) as ssh,
        pytest.raises(ConnectionFailed, match="Port 1 cannot be reached: Connection refused"),
    ):
        ssh.connect()
    with (
        connect(server, host="no-such-host.invalid") as ssh,
        pytest.raises(ConnectionFailed, match="cannot be resolved"),
    ):
        ssh.connect()


def test_a_dead_peer_is_noticed_by_the_kernel(server):
    with connect(server) as ssh:
        ssh.connect()
        line = ssh._connection._transport.sock
        assert line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000


# --- algorithms -------------------------------------------------------------------------------------------------------
LEGACY = """
KexAlgorithms diffie-hellman-group14-sha1,diffie-hellman-group1-sha1
HostKeyAlgorithms ssh-rsa
Ciphers aes128-cbc,3des-cbc
MACs hmac-sha1
PubkeyAcceptedAlgorithms +ssh-rsa
"""


@pytest.mark.skipif(
    "diffie-hellman-group14-sha1" not in paramiko.Transport._kex_info,
    reason="left out: this paramiko (5 or newer) has no SHA-1 algorithms",
)
@pytest.mark.skipif(SSHD is None, reason=WITHOUT_SSHD)
def test_an_old_device_needs_legacy_algorithms_and_then_works():
    with Sshd(config=LEGACY, key_types=("rsa",)) as server:
        with connect(server) as ssh, pytest.raises(ConnectionFailed, match="legacy_algorithms"):
            ssh.connect()
        with connect(server, legacy_algorithms=True) as ssh:
            assert ssh.run(["true"]).rc == 0


@pytest.mark.skipif(SSHD is None, reason=WITHOUT_SSHD)
@thorough
def test_one_old_part_is_enough_to_be_refused():
    for line in (
        "KexAlgorithms diffie-hellman-group14-sha1",
        "HostKeyAlgorithms ssh-rsa",
        "Ciphers aes256-cbc",
        "MACs hmac-sha1",
    ):
        with Sshd(config=line, key_types=("rsa",)) as server, connect(server) as ssh:
            error = _failure(ssh.connect, ConnectionFailed)
        assert "legacy_algorithms" in str(error)


def test_a_paramiko_without_sha1_is_told_when_legacy_is_asked_for(server, monkeypatch):
    modern = {name: kex for name, kex in paramiko.Transport._kex_info.items() if not name.endswith("sha1")}
    monkeypatch.setattr(paramiko.Transport, "_kex_info", modern)
    with pytest.raises(LibraryMissing, match="paramiko>=3.4,<5"):
        connect(server, legacy_algorithms=True)
    with connect(server) as ssh:
        assert ssh.run(["true"]).rc == 0


# --- commands ---------------------------------------------------------------------------------------------------------
def test_words_output_status_and_input_survive(server):
    with connect(server) as ssh:
        assert (
            ssh.run(["printf", "%s|", b"\xff", "ü", "a b", "a\nb", "'"]).stdout
            == "\xff|".encode("latin-1") + "ü|a b|a\nb|'|".encode()
        )
        result = ssh.run(["sh", "-c", "cat; echo err >&2; exit 5"], input=[b"a", b"\0\n", b"b"])
        assert (result.rc, result.stdout, result.stderr) == (5, b"a\0\nb", b"err\n")


def test_what_login_scripts_say_is_no_output(server):
    with connect(server, username="noisy", become_password="x") as ssh:
        assert ssh.run(["echo", "only this"]).stdout == b"only this\n"
        result = ssh.run(["sh", "-c", "echo out; echo err >&2"], become=True)
        assert (result.stdout, result.stderr) == (b"out\n", b"err\n")


def test_streams_flow_both_ways_at_once(server):
    digest = hashlib.sha256()
    with connect(server) as ssh, ssh.open(["cat"], input=(bytes([n]) * 1_000_000 for n in range(40))) as stream:
        for chunk in stream.chunks():
            digest.update(chunk)
        assert stream.finish().rc == 0
    expected = hashlib.sha256(b"".join(bytes([n]) * 1_000_000 for n in range(40)))
    assert digest.digest() == expected.digest()


def test_errors_that_nobody_reads_do_not_stop_the_output(server):
    script = "head -c 8000000 /dev/zero >&2; head -c 1000 /dev/zero"
    with connect(server) as ssh:
        assert len(ssh.run(["sh", "-c", script]).stdout) == 1000


def test_several_commands_share_one_connection(server):
    with connect(server) as ssh, ssh.open(["cat"], input=iter([b"x" * 100_000])) as stream:
        assert ssh.run(["echo", "beside"]).stdout == b"beside\n"
        assert sum(len(chunk) for chunk in stream.chunks()) == 100_000


def test_a_host_that_vanishes_in_the_middle_is_lost_at_once(plain_server):
    with connect(plain_server) as ssh:
        begun = time.monotonic()
        with ssh.open(["cat", "/dev/zero"]) as stream, pytest.raises(ConnectionLost) as caught:
            for number, _chunk in enumerate(stream.chunks()):
                if number == 10:
                    _kill_all(plain_server)
        assert "127.0.0.1: The connection broke while a command ran" in str(caught.value)
        assert time.monotonic() - begun < 5
        with pytest.raises(ConnectionLost):
            ssh.run(["true"])


def _kill_all(server) -> None:
    """Kill the server together with the processes of its sessions."""
    pid = server._process.pid
    listing = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = {int(child): int(parent) for child, parent in (line.split() for line in listing.splitlines())}
    family = {pid}
    while True:
        more = {child for child, parent in parents.items() if parent in family} - family
        if not more:
            break
        family |= more
    server.kill()
    for one in family - {pid}:
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, 9)


def test_an_account_without_a_shell_is_named(server):
    with connect(server, username="menu") as ssh, pytest.raises(CommandsRefused, match="not available"):
        ssh.run(["id"])


def test_an_account_for_files_only_is_read_over_sftp(server):
    home = server.home("files")
    (home / "Grüße").write_bytes(os.urandom(1_000_000))
    with open(os.fsencode(home) + b"/\xff\n", "wb") as handle:
        handle.write(b"odd")
    with connect(server, username="files", private_key=None, password="x") as ssh:
        with pytest.raises(CommandsRefused):
            ssh.run(["id"])
        found = {status.name: status for status in ssh.list_dir(os.fsencode(home))}
        for name, status in found.items():
            assert ssh.file_status(os.path.join(os.fsencode(home), name)) == status
        with pytest.raises(FileNotFoundError):
            ssh.file_status(b"/nothing")
        assert set(found) == {"Grüße".encode(), b"\xff\n"}
        assert b"".join(ssh.read_file(os.fsencode(home / "Grüße"))) == (home / "Grüße").read_bytes()
        assert b"".join(ssh.read_file(os.fsencode(home) + b"/\xff\n")) == b"odd"
        with pytest.raises(PermissionError):
            list(ssh.read_file(b"/etc/shadow"))
        with pytest.raises(FileNotFoundError):
            ssh.list_dir(b"/nothing")


# --- sudo -------------------------------------------------------------------------------------------------------------
def test_sudo_with_a_password_leaves_the_input_as_it_is(server):
    data = b"first line\nsecond\n\0\xff" * 50_000
    with connect(server, become_password=PASSWORD) as ssh:
        assert ssh.run(["id", "-u"], become=True).text == "0\n"
        assert ssh.run(["cat"], become=True, input=data).stdout == data
        assert ssh.run(["cat"], become=True).stdout == b""
        assert ssh.run(["id", "-un"], become="nobody").text == "nobody\n"
        result = ssh.run(["sh", "-c", "echo out; echo err >&2; exit 3"], become=True)
        assert (result.rc, result.stdout, result.stderr) == (3, b"out\n", b"err\n")


def test_sudo_without_a_password_works_whether_one_is_given_or_not(server):
    for password in (None, "unused"):
        with connect(server, username="trusted", become_password=password) as ssh:
            assert ssh.run(["cat"], become=True, input=b"unused\n").stdout == b"unused\n"


def test_sudo_with_a_terminal_of_its_own_leaves_the_streams_as_they_are(server):
    data = bytes(range(256)) * 20_000
    with connect(server, username="pty", become_password="x") as ssh:
        assert ssh.run(["cat"], become=True, input=data).stdout == data
        result = ssh.run(["sh", "-c", "cat; echo err >&2"], become=True, input=b"\x04\x03in\n")
        assert (result.stdout, result.stderr) == (b"\x04\x03in\n", b"err\n")


def test_credentials_that_sudo_remembers_leave_the_input_as_it_is():
    accounts = [Account("ops", password="x", sudo="ALL")]
    try:
        with (
            Sshd(
                accounts, sudoers="Defaults timestamp_timeout=5, timestamp_type=global, timestampdir=/tmp/ucops-ts"
            ) as one,
            connect(one, become_password="x") as ssh,
        ):
            for _time in range(3):
                assert ssh.run(["cat"], become=True, input=b"x\nx\n").stdout == b"x\nx\n"
    except RuntimeError as error:
        pytest.skip(f"left out: {error}")


@pytest.mark.parametrize(
    ("account", "password", "says"),
    [
        ("ops", "wrong-secret", "sudo refused the password"),
        ("ops", None, "none is given"),
        ("nobodys", "x", "may not become root"),
        ("tty", "x", "without a terminal"),
    ],
)
def test_each_refusal_of_sudo_is_one_clear_error(server, account, password, says):
    with connect(server, username=account, become_password=password) as ssh:
        with pytest.raises(PrivilegeFailed, match=says) as caught:
            ssh.run(["cat"], become=True, input=b"data that must not be lost in sudo\n")
        assert "wrong-secret" not in str(caught.value)
        assert ssh.run(["echo", "still here"]).stdout == b"still here\n"


def test_no_password_is_ever_on_a_command_line_or_in_an_environment(server):
    look = "cat /proc/[0-9]*/{} 2>/dev/null | tr '\\0' '\\n'"
    with connect(server, private_key=None, password=PASSWORD, become_password=PASSWORD) as ssh:
        for where in ("cmdline", "environ"):
            planted = f"UCOPS_PLANTED={where}"
            seen = ssh.run(["env", planted, "sh", "-c", look.format(where), planted], become=True).stdout
            # it looks where a password would be
            assert planted.encode() in seen.splitlines()
            assert PASSWORD.encode() not in seen


# --- deadlines --------------------------------------------------------------------------------------------------------
def test_a_port_that_says_nothing_has_a_deadline(server):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with connect(server, port=port, connect_timeout=0.5, host_key=server.host_key) as ssh:
            begun = time.monotonic()
            with pytest.raises(DeadlineExceeded, match="within 0.5 s"):
                ssh.connect()
            assert time.monotonic() - begun < 4


def test_a_port_that_speaks_something_else_is_told(server):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def answer():
            line, _address = listener.accept()
            line.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            line.close()

        thread = threading.Thread(target=answer)
        thread.start()
        with connect(server, port=listener.getsockname()[1], host_key=server.host_key) as ssh:
            error = _failure(ssh.connect, ConnectionFailed)
        assert "does not speak SSH" in str(error)
        thread.join()
