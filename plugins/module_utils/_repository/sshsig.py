# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signing: OpenSSH's signatures (PROTOCOL.sshsig) with Ed25519 keys, as ``ssh-keygen -Y`` makes and checks them."""

from __future__ import annotations

import base64
import binascii
import fnmatch
import hashlib
import os
import re
import struct
from dataclasses import dataclass
from datetime import datetime, timezone

from .._errors import OptionInvalid, SignatureInvalid

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
except ImportError:
    # _libraries.require tells the user
    pass

KEY_TYPE = "ssh-ed25519"

_MAGIC = b"SSHSIG"
_VERSION = 1
_HASHES = ("sha512", "sha256")
_BEGIN = "-----BEGIN SSH SIGNATURE-----"
_END = "-----END SSH SIGNATURE-----"
_ARMOR_COLUMNS = 70


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


class _Reader:
    """Takes length-prefixed strings off an SSH blob; ValueError on one that is cut."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def take(self, count: int) -> bytes:
        if len(self._data) < count:
            raise ValueError("cut off")
        head, self._data = self._data[:count], self._data[count:]
        return head

    def string(self) -> bytes:
        return self.take(int.from_bytes(self.take(4), "big"))

    def finish(self) -> None:
        if self._data:
            raise ValueError("something follows after the end")


def _public_blob(public: bytes) -> bytes:
    return _string(KEY_TYPE.encode("ascii")) + _string(public)


def _public_from_blob(blob: bytes) -> bytes:
    reader = _Reader(blob)
    if reader.string() != KEY_TYPE.encode("ascii"):
        raise ValueError(f"not a key of type {KEY_TYPE}")
    public = reader.string()
    reader.finish()
    if len(public) != 32:
        raise ValueError("a key of the wrong length")
    return public


def _public_text(public: bytes) -> str:
    return f"{KEY_TYPE} {base64.b64encode(_public_blob(public)).decode('ascii')}"


def parse_public(text: str) -> str:
    """The canonical text ``ssh-ed25519 AAAA...`` of a public key line, without its comment. Raises OptionInvalid."""
    words = text.split()
    try:
        if len(words) < 2 or words[0] != KEY_TYPE:
            raise ValueError(f"not a line that begins with {KEY_TYPE}")
        return _public_text(_public_from_blob(base64.b64decode(words[1], validate=True)))
    except (ValueError, binascii.Error) as error:
        raise OptionInvalid(f"{text[:60]!r} is not an Ed25519 public key: {error}") from None


def fingerprint(public: str) -> str:
    """``SHA256:...`` of a public key, as ``ssh-keygen -l`` shows it. Raises OptionInvalid."""
    blob = base64.b64decode(parse_public(public).split()[1])
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode("ascii").rstrip("=")


def _signed_data(message: bytes, namespace: str, hash_name: str) -> bytes:
    digest = hashlib.new(hash_name, message).digest()
    return _MAGIC + b"".join(map(_string, (namespace.encode("utf-8"), b"", hash_name.encode("ascii"), digest)))


class SigningKey:
    """An Ed25519 key that signs. ``seed`` is its 32 secret bytes, ``public`` the text ``ssh-ed25519 AAAA...``."""

    def __init__(self, seed: bytes) -> None:
        if len(seed) != 32:
            raise OptionInvalid("An Ed25519 key has 32 bytes")
        self.seed = seed
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self._public = self._private.public_key().public_bytes_raw()
        self.public = _public_text(self._public)

    @classmethod
    def generate(cls) -> SigningKey:
        """A new random key."""
        return cls(os.urandom(32))

    @classmethod
    def from_seed(cls, seed: bytes) -> SigningKey:
        """The key of 32 secret bytes. Raises OptionInvalid on another length."""
        return cls(seed)

    def __repr__(self) -> str:
        return f"SigningKey({self.public})"

    def sign(self, message: bytes, namespace: str) -> bytes:
        """The armored signature of ``message`` for one purpose, the ``namespace``."""
        if not namespace:
            raise OptionInvalid("A signature needs a namespace")
        signature = self._private.sign(_signed_data(message, namespace, "sha512"))
        return _armor(
            _MAGIC
            + struct.pack(">I", _VERSION)
            + _string(_public_blob(self._public))
            + _string(namespace.encode("utf-8"))
            + _string(b"")
            + _string(b"sha512")
            + _string(_string(KEY_TYPE.encode("ascii")) + _string(signature))
        )


def _armor(blob: bytes) -> bytes:
    text = base64.b64encode(blob).decode("ascii")
    lines = [text[start : start + _ARMOR_COLUMNS] for start in range(0, len(text), _ARMOR_COLUMNS)]
    return "\n".join([_BEGIN, *lines, _END, ""]).encode("ascii")


def _dearmor(armored: bytes) -> bytes:
    """The blob of an armor, exactly as ssh-keygen writes it: no byte of a signature file can change unnoticed."""
    text = armored.decode("ascii")
    if not text.startswith(_BEGIN) or not text.endswith(_END + "\n"):
        raise ValueError("no SSH signature")
    blob = base64.b64decode("".join(text[len(_BEGIN) : -len(_END) - 1].split()), validate=True)
    if _armor(blob) != armored:
        raise ValueError("not written as ssh-keygen writes it")
    return blob


def verify(message: bytes, armored: bytes, namespace: str) -> str:
    """The public key that signed ``message`` for ``namespace``. Whether that key is trusted is the caller's question.

    Raises SignatureInvalid on a signature that does not fit, is for another purpose, or is none.
    """
    try:
        reader = _Reader(_dearmor(armored))
        if reader.take(len(_MAGIC)) != _MAGIC or int.from_bytes(reader.take(4), "big") != _VERSION:
            raise ValueError("not version 1")
        public = _public_from_blob(reader.string())
        signed_namespace = reader.string().decode("utf-8")
        if reader.string():
            raise ValueError("not version 1")
        hash_name = reader.string().decode("ascii")
        signature_reader = _Reader(reader.string())
        reader.finish()
        signature_type = signature_reader.string()
        signature = signature_reader.string()
        signature_reader.finish()
    except (ValueError, binascii.Error) as error:
        raise SignatureInvalid(f"This is not an SSH signature by an Ed25519 key: {error}") from None
    if signed_namespace != namespace:
        raise SignatureInvalid(f"The signature is for {signed_namespace[:80]!r} and not for {namespace!r}")
    if hash_name not in _HASHES or signature_type != KEY_TYPE.encode("ascii"):
        raise SignatureInvalid("The signature is of an unknown kind")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, _signed_data(message, namespace, hash_name))
    except (InvalidSignature, ValueError):
        raise SignatureInvalid("The signature does not fit its text") from None
    return _public_text(public)


# --- who may sign what -----------------------------------------------------------------------------------------------
_OPTION = re.compile(r'([A-Za-z-]+)(?:="((?:[^"\\]|\\.)*)")?(?:,|$)')
_TIME_FORMATS = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    """OpenSSH's pattern list: ``*`` and ``?``, and a match of ``!pattern`` refuses."""
    found = False
    for pattern in patterns:
        negated = pattern.startswith("!")
        # only * and ? are special here, brackets are not
        translated = (pattern[1:] if negated else pattern).replace("[", "[[]")
        if fnmatch.fnmatchcase(name, translated):
            if negated:
                return False
            found = True
    return found


def _parse_time(text: str) -> datetime:
    stripped = text[:-1] if text.endswith("Z") else text
    try:
        moment = datetime.strptime(stripped, _TIME_FORMATS[len(stripped)])
    except (KeyError, ValueError):
        raise ValueError(f"{text!r} is not a time") from None
    return moment.replace(tzinfo=timezone.utc) if text.endswith("Z") else moment.astimezone()


def _split_word(line: str) -> tuple[str, str]:
    """The first word of a line and the rest; quotes hold blanks together."""
    quoted = False
    for index, char in enumerate(line):
        if char == '"' and line[index - 1 : index] != "\\":
            quoted = not quoted
        elif char in " \t" and not quoted:
            return line[:index], line[index:].lstrip()
    if quoted:
        raise ValueError("a quote that is not closed")
    return line, ""


@dataclass(frozen=True)
class _Signer:
    principals: tuple[str, ...]
    public: str
    namespaces: tuple[str, ...] | None
    valid_after: datetime | None
    valid_before: datetime | None


def _parse_signer(line: str) -> _Signer | None:
    """One line; None for a key that cannot have made any of our signatures."""
    principals, rest = _split_word(line)
    names = tuple(principals.strip('"').split(","))
    namespaces: tuple[str, ...] | None = None
    times: dict[str, datetime] = {}
    authority = False
    word, after = _split_word(rest)
    if not re.match(r"(ssh-|sk-|ecdsa-)", word):
        position = 0
        while position < len(word):
            match = _OPTION.match(word, position)
            if not match:
                raise ValueError(f"the options {word!r} cannot be read")
            name, value = match.group(1).lower(), match.group(2)
            if name == "cert-authority":
                authority = True
            elif name == "namespaces" and value:
                namespaces = tuple(value.split(","))
            elif name in ("valid-after", "valid-before") and value:
                times[name] = _parse_time(value)
            else:
                raise ValueError(f"unknown option {name!r}")
            position = match.end()
        rest = after
        word = rest.split()[0] if rest else ""
    if authority or (word != KEY_TYPE and re.match(r"(ssh-|sk-|ecdsa-)", word)):
        return None
    return _Signer(names, parse_public(rest), namespaces, times.get("valid-after"), times.get("valid-before"))


class AllowedSigners:
    """Who is trusted to sign for which purpose: an ``allowed_signers`` file of OpenSSH."""

    def __init__(self, signers: tuple[_Signer, ...]) -> None:
        self._signers = signers

    @classmethod
    def parse(cls, text: str) -> AllowedSigners:
        """Read the file's text; keys of other types and certificate authorities are skipped. Raises OptionInvalid."""
        signers = []
        for number, line in enumerate(text.splitlines(), 1):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            try:
                signer = _parse_signer(line)
            except (ValueError, OptionInvalid) as error:
                raise OptionInvalid(f"Line {number} of the allowed signers cannot be read: {error}") from None
            if signer is not None:
                signers.append(signer)
        return cls(tuple(signers))

    def principals_of(self, public_key: str, namespace: str, at: datetime | None = None) -> list[str]:
        """The principals for which this key may sign in this namespace; empty when it is not trusted for it.

        ``at`` is the time for valid-after and valid-before, by default now.
        """
        public = parse_public(public_key)
        moment = at or datetime.now(timezone.utc)
        principals: list[str] = []
        for signer in self._signers:
            if signer.public != public:
                continue
            if signer.namespaces is not None and not _matches(namespace, signer.namespaces):
                continue
            if signer.valid_after is not None and moment < signer.valid_after:
                continue
            if signer.valid_before is not None and moment > signer.valid_before:
                continue
            principals += [name for name in signer.principals if name not in principals]
        return principals
