# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys of the Windows registry: exported as they are, put back so that nothing that came later is left."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from .._compare.registry import (
    RegistryFileMalformed,
    RegistryNormaliser,
    fold,
    format_reg,
    long_key,
    parse_export,
)
from .._compare.registry_times import without_times
from .._entries import Entry, Gathered, ItemReport, path_to_text
from .._errors import CommandFailed, ConnectionFailed, HostileContent, ItemTruncated, OptionInvalid, RecoveryError
from .._transport.base import Transport
from .base import Item, LineNormaliser
from .globs import name_globs
from .host_registry import USERS, HostRegistry
from .registry_change import Goals, RegistryChange, judged_content, places_of
from .registry_paths import key_of, path_of, view_of
from .tree_listing import note
from .windows_profiles import SID, Profile, named, read_profiles, system_root

CURRENT_USER = "HKEY_CURRENT_USER"
_ROOTS = ("HKEY_LOCAL_MACHINE", CURRENT_USER, USERS)
_FEWEST_PARTS = 3
_GLOB = re.compile(r"[*?]")
_NEVER = re.compile(r"[\r\n\0\"]")


@dataclass
class RegistryKeys(Item):
    r"""Keys with everything below them, each as an entry of kind ``dump``.

    ``keys``: like ``HKEY_LOCAL_MACHINE\SOFTWARE\ESTOS\ECSTA*``; ``*`` and ``?`` only in the last part. The 32 bit view
    has its explicit path with ``WOW6432Node``. ``HKEY_CURRENT_USER\...`` means the key of each user who has a profile,
    logged on or not; ``users`` limits that to some (names of their profiles' folders, or SIDs).

    Of a required item each key that has no wildcard must be there; a user without a key is no problem.

    A restore changes what differs, and nothing else: a key that stays keeps its permissions, which an export does not
    hold. When anything fails the keys are put back as they were.
    """

    keys: Sequence[str] = ()
    users: Sequence[str] = ()

    scope_fields: ClassVar[Sequence[str]] = ("keys", "users")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.keys:
            raise OptionInvalid("There are no keys", item=self.name)
        self._wanted = [_Wanted.of(key, self.name) for key in self.keys]
        self._gone: set[str] = set()
        """Users without a profile whose keys a restore leaves out."""

    def normaliser(self, entry: Entry) -> LineNormaliser | None:
        return RegistryNormaliser(without_times)

    def covers(self, path: bytes) -> bool:
        key = key_of(path)
        return key is not None and any(wanted.covers(key) for wanted in self._wanted)

    def brings(self, entry: Entry) -> bool:
        name, sid = str(entry.extra.get("user", "")), (key_of(entry.path) or "").split("\\")[1:2]
        if not self.covers(entry.path):
            return False
        profile = Profile(sid[0] if sid else "", name, folder="", loaded=False)
        return not (name and self.users) or bool(named([profile], self.users)[0])

    # --- gathering --------------------------------------------------------------------------------------------------
    def gather(self, transport: Transport, report: ItemReport) -> Iterator[Gathered]:
        report.found = False
        came = []
        for entry, content in self._gathered_keys(transport, report):
            came.append(str(entry.extra["key"]))
            yield entry, content
        if self.required and report.found:
            self._demand_each(report, came)

    def _demand_each(self, report: ItemReport, came: Sequence[str]) -> None:
        """Name each key that has no wildcard and neither came nor is known to be there."""
        unread = {problem.path for problem in report.problems}
        for name, wanted in zip(self.keys, self._wanted):
            path = path_of(long_key(name))
            known = path_to_text(path) in unread or (wanted.per_user and bool(unread))
            if not known and not wanted.is_pattern and not any(map(wanted.covers, came)):
                report.absent(path, "is demanded, but not there")

    def _gathered_keys(self, transport: Transport, report: ItemReport) -> Iterator[Gathered]:
        with HostRegistry(transport) as registry:
            for key in self._machine_keys(registry):
                yield from self._of_machine(registry, report, key)
            if any(wanted.per_user for wanted in self._wanted):
                for profile in self._profiles(registry, report):
                    yield from self._of_user(registry, report, profile)

    def _machine_keys(self, registry: HostRegistry) -> list[str]:
        keys = [key for wanted in self._wanted if not wanted.per_user for key in wanted.expand(registry, wanted.top)]
        return list({fold(key): key for key in keys}.values())

    def _of_machine(self, registry: HostRegistry, report: ItemReport, key: str) -> Iterator[Gathered]:
        try:
            content = registry.export(key)
        except (CommandFailed, OptionInvalid) as error:
            report.found = True
            report.problem(path_of(key), error.message)
            return
        if content is None:
            note(report, "nothing_at", path_of(key))
        else:
            yield self._gathered(report, key, content)

    def _profiles(self, registry: HostRegistry, report: ItemReport) -> list[Profile]:
        chosen, unknown = named(read_profiles(registry, system_root(registry)), self.users)
        for user in unknown:
            if fold(user) not in self._gone:
                report.problem(user, "has no profile on the host")
        return chosen

    def _of_user(self, registry: HostRegistry, report: ItemReport, profile: Profile) -> Iterator[Gathered]:
        """A user without a key is no problem."""
        exports: dict[str, bytes] = {}
        try:
            self._export(registry, report, profile, exports)
            if profile.loaded and not exports and fold(profile.sid) not in map(fold, registry.loaded_users()):
                # logged off since we looked
                self._export(registry, report, replace(profile, loaded=False), exports)
        except ConnectionFailed:
            raise
        except RecoveryError as error:
            report.found = True
            report.problem(profile.sid, f"{profile.name}: {error.message}")
        for key, content in exports.items():
            yield self._gathered(report, key, content, user=profile.name)

    def _export(self, registry: HostRegistry, report: ItemReport, profile: Profile, exports: dict[str, bytes]) -> None:
        """Add what the user has, as it stands below his SID."""
        home = f"{USERS}\\{profile.sid}"
        with registry.hive_of(profile.sid, profile.folder, profile.loaded) as top:
            if top is None:
                note(report, "without_registry", profile.name.encode("utf-8", "surrogatepass"))
                return
            for wanted in self._wanted:
                for key in wanted.expand(registry, top) if wanted.per_user else ():
                    content = registry.export(key)
                    if content is not None and fold(top) != fold(home):
                        content = format_reg(parse_export(content, key).moved(top, home))
                    if content is not None:
                        exports[home + key[len(top) :]] = content

    def _gathered(self, report: ItemReport, key: str, content: bytes, user: str = "") -> Gathered:
        report.found = True
        path = path_of(key)
        try:
            parse_export(content, key)
        except (ItemTruncated, RegistryFileMalformed, HostileContent) as error:
            report.problem(path, error.message)
        extra = {"key": key, "view": view_of(key)}
        if user:
            extra["user"] = user
        entry = Entry(
            item=self.name,
            data_class=self.data_class,
            kind="dump",
            path=path,
            size=len(content),
            sensitive=self.sensitive,
            extra=extra,
        )
        return entry, (content,)

    # --- restoring --------------------------------------------------------------------------------------------------
    def judge(self, wanted: Sequence[Entry]) -> None:
        super().judge(wanted)
        for entry in wanted:
            if entry.kind != "dump":
                raise HostileContent("This is no export of a key; nothing was written", item=path_to_text(entry.path))

    def left_out(self, transport: Transport, wanted: Sequence[Entry]) -> dict[bytes, str]:
        """Keys of users who have no profile on the host, or one without a registry."""
        sids = {entry.path: _sid_of(entry.path) for entry in wanted}
        if not any(sids.values()):
            return {}
        with HostRegistry(transport) as registry:
            here = {
                fold(one.sid): one.loaded or registry.has_hive(one.folder)
                for one in read_profiles(registry, system_root(registry))
            }
        reasons = {}
        for entry in wanted:
            sid, user = sids[entry.path], str(entry.extra.get("user", ""))
            if sid and not here.get(fold(sid)):
                lacks = "a profile without a registry" if fold(sid) in here else "no profile"
                reasons[entry.path] = (
                    f"{user} ({sid}) has {lacks} on the host" if user else f"{sid} has {lacks} on the host"
                )
                self._gone |= {fold(user), fold(sid)}
        return reasons

    def restore(self, transport: Transport, wanted: Iterable[Gathered], current: Sequence[Entry]) -> None:
        pairs = list(wanted)
        self.judge([entry for entry, _content in pairs])
        goals: Goals = {}
        users = {}
        for entry, content in pairs:
            key = key_of(entry.path) or ""
            goals[key] = judged_content(content, key, entry.path)
            users[key] = str(entry.extra.get("user", ""))
        meant = {fold(key) for key in goals}
        for entry in current:
            key = key_of(entry.path) or ""
            if self.covers(entry.path) and fold(key) not in meant:
                goals[key] = None
        if not goals:
            return
        host = transport.host
        with HostRegistry(transport) as registry, places_of(registry, goals, users, host, self.name) as places:
            RegistryChange(places, host, self.name).run(goals)


def _sid_of(path: bytes) -> str:
    """The SID of the user whose key this is; nothing where it is nobody's."""
    top, _separator, rest = (key_of(path) or "").partition("\\")
    sid = rest.partition("\\")[0]
    return sid if top == USERS and SID.match(sid) else ""


@dataclass(frozen=True)
class _Wanted:
    """One of the keys that an item means. ``top`` is empty for a key of each user."""

    per_user: bool
    rest: str
    top: str

    @classmethod
    def of(cls, key: str, item: str) -> _Wanted:
        full = long_key(key)
        parts = full.split("\\")
        if parts[0] not in _ROOTS:
            raise OptionInvalid(
                f"{key!r} does not begin with {', '.join(_ROOTS[:-1])} or {_ROOTS[-1]}",
                item=item,
                hint="Classes stand below HKEY_LOCAL_MACHINE\\SOFTWARE\\Classes.",
            )
        if len(parts) < _FEWEST_PARTS or not all(parts):
            raise OptionInvalid(f"{key!r} is a whole part of the registry, not a key of one program", item=item)
        if _NEVER.search(full) or any(_GLOB.search(part) for part in parts[:-1]):
            raise OptionInvalid(f"{key!r} is no key, or has * or ? before its last part", item=item)
        return cls(parts[0] == CURRENT_USER, "\\".join(parts[1:]), parts[0])

    @property
    def is_pattern(self) -> bool:
        return bool(_GLOB.search(self.rest))

    def covers(self, key: str) -> bool:
        top, _separator, rest = key.partition("\\")
        if self.per_user:
            sid, _separator, rest = rest.partition("\\")
            return top == USERS and bool(SID.match(sid)) and self._matches(rest)
        return top == self.top and self._matches(rest)

    def _matches(self, rest: str) -> bool:
        above, _separator, name = self.rest.rpartition("\\")
        above_there, _separator, name_there = rest.rpartition("\\")
        return fold(above) == fold(above_there) and bool(_one_name(name).match(fold(name_there)))

    def expand(self, registry: HostRegistry, top: str) -> list[str]:
        """The keys that are there for a pattern; a key without one as it is."""
        above, _separator, name = self.rest.rpartition("\\")
        if not _GLOB.search(name):
            return [f"{top}\\{self.rest}"]
        names = registry.subkeys(f"{top}\\{above}") or []
        return sorted(f"{top}\\{above}\\{one}" for one in names if _one_name(name).match(fold(one)))


def _one_name(glob: str) -> re.Pattern[str]:
    r"""Only ``*`` and ``?`` are special: brackets are common in names."""
    return name_globs([re.sub(r"([\[\]\\])", r"\\\1", fold(glob))])
