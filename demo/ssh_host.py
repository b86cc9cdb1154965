# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""An SSH server on loopback whose host is a folder: real sockets, real /bin/sh commands, real SFTP, no root.

Commands run as the user who runs the demo and see that user's whole file system; the folder is only their home, and
comes first in their PATH. Whoever logs in could do the same without SSH: so passwords and keys are made anew
at each start.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import pathlib
import signal
import socket
import subprocess
import threading
from typing import Any, Callable

import paramiko
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from sftp_files import HostFiles

_CHUNK = 32768
_ENVIRONMENT_ALLOWED = ("LANG", "LC_")


def new_ed25519_key(path: pathlib.Path) -> paramiko.Ed25519Key:
    """Make an Ed25519 key pair: ``path`` with mode 0600 and ``path.pub``."""
    private = ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(private)
    key = paramiko.Ed25519Key.from_private_key_file(str(path))
    path.with_name(path.name + ".pub").write_text(f"{key.get_name()} {key.get_base64()} {path.name}\n", "ascii")
    return key


class SshHost:
    """One server on an ephemeral port of 127.0.0.1. ``password`` and ``authorized_key`` each open one way of login."""

    def __init__(
        self,
        directory: pathlib.Path,
        host_key: paramiko.PKey,
        username: str,
        password: str | None = None,
        authorized_key: paramiko.PKey | None = None,
    ) -> None:
        self.directory = directory
        self.host_key = host_key
        self.username = username
        self.password = password
        self.authorized_key = authorized_key
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._sessions: set[_Session] = set()
        self._lock = threading.Lock()
        self._closing = False
        self._thread = threading.Thread(target=self._accept, name=f"sshd-{self.port}", daemon=True)

    @property
    def known_hosts_line(self) -> str:
        """The line by which a client knows this host."""
        return f"[127.0.0.1]:{self.port} {self.host_key.get_name()} {self.host_key.get_base64()}\n"

    def start(self) -> None:
        """Begin to accept connections."""
        self._thread.start()

    def stop(self) -> None:
        """Accept nothing more, cut every connection and end every command that still runs."""
        with self._lock:
            self._closing = True
            sessions = list(self._sessions)
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for session in sessions:
            session.close()
        if self._thread.is_alive():
            self._thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                connection, _peer = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            session = _Session(self, connection)
            with self._lock:
                if self._closing:
                    connection.close()
                    return
                self._sessions = {known for known in self._sessions if known.is_alive() or known is session} | {session}
            session.begin()


class _Session(paramiko.Transport):
    """One connection. Commands start once their request was answered: a quick one must not close the channel before."""

    def __init__(self, host: SshHost, connection: socket.socket) -> None:
        super().__init__(connection)
        self._host = host
        self._waiting: list[threading.Thread] = []
        self._commands: set[subprocess.Popen[bytes]] = set()
        self.add_server_key(host.host_key)
        self.set_subsystem_handler("sftp", paramiko.SFTPServer, HostFiles, host.directory)

    def begin(self) -> None:
        """Shake hands in the session's own thread."""
        self.start_server(event=threading.Event(), server=_Login(self._host, self))

    def run(self) -> None:
        """The session's own thread: when the client is gone, its commands end."""
        try:
            super().run()
        finally:
            for process in list(self._commands):
                self.kill(process)

    def start_after_reply(self, work: Callable[..., None], *arguments: Any) -> None:
        """Run ``work`` in a thread of its own once the request that is being handled has its answer."""
        self._waiting.append(threading.Thread(target=work, args=arguments, daemon=True))

    def _send_user_message(self, data: paramiko.Message) -> None:
        super()._send_user_message(data)
        if threading.current_thread() is self:
            waiting, self._waiting = self._waiting, []
            for thread in waiting:
                thread.start()

    def run_command(self, channel: paramiko.Channel, command: bytes, environment: dict[str, str]) -> None:
        """Run one command with its three streams on the channel, send its exit status, close the channel."""
        process = subprocess.Popen(
            ["/bin/sh", "-c", command] if command else ["/bin/sh"],
            cwd=self._host.directory,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        self._commands.add(process)
        threading.Thread(target=self._feed, args=(channel, process), daemon=True).start()
        errors = threading.Thread(
            target=self._drain, args=(process, process.stderr, channel.sendall_stderr), daemon=True
        )
        errors.start()
        self._drain(process, process.stdout, channel.sendall)
        errors.join()
        status = process.wait()
        self._commands.discard(process)
        with contextlib.suppress(OSError):
            channel.send_exit_status(status if status >= 0 else 128 - status)
        channel.close()

    def _drain(self, process: subprocess.Popen[bytes], source: Any, send: Callable[[bytes], None]) -> None:
        with source:
            while True:
                data = source.read(_CHUNK)
                if not data:
                    return
                try:
                    send(data)
                except OSError:
                    self.kill(process)
                    return

    def _feed(self, channel: paramiko.Channel, process: subprocess.Popen[bytes]) -> None:
        stdin: Any = process.stdin
        with stdin:
            while True:
                data = channel.recv(_CHUNK)
                if not data:
                    break
                try:
                    while data:
                        data = data[stdin.write(data) :]
                except OSError:
                    break
        if not self.is_active() or channel.closed:
            self.kill(process)

    @staticmethod
    def kill(process: subprocess.Popen[bytes]) -> None:
        """End a command and whatever it started."""
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


class _Login(paramiko.ServerInterface):
    """Who may log in, and what a session may ask for: commands, SFTP, locale; no terminal, no forwarding."""

    def __init__(self, host: SshHost, session: _Session) -> None:
        self._host = host
        self._session = session
        self._locale: dict[str, str] = {}

    def get_allowed_auths(self, username: str) -> str:
        ways = {"publickey": self._host.authorized_key, "password": self._host.password}
        return ",".join(name for name, known in ways.items() if known)

    def check_auth_password(self, username: str, password: str) -> int:
        known = self._host.password
        if known and username == self._host.username and hmac.compare_digest(password.encode(), known.encode()):
            return paramiko.AUTH_SUCCESSFUL
        return paramiko.AUTH_FAILED

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        known = self._host.authorized_key
        if known and username == self._host.username and key.asbytes() == known.asbytes():
            return paramiko.AUTH_SUCCESSFUL
        return paramiko.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED if kind == "session" else paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

    def check_channel_env_request(self, channel: paramiko.Channel, name: bytes, value: bytes) -> bool:
        text = os.fsdecode(name)
        if not text.startswith(_ENVIRONMENT_ALLOWED):
            return False
        self._locale[text] = os.fsdecode(value)
        return True

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        self._session.start_after_reply(self._session.run_command, channel, command, self._environment())
        return True

    def check_channel_shell_request(self, channel: paramiko.Channel) -> bool:
        self._session.start_after_reply(self._session.run_command, channel, b"", self._environment())
        return True

    def _environment(self) -> dict[str, str]:
        home = str(self._host.directory)
        return {
            "HOME": home,
            "LOGNAME": self._host.username,
            "USER": self._host.username,
            "SHELL": "/bin/sh",
            "PATH": f"{home}/usr/sbin:{home}/usr/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            **self._locale,
        }
