# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Registry keys of a host changed as one: all of them, or none."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Optional

from .._compare.registry import (
    LARGEST,
    RegistryFileMalformed,
    RegistryTree,
    change_between,
    fold,
    parse_export,
)
from .._entries import path_to_text
from .._errors import (
    ConnectionFailed,
    HostileContent,
    ItemTruncated,
    RecoveryError,
    RestoreFailed,
    RestoreRefused,
)
from .host_registry import USERS, HostRegistry
from .windows_profiles import SID, read_profiles, system_root

Goals = dict[str, Optional[RegistryTree]]
"""What shall be at a key; None: nothing."""


def judged_content(content: Iterable[bytes], key: str, path: bytes) -> RegistryTree:
    """The tree that a generation holds of a key. Nothing that names another key, or removes one, passes.

    :raises HostileContent, ItemTruncated, RegistryFileMalformed: it is not an export of this key alone
    """
    held = bytearray()
    for chunk in content:
        held += chunk
        if len(held) > LARGEST:
            raise HostileContent(f"The export is larger than {LARGEST} bytes", item=path_to_text(path))
    try:
        return parse_export(bytes(held), key)
    except (HostileContent, ItemTruncated, RegistryFileMalformed) as error:
        error.item = path_to_text(path)
        error.hint = "Nothing was written."
        raise


@dataclass(frozen=True)
class Place:
    """Where a key lies: where it is called so, or in the registry of a user that was loaded under another name.

    ``home`` is the beginning of the key, ``top`` what stands for it on the host.
    """

    registry: HostRegistry
    key: str
    home: str
    top: str

    def read(self) -> RegistryTree | None:
        """What is there now, None when the key is not. Raises RecoveryError."""
        tree = self.registry.read(self.top + self.key[len(self.home) :])
        return None if tree is None else tree.moved(self.top, self.home)

    def prepare(self, change: RegistryTree) -> str:
        """Bring a change to the host; gives its path there. Raises RecoveryError."""
        return self.registry.prepare(change.moved(self.home, self.top))

    def make(self, prepared: str) -> None:
        """Make a change. Raises RecoveryError."""
        self.registry.make(prepared, self.key)


@contextlib.contextmanager
def places_of(
    registry: HostRegistry, keys: Iterable[str], users: Mapping[str, str], host: str, item: str
) -> Iterator[dict[str, Place]]:
    """Where each key lies. Users who are not logged on have their registries loaded while the context is entered.

    :param users: key -> whose it was
    :raises RestoreRefused: users of the generation have no profile on the host (any more)
    """
    places: dict[str, Place] = {}
    by_user: dict[str, list[str]] = {}
    for key in keys:
        top, _separator, rest = key.partition("\\")
        sid = rest.partition("\\")[0]
        if top == USERS and SID.match(sid):
            by_user.setdefault(fold(sid), []).append(key)
        else:
            places[key] = Place(registry, key, key, key)
    with contextlib.ExitStack() as stack:
        profiles = {fold(one.sid): one for one in read_profiles(registry, system_root(registry))} if by_user else {}
        gone = [key for sid, some in by_user.items() if sid not in profiles for key in some]
        if gone:
            raise _gone(gone, users, host, item)
        for sid, some in by_user.items():
            profile = profiles[sid]
            top_key = stack.enter_context(registry.hive_of(profile.sid, profile.folder, profile.loaded))
            if top_key is None:
                raise RestoreRefused(
                    f"The profile of {profile.name} has no registry to put the key into",
                    host=host,
                    item=some[0],
                    hint="Let the user log on once, then restore again.",
                )
            places.update({key: Place(registry, key, f"{USERS}\\{profile.sid}", top_key) for key in some})
        yield places


def _gone(keys: Iterable[str], users: Mapping[str, str], host: str, item: str) -> RestoreRefused:
    names = set()
    for key in keys:
        sid = key.split("\\")[1]
        names.add(f"{users[key]} ({sid})" if users.get(key) else sid)
    return RestoreRefused(
        f"The generation holds keys of users who have no profile on the host: {', '.join(sorted(names))}",
        host=host,
        item=item,
        hint="Let them log on once, or restore the keys of the others by their paths.",
    )


@dataclass(frozen=True)
class _Step:
    """One key's change and what takes it back, both on the host already."""

    place: Place
    before: RegistryTree | None
    goal: RegistryTree | None
    change: str
    undo: str


class RegistryChange:
    """Makes keys what they shall be, and what they were when that fails.

    What is needed to take a change back lies on the host before the first one is made.
    """

    def __init__(self, places: Mapping[str, Place], host: str, item: str) -> None:
        self._places = places
        self._host = host
        self._item = item

    def run(self, goals: Goals) -> None:
        """Change what differs.

        :raises RestoreRefused: what is there now cannot be kept; nothing was touched
        :raises RestoreFailed: it went wrong; the message tells whether everything is as it was
        """
        steps = self._prepared(goals)
        for at, step in enumerate(steps):
            try:
                self._make(step)
            except Exception as error:
                raise self._undone(steps[: at + 1], error) from error

    def _prepared(self, goals: Goals) -> list[_Step]:
        steps = []
        for key, goal in goals.items():
            place = self._places[key]
            try:
                before = place.read()
                change = _change(key, before, goal)
                if not change.is_empty:
                    undo = place.prepare(_change(key, goal, before))
                    steps.append(_Step(place, before, goal, place.prepare(change), undo))
            except ConnectionFailed:
                raise
            except RecoveryError as error:
                raise RestoreRefused(
                    f"What is in the registry now cannot be kept, and nothing was touched: {error.message}",
                    host=self._host,
                    item=key,
                    hint=error.hint,
                ) from error
        return steps

    @staticmethod
    def _make(step: _Step) -> None:
        step.place.make(step.change)
        if not _same(step.place.read(), step.goal):
            raise RestoreFailed("The registry does not hold what was put back", item=step.place.key)

    def _undone(self, steps: Sequence[_Step], error: Exception) -> RestoreFailed:
        stories = [story for story in map(_undo, reversed(steps)) if story]
        end = "; ".join(stories) if stories else "the keys are as they were before"
        return RestoreFailed(f"{_story(error)}; {end}", host=self._host, item=self._item)


def _undo(step: _Step) -> str:
    """Take a change back, whole or half made. A sentence when that cannot be said of it."""
    place = step.place
    try:
        place.make(step.undo)
    except Exception as error:
        return f"{place.key} could not be put back as it was: {_story(error)}"
    try:
        now = place.read()
        if not _same(now, step.before):
            # something stands there that neither was there before nor was meant to come
            place.make(place.prepare(_change(place.key, now, step.before)))
            now = place.read()
    except Exception as error:
        return f"{place.key} was put back as it was, which could not be looked at: {_story(error)}"
    return "" if _same(now, step.before) else f"{place.key} is not as it was"


def _change(key: str, here: RegistryTree | None, there: RegistryTree | None) -> RegistryTree:
    """What makes the one of the other; None: there is no such key."""
    if there is None:
        return RegistryTree(removed_keys=() if here is None else (key,))
    return change_between(here or RegistryTree(), there)


def _same(one: RegistryTree | None, other: RegistryTree | None) -> bool:
    return one is other if one is None or other is None else one.is_same(other)


def _story(error: Exception) -> str:
    if not isinstance(error, RecoveryError):
        return f"unexpected {type(error).__name__}"
    return (f"{error.item}: {error.message}" if error.item else error.message).rstrip(".")
