# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file client against a stand-in of a Windows file server at the level of messages: links, and lies.

That it speaks with a real server, encrypted, stands in tests/lab/test_smb.py.
"""

from __future__ import annotations

import errno

import pytest
from support.smb_peer import (
    DEDUPLICATED,
    DENIED,
    FULL,
    IN_USE,
    SmbPeer,
    junction,
    symlink,
)
from support.windows_files import READ_ONLY, REPARSE, MemoryWindowsFiles

from ansible_collections.ucops.recovery.plugins.module_utils._errors import HostileContent, OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._transport import smb_messages as smb
from ansible_collections.ucops.recovery.plugins.module_utils._transport.smb import SmbFiles, SmbOptions
from ansible_collections.ucops.recovery.plugins.module_utils._transport.windows_files import FileInUse


@pytest.fixture
def peer() -> SmbPeer:
    disk = MemoryWindowsFiles()
    disk.add(r"C:\App\config.xml", b"<config/>")
    disk.add(r"C:\Other\secret.txt", b"of somebody else")
    return SmbPeer(disk)


@pytest.fixture
def files(peer: SmbPeer) -> SmbFiles:
    return peer.files()


def content(files: SmbFiles, path: str) -> bytes:
    return b"".join(files.read(path))


def test_every_handle_is_closed(peer: SmbPeer, files: SmbFiles) -> None:
    files.make_folder(r"C:\App\new")
    files.write(r"C:\App\new\file", [b"x" * 3_000_000])
    assert len(content(files, r"C:\App\new\file")) == 3_000_000
    for one in files.take(r"C:\App", files.list_folder(r"C:\App")):
        b"".join(one.content)
    files.set_facts(r"C:\App\new\file", READ_ONLY, 5, 7)
    files.remove(r"C:\App\new\file")
    files.remove(r"C:\App\new")
    for path in (r"C:\App\nothing", r"C:\nowhere\x"):
        with pytest.raises(FileNotFoundError):
            files.read_security(path)
    assert peer.handles == {}


class TestLinks:
    @pytest.mark.parametrize("link", [junction(r"C:\Other"), symlink(r"C:\Other")])
    def test_a_link_is_seen_and_read_as_a_link(self, peer: SmbPeer, files: SmbFiles, link: bytes) -> None:
        peer.disk.add_link(r"C:\App\link", link)
        (listed,) = [one for one in files.list_folder(r"C:\App") if one.name == "link"]
        assert listed.kind == "link" == files.stat(r"C:\App\link").kind
        assert files.read_link(r"C:\App\link") == link
        (taken,) = files.take(r"C:\App", [listed])
        assert (taken.link, taken.error, list(taken.content)) == (link, None, [])
        assert peer.handles == {}

    @pytest.mark.parametrize("link", [junction(r"C:\Other"), symlink(r"C:\Other")])
    def test_nothing_goes_through_a_link(self, peer: SmbPeer, files: SmbFiles, link: bytes) -> None:
        peer.disk.add_link(r"C:\App\link", link)
        before = dict(peer.disk.nodes)
        inside = r"C:\App\link\secret.txt"
        actions = [
            lambda: content(files, inside),
            lambda: files.stat(inside),
            lambda: files.list_folder(r"C:\App\link"),
            lambda: files.read_security(inside),
            lambda: list(files.take(r"C:\App\link", [])),
            lambda: files.write(inside, [b"evil"]),
            lambda: files.write(r"C:\App\link\new", [b"evil"]),
            lambda: files.make_folder(r"C:\App\link\new"),
            lambda: files.remove(inside),
            lambda: files.set_facts(inside, READ_ONLY, 1, 1),
            lambda: files.write_security(inside, bytes(20)),
        ]
        for action in actions:
            with pytest.raises((PermissionError, NotADirectoryError, OSError)) as caught:
                action()
            assert caught.value.errno in (errno.EACCES, errno.ENOTDIR, errno.ELOOP)
        assert peer.disk.nodes == before and peer.disk.content(r"C:\Other\secret.txt") == b"of somebody else"
        assert peer.handles == {}

    def test_a_link_that_leads_to_a_file_is_not_written_through(self, peer: SmbPeer, files: SmbFiles) -> None:
        peer.disk.add_link(r"C:\App\link.xml", symlink(r"C:\Other\secret.txt"), folder=False)
        with pytest.raises(IsADirectoryError, match="is a link"):
            files.write(r"C:\App\link.xml", [b"evil"])
        with pytest.raises(PermissionError, match="is a link"):
            content(files, r"C:\App\link.xml")

    def test_removing_a_link_leaves_what_it_leads_to(self, peer: SmbPeer, files: SmbFiles) -> None:
        peer.disk.add_link(r"C:\App\link", junction(r"C:\Other"))
        files.remove(r"C:\App\link")
        assert r"C:\APP\LINK" not in peer.disk.nodes
        assert peer.disk.content(r"C:\Other\secret.txt") == b"of somebody else"

    @pytest.mark.parametrize("folder", [True, False])
    def test_a_link_is_made_again(self, peer: SmbPeer, files: SmbFiles, folder: bool) -> None:
        link = junction(r"C:\Other") if folder else symlink(r"C:\Other\secret.txt")
        files.make_link(r"C:\App\link", link, folder)
        assert files.read_link(r"C:\App\link") == link and files.stat(r"C:\App\link").kind == "link"
        with pytest.raises(FileExistsError):
            files.make_link(r"C:\App\link", link, folder)

    def test_a_link_that_cannot_be_made_leaves_nothing(self, peer: SmbPeer, files: SmbFiles) -> None:
        peer.refuse = lambda message, path: 0xC00000BB if message.command == smb.IOCTL else 0
        with pytest.raises(OSError) as caught:
            files.make_link(r"C:\App\link", junction(r"C:\Other"), True)
        assert caught.value.errno == errno.EOPNOTSUPP
        assert r"C:\APP\LINK" not in peer.disk.nodes and peer.handles == {}

    def test_what_is_only_deduplicated_is_a_file(self, peer: SmbPeer, files: SmbFiles) -> None:
        node = peer.disk.nodes[r"C:\APP\CONFIG.XML"]
        node.link = DEDUPLICATED.to_bytes(4, "little") + bytes(8)
        object.__setattr__(node.file, "attributes", node.file.attributes | REPARSE)
        (listed,) = files.list_folder(r"C:\App")
        (taken,) = files.take(r"C:\App", [listed])
        assert listed.kind == "file" == files.stat(r"C:\App\config.xml").kind
        assert b"".join(taken.content) == content(files, r"C:\App\config.xml") == b"<config/>"

    def test_a_file_that_became_a_link_since_it_was_listed(self, peer: SmbPeer, files: SmbFiles) -> None:
        (listed,) = files.list_folder(r"C:\App")
        peer.disk.nodes.pop(r"C:\APP\CONFIG.XML")
        peer.disk.add_link(r"C:\App\config.xml", symlink(r"C:\Other\secret.txt"), folder=False)
        (taken,) = files.take(r"C:\App", [listed])
        assert taken.error is not None and b"".join(taken.content) == b""


class TestStreams:
    def test_streams_beside_a_content_are_told(self, peer: SmbPeer, files: SmbFiles) -> None:
        peer.disk.add(r"C:\App\large", bytes(300_000))
        peer.streams = {r"C:\APP\CONFIG.XML": ["Zone.Identifier", "x"], r"C:\APP\LARGE": ["y"]}
        told = {}
        for one in files.take(r"C:\App", files.list_folder(r"C:\App")):
            told[one.name] = (list(one.streams), len(b"".join(one.content)))
        assert told == {"config.xml": (["Zone.Identifier", "x"], 9), "large": (["y"], 300_000)}

    def test_a_file_system_without_streams(self, peer: SmbPeer, files: SmbFiles) -> None:
        peer.refuse = lambda message, path: 0xC0000003 if message.body[3:4] == bytes((smb.STREAMS,)) else 0
        (taken,) = files.take(r"C:\App", files.list_folder(r"C:\App"))
        assert (list(taken.streams), taken.error, b"".join(taken.content)) == ([], None, b"<config/>")


class TestLies:
    @pytest.mark.parametrize("name", ["..\\..\\evil", "a/b", "x:y", "nul\0", "", "a\\b"])
    def test_a_name_that_no_file_can_have(self, peer: SmbPeer, files: SmbFiles, name: str) -> None:
        peer.extra_names = [name]
        with pytest.raises(HostileContent):
            files.list_folder(r"C:\App")

    def test_a_file_that_is_longer_than_it_was_listed(self, peer: SmbPeer, files: SmbFiles) -> None:
        (listed,) = files.list_folder(r"C:\App")
        peer.disk.add(r"C:\App\config.xml", b"<config>more</config>")
        for taken in files.take(r"C:\App", [listed]):
            assert b"".join(taken.content) == b"<config>more</config>"
            assert taken.file is not None and taken.file.size == 21 and taken.after == taken.file

    @pytest.mark.parametrize("left", [0, 1, 2**20, 2**20 + 1, 3 * 2**20])
    def test_a_file_that_shrinks_while_it_is_read_ends_early(self, peer: SmbPeer, files: SmbFiles, left: int) -> None:
        data = bytes(range(256)) * 2**14
        peer.disk.add(r"C:\App\large", data)
        reads = iter(range(100))

        def shrink(message: smb.Message, path: str) -> int:
            if message.command == smb.READ and next(reads) == 0:
                peer.disk.nodes[r"C:\APP\LARGE"].content = data[:left]
            return 0

        peer.refuse = shrink
        assert content(files, r"C:\App\large") == data[:left]


class TestWriting:
    def test_a_full_disk_leaves_the_old_file(self, peer: SmbPeer, files: SmbFiles) -> None:
        peer.disk.room = 100
        with pytest.raises(OSError) as caught:
            files.write(r"C:\App\config.xml", [b"x" * 1000])
        assert caught.value.errno == errno.ENOSPC
        assert content(files, r"C:\App\config.xml") == b"<config/>"
        assert [one.name for one in files.list_folder(r"C:\App")] == ["config.xml"]

    @pytest.mark.parametrize(
        ("status", "error"), [(DENIED, PermissionError), (IN_USE, FileInUse), (FULL, OSError), (0xC0000185, OSError)]
    )
    @pytest.mark.parametrize("step", [smb.WRITE, smb.FLUSH, smb.SET_INFO])
    def test_whatever_step_fails_leaves_the_old_file(
        self, peer: SmbPeer, files: SmbFiles, step: int, status: int, error: type[OSError]
    ) -> None:
        steps = iter([0] if step == smb.SET_INFO else [])

        def refuse(message: smb.Message, path: str) -> int:
            # of the settings, the first only dooms the new file
            return status if message.command == step and next(steps, None) is None else 0

        peer.refuse = refuse
        with pytest.raises(error):
            files.write(r"C:\App\config.xml", [b"new"])
        peer.refuse = lambda message, path: 0
        assert content(files, r"C:\App\config.xml") == b"<config/>"
        assert peer.handles == {}

    def test_a_read_only_file_is_replaced(self, peer: SmbPeer, files: SmbFiles) -> None:
        files.set_facts(r"C:\App\config.xml", READ_ONLY, 1, 1)
        files.write(r"C:\App\config.xml", [b"new"], bytes(19) + b"\x07")
        assert content(files, r"C:\App\config.xml") == b"new"
        assert files.read_security(r"C:\App\config.xml") == bytes(19) + b"\x07"

    def test_a_file_that_is_open_without_refusing_anybody(self, peer: SmbPeer, files: SmbFiles) -> None:
        reading = files.read(r"C:\App\config.xml")
        next(reading)
        peer.refuse = lambda message, path: IN_USE if _alone(message) and path.endswith("config.xml") else 0
        with pytest.raises(FileInUse, match="cannot be replaced"):
            files.write(r"C:\App\config.xml", [b"new"])
        assert [one.name for one in files.list_folder(r"C:\App")] == ["config.xml"]

    @pytest.mark.parametrize("step", [smb.CREATE, smb.SET_INFO])
    def test_who_only_looks_in_for_a_moment_is_waited_for(self, peer: SmbPeer, files: SmbFiles, step: int) -> None:
        times = iter([0, IN_USE, IN_USE] if step == smb.SET_INFO else [IN_USE, IN_USE])

        def refuse(message: smb.Message, path: str) -> int:
            if message.command != step or (step == smb.CREATE and not path.endswith("config.xml")):
                return 0
            return next(times, 0)

        peer.refuse = refuse
        files.write(r"C:\App\config.xml", [b"new"])
        assert content(files, r"C:\App\config.xml") == b"new" and next(times, None) is None
        times = iter([IN_USE] if step == smb.CREATE else [0])
        files.remove(r"C:\App\config.xml")
        assert r"C:\APP\CONFIG.XML" not in peer.disk.nodes and peer.handles == {}

    def test_the_folders_above_are_held_while_something_is_written(self, peer: SmbPeer, files: SmbFiles) -> None:
        held: list[str] = []

        def look() -> object:
            held.extend(handle.path for handle in peer.handles.values())
            yield b"new"

        files.write(r"C:\App\config.xml", look())  # type: ignore[arg-type]
        assert r"C:\App" in held and peer.handles == {}

    def test_inherited_flags_are_asked_for(self, peer: SmbPeer, files: SmbFiles) -> None:
        sent: list[bytes] = []

        def note(message: smb.Message, path: str) -> int:
            if message.command == smb.SET_INFO:
                sent.append(message.body[32:])
            return 0

        peer.refuse = note
        inherited = b"\x01\0\x04\x84" + bytes(16)
        files.write_security(r"C:\App\config.xml", inherited)
        assert int.from_bytes(sent[0][2:4], "little") == 0x8504
        assert files.read_security(r"C:\App\config.xml") == inherited


def _alone(message: smb.Message) -> bool:
    return message.command == smb.CREATE and message.body[32:36] == bytes(4)


class TestOptions:
    @pytest.mark.parametrize(
        "changes",
        [
            {"authentication": "basic"},
            {"password": None},
            {"username": ""},
            {"shares": {"data": "Data$"}},
            {"shares": {"1": "Data$"}},
        ],
    )
    def test_options_that_cannot_be(self, changes: dict[str, object]) -> None:
        with pytest.raises(OptionInvalid):
            SmbFiles(SmbOptions(**{"host": "h", "username": "u", "password": "p", **changes}))  # type: ignore[arg-type]

    def test_a_drive_is_never_written(self, files: SmbFiles) -> None:
        for action in (files.remove, files.make_folder, lambda path: files.write(path, [b""])):
            with pytest.raises(PermissionError):
                action("C:\\")
