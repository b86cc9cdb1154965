# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a STARFACE may put its backup file: the six storage places of its wizard with the fields of each.

Source: the vendor's page "Neues Backup konfigurieren" (knowledge.starface.de/x/BgQIC), third step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .options import choice, list_of, option, text

LOCAL_DISK = "local_disk"
WINDOWS_SHARE = "windows_share"
SFTP = "sftp"
DROPBOX = "dropbox"
USB = "usb"
MAIL = "mail"
LABELS: Mapping[str, str] = {
    LOCAL_DISK: "Festplatte Server",
    WINDOWS_SHARE: "Windows Share",
    SFTP: "SFTP",
    DROPBOX: "Dropbox",
    USB: "USB-Speicher",
    MAIL: "An E-Mail-Adressen senden",
}
"""Storage place -> what the wizard calls it."""

SECURITY_MODES: Mapping[str, str] = {
    "none": "None",
    "krb5": "krb5",
    "krb5i": "krb5i",
    "ntlm": "ntlm",
    "ntlmi": "ntlmi",
    "ntlmv2": "ntlmv2",
    "ntlmv2i": "ntlmv2i",
    "ntlmssp": "ntlmssp",
    "ntlmsspi": "ntlmsspi",
}
"""The nine entries of the field "Sicherheit", which are those of ``sec=`` of mount.cifs(8)."""

FIELDS_OF: Mapping[str, Sequence[str]] = {
    LOCAL_DISK: (),
    WINDOWS_SHARE: ("username", "password", "kept_at", "server", "share", "security"),
    SFTP: ("username", "password", "kept_at", "server", "path"),
    DROPBOX: ("kept_at",),
    USB: (),
    MAIL: ("addresses",),
}
"""Storage place -> its fields. Of no other field a value is taken."""

_STATUS_NAMES = {LOCAL_DISK: "HDD", WINDOWS_SHARE: "SMB", SFTP: "SFTP", DROPBOX: "DROPBOX", USB: "USB", MAIL: "MAIL"}


@dataclass(frozen=True)
class Target:
    """One storage place.

    ``username``, ``password``, ``server`` (an IPv4 address), ``share`` (with subdirectories behind ``/``),
    ``security``: a Windows share. ``username``, ``password``, ``server``, ``path``: SFTP. ``addresses``: e-mail.

    ``password`` is looked at and goes no further: it is in no result. ``kept_at`` says where the person who fills in
    the wizard finds the password, or the key that Dropbox confirms with.
    """

    kind: str = option(choice(*LABELS), "")
    username: str = option(text, "")
    password: str = option(text, "", secret=True)
    server: str = option(text, "")
    share: str = option(text, "")
    security: str = option(choice(*SECURITY_MODES), "")
    path: str = option(text, "")
    addresses: Sequence[str] = option(list_of(text), ())
    kept_at: str = option(text, "")

    @property
    def label(self) -> str:
        """What the wizard calls it."""
        return LABELS[self.kind]

    @property
    def place(self) -> str:
        """Where it is, in a few words; the same for two targets that are the same."""
        if self.kind == WINDOWS_SHARE:
            return f"{self.server}:/{self.share.strip('/')}"
        if self.kind == SFTP:
            return f"{self.server}:{self.path}"
        return ", ".join(self.addresses) if self.kind == MAIL else ""

    @property
    def status_name(self) -> str:
        """How the status service calls this kind of place."""
        return _STATUS_NAMES[self.kind]

    def __str__(self) -> str:
        return f"{self.label} {self.place}".strip()
