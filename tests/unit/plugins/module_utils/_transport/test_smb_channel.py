# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Encrypted requests and answers: what is sent, in which order answers may come, and what is refused."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM

from ansible_collections.ucops.recovery.plugins.module_utils._errors import ConnectionFailed, ConnectionLost
from ansible_collections.ucops.recovery.plugins.module_utils._transport import smb_messages as smb
from ansible_collections.ucops.recovery.plugins.module_utils._transport.smb_channel import Channel
from ansible_collections.ucops.recovery.plugins.module_utils._transport.smb_login import Login

OURS, THEIRS = b"k" * 16, b"d" * 16
SESSION = 0x1122334455667788
PENDING = 0x103


class Line:
    """A wire whose other end is the test."""

    host = "windows.example"

    def __init__(self, cipher: str) -> None:
        self.cipher = cipher
        self.sent: list[bytes] = []
        self.coming: list[bytes] = []
        self.closed = False

    def put(self, *parts: bytes) -> None:
        self.sent.append(b"".join(parts))

    def message(self, deadline: float | None = None) -> bytearray:
        if not self.coming:
            raise ConnectionLost("The SMB connection broke", host=self.host)
        return bytearray(self.coming.pop(0))

    def gone(self) -> bool:
        return False

    def close(self) -> None:
        self.closed = True

    def opened(self, number: int = -1) -> bytes:
        """What the client sent, decrypted."""
        sealed = self.sent[number]
        assert sealed[:4] == b"\xfdSMB" and sealed[36:40] == len(sealed[52:]).to_bytes(4, "little")
        key, nonce = (AESGCM(OURS), sealed[20:32]) if self.cipher == "GCM" else (AESCCM(OURS), sealed[20:31])
        return key.decrypt(nonce, sealed[52:] + sealed[4:20], sealed[20:52])

    def answer(self, *answers: bytes, key: bytes = THEIRS) -> None:
        """Let the server say something, as one compound."""
        self.coming.append(seal(self.cipher, b"".join(answers), key))


def seal(cipher: str, plain: bytes, key: bytes) -> bytes:
    size = 12 if cipher == "GCM" else 11
    nonce = b"n" * size
    rest = nonce.ljust(16, b"\0") + struct.pack("<IHHQ", len(plain), 0, 1, SESSION)
    sealed = (AESGCM if cipher == "GCM" else AESCCM)(key).encrypt(nonce, plain, rest)
    return b"\xfdSMB" + sealed[-16:] + rest + sealed[:-16]


def said(number: int, status: int = 0, *, credits: int = 1, flags: int = 1, following: int = 0) -> bytes:
    packed = smb.HEADER.pack(b"\xfeSMB", 64, 1, status, 6, credits, flags, following, number, 0, 1, SESSION, bytes(16))
    return (packed + b"\4\0\0\0").ljust(following, b"\0")


@pytest.fixture(params=["GCM", "CCM"])
def line(request: pytest.FixtureRequest) -> Line:
    return Line(request.param)


def channel(line: Line, credits: int = 20) -> Channel:
    login = Login(SESSION, line.cipher, OURS, THEIRS, 4, credits, 2**20, 2**20, 2**20, None, b"")
    return Channel(line, login)  # type: ignore[arg-type]


def numbers(plain: bytes) -> list[tuple[int, int, int, int]]:
    """Command, message id, flags and distance to the next one, of every request in a compound."""
    found, at = [], 0
    while True:
        header = smb.HEADER.unpack_from(plain, at)
        found.append((header[4], header[8], header[6], header[7]))
        if not header[7]:
            return found
        at += header[7]


def test_a_compound_is_aligned_numbered_and_related(line: Line) -> None:
    one = channel(line)
    messages = [smb.create("abc", 1), smb.read(200_000, 0), smb.close()]
    one.submit(7, messages)
    one.submit(7, [smb.flush()])
    plain = line.opened(0)
    found = numbers(plain)
    assert [each[:3] for each in found] == [(smb.CREATE, 4, 0), (smb.READ, 5, 4), (smb.CLOSE, 9, 4)]
    assert all(each[3] % 8 == 0 for each in found)
    assert smb.HEADER.unpack_from(plain)[10:12] == (7, SESSION)
    assert numbers(line.opened(1))[0][1] == 10
    assert line.sent[0][20:36] != line.sent[1][20:36]


def test_answers_find_their_requests_in_any_order_and_company(line: Line) -> None:
    one = channel(line)
    first, second = one.submit(1, [smb.flush(), smb.flush()]), one.submit(1, [smb.flush()])
    line.answer(said(6, 0xC0000022))
    line.answer(said(5, PENDING, flags=3))
    line.answer(said(2**64 - 1, flags=1))
    line.answer(said(5, following=72), said(4, 0xC0000034))
    assert [answer.status for answer in one.collect(first)] == [0xC0000034, 0]
    assert [answer.status for answer in one.collect(second)] == [0xC0000022]
    assert bytes(one.collect(one_more(one, line))[0].body) == b"\4\0\0\0"


def one_more(one: Channel, line: Line) -> object:
    ticket = one.submit(1, [smb.flush()])
    line.answer(said(7))
    return ticket


def test_answers_that_nobody_wants_are_dropped(line: Line) -> None:
    one = channel(line)
    ticket = one.submit(1, [smb.flush()])
    one.forget(ticket)
    other = one.submit(1, [smb.flush()])
    line.answer(said(4))
    line.answer(said(5))
    assert len(one.collect(other)) == 1 and not ticket.answers and not one._waiting


def test_all_is_answered_before_a_shadow_copy_goes(line: Line) -> None:
    """Also what nobody wants any more: a handle that is still open in one makes Samba 4.17 end the connection."""
    one = channel(line)
    for number in (4, 5):
        one.forget(one.submit(1, [smb.close(b"h" * 16)]))
        line.answer(said(number))
    one.settle(2**31)
    assert not line.coming and not one.broken
    one.settle(2**31)
    one.submit(1, [smb.close(b"h" * 16)])
    with pytest.raises(ConnectionLost):
        one.settle(2**31)


def test_who_has_no_credits_waits_for_some(line: Line) -> None:
    one = channel(line, credits=2)
    first = one.submit(1, [smb.flush(), smb.flush()])
    line.answer(said(4, credits=0, following=72), said(5, credits=3))
    one.submit(1, [smb.read(3 * 65536, 0, bytes(16))])
    assert len(line.sent) == 2 and len(one.collect(first)) == 2
    with pytest.raises(ConnectionFailed):
        one.submit(1, [smb.flush()])


def test_a_server_that_grants_nothing(line: Line) -> None:
    with pytest.raises(ConnectionFailed, match="too few SMB credits"):
        channel(line, credits=1).submit(1, [smb.read(2**20, 0, bytes(16))])


def changed(message: bytes, at: int) -> bytes:
    return message[:at] + bytes((message[at] ^ 1,)) + message[at + 1 :]


@pytest.mark.parametrize("at", [4, 21, 36, 44, 60, -1])
def test_a_changed_answer_is_refused(line: Line, at: int) -> None:
    sealed = seal(line.cipher, said(4), THEIRS)
    refused(line, changed(sealed, at % len(sealed)), "changed on the way")


def test_another_key_is_refused(line: Line) -> None:
    refused(line, seal(line.cipher, said(4), OURS), "changed on the way")


@pytest.mark.parametrize("message", [b"", said(4), b"\xfdSMB", b"\xfdSMB" + bytes(60), b"\xfcSMB" + bytes(200)])
def test_what_is_not_encrypted_is_refused(line: Line, message: bytes) -> None:
    refused(line, message, "without encryption|changed on the way")


@pytest.mark.parametrize(
    ("plain", "story"),
    [
        (said(99), "not asked"),
        (said(4, flags=0), "no SMB"),
        (b"\xffSMB" + said(4)[4:], "no SMB"),
        (said(4, following=8), "no SMB"),
        (said(4, following=4096)[:100], "no SMB"),
    ],
)
def test_an_encrypted_lie_is_refused(line: Line, plain: bytes, story: str) -> None:
    refused(line, seal(line.cipher, plain, THEIRS), story)


def refused(line: Line, message: bytes, story: str) -> None:
    one = channel(line)
    ticket = one.submit(1, [smb.flush()])
    line.coming.append(message)
    with pytest.raises(ConnectionFailed, match=story) as caught:
        one.collect(ticket)
    assert one.broken and line.closed and caught.value.host == line.host
    with pytest.raises(ConnectionLost):
        one.submit(1, [smb.flush()])


@pytest.mark.parametrize("status", [0xC00000C9, 0xC0000203, 0xC000035C])
def test_a_session_that_ended_breaks_the_channel(line: Line, status: int) -> None:
    one = channel(line)
    ticket = one.submit(1, [smb.flush()])
    line.answer(said(4, status))
    with pytest.raises(ConnectionLost):
        one.collect(ticket)
    assert one.broken


def test_keys_show_nowhere(line: Line) -> None:
    login = channel(line)._login
    assert repr(OURS) not in repr(login) and repr(THEIRS) not in repr(login)


def test_no_nonce_twice(line: Line) -> None:
    one = channel(line, credits=500)
    for _number in range(300):
        one.submit(1, [smb.flush()])
    nonces: Sequence[bytes] = [sent[20:36] for sent in line.sent]
    assert len(set(nonces)) == 300
