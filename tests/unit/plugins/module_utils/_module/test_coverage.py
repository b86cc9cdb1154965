# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._entries import Entry
from ansible_collections.ucops.recovery.plugins.module_utils._items.base import Item
from ansible_collections.ucops.recovery.plugins.module_utils._items.command import CommandOutput
from ansible_collections.ucops.recovery.plugins.module_utils._items.file_tree import FileTree
from ansible_collections.ucops.recovery.plugins.module_utils._items.registry import RegistryKeys
from ansible_collections.ucops.recovery.plugins.module_utils._items.windows_services import ServiceDefinitions
from ansible_collections.ucops.recovery.plugins.module_utils._items.windows_tree import WindowsTree
from ansible_collections.ucops.recovery.plugins.module_utils._module.coverage import (
    Coverage,
    Unseen,
    mounts_of,
    unseen_in_words,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository.format import Manifest, parse_json

NOTHING: frozenset[bytes] = frozenset()
HIVE = b"/@registry/HKEY_USERS/S-1-5-21-1-2-3-%d/SOFTWARE/ESTOS.reg"


def tree(*paths: str, **options: Any) -> FileTree:
    return FileTree(name="one", data_class="voip_config", paths=paths or ("/srv",), **options)


def other(kind: type[Item], **options: Any) -> Item:
    return kind(name="one", data_class="voip_config", **options)


def coverage(item: Item | None, *mounts: str, notes: Any = None) -> Coverage:
    """What the manifest of a generation tells that was made of this item; it went through its bytes."""
    items = {"one": {"order": 20, **({"scope": item.scope()} if item is not None else {})}}
    contract = {"notes": {"one": {"mounts": list(mounts)} if mounts else {"links": ["/srv/x"]}}}
    line = Manifest("r", "pbx", "linux", "", (), 0, "complete", items=items, contract=contract).to_line()
    assert parse_json(line)["format"] == 1
    return Coverage.of(Manifest.from_line(line))


def entries(*paths: bytes, user: str = "") -> list[Entry]:
    return [Entry("one", "voip_config", "file", path, extra={"user": user} if user else {}) for path in paths]


def unseen(then: Coverage, now: Item, *paths: bytes, held: tuple[bytes, ...] = (), mounts: Any = NOTHING) -> set[bytes]:
    some = then.unseen(now, entries(*paths), held, frozenset(mounts))
    return {path for path in paths if path in some}


@pytest.mark.parametrize(
    ("then", "now", "path", "is_seen"),
    [
        (tree("/srv"), tree("/srv"), b"/srv/a", True),
        (tree("/srv", exclude=["a"]), tree("/srv"), b"/srv/a/deep", False),
        (tree("/srv/a"), tree("/srv"), b"/srv/b", False),
        (tree("/srv/a*"), tree("/srv"), b"/srv/abc/d", True),
        (tree("/srv/\udcff%41"), tree("/srv"), b"/srv/\xff%41/d", True),
        (tree("/srv/\udcff%41"), tree("/srv"), b"/srv/A/d", False),
        (
            other(WindowsTree, paths=[r"C:\App"], exclude=[r"C:\App\Größe\*.wav"]),
            other(WindowsTree, paths=[r"C:\App"]),
            "/C:/App/Größe/x.wav".encode(),
            False,
        ),
        (
            other(WindowsTree, paths=[r"C:\App"], shadow_copy="auto"),
            other(WindowsTree, paths=[r"C:\App"]),
            b"/C:/app/x.wav",
            True,
        ),
        (
            other(RegistryKeys, keys=[r"HKLM\SOFTWARE\A"]),
            other(RegistryKeys, keys=[r"HKLM\SOFTWARE\*"]),
            b"/@registry/HKEY_LOCAL_MACHINE/SOFTWARE/B.reg",
            False,
        ),
        (
            other(ServiceDefinitions, services=["A"]),
            other(ServiceDefinitions, services=["A", "B"], passwords={"A": "s3cret"}),
            b"/@service/B.reg",
            False,
        ),
    ],
)
def test_only_what_was_looked_at_counts_as_new(then: Item, now: Item, path: bytes, is_seen: bool) -> None:
    assert unseen(coverage(then), now, path) == (set() if is_seen else {path})
    assert unseen(coverage(then), now, path, held=(path,)) == set()
    assert coverage(now).is_as_now(now) and "s3cret" not in str(now.scope())


def test_of_users_only_those_were_looked_at_who_were_named() -> None:
    everybody = other(RegistryKeys, keys=[r"HKEY_CURRENT_USER\SOFTWARE\ESTOS"])
    some = other(RegistryKeys, keys=[r"HKEY_CURRENT_USER\SOFTWARE\ESTOS"], users=["alice", "S-1-5-21-1-2-3-3"])
    for then, user, sid, is_seen in ((some, "alice", 1, True), (some, "carol", 3, True), (some, "bob", 2, False)):
        found = entries(HIVE % sid, user=user)
        assert (found[0].path not in coverage(then).unseen(everybody, found, ())) is is_seen
        assert found[0].path not in coverage(everybody).unseen(everybody, found, ())


@pytest.mark.parametrize(
    ("then", "now", "entered", "is_seen"),
    [
        ((), (), True, True),
        ((), ("/srv/a",), True, False),
        (("/srv/a",), (), True, False),
        (("/srv/a",), ("/srv/a",), True, True),
        (("/srv/a",), ("/srv/a",), False, False),
        (("/srv/a",), ("/srv/a", "/srv/a/b"), True, False),
        (("/srv/other",), ("/srv/elsewhere",), True, True),
        ((), ("/srv/a b",), True, True),
    ],
)
def test_a_file_system_that_was_mounted_since_was_never_seen_nor_what_lay_below_one(
    then: tuple[str, ...], now: tuple[str, ...], entered: bool, is_seen: bool
) -> None:
    made = coverage(tree(one_file_system=not entered), *then)
    found = unseen(made, tree(), b"/srv/a/b/c", mounts=(path.encode() for path in now))
    assert found == (set() if is_seen else {b"/srv/a/b/c"})


def test_a_folder_stays_with_what_stays_in_it() -> None:
    found = (b"/srv/new", b"/srv/new/a.wav", b"/srv/new/a.cfg", b"/srv/held", b"/srv/held/b.wav")
    some = coverage(tree(exclude=["*.wav"])).unseen(tree(), entries(*found), (b"/srv/held",))
    assert some == Unseen(frozenset({b"/srv/new/a.wav", b"/srv/held/b.wav"}), frozenset({b"/srv/new"}))
    assert some.in_words() == "did not look at /srv/held/b.wav, /srv/new/a.wav; what the host has there is not removed"


@pytest.mark.parametrize(
    "scope",
    [None, {}, {"paths": ["/srv"]}, {"paths": ["srv"], "exclude": [], "one_file_system": False}]
    + [{"paths": ["/%zz"], "exclude": [], "one_file_system": False}, {"paths": 7, "exclude": [], "one_file_system": 1}]
    + ["/srv", 7],
)
def test_where_the_scope_is_not_told_or_is_none_all_of_it_stays(scope: Any) -> None:
    then = Coverage.of(Manifest("r", "pbx", "linux", "", (), 0, "complete", items={"one": {"scope": scope}}))
    some = then.unseen(tree(), entries(b"/srv/a"), ())
    assert b"/srv/a" in some and not then.is_as_now(tree())
    assert some.in_words() == "does not tell what it looked at, so this is not removed: /srv/a"


def test_an_item_whose_paths_are_made_up_needs_no_scope() -> None:
    item = other(CommandOutput, argv=["uname"])
    assert unseen(coverage(None), item, b"/@command/one") == set() and coverage(None).is_as_now(item)
    assert coverage(None).limit(item) == (item, [])


def test_many_paths_are_counted_and_nothing_is_said_where_nothing_stays() -> None:
    many = Unseen(frozenset(b"/srv/%d" % number for number in range(7)))
    assert unseen_in_words("pbx/linux/1", {"one": many, "two": Unseen()}, {"three": ["phone", "fax"]}) == [
        "one: pbx/linux/1 did not look at /srv/0, /srv/1, /srv/2, /srv/3, /srv/4 and 2 more;"
        " what the host has there is not removed.",
        "three: pbx/linux/1 did not look at phone, fax; it is left alone.",
    ]


def test_mounts_are_read_from_the_notes_of_an_item() -> None:
    assert mounts_of({"mounts": ["/srv/a%0Ab"], "links": ["/x"]}) == {b"/srv/a\nb"}
    assert mounts_of({}) == NOTHING
