# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which key a host must show. Nothing is ever learned here: a key that is not known beforehand is refused."""

from __future__ import annotations

import base64
import binascii
import fnmatch
import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass

from .._errors import HostKeyMismatch, HostKeyUnknown, OptionInvalid

DEFAULT_PORT = 22


def fingerprint(blob: bytes) -> str:
    """The fingerprint of a public key as OpenSSH writes it: ``SHA256:...``."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode("ascii").rstrip("=")


def known_as(host: str, port: int) -> str:
    """How a known_hosts file names a host."""
    return host.lower() if port == DEFAULT_PORT else f"[{host.lower()}]:{port}"


@dataclass(frozen=True)
class HostKey:
    """A public key of a host: its type (``ssh-ed25519``) and its wire form."""

    kind: str
    blob: bytes

    def __str__(self) -> str:
        return f"{self.kind} {self.fingerprint}"

    @property
    def fingerprint(self) -> str:
        """``SHA256:...``, as OpenSSH writes it."""
        return fingerprint(self.blob)

    @property
    def line(self) -> str:
        """The key as a known_hosts file has it behind the name."""
        return f"{self.kind} {base64.b64encode(self.blob).decode('ascii')}"


@dataclass(frozen=True)
class KnownHost:
    """What is known of one host. ``origin`` tells where from, for messages."""

    origin: str
    keys: tuple[HostKey, ...] = ()
    fingerprints: tuple[str, ...] = ()
    revoked: tuple[HostKey, ...] = ()

    def kinds(self) -> list[str]:
        """The types of key that should be asked for, since they can be checked."""
        return list(dict.fromkeys(key.kind for key in self.keys))

    def has(self, key: HostKey) -> bool:
        """Whether it is a key of this host, revoked ones included."""
        known = (*self.keys, *self.revoked)
        return fingerprint(key.blob) in self.fingerprints or any(key.blob == one.blob for one in known)

    def check(self, shown: HostKey, host: str, port: int) -> None:
        """Accept the key that the host shows. Raises HostKeyUnknown or HostKeyMismatch."""
        mark = fingerprint(shown.blob)
        if any(key.blob == shown.blob for key in self.revoked):
            raise HostKeyMismatch(
                f"The host shows the key {shown}, which is revoked in {self.origin}",
                host=host,
                hint="Somebody may stand in between. Give the host a new key before you connect again.",
            )
        if mark in self.fingerprints or any(key.blob == shown.blob for key in self.keys):
            return
        expected = [str(key) for key in self.keys] + list(self.fingerprints)
        if expected:
            raise HostKeyMismatch(
                f"The host shows the key {shown}, but {self.origin} says {' or '.join(expected)}",
                host=host,
                hint="Somebody may stand in between, or the host was set up anew: compare with the key on its console"
                " before you change what is known.",
            )
        target = host if port == DEFAULT_PORT else f"-p {port} {host}"
        raise HostKeyUnknown(
            f"The host shows the key {shown}, and {self.origin} does not know it",
            host=host,
            hint="Compare it with the key on the host's console, then add it there"
            f" (ssh-keyscan {target}) or set host_key.",
        )


def known_host(host: str, port: int, known_hosts_file: str | None, pinned: str | None) -> KnownHost:
    """What the options say about a host.

    :param known_hosts_file: path of a file in OpenSSH's format; hashed names, ``[host]:port`` and ``@revoked`` are
        understood
    :param pinned: ``ssh-ed25519 AAAA...`` or ``SHA256:...``, one a line; wins over the file
    :raises OptionInvalid: neither is given, the file cannot be read, or the key is none
    """
    if pinned and pinned.strip():
        return _pinned(pinned, host)
    if not known_hosts_file:
        raise OptionInvalid(
            "It is not said which key the host must show",
            host=host,
            hint="Set known_hosts_file, or host_key to 'ssh-ed25519 AAAA...' or 'SHA256:...'.",
        )
    try:
        with open(known_hosts_file, encoding="utf-8", errors="replace") as handle:
            text = handle.read()
    except OSError as error:
        raise OptionInvalid(
            f"known_hosts_file cannot be read: {error.strerror}", host=host, item=str(known_hosts_file)
        ) from None
    name = known_as(host, port)
    keys, revoked = [], []
    for marker, key in _lines_for(text, name):
        if marker == "@revoked":
            revoked.append(key)
        elif not marker:
            keys.append(key)
    return KnownHost(str(known_hosts_file), tuple(keys), (), tuple(revoked))


def _pinned(text: str, host: str) -> KnownHost:
    keys, fingerprints = [], []
    for line in text.splitlines():
        words = line.split()
        if not words:
            continue
        if words[0].startswith("SHA256:") and len(words[0].rstrip("=")) == len("SHA256:") + 43:
            fingerprints.append(words[0].rstrip("="))
            continue
        key = _key(words[0], words[1]) if len(words) > 1 else None
        if key is None:
            raise OptionInvalid(
                "host_key is no public key", host=host, hint="It looks like 'ssh-ed25519 AAAA...' or 'SHA256:...'."
            )
        keys.append(key)
    return KnownHost("host_key", tuple(keys), tuple(fingerprints))


def _lines_for(text: str, name: str) -> Iterator[tuple[str, HostKey]]:
    for line in text.splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        marker = words.pop(0) if words[0].startswith("@") else ""
        if len(words) < 3 or not _names(words[0], name):
            continue
        key = _key(words[1], words[2])
        if key is not None:
            yield marker, key


def _names(patterns: str, name: str) -> bool:
    if patterns.startswith("|1|"):
        try:
            _empty, _one, salt, digest = patterns.split("|")
            expected = base64.b64decode(digest)
            made = hmac.new(base64.b64decode(salt), name.encode("utf-8"), hashlib.sha1).digest()
        except (ValueError, binascii.Error):
            return False
        return hmac.compare_digest(made, expected)
    found = False
    for pattern in patterns.lower().split(","):
        # In this format only * and ? are special; brackets surround a host with a port.
        plain = pattern.lstrip("!").replace("[", "[[]")
        if fnmatch.fnmatchcase(name, plain):
            if pattern.startswith("!"):
                return False
            found = True
    return found


def _key(kind: str, text: str) -> HostKey | None:
    try:
        blob = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return None
    length = int.from_bytes(blob[:4], "big")
    return HostKey(kind, blob) if blob[4 : 4 + length] == kind.encode("utf-8") and length else None
