# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates in a generation: which there are, which were exchanged, and which end soon.

Only the end of the validity and the fingerprint are read, out of the few bytes of DER around them (RFC 5280, 4.1), so
that no library is needed where generations are compared. What cannot be read is no certificate.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from .._entries import path_to_text
from .findings import Finding, Rules
from .mask import readable
from .semantic import HIGH, MEDIUM, SemanticChange, compare_texts

KIND = "certificate"
LARGEST = 2**20
"""Bytes of a file that is looked at."""
MOST_IN_A_FILE = 20
"""A file with more is a list of authorities, which is no concern of the host that trusts them."""
_NAMED = re.compile(rb"\.(pem|crt|cer|cert)\Z", re.IGNORECASE)
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")
_SEQUENCE, _UTC_TIME, _GENERALIZED_TIME, _VERSION = 0x30, 0x17, 0x18, 0xA0


@dataclass(frozen=True)
class Certificate:
    """What is looked at: SHA-256 of the whole (hex), and the last moment in which it is valid."""

    fingerprint: str
    not_after: datetime

    def __str__(self) -> str:
        return f"sha256 {self.fingerprint[:16]} until {self.not_after:%Y-%m-%d}"


def certificates(view: Mapping[bytes, bytes]) -> dict[str, Certificate]:
    """The certificates in files with a name that says so, by place."""
    found = {}
    for path in sorted(path for path in view if _NAMED.search(path)):
        inside = list(_of(view[path]))
        if len(inside) > MOST_IN_A_FILE:
            continue
        name = readable(path_to_text(path))
        for number, one in enumerate(inside, 1):
            found[name if number == 1 else f"{name} ({number})"] = one
    return found


def certificate_changes(old: Mapping[str, Certificate], new: Mapping[str, Certificate]) -> list[SemanticChange]:
    """Which came, went and were exchanged."""
    shown = ({place: str(one) for place, one in side.items()} for side in (old, new))
    return compare_texts(KIND, *shown)


def ending(there: Mapping[str, Certificate], now: datetime, rules: Rules) -> Iterator[Finding]:
    """Those that are not valid any more are high, those that end within the days of the rules are medium."""
    for place, one in there.items():
        if one.not_after <= now:
            yield Finding(HIGH, "certificate_ended", f"{place} ended on {one.not_after:%Y-%m-%d}")
        elif one.not_after - now < timedelta(days=rules.certificate_days):
            days = (one.not_after - now).days
            yield Finding(MEDIUM, "certificate_ends", f"{place} ends on {one.not_after:%Y-%m-%d}, in {days} days")


def _of(content: bytes) -> Iterator[Certificate]:
    if len(content) > LARGEST:
        return
    ders = [_decoded(found[1]) for found in _PEM.finditer(content)]
    for der in ders or [content]:
        try:
            yield Certificate(hashlib.sha256(der).hexdigest(), _not_after(der))
        except (ValueError, IndexError):
            continue


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(text.split()), validate=True)
    except binascii.Error:
        return b""


def _not_after(der: bytes) -> datetime:
    """The end of the validity. Raises ValueError, IndexError."""
    tag, certificate, _rest = _element(der)
    _demand(tag, _SEQUENCE)
    tag, rest, _signature = _element(certificate)
    _demand(tag, _SEQUENCE)
    if rest[0] == _VERSION:
        rest = _element(rest)[2]
    for _serial_algorithm_issuer in range(3):
        rest = _element(rest)[2]
    tag, validity, _rest = _element(rest)
    _demand(tag, _SEQUENCE)
    tag, value, _rest = _element(_element(validity)[2])
    text = value.decode("ascii")
    if tag == _UTC_TIME:
        # two digits of a year: below 50 it is of this century (RFC 5280, 4.1.2.5.1)
        text = f"{'20' if int(text[:2]) < 50 else '19'}{text}"
    else:
        _demand(tag, _GENERALIZED_TIME)
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=timezone.utc)


def _element(data: bytes) -> tuple[int, bytes, bytes]:
    """Tag and value of the first element, and what follows it."""
    tag, length, at = data[0], data[1], 2
    if length & 0x80:
        size = length & 0x7F
        if not 1 <= size <= 4:
            raise ValueError("this is no length")
        length = int.from_bytes(data[2 : 2 + size], "big")
        at = 2 + size
    if at + length > len(data):
        raise ValueError("the element is cut")
    return tag, data[at : at + length], data[at + length :]


def _demand(tag: int, wanted: int) -> None:
    if tag != wanted:
        raise ValueError("this is no certificate")
