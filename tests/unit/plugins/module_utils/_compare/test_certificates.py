# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st
from support.thoroughness import examples

from ansible_collections.ucops.recovery.plugins.module_utils._compare import certificates as c
from ansible_collections.ucops.recovery.plugins.module_utils._compare.findings import Rules

NOW = datetime(2026, 6, 1, tzinfo=timezone.utc)
KEY = Ed25519PrivateKey.generate()


def made(days, name="sip.example"):
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(subject, subject, KEY.public_key(), 7).not_valid_before(NOW - timedelta(9999))
    return builder.not_valid_after(NOW + timedelta(days)).sign(KEY, None)


def pem(days, name="sip.example"):
    return made(days, name).public_bytes(Encoding.PEM)


@pytest.mark.parametrize("days", [-3, 0, 40, 365 * 40])
def test_the_end_and_the_fingerprint_are_those_of_the_certificate(days):
    """Behind 2049 the end is written in another way."""
    certificate = made(days)
    for content in (certificate.public_bytes(Encoding.PEM), certificate.public_bytes(Encoding.DER)):
        all_found = list(c.certificates({b"/etc/a.pem": content}).values())
        assert len(all_found) == 1
        found = all_found[0]
        assert found.not_after == NOW + timedelta(days)
        assert found.fingerprint == certificate.fingerprint(SHA256()).hex()


def test_which_files_are_looked_at():
    files = {
        b"/a.pem": b"key comes first\n" + pem(1) + pem(2),
        b"/b.CRT": pem(3),
        b"/c.txt": pem(4),
        b"/roots.pem": pem(5) * (c.MOST_IN_A_FILE + 1),
        b"/key.pem": b"-----BEGIN PRIVATE KEY-----\nMAo=\n-----END PRIVATE KEY-----\n",
        b"/large.pem": pem(6) + b"\n" * c.LARGEST,
        b"/bad\x1b[2J.pem": pem(7),
    }
    assert list(c.certificates(files)) == ["/a.pem", "/a.pem (2)", "/b.CRT", "/bad%1B[2J.pem"]


def test_what_changed_is_told_by_fingerprint_and_end():
    sides = [c.certificates({b"/a.pem": pem(days)}) for days in (10, 500)]
    (change,) = c.certificate_changes(*sides)
    assert (change.kind, change.object, change.action) == ("certificate", "/a.pem", "changed")
    assert change.before.endswith("until 2026-06-11") and change.after.endswith("until 2027-10-14")
    assert c.certificate_changes(sides[0], sides[0]) == []


@pytest.mark.parametrize(
    ("days", "wanted"),
    [
        (-1, [("high", "certificate_ended", "/a.pem ended on 2026-05-31")]),
        (0, [("high", "certificate_ended", "/a.pem ended on 2026-06-01")]),
        (29, [("medium", "certificate_ends", "/a.pem ends on 2026-06-30, in 29 days")]),
        (30, []),
    ],
)
def test_which_end(days, wanted):
    told = c.ending(c.certificates({b"/a.pem": pem(days)}), NOW, Rules())
    assert [(one.grade, one.rule, one.text) for one in told] == wanted


@settings(max_examples=examples(60), deadline=None)
@given(st.integers(0, 400), st.binary(max_size=3))
def test_a_broken_certificate_is_none_and_breaks_nothing(at, other):
    der = made(9).public_bytes(Encoding.DER)
    at = min(at, len(der))
    c.certificates({b"/a.cer": der[:at] + other + der[at + 1 :], b"/b.cer": der[:at]})
