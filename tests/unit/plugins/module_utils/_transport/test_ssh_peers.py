# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Against SSH servers that misbehave, one way each."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

import paramiko
import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    ConnectionFailed,
    ConnectionLost,
    DeadlineExceeded,
    OutputTooLarge,
)
from ansible_collections.ucops.recovery.plugins.module_utils._transport.base import CommandsRefused
from ansible_collections.ucops.recovery.plugins.module_utils._transport.ssh import SshOptions, SshTransport

HOST_KEY = paramiko.ECDSAKey.generate(bits=256)


class Server(paramiko.ServerInterface):
    """Takes every login and starts every command, unless told otherwise."""

    def __init__(self, behave, refuse: str = "") -> None:
        self._behave = behave
        self._refuse = refuse

    def get_allowed_auths(self, username):
        return "password"

    def check_auth_password(self, username, password):
        if self._refuse == "late":
            time.sleep(3)
        return paramiko.AUTH_SUCCESSFUL

    def check_channel_request(self, kind, chanid):
        return (
            paramiko.OPEN_SUCCEEDED if self._refuse != "session" else paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
        )

    def check_channel_exec_request(self, channel, command):
        if self._refuse == "command":
            return False
        if self._behave is None:
            time.sleep(3)
            return False
        transport = channel.get_transport()
        send = transport._send_user_message

        def reply_then_run(message):
            send(message)
            if threading.current_thread() is transport:
                del transport._send_user_message
                threading.Thread(target=self._run, args=(channel, command), daemon=True).start()

        # a command that ends at once must not do so before the client knows that it began
        transport._send_user_message = reply_then_run
        return True

    def _run(self, channel, command):
        mark = command.split(b"echo ", 1)[1].split(b" ", 1)[0] + b"\n"
        with contextlib.suppress(OSError, EOFError):
            self._behave(channel, mark)


@pytest.fixture
def peer():
    """Starts a server whose commands behave as told; gives a transport to it."""
    opened = []

    def start(behave, refuse="", **options):
        listener = socket.create_server(("127.0.0.1", 0))
        opened.append(listener)

        def serve():
            line, _address = listener.accept()
            transport = paramiko.Transport(line)
            transport.set_log_channel("ucops.recovery.ssh")
            opened.append(transport)
            transport.add_server_key(HOST_KEY)
            transport.start_server(server=Server(behave, refuse))

        threading.Thread(target=serve, daemon=True).start()
        port = listener.getsockname()[1]
        pin = f"{HOST_KEY.get_name()} {HOST_KEY.get_base64()}"
        values = {"connect_timeout": 2, "silence_timeout": 0.4, "total_timeout": 20, **options}
        ssh = SshTransport(SshOptions("127.0.0.1", port, "ops", "x", host_key=pin, **values))
        opened.append(ssh)
        return ssh

    yield start
    for one in reversed(opened):
        one.close()


def begin(channel, mark):
    channel.sendall_stderr(mark)
    channel.sendall(mark)


def test_endless_output_is_cut_off(peer):
    def endless(channel, mark):
        begin(channel, mark)
        while True:
            channel.sendall(b"x" * 32768)

    with peer(endless) as ssh, pytest.raises(OutputTooLarge):
        ssh.run(["id"], limit=1_000_000)


def test_endless_noise_before_the_command_has_a_deadline(peer):
    def noisy(channel, mark):
        while True:
            channel.sendall(b"x" * 32768)
            channel.sendall_stderr(b"y" * 32768)

    with peer(noisy, total_timeout=1) as ssh, pytest.raises(DeadlineExceeded, match="longer than 1 s"):
        ssh.run(["id"])


def test_silence_after_the_login_has_a_deadline(peer):
    with peer(lambda channel, mark: time.sleep(5)) as ssh:
        begun = time.monotonic()
        with pytest.raises(DeadlineExceeded, match="did not begin for 0.4 s"):
            ssh.run(["id"])
        assert time.monotonic() - begun < 3


def test_silence_in_the_middle_has_a_deadline(peer):
    def half(channel, mark):
        begin(channel, mark)
        channel.sendall(b"half of it")
        time.sleep(5)

    with peer(half) as ssh, pytest.raises(DeadlineExceeded, match="for 0.4 s"):
        ssh.run(["id"])


def test_a_command_that_never_ends_its_output_has_a_deadline(peer):
    def never_closes(channel, mark):
        begin(channel, mark)
        channel.shutdown_write()
        time.sleep(5)

    with peer(never_closes) as ssh, pytest.raises(DeadlineExceeded):
        ssh.run(["id"])


def test_a_status_without_an_end_is_enough_after_a_while(peer, monkeypatch):
    monkeypatch.setattr("ansible_collections.ucops.recovery.plugins.module_utils._transport.process.AFTERGLOW", 0.2)
    monkeypatch.setattr("ansible_collections.ucops.recovery.plugins.module_utils._transport.process.TICK", 0.1)

    def never_closes(channel, mark):
        begin(channel, mark)
        channel.sendall(b"done")
        channel.send_exit_status(0)
        time.sleep(5)

    with peer(never_closes, silence_timeout=3) as ssh:
        assert ssh.run(["id"]).stdout == b"done"


@pytest.mark.parametrize("status", [True, False])
def test_a_line_that_breaks_is_no_end_even_when_the_status_is_known(peer, status):
    """The host tells how the command ended before it has sent all that it said."""

    def broken(channel, mark):
        begin(channel, mark)
        channel.sendall(b"first half")
        if status:
            channel.send_exit_status(0)
        time.sleep(0.1)
        channel.get_transport().sock.close()

    with peer(broken, silence_timeout=5) as ssh, pytest.raises(ConnectionLost, match="The connection broke"):
        ssh.run(["id"])


def test_a_host_that_closes_without_a_word_of_the_end_is_read_to_its_end(peer):
    def closes(channel, mark):
        begin(channel, mark)
        channel.sendall(b"all of it")
        channel.send_exit_status(3)
        channel.eof_sent = True  # so that paramiko sends none
        channel.close()

    with peer(closes, silence_timeout=5) as ssh:
        result = ssh.run(["id"])
    assert (result.rc, result.stdout, result.left_open) == (3, b"all of it", False)


def test_a_host_with_a_shell_that_starts_no_more_commands_is_no_host_without_one(peer):
    """Else trees would be read by SFTP from there on, without owners, and nobody would notice."""

    def once(channel, mark):
        begin(channel, mark)
        channel.get_transport().server_object._refuse = "command"
        channel.send_exit_status(0)
        channel.close()

    with peer(once, silence_timeout=5) as ssh:
        assert ssh.run(["id"]).rc == 0
        with pytest.raises(ConnectionFailed, match="starts no more commands") as told:
            ssh.run(["id"])
    assert not isinstance(told.value, CommandsRefused)


def test_a_host_that_never_begins_a_command_has_a_deadline(peer):
    with peer(None, connect_timeout=0.5) as ssh, pytest.raises(DeadlineExceeded, match="did not begin what .* 0.5 s"):
        ssh.run(["id"])


def test_a_line_cut_in_the_middle_is_lost(peer):
    def cut(channel, mark):
        begin(channel, mark)
        channel.sendall(b"x" * 100_000)
        channel.get_transport().close()

    with peer(cut) as ssh, pytest.raises(ConnectionLost, match="The connection broke"):
        ssh.run(["id"])


def test_a_command_that_ends_while_new_keys_are_agreed_on_is_read_to_its_end(peer, monkeypatch):
    """paramiko's thread must answer the host's goodbye, and takes part in the agreement."""
    all_said = threading.Event()

    def much(channel, mark):
        begin(channel, mark)
        channel.sendall(b"x" * 300_000)
        channel.send_exit_status(0)
        channel.close()
        all_said.set()

    agree = paramiko.Transport._send_kex_init

    def agree_late(self):
        if self.initial_kex_done and not self.server_mode:
            assert all_said.wait(5)
        agree(self)

    monkeypatch.setattr(paramiko.Transport, "_send_kex_init", agree_late)
    with peer(much, connect_timeout=15, silence_timeout=15) as ssh:
        ssh.connect()
        ssh._connection._transport.packetizer.REKEY_BYTES = 200_000
        ssh._connection._transport.clear_to_send_timeout = 10
        assert ssh.run(["id"]).stdout == b"x" * 300_000
        assert ssh.run(["id"]).stdout == b"x" * 300_000, "and the connection goes on"


def test_a_command_that_takes_no_input_has_a_deadline(peer):
    def deaf(channel, mark):
        begin(channel, mark)
        time.sleep(5)

    with peer(deaf) as ssh, pytest.raises(DeadlineExceeded):
        ssh.run(["cat"], input=(b"x" * 1_000_000 for _turn in range(1000)))


def test_a_host_that_opens_no_session_or_runs_no_command_is_named(peer):
    with peer(begin, refuse="session") as ssh, pytest.raises(ConnectionFailed, match="opens no session"):
        ssh.run(["id"])
    with peer(begin, refuse="command") as ssh, pytest.raises(CommandsRefused, match="runs no commands"):
        ssh.run(["id"])
    with peer(begin) as ssh, pytest.raises(ConnectionFailed, match="offers no SFTP"):
        ssh.list_dir(b"/")


def test_a_login_that_is_never_decided_has_a_deadline(peer):
    with (
        peer(begin, refuse="late", connect_timeout=0.5) as ssh,
        pytest.raises(DeadlineExceeded, match="did not decide"),
    ):
        ssh.connect()


@contextlib.contextmanager
def nobody_answers():
    """A port whose queue is full: who wants to connect is not answered."""
    with socket.socket() as listener, contextlib.ExitStack() as opened:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _number in range(2):
            line = opened.enter_context(socket.socket())
            line.setblocking(False)
            line.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


@contextlib.contextmanager
def nobody_speaks():
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize("behind", [False, True])
@pytest.mark.parametrize("place", [nobody_answers, nobody_speaks])
def test_a_connection_that_is_being_opened_is_cut_by_closing_it(place, behind):
    """Also that of a jump host."""
    with place() as port:
        options = SshOptions("127.0.0.1", port, "ops", "x", known_hosts_file="/dev/null", connect_timeout=30)
        if behind:
            options = SshOptions("far", 22, "ops", "x", known_hosts_file="/dev/null", jump=options, connect_timeout=30)
        ssh = SshTransport(options)
        raised = []

        def use():
            try:
                ssh.run(["true"])
            except ConnectionFailed as error:
                raised.append(error)

        user = threading.Thread(target=use)
        user.start()
        time.sleep(0.2)
        began = time.monotonic()
        ssh.close()
        user.join(10)
        assert not user.is_alive() and time.monotonic() - began < 5
        assert len(raised) == 1 and "127.0.0.1" in str(raised[0])
