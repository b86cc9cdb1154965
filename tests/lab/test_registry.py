# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Registry keys on Wine's real ``reg``, by WinRM and SMB. ``reg load`` and ``reg unload`` are stand-ins there."""

from __future__ import annotations

import secrets

import pytest
from support.gathering import Gathering

from ansible_collections.ucops.recovery.plugins.module_utils._compare.registry import (
    BOM,
    HEADER,
    RegistryTree,
    RegistryValue,
    format_reg,
    parse_reg,
)
from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    CommandFailed,
    HostileContent,
    RestoreFailed,
    RestoreRefused,
)
from ansible_collections.ucops.recovery.plugins.module_utils._items import host_registry
from ansible_collections.ucops.recovery.plugins.module_utils._items.host_registry import HostRegistry
from ansible_collections.ucops.recovery.plugins.module_utils._items.registry import RegistryKeys
from ansible_collections.ucops.recovery.plugins.module_utils._items.registry_paths import path_of
from ansible_collections.ucops.recovery.plugins.module_utils._items.scratch import Scratch, only_administrators
from ansible_collections.ucops.recovery.plugins.module_utils._items.sddl import to_sddl
from ansible_collections.ucops.recovery.plugins.module_utils._items.windows_host import look_at_windows
from ansible_collections.ucops.recovery.plugins.module_utils._transport.windows_looking import looking
from lab.windows.clients import transport_to
from lab.windows.shells import Answer

SERVER = r"HKEY_LOCAL_MACHINE\SOFTWARE\ESTOS\UCServer4\Server"
CLIENT = r"HKEY_LOCAL_MACHINE\SOFTWARE\WOW6432Node\ESTOS\UCServer4\Client"
ADMIN = r"HKEY_CURRENT_USER\SOFTWARE\ESTOS\UCServer4\Admin"
SECRET = f"Planted-{secrets.token_hex(6)}"
TEMP = r"C:\Windows\Temp"


@pytest.fixture(scope="module")
def users(windows_host):
    """anna is logged on, bert is not."""
    content = f'[{ADMIN}]\n"Server"="one"\n"CurrentPassword"="{SECRET}"\n'
    anna = windows_host.add_user("anna", logged_on=True, content=content)
    bert = windows_host.add_user("bert", content=content.replace("one", "Größe"))
    return anna, bert


@pytest.fixture
def there(windows_host):
    """The host with a key of every kind of value."""
    windows_host.registry.merge(f"[-{SERVER}]\n[-{CLIENT}]\n")
    windows_host.registry.set(SERVER, Port=7222, Password=SECRET, Name='Größe € \\ "x"', Blob=bytes(range(256)) * 2)
    windows_host.registry.set(SERVER + r"\Lists", Some=["a", "", "b"], Empty=[], Nothing="", Big=b"\0" * 8)
    windows_host.registry.set(SERVER + r"\ä [1]\Deep", Lines="first")
    windows_host.registry.set(CLIENT, View="32 bit")
    return windows_host


@pytest.fixture
def transport(there):
    with transport_to(there) as transport:
        yield transport


@pytest.fixture(autouse=True)
def nothing_is_left(windows_host):
    """No folder of ours, no loaded registry, no secret in a command line or a file, whatever a test did."""
    yield
    assert not windows_host.path(TEMP).exists() or not list(windows_host.path(TEMP).glob("ucops-*"))
    assert not windows_host.hives.loaded
    assert SECRET not in "".join(windows_host.commands) and windows_host.password not in "".join(windows_host.commands)


def keys(*names, **options):
    return RegistryKeys(**{"name": "registry", "data_class": "voip_config", "keys": names or (SERVER,), **options})


def tree_of(host, key):
    return parse_reg(BOM + host.registry.export(key).lstrip("\ufeff").encode("utf-16-le"))


def restore(item, transport, before, wanted=None):
    item.restore(transport, before.wanted if wanted is None else wanted, Gathering(item, transport).entries)


def test_a_key_with_values_of_every_kind_comes_and_goes(there, transport):
    item = keys(SERVER, CLIENT)
    before, was = Gathering(item, transport), tree_of(there, SERVER)
    assert not before.report.problems and len(before.all) == 2
    assert parse_reg(before.by_path[path_of(SERVER)][1]).is_same(was)
    assert before.by_path[path_of(CLIENT)][0].extra["view"] == "32"
    there.registry.delete(r"HKLM\SOFTWARE\ESTOS")
    there.registry.set(CLIENT, View="other", Later=1)
    restore(item, transport, before)
    assert tree_of(there, SERVER).is_same(was)
    assert tree_of(there, CLIENT).values(CLIENT) == {"View": RegistryValue.of_text("32 bit")}


def test_what_came_later_is_gone(there, transport):
    item = keys()
    before, was = Gathering(item, transport), tree_of(there, SERVER)
    there.registry.set(SERVER, Later="x", Port=1)
    there.registry.set(SERVER + r"\Later\Deeper", a="b")
    restore(item, transport, before)
    assert tree_of(there, SERVER).is_same(was)


def test_a_key_that_is_not_there_and_one_by_a_pattern(there, transport):
    there.registry.set(r"HKEY_LOCAL_MACHINE\SOFTWARE\ESTOS\ECSTACA4000p3", a="b")
    both = (r"HKLM\SOFTWARE\ESTOS\Nothing", r"HKLM\SOFTWARE\ESTOS\ecsta*")
    found = Gathering(keys(*both, required=False), transport)
    assert [entry.extra["key"] for entry in found.entries] == [r"HKEY_LOCAL_MACHINE\SOFTWARE\ESTOS\ECSTACA4000p3"]
    assert "nothing_at" in found.report.notes and not found.report.problems
    (problem,) = Gathering(keys(*both), transport).report.problems
    assert (problem.path, problem.absent) == ("/@registry/HKEY_LOCAL_MACHINE/SOFTWARE/ESTOS/Nothing.reg", True)
    assert not Gathering(keys(r"HKLM\SOFTWARE\Nowhere\Nothing"), transport).report.found


def test_users_who_are_logged_on_or_not(there, users, transport):
    anna, bert = users
    item = keys(ADMIN)
    before = Gathering(item, transport)
    assert sorted(entry.extra["user"] for entry in before.entries) == ["anna", "bert"]
    berts = rf"HKEY_USERS\{bert.sid}\SOFTWARE\ESTOS\UCServer4\Admin"
    assert parse_reg(before.by_path[path_of(berts)][1]).text(berts, "Server") == "Größe"
    annas = rf"HKEY_USERS\{anna.sid}\SOFTWARE\ESTOS\UCServer4\Admin"
    there.registry.set(annas, Server="other", Later="x")
    with HostRegistry(transport) as registry, registry.hive_of(bert.sid, r"C:\Users\bert", loaded=False) as top:
        changed = RegistryTree({berts.replace(rf"HKEY_USERS\{bert.sid}", top): {"Later": RegistryValue.of_number(1)}})
        registry.make(registry.prepare(changed), berts)
    assert Gathering(item, transport).by_path[path_of(berts)][1] != before.by_path[path_of(berts)][1]
    restore(item, transport, before)
    again = Gathering(item, transport)
    for key in (annas, berts):
        now, was = (parse_reg(found.by_path[path_of(key)][1]) for found in (again, before))
        assert now.is_same(was)


def test_a_user_who_is_gone_is_named(there, users, transport):
    item = keys(SERVER, ADMIN)
    before = Gathering(item, transport)
    gone = "S-1-5-21-9-9-9-1001"
    entry, content = next(pair for pair in before.all if pair[0].extra.get("user") == "bert")
    berts = entry.extra["key"]
    other = berts.replace(berts.split("\\")[1], gone)
    moved = format_reg(parse_reg(content).moved(berts, other))
    there.registry.set(SERVER, Port=1)
    wanted = [*before.wanted, (type(entry)(**{**vars(entry), "path": path_of(other)}), [moved])]
    with pytest.raises(RestoreRefused, match=rf"bert \({gone}\)"):
        restore(item, transport, before, wanted)
    assert tree_of(there, SERVER).number(SERVER, "Port") == 1


def test_a_hostile_file_touches_nothing(there, transport):
    item = keys()
    before = Gathering(item, transport)
    was = tree_of(there, r"HKLM\SOFTWARE\ESTOS")
    text = f"{HEADER}\r\n\r\n[{SERVER}]\r\n\r\n[-HKEY_LOCAL_MACHINE\\SOFTWARE]\r\n\r\n"
    ((entry, _content),) = before.all
    there.commands.clear()
    with pytest.raises(HostileContent, match=r"HKEY_LOCAL_MACHINE\\SOFTWARE"):
        restore(item, transport, before, [(entry, [BOM + text.encode("utf-16-le")])])
    assert tree_of(there, r"HKLM\SOFTWARE\ESTOS").is_same(was)
    assert not any("import" in line for line in there.commands)


def test_an_import_that_fails_in_the_middle_leaves_everything_as_it_was(there, transport):
    item = keys(SERVER, CLIENT)
    before = Gathering(item, transport)
    there.registry.set(SERVER, Port=1, Later="x")
    there.registry.set(CLIENT, View="other")
    was = tree_of(there, SERVER), tree_of(there, CLIENT)
    imports = []

    def second_fails(words, _input):
        """The second import makes half of what it should."""
        imports.append(words[2])
        if len(imports) == 2:
            there.registry.set(CLIENT, Half="made")
            return Answer(1, b"", b"ERROR: Error accessing the registry.\r\n")
        done = there.wine.run(list(words))
        return Answer(done.returncode, done.stdout, done.stderr)

    there.programs["reg import"] = second_fails
    try:
        with pytest.raises(RestoreFailed, match="Error accessing the registry; the keys are as they were before"):
            restore(item, transport, before)
    finally:
        del there.programs["reg import"]
    assert tree_of(there, SERVER).is_same(was[0]) and tree_of(there, CLIENT).is_same(was[1])


@pytest.mark.parametrize(
    ("answer", "story"),
    [
        (Answer(1, b"", b"FEHLER: Zugriff verweigert\r\n"), "Zugriff verweigert"),
        (Answer(0, b"Value exists, overwrite? (Yes/No)" * 200_000, b""), "did not come to its end"),
        (Answer(0), "cannot be read"),
    ],
)
def test_an_export_that_goes_wrong_is_a_problem_of_this_key(there, transport, answer, story):
    there.programs["reg export"] = lambda words, _input: answer
    try:
        found = Gathering(keys(), transport)
    finally:
        del there.programs["reg export"]
    assert story in found.problems[path_of(SERVER).decode()]


def test_a_reg_that_asks_for_ever_is_given_up(there, transport, monkeypatch):
    monkeypatch.setattr(host_registry, "DEADLINE", 3)
    run = transport.commands.open

    def hanging(argv, **options):
        return run(["chatter", "silent"] if list(argv)[:2] == ["reg", "export"] else argv, **options)

    monkeypatch.setattr(transport.commands, "open", hanging)
    found = Gathering(keys(), transport)
    assert "reg export did not come to its end" in found.problems[path_of(SERVER).decode()]


def test_the_scratch_folder_is_closed_from_its_first_moment(there, transport):
    with Scratch(transport.files) as scratch:
        assert to_sddl(transport.files.read_security(scratch.path)) == to_sddl(only_administrators())
        path = scratch.write([b"x"])
        assert transport.files.read(path)
    assert not there.path(scratch.path).exists()


def test_what_a_killed_run_left_behind(there, transport):
    old = there.path(TEMP) / "ucops-recovery-0123456789abcdef"
    old.mkdir(parents=True)
    (old / "0001.reg").write_text(SECRET)
    with Scratch(transport.files):
        assert old.exists()  # young
    created = transport.files.stat(rf"{TEMP}\{old.name}")
    day = 25 * 3600 * 10_000_000
    transport.files.set_facts(rf"{TEMP}\{old.name}", created.attributes, created.created - day, created.written - day)
    with Scratch(transport.files):
        assert not old.exists()


def test_a_look_at_the_host(there, users, transport):
    there.add_installed("estos UCServer", "8.6.2.4711", location=r"C:\Program Files\estos\UCServer")
    there.add_installed("ProCall", "8.6", view="32")
    there.install_service(
        "looked", "estos UCServer", r"C:\Program Files\estos\x y.exe", start="delayed-auto", depends=["RpcSs"]
    )
    look = look_at_windows(transport)
    assert (look.product, look.build) == ("Windows Server 2022 Standard", "20348.2340") and len(look.machine_id) == 36
    assert {("estos UCServer", "64"), ("ProCall", "32")} <= {(one.name, one.view) for one in look.programs}
    assert {"anna": True, "bert": False}.items() <= {one.name: one.loaded for one in look.profiles}.items()
    service = look.service("Looked")
    assert service is not None and service.image_path.strip() == r'"C:\Program Files\estos\x y.exe"'
    assert (service.start, tuple(service.depends), service.account) == ("delayed", ("RpcSs",), "LocalSystem")


def test_a_look_that_writes_nothing_sees_the_same(there, users, transport):
    there.add_installed("estos UCServer", "8.6.2.4711", location=r"C:\Program Files\estos\UCServer")
    item = keys(SERVER, CLIENT, ADMIN)
    normal, known = look_at_windows(transport), Gathering(item, transport)
    said = len(there.commands)
    only = looking(transport)
    seen = Gathering(item, only)
    assert look_at_windows(only) == normal
    bert = path_of(rf"HKEY_USERS\{users[1].sid}\SOFTWARE\ESTOS\UCServer4\Admin")
    assert {entry.path for entry in seen.entries} == {entry.path for entry in known.entries} - {bert}
    assert seen.problems == {}
    assert {line.split()[1] for line in there.commands[said:]} == {"query"}
    with pytest.raises(CommandFailed, match="only looked at"), Scratch(only.files):
        pass
