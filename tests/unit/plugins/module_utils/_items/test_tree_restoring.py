# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.thoroughness import examples

from ansible_collections.ucops.recovery.plugins.module_utils._entries import Entry
from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    HostileContent,
    RepositoryDamaged,
    RestoreFailed,
    RestoreRefused,
)
from ansible_collections.ucops.recovery.plugins.module_utils._items.base import Change
from ansible_collections.ucops.recovery.plugins.module_utils._items.file_tree import FileTree
from ansible_collections.ucops.recovery.plugins.module_utils._items.tree_restoring import ancestors, plan_removal

IS_ROOT = os.geteuid() == 0
NEEDS_ROOT = pytest.mark.skipif(not IS_ROOT, reason="left out: owners, other users and mounts need root")
HAS_ACL = bool(shutil.which("setfacl") and shutil.which("setfattr"))


@pytest.fixture
def root():
    """A folder that another user can enter."""
    with tempfile.TemporaryDirectory(prefix="ucops-root-") as folder:
        os.chmod(folder, 0o755)
        path = pathlib.Path(folder, "root")
        (path / "etc").mkdir(parents=True)
        yield path


def tree(root, *paths, **options):
    values = {"name": "config", "data_class": "voip_config", "paths": paths or ("/etc/k",), "root": str(root)}
    return FileTree(**{**values, **options})


def shell(root, script: str) -> None:
    subprocess.run(["bash", "-euc", script], cwd=root / "etc", check=True, capture_output=True)


FILL = """
mkdir -p k/tls/deep k/empty
echo 'listen=udp' > k/kamailio.cfg; echo a > 'k/Grüße mit
Zeile'; echo odd > $'k/\\xff'; echo key > k/tls/key.pem; chmod 600 k/tls/key.pem; chmod 0750 k/tls
chmod 4755 k/kamailio.cfg; ln k/kamailio.cfg k/hard; ln -s /nowhere k/link; ln -s deep k/tls/rel
mkfifo k/fifo; chmod 1777 k/empty
touch -d '2001-02-03 04:05:06.123456789' k/kamailio.cfg; touch -h -d '2002-01-01 00:00:00.5' k/link
touch -d '2003-01-01 00:00:00.25' k/tls/deep; touch -d '2004-01-01 00:00:00.75' k/tls; touch -d '2005-01-01' k
"""
FILL_AS_ROOT = """
chown daemon:bin k/tls/key.pem; chown -h 12345:54321 k/link; chown nobody k/tls
"""
FILL_ATTRIBUTES = """
setfattr -n user.note -v 0x00ff k/tls/key.pem; setfattr -n user.kept -v a k/tls; touch -d '2004-01-01 00:00:00.75' k/tls
"""
FILL_ACLS = """
setfacl -m u:nobody:r k/tls/key.pem; setfacl -d -m g:daemon:rx k/empty
"""


def fill(root) -> None:
    shell(root, FILL)
    if IS_ROOT:
        shell(root, FILL_AS_ROOT)
    if HAS_ACL:
        shell(root, FILL_ATTRIBUTES + (FILL_ACLS if IS_ROOT else ""))
    shell(root, "touch -d '2005-01-01' k")


def restore(item, local, gather, before) -> None:
    item.restore(local, before.wanted, gather(item, local).entries)


# --- exactness --------------------------------------------------------------------------------------------------------
CHANGES = {
    "everything is gone": "rm -rf k",
    "a file was changed": "echo bad > k/kamailio.cfg",
    "a file was cut": ": > k/tls/key.pem",
    "a file was removed": "rm k/tls/key.pem",
    "files and folders were added": "mkdir -p k/new/sub; echo x > k/new/sub/y; ln -s x k/new/l; mkfifo k/new/f",
    "a file became a folder": "rm k/kamailio.cfg; mkdir k/kamailio.cfg; echo x > k/kamailio.cfg/x",
    "a folder became a file": "rm -r k/tls; echo x > k/tls",
    "a folder became a symlink": "rm -r k/tls; ln -s /etc k/tls",
    "a symlink became a folder": "rm k/link; mkdir -p k/link/x; echo y > k/link/x/y",
    "a symlink became a file": "rm k/link; echo x > k/link",
    "a symlink leads elsewhere": "ln -sfn /etc/passwd k/link",
    "a file became a symlink": "rm k/kamailio.cfg; ln -s tls/key.pem k/kamailio.cfg",
    "a FIFO became a file": "rm k/fifo; echo x > k/fifo",
    "modes changed": "chmod 777 k/tls k/tls/key.pem; chmod 0 k/empty; chmod 755 k/kamailio.cfg",
    "times changed": "touch k k/tls k/tls/deep k/kamailio.cfg; touch -h k/link",
    "a hardlink was cut": "rm k/hard; cp k/kamailio.cfg k/hard",
    "odd names were touched": "rm -f $'k/\\xff'; rm 'k/Grüße mit\nZeile'; touch $'k/\\xfe' 'k/-rf' 'k/ lead'",
}


@pytest.mark.parametrize("change", CHANGES)
def test_after_a_restore_a_new_gathering_says_identical(root, local, gather, change):
    fill(root)
    item = tree(root)
    before = gather(item, local)
    assert not before.report.problems
    shell(root, CHANGES[change])
    restore(item, local, gather, before)
    after = gather(item, local)
    assert after.by_path == before.by_path
    assert os.stat(root / "etc/k/hard").st_ino == os.stat(root / "etc/k/kamailio.cfg").st_ino


@NEEDS_ROOT
def test_owners_come_back_by_name_and_else_by_number(root, local, gather):
    fill(root)
    item = tree(root)
    before = gather(item, local)
    shell(root, "chown -R root:root k; chown -h root:root k/link")
    moved = ((dataclasses.replace(entry, uid=999, gid=999), content) for entry, content in before.wanted)
    item.restore(local, moved, gather(item, local).entries)
    key = os.stat(root / "etc/k/tls/key.pem")
    assert (key.st_uid, key.st_gid) == (1, 2)
    strangers = [
        (dataclasses.replace(entry, owner="nosuchuser", group="nosuchgroup", uid=4242, gid=2424), content)
        for entry, content in before.wanted
    ]
    item.restore(local, strangers, gather(item, local).entries)
    key = os.stat(root / "etc/k/tls/key.pem")
    assert (key.st_uid, key.st_gid) == (4242, 2424)


@pytest.mark.skipif(not HAS_ACL, reason="left out: no setfacl or setfattr (packages acl, attr)")
def test_acls_and_attributes_come_back_exactly(root, local, gather):
    fill(root)
    item = tree(root)
    before = gather(item, local)
    shell(root, "setfattr -n user.new -v x k/tls; setfattr -n user.new -v x k/tls/key.pem; setfattr -x user.kept k/tls")
    if IS_ROOT:
        shell(
            root,
            "setfacl -b k/tls/key.pem; setfacl -m u:daemon:rwx k/tls"
            "; setfacl -k k/empty; setfacl -d -m u:nobody:r k/tls",
        )
    restore(item, local, gather, before)
    assert gather(item, local).by_path == before.by_path


@NEEDS_ROOT
def test_capabilities_of_files_come_back(root, local, gather):
    shell(root, "mkdir k; cp /bin/true k/t")
    if not shutil.which("setcap", path="/usr/sbin:/sbin:/usr/bin"):
        pytest.skip("left out: no setcap (package libcap2-bin)")
    shell(
        root, "PATH=$PATH:/usr/sbin:/sbin setcap cap_net_bind_service=ep k/t; chown daemon k; touch -d 2001-01-01 k/t k"
    )
    item = tree(root)
    before = gather(item, local)
    assert "security.capability" in before.by_path[b"/etc/k/t"][0].xattrs
    shell(root, "rm k/t")
    restore(item, local, gather, before)
    assert gather(item, local).by_path == before.by_path


NAME = st.sampled_from([b"a", b"b", b"c\xff", "ü".encode(), b"d\ne", b"-x"])
KIND = st.sampled_from(["file", "directory", "symlink"])
TREES = st.dictionaries(
    st.tuples(NAME, NAME) | st.tuples(NAME), st.tuples(KIND, st.binary(max_size=9), st.integers(0, 7)), max_size=8
)


def grow(base: bytes, drawn) -> None:
    os.makedirs(base, exist_ok=True)
    for names, (kind, content, bits) in sorted(drawn.items()):
        path = os.path.join(base, *names)
        if not os.path.isdir(os.path.dirname(path)) or os.path.islink(os.path.dirname(path)) or os.path.lexists(path):
            continue
        if kind == "directory":
            os.mkdir(path)
        elif kind == "symlink":
            os.symlink(content.replace(b"\0", b"") or b"x", path)
        else:
            with open(path, "wb") as handle:
                handle.write(content)
        if kind != "symlink":
            os.chmod(path, 0o700 | bits)
        os.utime(path, ns=(bits, bits * 1_000_000_007), follow_symlinks=False)


@settings(max_examples=examples(12), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TREES, TREES)
def test_any_tree_comes_back_over_any_other(root, local, gather, first, second):
    base = os.fsencode(root) + b"/etc/k"
    shutil.rmtree(base, ignore_errors=True)
    grow(base, first)
    item = tree(root)
    before = gather(item, local)
    shutil.rmtree(base)
    grow(base, second)
    restore(item, local, gather, before)
    assert gather(item, local).by_path == before.by_path


def test_a_part_of_a_tree_is_restored_alone(root, local, gather):
    fill(root)
    item = tree(root)
    before = gather(item, local)
    shell(root, "echo bad > k/kamailio.cfg; echo bad > k/tls/key.pem; echo new > k/tls/new; echo new > k/new")
    part = [(entry, content) for entry, content in before.wanted if entry.path.startswith(b"/etc/k/tls")]
    current = [entry for entry in gather(item, local).entries if entry.path.startswith(b"/etc/k/tls")]
    item.restore(local, part, current)
    assert (root / "etc/k/tls/key.pem").read_text() == "key\n"
    assert not (root / "etc/k/tls/new").exists()
    assert (root / "etc/k/kamailio.cfg").read_text() == "bad\n"
    assert (root / "etc/k/new").exists()


def test_a_later_entry_replaces_an_earlier_one(root, local, gather):
    shell(root, "mkdir k; echo final > k/a")
    item = tree(root)
    entries = [(entry, [content]) for entry, content in gather(item, local).by_path.values()]
    early = dataclasses.replace(entries[-1][0], size=5)
    item.restore(local, [(early, [b"early"]), *entries], [])
    assert (root / "etc/k/a").read_text() == "final\n"


# --- what must never be touched ---------------------------------------------------------------------------------------
def test_what_is_excluded_survives_even_in_a_folder_that_goes(root, local, gather):
    shell(root, "mkdir k; echo a > k/a")
    item = tree(root, exclude=("*.keep",))
    before = gather(item, local)
    shell(root, "mkdir -p k/new; echo x > k/new/mine.keep; echo y > k/new/other; echo z > k/top.keep")
    restore(item, local, gather, before)
    assert (root / "etc/k/new/mine.keep").read_text() == "x\n"
    assert (root / "etc/k/top.keep").exists()
    assert not (root / "etc/k/new/other").exists()


def test_a_folder_that_holds_what_is_unlisted_is_never_replaced(root, local, gather):
    shell(root, "mkdir k; echo a > k/a")
    item = tree(root, exclude=("*.keep",))
    before = gather(item, local)
    shell(root, "rm k/a; mkdir k/a; echo x > k/a/mine.keep")
    with pytest.raises(RestoreFailed) as caught:
        restore(item, local, gather, before)
    assert "/etc/k/a" in str(caught.value)
    assert (root / "etc/k/a/mine.keep").read_text() == "x\n"


def test_a_symlink_planted_on_the_target_redirects_nothing(root, local, gather, tmp_path):
    fill(root)
    item = tree(root)
    before = gather(item, local)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "key.pem").write_text("precious")
    (outside / "new").write_text("precious")
    shell(root, f"rm -r k/tls; ln -s {outside} k/tls")
    restore(item, local, gather, before)
    assert not (root / "etc/k/tls").is_symlink()
    assert (outside / "key.pem").read_text() == "precious"
    assert (outside / "new").read_text() == "precious"


def test_a_part_below_a_symlink_planted_on_the_target_is_refused(root, local, gather, tmp_path):
    fill(root)
    item = tree(root)
    before = gather(item, local)
    outside = tmp_path / "outside"
    outside.mkdir()
    shell(root, f"rm -r k/tls; ln -s {outside} k/tls")
    part = [(entry, content) for entry, content in before.wanted if entry.path == b"/etc/k/tls/key.pem"]
    with pytest.raises(RestoreRefused, match="/etc/k/tls: This is a symlink on the target"):
        item.restore(local, part, [])
    assert not list(outside.iterdir())


def test_a_parent_that_leads_out_of_the_root_is_refused(root, local, gather, tmp_path):
    fill(root)
    item = tree(root)
    before = gather(item, local)
    outside = tmp_path / "outside"
    (outside / "k").mkdir(parents=True)
    shutil.rmtree(root / "etc")
    (root / "etc").symlink_to(outside)
    with pytest.raises(RestoreRefused, match="leads out of"):
        item.restore(local, before.wanted, [])
    assert not list((outside / "k").iterdir())


def test_a_parent_that_is_a_symlink_within_the_root_is_as_good_as_a_folder(root, local, gather):
    (root / "opt/k").mkdir(parents=True)
    (root / "opt/k/a").write_text("a")
    (root / "etc").rmdir()
    (root / "etc").symlink_to("opt")
    item = tree(root)
    before = gather(item, local)
    assert set(before.by_path) == {b"/etc/k", b"/etc/k/a"}
    (root / "opt/k/a").write_text("bad")
    restore(item, local, gather, before)
    assert (root / "opt/k/a").read_text() == "a"
    assert (root / "etc").is_symlink()


def entry(path: bytes, kind: str = "file", **facts) -> Entry:
    return Entry(item="config", data_class="voip_config", kind=kind, path=path, **facts)


HOSTILE = {
    "relative": [entry(b"etc/k/a")],
    "parent": [entry(b"/etc/k/../passwd")],
    "dot": [entry(b"/etc/k/./a")],
    "empty name": [entry(b"/etc/k//a")],
    "trailing slash": [entry(b"/etc/k/")],
    "NUL": [entry(b"/etc/k/a\0b")],
    "outside": [entry(b"/etc/passwd")],
    "a sibling": [entry(b"/etc/kk")],
    "excluded": [entry(b"/etc/k/x.keep")],
    "block device": [entry(b"/etc/k/sda", "block", device=(8, 0))],
    "char device": [entry(b"/etc/k/mem", "char", device=(1, 1))],
    "a command's output": [entry(b"/etc/k/x", "output")],
    "a strange kind": [entry(b"/etc/k/x", "socket")],
    "below a symlink": [entry(b"/etc/k/l", "symlink", link_target=b"/root"), entry(b"/etc/k/l/.ssh")],
    "below a symlink that comes later": [entry(b"/etc/k/l/a/b"), entry(b"/etc/k/l", "symlink", link_target=b"/")],
    "below a file": [entry(b"/etc/k/f"), entry(b"/etc/k/f/a")],
    "hardlink to the outside": [entry(b"/etc/k/h", "hardlink", link_target=b"/etc/shadow")],
    "hardlink to nothing": [entry(b"/etc/k/h", "hardlink")],
    "hardlink to a symlink": [
        entry(b"/etc/k/l", "symlink", link_target=b"/x"),
        entry(b"/etc/k/h", "hardlink", link_target=b"/etc/k/l"),
    ],
    "symlink to nothing": [entry(b"/etc/k/l", "symlink")],
    "symlink with NUL": [entry(b"/etc/k/l", "symlink", link_target=b"a\0b")],
    "a name that is too long": [entry(b"/etc/k/" + b"x" * 256)],
    "a mode that is none": [entry(b"/etc/k/x", mode=0o100644)],
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_content_is_refused_before_anything_is_written(root, local, case):
    shell(root, "mkdir k; echo old > k/good")
    good = entry(b"/etc/k/good", size=3, mtime_ns=0)
    item = tree(root, exclude=("*.keep",))
    contents = [(one, iter([b"new"])) for one in [good, *HOSTILE[case]]]
    with pytest.raises(HostileContent, match="nothing was written"):
        item.restore(local, contents, [])
    with pytest.raises(HostileContent):
        item.judge([good, *HOSTILE[case]])
    assert local.commands == 0
    assert (root / "etc/k/good").read_text() == "old\n"


# --- what goes wrong --------------------------------------------------------------------------------------------------
@NEEDS_ROOT
def test_a_full_disk_is_told_with_the_file(root, local, gather):
    shell(root, "mkdir k; head -c 300000 /dev/urandom > k/a; head -c 3000000 /dev/urandom > k/big")
    item = tree(root)
    before = gather(item, local)
    shutil.rmtree(root / "etc/k")
    (root / "etc/k").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(root / "etc/k")], check=True)
    try:
        with pytest.raises(RestoreFailed, match="/etc/k/big: It cannot be written as it was: .* Free some space"):
            restore(item, local, gather, before)
    finally:
        subprocess.run(["umount", "-l", str(root / "etc/k")], check=True)


@NEEDS_ROOT
def test_a_file_system_that_is_read_only_is_told(root, local, gather):
    fill(root)
    item = tree(root)
    before = gather(item, local)
    shutil.rmtree(root / "etc/k")
    (root / "etc/k").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(root / "etc/k")], check=True)
    try:
        with pytest.raises(RestoreFailed, match="Read-only file system"):
            restore(item, local, gather, before)
    finally:
        subprocess.run(["umount", "-l", str(root / "etc/k")], check=True)


@NEEDS_ROOT
def test_who_may_not_give_files_away_is_told(root, local, gather):
    fill(root)
    before = gather(tree(root), local)
    shutil.rmtree(root / "etc/k")
    (root / "etc").chmod(0o777)
    with pytest.raises(RestoreFailed, match="Restore as root"):
        tree(root, become="nobody").restore(local, before.wanted, [])


def test_content_that_breaks_off_comes_back_as_its_own_error(root, local, gather):
    shell(root, "mkdir k; head -c 1000 /dev/zero > k/a")
    item = tree(root)
    before = gather(item, local)

    def broken():
        yield b"x" * 500
        raise RepositoryDamaged("a bundle is cut")

    wanted = [(one, broken() if one.kind == "file" else iter(())) for one in before.entries]
    with pytest.raises(RepositoryDamaged):
        item.restore(local, wanted, [])


def test_a_target_without_gnu_tar_is_refused(scripted, answer):
    with pytest.raises(RestoreRefused, match="GNU tar"):
        tree("/").restore(scripted(answer(rc=4)), [(entry(b"/etc/k"), [])], [])


def test_a_target_that_cannot_be_looked_at_is_refused(scripted, answer):
    denied = answer(b"d./etc\0E\0", b"find: './etc/k': Permission denied\n")
    with pytest.raises(RestoreRefused, match="Permission denied"):
        tree("/").restore(scripted(denied), [(entry(b"/etc/k"), [])], [])


def test_a_status_alone_is_a_failure_too(scripted, answer):
    transport = scripted(answer(b"d./etc\0E\0"), answer(rc=2))
    with pytest.raises(RestoreFailed, match="exit status 2"):
        tree("/").restore(transport, [(entry(b"/etc/k"), [])], [])


# --- planning ---------------------------------------------------------------------------------------------------------
def test_ancestors_begin_at_the_root():
    assert list(ancestors(b"/a/b/c")) == [b"/", b"/a", b"/a/b"]
    assert list(ancestors(b"/")) == []


def test_removals_go_from_the_leaves_up():
    there = {b"/": "d", b"/k": "d", b"/k/x": "d", b"/k/x/y": "d", b"/k/x/y/f": "f", b"/k/l": "l"}
    current = [entry(path) for path in there if path.startswith(b"/k/")]
    removal = plan_removal([entry(b"/k", "directory")], current, there, lambda path: path.startswith(b"/k"))
    assert removal.folders == [b"/k/x/y", b"/k/x"]
    assert set(removal.files) == {b"/k/x/y/f", b"/k/l"}


def test_a_plan_says_what_will_happen(root, local, gather):
    fill(root)
    item = tree(root)
    before = gather(item, local)
    shell(root, "echo bad > k/kamailio.cfg; rm k/hard; chmod 777 k/tls; echo x > k/new; touch -d '2005-01-01' k")
    changes = item.plan(before.entries, gather(item, local).entries)
    assert Change("write", b"/etc/k/kamailio.cfg") in changes
    assert Change("write", b"/etc/k/hard") in changes
    assert Change("metadata", b"/etc/k/tls") in changes
    assert Change("remove", b"/etc/k/new") in changes
    assert not [change for change in changes if change.path in (b"/etc/k", b"/etc/k/tls/key.pem", b"/etc/k/link")]
    restore(item, local, gather, before)
    assert item.plan(before.entries, gather(item, local).entries) == []
    assert item.plan(before.entries, before.entries, differing={b"/etc/k/tls/key.pem"}) == [
        Change("write", b"/etc/k/tls/key.pem")
    ]
