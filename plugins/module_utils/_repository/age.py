# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sealing: the age format, version 1 (https://age-encryption.org/v1), with X25519 recipients and with passphrases.

A sealed object is a header, which wraps a random file key for each recipient, a nonce of 16 bytes, and the payload in
chunks of 64 KiB, each authenticated. The header can be unwrapped elsewhere: whoever is given the file key reads the
payload, and nothing else.
"""

from __future__ import annotations

import base64
import binascii
import functools
import hmac
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO, Union

from .._errors import OptionInvalid, RepositoryDamaged, RepositoryError, WrongKey
from . import bech32

try:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
except ImportError:
    # _libraries.require tells the user
    pass

Buffer = Union[bytes, bytearray, memoryview]

FILE_KEY_SIZE = 16
NONCE_SIZE = 16
CHUNK_SIZE = 64 * 1024
TAG_SIZE = 16
SEALED_CHUNK_SIZE = CHUNK_SIZE + TAG_SIZE
WORK_FACTOR = 17
"""Default cost of a passphrase: scrypt with N = 2^17, about 0.4 s and 128 MiB."""
MAX_WORK_FACTOR = 22
MAX_HEADER_SIZE = 256 * 1024

_VERSION_LINE = b"age-encryption.org/v1\n"
_RECIPIENT_PREFIX = "age"
_IDENTITY_PREFIX = "age-secret-key-"
_X25519_LABEL = b"age-encryption.org/v1/X25519"
_SCRYPT_LABEL = b"age-encryption.org/v1/scrypt"
_SALT_SIZE = 16
_WRAPPED_SIZE = FILE_KEY_SIZE + TAG_SIZE
_BODY_COLUMNS = 64
_ZERO_NONCE = bytes(12)
_ARGUMENT = re.compile(rb"[\x21-\x7e]+")
_WORK_FACTOR_TEXT = re.compile(r"[1-9][0-9]{0,2}")
_READ_CHUNKS = 16
_READ_SIZE = _READ_CHUNKS * SEALED_CHUNK_SIZE


def _hkdf(key: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt, info).derive(key)


def _to_base64(data: bytes) -> bytes:
    return base64.b64encode(data).rstrip(b"=")


def _from_base64(text: bytes) -> bytes:
    """Strict: the standard alphabet, no padding characters, no stray bits."""
    try:
        data = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise RepositoryDamaged("The sealed header holds text that is not Base64") from None
    if _to_base64(data) != text:
        raise RepositoryDamaged("The sealed header holds Base64 text that is not canonical")
    return data


# --- keys ------------------------------------------------------------------------------------------------------------
class X25519Identity:
    """An age identity: what opens sealed objects. Its text form is ``AGE-SECRET-KEY-1...``."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != 32:
            raise OptionInvalid("An age identity has 32 bytes")
        self.secret = secret
        self._private = X25519PrivateKey.from_private_bytes(secret)
        self._public = self._private.public_key().public_bytes_raw()
        self.recipient = bech32.encode(_RECIPIENT_PREFIX, self._public)

    @classmethod
    def generate(cls) -> X25519Identity:
        """A new random identity."""
        return cls(os.urandom(32))

    @classmethod
    def parse(cls, text: str) -> X25519Identity:
        """The identity of a text ``AGE-SECRET-KEY-1...``. Raises OptionInvalid, which never repeats the text."""
        text = text.strip()
        try:
            prefix, secret = bech32.decode(text)
        except ValueError as error:
            raise OptionInvalid(f"This is not an age identity: {error}") from None
        if prefix != _IDENTITY_PREFIX or text != text.upper() or len(secret) != 32:
            raise OptionInvalid("This is not an age identity (AGE-SECRET-KEY-1...)")
        return cls(secret)

    @property
    def text(self) -> str:
        """The secret text form, ``AGE-SECRET-KEY-1...``."""
        return bech32.encode(_IDENTITY_PREFIX, self.secret).upper()

    def __repr__(self) -> str:
        return f"X25519Identity({self.recipient})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, X25519Identity) and hmac.compare_digest(self.secret, other.secret)

    def __hash__(self) -> int:
        return hash(self.recipient)

    def _unwrap(self, share: bytes, wrapped: bytes) -> bytes | None:
        try:
            secret = self._private.exchange(X25519PublicKey.from_public_bytes(share))
        except ValueError:
            raise RepositoryDamaged("The sealed header holds a key share of low order") from None
        return _open_wrapped(_hkdf(secret, share + self._public, _X25519_LABEL), wrapped)


def identities_from_text(text: str) -> list[X25519Identity]:
    """All identities of an age identity file, in order, without empty lines and ``#`` lines. Raises OptionInvalid."""
    lines = (line.strip() for line in text.splitlines())
    return [X25519Identity.parse(line) for line in lines if line and not line.startswith("#")]


@functools.lru_cache(maxsize=256)
def recipient_bytes(recipient: str) -> bytes:
    """The 32 public bytes of a recipient ``age1...``. Raises OptionInvalid on anything that is none."""
    try:
        prefix, public = bech32.decode(recipient)
    except ValueError as error:
        raise OptionInvalid(f"{recipient[:80]!r} is not an age recipient: {error}") from None
    if prefix != _RECIPIENT_PREFIX or recipient != recipient.lower() or len(public) != 32:
        raise OptionInvalid(f"{recipient[:80]!r} is not an age X25519 recipient (age1...)")
    return public


# --- the header ------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Stanza:
    """One wrapped file key: the kind of recipient, its arguments, and the wrapped bytes."""

    kind: str
    arguments: tuple[str, ...]
    body: bytes

    def to_bytes(self) -> bytes:
        """The stanza as it stands in the header."""
        body = _to_base64(self.body)
        lines = [" ".join(("->", self.kind) + self.arguments).encode("ascii")]
        lines += [body[start : start + _BODY_COLUMNS] for start in range(0, len(body) + 1, _BODY_COLUMNS)]
        return b"\n".join(lines) + b"\n"


@dataclass(frozen=True)
class Header:
    """A parsed header. ``raw`` is all of its bytes, so the payload's nonce begins at ``length``."""

    stanzas: tuple[Stanza, ...]
    mac: bytes
    raw: bytes

    @property
    def length(self) -> int:
        """Bytes of the header, which is the offset of the payload."""
        return len(self.raw)


def _mac(file_key: bytes, authenticated: bytes) -> bytes:
    return hmac.digest(_hkdf(file_key, b"", b"header"), authenticated, "sha256")


def _finish_header(file_key: bytes, stanzas: Sequence[Stanza]) -> bytes:
    text = _VERSION_LINE + b"".join(stanza.to_bytes() for stanza in stanzas) + b"---"
    return text + b" " + _to_base64(_mac(file_key, text)) + b"\n"


def _wrap(key: bytes, file_key: bytes) -> bytes:
    return ChaCha20Poly1305(key).encrypt(_ZERO_NONCE, file_key, None)


def _open_wrapped(key: bytes, wrapped: bytes) -> bytes | None:
    try:
        return ChaCha20Poly1305(key).decrypt(_ZERO_NONCE, wrapped, None)
    except InvalidTag:
        return None


def new_file_key() -> bytes:
    """A random file key, 16 bytes."""
    return os.urandom(FILE_KEY_SIZE)


def seal_header(file_key: bytes, recipients: Sequence[str]) -> bytes:
    """A header that wraps ``file_key`` for every recipient ``age1...``. Raises OptionInvalid on none or a bad one."""
    if not recipients:
        raise OptionInvalid("Nothing can be sealed without a recipient")
    stanzas = []
    for recipient in recipients:
        public = recipient_bytes(recipient)
        ephemeral = X25519PrivateKey.generate()
        share = ephemeral.public_key().public_bytes_raw()
        try:
            secret = ephemeral.exchange(X25519PublicKey.from_public_bytes(public))
        except ValueError:
            raise OptionInvalid(f"{recipient!r} is a recipient of low order, which protects nothing") from None
        wrapped = _wrap(_hkdf(secret, share + public, _X25519_LABEL), file_key)
        stanzas.append(Stanza("X25519", (_to_base64(share).decode("ascii"),), wrapped))
    return _finish_header(file_key, stanzas)


def _scrypt(passphrase: bytes, salt: bytes, work_factor: int) -> bytes:
    try:
        return Scrypt(salt=_SCRYPT_LABEL + salt, length=32, n=1 << work_factor, r=8, p=1).derive(passphrase)
    except MemoryError:
        raise RepositoryError(
            f"This machine has not enough memory for a passphrase of work factor {work_factor}",
            hint=f"It needs {(1 << work_factor) // 1024} MiB.",
        ) from None


def seal_header_scrypt(file_key: bytes, passphrase: bytes, work_factor: int = WORK_FACTOR) -> bytes:
    """A header that wraps ``file_key`` with a passphrase; the cost of a guess is 2^``work_factor`` (1 to 22)."""
    if not 1 <= work_factor <= MAX_WORK_FACTOR:
        raise OptionInvalid(f"A work factor is between 1 and {MAX_WORK_FACTOR}")
    salt = os.urandom(_SALT_SIZE)
    wrapped = _wrap(_scrypt(passphrase, salt, work_factor), file_key)
    stanza = Stanza("scrypt", (_to_base64(salt).decode("ascii"), str(work_factor)), wrapped)
    return _finish_header(file_key, [stanza])


def _header_bytes(stream: BinaryIO) -> bytes:
    data = bytearray()
    while len(data) < MAX_HEADER_SIZE:
        block = stream.read(4096)
        if not block:
            break
        data += block
        footer = data.find(b"\n---")
        if footer >= 0 and data.find(b"\n", footer + 1) >= 0:
            break
    return bytes(data)


def parse_header(source: bytes | BinaryIO) -> Header:
    """The header at the beginning of a sealed object, given as bytes or as a stream that is read for a little more than
    the header. Nothing of it is authenticated before :func:`unwrap`. Raises RepositoryDamaged."""
    data = source if isinstance(source, bytes) else _header_bytes(source)
    if not data.startswith(_VERSION_LINE):
        raise RepositoryDamaged("This is not a sealed object (age, version 1)")
    position = len(_VERSION_LINE)
    stanzas: list[Stanza] = []

    def next_line() -> bytes:
        nonlocal position
        end = data.find(b"\n", position, MAX_HEADER_SIZE)
        if end < 0:
            raise RepositoryDamaged("The sealed header ends before its end, or is too long")
        line = data[position:end]
        position = end + 1
        return line

    while True:
        line = next_line()
        if line.startswith(b"---"):
            if line[3:4] != b" ":
                raise RepositoryDamaged("The sealed header has a broken last line")
            mac = _from_base64(line[4:])
            if len(mac) != 32:
                raise RepositoryDamaged("The sealed header has a MAC of the wrong length")
            break
        words = line.split(b" ")
        if words[0] != b"->" or len(words) < 2 or not all(_ARGUMENT.fullmatch(word) for word in words[1:]):
            raise RepositoryDamaged("The sealed header has a broken recipient line")
        body = []
        while True:
            line = next_line()
            if len(line) > _BODY_COLUMNS:
                raise RepositoryDamaged("The sealed header has a line that is too long")
            body.append(line)
            if len(line) < _BODY_COLUMNS:
                break
        kind, *arguments = (word.decode("ascii") for word in words[1:])
        stanzas.append(Stanza(kind, tuple(arguments), _from_base64(b"".join(body))))
    if not stanzas:
        raise RepositoryDamaged("The sealed header names no recipient")
    if len(stanzas) > 1 and any(stanza.kind == "scrypt" for stanza in stanzas):
        raise RepositoryDamaged("The sealed header mixes a passphrase with other recipients")
    return Header(tuple(stanzas), mac, data[:position])


def check_mac(header: Header, file_key: bytes) -> bytes:
    """The file key again. Raises RepositoryDamaged when it is not that of this very header."""
    authenticated = header.raw[: header.raw.rindex(b"\n--- ") + 4]
    if not hmac.compare_digest(_mac(file_key, authenticated), header.mac):
        raise RepositoryDamaged("The sealed header was changed: its MAC does not fit")
    return file_key


def unwrap(header: Header, identities: Sequence[X25519Identity]) -> bytes:
    """The file key of a header. Raises WrongKey when none of the identities opens it, RepositoryDamaged when it was
    changed."""
    shares = []
    for stanza in header.stanzas:
        if stanza.kind != "X25519":
            continue
        share = _from_base64(stanza.arguments[0].encode("ascii")) if len(stanza.arguments) == 1 else b""
        if len(share) != 32 or len(stanza.body) != _WRAPPED_SIZE:
            raise RepositoryDamaged("The sealed header has a broken X25519 recipient")
        shares.append((share, stanza.body))
    for share, wrapped in shares:
        for identity in identities:
            file_key = identity._unwrap(share, wrapped)
            if file_key is not None:
                return check_mac(header, file_key)
    raise WrongKey("None of the identities at hand opens this sealed object")


def unwrap_scrypt(header: Header, passphrase: bytes, max_work_factor: int = MAX_WORK_FACTOR) -> bytes:
    """The file key of a header that was sealed with a passphrase. Raises WrongKey, or RepositoryDamaged when the header
    is broken or would cost more than 2^``max_work_factor``."""
    stanza = header.stanzas[0]
    if stanza.kind != "scrypt":
        raise WrongKey("This object was not sealed with a passphrase")
    if len(stanza.arguments) != 2 or len(stanza.body) != _WRAPPED_SIZE:
        raise RepositoryDamaged("The sealed header has a broken passphrase recipient")
    salt = _from_base64(stanza.arguments[0].encode("ascii"))
    if len(salt) != _SALT_SIZE or not _WORK_FACTOR_TEXT.fullmatch(stanza.arguments[1]):
        raise RepositoryDamaged("The sealed header has a broken passphrase recipient")
    work_factor = int(stanza.arguments[1])
    if work_factor > max_work_factor:
        raise RepositoryDamaged(f"The sealed header asks for a work factor of {work_factor} (limit: {max_work_factor})")
    file_key = _open_wrapped(_scrypt(passphrase, salt, work_factor), stanza.body)
    if file_key is None:
        raise WrongKey("The passphrase does not open this")
    return check_mac(header, file_key)


# --- the payload -----------------------------------------------------------------------------------------------------
def _nonce(index: int, last: bool) -> bytes:
    return (index << 8 | last).to_bytes(12, "big")


class PayloadWriter:
    """Seals a payload of any length in constant memory. Writes the nonce at once; :meth:`close` writes the last chunk.

    ``write`` takes the sealed bytes in order. A writer that was not closed leaves a payload that no reader accepts.
    """

    def __init__(self, file_key: bytes, write: Callable[[bytes], object]) -> None:
        nonce = os.urandom(NONCE_SIZE)
        self._cipher = ChaCha20Poly1305(_hkdf(file_key, nonce, b"payload"))
        self._write = write
        self._index = 0
        self._held = bytearray()
        self._closed = False
        write(nonce)

    def write(self, data: Buffer) -> None:
        """Seal some more bytes."""
        if self._closed:
            raise ValueError("write to a closed payload")
        view = memoryview(data).cast("B")
        if self._held:
            room = CHUNK_SIZE - len(self._held)
            self._held += view[:room]
            view = view[room:]
            if not view:
                return
            self._seal(self._held, False)
            self._held.clear()
        # a whole chunk is held back until more follows, because the last one is marked
        start = 0
        while len(view) - start > CHUNK_SIZE:
            self._seal(view[start : start + CHUNK_SIZE], False)
            start += CHUNK_SIZE
        self._held += view[start:]

    def close(self) -> None:
        """Seal the last chunk. A second call does nothing."""
        if not self._closed:
            self._closed = True
            self._seal(self._held, True)

    def _seal(self, chunk: Buffer, last: bool) -> None:
        self._write(self._cipher.encrypt(_nonce(self._index, last), chunk, None))
        self._index += 1


class PayloadReader:
    """Reads a sealed payload, in order with :meth:`chunks` or anywhere with :meth:`read_at`.

    ``fileobj`` is seekable; the payload (nonce and chunks) begins at ``offset`` and has ``length`` bytes. Every byte
    that is handed out was authenticated. Whatever is wrong raises RepositoryDamaged.
    """

    def __init__(self, file_key: bytes, fileobj: BinaryIO, offset: int, length: int) -> None:
        if length < NONCE_SIZE:
            raise RepositoryDamaged("The sealed payload ends within its nonce")
        fileobj.seek(offset)
        nonce = fileobj.read(NONCE_SIZE)
        if len(nonce) != NONCE_SIZE:
            raise RepositoryDamaged("The sealed payload ends within its nonce")
        self._cipher = ChaCha20Poly1305(_hkdf(file_key, nonce, b"payload"))
        # older libraries cannot
        self._decrypt_into: Callable[..., object] | None = getattr(self._cipher, "decrypt_into", None)
        self._file = fileobj
        self._start = offset + NONCE_SIZE
        self._sealed = length - NONCE_SIZE
        self._count = -(-self._sealed // SEALED_CHUNK_SIZE)
        self._end_checked = False

    @property
    def size(self) -> int:
        """Bytes of the clear payload, authenticated by opening its last chunk once."""
        if not self._end_checked:
            last_size = self._sealed - (self._count - 1) * SEALED_CHUNK_SIZE
            if not self._sealed or last_size < TAG_SIZE or (last_size == TAG_SIZE and self._count > 1):
                raise RepositoryDamaged("The sealed payload does not end where a payload can end")
            start = (self._count - 1) * SEALED_CHUNK_SIZE
            self._file.seek(self._start + start)
            self._open_numbered(_read_exactly(self._file, self._sealed - start), self._count - 1)
            self._end_checked = True
        return self._sealed - self._count * TAG_SIZE

    def read_at(self, position: int, count: int) -> bytes:
        """``count`` clear bytes from ``position`` on, fewer at the end."""
        if position < 0 or count < 0:
            raise ValueError("negative position or count")
        data = bytearray(max(0, min(position + count, self.size) - position))
        if data:
            self.read_into(position, memoryview(data))
        return bytes(data)

    def read_into(self, position: int, room: memoryview) -> None:
        """Fill the room with the clear bytes from ``position`` on, which must be there."""
        if position + len(room) > self.size:
            raise RepositoryDamaged("The sealed payload is cut off")
        first, end = position // CHUNK_SIZE, -(-(position + len(room)) // CHUNK_SIZE)
        filled = first * CHUNK_SIZE - position
        for begin in range(first, end, _READ_CHUNKS):
            count = min(_READ_CHUNKS, end - begin)
            start = begin * SEALED_CHUNK_SIZE
            self._file.seek(self._start + start)
            sealed = memoryview(_read_exactly(self._file, min(count * SEALED_CHUNK_SIZE, self._sealed - start)))
            for at in range(count):
                chunk = sealed[at * SEALED_CHUNK_SIZE : (at + 1) * SEALED_CHUNK_SIZE]
                clear_size = len(chunk) - TAG_SIZE
                if filled >= 0 and filled + clear_size <= len(room):
                    self._open_chunk_into(chunk, begin + at, room[filled : filled + clear_size])
                else:
                    clear = self._open_numbered(chunk, begin + at)[max(0, -filled) : len(room) - filled]
                    place = max(0, filled)
                    room[place : place + len(clear)] = clear
                filled += clear_size

    def chunks(self) -> Iterator[bytes]:
        """The clear payload in order, 64 KiB at a time, empty never. Raises RepositoryDamaged where it is broken, after
        having yielded what stands before."""
        if not self._sealed:
            raise RepositoryDamaged("The sealed payload is cut off")
        index = 0
        self._file.seek(self._start)
        left = self._sealed
        while left:
            block = memoryview(self._file.read(min(left, _READ_SIZE)))
            if not block:
                raise RepositoryDamaged("The sealed payload is cut off")
            while len(block) % SEALED_CHUNK_SIZE and len(block) < left:
                more = self._file.read(min(left, _READ_SIZE) - len(block))
                if not more:
                    break
                block = memoryview(bytes(block) + more)
            left -= len(block)
            for start in range(0, len(block), SEALED_CHUNK_SIZE):
                sealed = block[start : start + SEALED_CHUNK_SIZE]
                last = not left and start + SEALED_CHUNK_SIZE >= len(block)
                clear = self._open_chunk(sealed, index, last)
                if clear is None and len(sealed) == SEALED_CHUNK_SIZE:
                    clear = self._open_chunk(sealed, index, not last)
                    if clear is not None:
                        yield clear
                        what = "The sealed payload is cut off" if last else "Something follows the sealed payload's end"
                        raise RepositoryDamaged(what, chunk=index)
                if clear is None or (last and index and not clear):
                    raise RepositoryDamaged("The sealed payload was changed or is cut off", chunk=index)
                if clear:
                    yield clear
                index += 1

    def _open_chunk(self, sealed: Buffer, index: int, last: bool) -> bytes | None:
        try:
            return self._cipher.decrypt(_nonce(index, last), sealed, None)
        except InvalidTag:
            return None

    def _open_numbered(self, sealed: Buffer, index: int) -> bytes:
        clear = self._open_chunk(sealed, index, index == self._count - 1)
        if clear is None:
            raise RepositoryDamaged("The sealed payload was changed or is cut off", chunk=index)
        return clear

    def _open_chunk_into(self, sealed: Buffer, index: int, room: memoryview) -> None:
        if self._decrypt_into is None:
            room[:] = self._open_numbered(sealed, index)
            return
        try:
            self._decrypt_into(_nonce(index, index == self._count - 1), sealed, None, room)
        except InvalidTag:
            raise RepositoryDamaged("The sealed payload was changed or is cut off", chunk=index) from None


def _read_exactly(fileobj: BinaryIO, count: int) -> bytes:
    data = fileobj.read(count)
    while len(data) < count:
        more = fileobj.read(count - len(data))
        if not more:
            raise RepositoryDamaged("The sealed payload is cut off")
        data += more
    return data


# --- whole small objects ---------------------------------------------------------------------------------------------
def _seal_payload(header: bytes, file_key: bytes, plaintext: Buffer) -> bytes:
    parts = [header]
    writer = PayloadWriter(file_key, parts.append)
    writer.write(plaintext)
    writer.close()
    return b"".join(parts)


def _open_payload(data: bytes, header: Header, file_key: bytes) -> bytes:
    reader = PayloadReader(file_key, BytesIO(data), header.length, len(data) - header.length)
    return b"".join(reader.chunks())


def seal(plaintext: Buffer, recipients: Sequence[str]) -> bytes:
    """A sealed object of ``plaintext`` for the recipients."""
    file_key = new_file_key()
    return _seal_payload(seal_header(file_key, recipients), file_key, plaintext)


def seal_scrypt(plaintext: Buffer, passphrase: bytes, work_factor: int = WORK_FACTOR) -> bytes:
    """A sealed object of ``plaintext`` that the passphrase opens."""
    file_key = new_file_key()
    return _seal_payload(seal_header_scrypt(file_key, passphrase, work_factor), file_key, plaintext)


def open_sealed(data: bytes, identities: Sequence[X25519Identity]) -> bytes:
    """The content of a sealed object. Raises WrongKey or RepositoryDamaged."""
    header = parse_header(data)
    return _open_payload(data, header, unwrap(header, identities))


def open_sealed_scrypt(data: bytes, passphrase: bytes, max_work_factor: int = MAX_WORK_FACTOR) -> bytes:
    """The content of an object that was sealed with a passphrase. Raises WrongKey or RepositoryDamaged."""
    header = parse_header(data)
    return _open_payload(data, header, unwrap_scrypt(header, passphrase, max_work_factor))
