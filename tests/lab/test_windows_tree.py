# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Trees of Windows files over a real SMB 3 server: gathered, spoilt, put back, and gathered again identical."""

from __future__ import annotations

import os
import pathlib
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._entries import Entry, ItemReport
from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    ConnectionLost,
    HostileContent,
    RestoreFailed,
)
from ansible_collections.ucops.recovery.plugins.module_utils._items.windows_tree import WindowsTree
from ansible_collections.ucops.recovery.plugins.module_utils._transport.base import (
    Argument,
    Become,
    CommandResult,
    CommandStream,
    Input,
)
from ansible_collections.ucops.recovery.plugins.module_utils._transport.smb import SmbFiles, SmbOptions
from ansible_collections.ucops.recovery.plugins.module_utils._transport.windows import WindowsCommands, WindowsTransport
from lab.windows.samba import SambaServer, small_disk, why_not
from lab.windows.shadow_copy_standin import ShadowCopyStandIn

USERS = {"Administrator": "Planted-tree-4d1c"}
ROOT = r"C:\Program Files\estos\UCServer"
READ_ONLY, HIDDEN, ARCHIVE = 0x1, 0x2, 0x20

pytestmark = pytest.mark.skipif(bool(why_not()), reason=f"left out: {why_not()}")

Found = dict[bytes, tuple[Entry, bytes]]


class ScriptedCommands(WindowsCommands):
    """Every command goes to the stand-in."""

    def __init__(self, standin: ShadowCopyStandIn) -> None:
        self.host = "127.0.0.1"
        self._standin = standin

    def open(
        self,
        argv: Sequence[Argument],
        *,
        input: Input = None,
        become: Become = False,
        deadline: float | None = None,
        silence: float | None = None,
        limit: int | None = None,
    ) -> CommandStream:
        return _Said(*self._standin.run([str(word) for word in argv]))

    def close(self) -> None:
        pass


class _Said(CommandStream):
    def __init__(self, rc: int, said: str) -> None:
        self._rc, self._said = rc, said.encode()

    def chunks(self) -> Iterator[bytes]:
        yield self._said

    def finish(self) -> CommandResult:
        return CommandResult(self._rc, b"", b"")

    def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[SambaServer]:
    with tempfile.TemporaryDirectory(prefix="ucops-tree-") as home:
        drive = pathlib.Path(home) / "drive_c"
        drive.mkdir()
        with SambaServer({"C$": drive}, USERS) as one:
            yield one


@pytest.fixture
def standin(server: SambaServer) -> ShadowCopyStandIn:
    return ShadowCopyStandIn(server)


@pytest.fixture
def host(server: SambaServer, standin: ShadowCopyStandIn) -> Iterator[WindowsTransport]:
    options = SmbOptions(server.address, server.port or 0, *list(USERS.items())[0], silence_timeout=10)
    with WindowsTransport(ScriptedCommands(standin), SmbFiles(options)) as transport:
        yield transport


@pytest.fixture
def item(host: WindowsTransport, server: SambaServer) -> WindowsTree:
    """A configuration as UCServer might have it, made fresh through SMB."""
    files = host.files
    _empty(server.shares["C$"])
    for folder in (r"C:\Program Files", r"C:\Program Files\estos", ROOT, rf"{ROOT}\config", rf"{ROOT}\config\Größe"):
        files.make_folder(folder)
    files.write(rf"{ROOT}\config\locations.xml", [b"\xef\xbb\xbf<locations/>"])
    files.write(rf"{ROOT}\config\Größe\tief 🎧.xml", [b"<x/>" * 1000])
    files.write(rf"{ROOT}\config\leer.xml", [])
    files.write(rf"{ROOT}\config\groß.bin", [os.urandom(1_000_000)] * 5)
    files.set_facts(
        rf"{ROOT}\config\locations.xml", READ_ONLY | HIDDEN | ARCHIVE, 131_000_000_000_000_001, 132 * 10**15
    )
    files.write_security(rf"{ROOT}\config\Größe", _security(files, rf"{ROOT}\config\Größe"))
    files.set_facts(rf"{ROOT}\config\Größe", HIDDEN, 131 * 10**15 + 7, 132 * 10**15 + 7)
    return WindowsTree(name="config", data_class="voip_config", paths=[rf"{ROOT}\config"])


def _empty(folder: pathlib.Path) -> None:
    import shutil

    for one in folder.iterdir():
        shutil.rmtree(one) if one.is_dir() else one.unlink()


def _security(files: SmbFiles, path: str) -> bytes:
    """Another descriptor than the one that it has."""
    changed = bytearray(files.read_security(path))
    changed[-2] = 0x12
    return bytes(changed)


def gather(item: WindowsTree, host: WindowsTransport) -> tuple[Found, ItemReport]:
    report = ItemReport(item.name)
    found = {}
    for entry, content in item.gather(host, report):
        data = b"".join(content)
        found[entry.path] = (replace(entry, size=len(data)), data)
    return found, report


def restore(item: WindowsTree, host: WindowsTransport, wanted: Found) -> None:
    current = [entry for entry, _data in gather(item, host)[0].values()]
    item.restore(host, ((entry, iter([data])) for entry, data in wanted.values()), current)


def differing(one: Found, other: Found) -> list[str]:
    """What is not the same, but for the times of folders, which move when something in them does."""
    lines = []
    for path in sorted(one.keys() | other.keys()):
        if path not in one or path not in other:
            lines.append(f"{path!r} is only in one")
        elif one[path] != other[path]:
            lines.append(f"{path!r}: {one[path][0]} / {other[path][0]}")
    return lines


class TestBackAndForth:
    def test_identical_after_it_was_spoilt(self, host: WindowsTransport, item: WindowsTree) -> None:
        wanted, report = gather(item, host)
        assert len(wanted) == 6 and not report.problems
        files = host.files
        files.write(rf"{ROOT}\config\locations.xml", [b"<broken"])
        files.remove(rf"{ROOT}\config\Größe\tief 🎧.xml")
        files.remove(rf"{ROOT}\config\Größe")
        files.make_folder(rf"{ROOT}\config\later")
        files.write(rf"{ROOT}\config\later\x.xml", [b"later"])
        files.set_facts(rf"{ROOT}\config\later\x.xml", READ_ONLY, 0, 0)
        files.write_security(rf"{ROOT}\config\leer.xml", _security(files, rf"{ROOT}\config\leer.xml"))
        restore(item, host, wanted)
        assert differing(gather(item, host)[0], wanted) == []

    def test_onto_an_empty_disk(self, host: WindowsTransport, item: WindowsTree, server: SambaServer) -> None:
        wanted, _report = gather(item, host)
        _empty(server.shares["C$"])
        restore(item, host, wanted)
        assert differing(gather(item, host)[0], wanted) == []

    def test_only_case_was_changed(self, host: WindowsTransport, item: WindowsTree) -> None:
        wanted, _report = gather(item, host)
        host.files.remove(rf"{ROOT}\config\leer.xml")
        host.files.write(rf"{ROOT}\config\LEER.XML", [])
        restore(item, host, wanted)
        assert differing(gather(item, host)[0], wanted) == []

    def test_sqlite_written_without_a_change_is_no_change(
        self, host: WindowsTransport, item: WindowsTree, server: SambaServer
    ) -> None:
        path = server.shares["C$"] / "Program Files" / "estos" / "UCServer" / "config" / "server.db"
        with sqlite3.connect(path) as database:
            database.execute("CREATE TABLE numbers (value)")
        before = digestible(item, gather(item, host)[0])
        with sqlite3.connect(path) as database:
            database.execute("PRAGMA user_version = 1")
        with sqlite3.connect(path) as database:
            database.execute("PRAGMA user_version = 0")
        after = gather(item, host)[0]
        assert digestible(item, after) == before
        with sqlite3.connect(path) as database:
            database.execute("INSERT INTO numbers VALUES (1)")
        assert digestible(item, gather(item, host)[0]) != before

    def test_many_small_files(self, host: WindowsTransport, item: WindowsTree) -> None:
        host.files.make_folder(rf"{ROOT}\config\many")
        for number in range(300):
            host.files.write(rf"{ROOT}\config\many\{number}.xml", [b"<x>%d</x>" % number])
        wanted, report = gather(item, host)
        assert not report.problems and len(wanted) == 307
        for number in range(0, 300, 3):
            host.files.remove(rf"{ROOT}\config\many\{number}.xml")
        restore(item, host, wanted)
        assert differing(gather(item, host)[0], wanted) == []


def digestible(item: WindowsTree, found: Found) -> bytes:
    entry, data = found[b"/C:/Program Files/estos/UCServer/config/server.db"]
    normaliser = item.normaliser(entry)
    assert normaliser is not None
    return normaliser.feed(data) + normaliser.finish()


class TestBadDays:
    def test_a_locked_file_is_a_problem_and_the_rest_comes(
        self, host: WindowsTransport, item: WindowsTree, server: SambaServer
    ) -> None:
        with server.locked("C$", r"Program Files\estos\UCServer\config\leer.xml"):
            found, report = gather(item, host)
        assert [(problem.path[-8:], problem.message) for problem in report.problems] == [
            ("leer.xml", "is in use by another program")
        ]
        assert len(found) == 5

    def test_a_disk_that_is_full_in_the_middle(
        self, tmp_path: pathlib.Path, item: WindowsTree, host: WindowsTransport
    ) -> None:
        wanted, _report = gather(item, host)
        disk = small_disk(tmp_path / "small", 4_000_000)
        with disk as folder, SambaServer({"C$": folder}, USERS) as server:
            small = WindowsTransport(
                host.commands, SmbFiles(SmbOptions(server.address, server.port or 0, *next(iter(USERS.items()))))
            )
            with pytest.raises(RestoreFailed) as caught:
                restore(item, small, wanted)
            assert caught.value.hint == "Free some space on the host and restore again."
            assert (caught.value.item or "").endswith("groß.bin")
            left = [name for _folder, _folders, names in os.walk(folder) for name in names]
            assert "groß.bin" not in left and not any(name.startswith("~ucops") for name in left)
            small.files.close()

    def test_a_restore_that_filled_the_disk_can_be_taken_back(
        self, tmp_path: pathlib.Path, item: WindowsTree, host: WindowsTransport
    ) -> None:
        disk = small_disk(tmp_path / "small", 8_000_000)
        with disk as folder, SambaServer({"C$": folder}, USERS) as server:
            options = SmbOptions(server.address, server.port or 0, *next(iter(USERS.items())))
            with WindowsTransport(host.commands, SmbFiles(options)) as small:
                for part in (r"C:\Program Files", r"C:\Program Files\estos", ROOT, rf"{ROOT}\config"):
                    small.files.make_folder(part)
                small.files.write(rf"{ROOT}\config\a.bin", [os.urandom(1_500_000)])
                small.files.write(rf"{ROOT}\config\b.bin", [os.urandom(1_500_000)])
                before, _report = gather(item, small)
                small.files.write(rf"{ROOT}\config\a.bin", [os.urandom(4_000_000)])
                small.files.write(r"C:\others.bin", [os.urandom(small.files.free_space("C:\\") - 700_000)])
                restore(item, small, before)
                assert differing(gather(item, small)[0], before) == []

    def test_a_locked_file_stops_a_restore_by_name(
        self, host: WindowsTransport, item: WindowsTree, server: SambaServer
    ) -> None:
        wanted, _report = gather(item, host)
        host.files.write(rf"{ROOT}\config\Größe\tief 🎧.xml", [b"other"])
        current = [entry for entry, _data in gather(item, host)[0].values()]
        lock = server.locked("C$", "Program Files\\estos\\UCServer\\config\\Größe\\tief 🎧.xml")
        with lock, pytest.raises(RestoreFailed, match="in use by another program") as caught:
            item.restore(host, ((entry, iter([data])) for entry, data in wanted.values()), current)
        assert (caught.value.item or "").endswith("tief 🎧.xml") and "Stop the program" in (caught.value.hint or "")

    def test_a_connection_that_breaks_in_the_middle(
        self, host: WindowsTransport, item: WindowsTree, server: SambaServer
    ) -> None:
        wanted, _report = gather(item, host)
        current = [entry for entry, _data in wanted.values()]
        host.files.write(rf"{ROOT}\config\groß.bin", [b"other"])

        def contents() -> Iterator[tuple[Entry, Iterator[bytes]]]:
            for entry, data in wanted.values():
                yield entry, _cutting(server, data) if entry.path.endswith("groß.bin".encode()) else iter([data])

        with pytest.raises(ConnectionLost):
            item.restore(host, contents(), [replace(one, size=0) if b"bin" in one.path else one for one in current])
        restore(item, host, wanted)
        assert differing(gather(item, host)[0], wanted) == []

    @pytest.mark.parametrize("name", ["../../../evil", "evil.txt:stream", "CON", "evil. "])
    def test_hostile_names_write_nothing(
        self, host: WindowsTransport, item: WindowsTree, server: SambaServer, name: str
    ) -> None:
        wanted, _report = gather(item, host)
        path = f"/C:/Program Files/estos/UCServer/config/{name}".encode()
        evil = Entry(item="config", data_class="voip_config", kind="file", path=path)
        with pytest.raises(HostileContent):
            restore(item, host, {**wanted, path: (evil, b"evil")})
        names = [one for _folder, folders, names in os.walk(server.shares["C$"]) for one in (*folders, *names)]
        assert not any("evil" in one for one in names)


def _cutting(server: SambaServer, data: bytes) -> Iterator[bytes]:
    yield data[:2_000_000]
    server.cut_connections(gently=True)
    yield data[2_000_000:]


class TestShadowCopies:
    """Making one is a stand-in that checks every word that it is told; reading is real."""

    def frozen(self, item: WindowsTree, mode: str) -> WindowsTree:
        return replace(item, shadow_copy=mode)

    @pytest.mark.parametrize("powershell", [True, False])
    def test_what_is_locked_is_read_as_it_was(
        self,
        host: WindowsTransport,
        item: WindowsTree,
        server: SambaServer,
        standin: ShadowCopyStandIn,
        powershell: bool,
    ) -> None:
        standin.powershell = powershell
        with server.locked("C$", "Program Files\\estos\\UCServer\\config\\Größe\\tief 🎧.xml"):
            found, report = gather(self.frozen(item, "required"), host)
        assert not report.problems and len(found) == 6
        assert found["/C:/Program Files/estos/UCServer/config/Größe/tief 🎧.xml".encode()][1] == b"<x/>" * 1000
        assert standin.made == 1 and standin.copies == {} and host.files.snapshots("C:\\") == []

    def test_it_is_the_same_as_without_one(self, host: WindowsTransport, item: WindowsTree) -> None:
        assert differing(gather(self.frozen(item, "auto"), host)[0], gather(item, host)[0]) == []

    def test_auto_reads_live_where_there_is_none(
        self, host: WindowsTransport, item: WindowsTree, standin: ShadowCopyStandIn
    ) -> None:
        standin.refuses = 6
        found, report = gather(self.frozen(item, "auto"), host)
        assert len(found) == 6 and "not enough space" in report.notes["shadow_copy"]

    def test_it_goes_also_when_the_reading_breaks(
        self, host: WindowsTransport, item: WindowsTree, standin: ShadowCopyStandIn
    ) -> None:
        gathering = self.frozen(item, "required").gather(host, ItemReport("config"))
        next(gathering)
        assert len(standin.copies) == 1
        gathering.close()  # type: ignore[attr-defined]
        assert standin.copies == {}
