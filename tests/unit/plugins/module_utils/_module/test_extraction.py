# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import os
import pathlib
import signal
import stat

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._entries import Entry
from ansible_collections.ucops.recovery.plugins.module_utils._errors import HostileContent, OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._module import extraction
from ansible_collections.ucops.recovery.plugins.module_utils._module.extraction import (
    ExtractionFolder,
    parents_of,
    put_files,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository import side_by_side
from ansible_collections.ucops.recovery.plugins.module_utils._repository.format import StoredEntry

TIME = 1_700_000_000_123_456_789


def entry(path, kind="file", **facts):
    return Entry(item="etc", data_class="voip_config", kind=kind, path=path, **facts)


@pytest.fixture
def place(tmp_path):
    path = tmp_path / "dest"
    path.mkdir(mode=0o700)
    return path


@pytest.fixture
def folder(place):
    with ExtractionFolder(str(place), with_owners=False) as opened:
        yield opened


def test_a_file_is_written_with_mode_and_time(folder, place):
    count = folder.put(entry(b"/etc/kamailio/kamailio.cfg", mode=0o4640, mtime_ns=TIME), [b"listen", b"=udp"])
    path = place / "etc/kamailio/kamailio.cfg"
    assert count == 10 and path.read_bytes() == b"listen=udp"
    # set-user-ID is left out
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert path.stat().st_mtime_ns == TIME
    assert stat.S_IMODE((place / "etc").stat().st_mode) == 0o700


def test_names_of_any_bytes_survive(folder, place):
    for name in (b"gr\xc3\xbc\xc3\x9fe", b"\xff\xfe", b"a\nb", b" a b ", b"-rf", b"*"):
        folder.put(entry(b"/x/" + name), [name])
        assert pathlib.Path(os.fsdecode(os.path.join(os.fsencode(place), b"x", name))).read_bytes() == name


def test_folders_get_their_looks_at_the_end(folder, place):
    folder.put(entry(b"/locked", "directory", mode=0o500, mtime_ns=TIME), [])
    folder.put(entry(b"/locked/inner", "directory", mode=0o555, mtime_ns=TIME + 1), [])
    folder.put(entry(b"/locked/inner/file", mode=0o400), [b"x"])
    folder.finish()
    assert stat.S_IMODE((place / "locked").stat().st_mode) == 0o500
    assert (place / "locked").stat().st_mtime_ns == TIME
    assert (place / "locked/inner").stat().st_mtime_ns == TIME + 1
    os.chmod(place / "locked", 0o700)
    os.chmod(place / "locked/inner", 0o700)


def test_a_symlink_is_written_and_not_followed(folder, place):
    folder.put(entry(b"/etc/link", "symlink", link_target=b"/etc/passwd"), [])
    assert os.readlink(place / "etc/link") == "/etc/passwd"


def test_a_hardlink_shares_its_content(folder, place):
    folder.put(entry(b"/a/one"), [b"x"])
    folder.link(entry(b"/b/two", "hardlink", link_target=b"/a/one"), b"/a/one")
    assert os.path.samefile(place / "a/one", place / "b/two")


@pytest.mark.parametrize("path", [b"/../outside", b"/a/../../outside", b"relative", b"/a/./b", b"/a\0b", b""])
@pytest.mark.parametrize("kind", ["file", "directory", "symlink"])
def test_a_path_that_leads_elsewhere_is_refused(folder, place, path, kind):
    with pytest.raises(HostileContent):
        folder.put(entry(path, kind, link_target=b"/x"), [b"x"])
    assert os.listdir(place) == [] and os.listdir(place.parent) == ["dest"]


def test_nothing_is_written_through_a_link_that_came_before(folder, place, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    folder.put(entry(b"/etc", "symlink", link_target=os.fsencode(outside)), [])
    with pytest.raises(HostileContent, match="no folder"):
        folder.put(entry(b"/etc/passwd"), [b"x"])
    with pytest.raises(HostileContent, match="no folder"):
        folder.put(entry(b"/etc/sub/deep", "directory"), [])
    assert os.listdir(outside) == []


def test_a_file_takes_the_place_of_a_link_instead_of_writing_through_it(folder, place, tmp_path):
    victim = tmp_path / "victim"
    victim.write_bytes(b"old")
    folder.put(entry(b"/file", "symlink", link_target=os.fsencode(victim)), [])
    folder.put(entry(b"/file"), [b"new"])
    assert victim.read_bytes() == b"old" and (place / "file").read_bytes() == b"new"
    assert not (place / "file").is_symlink()


def test_a_hardlink_to_something_outside_is_refused(folder, place):
    with pytest.raises(HostileContent):
        folder.link(entry(b"/b", "hardlink", link_target=b"/../x"), b"/../x")


def test_a_hardlink_never_links_what_a_symlink_points_to(folder, place, tmp_path):
    victim = tmp_path / "victim"
    victim.write_bytes(b"old")
    folder.put(entry(b"/a", "symlink", link_target=os.fsencode(victim)), [])
    folder.link(entry(b"/b", "hardlink", link_target=b"/a"), b"/a")
    assert (place / "b").is_symlink() and victim.stat().st_nlink == 1


def test_a_link_without_a_target_is_refused(folder):
    with pytest.raises(HostileContent, match="without a target"):
        folder.put(entry(b"/a", "symlink"), [])


@pytest.mark.parametrize("kind", ["file", "symlink"])
def test_a_folder_is_not_replaced(folder, place, kind):
    (place / "there").mkdir()
    with pytest.raises(OptionInvalid, match="folder stands"):
        folder.put(entry(b"/there", kind, link_target=b"/x"), [b"x"])


def test_a_file_is_not_replaced_by_a_folder(folder, place):
    (place / "there").write_bytes(b"x")
    with pytest.raises(OptionInvalid, match="no folder"):
        folder.put(entry(b"/there", "directory"), [])


def test_content_that_breaks_off_leaves_no_trace(folder, place):
    def chunks():
        yield b"half"
        raise OptionInvalid("broken")

    (place / "file").write_bytes(b"old")
    with pytest.raises(OptionInvalid):
        folder.put(entry(b"/file"), chunks())
    assert os.listdir(place) == ["file"] and (place / "file").read_bytes() == b"old"


def test_the_root_itself_is_nothing_to_write(folder, place):
    assert folder.put(entry(b"/", "directory", mode=0o755), []) == 0
    assert stat.S_IMODE(place.stat().st_mode) == 0o700


def test_holds_only_what_is_there_as_it_would_be_written(folder, place):
    digest = hashlib.sha256(b"x").hexdigest()
    file = entry(b"/f", mode=0o640, mtime_ns=TIME)
    assert not folder.holds(file, digest)
    folder.put(file, [b"x"])
    assert folder.holds(file, digest)
    assert not folder.holds(file, hashlib.sha256(b"y").hexdigest())
    assert not folder.holds(file, None)
    assert not folder.holds(entry(b"/f", mode=0o600, mtime_ns=TIME), digest)
    assert not folder.holds(entry(b"/f", mode=0o640, mtime_ns=TIME + 1), digest)
    assert not folder.holds(entry(b"/f", "directory"), None)
    assert not folder.holds(entry(b"/f/below", mode=0o640), digest)
    assert not folder.holds(entry(b"/f", "symlink", link_target=b"/x"), None)


def test_holds_folders_and_links(folder):
    folder.put(entry(b"/d", "directory", mode=0o750), [])
    folder.put(entry(b"/l", "symlink", link_target=b"/x"), [])
    folder.finish()
    assert folder.holds(entry(b"/d", "directory", mode=0o750), None)
    assert not folder.holds(entry(b"/d", "directory", mode=0o700), None)
    assert folder.holds(entry(b"/l", "symlink", link_target=b"/x"), None)
    assert not folder.holds(entry(b"/l", "symlink", link_target=b"/y"), None)
    assert folder.holds(entry(b"/", "directory", mode=0o123), None)


def test_names_lists_everything_without_following_links(folder, place):
    folder.put(entry(b"/a/b"), [b"x"])
    folder.put(entry(b"/l", "symlink", link_target=b"/etc"), [])
    assert folder.names() == {b"/a", b"/a/b", b"/l"}


def test_parents_of():
    assert parents_of(b"/a/b/c") == [b"/a", b"/a/b"]
    assert parents_of(b"/a") == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_owners_are_kept_as_root(place):
    with ExtractionFolder(str(place), with_owners=True) as folder:
        folder.put(entry(b"/f", uid=1234, gid=4321, mode=0o600), [b"x"])
        folder.put(entry(b"/l", "symlink", link_target=b"/x", uid=1234, gid=4321), [])
        found = [os.lstat(place / name) for name in ("f", "l")]
        assert [(one.st_uid, one.st_gid) for one in found] == [(1234, 4321)] * 2
        digest = hashlib.sha256(b"x").hexdigest()
        assert folder.holds(entry(b"/f", uid=1234, gid=4321, mode=0o600), digest)
        assert not folder.holds(entry(b"/f", uid=1, gid=4321, mode=0o600), digest)


# --- in several processes ---
class Contents:
    """A stand-in for the reader of a generation: a content is its entry's path, and who read it is noted."""

    def __init__(self, log, damaged=(), opened=0):
        self.log, self.damaged, self.opened = log, damaged, opened

    def another(self):
        return Contents(self.log, self.damaged, self.opened + 1)

    def __enter__(self):
        return self

    def __exit__(self, *what):
        pass

    def passing(self, stored):
        with open(self.log, "ab") as stream:
            stream.write(b"%d %d %s\n" % (os.getpid(), self.opened, stored.entry.path))
        yield memoryview(stored.entry.path)
        if stored.entry.path in self.damaged:
            if self.damaged[stored.entry.path] == "killed" and os.getpid() != MAIN:
                os.kill(os.getpid(), signal.SIGKILL)
            raise OptionInvalid("damaged", item=stored.entry.path.decode())
        yield memoryview(b"!")


MAIN = os.getpid()
PATHS = [b"/%d/%d" % (number % 3, number) for number in range(12)]


def files(paths=PATHS, size=1000):
    return [StoredEntry(entry(path, mode=0o600, size=size), "0" * 64) for path in paths]


@pytest.fixture
def in_processes(monkeypatch):
    def set_to(number):
        monkeypatch.setattr(side_by_side, "_processors", lambda: number)
        monkeypatch.setattr(extraction, "LEAST_BYTES", 1)

    return set_to


@pytest.mark.parametrize("number", [1, 2, 3])
def test_files_are_written_by_several_processes(folder, place, tmp_path, in_processes, number):
    in_processes(number)
    log = tmp_path / "log"
    written = put_files(files(), Contents(log), folder.put)
    assert written == sum(len(path) + 1 for path in PATHS)
    assert {path: (place / path.decode()[1:]).read_bytes() for path in PATHS} == {path: path + b"!" for path in PATHS}
    readers = {line.split()[0] for line in log.read_bytes().splitlines()}
    assert len(readers) == number and b"%d" % MAIN in readers
    # each process reads with files of its own that it has opened itself
    assert {line.split()[1] for line in log.read_bytes().splitlines()} == {b"0" if number == 1 else b"1"}


def test_little_is_written_by_one_process(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(side_by_side, "_processors", lambda: 4)
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("a process for a few bytes"))
    put_files(files(), Contents(tmp_path / "log"), folder.put)
    # and so is one large file
    put_files(files([b"/one"], 10**9), Contents(tmp_path / "log"), folder.put)
    put_files([], Contents(tmp_path / "log"), folder.put)


def test_of_files_with_one_path_the_last_is_there(folder, place, tmp_path, in_processes):
    in_processes(4)
    order = [b"/a", b"/b", b"/same", b"/c", b"/d", b"/same", b"/e", b"/same"]
    log = tmp_path / "log"
    put_files(files(order), Contents(log), folder.put)
    assert len({line.split()[0] for line in log.read_bytes().splitlines() if line.endswith(b"/same")}) == 1


@pytest.mark.parametrize("broken", [PATHS[0], PATHS[5], PATHS[-1]])
@pytest.mark.parametrize("how", ["refused", "killed"])
def test_what_one_process_raises_comes_out_as_one_error(folder, place, tmp_path, in_processes, broken, how):
    in_processes(3)
    with pytest.raises(OptionInvalid, match="damaged") as error:
        put_files(files(), Contents(tmp_path / "log", {broken: how}), folder.put)
    assert error.value.item == broken.decode()
    folder.sweep(stored.entry for stored in files())
    left = {path for path in folder.names() if path.count(b"/") == 2}
    assert left < set(PATHS) and broken not in left
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_what_a_process_that_was_killed_began_is_written_by_another(folder, place, tmp_path, in_processes):
    in_processes(2)
    contents = Contents(tmp_path / "log")

    def put(one, chunks):
        if os.getpid() != MAIN and one.path == PATHS[-1]:
            folder.put(one, killed())
        return folder.put(one, chunks)

    def killed():
        yield b"half"
        os.kill(os.getpid(), signal.SIGKILL)

    put_files(files(), contents, put)
    assert {path for path in folder.names() if path.count(b"/") == 2} == set(PATHS)


def test_sweeping_is_of_what_was_begun_here(folder, place):
    (place / ".0123456789abcdef.part").write_bytes(b"somebody else's")
    folder.put(entry(b"/there"), [b"x"])
    folder.sweep([entry(b"/there"), entry(b"/a/b"), entry(b"/../x"), entry(b"/"), entry(b"/there/below")])
    assert sorted(os.listdir(place)) == [".0123456789abcdef.part", "there"]
