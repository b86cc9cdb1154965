# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host's side of a Kerberos login, on python-gssapi; with the encryption of WinRM's messages (MS-WSMV 2.2.9.1)."""

from __future__ import annotations

import pathlib
import sys
from dataclasses import dataclass
from typing import Any

DEBIAN = "/usr/lib/python3/dist-packages"
"""Where Debian's packages python3-gssapi and python3-kerberos lie: PyPI has both as sources only, built for minutes."""


def use_debians_libraries() -> str:
    """Make them importable, after everything of ours. Why that is impossible; empty when it is not."""
    if DEBIAN not in sys.path:
        sys.path.append(DEBIAN)
    for name in ("gssapi", "kerberos"):
        try:
            __import__(name)
        except ImportError as error:
            return f"no library for Kerberos (python3-gssapi and python3-kerberos of Debian): {error}"
    return ""


@dataclass(frozen=True)
class Sealed:
    """A sealed message, in the parts that WinRM sends."""

    header: bytes
    data: bytes
    padding_length: int = 0


class KerberosLogin:
    """Accepts a ticket for any service in a keytab."""

    def __init__(self, keytab: pathlib.Path) -> None:
        import gssapi

        self._gssapi: Any = gssapi
        credentials = gssapi.Credentials(usage="accept", store={"keytab": str(keytab)})
        self._context: Any = gssapi.SecurityContext(usage="accept", creds=credentials)

    @property
    def complete(self) -> bool:
        """Whether somebody is logged in."""
        return bool(self._context.complete)

    def step(self, token: bytes) -> bytes | None:
        """The next step. Raises PermissionError."""
        try:
            answer: bytes | None = self._context.step(token)
        except self._gssapi.exceptions.GSSError as error:
            raise PermissionError(str(error)) from None
        return answer

    def wrap_winrm(self, data: bytes) -> Sealed:
        """Seal a message."""
        raw = self._gssapi.raw
        parts = raw.IOV(raw.IOVBufferType.header, data, raw.IOVBufferType.padding, std_layout=False)
        raw.wrap_iov(self._context, parts, confidential=True, qop=None)
        padding = parts[2].value or b""
        return Sealed(parts[0].value, parts[1].value + padding, len(padding))

    def unwrap_winrm(self, header: bytes, data: bytes) -> bytes:
        """Open a message."""
        raw = self._gssapi.raw
        parts = raw.IOV((raw.IOVBufferType.header, False, header), data, raw.IOVBufferType.data, std_layout=False)
        raw.unwrap_iov(self._context, parts)
        return bytes(parts[1].value)
