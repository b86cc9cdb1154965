# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Private keys for logging in, from a file or from text."""

from __future__ import annotations

import io
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING

from .._errors import AuthenticationFailed, OptionInvalid

try:
    import paramiko
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
except ImportError:
    if not TYPE_CHECKING:
        paramiko = None

LARGEST_KEY = 256 * 1024
"""Bytes. No private key is larger."""


def load_private_key(source: str, passphrase: str | None, host: str) -> paramiko.PKey:
    """The key in ``source``, which is a path or the key's text itself.

    :raises OptionInvalid: there is no such file, or what it holds is no key that can be used
    :raises AuthenticationFailed: it is protected, and the passphrase is missing or wrong
    """
    text = source.encode("utf-8") if "-----BEGIN" in source or "\n" in source else _read(source, host)
    item = "private_key" if "-----BEGIN" in source or "\n" in source else source
    if text.lstrip().startswith(b"PuTTY-User-Key-File"):
        raise OptionInvalid(
            "The private key is in PuTTY's format",
            host=host,
            item=item,
            hint="Convert it: puttygen key.ppk -O private-openssh.",
        )
    if b"-----BEGIN" not in text:
        raise OptionInvalid("This is no private key", host=host, item=item)
    text = text.strip() + b"\n"
    secret = passphrase.encode("utf-8") if passphrase else None
    try:
        key = _opened(text, secret)
    except TypeError:
        raise _no_passphrase(host, item) from None
    except UnsupportedAlgorithm:
        raise _unsupported(host, item) from None
    except ValueError as error:
        if secret is None and "password-protected" in str(error):  # cryptography before 42
            raise _no_passphrase(host, item) from None
        if secret is not None and _was_decrypting(text):
            raise AuthenticationFailed(
                "The passphrase does not open the private key",
                host=host,
                item=item,
                hint="Check private_key_passphrase.",
            ) from None
        raise OptionInvalid(f"The private key cannot be read ({error})", host=host, item=item) from None
    if key is None:
        raise _unsupported(host, item)
    return key


@lru_cache(maxsize=4)
def _opened(text: bytes, secret: bytes | None) -> paramiko.PKey | None:
    """The key, None when it is of another kind. A fleet's hosts mostly have the same. Raises as the library does."""
    load = serialization.load_ssh_private_key if b"OPENSSH" in text[:60] else serialization.load_pem_private_key
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an old kind of key is refused in our own words
        try:
            key = load(text, secret)
        except TypeError:
            if secret is None:
                raise
            key = load(text, None)  # a passphrase for a key that needs none does no harm
    if isinstance(key, ed25519.Ed25519PrivateKey):
        kind: type[paramiko.PKey] = paramiko.Ed25519Key
    elif isinstance(key, rsa.RSAPrivateKey):
        kind = paramiko.RSAKey
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        kind = paramiko.ECDSAKey
    else:
        return None
    plain = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    return kind.from_private_key(io.StringIO(plain.decode("ascii")))


def _no_passphrase(host: str, item: str) -> AuthenticationFailed:
    return AuthenticationFailed(
        "The private key is protected by a passphrase, and none is given",
        host=host,
        item=item,
        hint="Set private_key_passphrase.",
    )


def _unsupported(host: str, item: str) -> OptionInvalid:
    return OptionInvalid(
        "The private key is of a kind that cannot be used",
        host=host,
        item=item,
        hint="Use an Ed25519, ECDSA or RSA key.",
    )


def _was_decrypting(text: bytes) -> bool:
    return b"OPENSSH" in text[:60] or b"ENCRYPTED" in text[:200]


def _read(path: str, host: str) -> bytes:
    try:
        with open(path, "rb") as handle:
            return handle.read(LARGEST_KEY)
    except OSError as error:
        raise OptionInvalid(f"The private key file cannot be read: {error.strerror}", host=host, item=path) from None
