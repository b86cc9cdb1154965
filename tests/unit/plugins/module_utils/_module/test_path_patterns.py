# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._entries import Entry
from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._module.path_patterns import PathPatterns
from ansible_collections.ucops.recovery.plugins.module_utils._repository.format import StoredEntry


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("/etc", b"/etc", True),
        ("/etc", b"/etc/kamailio/kamailio.cfg", True),
        ("/etc/", b"/etc/kamailio", True),
        ("/", b"/anything", True),
        ("/etc", b"/etcetera", False),
        ("/etc/kamailio/kamailio.cfg", b"/etc/kamailio", False),
        ("/etc/*.cfg", b"/etc/kamailio.cfg", True),
        ("/etc/*.cfg", b"/etc/kamailio/kamailio.cfg", False),
        ("/etc/*/kamailio.cfg", b"/etc/kamailio/kamailio.cfg", True),
        ("/etc/k?m", b"/etc/kam", True),
        ("/etc/[ab]", b"/etc/a", False),
        ("/etc/[ab]", b"/etc/[ab]", True),
        ("/etc/gr\u00fc\u00dfe", "/etc/gr\u00fc\u00dfe".encode(), True),
        ("/etc/\udcff", b"/etc/\xff", True),
        ("/etc/a\nb", b"/etc/a\nb", True),
        ("/etc/a", b"/etc/a\n", False),
        ("/Etc", b"/etc", False),
        ("C:\\Program Files\\estos", b"/C:/Program Files/estos/UCServer/config/x.xml", True),
        ("c:/program files/ESTOS", b"/C:/Program Files/estos", True),
        ("/c:/program files", b"/C:/Program Files/estos", True),
        ("D:\\", b"/D:/x", True),
        ("D:", b"/C:/x", False),
        ("C:\\Users\\*\\NTUSER.DAT", b"/C:/Users/Anna/ntuser.dat", True),
        (
            "HKEY_LOCAL_MACHINE\\SOFTWARE\\ESTOS",
            b"/@registry/HKEY_LOCAL_MACHINE/SOFTWARE/ESTOS/UCServer4/Server.reg",
            True,
        ),
        ("HKEY_LOCAL_MACHINE\\Software\\Estos", b"/@registry/HKEY_LOCAL_MACHINE/SOFTWARE/ESTOS.reg", True),
        ("HKEY_LOCAL_MACHINE\\SOFTWARE\\ESTOS", b"/@registry/HKEY_LOCAL_MACHINE/SOFTWARE/ESTOS2.reg", False),
        ("HKEY_LOCAL_MACHINE\\SOFTWARE\\ECSTA*", b"/@registry/HKEY_LOCAL_MACHINE/SOFTWARE/ECSTACA4000p3.reg", True),
        ("HKEY_USERS", b"/@registry/HKEY_LOCAL_MACHINE/SOFTWARE/ESTOS.reg", False),
    ],
)
def test_match(pattern, path, matches):
    assert PathPatterns([pattern]).match(path) is matches


@pytest.mark.parametrize("nothing", [None, []])
def test_without_patterns_everything_matches(nothing):
    assert PathPatterns(nothing).match(b"/x")


def test_one_of_several_is_enough():
    patterns = PathPatterns(["/a", "/b"])
    assert patterns.match(b"/b/c") and not patterns.match(b"/c")


@pytest.mark.parametrize("relative", ["etc", "C:x", "HKLM\\SOFTWARE", "Program Files\\x"])
def test_relative_patterns_are_refused(relative):
    with pytest.raises(OptionInvalid, match="not absolute"):
        PathPatterns([relative])


def stored(item, path, link=None):
    kind = "file" if link is None else "hardlink"
    entry = Entry(item, "voip_config", kind, path, mode=0o600 if link is None else None, link_target=link)
    return StoredEntry(entry, None if link else "ab" * 32, () if link else ((0, 1),))


HELD = [stored("one", b"/a/file"), stored("two", b"/a/file"), stored("one", b"/b/link", b"/a/file")]


@pytest.mark.parametrize("patterns", [None, ["/b", "/a"]])
def test_a_link_that_is_asked_for_with_its_file_stays_one(patterns):
    assert PathPatterns(patterns).choose(lambda: iter(HELD)) == HELD


def test_a_link_alone_becomes_the_file_of_its_own_item():
    (found,) = PathPatterns(["/b"]).choose(lambda: iter(HELD))
    assert (found.entry.item, found.entry.kind, found.entry.path) == ("one", "file", b"/b/link")
    assert (found.entry.mode, found.entry.link_target, found.pieces) == (0o600, None, ((0, 1),))


def test_a_link_to_what_is_not_there_stays_one():
    broken = stored("three", b"/b/link", b"/a/file")
    assert PathPatterns(["/b"]).choose(lambda: iter([*HELD[:2], broken])) == [broken]
