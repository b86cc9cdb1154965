# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.module_utils._items.globs import Excludes, PathGlobs, name_globs


@pytest.mark.parametrize(
    ("glob", "covered", "not_covered"),
    [
        ("/etc/kamailio", [b"/etc/kamailio", b"/etc/kamailio/a/b"], [b"/etc", b"/etc/kamailio2", b"/"]),
        ("/etc/*.cfg", [b"/etc/a.cfg", b"/etc/.cfg"], [b"/etc/x/a.cfg", b"/etc/a.cfgx"]),
        ("/etc/ka?ailio/*", [b"/etc/kamailio/x"], [b"/etc/kamailio", b"/etc/ka/ailio/x"]),
        ("/etc/[a-c]x", [b"/etc/ax", b"/etc/cx"], [b"/etc/dx"]),
        ("/etc/[!a]x", [b"/etc/bx"], [b"/etc/ax"]),
        ("/", [b"/", b"/anything/at/all"], []),
        ("/Grüße/", ["/Grüße".encode(), "/Grüße/x".encode()], [b"/Gr"]),
        (b"/\xff", [b"/\xff"], [b"/\xfe"]),
        ("/a[z-b]", [b"/a[z-b]"], [b"/ac"]),
        ("/a[b", [b"/a[b"], [b"/ab"]),
    ],
)
def test_paths_and_what_lies_below_them_are_covered(glob, covered, not_covered):
    globs = PathGlobs([glob])
    assert all(globs.covers(path) for path in covered)
    assert not any(globs.covers(path) for path in not_covered)


def test_folders_on_the_way_lead_to_a_glob():
    globs = PathGlobs(["/etc/*/conf.d"])
    assert all(globs.leads(path) for path in (b"/", b"/etc", b"/etc/x", b"/etc/x/conf.d", b"/etc/x/conf.d/y"))
    assert not any(globs.leads(path) for path in (b"/usr", b"/etc/x/other"))


@pytest.mark.parametrize(
    ("pattern", "out", "kept"),
    [
        ("*.bak", [b"/etc/a.bak", b"/etc/x.bak/below", b"/.bak"], [b"/etc/a.bakx", b"/etc/bak"]),
        ("/etc/*.pid", [b"/etc/a.pid"], [b"/etc/x/a.pid", b"/etc/a.pid2"]),
        ("/etc/**/cache", [b"/etc/a/cache", b"/etc/a/b/cache/x"], [b"/etc/cachet"]),
        ("etc/x", [b"/etc/x", b"/etc/x/y"], [b"/a/etc/x"]),
        ("core", [b"/core", b"/a/core/b"], [b"/a/encore"]),
        ("a\nb", [b"/x/a\nb"], [b"/x/a"]),
    ],
)
def test_what_is_excluded_goes_with_everything_below(pattern, out, kept):
    excludes = Excludes([pattern])
    assert all(excludes.match(path) for path in out)
    assert not any(excludes.match(path) for path in kept)


def test_nothing_is_excluded_without_patterns():
    assert not Excludes([]).match(b"/etc")
    assert not name_globs([]).match("")


NAMES = st.text("ab*?[]!^-.", max_size=8)


@given(NAMES, st.text("ab.-", max_size=6))
def test_one_name_is_matched_as_everywhere(pattern, name):
    if "**" in pattern or ("[" in pattern and ("^" in pattern or "-" in pattern)):
        return  # what shells and fnmatch do not agree about
    assert bool(name_globs([pattern]).match(name)) == fnmatch.fnmatchcase(name, pattern)
