# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import io
import os
import pathlib
import pty
import shutil
import subprocess
import time
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.thoroughness import thorough

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    OptionInvalid,
    RepositoryDamaged,
    RepositoryError,
    WrongKey,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository import age

ROOT = pathlib.Path(__file__).resolve().parents[5]
VECTORS = pathlib.Path(os.environ.get("UCOPS_AGE_VECTORS") or ROOT / "build" / "age-vectors")
VECTOR_FILES = sorted(path for path in VECTORS.iterdir() if path.is_file()) if VECTORS.is_dir() else []
LEFT_OUT = {"armor": 33, "post-quantum recipients": 18}
SUPPORTED = 92

IDENTITY = age.X25519Identity(bytes(range(32)))
OTHER = age.X25519Identity(bytes(range(1, 33)))
CHUNK = age.CHUNK_SIZE

needs_age = pytest.mark.skipif(not shutil.which("age"), reason="the stock age program is not installed")


# --- the public test vectors -----------------------------------------------------------------------------------------
class Vector:
    def __init__(self, path: pathlib.Path) -> None:
        text, self.sealed = path.read_bytes().split(b"\n\n", 1)
        self.fields: dict[str, list[str]] = {}
        for line in text.decode("utf-8").splitlines():
            key, value = line.split(": ", 1)
            self.fields.setdefault(key, []).append(value)
        unknown = set(self.fields) - {
            "expect", "compressed", "payload", "identity", "passphrase", "armored", "file key", "comment",
        }  # fmt: skip
        assert not unknown, unknown
        if self.fields.get("compressed") == ["zlib"]:
            self.sealed = zlib.decompress(self.sealed)

    @property
    def expect(self) -> str:
        return self.fields["expect"][0]

    @property
    def left_out(self) -> str:
        if "armored" in self.fields:
            return "armor"
        if any(text.startswith("AGE-SECRET-KEY-PQ-") for text in self.fields.get("identity", [])):
            return "post-quantum recipients"
        return ""


if VECTOR_FILES:
    supported = [path for path in VECTOR_FILES if not Vector(path).left_out]
    vectors = pytest.mark.parametrize("path", supported, ids=lambda path: path.name)
else:
    reason = f"the age test vectors are not in {VECTORS}; tests/fetch_age_vectors.py fetches them"
    vectors = pytest.mark.parametrize("path", [pytest.param(None, marks=pytest.mark.skip(reason=reason))])


@vectors
def test_vector(path: pathlib.Path) -> None:
    vector = Vector(path)
    outcome = "success"
    clear = b""
    try:
        header = age.parse_header(vector.sealed)
        identities = [age.X25519Identity.parse(text) for text in vector.fields.get("identity", [])]
        if "passphrase" in vector.fields:
            try:
                for passphrase in vector.fields["passphrase"]:
                    file_key = age.unwrap_scrypt(header, passphrase.encode("utf-8"))
            except WrongKey:
                file_key = age.unwrap(header, identities)
        else:
            file_key = age.unwrap(header, identities)
        # the nonce is part of what is read before any payload, as in the reference implementation
        payload = io.BytesIO(vector.sealed)
        reader = age.PayloadReader(file_key, payload, header.length, len(vector.sealed) - header.length)
    except WrongKey:
        outcome = "no match"
    except RepositoryDamaged as error:
        outcome = "HMAC failure" if "MAC does not fit" in error.message else "header failure"
    else:
        try:
            for chunk in reader.chunks():
                clear += chunk
        except RepositoryDamaged:
            outcome = "payload failure"
        if "file key" in vector.fields:
            assert file_key.hex() == vector.fields["file key"][0]
    assert outcome == vector.expect
    if "payload" in vector.fields:
        assert hashlib.sha256(clear).hexdigest() == vector.fields["payload"][0]
    elif outcome == "payload failure":
        assert clear == b""
    if outcome in ("success", "payload failure"):
        random_access(file_key, vector.sealed, header.length, clear, outcome == "success")


def random_access(file_key: bytes, sealed: bytes, offset: int, clear: bytes, intact: bool) -> None:
    """read_at accepts exactly the payloads that chunks accepts."""
    try:
        reader = age.PayloadReader(file_key, io.BytesIO(sealed), offset, len(sealed) - offset)
        assert reader.read_at(0, reader.size + 1) == clear
    except RepositoryDamaged:
        assert not intact
    else:
        assert intact


@pytest.mark.skipif(not VECTOR_FILES, reason=f"the age test vectors are not in {VECTORS}")
def test_vectors_are_complete() -> None:
    counted: dict[str, int] = {}
    for path in VECTOR_FILES:
        why = Vector(path).left_out
        counted[why] = counted.get(why, 0) + 1
    assert counted.pop("") == SUPPORTED
    assert counted == LEFT_OUT


# --- other programs --------------------------------------------------------------------------------------------------
SIZES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 17]


def content(size: int) -> bytes:
    return (hashlib.sha256(str(size).encode()).digest() * (size // 32 + 1))[:size]


@needs_age
@pytest.mark.parametrize("size", SIZES)
def test_the_age_program_opens_what_we_seal(tmp_path: pathlib.Path, size: int) -> None:
    (tmp_path / "identity.txt").write_text(f"# a comment\n{OTHER.text}\n")
    (tmp_path / "sealed").write_bytes(age.seal(content(size), [IDENTITY.recipient, OTHER.recipient]))
    command = ["age", "-d", "-i", str(tmp_path / "identity.txt"), str(tmp_path / "sealed")]
    assert subprocess.run(command, check=True, capture_output=True).stdout == content(size)


@needs_age
@pytest.mark.parametrize("size", SIZES)
def test_we_open_what_the_age_program_seals(size: int) -> None:
    command = ["age", "-r", OTHER.recipient, "-r", IDENTITY.recipient]
    sealed = subprocess.run(command, check=True, capture_output=True, input=content(size)).stdout
    assert age.open_sealed(sealed, [IDENTITY]) == content(size)
    assert age.open_sealed(sealed, [OTHER]) == content(size)


def with_terminal(command: list[str], answers: list[bytes]) -> int:
    """Run a command that asks for passphrases on its terminal."""
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(command[0], command)
    shown = b""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            data = os.read(terminal, 4096)
        except OSError:
            break
        if not data:
            break
        shown += data
        if answers and shown.rstrip().endswith(b":"):
            time.sleep(0.05)
            os.write(terminal, answers.pop(0) + b"\n")
            shown = b""
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@needs_age
def test_the_age_program_opens_our_passphrase_file(tmp_path: pathlib.Path) -> None:
    (tmp_path / "slot.age").write_bytes(age.seal_scrypt(b"identity", "Grüße und Küsse".encode(), 10))
    command = ["age", "-d", "-o", str(tmp_path / "out"), str(tmp_path / "slot.age")]
    assert with_terminal(command, ["Grüße und Küsse".encode()]) == 0
    assert (tmp_path / "out").read_bytes() == b"identity"
    (tmp_path / "out").unlink()
    assert with_terminal(command, [b"another"]) != 0
    assert not (tmp_path / "out").exists()


@thorough
@needs_age
def test_we_open_a_passphrase_file_of_the_age_program(tmp_path: pathlib.Path) -> None:
    (tmp_path / "in").write_bytes(b"identity")
    command = ["age", "-p", "-o", str(tmp_path / "slot.age"), str(tmp_path / "in")]
    assert with_terminal(command, [b"correct horse", b"correct horse"]) == 0
    assert age.open_sealed_scrypt((tmp_path / "slot.age").read_bytes(), b"correct horse") == b"identity"


@pytest.mark.parametrize("size", SIZES)
def test_both_ways_with_pyrage(size: int) -> None:
    pyrage = pytest.importorskip("pyrage", reason="pyrage is not installed")
    identity = pyrage.x25519.Identity.from_str(IDENTITY.text)
    assert str(identity.to_public()) == IDENTITY.recipient
    assert pyrage.decrypt(age.seal(content(size), [IDENTITY.recipient]), [identity]) == content(size)
    assert age.open_sealed(pyrage.encrypt(content(size), [identity.to_public()]), [IDENTITY]) == content(size)


# --- keys ------------------------------------------------------------------------------------------------------------
def test_identity_text() -> None:
    assert IDENTITY.text.startswith("AGE-SECRET-KEY-1")
    assert age.X25519Identity.parse(f" {IDENTITY.text}\n") == IDENTITY
    assert IDENTITY != OTHER
    assert IDENTITY.secret != IDENTITY
    assert len({IDENTITY, age.X25519Identity(IDENTITY.secret), OTHER}) == 2
    assert IDENTITY.text not in repr(IDENTITY)
    assert age.X25519Identity.generate() != age.X25519Identity.generate()


@pytest.mark.parametrize(
    "text",
    ["", "AGE-SECRET-KEY-1", IDENTITY.text.lower(), IDENTITY.recipient, IDENTITY.text[:-1] + "Q", IDENTITY.text[:-7]],
)
def test_a_broken_identity_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(OptionInvalid) as caught:
        age.X25519Identity.parse(text)
    assert not text or text[-20:] not in str(caught.value)
    with pytest.raises(OptionInvalid):
        age.X25519Identity(b"short")


def test_identity_file() -> None:
    text = f"# created: today\n\n{IDENTITY.text}\r\n  {OTHER.text}\n"
    assert age.identities_from_text(text) == [IDENTITY, OTHER]
    with pytest.raises(OptionInvalid):
        age.identities_from_text("something else")


@pytest.mark.parametrize(
    "recipient", ["", "age1", IDENTITY.recipient.upper(), IDENTITY.text, IDENTITY.recipient[:-1], "ssh-ed25519 AAAA"]
)
def test_a_broken_recipient_is_refused(recipient: str) -> None:
    with pytest.raises(OptionInvalid):
        age.seal(b"", [IDENTITY.recipient, recipient])


def test_sealing_for_nobody_or_for_a_point_of_low_order_is_refused() -> None:
    with pytest.raises(OptionInvalid, match="without a recipient"):
        age.seal(b"", [])
    with pytest.raises(OptionInvalid, match="low order"):
        age.seal(b"", [age.bech32.encode("age", bytes(32))])


# --- headers ---------------------------------------------------------------------------------------------------------
def test_header_of_many_recipients_is_read_from_a_stream() -> None:
    file_key = age.new_file_key()
    identities = [age.X25519Identity.generate() for _number in range(60)]
    raw = age.seal_header(file_key, [identity.recipient for identity in identities])
    stream = io.BytesIO(raw + b"payload" * 10000)
    header = age.parse_header(stream)
    assert header.raw == raw
    assert header.length == len(raw) > 4096
    assert stream.tell() < len(raw) + 4096 + 1
    assert age.unwrap(header, [OTHER, identities[-1]]) == file_key
    with pytest.raises(WrongKey):
        age.unwrap(header, [OTHER])


def test_a_header_without_end_is_not_read_for_ever() -> None:
    with pytest.raises(RepositoryDamaged):
        age.parse_header(io.BytesIO(b"age-encryption.org/v1\n" + b"-> a\n\n" * 1000000))
    with pytest.raises(RepositoryDamaged):
        age.parse_header(b"age-encryption.org/v1\n" + b"-> a\n\n" * 1000000 + b"--- " + b"A" * 43 + b"\n")


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=4))
def test_stanzas_round_trip(bodies: list[bytes]) -> None:
    stanzas = tuple(age.Stanza("kind", ("a", str(number)), body) for number, body in enumerate(bodies))
    raw = age._finish_header(b"k" * 16, stanzas)
    assert age.parse_header(raw + b"payload").stanzas == stanzas
    assert age.parse_header(raw).raw == raw


def test_passphrase_header() -> None:
    file_key = age.new_file_key()
    header = age.parse_header(age.seal_header_scrypt(file_key, b"secret", 5))
    assert age.unwrap_scrypt(header, b"secret") == file_key
    with pytest.raises(WrongKey):
        age.unwrap_scrypt(header, b"Secret")
    with pytest.raises(RepositoryDamaged, match="work factor of 5"):
        age.unwrap_scrypt(header, b"secret", max_work_factor=4)
    with pytest.raises(WrongKey):
        age.unwrap(header, [IDENTITY])
    with pytest.raises(WrongKey):
        age.unwrap_scrypt(age.parse_header(age.seal_header(file_key, [IDENTITY.recipient])), b"secret")
    for work_factor in (0, 23):
        with pytest.raises(OptionInvalid):
            age.seal_header_scrypt(file_key, b"secret", work_factor)


def test_too_little_memory_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Exhausted:
        def __init__(self, **options: object) -> None:
            pass

        def derive(self, passphrase: bytes) -> bytes:
            raise MemoryError

    monkeypatch.setattr(age, "Scrypt", Exhausted)
    with pytest.raises(RepositoryError, match="not enough memory"):
        age.seal_scrypt(b"", b"secret", 20)


# --- payloads --------------------------------------------------------------------------------------------------------
def sealed_payload(parts: list[bytes]) -> tuple[bytes, bytes]:
    file_key = age.new_file_key()
    out: list[bytes] = []
    writer = age.PayloadWriter(file_key, out.append)
    for part in parts:
        writer.write(part)
    writer.close()
    writer.close()
    return file_key, b"".join(out)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("step", [1 << 14, CHUNK - 1, CHUNK, CHUNK + 1, 1 << 20])
def test_however_it_is_written_it_reads_the_same(size: int, step: int) -> None:
    clear = content(size)
    file_key, sealed = sealed_payload([clear[start : start + step] for start in range(0, size, step)])
    assert len(sealed) == 16 + size + 16 * max(1, -(-size // CHUNK))
    reader = age.PayloadReader(file_key, io.BytesIO(b"head" + sealed + b"tail"), 4, len(sealed))
    assert b"".join(reader.chunks()) == clear
    assert reader.size == size
    assert reader.read_at(0, size) == clear


class Dribble(io.BytesIO):
    """A file that hands out less than it was asked for, as unbuffered and remote files may."""

    def read(self, count: int | None = -1) -> bytes:
        return super().read(min(count, 10007) if count and count > 16 else count)


def test_short_reads_are_not_the_end() -> None:
    clear = content(5 * CHUNK + 5)
    file_key, sealed = sealed_payload([clear])
    reader = age.PayloadReader(file_key, Dribble(sealed), 0, len(sealed))
    assert b"".join(reader.chunks()) == clear
    assert reader.read_at(CHUNK - 5, 3 * CHUNK) == clear[CHUNK - 5 : 4 * CHUNK - 5]


LARGE = content(4 * CHUNK + 100)
LARGE_KEY, LARGE_SEALED = sealed_payload([LARGE])


def large_reader(sealed: bytes, old: bool) -> age.PayloadReader:
    """A reader with the library that there is, or with an old one that cannot open into given memory."""
    reader = age.PayloadReader(LARGE_KEY, io.BytesIO(sealed), 0, len(sealed))
    if old:
        reader._decrypt_into = None
    return reader


@given(st.integers(0, len(LARGE) + 10), st.integers(0, len(LARGE) + 10), st.booleans())
def test_random_access_equals_a_slice(position: int, count: int, old: bool) -> None:
    reader = large_reader(LARGE_SEALED, old)
    assert reader.read_at(position, count) == LARGE[position : position + count]


@given(st.integers(0, len(LARGE_SEALED) - 1), st.integers(0, 7), st.booleans())
def test_a_flipped_bit_is_found_wherever_it_is_read(position: int, bit: int, old: bool) -> None:
    changed = bytearray(LARGE_SEALED)
    changed[position] ^= 1 << bit
    reader = large_reader(bytes(changed), old)
    with pytest.raises(RepositoryDamaged):
        b"".join(reader.chunks())
    with pytest.raises(RepositoryDamaged):
        reader.read_at(0, len(LARGE))


@given(st.integers(0, len(LARGE_SEALED) - 1))
def test_a_cut_is_found(length: int) -> None:
    for file_length in (length, len(LARGE_SEALED)):
        with pytest.raises(RepositoryDamaged):
            reader = age.PayloadReader(LARGE_KEY, io.BytesIO(LARGE_SEALED[:length]), 0, file_length)
            b"".join(reader.chunks())
        with pytest.raises(RepositoryDamaged):
            reader = age.PayloadReader(LARGE_KEY, io.BytesIO(LARGE_SEALED[:length]), 0, file_length)
            reader.read_at(0, 1)


def test_chunks_cannot_change_places() -> None:
    size = age.SEALED_CHUNK_SIZE
    body = LARGE_SEALED[16:]
    swapped = LARGE_SEALED[:16] + body[size : 2 * size] + body[:size] + body[2 * size :]
    with pytest.raises(RepositoryDamaged):
        next(age.PayloadReader(LARGE_KEY, io.BytesIO(swapped), 0, len(swapped)).chunks())


def test_misuse_is_refused() -> None:
    writer = age.PayloadWriter(b"k" * 16, lambda data: None)
    writer.close()
    with pytest.raises(ValueError):
        writer.write(b"more")
    reader = age.PayloadReader(LARGE_KEY, io.BytesIO(LARGE_SEALED), 0, len(LARGE_SEALED))
    for position, count in ((-1, 1), (0, -1)):
        with pytest.raises(ValueError):
            reader.read_at(position, count)


# --- whole objects ---------------------------------------------------------------------------------------------------
@given(st.binary(max_size=1000))
def test_seal_and_open(clear: bytes) -> None:
    sealed = age.seal(clear, [IDENTITY.recipient])
    assert age.open_sealed(sealed, [OTHER, IDENTITY]) == clear
    assert age.seal(clear, [IDENTITY.recipient]) != sealed
    with pytest.raises(WrongKey):
        age.open_sealed(sealed, [OTHER])


SEALED = age.seal(b"some content", [OTHER.recipient, IDENTITY.recipient])
PASSPHRASE_SEALED = age.seal_scrypt(b"some content", b"secret", 1)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_changed_objects_never_open_and_never_crash(data: st.DataObject) -> None:
    for sealed in (SEALED, PASSPHRASE_SEALED):
        changed = bytearray(sealed)
        for _change in range(data.draw(st.integers(1, 3))):
            start = data.draw(st.integers(0, len(changed)))
            end = data.draw(st.integers(start, min(len(changed), start + 3)))
            changed[start:end] = data.draw(
                st.one_of(st.binary(max_size=3), st.sampled_from([b"\n", b" ", b"-> ", b"=", b"--- "]))
            )
        if changed == sealed:
            continue
        with pytest.raises((RepositoryDamaged, WrongKey)):
            if sealed is SEALED:
                age.open_sealed(bytes(changed), [IDENTITY])
            else:
                age.open_sealed_scrypt(bytes(changed), b"secret", max_work_factor=5)


@given(st.binary(max_size=300))
def test_any_bytes_are_parsed_or_refused(data: bytes) -> None:
    for text in (data, b"age-encryption.org/v1\n" + data, b"age-encryption.org/v1\n-> X25519 " + data):
        with pytest.raises(RepositoryDamaged):
            age.parse_header(text)


# --- speed -----------------------------------------------------------------------------------------------------------
def best(action: object, tries: int = 5) -> float:
    times = []
    for _try in range(tries):
        start = time.process_time()
        action()  # type: ignore[operator]
        times.append(time.process_time() - start)
    return min(times)


def test_large_payloads_are_sealed_at_the_speed_of_the_cipher() -> None:
    clear = bytes(16 << 20)

    def run() -> None:
        writer = age.PayloadWriter(b"k" * 16, lambda data: None)
        writer.write(clear)
        writer.close()

    # measured: 2.5 GB/s; the bound is wide because machines differ
    assert len(clear) / best(run) > 300e6


def test_small_objects_are_sealed_in_no_time() -> None:
    # measured: 0.12 ms
    assert best(lambda: [age.seal(b"x" * 1000, [IDENTITY.recipient]) for _number in range(50)]) / 50 < 0.002
