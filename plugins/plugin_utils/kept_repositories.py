# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which repositories an inventory declares, what is said about keeping each of them, and which heads are known of it.

A repository is a folder on a backup host. Hosts that are backed up declare it, and need not be the host that keeps it;
one backup host may keep several, and several may share a file of heads. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

HEADS_FILE = "recovery_heads_file"


def kept_repositories(
    hosts: Iterable[Mapping[str, Any]], lines: Iterable[Mapping[str, Any]], heads: Mapping[str, Mapping[str, str]]
) -> dict[str, list[dict[str, Any]]]:
    """The repositories of every backup host, in the order in which hosts declare them.

    :param hosts: of the whole inventory, with ``host``, ``backup_host``, ``repository``, and ``settings``: those of the
        variables that are defined for it
    :param lines: what the inventory backs up, with ``source``, ``product``, ``instance``, ``backup_host``,
        ``repository``
    :param heads: by file, what is in it: lines with their heads
    """
    known = {str(one["host"]): one for one in hosts}
    declaring: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for one in known.values():
        if one["backup_host"] and one["repository"]:
            declaring.setdefault(_place(one), []).append(one)
    declared: dict[str, set[tuple[str, str]]] = {}
    for line in lines:
        instance = line.get("instance") or ""
        name = f"{line['source']}/{line['product']}{'@' if instance else ''}{instance}"
        declared.setdefault(name, set()).add(_place(line))
    found: dict[str, list[dict[str, Any]]] = {}
    for place, those in declaring.items():
        settings, conflicts = _settings(known.get(place[0]), those)
        expected, unclear = _heads(place, declaring, declared, heads)
        found.setdefault(place[0], []).append(
            {
                "repository": place[1],
                "settings": settings,
                "conflicts": conflicts,
                "expected_heads": expected,
                "unclear_heads": unclear,
            }
        )
    return found


def _place(one: Mapping[str, Any]) -> tuple[str, str]:
    repository = str(one["repository"])
    return str(one["backup_host"]), repository.rstrip("/") or repository


def _settings(
    keeper: Mapping[str, Any] | None, declaring: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, Any], list[str]]:
    """What counts, and the names of what is said in several ways.

    What the backup host says counts first when the repository is the one that it names itself, and otherwise last.
    """
    own = dict(keeper["settings"]) if keeper is not None else {}
    if any(one is keeper for one in declaring):
        said: list[Mapping[str, Any]] = [own]
        said += [{name: value for name, value in one["settings"].items() if name not in own} for one in declaring]
    else:
        said = [one["settings"] for one in declaring]
    settings: dict[str, Any] = {}
    conflicts: list[str] = []
    for name, value in (pair for one in said for pair in one.items() if pair[0] != HEADS_FILE):
        if settings.setdefault(name, value) != value and name not in conflicts:
            conflicts.append(name)
    return {**{name: value for name, value in own.items() if name != HEADS_FILE}, **settings}, sorted(conflicts)


def _heads(
    place: tuple[str, str],
    declaring: Mapping[tuple[str, str], Sequence[Mapping[str, Any]]],
    declared: Mapping[str, set[tuple[str, str]]],
    heads: Mapping[str, Mapping[str, str]],
) -> tuple[dict[str, str], dict[str, str]]:
    """The heads that a repository must have, and those that it must have if it has the line at all.

    A line is that of the repository whose hosts declare it. Of one that no host of it declares, a file that only this
    repository's hosts name tells enough, unless another repository has the line today.
    """
    users: dict[str, set[tuple[str, str]]] = {}
    for user, those in declaring.items():
        for one in those:
            if one["settings"].get(HEADS_FILE):
                users.setdefault(str(one["settings"][HEADS_FILE]), set()).add(user)
    expected: dict[str, str] = {}
    unclear: dict[str, str] = {}
    for file, places in users.items():
        if place not in places:
            continue
        for line, head in heads.get(file, {}).items():
            owners = declared.get(line, set())
            if place in owners or (not owners and places == {place}):
                expected[line] = head
            elif not owners or places == {place}:
                unclear[line] = head
    return expected, {line: head for line, head in unclear.items() if line not in expected}
