# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Registry keys of a host in memory; real ``reg`` is in tests/lab/test_registry.py."""

from __future__ import annotations

import errno
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.windows_files import MemoryWindowsFiles
from support.windows_registry import DENIED, MemoryWindows, failed

from ansible_collections.ucops.recovery.plugins.module_utils._compare.normalise import normalise
from ansible_collections.ucops.recovery.plugins.module_utils._compare.registry import (
    BOM,
    RegistryFileMalformed,
    RegistryTree,
    RegistryValue,
    format_reg,
    parse_reg,
)
from ansible_collections.ucops.recovery.plugins.module_utils._entries import Entry
from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    CommandFailed,
    ConnectionLost,
    DeadlineExceeded,
    HostileContent,
    ItemTruncated,
    OptionInvalid,
    OutputTooLarge,
    RestoreFailed,
    RestoreRefused,
)
from ansible_collections.ucops.recovery.plugins.module_utils._items import registry_change
from ansible_collections.ucops.recovery.plugins.module_utils._items.registry import RegistryKeys
from ansible_collections.ucops.recovery.plugins.module_utils._items.registry_paths import key_of, path_of, view_of
from ansible_collections.ucops.recovery.plugins.module_utils._transport.base import CommandResult

SERVER = r"HKEY_LOCAL_MACHINE\SOFTWARE\ESTOS\UCServer4\Server"
SERVER_PATH = b"/@registry/HKEY_LOCAL_MACHINE/SOFTWARE/ESTOS/UCServer4/Server.reg"
ADMIN = r"HKEY_CURRENT_USER\SOFTWARE\ESTOS\UCServer4\Admin"
ALICE, BOB = "S-1-5-21-1-2-3-1001", "S-1-5-21-1-2-3-1002"
ALICE_ADMIN = rf"HKEY_USERS\{ALICE}\SOFTWARE\ESTOS\UCServer4\Admin"
BOB_ADMIN = rf"HKEY_USERS\{BOB}\SOFTWARE\ESTOS\UCServer4\Admin"
BOBS = r"C:\Users\bob"
SECRET = "planted-5ecret"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)


@pytest.fixture
def host():
    """A server with a key, and two users: alice is logged on, bob is not."""
    host = MemoryWindows()
    host.registry.set(SERVER, Port=7222, Password=SECRET, Name="Größe €")
    host.registry.set(SERVER + r"\Sub", default="x", Blob=bytes(200))
    host.add_user(ALICE, r"C:\Users\alice", loaded=True)
    host.add_user(BOB, r"C:\Users\bob", loaded=False)
    host.registry.set(ALICE_ADMIN, Server="one", CurrentPassword=SECRET)
    host.user_key(BOBS, ADMIN, Server="two")
    return host


def keys(*names, **options):
    return RegistryKeys(**{"name": "registry", "data_class": "voip_config", "keys": names or (SERVER,), **options})


def kept(host):
    """Everything that the host holds, to compare it later."""
    return (
        {key: dict(values) for key, values in host.registry.tree.keys.items()},
        {file: dict(tree.keys) for file, tree in host.registry.hives.items()},
    )


def nothing_left(host):
    """No scratch folder, no loaded registry, no secret on a command line."""
    folders = [one.name for one in host.files.list_folder(r"C:\Windows\Temp")]
    lines = " ".join(host.lines())
    return not folders and not host.registry.loaded and SECRET not in lines


# --- what is gathered -------------------------------------------------------------------------------------------------
def test_a_key_is_its_export(host, gather):
    found = gather(keys(), host.transport)
    ((entry, content),) = found.all
    assert (entry.path, entry.kind, entry.extra) == (SERVER_PATH, "dump", {"key": SERVER, "view": "64"})
    assert parse_reg(content).is_same(host.registry.below(SERVER))
    assert found.report.found and not found.report.problems
    assert nothing_left(host)


def test_the_scratch_folder_belongs_to_administrators_from_its_first_moment(host, gather):
    made = []
    make = MemoryWindowsFiles.make_folder

    def watched(path, security=None):
        made.append((path, security))
        make(host.files, path, security)

    host.files.make_folder = watched
    gather(keys(), host.transport)
    ((path, security),) = made
    assert path.startswith("C:\\Windows\\Temp\\ucops-recovery-") and security[2:4] == b"\x04\x90"


def test_a_key_that_is_not_there(host, gather):
    found = gather(keys(r"HKLM\SOFTWARE\ESTOS\Nothing\Here"), host.transport)
    assert not found.report.found and not found.all and not found.report.problems
    assert found.report.notes == {"nothing_at": ["/@registry/HKEY_LOCAL_MACHINE/SOFTWARE/ESTOS/Nothing/Here.reg"]}
    assert nothing_left(host)


def test_one_of_two_keys_is_not_there(host, gather):
    found = gather(keys(SERVER, r"HKLM\SOFTWARE\ESTOS\Nothing"), host.transport)
    assert found.report.found and len(found.all) == 1 and "nothing_at" in found.report.notes
    (problem,) = found.report.problems
    assert (problem.path, problem.absent) == ("/@registry/HKEY_LOCAL_MACHINE/SOFTWARE/ESTOS/Nothing.reg", True)
    optional = gather(keys(SERVER, r"HKLM\SOFTWARE\ESTOS\Nothing", required=False), host.transport)
    assert not optional.report.problems
    pattern = gather(keys(SERVER, r"HKLM\SOFTWARE\ESTOS\Nothing*"), host.transport)
    assert not pattern.report.problems
    nobody = gather(keys(SERVER, r"HKCU\SOFTWARE\ESTOS\OfNobody"), host.transport)
    assert [one.path for one in nobody.report.problems] == ["/@registry/HKEY_CURRENT_USER/SOFTWARE/ESTOS/OfNobody.reg"]


def test_a_key_that_may_not_be_read_is_a_problem_in_any_language(host, gather):
    host.registry.denied.add(SERVER)
    host.before["export"] = lambda: failed("FEHLER: Zugriff verweigert")
    found = gather(keys(SERVER, r"HKLM\SOFTWARE\ESTOS"), host.transport)
    assert found.report.found and "Zugriff verweigert" in found.problems[SERVER_PATH.decode()]


def test_a_pattern_means_the_keys_that_are_there(host, gather):
    for name in ("ECSTACA4000p3", "ecsta[1]", "Other"):
        host.registry.set(rf"HKLM\SOFTWARE\ESTOS\{name}", a="b")
        host.registry.set(rf"HKLM\SOFTWARE\WOW6432Node\ESTOS\{name}", a="b")
    found = gather(
        keys(r"HKLM\SOFTWARE\ESTOS\ECSTA*", r"HKLM\SOFTWARE\WOW6432Node\ESTOS\ECSTA??????p3"), host.transport
    )
    assert [(entry.extra["key"].rpartition("\\")[2], entry.extra["view"]) for entry in found.entries] == [
        ("ECSTACA4000p3", "64"),
        ("ecsta[1]", "64"),
        ("ECSTACA4000p3", "32"),
    ]
    assert all(keys(r"HKLM\SOFTWARE\*\ESTOS\x"[:13] + r"\ESTOS\ECSTA*").covers(e.path) for e in found.entries[:2])
    none = gather(keys(r"HKLM\SOFTWARE\ESTOS\Nothing*"), host.transport)
    assert not none.report.found


def test_names_that_come_in_an_unknown_code_page_are_taken_from_an_export(host, gather):
    host.registry.set(r"HKLM\SOFTWARE\ESTOS\Größe 1", a="b")
    host.before[r"query HKEY_LOCAL_MACHINE\\SOFTWARE\\ESTOS "] = lambda: CommandResult(
        0, b"\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\\ESTOS\\Gr\x94\xe1e 1\r\n", b""
    )
    found = gather(keys(r"HKLM\SOFTWARE\ESTOS\größe*"), host.transport)
    assert [entry.extra["key"] for entry in found.entries] == [r"HKEY_LOCAL_MACHINE\SOFTWARE\ESTOS\Größe 1"]


def test_a_key_named_twice_is_taken_once(host, gather):
    assert len(gather(keys(SERVER, SERVER.lower(), r"HKLM\SOFTWARE\ESTOS\UCServer4\S*"), host.transport).all) == 1


def test_the_key_of_each_user_whether_logged_on_or_not(host, gather):
    found = gather(keys(ADMIN), host.transport)
    assert {entry.extra["key"]: entry.extra["user"] for entry in found.entries} == {
        ALICE_ADMIN: "alice",
        BOB_ADMIN: "bob",
    }
    bob = parse_reg(found.by_path[path_of(BOB_ADMIN)][1])
    assert bob.text(BOB_ADMIN, "Server") == "two" and list(bob.keys) == [BOB_ADMIN]
    assert not found.report.problems and nothing_left(host)
    assert [line.split()[1] for line in host.lines() if "load" in line] == ["load", "unload"]


@pytest.mark.parametrize("users", [["alice"], [ALICE.lower()], ["LABAD\\alice"], ["ALICE"]])
def test_only_some_users(host, gather, users):
    found = gather(keys(ADMIN, users=users), host.transport)
    assert [entry.extra["user"] for entry in found.entries] == ["alice"]
    assert not any("load" in line for line in host.lines())


def test_a_user_who_has_no_profile_is_a_problem(host, gather):
    found = gather(keys(ADMIN, users=["alice", "carol"]), host.transport)
    assert found.problems == {"carol": "has no profile on the host"}


def test_a_user_without_the_key_is_none(host, gather):
    host.registry.remove(ALICE_ADMIN)
    host.registry.hives[BOBS + r"\NTUSER.DAT"] = RegistryTree({"HKEY_CURRENT_USER": {}})
    found = gather(keys(ADMIN), host.transport)
    assert not found.report.found and not found.report.problems and nothing_left(host)


def test_a_profile_without_a_registry_is_not_given_one(host, gather):
    host.files.remove(BOBS + r"\NTUSER.DAT")
    found = gather(keys(ADMIN), host.transport)
    assert [entry.extra["user"] for entry in found.entries] == ["alice"]
    assert found.report.notes == {"without_registry": ["bob"]}


def test_a_user_who_logs_on_meanwhile(host, gather):
    def logs_on():
        host.before.clear()
        host.registry.put(rf"HKU\{BOB}", {})
        host.registry.set(BOB_ADMIN, Server="just now")
        return failed("ERROR: in use")

    host.before["reg load"] = logs_on
    found = gather(keys(ADMIN), host.transport)
    assert b"j\0u\0s\0t" in found.by_path[path_of(BOB_ADMIN)][1] and not found.report.problems


def test_a_user_who_logs_off_meanwhile(host, gather):
    def logs_off():
        host.before.clear()
        tree = host.registry.below(rf"HKU\{ALICE}").moved(rf"HKEY_USERS\{ALICE}", "HKEY_CURRENT_USER")
        host.registry.remove(rf"HKU\{ALICE}")
        host.files.add(r"C:\Users\alice\NTUSER.DAT", b"regf")
        host.registry.hives[r"C:\Users\alice\NTUSER.DAT"] = tree

    host.before["export HKEY_USERS"] = logs_off
    found = gather(keys(ADMIN), host.transport)
    assert path_of(ALICE_ADMIN) in found.by_path and nothing_left(host)


def test_a_users_registry_that_cannot_be_loaded_hides_no_other(host, gather):
    host.before["reg load"] = lambda: failed(DENIED)
    found = gather(keys(ADMIN), host.transport)
    assert [entry.extra["user"] for entry in found.entries] == ["alice"]
    assert found.problems == {BOB: f"bob: The registry of this user cannot be loaded: {DENIED}"}


def test_a_users_registry_that_stays_loaded_is_a_problem_and_its_content_is_kept(host, gather):
    host.before["reg unload"] = lambda: failed(DENIED)
    found = gather(keys(ADMIN), host.transport)
    assert path_of(BOB_ADMIN) in found.by_path
    assert "stays loaded as HKU\\ucops-" in found.problems[BOB]


def test_what_a_killed_run_left_is_unloaded_and_removed(host, gather):
    host.registry.put(r"HKU\ucops-00000001-0123abcd", {})
    host.registry.loaded[r"HKEY_USERS\UCOPS-00000001-0123ABCD"] = "x"
    host.registry.put(r"HKU\ucops-7fffffff-0123abcd", {})
    old, strange = r"C:\Windows\Temp\ucops-recovery-0123456789abcdef", r"C:\Windows\Temp\ucops-recovery-x"
    host.files.add(old + r"\0001.reg", b"secret", created=1)
    host.files.add(old, None, created=1)
    host.files.add(strange, None, created=1)
    host.files.clock += 10**15
    young = r"C:\Windows\Temp\ucops-recovery-1123456789abcdef"
    host.files.add(young, None, created=host.files.clock - 10**9)
    gather(keys(ADMIN), host.transport)
    assert r"HKU\ucops-00000001-0123abcd" not in host.registry and r"HKU\ucops-7fffffff-0123abcd" in host.registry
    left = [one.name for one in host.files.list_folder(r"C:\Windows\Temp")]
    assert left == ["ucops-recovery-1123456789abcdef", "ucops-recovery-x"]


@pytest.mark.parametrize("size", [0, 1, 2, 30, 200, 301, -2, -4])
def test_an_export_that_is_cut_is_a_problem_and_what_came_is_kept(host, gather, size):
    host.spoil = lambda content: content[:size]
    found = gather(keys(), host.transport)
    assert len(found.all) == 1 and SERVER_PATH.decode() in found.problems


def test_an_export_of_another_key_is_a_problem(host, gather):
    host.spoil = lambda content: format_reg(RegistryTree({r"HKEY_LOCAL_MACHINE\SOFTWARE\Other": {}}))
    assert "names HKEY_LOCAL_MACHINE" in gather(keys(), host.transport).problems[SERVER_PATH.decode()]


def _raise(error):
    raise error


@pytest.mark.parametrize("error", [DeadlineExceeded("was silent"), OutputTooLarge("asks for ever")])
def test_a_reg_that_hangs_is_a_problem_of_this_key(host, gather, error):
    host.before["export"] = lambda: _raise(error)
    found = gather(keys(), host.transport)
    assert "did not come to its end" in found.problems[SERVER_PATH.decode()] and nothing_left(host)


def test_a_connection_that_is_lost_ends_the_run(host, gather):
    host.before["export"] = lambda: _raise(ConnectionLost("gone"))
    with pytest.raises(ConnectionLost):
        gather(keys(), host.transport)
    assert nothing_left(host)


def test_a_scratch_folder_that_cannot_be_made(host, gather):
    host.files.room = 0
    host.files.make_folder = lambda path, security=None: _raise(PermissionError(errno.EACCES, "access is denied", path))
    with pytest.raises(CommandFailed, match="cannot be made: access is denied"):
        gather(keys(), host.transport)


def test_a_scratch_folder_that_stays_is_told(host, gather):
    remove = host.files.remove
    host.files.remove = lambda path: (
        _raise(PermissionError(errno.EACCES, "in use", path)) if path[-4:] != ".reg" else remove(path)
    )
    with pytest.raises(CommandFailed, match="cannot be removed: in use") as caught:
        gather(keys(), host.transport)
    assert "ucops-recovery-" in caught.value.item


def test_another_order_is_no_change(host, gather):
    item = keys()
    one = gather(item, host.transport).all[0]
    host.registry.unset(SERVER, "Port")
    host.registry.set(SERVER, Port=7222)
    other = gather(item, host.transport).all[0]
    assert one[1] != other[1]
    assert normalise(one[1], item.normaliser(one[0])) == normalise(other[1], item.normaliser(other[0]))


def test_a_time_that_a_program_notes_again_and_again_is_no_change(host, gather):
    item, forms = keys(), []
    for seconds in (0, 1):
        noted = (133_444_736_000_000_000 + seconds * 10**7).to_bytes(8, "little")
        host.registry.set(SERVER, LastStart=noted)
        ((entry, content),) = gather(item, host.transport).all
        forms.append(normalise(content, item.normaliser(entry)))
    assert forms[0] == forms[1]


def test_a_key_that_no_command_line_can_name_is_a_problem(host, gather):
    host.registry.set(r"HKLM\SOFTWARE\ESTOS\100%", a="b")
    found = gather(keys(r"HKLM\SOFTWARE\ESTOS\1*", SERVER), host.transport)
    assert len(found.all) == 1 and ["cmd.exe would expand" in message for message in found.problems.values()] == [True]


# --- what an item means -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "key",
    [
        "",
        "SOFTWARE\\x\\y",
        "HKCR\\x\\y",
        "HKLM\\SOFTWARE",
        "HKCU\\Software",
        "HKLM",
        "HKLM\\SOFTWARE\\\\x",
        "HKLM\\SOFT*\\x",
        'HKLM\\SOFTWARE\\a"b',
        "HKLM\\SOFTWARE\\a\nb",
    ],
)
def test_keys_that_cannot_be(key):
    with pytest.raises(OptionInvalid):
        keys(key)


def test_there_must_be_keys():
    with pytest.raises(OptionInvalid, match="no keys"):
        RegistryKeys(name="x", data_class="voip_config")


@pytest.mark.parametrize(
    ("path", "covered"),
    [
        (SERVER_PATH, True),
        (SERVER_PATH.lower().replace(b"hkey_local_machine", b"HKEY_LOCAL_MACHINE"), True),
        (path_of(SERVER + "\\Sub"), False),
        (path_of(SERVER.rpartition("\\")[0]), False),
        (path_of(ALICE_ADMIN), True),
        (path_of(ALICE_ADMIN.replace(ALICE, ".DEFAULT")), False),
        (path_of(ADMIN), False),
        (SERVER_PATH.replace(b"/SOFTWARE/", b"/SOFTWARE//"), False),
        (SERVER_PATH.replace(b"/SOFTWARE/", b"/x/../SOFTWARE/"), False),
        (SERVER_PATH.replace(b"Server.reg", b"%53erver.reg"), False),
        (SERVER_PATH.replace(b"UCServer4/", b"UCServer4\\"), False),
        (SERVER_PATH[:-4], False),
        (b"/C:/x.reg", False),
        (b"/@registry/\xff.reg", False),
    ],
)
def test_what_an_item_covers(path, covered):
    assert keys(SERVER, ADMIN).covers(path) is covered


@given(st.lists(st.text(st.characters(exclude_characters="\\"), min_size=1), min_size=1))
def test_paths_tell_their_keys(parts):
    key = "\\".join(parts)
    path = path_of(key)
    assert key_of(path) == key and not {b".", b"..", b""} & set(path[1:-4].split(b"/")) - {b"@registry"}


def test_views():
    assert view_of(r"HKEY_LOCAL_MACHINE\SOFTWARE\Wow6432Node\x") == "32" and view_of(SERVER) == "64"


# --- what is put back -------------------------------------------------------------------------------------------------
def restore(host, gather, item, before, wanted=None):
    current = gather(item, host.transport).entries
    host.asked.clear()
    item.restore(host.transport, before.wanted if wanted is None else wanted, current)


def test_a_value_that_came_later_is_gone_and_everything_else_as_it_was(host, gather):
    item, was = keys(), kept(host)
    before = gather(item, host.transport)
    host.registry.set(SERVER, Later="new", Port=1)
    host.registry.set(SERVER + r"\Later\Deep", a="b")
    host.registry.remove(SERVER + r"\Sub")
    host.registry.unset(SERVER, "Password")
    restore(host, gather, item, before)
    assert kept(host) == was or host.registry.below(SERVER).is_same(RegistryTree(was[0]).below(SERVER))
    assert (
        host.registry.value(SERVER, "Later") is None
        and r"HKLM\SOFTWARE\ESTOS\UCServer4\Server\Later" not in host.registry
    )
    assert nothing_left(host)


def test_a_key_that_is_gone_comes_back(host, gather):
    item = keys()
    before, was = gather(item, host.transport), host.registry.below(SERVER)
    host.registry.remove(r"HKLM\SOFTWARE\ESTOS")
    restore(host, gather, item, before)
    assert host.registry.below(SERVER).is_same(was)


def test_what_is_as_it_should_be_is_not_touched(host, gather):
    item = keys()
    before = gather(item, host.transport)
    restore(host, gather, item, before)
    assert not any(line.startswith("reg import") for line in host.lines())


def test_only_what_differs_is_written(host, gather):
    item = keys()
    before = gather(item, host.transport)
    host.registry.set(SERVER, Port=1, Later="x")
    imported = imports_of(host)
    restore(host, gather, item, before)
    assert imported == [RegistryTree({SERVER: {"Port": RegistryValue.of_number(7222)}}, (), {SERVER: ("Later",)})]


def imports_of(host):
    """Every file that is imported from now on."""
    imported = []
    host.before["reg import"] = lambda: imported.append(parse_reg(host.files.content(host.asked[-1][0][2])))
    return imported


def test_a_key_that_came_later_by_its_pattern_is_gone(host, gather):
    item = keys(r"HKLM\SOFTWARE\ESTOS\ECSTA*")
    host.registry.set(r"HKLM\SOFTWARE\ESTOS\ECSTA1", a="b")
    before = gather(item, host.transport)
    host.registry.set(r"HKLM\SOFTWARE\ESTOS\ECSTA2", a="b")
    restore(host, gather, item, before)
    assert r"HKLM\SOFTWARE\ESTOS\ECSTA1" in host.registry and r"HKLM\SOFTWARE\ESTOS\ECSTA2" not in host.registry
    assert SERVER in host.registry


def test_users_who_are_logged_on_or_not(host, gather):
    item = keys(ADMIN)
    before = gather(item, host.transport)
    was = kept(host)
    host.registry.set(ALICE_ADMIN, Server="other", Later="x")
    host.user_key(BOBS, ADMIN, Server="other", Later="x")
    restore(host, gather, item, before)
    assert kept(host) == was and nothing_left(host)


def test_users_who_are_gone_are_named_before_anything_is_touched(host, gather):
    item = keys(SERVER, ADMIN)
    before = gather(item, host.transport)
    host.registry.remove(rf"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\{BOB}")
    host.registry.set(SERVER, Port=1)
    was = kept(host)
    with pytest.raises(RestoreRefused, match=rf"no profile on the host: bob \({BOB}\)"):
        restore(host, gather, item, before)
    assert kept(host) == was


def test_users_who_are_gone_or_have_no_registry_are_told_beforehand_by_name(host, gather):
    item = keys(SERVER, ADMIN, users=["alice", "bob"])
    wanted = [entry for entry, _content in gather(item, host.transport).all]
    assert item.left_out(host.transport, wanted) == {}
    host.files.remove(BOBS + r"\NTUSER.DAT")
    lacks = {path_of(BOB_ADMIN): f"bob ({BOB}) has a profile without a registry on the host"}
    assert item.left_out(host.transport, wanted) == lacks
    host.registry.remove(rf"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\{BOB}")
    item = keys(SERVER, ADMIN, users=["alice", "bob"])
    assert gather(item, host.transport).report.problems
    assert item.left_out(host.transport, wanted) == {path_of(BOB_ADMIN): f"bob ({BOB}) has no profile on the host"}
    assert not gather(item, host.transport).report.problems
    assert nothing_left(host)


def test_keys_that_are_no_users_cost_no_look(host, gather):
    wanted = [entry for entry, _content in gather(keys(), host.transport).all]
    asked = len(host.asked)
    assert keys().left_out(host.transport, wanted) == {} and len(host.asked) == asked


def test_a_profile_without_a_registry_refuses(host, gather):
    item = keys(ADMIN)
    before = gather(item, host.transport)
    host.files.remove(BOBS + r"\NTUSER.DAT")
    with pytest.raises(RestoreRefused, match="profile of bob has no registry"):
        restore(host, gather, item, before)


# --- what is refused --------------------------------------------------------------------------------------------------
def hostile(body: str) -> bytes:
    text = f"Windows Registry Editor Version 5.00\n\n[{SERVER}]\n\n{body}\n\n"
    return BOM + text.replace("\n", "\r\n").encode("utf-16-le")


@pytest.mark.parametrize(
    ("content", "error", "named"),
    [
        (hostile(r"[-HKEY_LOCAL_MACHINE\SOFTWARE]"), HostileContent, r"HKEY_LOCAL_MACHINE\\SOFTWARE"),
        (hostile(r"[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\x]"), HostileContent, "CurrentControlSet"),
        (hostile(r"[HKEY_LOCAL_MACHINE\SOFTWARE\ESTOS\UCServer4\Server2]"), HostileContent, "Server2"),
        (hostile(f'[{SERVER}]\n"Port"=-'), HostileContent, "removes"),
        (hostile("garbage"), RegistryFileMalformed, "neither key nor value"),
        (hostile("")[:-10], ItemTruncated, "does not end"),
        (b"", ItemTruncated, "empty"),
        (format_reg(RegistryTree({r"HKEY_LOCAL_MACHINE\SOFTWARE\Other": {}})), HostileContent, "Other"),
    ],
)
def test_hostile_content_is_refused_by_name_before_anything_is_touched(host, gather, content, error, named):
    item = keys(SERVER, r"HKLM\SOFTWARE\ESTOS\First")
    host.registry.set(r"HKLM\SOFTWARE\ESTOS\First", a="b")
    before = gather(item, host.transport)
    first, second = before.entries
    was = kept(host)
    wanted = [
        (second, [format_reg(RegistryTree({r"HKEY_LOCAL_MACHINE\SOFTWARE\ESTOS\First": {}}))]),
        (first, [content]),
    ]
    with pytest.raises(error, match=named) as caught:
        item.restore(host.transport, wanted, before.entries)
    assert caught.value.item == SERVER_PATH.decode() and "Nothing was written" in str(caught.value)
    assert kept(host) == was and not any("import" in line for line in host.lines())


def test_an_export_that_is_too_large_is_refused(host, monkeypatch):
    monkeypatch.setattr(registry_change, "LARGEST", 1000)
    entry = Entry("registry", "voip_config", "dump", SERVER_PATH)
    with pytest.raises(HostileContent, match="larger"):
        keys().restore(host.transport, [(entry, (b"x" * 600 for _each in range(2)))], [])


@pytest.mark.parametrize("change", [{"path": path_of(SERVER + "2")}, {"path": b"/etc/passwd"}, {"kind": "file"}])
def test_entries_that_reach_beyond_the_item_are_refused(host, gather, change):
    item = keys()
    ((entry, content),) = gather(item, host.transport).all
    with pytest.raises(HostileContent):
        item.restore(host.transport, [(replace(entry, **change), [content])], [])


def test_nothing_outside_of_the_item_is_ever_removed(host, gather):
    item = keys()
    before = gather(item, host.transport)
    other = Entry("registry", "voip_config", "dump", path_of(r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Cryptography"))
    was = kept(host)
    item.restore(host.transport, before.wanted, [*before.entries, other])
    assert kept(host) == was


def test_what_cannot_be_kept_is_not_changed(host, gather):
    item = keys()
    before = gather(item, host.transport)
    host.registry.set(SERVER, Port=1)
    host.registry.denied.add(SERVER)
    was = kept(host)
    with pytest.raises(RestoreRefused, match="nothing was touched"):
        item.restore(host.transport, before.wanted, before.entries)
    assert kept(host) == was and not any("import" in line for line in host.lines())


# --- what goes wrong on the way ---------------------------------------------------------------------------------------
def half_imported(host, fails_at=1):
    """The import that makes half of what it should, and fails; later ones are fine."""
    count = [0]

    def happens():
        count[0] += 1
        if count[0] == fails_at:
            change = parse_reg(host.files.content(host.asked[-1][0][2]))
            half = dict(list(change.keys.items())[:1])
            host.registry.change(RegistryTree(half, change.removed_keys))
            return failed("ERROR: Error accessing the registry.")
        return None

    host.before["reg import"] = happens


@pytest.mark.parametrize("fails_at", [1, 2, 3])
def test_an_import_that_fails_in_the_middle_leaves_everything_as_it_was(host, gather, fails_at):
    item = keys(SERVER, r"HKLM\SOFTWARE\ESTOS\Second", ADMIN)
    host.registry.set(r"HKLM\SOFTWARE\ESTOS\Second", a="b")
    before = gather(item, host.transport)
    host.registry.set(SERVER, Port=1, Later="x")
    host.registry.set(SERVER + r"\Later", a="b")
    host.registry.remove(r"HKLM\SOFTWARE\ESTOS\Second")
    host.user_key(BOBS, ADMIN, Later="x")
    was = kept(host)
    half_imported(host, fails_at)
    with pytest.raises(RestoreFailed, match="Error accessing the registry.*the keys are as they were before"):
        restore(host, gather, item, before)
    now = kept(host)
    assert RegistryTree(now[0]).is_same(RegistryTree(was[0])) and now[1] == was[1] and nothing_left(host)


def test_an_import_that_says_yes_and_does_nothing_is_found(host, gather):
    item = keys()
    before = gather(item, host.transport)
    host.registry.set(SERVER, Port=1)
    host.before["reg import"] = lambda: CommandResult(0, b"", b"")
    with pytest.raises(RestoreFailed, match="does not hold what was put back"):
        restore(host, gather, item, before)


@pytest.mark.parametrize("fits", [0, 1, 2, 3])
def test_a_disk_that_is_full_is_found_before_anything_is_touched(host, gather, fits):
    item = keys(SERVER, r"HKLM\SOFTWARE\ESTOS\Second")
    host.registry.set(r"HKLM\SOFTWARE\ESTOS\Second", a="b")
    before = gather(item, host.transport)
    host.registry.set(SERVER, Port=1)
    host.registry.set(r"HKLM\SOFTWARE\ESTOS\Second", a="c")
    was = kept(host)
    written = []
    write = host.files.write

    def full(path, content):
        if len(written) == fits:
            raise OSError(errno.ENOSPC, "the disk is full", path)
        write(path, content)
        written.append(path)

    host.files.write = full
    with pytest.raises(RestoreRefused, match="nothing was touched: .*the disk is full"):
        restore(host, gather, item, before)
    assert kept(host) == was and nothing_left(host)


def test_what_was_put_back_and_cannot_be_looked_at_is_told(host, gather):
    item = keys()
    before = gather(item, host.transport)
    host.registry.set(SERVER, Port=1)
    was = kept(host)

    def fails():
        host.before["reg export"] = lambda: failed("ERROR: disk full")
        host.before.pop("reg import")
        return failed("ERROR: Error accessing the registry.")

    host.before["reg import"] = fails
    with pytest.raises(RestoreFailed, match="was put back as it was, which could not be looked at: .*disk full"):
        restore(host, gather, item, before)
    assert kept(host) == was and nothing_left(host)


def test_a_host_that_is_lost_in_the_middle_is_told_with_both_stories(host, gather):
    item = keys()
    before = gather(item, host.transport)
    host.registry.set(SERVER, Port=1)

    def lost():
        host.before["reg import"] = lambda: _raise(ConnectionLost("the host is gone"))
        return _raise(ConnectionLost("the host went away"))

    host.before["reg import"] = lost
    with pytest.raises(
        RestoreFailed, match="the host went away; .*Server could not be put back as it was: the host is gone"
    ):
        restore(host, gather, item, before)


def test_secrets_are_in_no_error(host, gather):
    item = keys()
    before = gather(item, host.transport)
    host.registry.set(SERVER, Password=SECRET + "2")
    half_imported(host)
    with pytest.raises(RestoreFailed) as caught:
        restore(host, gather, item, before)
    assert SECRET not in str(caught.value) and nothing_left(host)


def test_an_empty_restore_asks_the_host_nothing(host):
    keys().restore(host.transport, [], [])
    assert not host.asked
