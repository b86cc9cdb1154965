# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which key a host must show. Nothing is ever learned here: a key that is not known beforehand is refused."""

from __future__ import annotations

import base64
import binascii
import fnmatch
import functools
import hashlib
import hmac
import os
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
    keys, revoked = [], []
    for line in _read(str(known_hosts_file), host).lines_for(known_as(host, port)):
        key = _key(line.kind, line.text)
        if key is None:
            continue
        if line.marker == "@revoked":
            revoked.append(key)
        elif not line.marker:
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


@dataclass(frozen=True)
class _Line:
    """A line of a known_hosts file: ``marker`` is empty, ``@revoked`` or another, ``text`` the key in base64."""

    number: int
    marker: str
    patterns: str
    kind: str
    text: str


class _KnownHostsFile:
    """A whole file, in which a host of a fleet is found without looking at the lines of all the others."""

    def __init__(self, text: str) -> None:
        self._by_name: dict[str, list[_Line]] = {}
        self._with_patterns: list[_Line] = []
        for number, written in enumerate(text.splitlines()):
            words = written.split()
            if not words or words[0].startswith("#"):
                continue
            marker = words.pop(0) if words[0].startswith("@") else ""
            if len(words) < 3:
                continue
            line = _Line(number, marker, *words[:3])
            if set(line.patterns) & set("*?!|"):
                self._with_patterns.append(line)
                continue
            for name in line.patterns.lower().split(","):
                self._by_name.setdefault(name, []).append(line)

    def lines_for(self, name: str) -> list[_Line]:
        """What is said of a host, in the order of the file."""
        found = [*self._by_name.get(name, ()), *(one for one in self._with_patterns if _names(one.patterns, name))]
        return sorted(found, key=lambda line: line.number)


def _read(path: str, host: str) -> _KnownHostsFile:
    """The file as it is now. Raises OptionInvalid."""
    try:
        status = os.stat(path)
        return _parsed(path, (status.st_ino, status.st_size, status.st_mtime_ns))
    except OSError as error:
        raise OptionInvalid(f"known_hosts_file cannot be read: {error.strerror}", host=host, item=path) from None


@functools.lru_cache(maxsize=4)
def _parsed(path: str, _state: tuple[int, ...]) -> _KnownHostsFile:
    with open(path, encoding="utf-8", errors="replace") as handle:
        return _KnownHostsFile(handle.read())


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
