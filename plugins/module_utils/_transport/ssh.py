# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts reached by SSH, on paramiko: login, strict host keys, jump host, commands as streams, SFTP for reading."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .._errors import (
    AuthenticationFailed,
    ConnectionFailed,
    ConnectionLost,
    DeadlineExceeded,
    HostKeyMismatch,
    HostKeyUnknown,
    LibraryMissing,
    OptionInvalid,
)
from .._libraries import require
from .base import Argument, Become, CommandsRefused, CommandStream, FileStatus, Input, Transport
from .host_keys import HostKey, KnownHost, known_host
from .opening_line import OpeningLine
from .private_keys import load_private_key
from .process import TICK, Limits, Process, ProcessStream
from .prompt_socket import PromptSocket
from .proof import SSH_HOST_KEY, Shown
from .quoting import command_line
from .sftp import Duplex, Sftp
from .shell_turns import FirstTurn, WaitingShell
from .ssh_new_keys import let_it_answer
from .sudo import BEGUN, launch

try:
    with warnings.catch_warnings():
        # Old paramiko names old ciphers, which newer cryptography complains about at every import.
        warnings.simplefilter("ignore")
        import paramiko
except ImportError:
    if not TYPE_CHECKING:
        paramiko = None

LOGGER = "ucops.recovery.ssh"
KEEPALIVE = 10
"""Seconds of quiet after which a sign of life is sent."""
DEAD_AFTER = 30
"""Seconds after which a peer that acknowledges nothing is given up by the kernel."""

SESSION_ENDS_WITHIN = 2
"""Seconds in which a host takes note that a session has ended."""

_LOOK_AT_IT = "Look at the host and the network, then run this again."

_LEGACY = {
    "kex": ("diffie-hellman-group-exchange-sha1", "diffie-hellman-group14-sha1", "diffie-hellman-group1-sha1"),
    "keys": ("ssh-rsa", "ssh-rsa-cert-v01@openssh.com", "ssh-dss"),
    "pubkeys": ("ssh-rsa", "ssh-rsa-cert-v01@openssh.com", "ssh-dss"),
    "ciphers": ("aes128-cbc", "aes192-cbc", "aes256-cbc", "blowfish-cbc", "3des-cbc"),
    "macs": ("hmac-sha1", "hmac-sha1-96", "hmac-md5", "hmac-md5-96"),
}
"""What only old devices need; refused unless asked for."""


@dataclass(frozen=True)
class SshOptions:
    """How to reach a host and who to be there. Timeouts in seconds; secrets never show in ``repr``.

    ``private_key`` is a path or the key's text. One of ``known_hosts_file`` and ``host_key`` must be set, for the
    jump host too. ``connect_timeout`` holds for each step: reaching, agreeing on keys, logging in, opening a channel.
    """

    host: str
    port: int = 22
    username: str = "root"
    password: str | None = field(default=None, repr=False)
    private_key: str | None = field(default=None, repr=False)
    private_key_passphrase: str | None = field(default=None, repr=False)
    use_agent: bool = False
    known_hosts_file: str | None = None
    host_key: str | None = None
    jump: SshOptions | None = None
    become_password: str | None = field(default=None, repr=False)
    become_method: str = "sudo"
    legacy_algorithms: bool = False
    connect_timeout: float = 15
    silence_timeout: float = 60
    total_timeout: float = 3600


class SshTransport(Transport):
    """One SSH connection, opened on first use.

    Its options are judged at once: raises OptionInvalid, LibraryMissing, and AuthenticationFailed for a private key
    that the passphrase does not open.
    """

    def __init__(self, options: SshOptions) -> None:
        require("paramiko")
        _quieten()
        self.host = options.host
        self._options = options
        self._connection: _Connection | None = None
        self._opening: OpeningLine | None = None
        self._has_shell = False
        self._expected: tuple[str, Become] | None = None
        self._waiting: WaitingShell | None = None
        self._lock = threading.Lock()
        one: SshOptions | None = options
        while one is not None:
            _judge(one)
            one = one.jump

    def connect(self) -> None:
        """Reach the host and log in, when that has not happened yet.

        :raises ConnectionFailed, DeadlineExceeded: the host cannot be reached, or does not speak SSH with us
        :raises HostKeyUnknown, HostKeyMismatch: it is not known to be the host that is meant
        :raises AuthenticationFailed: it refuses the credentials
        """
        self._open()

    def open(
        self,
        argv: Sequence[Argument],
        *,
        input: Input = None,
        become: Become = False,
        deadline: float | None = None,
        silence: float | None = None,
        limit: int | None = None,
    ) -> CommandStream:
        options = self._options
        limits = Limits(deadline or options.total_timeout, silence or options.silence_timeout, limit)
        begun = self._next_turn(argv, become)
        if begun is not None:
            return ProcessStream(begun, BEGUN, self.host, input, None, limits)
        expected, self._expected = self._expected, None
        follows = expected[0] if expected is not None and expected[1] == become and input is None else None
        started = launch(argv, become, follows)
        line = command_line(started.argv)
        channel = self._session()
        try:
            with _answered_within(options.connect_timeout, channel, self.host):
                channel.exec_command(line)
        except (paramiko.SSHException, OSError, EOFError):
            with contextlib.suppress(Exception):
                channel.close()
            if not self._open_still():
                raise ConnectionLost(
                    "The connection broke while a command was started", host=self.host, hint=_LOOK_AT_IT
                ) from None
            if self._has_shell:
                raise ConnectionFailed(
                    "The host starts no more commands",
                    host=self.host,
                    hint="Look at its load and its processes, and at MaxSessions of its sshd.",
                ) from None
            raise CommandsRefused(
                "The login works, but the host runs no commands for this account",
                host=self.host,
                hint="Give the account a POSIX shell, or use one that has it.",
            ) from None
        process: Process = _SshProcess(channel, self.host)
        if follows is not None:
            process = FirstTurn(process, started, self._stays)
        return ProcessStream(process, started, self.host, input, options.become_password, limits, self._begun)

    def expect(self, script: str, become: Become) -> None:
        self._expected = (script, become)

    def read_file(self, path: bytes) -> Iterator[bytes]:
        with self._sftp() as sftp:
            yield from sftp.read_file(path)

    def list_dir(self, path: bytes) -> list[FileStatus]:
        with self._sftp() as sftp:
            return sftp.list_dir(path)

    def file_status(self, path: bytes) -> FileStatus:
        with self._sftp() as sftp:
            return sftp.file_status(path)

    def read_link(self, path: bytes) -> bytes:
        with self._sftp() as sftp:
            return sftp.read_link(path)

    def host_key(self) -> HostKey | None:
        return self._open().shown

    def close(self) -> None:
        opening = self._opening
        if opening is not None:
            opening.cut()  # who opens it has the lock, and would keep us waiting
        with self._lock:
            connection, self._connection = self._connection, None
        self._expected = self._waiting = None
        if connection is not None:
            connection.close()

    def _open(self) -> _Connection:
        with self._lock:
            if self._connection is None:
                self._opening = OpeningLine()
                try:
                    self._connection = _connect(self._options, self._opening)
                finally:
                    self._opening = None
            return self._connection

    def _session(self) -> paramiko.Channel:
        """A new session. A host that opens one at a time (MaxSessions) has to see first that the last one has ended,
        and the shell that waits gives up its own."""
        connection = self._open()
        end = time.monotonic() + SESSION_ENDS_WITHIN
        while True:
            try:
                return connection.channel()
            except DeadlineExceeded:
                raise
            except ConnectionFailed:
                shell, self._waiting = self._waiting, None
                if shell is not None:
                    shell.close()
                if time.monotonic() >= end or not connection.alive():
                    raise
                time.sleep(0.05)

    def _begun(self) -> None:
        self._has_shell = True

    def _stays(self, shell: WaitingShell) -> None:
        self._waiting = shell

    def _next_turn(self, argv: Sequence[Argument], become: Become) -> Process | None:
        """The command, begun in a shell that waited for it."""
        if self._waiting is None or not self._waiting.fits(argv, become):
            return None
        shell, self._waiting = self._waiting, None
        return shell.begin(argv, self._options.connect_timeout)

    def _open_still(self) -> bool:
        return self._connection is not None and self._connection.alive()

    @contextlib.contextmanager
    def _sftp(self) -> Iterator[Sftp]:
        channel = self._session()
        try:
            try:
                with _answered_within(self._options.connect_timeout, channel, self.host):
                    channel.invoke_subsystem("sftp")
            except (paramiko.SSHException, OSError, EOFError):
                raise ConnectionFailed("The host offers no SFTP", host=self.host) from None
            channel.settimeout(self._options.silence_timeout)
            yield Sftp(_ChannelDuplex(channel, self.host, self._options.silence_timeout), self.host)
        finally:
            with contextlib.suppress(Exception):
                channel.close()


class _Connection:
    """A logged-in paramiko transport, and the jump host's behind it."""

    def __init__(
        self, transport: paramiko.Transport, options: SshOptions, behind: _Connection | None, shown: HostKey
    ) -> None:
        self.shown = shown
        self._transport = transport
        self._options = options
        self._behind = behind

    def alive(self) -> bool:
        return bool(self._transport.is_active())

    def channel(self, kind: str = "session", target: tuple[str, int] | None = None) -> paramiko.Channel:
        options = self._options
        if not self.alive():
            raise ConnectionLost("The connection is gone", host=options.host, hint=_LOOK_AT_IT)
        source = ("127.0.0.1", 0) if target else None
        try:
            return self._transport.open_channel(kind, target, source, timeout=options.connect_timeout)
        except paramiko.ChannelException as error:
            if target:
                raise ConnectionFailed(
                    f"The jump host {options.host} cannot reach it ({error.text})",
                    host=f"{target[0]} port {target[1]}",
                    hint="Check the address, and AllowTcpForwarding on the jump host.",
                ) from None
            raise ConnectionFailed(f"The host opens no session ({error.text})", host=options.host) from None
        except (paramiko.SSHException, OSError, EOFError):
            if self.alive():
                raise DeadlineExceeded(
                    f"The host did not open a channel within {options.connect_timeout:g} s",
                    host=options.host,
                    hint=_LOOK_AT_IT,
                ) from None
            raise ConnectionLost("The connection broke", host=options.host, hint=_LOOK_AT_IT) from None

    def close(self) -> None:
        with contextlib.suppress(Exception):
            # paramiko's thread waits in a read, and would see up to 0.1 s later that all is over
            self._transport.sock.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(Exception):
            self._transport.close()
        self._transport.join(5)
        if self._behind is not None:
            self._behind.close()


def _connect(options: SshOptions, opening: OpeningLine) -> _Connection:
    key: paramiko.PKey | None = None
    if options.private_key:
        key = load_private_key(options.private_key, options.private_key_passphrase, options.host)
    behind = _connect(options.jump, opening) if options.jump is not None else None
    transport: paramiko.Transport | None = None
    try:
        known = known_host(options.host, options.port, options.known_hosts_file, options.host_key)
        transport = _transport(options, behind, known, opening)
        shown = _agree(transport, options)
        known.check(shown, options.host, options.port)
        _log_in(transport, options, key)
        transport.set_keepalive(KEEPALIVE)
        return _Connection(transport, options, behind, shown)
    except BaseException:
        _give_up(transport)
        if behind is not None:
            behind.close()
        raise


def shown_host_keys(options: SshOptions) -> list[Shown]:
    """The keys that a jump host and the host behind it show, and whether they are the ones that are known. Nothing
    secret is sent to a host whose key is not known, so behind an unknown jump host nothing is looked at.

    Raises like :meth:`SshTransport.connect`, but not for an unknown key.
    """
    require("paramiko")
    _quieten()
    behind: _Connection | None = None
    seen: list[Shown] = []
    transport: paramiko.Transport | None = None
    if options.jump is not None:
        seen += shown_host_keys(options.jump)
        if any(one.doubt for one in seen):
            return seen
        behind = _connect(options.jump, OpeningLine())
    try:
        known = known_host(options.host, options.port, options.known_hosts_file, options.host_key)
        transport = _transport(options, behind, known, OpeningLine())
        key = _agree(transport, options)
        doubt = ""
        try:
            known.check(key, options.host, options.port)
        except (HostKeyUnknown, HostKeyMismatch) as error:
            doubt = error.message
        seen.append(Shown(SSH_HOST_KEY, options.host, options.port, key.fingerprint, doubt, key.line))
    finally:
        _give_up(transport)
        if behind is not None:
            behind.close()
    return seen


def _transport(
    options: SshOptions, behind: _Connection | None, known: KnownHost, opening: OpeningLine
) -> paramiko.Transport:
    line: Any = behind.channel("direct-tcpip", (options.host, options.port)) if behind else _reach(options, opening)
    transport = paramiko.Transport(line, disabled_algorithms=_disabled(options))
    let_it_answer(transport)
    transport.set_log_channel(LOGGER)
    transport.auth_timeout = options.connect_timeout
    # Ours comes first and is told in our words.
    transport.banner_timeout = transport.handshake_timeout = options.connect_timeout + 5
    _prefer(transport, known.kinds())
    return transport


def _give_up(transport: paramiko.Transport | None) -> None:
    if transport is not None:
        with contextlib.suppress(Exception):
            transport.packetizer.complete_handshake()  # else a timer of paramiko's lives on
            transport.close()
        if transport.ident is not None:
            transport.join(5)


def _reach(options: SshOptions, opening: OpeningLine) -> socket.socket:
    try:
        line = PromptSocket(opening.reach(options.host, options.port, options.connect_timeout))
        opening.hold(line)
    except socket.gaierror:
        raise ConnectionFailed(
            "The host's name cannot be resolved", host=options.host, hint="Check the host option and the name service."
        ) from None
    except socket.timeout:
        raise DeadlineExceeded(
            f"Port {options.port} did not answer within {options.connect_timeout:g} s",
            host=options.host,
            hint="Is the host up, and does a firewall let us in?",
        ) from None
    except OSError as error:
        raise ConnectionFailed(
            f"Port {options.port} cannot be reached: {error.strerror}",
            host=options.host,
            hint="Is the host up, and does sshd listen there?",
        ) from None
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", KEEPALIVE),
        ("TCP_KEEPINTVL", 5),
        ("TCP_KEEPCNT", 4),
        ("TCP_USER_TIMEOUT", DEAD_AFTER * 1000),
    ):
        if hasattr(socket, name):
            line.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return line


def _disabled(options: SshOptions) -> dict[str, list[str]]:
    return {} if options.legacy_algorithms else {kind: list(names) for kind, names in _LEGACY.items()}


def _prefer(transport: paramiko.Transport, kinds: Sequence[str]) -> None:
    """Ask first for the kinds of host key that can be checked, and for ciphers that need no MAC beside them: paramiko
    compares one byte by byte for every packet."""
    wanted: list[str] = []
    for kind in kinds:
        wanted += ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"] if kind == "ssh-rsa" else [kind]
    security = transport.get_security_options()
    possible = list(security.key_types)
    security.key_types = [kind for kind in wanted if kind in possible] + [
        kind for kind in possible if kind not in wanted
    ]
    security.ciphers = sorted(security.ciphers, key=lambda name: "gcm" not in name)


def _agree(transport: paramiko.Transport, options: SshOptions) -> HostKey:
    """Exchange keys; the key that the host showed, and proved to hold."""
    try:
        transport.start_client(timeout=options.connect_timeout)
        key = transport.get_remote_server_key()
    except paramiko.ssh_exception.IncompatiblePeer as error:
        hint = "Set legacy_algorithms for this one host if it is an old device that cannot be renewed."
        raise ConnectionFailed(
            f"No common ground for a safe connection: {error}",
            host=options.host,
            hint=None if options.legacy_algorithms else hint,
        ) from None
    except (paramiko.SSHException, OSError, EOFError) as error:
        if transport.is_active() or "timeout" in str(error).lower() or isinstance(error, socket.timeout):
            raise DeadlineExceeded(
                f"The host did not agree on keys within {options.connect_timeout:g} s",
                host=options.host,
                hint=_LOOK_AT_IT,
            ) from None
        raise ConnectionFailed(
            f"Port {options.port} does not speak SSH with us ({str(error) or 'the connection was closed'})",
            host=options.host,
            hint="Is this the port of an SSH server, and does it admit new connections?",
        ) from None
    return HostKey(key.get_name(), key.asbytes())


def _log_in(transport: paramiko.Transport, options: SshOptions, key: paramiko.PKey | None) -> None:
    """Try what there is, in the order key, agent, password; a host that wants several gets several."""
    tried: list[str] = []
    offered: list[str] = []
    try:
        for name, attempt in _attempts(transport, options, key):
            tried.append(name)
            try:
                attempt()
            except paramiko.BadAuthenticationType as error:
                offered = list(error.allowed_types)
            except paramiko.AuthenticationException as error:
                if "timeout" in str(error).lower():
                    raise DeadlineExceeded(
                        f"The host did not decide about the login within {options.connect_timeout:g} s",
                        host=options.host,
                        hint=_LOOK_AT_IT,
                    ) from None
                if not transport.is_active():
                    break
            if transport.is_authenticated():
                return
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise ConnectionLost(
            f"The connection broke during the login ({error})", host=options.host, hint=_LOOK_AT_IT
        ) from None
    methods = ", ".join(tried) if tried else "nothing"
    raise AuthenticationFailed(
        f"The host refuses the login of {options.username} (tried: {methods}"
        + (f"; it offers: {', '.join(offered)})" if offered else ")"),
        host=options.host,
        hint="Check the user name and the credentials, and whether the account is locked.",
    )


def _attempts(
    transport: paramiko.Transport, options: SshOptions, key: paramiko.PKey | None
) -> Iterator[tuple[str, Any]]:
    user = options.username
    if key is not None:
        _fit_rsa(transport, key, options)
        yield "private key", lambda: transport.auth_publickey(user, key)
    if options.use_agent:
        agent = paramiko.Agent()
        try:
            for agent_key in agent.get_keys():
                yield "agent", lambda key=agent_key: transport.auth_publickey(user, key)
        finally:
            agent.close()
    if options.password is not None:
        yield "password", lambda: transport.auth_password(user, options.password or "")


def _fit_rsa(transport: paramiko.Transport, key: paramiko.PKey, options: SshOptions) -> None:
    """A server that never says which signatures it takes is from before SHA-2: it gets the one that it knows."""
    if options.legacy_algorithms and key.get_name() == "ssh-rsa" and not getattr(transport, "server_extensions", None):
        transport.disabled_algorithms = {**_disabled(options), "pubkeys": ["rsa-sha2-512", "rsa-sha2-256"]}


def _judge(options: SshOptions) -> None:
    if options.become_method != "sudo":
        raise OptionInvalid(f"There is no become_method {options.become_method!r}, only sudo", host=options.host)
    if options.become_password and "\n" in options.become_password:
        raise OptionInvalid("become_password has a line break", host=options.host)
    if options.password is None and not options.private_key and not options.use_agent:
        raise OptionInvalid(
            "There is nothing to log in with",
            host=options.host,
            hint="Set a password, a private key, or use the agent.",
        )
    if options.legacy_algorithms and not set(_LEGACY["kex"]) & set(getattr(paramiko.Transport, "_kex_info", ())):
        raise LibraryMissing(
            f"legacy_algorithms is set, but paramiko {paramiko.__version__} has no SHA-1 algorithms any more",
            host=options.host,
            hint="Install 'paramiko>=3.4,<5' for the interpreter that runs this module.",
        )
    known_host(options.host, options.port, options.known_hosts_file, options.host_key)


def _quieten() -> None:
    """Nothing of paramiko's talk reaches standard error: it would spoil a module's result."""
    logger = logging.getLogger(LOGGER)
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    logger.propagate = False
    logger.setLevel(logging.CRITICAL + 1)
    warnings.filterwarnings("ignore", module=r"paramiko(\.|$)")


@contextlib.contextmanager
def _answered_within(seconds: float, channel: paramiko.Channel, host: str) -> Iterator[None]:
    """paramiko itself waits without an end for the answer to a request. Raises DeadlineExceeded."""
    late = threading.Event()

    def give_up() -> None:
        late.set()
        with contextlib.suppress(Exception):
            channel.close()

    timer = threading.Timer(seconds, give_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (paramiko.SSHException, OSError, EOFError):
        if not late.is_set():
            raise
        raise DeadlineExceeded(
            f"The host did not begin what it was asked for within {seconds:g} s", host=host, hint=_LOOK_AT_IT
        ) from None
    finally:
        timer.cancel()
        timer.join()


class _SshProcess(Process):
    def __init__(self, channel: paramiko.Channel, host: str) -> None:
        self._channel = channel
        self._host = host
        self._aborted = False

    def read(self, size: int, timeout: float) -> bytes | None:
        self._channel.settimeout(timeout)
        return self._received(self._channel.recv, size)

    def read_errors(self, size: int, timeout: float) -> bytes | None:
        return self._received(self._channel.recv_stderr, size)

    def _received(self, receive: Callable[[int], bytes], size: int) -> bytes | None:
        try:
            data = receive(size)
        except socket.timeout:
            return None
        except (paramiko.SSHException, OSError, EOFError):
            raise self._lost() from None
        if not data and not self._aborted and not self._channel.eof_received:
            # A host may close without a word of the end, but a line that broke looks the same. paramiko closes the
            # channels right before it says that.
            self._channel.get_transport().join(TICK)
            if not self._channel.get_transport().is_active():
                raise self._lost()
        return data

    def write(self, data: bytes, timeout: float) -> int:
        try:
            taken = self._channel.send(data)
        except socket.timeout:
            return 0
        except (paramiko.SSHException, EOFError):
            raise BrokenPipeError from None
        if not taken:
            raise BrokenPipeError
        return taken

    def end_input(self) -> None:
        with contextlib.suppress(Exception):
            self._channel.shutdown_write()

    def exit_status(self, timeout: float) -> int | None:
        channel = self._channel
        if not channel.status_event.wait(timeout):
            return None
        if channel.exit_status >= 0:
            return int(channel.exit_status)
        # No status: killed by a signal, or the connection died. paramiko closes the channels right before it says the
        # latter.
        channel.get_transport().join(TICK)
        if channel.get_transport().is_active():
            return -1
        raise self._lost()

    def _lost(self) -> ConnectionLost:
        return ConnectionLost(
            "The connection broke while a command ran",
            host=self._host,
            hint=_LOOK_AT_IT,
        )

    def abort(self) -> None:
        self._aborted = True
        with contextlib.suppress(Exception):
            self._channel.close()

    release = abort


class _ChannelDuplex(Duplex):
    def __init__(self, channel: paramiko.Channel, host: str, silence: float) -> None:
        self._channel = channel
        self._host = host
        self._silence = silence

    def send(self, data: bytes) -> None:
        with self._errors_named():
            self._channel.sendall(data)

    def receive(self, size: int) -> bytes:
        with self._errors_named():
            data = self._channel.recv(size)
        if not data:
            raise ConnectionLost("The SFTP session ended early", host=self._host, hint=_LOOK_AT_IT)
        return data

    @contextlib.contextmanager
    def _errors_named(self) -> Iterator[None]:
        try:
            yield
        except socket.timeout:
            raise DeadlineExceeded(
                f"SFTP was silent for {self._silence:g} s", host=self._host, hint=_LOOK_AT_IT
            ) from None
        except (paramiko.SSHException, OSError, EOFError):
            raise ConnectionLost("The connection broke during SFTP", host=self._host, hint=_LOOK_AT_IT) from None
