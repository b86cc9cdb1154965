# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The SFTP reader against answers that OpenSSH never gives; the honest ones are in test_ssh.py."""

from __future__ import annotations

import struct

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import ConnectionLost
from ansible_collections.ucops.recovery.plugins.module_utils._transport.sftp import BLOCK, Duplex, Sftp


def packet(kind: int, body: bytes) -> bytes:
    return struct.pack(">IB", len(body) + 1, kind) + body


def text(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value


VERSION = packet(2, struct.pack(">I", 3))


class Scripted(Duplex):
    """Answers each request by a function of its kind, id and body."""

    def __init__(self, answer, greeting=VERSION):
        self._answer = answer
        self._out = bytearray(greeting)

    def send(self, data):
        kind, number = data[4], int.from_bytes(data[5:9], "big")
        if kind != 1:
            self._out += self._answer(kind, number, data[9:])

    def receive(self, size):
        if not self._out:
            raise ConnectionLost("ended")
        head = bytes(self._out[:size])
        del self._out[:size]
        return head


def serving(content: bytes, most: int = BLOCK):
    def answer(kind, number, body):
        head = struct.pack(">I", number)
        if kind == 3:
            return packet(102, head + text(b"h"))
        if kind == 5:
            offset, length = struct.unpack(">QI", body[5:])
            data = content[offset : offset + min(length, most)]
            return packet(103, head + text(data)) if data else packet(101, head + struct.pack(">I", 1))
        return packet(101, head + struct.pack(">I", 0))

    return answer


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 40 * BLOCK + 7])
@pytest.mark.parametrize("most", [BLOCK, 1000 + BLOCK // 2])
def test_a_file_comes_whole_even_in_short_blocks(size, most):
    content = bytes(n % 251 for n in range(size))
    assert b"".join(Sftp(Scripted(serving(content, most)), "pbx").read_file(b"/x")) == content


def test_answers_in_another_order_are_sorted_out():
    waiting = []

    def answer(kind, number, body):
        waiting.append(serving(b"x" * 100_000)(kind, number, body))
        if kind == 5 and len(waiting) < 16:
            return b""
        out = b"".join(reversed(waiting))
        waiting.clear()
        return out

    chunks = Sftp(Scripted(answer), "pbx").read_file(b"/x")
    assert next(chunks) == b"x" * BLOCK


def test_an_error_in_the_middle_is_an_error():
    def answer(kind, number, body):
        if kind == 5 and struct.unpack(">QI", body[5:])[0] > 0:
            return packet(101, struct.pack(">II", number, 4))
        return serving(b"x" * 100_000)(kind, number, body)

    with pytest.raises(OSError, match="Input/output error"):
        list(Sftp(Scripted(answer), "pbx").read_file(b"/x"))


@pytest.mark.parametrize(
    "greeting",
    [b"This account is closed.\n" * 3, packet(101, b""), struct.pack(">I", 2**31), b"\0\0\0\0"],
    ids=["text", "no version", "too large", "empty"],
)
def test_what_is_no_sftp_is_told(greeting):
    with pytest.raises(ConnectionLost):
        Sftp(Scripted(None, greeting), "pbx")


def test_a_broken_answer_is_told():
    with pytest.raises(ConnectionLost, match="pbx: The host does not speak SFTP"):
        Sftp(
            Scripted(lambda kind, number, body: packet(104, struct.pack(">III", number, 1, 500) + b"x")), "pbx"
        ).read_link(b"/x")
