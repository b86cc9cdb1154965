# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys of this format: the owner key, the writer's key file, and the Domain Master Secret's text."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
import secrets
import stat
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from .._errors import AlreadyExists, OptionInvalid, WeakSecret
from .age import X25519Identity
from .sshsig import SigningKey, parse_public

try:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key
except ImportError:
    # _libraries.require tells the user
    pass

MINIMUM_SECRET_LENGTH = 8
_COMFORTABLE_SECRET_LENGTH = 14

# neither i, l, o, 0, 1, which are misread, nor y and z, which a rescue console's keyboard may swap; the dot stays put
_SECRET_ALPHABET = "23456789abcdefghjkmnpqrstuvwx"
_SECRET_GROUPS = 7
_SECRET_GROUP_LENGTH = 4

# fmt: off
_COMMON = (
    "password", "passwort", "kennwort", "geheim", "secret", "admin", "administrator", "welcome", "willkommen",
    "qwertz", "qwerty", "asdfgh", "letmein", "changeme", "backup", "starface", "estos", "kamailio", "master",
    "domain", "sommer", "winter", "summer", "hallo", "iloveyou", "dragon", "monkey", "football", "fussball", "12345",
)
# fmt: on


def _derive(key: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), 32, None, info).derive(key)


def owner_key(identity: X25519Identity) -> SigningKey:
    """The key that signs the keyring; whoever can restore has it."""
    return SigningKey.from_seed(_derive(identity.secret, b"ucops.recovery owner key v1"))


def recipients_digest(recipients: Iterable[str]) -> str:
    """SHA-256, hex, of the sorted different recipients, one a line: ``sort -u | sha256sum``."""
    text = "".join(recipient + "\n" for recipient in sorted(set(recipients)))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


# --- the writer's key file -------------------------------------------------------------------------------------------
_KEY_FILE_KIND = "ucops.recovery writer key"
_KEY_FILE_LIMIT = 64 * 1024


@dataclass(frozen=True)
class WriterKey:
    """What a backup host needs in order to write: it signs and recognises, and opens nothing.

    ``fingerprint_key`` (32 bytes) makes pieces recognisable to this writer alone. ``repository_id``, ``owner`` (public
    key) and ``recipients_digest`` pin the repository; they are empty until :meth:`with_pins` bound the key to one.
    """

    name: str
    signing_key: SigningKey = field(repr=False)
    fingerprint_key: bytes = field(repr=False)
    repository_id: str = ""
    owner: str = ""
    recipients_digest: str = ""

    @classmethod
    def generate(cls, name: str) -> WriterKey:
        """A new random key, not bound to a repository. Raises OptionInvalid on a name that cannot be a principal."""
        if not name or not all(char.isalnum() or char in "._-@" for char in name) or not name.isascii():
            raise OptionInvalid(f"{name!r} cannot be a writer's name", hint="Use letters, digits and . _ - @ only.")
        return cls(name, SigningKey.generate(), os.urandom(32))

    @property
    def public(self) -> str:
        """The public key that the keyring lists, ``ssh-ed25519 AAAA...``."""
        return self.signing_key.public

    @property
    def fingerprint_key_id(self) -> str:
        """A short public name of the fingerprint key: when it differs, known pieces say nothing."""
        return hmac.digest(self.fingerprint_key, b"ucops.recovery fingerprint key id v1", "sha256")[:8].hex()

    @property
    def is_pinned(self) -> bool:
        """Whether the key is bound to a repository."""
        return bool(self.repository_id and self.owner and self.recipients_digest)

    def with_pins(self, repository_id: str, owner: str, recipients_digest: str) -> WriterKey:
        """The same key, bound to a repository, its owner's public key and its recipients."""
        return replace(
            self, repository_id=repository_id, owner=parse_public(owner), recipients_digest=recipients_digest
        )

    def source_key(self, source: str) -> bytes:
        """The key of one source's fingerprints, 32 bytes; sources cannot be compared with each other."""
        return _derive(self.fingerprint_key, b"ucops.recovery source key v1\0" + source.encode("utf-8"))

    def placeholder_key(self, source: str) -> bytes:
        """The key of one source's placeholders for masked secrets, 32 bytes."""
        return _derive(self.fingerprint_key, b"ucops.recovery placeholder key v1\0" + source.encode("utf-8"))

    @staticmethod
    def fingerprint(source_key: bytes, sha256_digest: bytes) -> bytes:
        """The keyed fingerprint, 32 bytes, of a content's SHA-256."""
        return hmac.digest(source_key, sha256_digest, "sha256")

    def to_json(self) -> dict[str, Any]:
        """The key file's content. It is secret."""
        return {
            "kind": _KEY_FILE_KIND,
            "format": 1,
            "name": self.name,
            "public": self.public,
            "signing_seed": base64.b64encode(self.signing_key.seed).decode("ascii"),
            "fingerprint_key": base64.b64encode(self.fingerprint_key).decode("ascii"),
            "repository_id": self.repository_id,
            "owner": self.owner,
            "recipients_digest": self.recipients_digest,
        }

    @classmethod
    def from_json(cls, data: Any) -> WriterKey:
        """The reverse of :meth:`to_json`. Raises OptionInvalid, which repeats nothing of the content."""
        try:
            if data["kind"] != _KEY_FILE_KIND or data["format"] != 1:
                raise ValueError
            fingerprint_key = base64.b64decode(data["fingerprint_key"], validate=True)
            texts = [data[name] for name in ("name", "repository_id", "owner", "recipients_digest")]
            seed = base64.b64decode(data["signing_seed"], validate=True)
            if len(fingerprint_key) != 32 or len(seed) != 32 or not all(isinstance(text, str) for text in texts):
                raise ValueError
            return cls(texts[0], SigningKey.from_seed(seed), fingerprint_key, *texts[1:])
        except (KeyError, TypeError, ValueError, binascii.Error):
            raise OptionInvalid("This is not a writer key file of format 1") from None

    @classmethod
    def load(cls, path: str) -> WriterKey:
        """Read a key file. Raises OptionInvalid when it is missing, none, or readable by others than its owner."""
        text = _read_private(path, "writer key")
        try:
            return cls.from_json(json.loads(text))
        except (ValueError, RecursionError):
            raise OptionInvalid("This is not a writer key file of format 1", item=path) from None

    def save(self, path: str, replace: bool = False) -> None:
        """Write the key file, mode 0600, durably: exclusively, or over an existing one when ``replace``.

        Raises AlreadyExists when one is there and ``replace`` is False.
        """
        data = (json.dumps(self.to_json(), indent=2, sort_keys=True) + "\n").encode("utf-8")
        folder = os.path.dirname(os.path.abspath(path))
        temporary = os.path.join(folder, f".{os.path.basename(path)}.{secrets.token_hex(8)}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                os.fchmod(stream.fileno(), 0o600)
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            if replace:
                os.replace(temporary, path)
            else:
                os.link(temporary, path)
                os.unlink(temporary)
        except FileExistsError:
            os.unlink(temporary)
            raise AlreadyExists("There is a writer key file already", item=path) from None
        except BaseException:
            os.unlink(temporary)
            raise
        folder_descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(folder_descriptor)
        finally:
            os.close(folder_descriptor)


def _read_private(path: str, what: str) -> bytes:
    """A small file that its owner alone may read. Raises OptionInvalid."""
    try:
        with open(path, "rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            if not stat.S_ISREG(mode):
                raise OptionInvalid(f"The {what} is not a regular file", item=path)
            if stat.S_IMODE(mode) & 0o077:
                raise OptionInvalid(
                    f"The {what} file can be read by others (mode {stat.S_IMODE(mode):04o})",
                    item=path,
                    hint="Make it 0600, and think about who may have read it.",
                )
            return stream.read(_KEY_FILE_LIMIT)
    except FileNotFoundError:
        raise OptionInvalid(f"There is no {what} file", item=path) from None
    except OSError as error:
        raise OptionInvalid(f"The {what} file cannot be read: {error.strerror}", item=path) from None


def load_signing_key(path: str, what: str) -> SigningKey:
    """The Ed25519 key of a file that C(ssh-keygen -t ed25519) made, without a passphrase.

    ``what`` is like "prune key". Raises OptionInvalid when it is missing, none, or readable by others than its owner.
    """
    data = _read_private(path, what)
    try:
        key = load_ssh_private_key(data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise OptionInvalid(
            f"The {what} file holds no OpenSSH private key, or one with a passphrase",
            item=path,
            hint="Make it with ssh-keygen -t ed25519 -N ''.",
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise OptionInvalid(f"The {what} is of another kind than Ed25519", item=path)
    return SigningKey.from_seed(key.private_bytes_raw())


# --- the Domain Master Secret ----------------------------------------------------------------------------------------
def generate_secret() -> str:
    """A Domain Master Secret of more than 128 bits that can be typed by hand, such as ``k7fw.92mq.``, seven groups."""
    return ".".join(
        "".join(secrets.choice(_SECRET_ALPHABET) for _char in range(_SECRET_GROUP_LENGTH))
        for _group in range(_SECRET_GROUPS)
    )


def secret_bytes(text: str) -> bytes:
    """The bytes of a Domain Master Secret: UTF-8 of its composed form (NFC), as a terminal sends them.

    Raises OptionInvalid on one that cannot be typed.
    """
    if any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in text):
        raise OptionInvalid("The Domain Master Secret holds a character that cannot be typed, such as a line break")
    return unicodedata.normalize("NFC", text).encode("utf-8")


def judge_secret(text: str) -> list[str]:
    """What speaks against a Domain Master Secret, in sentences; empty when nothing does.

    Raises WeakSecret below eight characters, OptionInvalid on one that cannot be typed.
    """
    secret = secret_bytes(text).decode("utf-8")
    if len(secret) < MINIMUM_SECRET_LENGTH:
        raise WeakSecret(
            f"The Domain Master Secret has {len(secret)} characters, at least {MINIMUM_SECRET_LENGTH} are required"
        )
    warnings = []
    if len(secret) < _COMFORTABLE_SECRET_LENGTH:
        warnings.append(f"It is short: {len(secret)} characters, and {_COMFORTABLE_SECRET_LENGTH} withstand guessing.")
    lower = secret.lower()
    if any(word in lower for word in _COMMON):
        warnings.append("It contains a word that is tried first.")
    if len(set(lower)) < 6:
        warnings.append("It consists of few different characters.")
    kinds = {"letter" if char.isalpha() else "digit" if char.isdigit() else "other" for char in secret}
    if kinds == {"digit"}:
        warnings.append("It consists of digits only.")
    if _is_run(lower):
        warnings.append("It is a run of neighbouring characters.")
    if secret != secret.strip():
        warnings.append("It begins or ends with a blank, which gets lost easily when it is copied.")
    if not secret.isascii():
        warnings.append("It holds characters that a rescue system's keyboard may not have.")
    return warnings


def _is_run(text: str) -> bool:
    steps = [ord(right) - ord(left) for left, right in zip(text, text[1:])]
    return max(steps.count(1), steps.count(-1)) >= len(steps) * 2 // 3
