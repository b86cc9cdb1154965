# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import os
import pathlib
import stat

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._entries import Entry
from ansible_collections.ucops.recovery.plugins.module_utils._errors import HostileContent, OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._module.extraction import ExtractionFolder, parents_of

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
