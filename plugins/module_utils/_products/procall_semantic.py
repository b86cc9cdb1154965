# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The difference of two states of a UCServer: users, lines, settings in XML, registry values, services."""

from __future__ import annotations

import re

from .._compare.findings import ADMINISTRATOR, ROUTE, TRUNK, USER
from .._compare.mask import Masker, readable
from .._compare.semantic import ADDED, REMOVED, SemanticChange
from .._compare.xml_changes import DOCUMENT
from .base import View
from .windows_semantic import windows_changes

KINDS = {
    "user": "user",
    "benutzer": "user",
    "userprofile": "user",
    "group": "group",
    "computer": "computer",
    "line": "line",
    "tapiline": "line",
    "sipline": "line",
    "trunk": "trunk",
    "siptrunk": "trunk",
    "location": "location",
    "server": "server",
    "admin": "administrator",
    "administrator": "administrator",
}
"""Names of XML elements -> what they are. Only ``location`` is public (locations.xml); the others are assumptions, and
an element of another name is told by that name."""
_USER_FILE = re.compile(rb"/config/users/(?P<user>[^/]+)_clientcontent\.xml\Z", re.IGNORECASE)
TOPICS = {"user": USER, "trunk": TRUNK, "location": ROUTE, "administrator": ADMINISTRATOR}


def procall_changes(old: View, new: View, masker: Masker) -> list[SemanticChange]:
    """Everything that can be told."""
    changes = windows_changes(old, new, masker, kinds=KINDS)
    before, after = _users(old), _users(new)
    gone = before.keys() - after.keys()
    users = [SemanticChange("user", before[user], REMOVED, of=len(before)) for user in sorted(gone)]
    users += [SemanticChange("user", after[user], ADDED) for user in sorted(after.keys() - before.keys())]
    told = {readable(name) for name in _places(old, new)}
    return [*users, *(change for change in changes if not (change.kind == DOCUMENT and change.object in told))]


def _users(view: View) -> dict[str, str]:
    """Users by their files, as they are shown."""
    found = (_USER_FILE.search(path) for path in view)
    names = (readable(one["user"].decode("utf-8", "surrogateescape")) for one in found if one)
    return {name.lower(): name for name in names}


def _places(old: View, new: View) -> set[str]:
    """The files of users that came or went; the user is told instead."""
    return {
        path[1:].decode("utf-8", "surrogateescape").replace("/", "\\")
        for path in {*old} ^ {*new}
        if _USER_FILE.search(path)
    }
