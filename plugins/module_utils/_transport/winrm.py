# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands on a Windows host by WinRM, on pywinrm, with deadlines of our own around its endless loops.

Nothing secret and no data belong on a command line: it stands in the host's event log. Input is for that.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .._errors import OptionInvalid, RecoveryError
from .._libraries import require
from .base import Argument, Become, CommandStream, Input
from .process import Limits, ProcessStream
from .sudo import Launch
from .windows import WindowsCommands
from .windows_quoting import command_line
from .winrm_errors import ShellGone
from .winrm_line import Line
from .winrm_lines import Lines
from .winrm_options import WinRmOptions, judge, judge_kerberos
from .winrm_process import CLEAN_UP, WinRmProcess

try:
    import winrm.transport
except ImportError:
    if not TYPE_CHECKING:
        winrm = None

__all__ = ["WinRm", "WinRmOptions"]

_VARIABLES = {"NoDefaultCurrentDirectoryInExePath": "1"}
"""cmd.exe looks for programs in its search path only, not in the folder that it happens to be in."""


class WinRm(WindowsCommands):
    """One remote shell, opened on first use, and again when the host has ended it. Commands in it may run side by side:
    each has connections of its own, as a login counts for one connection.

    Its options are judged at once: raises OptionInvalid, LibraryMissing.
    """

    def __init__(self, options: WinRmOptions) -> None:
        require("pywinrm")
        judge(options)
        if options.authentication == "kerberos":
            judge_kerberos(winrm.transport.HAVE_KERBEROS, options.host)
        self.host = options.host
        self._options = options
        self._lines = Lines(options)
        self._shell: str | None = None
        self._lock = threading.Lock()

    def connect(self) -> None:
        """Reach the host, log in and open the shell, when that has not happened yet. Raises like :meth:`open`."""
        if self._shell is None:
            line = self._lines.take()
            try:
                self._shell_by(line)
            except BaseException:
                line.close()
                raise
            self._lines.give_back(line)

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
        """See :meth:`Transport.open`. A program that is not there is a command that fails. Also raises
        CertificateRejected, and OptionInvalid for words that cmd.exe would change."""
        if become is not False:
            raise OptionInvalid("There is no becoming another user on a Windows host", host=self.host)
        text = command_line(argv)
        limits = Limits(deadline or self._options.total_timeout, silence or self._options.silence_timeout, limit)
        process = self._start(text, input is None or input == b"", min(limits.total, limits.silence))
        return ProcessStream(process, Launch(tuple(argv), b"", None, None), self.host, input, None, limits)

    def close(self) -> None:
        shell, self._shell = self._shell, None
        if shell is not None:
            with contextlib.suppress(Exception), self._lines.take() as line:
                line.close_shell(CLEAN_UP, shell)
        self._lines.close()

    def _start(self, text: str, without_input: bool, patience: float) -> WinRmProcess:
        line = self._lines.take()
        try:
            shell = self._shell_by(line)
            try:
                command = line.start(patience, shell, text)
            except ShellGone:
                self._forget(shell)
                shell = self._shell_by(line)
                command = line.start(patience, shell, text)
            if without_input:
                with contextlib.suppress(RecoveryError):
                    line.send(patience, shell, command, b"", True)
        except BaseException:
            line.close()
            raise
        return WinRmProcess(
            line,
            shell,
            command,
            lines=self._lines,
            input_ended=without_input,
            answer=self._options.silence_timeout,
        )

    def _shell_by(self, line: Line) -> str:
        with self._lock:
            if self._shell is None:
                self._shell = line.open_shell(self._options.silence_timeout, _VARIABLES)
            return self._shell

    def _forget(self, shell: str) -> None:
        with self._lock:
            if self._shell == shell:
                self._shell = None
