# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Get generations out of a repository of format 1, with nothing but this file.

It needs Python 3.8 or newer, the Python library cryptography, and a reader of zstd: Python 3.14, or the library
zstandard or pyzstd, or the program zstd. Compare the SHA-256 of this file with the recovery card before you run it.

    python3 recover.py list                                     which generations there are (needs no key)
    python3 recover.py verify                                   hashes, chains and signatures (needs no key)
    python3 recover.py extract pbx-berlin/kamailio --to out     the newest complete generation
    python3 recover.py extract pbx-berlin/kamailio/7 --to out   this generation

The repository is the folder that this file lies in, unless --repository names another one. The exit code is 0 when all
is well, 1 when something is broken (everything else was done nevertheless), 2 when nothing could be done.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import collections
import contextlib
import errno
import getpass
import hashlib
import hmac
import io
import json
import os
import re
import shutil
import stat
import struct
import subprocess
import sys
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, NamedTuple

FORMAT = 1
Json = Any
"""What a JSON object was decoded to."""


class Stop(Exception):
    """Nothing more can be done."""


class Broken(Exception):
    """One thing is broken; the rest goes on."""


def say(text: str = "") -> None:
    """One line for the user. What a terminal could take for commands is escaped."""
    safe = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
    sys.stdout.buffer.write((safe + "\n").encode("utf-8", "backslashreplace"))
    sys.stdout.buffer.flush()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# --- the libraries ---------------------------------------------------------------------------------------------------
def chacha20poly1305(key: bytes) -> Any:
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    return ChaCha20Poly1305(key)


def decrypt(cipher: Any, nonce: bytes, sealed: bytes) -> bytes | None:
    """The clear bytes, None when they do not fit the key."""
    from cryptography.exceptions import InvalidTag

    try:
        clear: bytes = cipher.decrypt(nonce, sealed, None)
        return clear
    except InvalidTag:
        return None


def find_zstd() -> tuple[Callable[[bytes], bytes], Callable[[BinaryIO], BinaryIO]]:
    """Two functions: one frame to its content, a stream of frames to the stream of their contents."""
    try:
        from compression import zstd  # type: ignore[import-not-found,unused-ignore]

        return zstd.decompress, zstd.ZstdFile
    except ImportError:
        pass
    try:
        import zstandard

        def frame(data: bytes) -> bytes:
            clear: bytes = zstandard.ZstdDecompressor().decompressobj().decompress(data)
            return clear

        def stream(source: BinaryIO) -> BinaryIO:
            reader: BinaryIO = zstandard.ZstdDecompressor().stream_reader(source, read_across_frames=True)
            return reader

        return frame, stream
    except ImportError:
        pass
    try:
        import pyzstd  # type: ignore[import-not-found,unused-ignore]

        return pyzstd.decompress, pyzstd.ZstdFile
    except ImportError:
        pass
    program = shutil.which("zstd")
    if program:

        def run(data: bytes) -> bytes:
            done = subprocess.run([str(program), "-dcq"], input=data, capture_output=True, check=False)
            if done.returncode:
                raise ValueError("zstd: " + done.stderr.decode("utf-8", "replace").strip())
            return done.stdout

        return run, lambda source: io.BytesIO(run(source.read()))
    raise Stop("No reader of zstd was found. Install the Python library zstandard, or the program zstd.")


def require_cryptography() -> None:
    try:
        import cryptography.hazmat.primitives.asymmetric.ed25519
        import cryptography.hazmat.primitives.asymmetric.x25519
        import cryptography.hazmat.primitives.ciphers.aead  # noqa: F401
    except ImportError:
        raise Stop("The Python library cryptography (2.6 or newer) is not installed.") from None


# --- age -------------------------------------------------------------------------------------------------------------
CHUNK = 65536
SEALED_CHUNK = CHUNK + 16


def hkdf(key: bytes, salt: bytes, info: bytes) -> bytes:
    return hmac.digest(hmac.digest(salt or bytes(32), key, "sha256"), info + b"\x01", "sha256")


def unpadded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def bech32_data(text: str, prefix: str) -> bytes:
    """The data of a Bech32 text."""
    charset = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
    text = text.lower()
    found, _separator, tail = text.rpartition("1")
    values = [charset.find(char) for char in tail]
    check = 1
    for value in [ord(c) >> 5 for c in found] + [0] + [ord(c) & 31 for c in found] + values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> bit & 1 else 0
    if found != prefix or min(values) < 0 or check != 1:
        raise ValueError("not an age key")
    bits = 0
    for value in values[:-6]:
        bits = bits << 5 | value
    length = (len(values) - 6) * 5
    return (bits >> length % 8).to_bytes(length // 8, "big")


def parse_identities(text: str) -> list[bytes]:
    """The 32 secret bytes of every identity in an age identity file."""
    lines = [line.strip() for line in text.splitlines()]
    return [bech32_data(line, "age-secret-key-") for line in lines if line and not line.startswith("#")]


class Header(NamedTuple):
    stanzas: list[tuple[list[str], bytes]]
    mac: bytes
    authenticated: bytes
    length: int


def read_header(data: bytes) -> Header:
    """The header at the beginning of a sealed object."""
    try:
        lines = data[: data.index(b"\n", data.index(b"\n--- ") + 1)].decode("ascii").split("\n")
        if lines[0] != "age-encryption.org/v1":
            raise ValueError
        stanzas: list[tuple[list[str], bytes]] = []
        body = ""
        for line in lines[1:-1]:
            if line.startswith("-> "):
                stanzas.append((line.split(" ")[1:], b""))
                body = ""
            else:
                body += line
                if len(line) < 64:
                    stanzas[-1] = (stanzas[-1][0], unpadded(body))
        length = len("\n".join(lines)) + 1
        authenticated = data[: length - len(lines[-1]) - 1] + b"---"
        return Header(stanzas, unpadded(lines[-1][4:]), authenticated, length)
    except (ValueError, IndexError, binascii.Error):
        raise Broken("it is not sealed with age, or its header is broken") from None


def unwrap(header: Header, identities: list[bytes], passphrase: bytes | None = None) -> bytes | None:
    """The file key; None when nothing at hand opens it."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    for arguments, body in header.stanzas:
        keys = []
        if arguments[0] == "X25519" and len(arguments) == 2:
            share = unpadded(arguments[1])
            for secret in identities:
                private = X25519PrivateKey.from_private_bytes(secret)
                public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
                shared = private.exchange(X25519PublicKey.from_public_bytes(share))
                keys.append(hkdf(shared, share + public, b"age-encryption.org/v1/X25519"))
        elif arguments[0] == "scrypt" and len(arguments) == 3 and passphrase is not None:
            work_factor = int(arguments[2])
            if not 1 <= work_factor <= 20:
                raise Broken(f"it asks for a work factor of {work_factor}")
            salt = b"age-encryption.org/v1/scrypt" + unpadded(arguments[1])
            memory = (1 << work_factor) * 1024 + 1024 * 1024
            keys.append(hashlib.scrypt(passphrase, salt=salt, n=1 << work_factor, r=8, p=1, maxmem=memory, dklen=32))
        for key in keys:
            file_key = decrypt(chacha20poly1305(key), bytes(12), body)
            if file_key is not None:
                mac = hmac.digest(hkdf(file_key, b"", b"header"), header.authenticated, "sha256")
                if not hmac.compare_digest(mac, header.mac):
                    raise Broken("its header was changed")
                return file_key
    return None


class Payload(io.RawIOBase):
    """The clear content of a sealed object: a seekable file. Raises Broken where it was changed or cut."""

    def __init__(self, stream: BinaryIO, start: int, size: int, file_key: bytes) -> None:
        super().__init__()
        self._stream = stream
        stream.seek(start)
        self._cipher = chacha20poly1305(hkdf(file_key, stream.read(16), b"payload"))
        self._start = start + 16
        self._sealed = size - self._start
        self._count = -(-self._sealed // SEALED_CHUNK)
        self.size = self._sealed - 16 * self._count
        self._position = 0
        self._kept: tuple[int, bytes] = (-1, b"")
        if self._sealed < 16 or (not self._chunk(self._count - 1) and self._count > 1):
            raise Broken("it is cut off")

    def _chunk(self, index: int) -> bytes:
        if self._kept[0] != index:
            self._stream.seek(self._start + index * SEALED_CHUNK)
            sealed = self._stream.read(min(SEALED_CHUNK, self._sealed - index * SEALED_CHUNK))
            nonce = index.to_bytes(11, "big") + bytes([index == self._count - 1])
            clear = decrypt(self._cipher, nonce, sealed) if len(sealed) >= 16 else None
            if clear is None:
                raise Broken(f"it was changed or cut off near byte {self._start + index * SEALED_CHUNK}")
            self._kept = (index, clear)
        return self._kept[1]

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._position = offset + (0, self._position, self.size)[whence]
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: Any) -> int:
        if self._position >= self.size or not len(buffer):
            return 0
        index, skip = divmod(self._position, CHUNK)
        part = self._chunk(index)[skip : skip + len(buffer)]
        buffer[: len(part)] = part
        self._position += len(part)
        return len(part)

    def read_at(self, position: int, count: int) -> bytes:
        """Exactly so many bytes."""
        self.seek(position)
        parts = []
        while count:
            part = self.read(count)
            if not part:
                raise Broken("it ends before its end")
            parts.append(part)
            count -= len(part)
        return b"".join(parts)


def open_sealed(stream: BinaryIO, size: int, identities: list[bytes]) -> Payload:
    header = read_header(stream.read(256 * 1024))
    file_key = unwrap(header, identities)
    if file_key is None:
        raise Broken("the identities at hand do not open it")
    return Payload(stream, header.length, size, file_key)


# --- signatures of OpenSSH -------------------------------------------------------------------------------------------
def ssh_string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def ssh_strings(data: bytes) -> Iterator[bytes]:
    while data:
        (length,) = struct.unpack_from(">I", data)
        if len(data) < 4 + length:
            raise ValueError
        yield data[4 : 4 + length]
        data = data[4 + length :]


def ssh_public(blob: bytes) -> str:
    return "ssh-ed25519 " + base64.b64encode(blob).decode("ascii")


def ssh_fingerprint(public: str) -> str:
    digest = hashlib.sha256(base64.b64decode(public.split()[1])).digest()
    return "SHA256:" + base64.b64encode(digest).decode("ascii").rstrip("=")


def ssh_verify(message: bytes, armored: bytes, namespace: str) -> str:
    """The public key that signed the message for this purpose."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        first, *body, last, rest = armored.decode("ascii").split("\n")
        blob = base64.b64decode("".join(body), validate=True)
        # exactly as ssh-keygen writes it, so that no byte can change unnoticed
        frame = (first, last, rest, "".join(body), {len(line) for line in body[:-1]} | {70})
        text = base64.b64encode(blob).decode("ascii")
        if frame != ("-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----", "", text, {70}):
            raise ValueError
        if blob[:10] != b"SSHSIG\0\0\0\1":
            raise ValueError
        public, signed_for, reserved, hash_name, signature = ssh_strings(blob[10:])
        key_type, key = ssh_strings(public)
        signature_type, raw = ssh_strings(signature)
        if key_type != b"ssh-ed25519" or signature_type != key_type or hash_name not in (b"sha512", b"sha256"):
            raise ValueError
        if signed_for != namespace.encode("utf-8"):
            raise Broken("the signature is for another purpose")
        digest = hashlib.new(hash_name.decode("ascii"), message).digest()
        signed = b"SSHSIG" + b"".join(map(ssh_string, (signed_for, reserved, hash_name, digest)))
        Ed25519PublicKey.from_public_bytes(key).verify(raw, signed)
        return ssh_public(public)
    except InvalidSignature:
        raise Broken("the signature does not fit it") from None
    except (ValueError, struct.error, binascii.Error, UnicodeDecodeError):
        raise Broken("the signature cannot be read") from None


def owner_public(secret: bytes) -> str:
    """The owner key that belongs to a restore identity."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    private = Ed25519PrivateKey.from_private_bytes(hkdf(secret, b"", b"ucops.recovery owner key v1"))
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return ssh_public(ssh_string(b"ssh-ed25519") + ssh_string(public))


# --- names and records -----------------------------------------------------------------------------------------------
def unescape(text: str) -> bytes:
    """Bytes of a percent-encoded text."""
    first, *rest = text.encode("utf-8").split(b"%")
    return first + b"".join(bytes([int(part[:2], 16)]) + part[2:] for part in rest)


class Record(NamedTuple):
    """A commit record: its generation's id, its file's content and hash, and its place."""

    chain: str
    sequence: int
    content: Json
    hash: str
    name: str

    @property
    def id(self) -> str:
        return f"{self.chain}/{self.sequence}"

    @property
    def objects(self) -> dict[str, int]:
        """SHA-256 and size of every object of the generation."""
        return {**self.content["objects"], **dict([self.content["manifest"], self.content["piece_index"]])}


def signature_name(record: Record) -> str:
    return f"{record.name[: -len('.json')]}.{record.hash}.sig"


class Repository:
    """The files of a repository."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.keyring: Json = {}
        self.problems: list[str] = []

    def problem(self, name: str, what: str) -> None:
        """Something is broken. It is said at once and counted."""
        self.problems.append(name)
        say(f"BROKEN  {name}: {what}")

    def path(self, name: str) -> str:
        return os.path.join(self.root, *name.split("/"))

    def open(self, name: str) -> BinaryIO:
        return open(self.path(name), "rb")

    def read(self, name: str) -> bytes:
        try:
            with self.open(name) as stream:
                return stream.read()
        except FileNotFoundError:
            raise Broken("it is missing") from None
        except OSError as error:
            raise Broken(f"it cannot be read: {error.strerror}") from None

    def folder(self, name: str) -> list[str]:
        try:
            return sorted(os.listdir(self.path(name)))
        except OSError:
            return []

    # --- keyring ---
    def load_keyring(self) -> None:
        """The keyring that fits its signature; a change that was cut off left the new ones beside the old."""
        reason = "it is missing"
        for name in ("keys/keyring.json", "keys/keyring.json.next"):
            try:
                data = self.read(name)
                content = json.loads(data)
                if content["format"] != FORMAT:
                    raise Broken(f"its format is {content['format']!r}, this program reads {FORMAT}")
                if ssh_verify(data, self.read(name + ".sig"), "ucops-recovery-keyring") != content["owner"]:
                    raise Broken("it is not signed by its owner")
                self.keyring = content
                return
            except Broken as error:
                reason = str(error) if name == "keys/keyring.json" else reason
            except (ValueError, KeyError, TypeError):
                reason = "it cannot be read" if name == "keys/keyring.json" else reason
        raise Broken(reason)

    def check_listed(self) -> None:
        """Slots and documents against the keyring."""
        listed = {f"keys/slots/{slot}.age": digest for slot, digest in self.keyring["slots"].items()}
        listed.update(self.keyring["documents"])
        for name, digest in sorted(listed.items()):
            try:
                if sha256(self.read(name)) != digest:
                    raise Broken("it was replaced or damaged: it is not what the keyring lists")
            except Broken as error:
                self.problem(name, str(error))

    def unlock(self, passphrase: bytes) -> list[bytes]:
        """The identities in the slot that the Domain Master Secret opens, newest first."""
        for slot, digest in sorted(self.keyring.get("slots", {}).items()) or self._stray_slots():
            name = f"keys/slots/{slot}.age"
            try:
                data = self.read(name)
                if digest and sha256(data) != digest:
                    raise Broken("it was replaced or damaged: it is not what the keyring lists")
                header = read_header(data)
                file_key = unwrap(header, [], passphrase)
                if file_key is None:
                    continue
                text = Payload(io.BytesIO(data), header.length, len(data), file_key).read() or b""
                return parse_identities(text.decode("utf-8"))
            except Broken as error:
                self.problem(name, str(error))
            except ValueError:
                self.problem(name, "it holds no identity")
        raise Stop("The Domain Master Secret does not open this repository.")

    def _stray_slots(self) -> Iterable[tuple[str, str]]:
        return [(name[:-4], "") for name in self.folder("keys/slots") if name.endswith(".age")]

    # --- generations ---
    def stray_signatures(self, records: Iterable[Record]) -> list[str]:
        """Signatures of records that are not there."""
        known = {signature_name(record) for record in records}
        sources = [f"commits/{source}" for source in self.folder("commits")]
        folders = [f"{source}/{product}" for source in sources for product in self.folder(source)]
        names = (f"{folder}/{name}" for folder in folders for name in self.folder(folder))
        return [name for name in names if name.endswith(".sig") and name not in known]

    def records(self) -> Iterator[Record]:
        """All commit records that can be read, chain by chain, in order."""
        for source in self.folder("commits"):
            for product in self.folder(f"commits/{source}"):
                folder = f"commits/{source}/{product}"
                numbers = (re.fullmatch(r"([1-9][0-9]*)\.json", name) for name in self.folder(folder))
                for sequence in sorted(int(match.group(1)) for match in numbers if match):
                    name = f"{folder}/{sequence}.json"
                    try:
                        data = self.read(name)
                        content = json.loads(data)
                        if content["format"] != FORMAT:
                            raise Broken(f"its format is {content['format']!r}, this program reads {FORMAT}")
                        chain = f"{content['source']}/{content['product']}"
                        chain += f"@{content['instance']}" if content.get("instance") else ""
                        place = f"{unescape(source).decode('utf-8')}/{unescape(product).decode('utf-8')}"
                        if chain != place or content["sequence"] != sequence:
                            raise Broken(f"it belongs to {chain}/{content['sequence']}")
                        record = Record(chain, sequence, content, sha256(data), name)
                        if not all(re.fullmatch("[0-9a-f]{64}", sha) for sha in record.objects):
                            raise ValueError
                        yield record
                    except Broken as error:
                        self.problem(name, str(error))
                    except (ValueError, KeyError, TypeError):
                        self.problem(name, "it is no commit record")

    def check_signature(self, record: Record) -> str:
        """The name of the writer who signed a record."""
        try:
            public = ssh_verify(self.read(record.name), self.read(signature_name(record)), "ucops-recovery-commit")
        except Broken as error:
            raise Broken(f"its signature: {error}") from None
        if record.content["repository_id"] != self.keyring["repository_id"]:
            raise Broken("it belongs to another repository")
        return str(self._signer(public, ("writer",), record.content["received_at"])["name"])

    def _signer(self, public: str, roles: Iterable[str], at: str) -> Json:
        """The signer with this key, who has one of the roles."""
        for signer in self.keyring["signers"]:
            if signer["public_key"] == public and not set(roles).isdisjoint(signer["roles"]):
                revoked = signer["revoked"]
                if revoked is True or (revoked and at > revoked):
                    raise Broken(f"it is signed by {signer['name']}, whose key was revoked")
                return signer
        raise Broken(f"it is signed by a stranger ({ssh_fingerprint(public)})")

    # --- what was let go ---
    def let_go(self, record: Record) -> dict[str, Json]:
        """The tombstones of a generation: that of the whole under "", those of data classes under their names.

        None where a hold is in force: it brings back what was let go. What is in doubt was not let go, and is held.
        """
        folder = record.name.rpartition("/")[0].partition("/")[2]
        if self._is_held(record, f"holds/{folder}"):
            return {}
        found = {}
        for own_name in self.folder(f"expired/{folder}"):
            match = re.fullmatch(rf"{record.sequence}(?:\.([a-z_]+))?\.json", own_name)
            if match:
                name = f"expired/{folder}/{own_name}"
                stem = name[: -len(".json")]
                try:
                    stone = self._signed(record, name, f"{stem}.{{}}.sig", "ucops-recovery-prune", ("prune",), "writer")
                    objects = set(stone.get("objects", ()))
                    if stone["record"] != record.hash or stone.get("data_class", "") != (match.group(1) or ""):
                        raise Broken("it belongs to something else")
                    if not objects <= set(record.content["objects"]):
                        raise Broken("it names what the generation does not have")
                    found[match.group(1) or ""] = stone
                except (Broken, ValueError, KeyError, TypeError, AttributeError) as error:
                    if name not in self.problems:
                        self.problem(name, str(error) if isinstance(error, Broken) else "it cannot be read")
        return found

    def _signed(
        self, record: Record, name: str, signature: str, namespace: str, roles: Iterable[str], never: str = ""
    ) -> Json:
        """A signed record about a generation."""
        data = self.read(name)
        content = json.loads(data)
        public = ssh_verify(data, self.read(signature.format(sha256(data))), namespace)
        signer = self._signer(public, roles, content["at"])
        if never in signer["roles"]:
            raise Broken(f"it is signed by {signer['name']}, who is also a {never}")
        mine = (self.keyring["repository_id"], FORMAT, record.sequence)
        if (content["repository_id"], content["format"], content["sequence"]) != mine:
            raise Broken("it belongs to something else")
        if any(content.get(key, "") != record.content.get(key, "") for key in ("source", "product", "instance")):
            raise Broken("it belongs to something else")
        return content

    def _is_held(self, record: Record, folder: str) -> bool:
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        for own_name in self.folder(folder):
            if re.fullmatch(rf"{record.sequence}\.[^.]+\.placed\.json", own_name):
                placed = f"{folder}/{own_name}"
                stem = re.escape(own_name[: -len("placed.json")])
                ends = [
                    one for one in self.folder(folder) if re.fullmatch(stem + r"released(-[0-9a-f]{8})?\.json", one)
                ]
                try:
                    data = self._signed_hold(record, placed)
                except (Broken, ValueError, KeyError, TypeError, AttributeError):
                    return True
                is_released = any(self._releases(record, f"{folder}/{end}", placed) for end in ends)
                if not is_released and now <= data.get("until", now):
                    return True
        return False

    def _releases(self, record: Record, released: str, placed: str) -> bool:
        try:
            return bool(self._signed_hold(record, released)["hold"] == sha256(self.read(placed)))
        except (Broken, ValueError, KeyError, TypeError, AttributeError):
            return False

    def _signed_hold(self, record: Record, name: str) -> Json:
        return self._signed(record, name, f"{name}.sig", "ucops-recovery-journal", ("writer", "journal"))

    def check_object(self, sha: str, size: int) -> None:
        """Size and hash of an object."""
        try:
            with self.open(object_name(sha)) as stream:
                digest = hashlib.sha256()
                for block in iter(lambda: stream.read(1 << 20), b""):
                    digest.update(block)
                found = stream.tell()
        except OSError as error:
            raise Broken("it is missing" if error.errno == errno.ENOENT else f"it cannot be read: {error}") from None
        if found != size:
            raise Broken(f"it has {found} bytes instead of {size}")
        if digest.hexdigest() != sha:
            raise Broken("its content was changed")


def object_name(sha: str) -> str:
    return f"objects/{sha[:2]}/{sha}"


# --- bundles ---------------------------------------------------------------------------------------------------------
class Bundle:
    """Reads the members of a bundle: a tar archive in frames of zstd, with a seek table at its end."""

    def __init__(self, stream: BinaryIO, size: int, identities: list[bytes], zstd: Callable[[bytes], bytes]) -> None:
        self._payload = open_sealed(stream, size, identities)
        self._zstd = zstd
        self._frames: list[tuple[int, int]] = []
        self._members: dict[int, tuple[int, int, int]] = {}
        self._scanned = 0
        self._kept: collections.OrderedDict[int, bytes] = collections.OrderedDict()
        count, _flags, magic = struct.unpack("<IBI", self._payload.read_at(self._payload.size - 9, 9))
        if magic != 0x8F92EAB1 or 8 * count + 9 > self._payload.size:
            raise Broken("it has no seek table")
        table = self._payload.read_at(self._payload.size - 9 - 8 * count, 8 * count)
        position = 0
        for stored, _raw in struct.iter_unpack("<II", table):
            self._frames.append((position, stored))
            position += stored

    def _frame(self, number: int) -> bytes:
        if number not in self._kept:
            try:
                self._kept[number] = self._zstd(self._payload.read_at(*self._frames[number]))
            except Broken:
                raise
            except Exception as error:
                raise Broken(f"it cannot be decompressed: {error}") from None
            while len(self._kept) > 2:
                self._kept.popitem(last=False)
        self._kept.move_to_end(number)
        return self._kept[number]

    def _scan(self) -> None:
        """Note where the members of the next frame are."""
        data = self._frame(self._scanned)
        position = 0
        while position + 512 <= len(data) and data[position]:
            name = data[position : position + 100].rstrip(b"\0")
            size = int(data[position + 124 : position + 135], 8)
            self._members[int(name)] = (self._scanned, position + 512, size)
            position += 512 + size + -size % 512
        self._scanned += 1

    def member(self, number: int) -> bytes:
        """The bytes of a member."""
        while number not in self._members:
            if self._scanned == len(self._frames):
                raise Broken(f"it has no member {number}")
            try:
                self._scan()
            except ValueError:
                raise Broken("it is no tar archive") from None
        frame, position, size = self._members[number]
        return self._frame(frame)[position : position + size]


class Bundles:
    """The bundles of a generation, opened when they are needed, the last ones kept."""

    def __init__(self, repository: Repository, identities: list[bytes], sizes: dict[str, int]) -> None:
        self._repository = repository
        self._identities = identities
        self._sizes = sizes
        self._zstd = find_zstd()[0]
        self._open: collections.OrderedDict[str, tuple[BinaryIO, Bundle]] = collections.OrderedDict()
        self._broken: dict[str, str] = {}
        self._checked: dict[str, None] = {}

    def member(self, sha: str, number: int) -> bytes:
        if sha in self._broken:
            raise Broken(f"its bundle {sha[:12]} is broken: {self._broken[sha]}")
        try:
            return self._bundle(sha).member(number)
        except Broken as error:
            raise Broken(f"its bundle {sha[:12]} is broken: {error}") from None

    def _bundle(self, sha: str) -> Bundle:
        if sha not in self._open:
            size = self._sizes.get(sha)
            if size is None:
                raise Broken("the commit record does not list it")
            if sha not in self._checked:
                self._checked[sha] = None
                try:
                    self._repository.check_object(sha, size)
                except Broken as error:
                    # what can be opened is authenticated all the same
                    self._repository.problem(object_name(sha), str(error))
            try:
                stream = self._repository.open(object_name(sha))
                size = os.fstat(stream.fileno()).st_size
                self._open[sha] = (stream, Bundle(stream, size, self._identities, self._zstd))
            except OSError as error:
                self._broken[sha] = str(error.strerror)
                raise Broken(self._broken[sha]) from None
            except Broken as error:
                self._broken[sha] = str(error)
                raise
            while len(self._open) > 8:
                self._open.popitem(last=False)[1][0].close()
        self._open.move_to_end(sha)
        return self._open[sha][1]


# --- extracting ------------------------------------------------------------------------------------------------------
class Extraction:
    """Puts the entries of a manifest into a folder that holds nothing else."""

    def __init__(
        self, repository: Repository, bundles: Bundles, target: str, owners: bool, gone: Iterable[str] = ()
    ) -> None:
        self._repository = repository
        self._bundles = bundles
        self._gone = frozenset(gone)
        self._target = os.fsencode(target)
        self._chown = owners
        self._names: list[str] = []
        self._folders: list[tuple[bytes, Json]] = []
        self._links: list[tuple[bytes, Json]] = []
        self._restored: dict[bytes, str] = {}
        self._owner_lines: list[str] = []
        self._acl_lines: list[str] = []
        self.notes: collections.Counter[str] = collections.Counter()
        self.files = 0
        self.good = 0

    def run(self, lines: Iterator[bytes], record: Json) -> None:
        """Put back everything that the manifest of a record lists."""
        first = json.loads(next(lines))
        for name in ("format", "repository_id", "source", "product", "instance"):
            if first[name] != record.get(name, ""):
                raise Broken(f"it belongs to another generation, as its {name} says")
        self._names = list(first["bundles"])
        replaced = set(first["replaced"])
        count = 0
        for line in lines:
            if count not in replaced:
                self._one(json.loads(line), self._begin)
            count += 1
        if count != first["entries"]:
            self._repository.problem("manifest", f"it has {count} entries instead of {first['entries']}")
        for path, entry in self._links:
            self._one(entry, lambda entry, path=path: self._link(path, entry))  # type: ignore[misc]
        for path, entry in sorted(self._folders, key=lambda item: item[0], reverse=True):
            self._one(entry, lambda entry, path=path: self._set(path, entry))  # type: ignore[misc]
        self._write_notes()

    def _one(self, entry: Json, action: Callable[[Json], None]) -> None:
        try:
            action(entry)
        except Broken as error:
            self._repository.problem(str(entry.get("path")), str(error))
        except OSError as error:
            self._repository.problem(str(entry.get("path")), f"it cannot be written: {error.strerror}")
        except (KeyError, TypeError, ValueError, IndexError):
            self._repository.problem(str(entry.get("path")), "its line in the manifest cannot be read")

    # --- where it goes ---
    def _inside(self, path: bytes) -> bytes:
        """The place of an absolute path below the target. Refuses what would leave it."""
        parts = path.split(b"/")[1:]
        if not path.startswith(b"/") or b"\0" in path or any(part in (b"", b".", b"..") for part in parts):
            if path != b"/":
                raise Broken("refused: this path would leave the folder")
            return self._target
        return os.path.join(self._target, *parts)

    def _parent(self, place: bytes) -> None:
        """Make the folders above a place, none of which may be a link."""
        folder = self._target
        for part in place[len(self._target) + 1 :].split(b"/")[:-1]:
            folder = os.path.join(folder, part)
            self._folder(folder)

    def _folder(self, folder: bytes) -> None:
        try:
            os.mkdir(folder, 0o700)
        except FileExistsError:
            if not stat.S_ISDIR(os.lstat(folder).st_mode):
                raise Broken("refused: something that is no folder stands above it") from None

    # --- what is there ---
    def _begin(self, entry: Json) -> None:
        if entry["class"] in self._gone:
            self.notes[f"entries of {entry['class']}, which were pruned"] += 1
            return
        kind, path = entry["kind"], unescape(entry["path"])
        if kind in ("file", "output", "dump"):
            self.files += 1
        place = self._inside(path)
        self._note_owner(entry)
        if kind == "directory":
            self._parent(place)
            self._folder(place)
            self._folders.append((place, entry))
        elif kind in ("file", "output", "dump"):
            self._file(place, entry)
            self.good += 1
        elif kind in ("symlink", "hardlink"):
            # last, so that nothing is written through one
            self._links.append((place, entry))
        elif kind == "fifo":
            self._parent(place)
            os.mkfifo(place, 0o600)
            self._set(place, entry)
        elif kind in ("char", "block"):
            self._device(place, entry)
        else:
            raise Broken(f"refused: it is of the unknown kind {kind!r}")

    def _file(self, place: bytes, entry: Json) -> None:
        self._parent(place)
        if self._restored.get(place) == entry["sha256"]:
            return
        try:
            descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
        except FileExistsError:
            raise Broken("it is in the generation twice, with different contents") from None
        try:
            digest = hashlib.sha256()
            with os.fdopen(descriptor, "wb") as stream:
                for bundle, member in entry["pieces"]:
                    piece = self._bundles.member(self._names[bundle], member)
                    digest.update(piece)
                    stream.write(piece)
                size = stream.tell()
            if digest.hexdigest() != entry["sha256"]:
                raise Broken("its hash is not the one in the manifest")
            if size != entry.get("size", 0):
                raise Broken("its size is not the one in the manifest")
        except BaseException:
            os.unlink(place)
            raise
        self._restored[place] = entry["sha256"]
        self._set(place, entry)

    def _link(self, place: bytes, entry: Json) -> None:
        self._parent(place)
        target = unescape(entry["link_target"])
        if entry["kind"] == "symlink":
            os.symlink(target, place)
            self._set(place, entry)
            return
        source = self._inside(target)
        if (
            not stat.S_ISREG(os.lstat(source).st_mode)
            or os.path.realpath(source) != os.path.realpath(self._target) + source[len(self._target) :]
        ):
            raise Broken("refused: what it is linked to is no file of this generation")
        os.link(source, place, follow_symlinks=False)

    def _device(self, place: bytes, entry: Json) -> None:
        if not self._chown:
            self.notes["devices, which need --owners, were left out"] += 1
            return
        self._parent(place)
        kind = stat.S_IFCHR if entry["kind"] == "char" else stat.S_IFBLK
        os.mknod(place, kind | 0o600, os.makedev(*entry["device"]))
        self._set(place, entry)

    # --- what it is like ---
    def _set(self, place: bytes, entry: Json) -> None:
        is_link = entry["kind"] == "symlink"
        if self._chown and "uid" in entry and "gid" in entry:
            os.chown(place, entry["uid"], entry["gid"], follow_symlinks=False)
        for name, value in entry.get("xattrs", {}).items():
            try:
                os.setxattr(place, name, base64.b64decode(value), follow_symlinks=False)
            except (OSError, AttributeError):
                self.notes["extended attributes could not be set"] += 1
        if "mode" in entry and not is_link:
            mode = int(entry["mode"], 8) & 0o7777
            if mode & 0o6000 and not self._chown:
                self.notes["set-uid and set-gid bits, which need --owners, were left out"] += 1
                mode &= 0o1777
            os.chmod(place, mode)
        if "mtime_ns" in entry:
            os.utime(place, ns=(entry["mtime_ns"], entry["mtime_ns"]), follow_symlinks=False)

    def _note_owner(self, entry: Json) -> None:
        names = f"{entry.get('owner', '?')}:{entry.get('group', '?')}"
        numbers = f"{entry.get('uid', '?')}:{entry.get('gid', '?')}"
        self._owner_lines.append(f"{entry.get('mode', '????')} {numbers} {names} {entry['path']}")
        acl = [text for text in (entry.get("acl_access"), _default_acl(entry.get("acl_default"))) if text]
        if acl:
            path = unescape(entry["path"]).lstrip(b"/") or b"."
            shown = re.sub(rb"[^!-\[\]-~]", lambda match: b"\\%03o" % match.group()[0], path)
            self._acl_lines += [f"# file: {shown.decode('ascii')}", *acl, ""]

    def _write_notes(self) -> None:
        folder = os.path.join(self._target, b"@recover")
        self._folder(folder)
        for name, lines in ((b"owners.txt", self._owner_lines), (b"acl.txt", self._acl_lines)):
            if lines:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
                with os.fdopen(os.open(os.path.join(folder, name), flags, 0o600), "wb") as stream:
                    stream.write("".join(line + "\n" for line in lines).encode("utf-8"))


def _default_acl(text: str | None) -> str:
    lines = [line for line in re.split(r"[\n,]", text or "") if line]
    return "\n".join(line if line.startswith("default:") else f"default:{line}" for line in lines)


# --- commands --------------------------------------------------------------------------------------------------------
def trusted(repository: Repository, owner: str | None) -> None:
    """Load the keyring and compare its owner with the recovery card. Raises Broken."""
    repository.load_keyring()
    found = ssh_fingerprint(repository.keyring["owner"])
    if owner and owner != found:
        raise Broken(f"its owner is {found} and not {owner}")


def amount(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB"


def command_list(repository: Repository) -> None:
    """All generations."""
    with contextlib.suppress(Broken):
        repository.load_keyring()
    rows: list[tuple[str, ...]] = [("generation", "received", "status", "phase", "change", "release", "size")]
    for record in repository.records():
        content = record.content
        stones = repository.let_go(record) if repository.keyring else {}
        status = "pruned" if "" in stones else content["status"] + "".join(f", no {name}" for name in sorted(stones))
        size = sum(item["bytes"] for item in content["items"].values())
        change, release = content.get("change_id") or "-", content.get("release") or "-"
        facts = (content["received_at"], status, content["phase"], change, release)
        rows.append((record.id, *map(str, facts), amount(size)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        say("  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip())
    if len(rows) == 1:
        say("There are no generations.")


def command_verify(repository: Repository, owner: str | None) -> None:
    """Everything that can be checked without a key."""
    try:
        trusted(repository, owner)
        repository.check_listed()
    except Broken as error:
        repository.problem("keys/keyring.json", str(error))
    needed: dict[str, int] = {}
    heads: dict[str, Record] = {}
    records = list(repository.records())
    notes: list[str] = []
    for record in records:
        before = heads.get(record.chain)
        if record.sequence != (before.sequence + 1 if before else 1):
            repository.problem(record.name, "a record before it is missing")
        elif record.content["parent"] != (before.hash if before else ""):
            repository.problem(record.name, "it does not follow the record before it")
        heads[record.chain] = record
        if repository.keyring:
            try:
                repository.check_signature(record)
            except (Broken, KeyError, TypeError) as error:
                repository.problem(record.name, str(error))
        stones = repository.let_go(record) if repository.keyring else {}
        gone = {sha for stone in stones.values() for sha in stone.get("objects", ())}
        if "" not in stones:
            needed.update({sha: size for sha, size in record.objects.items() if sha not in gone})
        notes += [f"note: {pruned(record, name, stone)}" for name, stone in sorted(stones.items())]
    for sha, size in sorted(needed.items()):
        try:
            repository.check_object(sha, size)
        except Broken as error:
            repository.problem(object_name(sha), str(error))
    for note in notes:
        say(note)
    for name in repository.stray_signatures(records):
        say(f"note: {name} is a signature without a record: a run was cut off, or a record was removed or changed")
    say(f"{len(records)} generations, {len(needed)} objects, {amount(sum(needed.values()))}")
    for chain, record in sorted(heads.items()):
        say(f"head  {chain}  {record.hash}")
    if repository.keyring:
        say(f"owner  {ssh_fingerprint(repository.keyring['owner'])}")
    if repository.problems:
        say(f"{len(repository.problems)} things are broken.")
    elif owner:
        say("All hashes, chains and signatures are right, and the owner is the one you named.")
    else:
        say("All hashes, chains and signatures fit each other. Compare the owner with the recovery card.")


def pruned(record: Record, data_class: str, stone: Json) -> str:
    """What was let go, when, by whom and why."""
    what = f"the {data_class} of {record.id} were" if data_class else f"{record.id} was"
    return f"{what} pruned on {stone['at']} by {stone['signer']}: {stone.get('reason', '')}"


def choose(repository: Repository, wanted: str) -> Record:
    """The generation that is meant: by its id, the newest complete one (latest), or the newest one of all.

    What a restore put aside is meant only by its id or as the newest.
    """
    records = list(repository.records())
    newest = wanted.endswith("/newest")
    wanted = wanted[: -len("/newest")] if newest or wanted.endswith("/latest") else wanted
    for record in records:
        if record.id == wanted:
            return record
    candidates = [record for record in records if record.chain == wanted]
    complete = [
        record
        for record in candidates
        if record.content["status"] == "complete" and record.content["phase"] != "pre_restore"
    ]
    if not candidates:
        known = ", ".join(sorted({record.chain for record in records})) or "none"
        raise Stop(f"There is no generation {wanted}. Known sources and products: {known}.")
    chosen = candidates[-1] if newest or not complete else complete[-1]
    if chosen is not candidates[-1]:
        reason = "was put aside by a restore" if candidates[-1].content["status"] == "complete" else "is partial"
        say(f"The newest generation {candidates[-1].id} {reason}; the newest complete one is {chosen.id}.")
    return chosen


def identities_of(repository: Repository, arguments: argparse.Namespace) -> list[bytes]:
    """What opens the repository, from the file, the terminal or the standard input."""
    if arguments.identity:
        try:
            with open(arguments.identity, encoding="utf-8") as stream:
                identities = parse_identities(stream.read())
        except OSError as error:
            raise Stop(f"{arguments.identity} cannot be read: {error.strerror}.") from None
        except ValueError:
            raise Stop(f"{arguments.identity} is no age identity file.") from None
        if not identities:
            raise Stop(f"{arguments.identity} holds no identity.")
        return identities
    if arguments.secret_stdin:
        secret = sys.stdin.buffer.readline().decode("utf-8").rstrip("\r\n")
    else:
        secret = getpass.getpass("Domain Master Secret: ")
    identities = repository.unlock(unicodedata.normalize("NFC", secret).encode("utf-8"))
    if repository.keyring and owner_public(identities[0]) != repository.keyring["owner"]:
        raise Stop("The keyring does not belong to the identity that the Domain Master Secret opens.")
    return identities


def command_extract(repository: Repository, arguments: argparse.Namespace) -> None:
    """One generation into a new folder."""
    target = os.path.abspath(arguments.to)
    if os.path.lexists(target) and (not os.path.isdir(target) or os.listdir(target)):
        raise Stop(f"{target} exists and is not an empty folder.")
    if arguments.owners and os.geteuid() != 0:
        raise Stop("--owners needs root.")
    find_zstd()
    record = choose(repository, arguments.generation)
    try:
        trusted(repository, arguments.owner)
        writer = repository.check_signature(record)
        say(f"{record.id}: received {record.content['received_at']}, signed by {writer}")
    except Broken as error:
        if not arguments.accept_unsigned:
            raise Stop(
                f"{record.id} cannot be trusted: {error}. Nothing was extracted. If you want its content all the same, "
                "add --accept-unsigned; it may be forged."
            ) from None
        repository.problem(record.name, str(error))
    stones = repository.let_go(record) if repository.keyring else {}
    for name, stone in sorted(stones.items()):
        say(f"note: {pruned(record, name, stone)}")
    if "" in stones and not all(os.path.isfile(repository.path(object_name(sha))) for sha in record.objects):
        raise Stop(f"What {record.id} needs was removed since. Look for it in another copy of the repository.")
    identities = identities_of(repository, arguments)
    sha, size = record.content["manifest"]
    try:
        repository.check_object(sha, size)
    except Broken as error:
        repository.problem(object_name(sha), str(error))
    os.makedirs(target, 0o700, exist_ok=True)
    bundles = Bundles(repository, identities, record.objects)
    extraction = Extraction(repository, bundles, target, arguments.owners, set(stones) - {""})
    try:
        with repository.open(object_name(sha)) as stream:
            payload = open_sealed(stream, os.fstat(stream.fileno()).st_size, identities)
            manifest = io.BufferedReader(find_zstd()[1](payload), 1 << 20)  # type: ignore[arg-type,type-var,unused-ignore]
            extraction.run(iter(manifest), record.content)
    except Broken as error:
        repository.problem(object_name(sha), f"the manifest: {error}")
    except OSError as error:
        repository.problem(object_name(sha), f"the manifest: {error.strerror or error}")
    except Exception as error:
        repository.problem(object_name(sha), f"the manifest cannot be read: {error}")
    for note, count in sorted(extraction.notes.items()):
        say(f"note: {count} {note}")
    if record.content["status"] != "complete":
        say(f"note: this generation is partial, missing: {', '.join(record.content.get('missing', [])) or 'see above'}")
    if repository.problems:
        say(f"{extraction.good} of {extraction.files} files restored, their hashes equal; see what is broken above.")
    else:
        say(f"{extraction.files} files, all hashes equal, in {target}")


def main(words: list[str] | None = None) -> int:
    """Run one command. Returns the exit code."""
    here = os.path.dirname(os.path.abspath(__file__))
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--repository", default=here, help="the repository's folder (default: where this file lies)")
    common.add_argument("--owner", help="fingerprint of the owner key, as it stands on the recovery card (SHA256:...)")
    parser = argparse.ArgumentParser(description="Get generations out of this repository. See RECOVERY.md.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", parents=[common], help="which generations are there")
    commands.add_parser("verify", parents=[common], help="check hashes, chains and signatures; needs no key")
    extract = commands.add_parser("extract", parents=[common], help="put a generation into a folder")
    extract.add_argument("generation", help="source/product/number, or source/product for the newest complete one")
    extract.add_argument("--to", required=True, metavar="DIR", help="a folder that does not exist yet or is empty")
    extract.add_argument("--identity", metavar="FILE", help="an age identity file; otherwise the secret is asked for")
    extract.add_argument(
        "--secret-stdin", action="store_true", help="read the Domain Master Secret from standard input"
    )
    extract.add_argument("--owners", action="store_true", help="set owners too (root only)")
    extract.add_argument("--accept-unsigned", action="store_true", help="go on where signatures are broken")
    arguments = parser.parse_args(words)
    repository = Repository(os.path.abspath(arguments.repository))
    try:
        require_cryptography()
        if not os.path.isfile(repository.path("REPOSITORY.json")) and not repository.folder("commits"):
            raise Stop(f"{repository.root} is no repository.")
        if arguments.command == "list":
            command_list(repository)
        elif arguments.command == "verify":
            command_verify(repository, arguments.owner)
        else:
            command_extract(repository, arguments)
    except Stop as stop:
        say(str(stop))
        return 2
    return 1 if repository.problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
