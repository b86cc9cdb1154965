# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Trees of Windows files, on a disk in memory: what is gathered, what is refused, what is put back."""

from __future__ import annotations

import dataclasses
import errno
import struct
from collections.abc import Iterable, Iterator, Sequence

import pytest
from support.windows_files import DEFAULT_SECURITY, MemoryWindowsFiles

from ansible_collections.ucops.recovery.plugins.module_utils._entries import Entry, ItemReport
from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    ConnectionLost,
    HostileContent,
    OptionInvalid,
    RestoreFailed,
)
from ansible_collections.ucops.recovery.plugins.module_utils._items.windows_tree import WindowsTree
from ansible_collections.ucops.recovery.plugins.module_utils._transport.windows import WindowsCommands, WindowsTransport
from ansible_collections.ucops.recovery.plugins.module_utils._transport.windows_files import Taken

ROOT = r"C:\Program Files\estos\UCServer"
TARGET = r"\??\D:\Data"
JUNCTION = struct.pack("<IHHHHHH", 0xA0000003, 34, 0, 0, 22, 24, 0) + TARGET.encode("utf-16-le") + bytes(4)
OTHER_SECURITY = DEFAULT_SECURITY[:4] + b"\x01" + DEFAULT_SECURITY[5:]


class NoCommands(WindowsCommands):
    """A host whose commands nobody may need."""

    host = "windows.example"

    def close(self) -> None:
        pass


def tree(*paths: str, exclude: Sequence[str] = (), data_class: str = "voip_config") -> WindowsTree:
    return WindowsTree(name="config", data_class=data_class, paths=paths or (rf"{ROOT}\config",), exclude=exclude)


def gather(item: WindowsTree, files: MemoryWindowsFiles) -> tuple[dict[bytes, tuple[Entry, bytes]], ItemReport]:
    report = ItemReport(item.name)
    transport = WindowsTransport(NoCommands(), files)
    found = {}
    for entry, content in item.gather(transport, report):
        data = b"".join(content)
        found[entry.path] = (dataclasses.replace(entry, size=len(data)), data)
    return found, report


def measured(item: WindowsTree, files: MemoryWindowsFiles) -> ItemReport:
    report = ItemReport(item.name)
    item.measure(WindowsTransport(NoCommands(), files), report)
    return report


def restore(item: WindowsTree, files: MemoryWindowsFiles, wanted: dict[bytes, tuple[Entry, bytes]]) -> None:
    current = [entry for entry, _data in gather(item, files)[0].values()]
    lazy = ((entry, _lazily(data)) for entry, data in wanted.values())
    item.restore(WindowsTransport(NoCommands(), files), lazy, current)


def _lazily(data: bytes) -> Iterator[bytes]:
    for at in range(0, len(data), 7):
        yield data[at : at + 7]


@pytest.fixture
def disk() -> MemoryWindowsFiles:
    files = MemoryWindowsFiles()
    files.add(rf"{ROOT}\config\locations.xml", b"<locations/>")
    files.add(rf"{ROOT}\config\Größe\tief.xml", b"\xef\xbb\xbf<x/>", attributes=0x23, security=OTHER_SECURITY)
    files.add(rf"{ROOT}\config\empty.xml", b"")
    files.add(rf"{ROOT}\config\leer", None, attributes=0x12)
    files.add(rf"{ROOT}\database\server.db", b"SQLite format 3\0" + bytes(200))
    files.add(r"C:\Windows\win.ini", b"[x]")
    return files


class TestGathering:
    def test_files_folders_and_what_windows_knows_of_them(self, disk: MemoryWindowsFiles) -> None:
        found, report = gather(tree(), disk)
        deep, data = found["/C:/Program Files/estos/UCServer/config/Größe/tief.xml".encode()]
        assert data == b"\xef\xbb\xbf<x/>"
        assert deep.xattrs["system.ntfs_acl"] == OTHER_SECURITY
        assert deep.xattrs["system.ntfs_attrib"] == (0x23).to_bytes(4, "little")
        assert int.from_bytes(deep.xattrs["system.ntfs_crtime"], "little") == 133444736000000000
        assert deep.mtime_ns == 1_700_000_000 * 10**9
        assert (deep.mode, deep.uid, deep.owner) == (None, None, None)
        assert [entry.kind for entry, _data in found.values()].count("directory") == 3
        assert (report.found, report.problems, report.notes) == (True, [], {})

    def test_case_does_not_matter_and_the_disk_spells_the_names(self, disk: MemoryWindowsFiles) -> None:
        found, _report = gather(tree(r"c:\PROGRAM files\ESTOS\ucserver\CONFIG"), disk)
        assert b"/C:/Program Files/estos/UCServer/config/locations.xml" in found

    def test_globs_stay_within_a_name(self, disk: MemoryWindowsFiles) -> None:
        found, _report = gather(tree(r"C:\Program Files\*\UCServer\d*"), disk)
        assert set(found) == {
            b"/C:/Program Files/estos/UCServer/database",
            b"/C:/Program Files/estos/UCServer/database/server.db",
        }
        assert gather(tree(r"C:\*\win.ini"), disk)[0].keys() == {b"/C:/Windows/win.ini"}
        assert not gather(tree(r"C:\*win.ini"), disk)[0]

    def test_what_overlaps_comes_once(self, disk: MemoryWindowsFiles) -> None:
        item = tree(rf"{ROOT}\config", rf"{ROOT}\CONFIG\locations.xml")
        report = ItemReport(item.name)
        paths = [entry.path for entry, _content in item.gather(WindowsTransport(NoCommands(), disk), report)]
        assert len(paths) == len(set(paths)) == 6

    @pytest.mark.parametrize("pattern", ["TIEF.xml", r"C:\Program Files\**\größe", "gr*"])
    def test_excludes(self, disk: MemoryWindowsFiles, pattern: str) -> None:
        item = tree(exclude=[pattern])
        found, report = gather(item, disk)
        path = "/C:/Program Files/estos/UCServer/config/Größe/tief.xml".encode()
        assert path not in found and not item.covers(path) and not report.problems
        (holding,) = report.holding
        assert holding in found and path.startswith(holding + b"/")

    def test_nothing_there(self) -> None:
        found, report = gather(tree(), MemoryWindowsFiles())
        assert (found, report.found, report.problems) == ({}, False, [])
        assert report.notes["nothing_at"] == ["/C:/Program Files/estos/UCServer/config"]

    def test_each_path_of_a_required_item_is_demanded(self, disk: MemoryWindowsFiles) -> None:
        paths = (rf"{ROOT}\config", r"C:\Gone", r"C:\Gone too\*.log", rf"{ROOT}\config\skipped.txt")
        disk.add(rf"{ROOT}\config\skipped.txt", b"x")
        item = tree(*paths, exclude=["skipped.txt"])
        for report in (gather(item, disk)[1], measured(item, disk)):
            assert [(one.path, one.absent) for one in report.problems] == [("/C:/Gone", True)]
        for other in ({"required": False}, {"any_of": True}):
            assert gather(dataclasses.replace(item, **other), disk)[1].problems == []

    def test_a_link_is_kept_and_never_entered(self, disk: MemoryWindowsFiles) -> None:
        disk.add_link(rf"{ROOT}\config\elsewhere", JUNCTION)
        disk.add(rf"{ROOT}\config\elsewhere\secret.txt", b"of another volume")
        found, report = gather(tree(), disk)
        link, _data = found[b"/C:/Program Files/estos/UCServer/config/elsewhere"]
        assert (link.kind, link.link_target) == ("symlink", TARGET.encode())
        assert link.xattrs["system.ntfs_reparse_data"] == JUNCTION
        assert not any(b"secret" in path for path in found)
        assert report.notes["links"] == ["/C:/Program Files/estos/UCServer/config/elsewhere"]

    def test_streams_beside_a_content_are_noted(self, disk: MemoryWindowsFiles) -> None:
        take = disk._take

        def with_streams(path: str, name: str) -> Taken:
            taken = take(path, name)
            taken.streams = ["Zone.Identifier"] if name == "locations.xml" else []
            return taken

        disk._take = with_streams  # type: ignore[method-assign]
        _found, report = gather(tree(), disk)
        assert report.notes == {"streams_not_kept": ["/C:/Program Files/estos/UCServer/config/locations.xml"]}

    def test_a_link_above_is_a_problem_that_names_its_target(self, disk: MemoryWindowsFiles) -> None:
        disk.add_link(r"C:\Moved", JUNCTION)
        _found, report = gather(tree(r"C:\Moved\config"), disk)
        assert TARGET in report.problems[0].message and not report.found

    def test_a_link_that_a_pattern_happens_to_match_is_no_problem(self, disk: MemoryWindowsFiles) -> None:
        disk.add(r"C:\Users\anna\AppData\estos\x.xml", b"x")
        disk.add_link(r"C:\Users\All Users", JUNCTION)
        found, report = gather(tree(r"C:\Users\*\AppData\estos"), disk)
        assert b"/C:/Users/anna/AppData/estos/x.xml" in found and not report.problems
        assert report.notes["links_not_entered"] == ["/C:/Users/All Users"]

    def test_in_use_denied_and_vanished(self, disk: MemoryWindowsFiles) -> None:
        disk.in_use.add(rf"{ROOT}\config\locations.xml")
        disk.denied.add(rf"{ROOT}\CONFIG\empty.xml")
        found, report = gather(tree(), disk)
        assert {(problem.path.rpartition("/")[2], problem.message) for problem in report.problems} == {
            ("locations.xml", "is in use by another program"),
            ("empty.xml", "access is denied"),
        }
        assert b"/C:/Program Files/estos/UCServer/config/leer" in found

    def test_a_file_that_is_removed_before_it_is_read_is_gone(self, disk: MemoryWindowsFiles) -> None:
        list_folder = disk.list_folder

        def remove_meanwhile(path: str) -> list[object]:
            listed = list_folder(path)
            if path.endswith("config"):
                disk.nodes.pop(rf"{ROOT}\config\empty.xml".upper(), None)
            return listed  # type: ignore[return-value]

        disk.list_folder = remove_meanwhile  # type: ignore[assignment,method-assign]
        found, report = gather(tree(), disk)
        assert not report.problems and report.notes["vanished"] == ["/C:/Program Files/estos/UCServer/config/empty.xml"]
        assert b"/C:/Program Files/estos/UCServer/config/empty.xml" not in found

    def test_changed_once_while_it_was_read_is_read_again(self, disk: MemoryWindowsFiles) -> None:
        path = rf"{ROOT}\config\locations.xml"
        disk.during_reading[path.upper()] = lambda: disk.add(path, b"<locations>more</locations>", written=7)
        found, report = gather(tree(), disk)
        assert found[b"/C:/Program Files/estos/UCServer/config/locations.xml"][1] == b"<locations>more</locations>"
        assert not report.problems

    def test_changed_at_every_reading_is_a_problem(self, disk: MemoryWindowsFiles) -> None:
        path = rf"{ROOT}\config\locations.xml"
        count = iter(range(1, 100))

        def change() -> None:
            disk.add(path, b"<locations>%d</locations>" % next(count), written=next(count))
            disk.during_reading[path.upper()] = change

        disk.during_reading[path.upper()] = change
        _found, report = gather(tree(), disk)
        assert [problem.path.rpartition("/")[2] for problem in report.problems] == ["locations.xml"]
        assert "changed while it was read" in report.problems[0].message

    @pytest.mark.parametrize(("content", "fine"), [(b"<locations/>more", True), (b"<loc", False)])
    def test_logs_may_grow_but_not_shrink(self, disk: MemoryWindowsFiles, content: bytes, fine: bool) -> None:
        path = rf"{ROOT}\config\locations.xml"
        original = disk.content(path)

        def change() -> None:
            # what was there when it was opened is still read; it is longer or shorter by now
            disk.nodes[path.upper()].file = dataclasses.replace(
                disk.nodes[path.upper()].file, size=len(content), written=next(count)
            )
            disk.during_reading[path.upper()] = change

        count = iter(range(1, 100))
        disk.during_reading[path.upper()] = change
        disk.nodes[path.upper()].content = original
        _found, report = gather(tree(data_class="logs"), disk)
        assert bool(report.problems) is not fine
        assert ("grew" in report.notes) is fine

    @pytest.mark.parametrize("name", ["NUL", "com1.log", "trailing.", "blank "])
    def test_a_name_that_windows_cannot_open_is_named_and_left_out(self, disk: MemoryWindowsFiles, name: str) -> None:
        disk.add(rf"{ROOT}\config\{name}", b"x")
        found, report = gather(tree(), disk)
        assert len(report.problems) == 1 and "it is not kept" in report.problems[0].message
        assert not any(path.endswith(name.encode()) for path in found)

    def test_a_lost_connection_ends_it(self, disk: MemoryWindowsFiles) -> None:
        def lose() -> None:
            raise ConnectionLost("The SMB connection broke", host="windows.example")

        disk.during_reading[rf"{ROOT}\config\locations.xml".upper()] = lose
        with pytest.raises(ConnectionLost):
            gather(tree(), disk)

    def test_a_whole_drive(self, disk: MemoryWindowsFiles) -> None:
        found, _report = gather(tree("C:\\", exclude=["Windows"]), disk)
        assert b"/C:/Program Files" in found and b"/C:/Windows" not in found


class TestOptions:
    @pytest.mark.parametrize(
        "path",
        ["", "relative", r"\\server\share", r"C:rel", r"C:\a\..\b", r"C:\a\NUL", r"C:\a.\b", r"C:\a:stream", "/etc"],
    )
    def test_paths_that_are_none(self, path: str) -> None:
        with pytest.raises(OptionInvalid):
            tree(path)

    def test_a_shadow_copy_mode_that_is_none(self) -> None:
        with pytest.raises(OptionInvalid):
            WindowsTree(name="x", data_class="logs", paths=["C:\\a"], shadow_copy="sometimes")

    def test_sqlite_counters_are_no_change(self) -> None:
        item = tree()
        entry = Entry(item="config", data_class="voip_config", kind="file", path=b"/C:/a/server.DB")
        one, other = item.normaliser(entry), item.normaliser(entry)
        assert one is not None and other is not None
        head = b"SQLite format 3\0" + bytes(100)
        bumped = head[:24] + b"\0\0\0\x07" + head[28:92] + b"\0\0\0\x07\0\x2e\x1f\x08" + head[100:]
        assert one.feed(head) + one.finish() == other.feed(bumped) + other.finish()


def entry(path: str, kind: str = "file", **facts: object) -> Entry:
    raw = path.encode("utf-8", "surrogateescape")
    return Entry(item="config", data_class="voip_config", kind=kind, path=raw, **facts)  # type: ignore[arg-type]


BASE = "/C:/Program Files/estos/UCServer/config"


class TestJudging:
    @pytest.mark.parametrize(
        "name",
        [
            "../../../Windows/System32/evil.dll",
            "a/../../b",
            "a//b",
            "./a",
            "file.txt:stream",
            "CON",
            "nul.txt",
            "Com1",
            "LPT¹.log",
            "CONOUT$",
            "dot.",
            "blank ",
            "a\\b",
            "a*b",
            'a"b',
            "a|b",
            "a<b",
            "tab\tb",
            "nul\0b",
            "x" * 256,
        ],
    )
    def test_names_that_mean_something_else(self, name: str) -> None:
        with pytest.raises(HostileContent) as caught:
            tree().judge([entry(f"{BASE}/{name}")])
        assert "nothing was written" in caught.value.message

    @pytest.mark.parametrize(
        "path", ["/C:/Windows/System32/evil.dll", "/etc/passwd", f"{BASE}x/y", "//server/x/y", "/C:", f"/CC:{BASE[3:]}"]
    )
    def test_paths_beyond_the_item(self, path: str) -> None:
        with pytest.raises(HostileContent):
            tree().judge([entry(path)])

    def test_bytes_that_are_no_text(self) -> None:
        with pytest.raises(HostileContent):
            tree().judge([entry(BASE + "/\udcff")])

    @pytest.mark.parametrize("kind", ["hardlink", "fifo", "block", "dump"])
    def test_kinds_that_are_never_written(self, kind: str) -> None:
        with pytest.raises(HostileContent):
            tree().judge([entry(f"{BASE}/a", kind)])

    def test_two_names_that_are_one_file(self) -> None:
        with pytest.raises(HostileContent) as caught:
            tree().judge([entry(f"{BASE}/Ärger.xml"), entry(f"{BASE}/äRGER.XML")])
        assert "same file" in caught.value.message

    @pytest.mark.parametrize("kind", ["symlink", "file"])
    def test_below_what_is_no_folder(self, kind: str) -> None:
        above = entry(f"{BASE}/x", kind, xattrs={"system.ntfs_reparse_data": JUNCTION} if kind == "symlink" else {})
        with pytest.raises(HostileContent) as caught:
            tree().judge([above, entry(f"{BASE}/X/y/z")])
        assert "lies below" in caught.value.message

    @pytest.mark.parametrize(
        ("kind", "xattrs"),
        [
            ("symlink", {}),
            ("file", {"system.ntfs_reparse_data": JUNCTION}),
            ("symlink", {"system.ntfs_reparse_data": b"\x13\0\0\x80" + bytes(20)}),
            ("symlink", {"system.ntfs_reparse_data": JUNCTION + bytes(20000)}),
            ("file", {"system.ntfs_acl": b"short"}),
            ("file", {"system.ntfs_acl": bytes(70000)}),
            ("file", {"system.ntfs_attrib": b"\0"}),
            ("file", {"system.ntfs_crtime": b"\0" * 9}),
        ],
    )
    def test_metadata_that_is_none(self, kind: str, xattrs: dict[str, bytes]) -> None:
        with pytest.raises(HostileContent):
            tree().judge([entry(f"{BASE}/a", kind, xattrs=xattrs)])

    def test_honest_names(self) -> None:
        names = ("Größe.xml", "a b.c", "com10", "console", ".hidden", "日本")
        tree().judge([entry(f"{BASE}/{name}") for name in names])


class TestRestoring:
    def test_back_as_it_was(self, disk: MemoryWindowsFiles) -> None:
        disk.add_link(rf"{ROOT}\config\link", JUNCTION)
        item = tree()
        wanted, _report = gather(item, disk)
        disk.write(rf"{ROOT}\config\locations.xml", [b"<broken"])
        disk.remove(rf"{ROOT}\config\Größe\tief.xml")
        disk.remove(rf"{ROOT}\config\Größe")
        disk.remove(rf"{ROOT}\config\link")
        disk.add(rf"{ROOT}\config\new\later.xml", b"came later", attributes=0x21)
        disk.set_facts(rf"{ROOT}\config\empty.xml", 0x22, 1, 2)
        restore(item, disk, wanted)
        assert gather(item, disk)[0] == wanted

    def test_onto_an_empty_machine(self, disk: MemoryWindowsFiles) -> None:
        item = tree()
        wanted, _report = gather(item, disk)
        empty = MemoryWindowsFiles()
        restore(item, empty, wanted)
        assert gather(item, empty)[0] == wanted

    def test_what_is_as_it_should_be_is_not_touched(self, disk: MemoryWindowsFiles) -> None:
        item = tree()
        wanted, _report = gather(item, disk)
        restore(item, disk, wanted)
        assert disk.calls == []

    def test_only_the_content_that_differs_is_written(self, disk: MemoryWindowsFiles) -> None:
        item = tree()
        wanted, _report = gather(item, disk)
        before = disk.stat(rf"{ROOT}\config\locations.xml")
        disk.write(rf"{ROOT}\config\locations.xml", [b"<locatiXns/>"])
        disk.set_facts(rf"{ROOT}\config\locations.xml", before.attributes, before.created, before.written)
        disk.calls.clear()
        restore(item, disk, wanted)
        assert [call for call in disk.calls if call.startswith("write")] == [rf"write {ROOT}\config\locations.xml"]
        assert gather(item, disk)[0] == wanted

    def test_nothing_outside_the_item_or_excluded_goes(self, disk: MemoryWindowsFiles) -> None:
        item = tree(exclude=["*.tmp"])
        wanted, _report = gather(item, disk)
        disk.add(rf"{ROOT}\config\later\keep.tmp", b"x")
        restore(item, disk, wanted)
        assert disk.content(rf"{ROOT}\config\later\keep.tmp") == b"x"
        assert disk.content(r"C:\Windows\win.ini") == b"[x]"

    def test_a_folder_where_a_file_was_and_the_reverse(self, disk: MemoryWindowsFiles) -> None:
        item = tree()
        wanted, _report = gather(item, disk)
        disk.remove(rf"{ROOT}\config\empty.xml")
        disk.add(rf"{ROOT}\config\empty.xml\inside", b"x")
        disk.remove(rf"{ROOT}\config\leer")
        disk.add(rf"{ROOT}\config\leer", b"a file")
        restore(item, disk, wanted)
        assert gather(item, disk)[0] == wanted

    def test_a_link_where_a_folder_was_is_removed_and_not_followed(self, disk: MemoryWindowsFiles) -> None:
        item = tree()
        wanted, _report = gather(item, disk)
        disk.remove(rf"{ROOT}\config\Größe\tief.xml")
        disk.remove(rf"{ROOT}\config\Größe")
        disk.add_link(rf"{ROOT}\config\Größe", JUNCTION)
        restore(item, disk, wanted)
        assert gather(item, disk)[0] == wanted

    def test_another_case_is_mended(self, disk: MemoryWindowsFiles) -> None:
        item = tree()
        wanted, _report = gather(item, disk)
        disk.remove(rf"{ROOT}\config\locations.xml")
        disk.add(rf"{ROOT}\config\LOCATIONS.XML", b"<locations/>")
        restore(item, disk, wanted)
        assert gather(item, disk)[0] == wanted

    def test_a_full_disk_is_one_clear_error_and_loses_nothing(self, disk: MemoryWindowsFiles) -> None:
        item = tree()
        wanted, _report = gather(item, disk)
        disk.write(rf"{ROOT}\config\locations.xml", [b"<other, and longer/>"])
        disk.room = 3
        with pytest.raises(RestoreFailed) as caught:
            restore(item, disk, wanted)
        assert caught.value.hint == "Free some space on the host and restore again."
        assert disk.content(rf"{ROOT}\config\locations.xml") == b"<other, and longer/>"

    def test_on_a_narrow_disk_a_large_file_goes_before_its_smaller_one_comes(self, disk: MemoryWindowsFiles) -> None:
        item = tree()
        disk.add(rf"{ROOT}\config\a.bin", b"old" * 300_000)
        disk.add(rf"{ROOT}\config\b.bin", b"old" * 300_000)
        wanted, _report = gather(item, disk)
        disk.write(rf"{ROOT}\config\a.bin", [b"new" * 600_000])
        disk.room = 400_000
        disk.calls.clear()
        restore(item, disk, wanted)
        assert gather(item, disk)[0] == wanted
        assert disk.calls[:2] == [rf"remove {ROOT}\config\a.bin", rf"write {ROOT}\config\a.bin"]
        assert not any("b.bin" in call for call in disk.calls)

    def test_on_a_narrow_disk_nothing_goes_for_what_does_not_fit(self, disk: MemoryWindowsFiles) -> None:
        item = tree()
        disk.add(rf"{ROOT}\config\a.bin", b"old" * 600_000)
        wanted, _report = gather(item, disk)
        disk.write(rf"{ROOT}\config\a.bin", [b"new" * 300_000])
        disk.room = 400_000
        with pytest.raises(RestoreFailed):
            restore(item, disk, wanted)
        assert disk.content(rf"{ROOT}\config\a.bin") == b"new" * 300_000

    def test_a_file_in_use_says_which(self, disk: MemoryWindowsFiles) -> None:
        item = tree()
        wanted, _report = gather(item, disk)
        disk.write(rf"{ROOT}\config\locations.xml", [b"<other/>"])
        disk.in_use.add(rf"{ROOT}\config\locations.xml")
        with pytest.raises(RestoreFailed) as caught:
            restore(item, disk, wanted)
        assert caught.value.item == f"{BASE}/locations.xml" and "in use" in caught.value.message

    def test_a_file_that_changes_while_it_is_compared(self, disk: MemoryWindowsFiles) -> None:
        item = tree()
        path = rf"{ROOT}\config\locations.xml"
        wanted, _report = gather(item, disk)
        current = [one for one, _data in wanted.values()]
        disk.write(path, [b"<locationX/>"])
        disk.during_reading[path.upper()] = lambda: disk.nodes.pop(path.upper())
        lazy = ((one, _lazily(data)) for one, data in wanted.values())
        with pytest.raises(RestoreFailed):
            item.restore(WindowsTransport(NoCommands(), disk), lazy, current)

    def test_hostile_entries_touch_nothing(self, disk: MemoryWindowsFiles) -> None:
        item = tree()
        wanted, _report = gather(item, disk)
        disk.write(rf"{ROOT}\config\locations.xml", [b"<other/>"])
        disk.calls.clear()
        evil = entry(f"{BASE}/x/../../../evil")
        with pytest.raises(HostileContent):
            restore(item, disk, {**wanted, evil.path: (evil, b"evil")})
        assert disk.calls == []

    def test_a_host_that_makes_no_links(self, disk: MemoryWindowsFiles) -> None:
        disk.add_link(rf"{ROOT}\config\link", JUNCTION)
        item = tree()
        wanted, _report = gather(item, disk)
        disk.remove(rf"{ROOT}\config\link")

        def refuse(path: str, link: bytes, folder: bool) -> None:
            raise OSError(errno.EOPNOTSUPP, "the host does not know how to do this", path)

        disk.make_link = refuse  # type: ignore[method-assign]
        with pytest.raises(RestoreFailed) as caught:
            restore(item, disk, wanted)
        assert "make it by hand" in (caught.value.hint or "")

    def test_a_content_that_breaks_off_leaves_the_old_file(self, disk: MemoryWindowsFiles) -> None:
        item = tree()
        wanted, _report = gather(item, disk)
        path = f"{BASE}/locations.xml".encode()
        disk.write(rf"{ROOT}\config\locations.xml", [b"<other one/>x"])

        def broken() -> Iterable[bytes]:
            yield b"<loc"
            raise ConnectionLost("the repository is gone")

        current = [one for one, _data in gather(item, disk)[0].values()]
        with pytest.raises(ConnectionLost):
            item.restore(WindowsTransport(NoCommands(), disk), [(wanted[path][0], broken())], current[:0])
        assert disk.content(rf"{ROOT}\config\locations.xml") == b"<other one/>x"
