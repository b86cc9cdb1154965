# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io
import random
import subprocess
import tarfile
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from support.thoroughness import examples

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    KeyRequired,
    RepositoryDamaged,
    RepositoryFull,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository import age, bundles
from ansible_collections.ucops.recovery.plugins.module_utils._repository.backends.base import Staged
from ansible_collections.ucops.recovery.plugins.module_utils._repository.bundles import (
    FRAME_SIZE,
    BundleReader,
    BundleWriter,
    Compressor,
    FrameCache,
    WrittenBundle,
    tar_header,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository.cutter import MAX_PIECE

IDENTITY = age.X25519Identity.generate()
RANDOM = random.Random(3)


class Memory(Staged):
    """A staged file in memory."""

    def __init__(self, limit: int = 2**62) -> None:
        self.data = bytearray()
        self.size = 0
        self.limit = limit
        self.aborted = False

    def write(self, data: bytes) -> None:
        if self.size + len(data) > self.limit:
            raise RepositoryFull("full")
        self.data += data
        self.size += len(data)

    def close(self) -> None:
        pass

    def abort(self) -> None:
        self.aborted = True


@pytest.fixture(scope="module")
def compressor() -> Iterator[Compressor]:
    compressor = Compressor()
    yield compressor
    compressor.close()


def write(compressor: Compressor, pieces: list[bytes]) -> tuple[WrittenBundle, bytes]:
    memory = Memory()
    writer = BundleWriter(lambda hint: memory, [IDENTITY.recipient], compressor)
    assert [writer.add(piece) for piece in pieces] == list(range(len(pieces)))
    written = writer.close()
    return written, bytes(memory.data)


def reader_of(written: WrittenBundle, data: bytes, pool: ThreadPoolExecutor | None = None) -> BundleReader:
    return BundleReader(io.BytesIO(data), written.sealed.sha, len(data), written.sealed.file_key, FrameCache(), pool)


def sealed(plain: bytes) -> tuple[bytes, bytes]:
    """A payload sealed for nobody in particular, and its key."""
    key = age.new_file_key()
    parts = [age.seal_header(key, [IDENTITY.recipient])]
    payload = age.PayloadWriter(key, parts.append)
    payload.write(plain)
    payload.close()
    return b"".join(parts), key


SMALL = [b"a", b"b" * 511, b"c" * 512, b"d" * 513, RANDOM.randbytes(9000)]
LARGE = [RANDOM.randbytes(RANDOM.randint(1, 1024 * 1024)) for _number in range(24)]


@pytest.mark.parametrize(
    "pieces", [SMALL, LARGE, SMALL + LARGE + SMALL, LARGE[:1]], ids=["small", "large", "mixed", "one"]
)
def test_members_are_read_in_any_order(compressor: Compressor, pieces: list[bytes]) -> None:
    written, data = write(compressor, pieces)
    assert written.members == len(pieces) and written.sealed.size == len(data)
    with ThreadPoolExecutor(1) as pool:
        for order in (range(len(pieces)), reversed(range(len(pieces))), RANDOM.sample(range(len(pieces)), len(pieces))):
            reader = reader_of(written, data, pool)
            for member in order:
                assert bytes(reader.read(member)) == pieces[member]
            reader.close()


@settings(max_examples=examples(30), deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=3000), min_size=1, max_size=30))
def test_any_pieces_come_back(pieces: list[bytes]) -> None:
    compressor = Compressor()
    written, data = write(compressor, pieces)
    reader = reader_of(written, data)
    assert [bytes(reader.read(member)) for member in range(len(pieces))] == pieces
    compressor.close()


def test_stock_tools_read_a_bundle(compressor: Compressor) -> None:
    pieces = SMALL + LARGE[:8]
    _written, data = write(compressor, pieces)
    plain = age.open_sealed(data, [IDENTITY])
    unpacked = subprocess.run(["zstd", "-dc"], input=plain, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(unpacked)) as archive:
        members = archive.getmembers()
        assert [member.name for member in members] == [f"{number:06d}" for number in range(len(pieces))]
        assert {(member.mode, member.mtime, member.isreg()) for member in members} == {(0o600, 0, True)}
        assert [archive.extractfile(member).read() for member in members] == pieces  # type: ignore[union-attr]
    listed = subprocess.run(["tar", "-t"], input=unpacked, capture_output=True, check=True)
    assert len(listed.stdout.split()) == len(pieces) and not listed.stderr


def test_a_header_is_that_of_the_tar_library() -> None:
    for member, size in ((0, 1), (7, 512), (999_999, 1024 * 1024)):
        info = tarfile.TarInfo(f"{member:06d}")
        info.size, info.mode = size, 0o600
        theirs = tarfile.TarInfo.frombuf(tar_header(member, size), "ascii", "strict")
        assert (theirs.name, theirs.size, theirs.mode, theirs.mtime) == (info.name, info.size, 0o600, 0)


def test_frames_hold_whole_members_and_are_bounded(compressor: Compressor) -> None:
    written, data = write(compressor, LARGE)
    reader = reader_of(written, data)
    found = []
    for number in range(reader.frame_count):
        frame = reader.frame(number)
        assert len(frame.data) <= FRAME_SIZE
        found += list(frame.places)
    assert found == list(range(len(LARGE))) and reader.frame_count > 2


def test_what_gains_nothing_by_more_work_is_compressed_lightly(
    compressor: Compressor, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[int] = []
    real = Compressor._at
    monkeypatch.setattr(Compressor, "_at", lambda self, level: used.append(level) or real(self, level))
    compressor.compress(RANDOM.randbytes(512 * 1024))
    assert used == [1, 1]
    used.clear()
    rows = b"".join(
        b"(%d,'sip:%d@10.0.0.1',%d),\n" % (row, *RANDOM.choices(range(10**9), k=2)) for row in range(20_000)
    )
    compressor.compress(rows)
    assert used == [1, 3, 1]
    used.clear()
    words = [RANDOM.randbytes(RANDOM.randrange(2, 9)).hex().encode() for _word in range(3000)]
    compressor.compress(b" ".join(RANDOM.choices(words, k=60_000)))
    assert used == [1, 3, 3]
    used.clear()
    compressor.compress(RANDOM.randbytes(1000))
    assert used == [3]


def test_a_bundle_is_full_before_it_is_too_large(compressor: Compressor, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = 12 * 1024 * 1024
    monkeypatch.setattr(bundles, "BUNDLE_LIMIT", limit)
    for piece in (RANDOM.randbytes(1024 * 1024), bytes(1024 * 1024)):
        memory = Memory()
        writer = BundleWriter(lambda hint, memory=memory: memory, [IDENTITY.recipient], compressor)
        for _number in range(40):
            if writer.add(piece) is None:
                break
        written = writer.close()
        assert written.sealed.size <= limit
        assert written.members == (40 if piece[0] == piece[1] == 0 else written.members)
        assert written.members >= 7


def test_a_bundle_has_no_more_members_than_names(compressor: Compressor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "MEMBER_LIMIT", FRAME_SIZE // 512 + 100)
    writer = BundleWriter(lambda hint: Memory(), [IDENTITY.recipient], compressor)
    added = 0
    while writer.add(b"x") is not None:
        added += 1
    assert added <= bundles.MEMBER_LIMIT
    writer.abort()


def test_an_error_while_writing_comes_out(compressor: Compressor) -> None:
    memory = Memory(limit=100_000)
    writer = BundleWriter(lambda hint: memory, [IDENTITY.recipient], compressor)
    with pytest.raises(RepositoryFull):
        for _number in range(100):
            writer.add(LARGE[0])
    writer.abort()
    assert memory.aborted


def test_a_key_is_required(compressor: Compressor) -> None:
    written, data = write(compressor, SMALL)
    with pytest.raises(KeyRequired):
        BundleReader(io.BytesIO(data), written.sealed.sha, len(data), None, FrameCache())


def test_an_absent_member_is_named(compressor: Compressor) -> None:
    written, data = write(compressor, SMALL + LARGE)
    for member in (len(SMALL + LARGE), 999_999):
        with pytest.raises(RepositoryDamaged, match=f"no member {member}") as error:
            reader_of(written, data).read(member)
        assert error.value.item == written.sealed.sha


def test_every_changed_or_cut_byte_is_refused(compressor: Compressor) -> None:
    written, data = write(compressor, [b"one", b"two" * 100])
    undetected = []
    for position in range(len(data)):
        for damaged in (data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :], data[:position]):
            try:
                reader = reader_of(written, damaged)
                for member in (0, 1):
                    reader.read(member)
            except RepositoryDamaged:
                continue
            undetected.append(position)
    assert undetected == []


def frames_of(*frames: bytes, table: bytes | None = None, magic: int = 0x8F92EAB1, descriptor: int = 0) -> bytes:
    """An archive in frames, with a seek table that may lie."""
    compressed = [zstandard.ZstdCompressor().compress(frame) for frame in frames]
    if table is None:
        rows = [bundles._TABLE_ENTRY.pack(len(one), len(frame)) for one, frame in zip(compressed, frames)]
        table = b"".join(rows)
    body = table + bundles._TABLE_FOOTER.pack(len(table) // 8, descriptor, magic)
    return b"".join(compressed) + bundles._TABLE_HEADER.pack(0x184D2A5E, len(body)) + body


PLAIN = tar_header(0, 3) + b"abc" + bytes(509) + bytes(1024)
ENTRY = bundles._TABLE_ENTRY.pack


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        (b"", "no seek table"),
        (b"short", "no seek table"),
        (frames_of(PLAIN, magic=1), "no seek table"),
        (frames_of(PLAIN, descriptor=0x80), "no seek table"),
        (frames_of(PLAIN, table=ENTRY(1, len(PLAIN))), "seek table"),
        (frames_of(PLAIN, table=ENTRY(2**22, len(PLAIN))), "seek table"),
        (frames_of(PLAIN, table=ENTRY(2**31, len(PLAIN))), "too large"),
        (frames_of(PLAIN, table=ENTRY(len(zstandard.ZstdCompressor().compress(PLAIN)), 5)), "do not fit"),
        (frames_of(bytes(FRAME_SIZE + 1024 * 1024 + 1)), "too large"),
        (frames_of(PLAIN[:514]), "within a member"),
        (frames_of(b"\1" * 512), "no member"),
        (frames_of(PLAIN[:100] + b"\7" + PLAIN[101:]), "no member"),
        (frames_of(PLAIN[:156] + b"2" + PLAIN[157:]), "no member"),
        (frames_of(tar_header(0, 0) + PLAIN), "no member"),
        (frames_of(tar_header(0, MAX_PIECE + 1) + bytes(FRAME_SIZE)), "no member"),
        # to go backwards is to read for ever
        (frames_of(tar_header(0, -512) + PLAIN), "no member"),
        (frames_of(tar_header(-1, 3) + PLAIN[512:]), "no member"),
        (frames_of(PLAIN[:1024] + PLAIN), "not in order"),
        (frames_of(PLAIN)[:-9] + bundles._TABLE_FOOTER.pack(2**28, 0, 0x8F92EAB1), "no seek table"),
    ],
    ids=range(19),
)
def test_archives_that_are_none(plain: bytes, message: str) -> None:
    data, key = sealed(plain)
    with pytest.raises(RepositoryDamaged, match=message):
        BundleReader(io.BytesIO(data), "sha", len(data), key, FrameCache()).read(0)


def opened(plain: bytes) -> BundleReader:
    data, key = sealed(plain)
    return BundleReader(io.BytesIO(data), "sha", len(data), key, FrameCache())


def test_members_of_frames_that_are_not_in_order_are_refused() -> None:
    frames = [tar_header(number, 1) + b"x" + bytes(511) for number in (5, 9, 7, 3)]
    for order, wanted in (((0, 1, 2), 7), ((1, 0), 5), ((0, 0), 6), ((0, 2, 1), 4), ((0, 2, 1), 8)):
        with pytest.raises(RepositoryDamaged, match="not in order|no member"):
            opened(frames_of(*(frames[number] for number in order))).read(wanted)
    reader = opened(frames_of(*(frames[number] for number in (0, 2, 1))))
    assert [bytes(reader.read(number)) for number in (9, 5, 7)] == [b"x"] * 3
    for absent in (0, 6, 10):
        with pytest.raises(RepositoryDamaged, match=f"no member {absent}"):
            reader.read(absent)


def test_what_a_frame_may_become_is_known_before_it_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bomb: a few bytes that would be gigabytes, in a frame that states it, does not, or states something else."""
    bomb = zstandard.ZstdCompressor().compress(bytes(64 * 1024 * 1024))
    unstated = zstandard.ZstdCompressor(write_content_size=False).compress(bytes(64 * 1024 * 1024))
    several = zstandard.ZstdCompressor().compress(PLAIN) + bomb
    for frame, raw, message in (
        (bomb, 64 * 1024 * 1024, "too large"),
        (bomb, len(PLAIN), "do not fit"),
        (unstated, FRAME_SIZE, "do not fit"),
        (b"", FRAME_SIZE, "cannot be decompressed"),
        (several, len(PLAIN), ""),
    ):
        body = ENTRY(len(frame), raw) + bundles._TABLE_FOOTER.pack(1, 0, 0x8F92EAB1)
        plain = frame + bundles._TABLE_HEADER.pack(0x184D2A5E, len(body)) + body
        tracemalloc.start()
        if message:
            with pytest.raises(RepositoryDamaged, match=message) as error:
                opened(plain).read(0)
            assert error.value.item == "sha"
        else:
            assert bytes(opened(plain).read(0)) == b"abc"
        assert tracemalloc.get_traced_memory()[1] < 2 * FRAME_SIZE
        tracemalloc.stop()


def test_a_bundle_of_endless_frames_is_refused_in_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = bundles._TABLE_ENTRY.pack(0, 0) * 2_000_000
    plain = rows + bundles._TABLE_FOOTER.pack(2_000_000, 0, 0x8F92EAB1)
    data, key = sealed(bundles._TABLE_HEADER.pack(0x184D2A5E, len(plain)) + plain)
    tracemalloc.start()
    with pytest.raises(RepositoryDamaged, match="too many frames"):
        BundleReader(io.BytesIO(data), "sha", len(data), key, FrameCache())
    assert tracemalloc.get_traced_memory()[1] < 1024 * 1024
    tracemalloc.stop()
    monkeypatch.setattr(bundles, "MEMBER_LIMIT", 2)
    assert bytes(opened(frames_of(PLAIN[:1024], b"\0" * 1024, b"\0" * 1024)).read(0)) == b"abc"
    with pytest.raises(RepositoryDamaged, match="too many frames"):
        opened(frames_of(PLAIN, *[b"\0" * 1024] * 3))


def test_an_object_of_another_size_is_refused(compressor: Compressor) -> None:
    written, data = write(compressor, SMALL)
    for size in (len(data) - 1, len(data) + 1, 0):
        with pytest.raises(RepositoryDamaged, match=f"has {len(data)} bytes instead of {size}") as error:
            BundleReader(io.BytesIO(data), written.sealed.sha, size, written.sealed.file_key, FrameCache())
        assert error.value.item == written.sealed.sha


def test_a_frame_that_is_not_zstd_is_damaged() -> None:
    plain = bytearray(frames_of(PLAIN))
    plain[6:20] = b"\xff" * 14
    data, key = sealed(bytes(plain))
    with pytest.raises(RepositoryDamaged):
        BundleReader(io.BytesIO(data), "sha", len(data), key, FrameCache()).read(0)


def test_memory_keeps_few_frames(compressor: Compressor) -> None:
    written, data = write(compressor, [bytes(1024 * 1024)] * 24)
    cache = FrameCache(limit=2)
    reader = BundleReader(io.BytesIO(data), written.sealed.sha, len(data), written.sealed.file_key, cache)
    for member in range(24):
        reader.read(member)
    assert sum(cache.get((written.sealed.sha, number)) is not None for number in range(reader.frame_count)) == 2
