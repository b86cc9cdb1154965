# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fingerprint of a passphrase that is held nowhere: slow and salted, so that it proves and hardly tells.

``scrypt$<log2 of N>$<r>$<p>$<salt>$<hash>``, salt and hash in base64. With these numbers one try costs a good part of a
second and 128 MiB. It is still a hash of a passphrase: keep it like one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
from dataclasses import dataclass

from .._errors import OptionInvalid, WeakSecret

LEAST_CHARACTERS = 8
"""Source: docs.keyfactor.com/software-appliance/latest/ejbca/backup, "at least 8 characters long"."""
LOG_N, R, P = 17, 8, 1
_LEAST_LOG_N, _MOST_LOG_N = 15, 18
_SALT, _HASH = 16, 32
_FORM = re.compile(r"scrypt\$(\d{2})\$8\$1\$([A-Za-z0-9+/]{22}==)\$([A-Za-z0-9+/]{43}=)")


@dataclass(frozen=True)
class Fingerprint:
    """A fingerprint, taken apart."""

    log_n: int
    salt: bytes
    hash: bytes

    @classmethod
    def parse(cls, text: str) -> Fingerprint:
        """Raises OptionInvalid when it is none."""
        found = _FORM.fullmatch(text)
        try:
            if found is None or not _LEAST_LOG_N <= int(found[1]) <= _MOST_LOG_N:
                raise ValueError
            return cls(int(found[1]), base64.b64decode(found[2], validate=True), base64.b64decode(found[3]))
        except (ValueError, binascii.Error):
            raise OptionInvalid(
                "This is no fingerprint of an appliance's Domain Master Secret",
                item="appliance_secret_fingerprint",
                hint="ucops.recovery.keyfactor_appliance_info gives it when it is called with appliance_secret.",
            ) from None

    def __str__(self) -> str:
        salt, digest = (base64.b64encode(part).decode("ascii") for part in (self.salt, self.hash))
        return f"scrypt${self.log_n:02}${R}${P}${salt}${digest}"

    def same_as(self, other: Fingerprint) -> bool:
        """Whether both are of one passphrase, as far as they can be compared: with one salt."""
        return (self.log_n, self.salt) == (other.log_n, other.salt) and hmac.compare_digest(self.hash, other.hash)


def fingerprint(secret: str, like: Fingerprint | None = None, *, log_n: int = LOG_N) -> Fingerprint:
    """Of a passphrase: with a new salt, or with that of another one, to be compared with it.

    Raises WeakSecret when it is shorter than the appliance takes.
    """
    if len(secret) < LEAST_CHARACTERS:
        raise WeakSecret(
            f"This has less than the {LEAST_CHARACTERS} characters of an appliance's Domain Master Secret",
            item="appliance_secret",
            hint="It cannot be the one of the appliance.",
        )
    salt = like.salt if like is not None else os.urandom(_SALT)
    cost = like.log_n if like is not None else log_n
    digest = hashlib.scrypt(
        secret.encode("utf-8", "surrogateescape"),
        salt=salt,
        n=2**cost,
        r=R,
        p=P,
        maxmem=2**cost * R * 128 + 2**20,
        dklen=_HASH,
    )
    return Fingerprint(cost, salt, digest)
