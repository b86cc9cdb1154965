# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._module.path_patterns import PathPatterns


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


def test_relative_patterns_are_refused():
    with pytest.raises(OptionInvalid, match="not absolute"):
        PathPatterns(["etc"])
