# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Trees on this machine, below a folder that counts as root; what only root can see says so."""

from __future__ import annotations

import dataclasses
import errno
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import threading
import tracemalloc

import pytest
from support.thoroughness import thorough

from ansible_collections.ucops.recovery.plugins.module_utils._entries import ItemReport
from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    CommandFailed,
    ConnectionLost,
    HostileContent,
    OptionInvalid,
)
from ansible_collections.ucops.recovery.plugins.module_utils._items import tar_stream
from ansible_collections.ucops.recovery.plugins.module_utils._items.file_tree import FileTree
from ansible_collections.ucops.recovery.plugins.module_utils._items.tar_stream import TarMember, archive
from ansible_collections.ucops.recovery.plugins.module_utils._transport import sudo
from ansible_collections.ucops.recovery.plugins.module_utils._transport.base import CommandsRefused
from ansible_collections.ucops.recovery.plugins.module_utils._transport.local import LocalTransport

IS_ROOT = os.geteuid() == 0
NEEDS_ROOT = pytest.mark.skipif(not IS_ROOT, reason="left out: owners and other users need root")
NEEDS_ACL = pytest.mark.skipif(
    not (shutil.which("setfacl") and shutil.which("setfattr")),
    reason="left out: no setfacl or setfattr (packages acl, attr)",
)


@pytest.fixture
def root():
    """A folder that another user can enter."""
    with tempfile.TemporaryDirectory(prefix="ucops-root-") as folder:
        os.chmod(folder, 0o755)
        path = pathlib.Path(folder, "root")
        (path).mkdir(parents=True)
        yield path


def tree(root, *paths, **options):
    values = {"name": "config", "data_class": "voip_config", "paths": paths or ("/etc",), "root": str(root)}
    return FileTree(**{**values, **options})


def fill(root: pathlib.Path, **files: str | bytes) -> None:
    for name, content in files.items():
        path = root / "etc" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def as_stranger(root, *paths, **options):
    """The same tree, read by somebody who may not read everything."""
    return tree(root, *paths, become="nobody" if IS_ROOT else False, **options)


# --- what is gathered -------------------------------------------------------------------------------------------------
def test_all_kinds_come_with_all_that_belongs_to_them(root, local, gather):
    fill(root, a="hello", **{"sub/Grüße mit\nZeile": b"\0" * 100_000})
    with open(os.fsencode(root) + b"/etc/\xff\xfe", "wb") as handle:
        handle.write(b"odd")
    os.link(root / "etc/a", root / "etc/b")
    os.symlink("/nowhere/ä", root / "etc/link")
    os.mkfifo(root / "etc/fifo", 0o600)
    (root / "etc/sub").chmod(0o2750)
    (root / "etc/a").chmod(0o4711)
    os.utime(root / "etc/a", ns=(1, 1_234_567_890_123_456_789))
    os.utime(root / "etc/link", ns=(1, 987_654_321_000_000_001), follow_symlinks=False)
    found = gather(tree(root), local)
    kinds = {path: entry.kind for path, (entry, _content) in found.by_path.items()}
    assert kinds == {
        b"/etc": "directory",
        b"/etc/a": "file",
        b"/etc/b": "hardlink",
        b"/etc/fifo": "fifo",
        b"/etc/link": "symlink",
        b"/etc/sub": "directory",
        "/etc/sub/Grüße mit\nZeile".encode(): "file",
        b"/etc/\xff\xfe": "file",
    }
    entry, content = found.by_path[b"/etc/a"]
    assert (entry.mode, entry.mtime_ns, entry.size, content) == (0o4711, 1_234_567_890_123_456_789, 5, b"hello")
    assert (entry.uid, entry.item, entry.data_class) == (os.geteuid(), "config", "voip_config")
    assert found.by_path[b"/etc/b"][0].link_target == b"/etc/a"
    assert found.by_path[b"/etc/link"][0].link_target == "/nowhere/ä".encode()
    assert found.by_path[b"/etc/link"][0].mtime_ns == 987_654_321_000_000_001
    assert found.by_path[b"/etc/sub"][0].mode == 0o2750
    assert found.by_path["/etc/sub/Grüße mit\nZeile".encode()][1] == b"\0" * 100_000
    assert found.report.found
    assert not found.report.problems
    assert list(found.by_path) == sorted(found.by_path)


@NEEDS_ROOT
@NEEDS_ACL
def test_owners_acls_and_attributes_come_too(root, local, gather):
    fill(root, a="x")
    os.chown(root / "etc/a", 1, 2)
    subprocess.run(["setfacl", "-m", "u:nobody:r", str(root / "etc/a")], check=True)
    subprocess.run(["setfacl", "-d", "-m", "g:daemon:rx", str(root / "etc")], check=True)
    os.setxattr(root / "etc/a", "user.note=%", b"\0\xff")
    found = gather(tree(root), local)
    entry, _content = found.by_path[b"/etc/a"]
    assert (entry.owner, entry.group, entry.uid, entry.gid) == ("daemon", "bin", 1, 2)
    assert "user:nobody:r--" in entry.acl_access
    assert entry.xattrs == {"user.note=%": b"\0\xff"}
    assert "group:daemon:r-x" in found.by_path[b"/etc"][0].acl_default


def test_globs_and_excludes_select(root, local, gather):
    fill(root, **dict.fromkeys(("a.cfg", "b.cfg", "c.txt", "d.cfg.bak", "tls/key.pem", "tls/old/x", "-rf"), "x"))
    found = gather(tree(root, "/etc/*.cfg", "/etc/tls", "/etc/-*", exclude=("b.*", "/etc/tls/old")), local)
    assert set(found.by_path) == {b"/etc/a.cfg", b"/etc/tls", b"/etc/tls/key.pem", b"/etc/-rf"}
    item = tree(root, "/etc/*.cfg", exclude=("b.*",))
    assert item.covers(b"/etc/a.cfg")
    assert not item.covers(b"/etc/b.cfg")


def test_a_thousand_files_cost_one_command(root, local, gather):
    fill(root, **{f"d{n % 10}/f{n}": "x" * n for n in range(1000)})
    found = gather(tree(root), local)
    assert len(found.by_path) == 1011
    assert local.commands == 1


@thorough
def test_a_large_file_flows_in_bounded_memory(root, local):
    with open(root / "big", "wb") as handle:
        handle.truncate(200 * 2**20)
    tracemalloc.start()
    for entry, content in tree(root, "/big").gather(local, ItemReport("x")):
        assert sum(len(chunk) for chunk in content) == entry.size == 200 * 2**20
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * 2**20


def test_nothing_there_is_told_and_is_no_problem(root, local, gather):
    found = gather(tree(root, "/etc/kamailio", "/etc/*.cfg"), local)
    assert not found.report.found
    assert not found.all
    assert not found.report.problems
    assert found.report.notes["nothing_at"] == ["/etc/kamailio", "/etc/*.cfg"]


def test_one_path_of_two_that_is_not_there_is_noted(root, local, gather):
    fill(root, a="x")
    found = gather(tree(root, "/etc/a", "/etc/b"), local)
    assert found.report.found
    assert found.report.notes == {"nothing_at": ["/etc/b"]}


def test_a_path_that_is_a_symlink_is_kept_as_one_and_noted(root, local, gather):
    fill(root, **{"real/a": "x"})
    os.symlink("real", root / "etc/alias")
    found = gather(tree(root, "/etc/alias"), local)
    assert set(found.by_path) == {b"/etc/alias"}
    assert found.report.notes == {"symlinks": ["/etc/alias"]}


def test_sockets_are_left_out_and_noted(root, local, gather):
    fill(root, a="x")
    with socket.socket(socket.AF_UNIX) as server:
        cwd = os.getcwd()
        os.chdir(root / "etc")
        try:
            server.bind("ctl")
        finally:
            os.chdir(cwd)
        found = gather(tree(root), local)
    assert set(found.by_path) == {b"/etc", b"/etc/a"}
    assert found.report.notes == {"special": ["/etc/ctl"]}
    assert not found.report.problems


@NEEDS_ROOT
def test_other_file_systems_are_entered_unless_told_otherwise(root, local, gather):
    fill(root, a="x", **{"mounted/below": "hidden"})
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(root / "etc/mounted")], check=True)
    try:
        (root / "etc/mounted/b").write_text("x")
        assert b"/etc/mounted/b" in gather(tree(root), local).by_path
        found = gather(tree(root, one_file_system=True), local)
        assert b"/etc/mounted/b" not in found.by_path
        assert b"/etc/a" in found.by_path
    finally:
        subprocess.run(["umount", "-l", str(root / "etc/mounted")], check=True)


@NEEDS_ROOT
def test_kernel_file_systems_are_never_entered(local, gather):
    found = gather(tree("/", "/proc/sys/kernel", "/proc/version", "/sys/kernel"), local)
    assert not found.all


def test_a_symlink_that_leads_out_of_the_root_is_not_followed(root, local, gather):
    fill(root, a="x")
    os.symlink("/usr", root / "etc/out")
    found = gather(tree(root, "/etc/out/bin/env", "/etc/a"), local)
    assert set(found.by_path) == {b"/etc/a"}
    assert "leads out of" in found.problems["/etc/out/bin/env"]


def test_a_root_that_is_not_there_is_an_error(tmp_path, local, gather):
    with pytest.raises(CommandFailed, match="cannot be entered"):
        gather(tree(tmp_path / "nothing"), local)


@pytest.mark.parametrize("path", ["etc", "", "/etc/../root", "../x", "/a\0b"])
def test_paths_that_are_not_plain_are_refused(path):
    with pytest.raises(OptionInvalid):
        tree("/", path)


# --- what goes wrong --------------------------------------------------------------------------------------------------
def test_a_file_and_a_folder_that_may_not_be_read_are_problems(root, local, gather):
    fill(root, open="x", **{"closed": "secret", "Grüße": "secret", "dir/below": "x"})
    for name in ("closed", "Grüße", "dir"):
        (root / "etc" / name).chmod(0)
    try:
        found = gather(as_stranger(root), local)
    finally:
        (root / "etc/dir").chmod(0o755)
    assert b"/etc/open" in found.by_path
    assert b"/etc/closed" not in found.by_path
    assert "Permission denied" in found.problems["/etc/closed"]
    assert "Permission denied" in found.problems["/etc/Grüße"]
    assert "Permission denied" in found.problems["/etc/dir"]
    assert found.report.found


def test_what_lies_in_a_closed_folder_is_not_simply_absent(root, local, gather):
    fill(root, **{"closed/a": "x"})
    (root / "etc/closed").chmod(0)
    try:
        for path in ("/etc/closed/a", "/etc/closed/*.cfg"):
            found = gather(as_stranger(root, path), local)
            assert found.report.problems, path
            assert "nothing_at" not in found.report.notes
    finally:
        (root / "etc/closed").chmod(0o755)


def test_folders_on_the_way_of_a_glob_that_may_not_be_looked_into_are_problems(root, local, gather):
    fill(root, **{f"homes/{name}/.ssh/key": "x" for name in ("a", "b", "c")}, **{"other/x/y": "x"})
    closed = {"homes/b": 0o600, "homes/c": 0o311, "other": 0o311}
    for name, mode in closed.items():
        (root / "etc" / name).chmod(mode)
    try:
        found = gather(as_stranger(root, "/etc/homes/*/.ssh", "/etc/other/*/y", "/etc/other/x"), local)
        outside = gather(as_stranger(root, "/etc/homes/*/.ssh", exclude=("/etc/homes/b",)), local)
    finally:
        for name in closed:
            (root / "etc" / name).chmod(0o755)
    assert {b"/etc/homes/a/.ssh/key", b"/etc/homes/c/.ssh/key", b"/etc/other/x/y"} <= set(found.by_path)
    assert found.problems == {"/etc/homes/b": "Permission denied", "/etc/other": "Permission denied"}
    assert local.commands == 2 and not outside.problems


def test_excluded_things_may_be_unreadable(root, local, gather):
    fill(root, a="x", closed="secret")
    (root / "etc/closed").chmod(0)
    assert not gather(as_stranger(root, exclude=("closed",)), local).report.problems


class Disturbing:
    """Reads a tree while somebody writes to it: calls back after the first piece of each large content."""

    def __init__(self, item, transport, disturb):
        self.report = ItemReport(item.name)
        self.contents = []
        for entry, content in item.gather(transport, self.report):
            size = 0
            for number, chunk in enumerate(content):
                size += len(chunk)
                if number == 0 and entry.kind == "file":
                    disturb(entry)
            self.contents.append((entry.path, entry.size, size))

    @property
    def problems(self):
        return {problem.path: problem.message for problem in self.report.problems}


BIG = 8 * 2**20


def test_a_file_that_shrinks_once_is_read_again(root, local):
    fill(root, big=b"x" * BIG)
    seen = Disturbing(tree(root, "/etc/big"), local, lambda entry: os.truncate(root / "etc/big", 1000))
    assert [(path, size) for path, size, _read in seen.contents] == [(b"/etc/big", BIG), (b"/etc/big", 1000)]
    assert all(size == read for _path, size, read in seen.contents)
    assert not seen.report.problems


def test_a_file_that_keeps_shrinking_is_a_problem(root, local):
    fill(root, big=b"x" * 4 * BIG)
    seen = Disturbing(tree(root, "/etc/big"), local, lambda entry: os.truncate(root / "etc/big", entry.size // 2))
    assert len(seen.contents) == 2
    assert "shrank" in seen.problems["/etc/big"] or "changed as we read it" in seen.problems["/etc/big"]


def test_a_file_that_keeps_growing_is_a_problem(root, local):
    fill(root, big=b"x" * BIG)

    def grow(entry):
        with open(root / "etc/big", "ab") as handle:
            handle.write(b"more")

    seen = Disturbing(tree(root, "/etc/big"), local, grow)
    assert "changed as we read it" in seen.problems["/etc/big"]


def test_a_file_that_vanishes_is_a_problem(root, local):
    fill(root, a=b"x" * BIG, b="gone")
    seen = Disturbing(tree(root), local, lambda entry: (root / "etc/b").unlink(missing_ok=True))
    assert "No such file" in seen.problems["/etc/b"] or "removed" in seen.problems["/etc/b"]
    assert b"/etc/b" not in [path for path, _size, _read in seen.contents]


def test_a_file_that_is_replaced_is_read_again(root, local):
    fill(root, a=b"x" * BIG, b="old")

    def replace(entry):
        (root / "etc/new").write_text("the new one")
        os.replace(root / "etc/new", root / "etc/b")

    seen = Disturbing(tree(root), local, replace)
    assert "/etc/b" not in seen.problems


def stream(*members):
    return b"".join(archive((member, [b"x" * member.size]) for member in members))


LISTED = b"d./etc\0f./etc/a\0f./etc/b\0M./etc\0C\0E\0"
GIVEN = (TarMember(b"./etc/", "directory", 0o755), TarMember(b"./etc/a", "file", size=3))


def test_what_was_listed_and_does_not_come_is_named(scripted, answer, gather):
    found = gather(tree("/"), scripted(answer(LISTED), answer(stream(*GIVEN))))
    assert found.problems == {"/etc/b": "was listed by the host, but did not come"}


def test_an_exit_status_without_a_reason_is_a_problem(scripted, answer, gather):
    b = TarMember(b"./etc/b", "file")
    found = gather(tree("/"), scripted(answer(LISTED), answer(stream(*GIVEN, b), b"", 2)))
    assert "exit status 2" in found.problems[""]


def test_an_archive_without_its_end_is_never_whole_whatever_the_status(scripted, answer, gather):
    b = TarMember(b"./etc/b", "file", size=2000)
    data = stream(*GIVEN, b)
    for cut, named in ((1024, "/etc/b"), (1024 + 1500, "/etc/b"), (len(data) - 600, "")):
        found = gather(tree("/"), scripted(answer(LISTED), answer(data[:-cut])))
        assert "ends before its end" in " ".join(found.problems.values())
        assert named in found.problems


@pytest.mark.parametrize("name", [b"./etc/shadow", b"./etc/../../root/.ssh/authorized_keys", b"/etc/a", b"./etc/a"])
def test_a_host_that_sends_what_was_not_asked_for_is_refused(scripted, answer, gather, name):
    extra = TarMember(name, "file")
    with pytest.raises(HostileContent, match="not asked for"):
        gather(tree("/"), scripted(answer(LISTED), answer(stream(*GIVEN, extra))))


def test_a_device_is_never_taken(scripted, answer, gather):
    block = tar_stream._block(b"./etc/b", b"4", 0) + tar_stream.END
    with pytest.raises(HostileContent, match="sends a block"):
        gather(tree("/"), scripted(answer(LISTED), answer(block)))


@pytest.mark.parametrize(
    "listing", [b"", b"f./etc/a\0", b"f./etc/a\0C\0E", b"f./etc/a\0E\0", b"E\0", b"F126\0C\0E\0", b"F1\0C\0E\0"]
)
def test_a_listing_that_broke_off_is_an_error(scripted, answer, gather, listing):
    with pytest.raises(CommandFailed, match="broke off"):
        gather(tree("/"), scripted(answer(listing, b"sh: find: Argument list too long\n")))


def test_folders_on_another_file_system_than_the_one_above_are_noted(scripted, answer, gather):
    listed = b"d./srv\0V9\0f./srv/a\0d./srv/data\0V26\0d./srv/data/x\0V26\0d./srv/data/x/y\0V9\0d./srv/tmp\0V7\0"
    names = (b"./srv/", b"./srv/data/", b"./srv/data/x/", b"./srv/data/x/y/")
    sent = stream(*(TarMember(name, "directory") for name in names), TarMember(b"./srv/a", "file"))
    item = tree("/", "/srv", exclude=["tmp"])
    found = gather(item, scripted(answer(listed + b"M./srv\0C\0E\0"), answer(sent)))
    assert found.report.notes["mounts"] == ["/srv/data", "/srv/data/x/y"]
    listed = b"d./srv/data\0V26\0M./srv/data\0C\0E\0"
    found = gather(
        tree("/", "/srv/data"), scripted(answer(listed), answer(stream(TarMember(b"./srv/data/", "directory"))))
    )
    assert "mounts" not in found.report.notes and not found.problems


def test_a_lost_connection_is_raised_not_recorded(scripted, answer, gather):
    with pytest.raises(ConnectionLost):
        gather(tree("/"), scripted(answer(LISTED), ConnectionLost("gone")))


def test_a_second_reading_that_is_refused_is_a_problem_and_takes_nothing_back(scripted, answer, gather):
    """The first one stands, with owners and all; what changed while it was read is named."""
    b = TarMember(b"./etc/b", "file", size=3)
    changed = b"tar: ./etc/b: file changed as we read it\n"
    refused = CommandsRefused("the account runs no commands")
    found = gather(tree("/"), scripted(answer(LISTED), answer(stream(*GIVEN, b), changed, 1), refused))
    assert set(found.by_path) == {b"/etc", b"/etc/a", b"/etc/b"} and "read_by" not in found.report.notes
    assert list(found.problems) == ["/etc/b"] and "cannot be read again" in found.problems["/etc/b"]


def test_escaped_names_in_complaints_are_read_back(scripted, answer, gather):
    listed = b"f./etc/a\\b:\n\xff\0C\0E\0"
    complaint = (
        rb"tar: ./etc/a\\b\:\n\377: Cannot open: Permission denied"
        + b"\ntar: Exiting with failure status due to previous errors\n"
    )
    found = gather(tree("/"), scripted(answer(listed), answer(stream(), complaint, 2)))
    assert found.problems == {"/etc/a\\b:%0A%FF": "Cannot open: Permission denied"}


# --- without a shell --------------------------------------------------------------------------------------------------
class WithoutShell(LocalTransport):
    def open(self, *args, **kwargs):
        raise CommandsRefused("the account runs no commands")


def test_without_a_shell_files_are_read_one_by_one(root, gather):
    fill(root, a="hello", **{"sub/b.cfg": "x", "sub/c.bak": "x"})
    os.symlink("a", root / "etc/link")
    os.mkfifo(root / "etc/fifo")
    found = gather(tree(root, "/etc/*", exclude=("*.bak",)), WithoutShell())
    assert {path: entry.kind for path, (entry, _content) in found.by_path.items()} == {
        b"/etc/a": "file",
        b"/etc/link": "symlink",
        b"/etc/sub": "directory",
        b"/etc/sub/b.cfg": "file",
    }
    assert found.by_path[b"/etc/a"][1] == b"hello"
    assert found.report.notes["special"] == ["/etc/fifo"]
    assert "SFTP" in found.report.notes["read_by"]
    assert not gather(tree(root, "/nothing"), WithoutShell()).report.found


def test_without_a_shell_symlinks_on_the_way_are_followed(root, gather):
    fill(root, **{"real/app/conf/x": "x", "other/y": "y", "real/app/loop": "z"})
    os.symlink("real", root / "etc/link")
    os.symlink("loop", root / "etc/loop")
    os.symlink(".", root / "etc/real/again")
    os.symlink("y", root / "etc/other/file")
    paths = ("/etc/link/app/conf", "/etc/other", "/etc/loop/x", "/etc/other/file/x", "/etc/link/*/app/conf")
    found = gather(tree(root, *paths), WithoutShell())
    assert found.by_path[b"/etc/link/app/conf/x"][1] == found.by_path[b"/etc/link/again/app/conf/x"][1] == b"x"
    assert found.by_path[b"/etc/other/file"][0].kind == "symlink"
    assert found.report.notes["nothing_at"] == ["/etc/loop/x", "/etc/other/file/x"] and not found.problems
    assert set(gather(tree(root, *paths), LocalTransport()).by_path) == set(found.by_path)


def test_without_a_shell_no_symlink_leads_out_of_the_root(root, gather):
    fill(root, a="x", **{"real/x": "x"})
    outside = root.parent / "outside"
    (outside / "sub").mkdir(parents=True)
    (outside / "sub/secret").write_text("x")
    os.symlink(outside, root / "etc/out")
    os.symlink("../root/etc/real", outside / "back")
    os.symlink(root / "etc/real", root / "etc/in")
    found = gather(tree(root, "/etc/*/sub/secret", "/etc/out/back/x", "/etc/in/x"), WithoutShell())
    assert set(found.by_path) == {b"/etc/out/back/x", b"/etc/in/x"}
    assert list(found.problems) == ["/etc/out/sub/secret"] and "leads out of" in found.problems["/etc/out/sub/secret"]


def test_without_a_shell_what_lies_in_a_closed_folder_is_not_simply_absent(root, gather):
    class Closed(WithoutShell):
        def list_dir(self, path):
            if path.endswith((b"/closed", b"/link")):
                raise PermissionError(errno.EACCES, "Permission denied")
            return super().list_dir(path)

    fill(root, a="x", **{"closed/b": "x"})
    os.symlink("closed", root / "etc/link")
    found = gather(tree(root, "/etc/a", "/etc/link/b", "/etc/closed/b", "/etc/none"), Closed())
    assert set(found.problems) == {"/etc/closed", "/etc/link"}
    assert found.report.notes["nothing_at"] == ["/etc/none"]


class OnlyFiles(LocalTransport):
    """The local files, and commands of another host."""

    def __init__(self, commands):
        super().__init__("pbx")
        self._commands = commands

    def open(self, *args, **kwargs):
        return self._commands.open(*args, **kwargs)


@pytest.mark.parametrize("missing", ["tar", "find"])
@pytest.mark.parametrize("instead", ["exit 1", "echo 'usage: it' >&2; exit 2", None])
def test_a_host_with_another_tar_or_find_is_read_one_by_one(root, gather, monkeypatch, tmp_path, missing, instead):
    """The real script, with programs that are none of GNU's."""
    for name in ("sh", "find", "tar", "cat"):
        if name != missing:
            (tmp_path / name).symlink_to(shutil.which(name))
    if instead is not None:
        (tmp_path / missing).write_text(f"#!/bin/sh\n{instead}\n")
        (tmp_path / missing).chmod(0o755)
    monkeypatch.setattr(
        sudo, "_COMMAND", sudo._COMMAND.replace("PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin", f"PATH={tmp_path}")
    )
    fill(root, a="hello")
    found = gather(tree(root), LocalTransport("pbx"))
    assert found.by_path[b"/etc/a"][1] == b"hello" and not found.problems
    assert "no GNU tar" in found.report.notes["read_by"]


def test_without_gnu_tar_files_are_read_one_by_one(root, scripted, answer, gather):
    fill(root, a="hello")
    for answers in ([answer(b"X4\0", rc=4)], [answer(LISTED), answer(b"", b"tar: unrecognized option: pax-option", 4)]):
        found = gather(tree(root), OnlyFiles(scripted(*answers)))
        assert found.by_path[b"/etc/a"][1] == b"hello" and not found.problems
        assert "no GNU tar" in found.report.notes["read_by"]


def test_without_a_shell_a_changed_file_is_a_problem(root, gather):
    class Growing(WithoutShell):
        def read_file(self, path):
            yield from super().read_file(path)
            yield b"more"

    fill(root, a="hello")
    assert "5 bytes became 9" in gather(tree(root), Growing()).problems["/etc/a"]


def test_without_a_shell_a_file_that_became_another_one_of_the_same_size_is_a_problem(root, gather):
    class Replaced(WithoutShell):
        def read_file(self, path):
            yield from super().read_file(path)
            pathlib.Path(os.fsdecode(path)).write_text("world")
            os.utime(path, (1e9, 1e9))

    class Gone(WithoutShell):
        def read_file(self, path):
            yield from super().read_file(path)
            os.unlink(path)

    fill(root, a="hello")
    assert gather(tree(root), Replaced()).problems == {"/etc/a": "changed while it was read"}
    assert gather(tree(root), Gone()).problems == {"/etc/a": "changed while it was read"}


# --- over the wire ----------------------------------------------------------------------------------------------------
def test_entries_are_plain_values(root, local, gather):
    fill(root, a="x")
    for entry in gather(tree(root), local).entries:
        assert type(entry).from_json(entry.to_json()) == entry
        assert dataclasses.replace(entry) == entry


def test_no_thread_stays_when_a_gathering_is_given_up(root, local):
    fill(root, **{f"f{n}": b"x" * 500_000 for n in range(5)})
    before = set(threading.enumerate())
    gathering = tree(root).gather(local, ItemReport("x"))
    next(gathering)
    gathering.close()
    assert set(threading.enumerate()) <= before


def test_a_tree_is_measured_by_its_listing_alone(root, local, scripted):
    fill(root, open="12345", **{"dir/below": "678", "left/out": "x" * 1000})
    (root / "etc/link").symlink_to("open")
    report = ItemReport("tree")
    extent = tree(root, "/etc", exclude=["left"]).measure(local, report)
    assert (extent.entries, extent.size, report.problems, report.found) == (5, 8, [], True)
    gone = ItemReport("tree")
    assert tree(root, "/nowhere").measure(local, gone).entries == 0 and gone.found is False


def test_what_may_not_be_read_is_measured_and_told(root, local):
    fill(root, open="12345", closed="678", **{"dir/below": "x"})
    for name in ("closed", "dir"):
        (root / "etc" / name).chmod(0)
    report = ItemReport("tree")
    try:
        as_stranger(root, "/etc").measure(local, report)
    finally:
        (root / "etc/dir").chmod(0o755)
    assert {problem.path for problem in report.problems} == {"/etc/closed", "/etc/dir"}
    assert all("Permission denied" in problem.message for problem in report.problems)
