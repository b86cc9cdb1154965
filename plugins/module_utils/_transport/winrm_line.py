# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One connection to WinRM, logged in, used by one thread at a time, with a deadline for every call."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from .._errors import ConnectionFailed
from .base import Closing
from .winrm_errors import DeadlineOfHost, late, named
from .winrm_options import ANSWER_WITHIN, LONGEST_WAIT, WinRmOptions
from .winrm_wire import Wire

try:
    import requests
    import winrm.exceptions
    import winrm.protocol
except ImportError:
    if not TYPE_CHECKING:
        requests = winrm = None

Result = TypeVar("Result")


class Outputs(NamedTuple):
    """What a command has printed, and its exit code when it is ``done``."""

    stdout: bytes
    stderr: bytes
    code: int
    done: bool


UTF8 = 65001
"""A code page."""

_kerberos_environment = threading.Lock()


class Line(Closing):
    """Opened and logged in by :meth:`open`."""

    def __init__(self, options: WinRmOptions) -> None:
        self._options = options
        authentication: Any = options.authentication
        self._protocol: Any = winrm.protocol.Protocol(
            options.endpoint,
            transport=authentication,
            username=options.username,
            password=options.password,
            ca_trust_path=options.trusted,
            cert_pem=options.client_certificate_file,
            cert_key_pem=options.client_key_file,
            server_cert_validation="validate",
            message_encryption="never",  # until the session is ours: see _log_in
            operation_timeout_sec=LONGEST_WAIT,
            read_timeout_sec=ANSWER_WITHIN,
            proxy=None,
        )
        self._wire = Wire(options.host, options.connect_timeout, ANSWER_WITHIN)

    @property
    def logged_in(self) -> bool:
        """Whether it is."""
        return self._wire.settled

    @property
    def is_quiet(self) -> bool:
        """Whether the connection stands, as far as one can tell without asking."""
        return self._wire.is_quiet

    def open(self) -> Line:
        """Reach the host and log in.

        :raises ConnectionFailed, DeadlineExceeded: it cannot be reached, or does not speak WinRM with us
        :raises CertificateRejected: its certificate is not to be trusted
        :raises AuthenticationFailed: it refuses the credentials
        """
        try:
            self._within(self._options.connect_timeout, self._log_in)
        except BaseException:
            self.close()
            raise
        self._wire.settled = self._options.authentication != "certificate"
        return self

    # Every call raises DeadlineExceeded when it took longer than it may, and cuts the connection; ShellGone when the
    # host knows the shell no more; ConnectionLost, ConnectionFailed, CommandsRefused as network or host tell.
    def open_shell(self, patience: float, variables: Mapping[str, str]) -> str:
        """A new shell's id. All that its commands print is UTF-8."""
        return self._call(
            patience, lambda protocol: str(protocol.open_shell(codepage=UTF8, noprofile=True, env_vars=dict(variables)))
        )

    def close_shell(self, patience: float, shell: str) -> None:
        """End a shell and all that runs in it."""
        self._call(patience, lambda protocol: protocol.close_shell(shell, close_session=False))

    def start(self, patience: float, shell: str, line: str) -> str:
        """Start a command that reads its input from a pipe; its id."""
        return self._call(patience, lambda protocol: str(protocol.run_command(shell, line, console_mode_stdin=False)))

    def receive(self, shell: str, command: str) -> Outputs | None:
        """What a command has printed since; None when there is nothing yet."""
        try:
            outputs = self._call(ANSWER_WITHIN, lambda protocol: protocol.get_command_output_raw(shell, command))
        except DeadlineOfHost:
            return None
        return Outputs(*outputs)

    def send(self, patience: float, shell: str, command: str, data: bytes, last: bool) -> None:
        """Give a command a piece of input, or its end."""
        self._call(patience, lambda protocol: protocol.send_command_input(shell, command, data, end=last))

    def terminate(self, patience: float, shell: str, command: str) -> None:
        """End a command, or forget one that has ended."""
        self._call(patience, lambda protocol: protocol.cleanup_command(shell, command))

    def _call(self, patience: float, work: Callable[[Any], Result]) -> Result:
        result = self._within(patience, lambda: work(self._protocol))
        self._wire.settled = True
        return result

    def cut(self) -> None:
        """End it under whoever waits. From any thread, more than once, never raises."""
        self._wire.cut()

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self._protocol.transport.close_session()
        self._wire.close()

    def _within(self, patience: float, work: Callable[[], Result]) -> Result:
        overdue = threading.Event()

        def give_up() -> None:
            overdue.set()
            self._wire.cut()

        timer = threading.Timer(patience, give_up)
        timer.daemon = True
        timer.start()
        try:
            return work()
        except Exception as error:
            if overdue.is_set():
                raise late(patience, self._options.host, self.logged_in) from None
            raise named(error, self._options, self.logged_in) from None
        finally:
            timer.cancel()

    def _log_in(self) -> None:
        transport = self._protocol.transport
        session: Any = transport.build_session()
        session.trust_env = False  # no netrc, no proxy, no other authorities
        session.max_redirects = 0
        session.mount("http://", self._wire)
        session.mount("https://", self._wire)
        if self._options.authentication == "certificate":
            return  # every message carries it
        with _ticket_cache(self._options):
            if self._options.scheme == "https":
                answer = session.send(session.prepare_request(requests.Request("POST", self._options.endpoint)))
                if answer.status_code == 401:
                    raise winrm.exceptions.InvalidCredentialsError
                answer.raise_for_status()
            else:
                _demand_encryption(session, self._options)
                transport.setup_encryption(session)


def _demand_encryption(session: Any, options: WinRmOptions) -> None:
    """pywinrm goes on in the clear when a library is too old for encryption."""
    able = (
        hasattr(session.auth, "session_security")
        if options.authentication == "ntlm"
        else getattr(session.auth, "winrm_encryption_available", False)
    )
    if not able:
        raise ConnectionFailed(
            f"The library for {options.authentication} cannot encrypt messages, and http is nothing without",
            host=options.host,
            hint="Set winrm_scheme to https, or install a newer library.",
        )


@contextlib.contextmanager
def _ticket_cache(options: WinRmOptions) -> Iterator[None]:
    """The Kerberos libraries find their tickets by an environment variable only."""
    if options.authentication != "kerberos" or not options.kerberos_cache_file:
        yield
        return
    with _kerberos_environment:
        before = os.environ.get("KRB5CCNAME")
        os.environ["KRB5CCNAME"] = options.kerberos_cache_file
        try:
            yield
        finally:
            if before is None:
                del os.environ["KRB5CCNAME"]
            else:
                os.environ["KRB5CCNAME"] = before
