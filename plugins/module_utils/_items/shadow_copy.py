# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shadow copies: the volumes of a Windows host as they stood at one moment, made for one reading and removed after it.

A copy is made through WinRM, with one fixed text for PowerShell and, where there is none or it is not let do this, with
vssadmin (which only servers know). Nothing but a drive letter or an identifier of the host's own is ever put into it.
Reading goes through SMB, by the token under which the host offers the copy.

Sources: Win32_ShadowCopy, method Create (learn.microsoft.com, VSS provider); vssadmin create and delete shadow.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from .._entries import ItemReport
from .._errors import CommandFailed, ConnectionFailed, OptionInvalid, RecoveryError
from .._transport.base import CommandResult
from .._transport.windows import WindowsTransport
from .._transport.windows_files import WindowsFiles

SHADOW_COPY_MODES = ("never", "auto", "required")
DEADLINE = 300.0
"""Seconds that making or removing one copy may take; writers get 60 to freeze, and wait for each other."""
APPEARS_WITHIN = 20.0
"""Seconds after which the copy must be offered over SMB."""

POWERSHELL = ("powershell.exe", "-NoLogo", "-NoProfile", "-NonInteractive", "-Command")
CREATE = (
    "$ErrorActionPreference = 'Stop';"
    " $made = Invoke-CimMethod -ClassName Win32_ShadowCopy -MethodName Create"
    " -Arguments @{{ Volume = '{drive}:\\'; Context = 'ClientAccessible' }};"
    " if ($made.ReturnValue -ne 0) {{ Write-Output ('refused ' + $made.ReturnValue); exit 3 }};"
    " Write-Output ('made ' + $made.ShadowID)"
)
REMOVE = (
    "$ErrorActionPreference = 'Stop';"
    " Get-CimInstance -ClassName Win32_ShadowCopy | Where-Object {{ $_.ID -eq '{identifier}' }} | Remove-CimInstance;"
    " Write-Output 'removed'"
)

_IDENTIFIER = re.compile(r"\{[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}")
_MADE = re.compile(r"^made (\{[^}]*\})\s*$", re.MULTILINE)
_REFUSED = re.compile(r"^refused (\d+)\s*$", re.MULTILINE)
_REASONS = {
    1: "access is denied",
    3: "there is no such volume",
    4: "the volume cannot have shadow copies",
    5: "the host makes no shadow copies that clients may read",
    6: "there is not enough space for one",
    7: "the volume is in use",
    8: "there are as many as there may be",
    9: "another one is just being made",
    10: "the shadow copy provider refuses",
    11: "the shadow copy provider is not registered",
    12: "the shadow copy provider failed",
}
"""The return values of Win32_ShadowCopy.Create."""


@dataclass(frozen=True)
class ShadowCopy:
    """One that was made: its identifier on the host, and the token under which SMB reads it."""

    identifier: str
    token: str


@contextlib.contextmanager
def frozen(
    host: WindowsTransport, drives: Sequence[str], mode: str, report: ItemReport
) -> Iterator[Callable[[str], WindowsFiles]]:
    """The files of some drives, by drive letter, as they stand now: from shadow copies, or live.

    ``auto``: where the host makes none, they are read live, and the report notes why.

    :raises CommandFailed: the mode is ``required``, and the host makes none
    """
    cleanup = contextlib.ExitStack()
    try:
        yield _views(host, drives, mode, report, cleanup)
    finally:
        cleanup.close()


def _views(
    host: WindowsTransport, drives: Sequence[str], mode: str, report: ItemReport, cleanup: contextlib.ExitStack
) -> Callable[[str], WindowsFiles]:
    views: dict[str, WindowsFiles] = {}
    for drive in drives if mode != "never" else ():
        try:
            copy = make_shadow_copy(host, drive)
        except (CommandFailed, OptionInvalid) as error:
            if mode == "required":
                raise
            report.notes["shadow_copy"] = f"none of {drive}: {error.message}"
            continue
        cleanup.callback(_remove_quietly, host, copy, report)
        views[drive] = cleanup.enter_context(host.files.at(copy.token))
    return lambda drive: views.get(drive, host.files)


def make_shadow_copy(host: WindowsTransport, drive: str) -> ShadowCopy:
    """Make a shadow copy of a volume.

    :raises CommandFailed: the host makes none, or it cannot be read over SMB
    """
    if not re.fullmatch(r"[A-Za-z]", drive):
        raise OptionInvalid(f"{drive!r} is no drive letter", host=host.host)
    root = f"{drive.upper()}:\\"
    before = _tokens(host, root)
    identifier = _create(host, drive.upper())
    try:
        return ShadowCopy(identifier, _token(host, root, before))
    except BaseException:
        with contextlib.suppress(RecoveryError):
            remove_shadow_copy(host, identifier)
        raise


def remove_shadow_copy(host: WindowsTransport, identifier: str) -> None:
    """Remove a shadow copy. Raises CommandFailed when it stays."""
    if not _IDENTIFIER.fullmatch(identifier):
        raise CommandFailed("The host calls a shadow copy by a name that is none", host=host.host)
    done = _run(host, [*POWERSHELL, REMOVE.format(identifier=identifier)])
    if done is not None and done.rc == 0 and "removed" in done.text.split():
        return
    done = _run(host, ["vssadmin.exe", "delete", "shadows", f"/shadow={identifier}", "/quiet"])
    if done is None or done.rc != 0:
        raise CommandFailed(
            f"The shadow copy {identifier} cannot be removed",
            host=host.host,
            hint=f"Remove it there: vssadmin delete shadows /shadow={identifier}",
        )


def _create(host: WindowsTransport, drive: str) -> str:
    done = _run(host, [*POWERSHELL, CREATE.format(drive=drive)])
    if done is not None:
        made = _MADE.search(done.text)
        if done.rc == 0 and made is not None and _IDENTIFIER.fullmatch(made[1]):
            return made[1]
        refused = _REFUSED.search(done.text)
        if refused is not None:
            reason = _REASONS.get(int(refused[1]), f"code {refused[1]}")
            raise CommandFailed(f"The host makes no shadow copy of {drive}: ({reason})", host=host.host)
    # No PowerShell, or one that may not reach CIM. Exit status and a language of its own are all that vssadmin has, but
    # the only identifier in braces that it writes is the copy's.
    done = _run(host, ["vssadmin.exe", "create", "shadow", f"/for={drive}:"])
    found = _IDENTIFIER.findall(done.text) if done is not None and done.rc == 0 else []
    if len(set(found)) != 1:
        raise CommandFailed(
            f"The host makes no shadow copy of {drive}:, neither by PowerShell nor by vssadmin",
            host=host.host,
            hint="Set shadow_copy to never and stop the product for the backup, or look at the host's event log (VSS).",
        )
    return str(found[0])


def _run(host: WindowsTransport, argv: Sequence[str]) -> CommandResult | None:
    """What a program says; None when it cannot be started. A lost connection is raised."""
    try:
        return host.run(argv, deadline=DEADLINE, silence=DEADLINE)
    except CommandFailed:
        return None


def _token(host: WindowsTransport, root: str, before: set[str]) -> str:
    """The token that was not there before. Tokens count seconds, so the newest is ours."""
    until = time.monotonic() + APPEARS_WITHIN
    while True:
        fresh = sorted(_tokens(host, root) - before)
        if fresh:
            return fresh[-1]
        if time.monotonic() >= until:
            raise CommandFailed(
                f"The shadow copy of {root} was made, but is not offered over SMB",
                host=host.host,
                hint="Set shadow_copy to never and stop the product for the backup.",
            )
        time.sleep(0.5)


def _tokens(host: WindowsTransport, root: str) -> set[str]:
    try:
        return set(host.files.snapshots(root))
    except OSError as error:
        story = f"The shadow copies of {root} cannot be listed ({error.strerror})"
        raise CommandFailed(story, host=host.host) from None


def _remove_quietly(host: WindowsTransport, copy: ShadowCopy, report: ItemReport) -> None:
    """Remove a copy after it was read. That it stays is told, and spoils nothing that was read."""
    try:
        remove_shadow_copy(host, copy.identifier)
    except (CommandFailed, ConnectionFailed) as error:
        report.notes["shadow_copy_left"] = f"{copy.identifier}: {error.message}"
