# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may change a Unix host: accounts that are root, members of the groups that may become it, rules of sudo, keys of
root. Passwords are no part of it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping

from .mask import decoded, readable
from .semantic import SemanticChange, compare_texts

KIND = "administrator"
GROUPS = ("root", "sudo", "wheel", "admin", "docker")
"""Groups whose members are, or can make themselves, root."""
PASSWD = b"/etc/passwd"
LONGEST = 200
"""Characters of a line that are shown."""
_SUDOERS = re.compile(rb"/etc/sudoers(?:\.d/[^/]+)?\Z")
_KEYS = (b"/root/.ssh/authorized_keys", b"/root/.ssh/authorized_keys2")


def administrator_changes(old: Mapping[bytes, bytes], new: Mapping[bytes, bytes]) -> list[SemanticChange]:
    """Who came, went and changed; nothing where one of the sides did not gather its users."""
    if PASSWD not in old or PASSWD not in new:
        return []
    return compare_texts(KIND, _administrators(old), _administrators(new))


def _administrators(view: Mapping[bytes, bytes]) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sorted(view):
        place = readable(decoded(path))
        if path == PASSWD:
            found.update({f"account {readable(name)}": "is root" for name in _roots(view[path])})
        elif path == b"/etc/group":
            found.update({f"member of {group} {readable(name)}": "" for group, name in _members(view[path])})
        elif _SUDOERS.match(path):
            found.update({f"{place}: {readable(line)[:LONGEST]}": "" for line in _lines(view[path])})
        elif path in _KEYS:
            for line in _lines(view[path]):
                digest = hashlib.sha256(line.encode("utf-8", "surrogateescape")).hexdigest()[:16]
                found[f"{place}: {readable(line.split()[-1])[:LONGEST]} ({digest})"] = ""
    return found


def _roots(passwd: bytes) -> Iterator[str]:
    for name, *rest in _fields(passwd):
        if len(rest) > 1 and rest[1] and not rest[1].strip("0"):
            yield name


def _members(group: bytes) -> Iterator[tuple[str, str]]:
    for name, *rest in _fields(group):
        if name in GROUPS and len(rest) == 3:
            yield from ((name, member) for member in rest[2].split(",") if member)


def _fields(content: bytes) -> list[list[str]]:
    return [line.split(":") for line in _lines(content)]


def _lines(content: bytes) -> list[str]:
    """Without comments and blanks around."""
    lines = (line.strip() for line in decoded(content).splitlines())
    return [line for line in lines if line and (not line.startswith("#") or line.startswith(("#include", "#uid")))]
