# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets that show themselves by their form: keys, hashes, passwords inside of URLs, fields of well-known files."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .mask import pattern
from .tables import Span

private_keys = pattern(
    r"-----BEGIN (?P<kind>[A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?|OpenVPN Static key V1)-----"
    r"(?P<secret>.*?)(?:-----END (?P=kind)-----|\Z)",
    re.DOTALL,
)
age_identities = pattern(r"(?P<secret>AGE-SECRET-KEY-1[0-9A-Za-z]+)")
password_hashes = pattern(
    r"(?P<secret>\$(?:1|2[abxy]?|5|6|7|y|gy|md5|sha1|apr1|argon2(?:id|i|d)|scrypt|pbkdf2[\w-]*)\$[^\s:'\"<>,]+"
    r"|\{(?:S?SHA\d*|S?MD5|CRYPT|PBKDF2[\w-]*|ARGON2\w*)\}[^\s'\"<>,]+)",
    re.IGNORECASE,
)
authorization_headers = pattern(r"\b(?:Basic|Bearer)\s+(?P<secret>[A-Za-z0-9+/=._~-]{8,})")
sql_passwords = pattern(
    r"\b(?:identified\s+(?:\w+\s+){0,3}?(?:by|as)|password)\s*(?:password\s*)?\(?\s*"
    r"'(?P<secret>[^'\\]*(?:(?:\\.|'')[^'\\]*)*)'",
    re.DOTALL | re.IGNORECASE,
)
first_password_field = pattern(r"^[^:\n]*:(?![x*!]*:)(?P<secret>[^:\n]+)", re.MULTILINE)
"""passwd and group: what stands behind the first colon, unless it is only a mark."""
third_field = pattern(
    r"^[ \t]*(?:\"[^\"\n]*\"|[^\s#\"]\S*)[ \t]+(?:\"[^\"\n]*\"|\S+)[ \t]+(?P<secret>\"[^\"\n]*\"|\S+)",
    re.MULTILINE,
)
"""chap-secrets, ntp.keys, chrony.keys."""
snmp_users = pattern(
    r"^[ \t]*(?:createUser|usmUser|com2sec6?|trap2?sink|informsink|proxy)[ \t]+(?P<secret>[^\n]*\S)",
    re.MULTILINE | re.IGNORECASE,
)
interface_keys = pattern(r"^[ \t]*[\w-]*key\d*[ \t]+(?P<secret>\S[^\n]*)", re.MULTILINE | re.IGNORECASE)


# --- URLs ------------------------------------------------------------------------------------------------------------
_SCHEME = re.compile(r"[A-Za-z0-9+.-]://")
_SIP = re.compile(r"\bsips?:(?!//)", re.IGNORECASE)
_REGION = {
    '"': re.compile(r"(?:[^\"\\\n]|\\[^\n])*"),
    "'": re.compile(r"(?:[^'\\\n]|\\[^\n])*"),
    "": re.compile(r"\S*"),
}


def url_passwords(text: str) -> Iterator[Span]:
    """``scheme://user:password@host``: up to the last @ of the quoted text or word, as database clients read it."""
    for found in _SCHEME.finditer(text):
        yield from _between_colon_and_at(text, found.end())


def sip_passwords(text: str) -> Iterator[Span]:
    """``sip:user:password@host``."""
    for found in _SIP.finditer(text):
        yield from _between_colon_and_at(text, found.end())


def _between_colon_and_at(text: str, start: int) -> Iterator[Span]:
    before = text[max(text.rfind("\n", 0, start) + 1, start - 1024) : start]
    quote = next((mark for mark in "\"'" if before.count(mark) % 2), "")
    region = _REGION[quote].match(text, start)
    end = region.end() if region else start
    colon = text.find(":", start, end)
    at = text.rfind("@", start, end)
    if start < colon < at:
        yield colon + 1, at


# --- cloud-init ------------------------------------------------------------------------------------------------------
_CHPASSWD = re.compile(r"^(?P<indent>[ ]*)chpasswd:[^\n]*\n", re.MULTILINE)
_CHPASSWD_LINE = re.compile(
    r"^[ \t]*(?:-[ \t]*)?[\"']?(?!(?:list|users|expire|name|type)\b)[\w.-]+:[ \t]*(?P<secret>\S[^\n]*)",
    re.MULTILINE,
)


def cloud_init_passwords(text: str) -> Iterator[Span]:
    """The ``user:password`` lines of a chpasswd block."""
    for found in _CHPASSWD.finditer(text):
        end = end_of_block(text, found.end(), len(found["indent"]))
        for line in _CHPASSWD_LINE.finditer(text, found.end(), end):
            yield line.span("secret")


def end_of_block(text: str, at: int, indent: int) -> int:
    """Where a YAML block that stands deeper than ``indent`` spaces and begins with the line at ``at`` ends."""
    while at < len(text):
        stop = text.find("\n", at)
        stop = len(text) if stop < 0 else stop + 1
        line = text[at:stop]
        if line.strip() and len(line) - len(line.lstrip(" ")) <= indent:
            break
        at = stop
    return at
