# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.thoroughness import examples

from ansible_collections.ucops.recovery.plugins.module_utils._errors import HostileContent, ItemTruncated
from ansible_collections.ucops.recovery.plugins.module_utils._items import tar_stream
from ansible_collections.ucops.recovery.plugins.module_utils._items.tar_stream import (
    TarMember,
    TarReader,
    archive,
    header,
)

GNU_TAR = (
    shutil.which("tar") and b"GNU" in subprocess.run(["tar", "--version"], capture_output=True, check=False).stdout
)
NEEDS_GNU_TAR = pytest.mark.skipif(not GNU_TAR, reason="left out: no GNU tar on this machine")


def read(data: bytes, step: int = 1000):
    reader = TarReader(data[at : at + step] for at in range(0, len(data), step))
    found = [(member, b"".join(reader.content())) for member in reader]
    assert reader.complete
    return found


def written(members) -> bytes:
    return b"".join(archive((member, [content]) for member, content in members))


NAME = st.binary(min_size=1, max_size=300).map(lambda raw: b"./" + (raw.replace(b"\0", b"0").rstrip(b"/") or b"0"))
SHORT = st.binary(max_size=60).map(lambda raw: raw.replace(b"\0", b"0"))
MEMBERS = st.builds(
    TarMember,
    name=NAME,
    kind=st.sampled_from(["file", "directory", "symlink", "hardlink", "fifo"]),
    mode=st.integers(0, 0o7777),
    uid=st.integers(0, 2**32),
    gid=st.integers(0, 2**32),
    owner=SHORT,
    group=SHORT,
    mtime_ns=st.integers(-(2**62), 2**62),
    link=NAME,
    acl_access=st.none() | SHORT,
    acl_default=st.none() | SHORT,
    xattrs=st.dictionaries(
        st.text("abc.%=D3", min_size=1, max_size=20).map(str.encode), st.binary(max_size=200), max_size=3
    ),
)


@given(st.lists(st.tuples(MEMBERS, st.binary(max_size=2000)), max_size=5), st.integers(1, 3000))
def test_what_is_written_is_read_back(drawn, step):
    members = []
    for member, content in drawn:
        content = content if member.kind == "file" else b""
        members.append((TarMember(**{**vars(member), "size": len(content)}), content))
    assert read(written(members), step) == members


@settings(max_examples=examples(40))
@given(MEMBERS.filter(lambda member: member.kind != "hardlink"))
def test_the_standard_library_reads_what_we_write(member):
    with tarfile.open(fileobj=io.BytesIO(written([(member, b"")])), encoding="utf-8", errors="surrogateescape") as tar:
        (info,) = tar.getmembers()
    assert info.name.encode("utf-8", "surrogateescape") == member.name.rstrip(b"/")
    assert (info.mode, info.uid, info.gid) == (member.mode, member.uid, member.gid)


def test_a_size_beyond_8_gib_is_kept():
    big = TarMember(b"./big", "file", size=9 * 2**30)
    assert next(iter(TarReader([header(big)]))).size == 9 * 2**30


@NEEDS_GNU_TAR
def test_gnu_tar_takes_what_we_write_and_writes_what_we_take(tmp_path):
    members = [
        (TarMember(b"./d", "directory", 0o750, mtime_ns=1_000_000_000_123_456_789), b""),
        (TarMember("./d/Grüße \n\xff".encode("latin-1"), "file", 0o640, mtime_ns=-1_500_000_000, size=5), b"hello"),
        (TarMember(b"./d/" + b"n" * 250, "file", 0o600, mtime_ns=1, size=700), b"x" * 700),
        (TarMember(b"./link", "symlink", 0o777, link=b"t" * 150, mtime_ns=5_000_000_000), b""),
    ]
    (tmp_path / "a.tar").write_bytes(written(members))
    (tmp_path / "out").mkdir()
    subprocess.run(
        ["tar", "-xpf", "../a.tar", "--no-same-owner"], cwd=tmp_path / "out", check=True, capture_output=True
    )
    command = [
        "tar",
        "-cf",
        "-",
        "--format=posix",
        "--pax-option=delete=atime,delete=ctime",
        "--sort=name",
        "./d",
        "./link",
    ]
    done = subprocess.run(
        command, cwd=tmp_path / "out", check=True, capture_output=True, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}
    )
    back = {member.name.rstrip(b"/"): (member, content) for member, content in read(done.stdout)}
    assert set(back) == {member.name for member, _content in members}
    for member, content in members:
        again, data = back[member.name]
        assert (again.kind, again.mode, again.link, data) == (member.kind, member.mode, member.link, content)
        if member.mtime_ns > 0:
            assert again.mtime_ns == member.mtime_ns


def test_content_that_nobody_reads_is_skipped():
    data = written([(TarMember(b"./a", "file", size=3000), b"x" * 3000), (TarMember(b"./b", "file", size=1), b"y")])
    assert [member.name for member in TarReader([data])] == [b"./a", b"./b"]


@pytest.mark.parametrize("missing", [1, 512, 1023, 1024, 1500, 3000])
def test_a_cut_archive_is_told(missing):
    data = written([(TarMember(b"./a", "file", size=3000), b"x" * 3000)])
    reader = TarReader([data[: len(data) - 513 - missing]])
    with pytest.raises(ItemTruncated, match="ends before its end"):
        for _member in reader:
            for _piece in reader.content():
                pass
    assert not reader.complete


def test_a_flipped_header_is_told():
    data = bytearray(written([(TarMember(b"./a", "file"), b"")]))
    data[3] ^= 1
    with pytest.raises(ItemTruncated, match="checksum"):
        list(TarReader([bytes(data)]))


def test_a_header_that_would_fill_our_memory_is_refused(monkeypatch):
    monkeypatch.setattr(tar_stream, "LARGEST_HEADER", 1000)
    huge = TarMember(b"./a", "file", xattrs={b"user.x": b"y" * 2000})
    with pytest.raises(HostileContent, match="a header of"):
        list(TarReader([header(huge)]))


@pytest.mark.parametrize("record", [b"abc path=x\n", b"99 path=x\n", b"7 path\n", b"9 path=xy\n"])
def test_a_broken_extended_header_is_told(record):
    block = tar_stream._block(b"./PaxHeader", b"x", len(record))
    data = block + record.ljust(512, b"\0") + header(TarMember(b"./a", "file"))[1024:]
    with pytest.raises(ItemTruncated, match="extended header"):
        list(TarReader([data]))


def test_a_content_of_another_length_than_promised_is_never_written():
    for content in (b"short", b"much too long"):
        with pytest.raises(ItemTruncated, match="than the 6 bytes"):
            written([(TarMember(b"./a", "file", size=6), content)])


def test_devices_are_never_written():
    with pytest.raises(HostileContent, match="block"):
        header(TarMember(b"./sda", "block"))


def test_a_link_or_folder_with_content_is_refused():
    for kind in ("symlink", "hardlink", "directory", "fifo"):
        flag = tar_stream._FLAGS[kind]
        with pytest.raises(HostileContent, match=f"a {kind} of 5 bytes"):
            list(TarReader([tar_stream._block(b"./a", flag, 5) + bytes(512) + tar_stream.END]))
