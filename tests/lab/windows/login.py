# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host's side of a login to WinRM, by NTLM or Kerberos, and of the encryption of messages that comes with it."""

from __future__ import annotations

import base64
import contextlib
import os
import pathlib
import struct
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import spnego
from spnego.exceptions import SpnegoError

from lab.windows.kerberos_login import KerberosLogin

USER_FILE = "NTLM_USER_FILE"
BOUNDARY = b"--Encrypted Boundary"
_environment = threading.Lock()


class NotEncrypted(Exception):
    """A message that came in the clear."""


@dataclass
class Accounts:
    """Who may log in. ``keytab``: the host's Kerberos keys; None: NTLM only."""

    users: dict[str, str] = field(repr=False)
    domains: Sequence[str]
    folder: pathlib.Path
    keytab: pathlib.Path | None = None

    @contextlib.contextmanager
    def at_hand(self) -> Iterator[None]:
        """The library finds users by an environment variable only."""
        file = self.folder / "accounts"
        with _environment:
            if not file.exists():
                file.touch(mode=0o600)
                lines = [
                    f"{domain}:{name}:{word}" for name, word in self.users.items() for domain in ("", *self.domains)
                ]
                file.write_text("\n".join(lines) + "\n", encoding="utf-8")
            os.environ[USER_FILE] = str(file)
            try:
                yield
            finally:
                del os.environ[USER_FILE]


class Login:
    """One connection's login. Its messages are sealed with it afterwards."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._context: spnego.ContextProxy | KerberosLogin | None = None

    @property
    def complete(self) -> bool:
        """Whether somebody is logged in."""
        return self._context is not None and self._context.complete

    def step(self, header: str) -> str | None:
        """The next step: what the client's Authorization says; what is to be answered. Raises PermissionError."""
        scheme, _blank, text = header.partition(" ")
        token = base64.b64decode(text)
        if self._context is None or self._context.complete:
            self._context = self._begun(token.startswith(b"NTLMSSP"))
        try:
            with self._accounts.at_hand():
                out = self._context.step(token)
        except SpnegoError as error:
            self._context = None
            raise PermissionError(str(error)) from None
        except BaseException:
            self._context = None
            raise
        return f"{scheme} {base64.b64encode(out).decode()}" if out else None

    def _begun(self, ntlm: bool) -> spnego.ContextProxy | KerberosLogin:
        if ntlm:
            with self._accounts.at_hand():
                return spnego.server(protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm)
        if self._accounts.keytab is None:
            raise PermissionError("no Kerberos here")
        return KerberosLogin(self._accounts.keytab)

    def open_message(self, data: bytes) -> bytes:
        """A sealed message's content (MS-WSMV 2.2.9.1). Raises NotEncrypted."""
        parts = data.split(BOUNDARY + b"\r\n")
        if self._context is None or len(parts) < 3:
            raise NotEncrypted
        part = parts[2]
        part = part[: part.rindex(BOUNDARY + b"--")].split(b"\r\n", 1)[1]
        (length,) = struct.unpack("<i", part[:4])
        return self._context.unwrap_winrm(part[4 : 4 + length], part[4 + length :])

    def seal_message(self, data: bytes, protocol: str) -> tuple[bytes, str]:
        """A message, sealed, and its content type."""
        if self._context is None:
            raise NotEncrypted
        sealed = self._context.wrap_winrm(data)
        name = protocol.encode()
        body = b"".join(
            (
                *(BOUNDARY, b"\r\n\tContent-Type: ", name, b"\r\n"),
                b"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length=",
                *(str(len(data) + sealed.padding_length).encode(), b"\r\n", BOUNDARY, b"\r\n"),
                b"\tContent-Type: application/octet-stream\r\n",
                *(struct.pack("<i", len(sealed.header)), sealed.header, sealed.data, BOUNDARY, b"--\r\n"),
            )
        )
        return body, f'multipart/encrypted;protocol="{protocol}";boundary="Encrypted Boundary"'
