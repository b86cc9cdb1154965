# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an item is: one thing of a host that is gathered as a stream of entries and, mostly, can be put back."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol

from .._entries import DATA_CLASSES, Entry, Gathered, ItemReport, path_from_text, path_to_text
from .._errors import HostileContent, OptionInvalid, RestoreRefused
from .._transport.base import Become, Transport
from .landing.sizes import Band


class LineNormaliser(Protocol):
    """Takes volatile lines out of a content before it is compared."""

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes, return what is certain by now."""

    def finish(self) -> bytes:
        """The content is at its end: return what was still held back."""


@dataclass(frozen=True)
class Change:
    """One thing that a restore does: ``write`` (content or kind), ``metadata`` (only owner, mode, times, ...) or
    ``remove``."""

    action: str
    path: bytes


@dataclass(frozen=True)
class Extent:
    """How much a gathering would bring. ``size`` in bytes, None when only a backup can tell."""

    entries: int
    size: int | None


@dataclass
class Item(ABC):
    """One thing to gather.

    ``order``: smaller numbers are restored first. ``consistency`` names how a consistent state is reached: ``none``,
    ``dump``, ``stop`` ... ``become``: as whom the host is read and written. ``sensitive``: contents are secrets as a
    whole (keys, password files). ``restorable`` False: a record of how it was, nothing to put back. ``comparable``
    False: a container that is different each time, so that nobody can tell whether what is in it changed. ``constant``:
    it is set once and for all, so that another content than before is a problem. ``lives``: the product writes it by
    itself while it runs, so after a restore it is compared only before services start. ``band``: which sizes are usual;
    what is gathered may grow, but not shrink, unless it says otherwise.
    """

    name: str
    data_class: str
    required: bool = True
    order: int = 50
    consistency: str = "none"
    become: Become = False
    sensitive: bool = False
    restorable: bool = True
    comparable: bool = True
    constant: bool = False
    lives: bool = False
    band: Band = Band(at_most=math.inf)

    scope_fields: ClassVar[Sequence[str]] = ()
    """The fields that say what a gathering looks at, each a flag or a list of patterns. None: the path of an entry
    alone tells whether it is the item's."""

    def __post_init__(self) -> None:
        if self.data_class not in DATA_CLASSES:
            raise OptionInvalid(f"There is no data class {self.data_class!r}", item=self.name)

    @abstractmethod
    def gather(self, transport: Transport, report: ItemReport) -> Iterator[Gathered]:
        """Yield every entry with its content; a content must be read to its end before the next entry is asked for.

        What is wrong with single paths (no permission, shrunk, changed while it was read, a dump without its end)
        goes to ``report.problems``, often only when a content is at its end or the whole item is. Nothing there:
        ``report.found`` is set to False. A path may come a second time, when its first reading was disturbed: the
        later entry replaces the earlier.

        :raises RecoveryError: the connection is gone, or the item as a whole cannot be read
        """

    def measure(self, transport: Transport, report: ItemReport) -> Extent:
        """How much there is, and to the report what would be missing or could not be read. Nothing is written on the
        host and nothing is started that a backup starts, so an item that needs a dump is not read. Raises like
        :meth:`gather`."""
        if self.consistency != "none":
            return Extent(0, None)
        entries = size = 0
        for _entry, content in self.gather(transport, report):
            entries += 1
            size += sum(map(len, content))
        return Extent(entries, size)

    def backup_over(self, transport: Transport, *, kept: bool) -> list[str]:
        """The backup that gathered this is over. ``kept``: a complete generation holds it for good; what was made on
        the host for this backup alone may go then, and never before.

        Returns what stays there nevertheless, one sentence each. What goes wrong is such a sentence; nothing is raised.
        """
        return []

    def normaliser(self, entry: Entry) -> LineNormaliser | None:
        """What takes the volatile lines out of this entry's content; None when every byte counts."""
        return None

    def covers(self, path: bytes) -> bool:
        """Whether an entry of this path belongs to the item. Nothing else is ever written or removed by its restore."""
        return False

    def expect(self, wanted: Sequence[Entry]) -> None:
        """A restore is going to put these back, or to take them back. It says so before it reads the host, and may say
        it several times. For items where that decides what counts."""
        return

    def scope(self) -> dict[str, Any]:
        """What a gathering looks at, as it goes into the manifest: options and products change, and a restore must not
        take for new what nobody looked at when the generation was made."""
        return {name: _to_json(getattr(self, name)) for name in self.scope_fields}

    def looked_at(self, scope: Mapping[str, Any]) -> Callable[[Entry], bool]:
        """Tells of an entry that is on the host whether a gathering of that scope would have brought it.

        :raises ValueError, TypeError, LookupError, OptionInvalid: it is no scope of such an item
        """
        then = replace(self, **{name: _from_json(scope[name]) for name in self.scope_fields})
        return then.brings

    def brings(self, entry: Entry) -> bool:
        """Whether a gathering brings this entry of a host."""
        return self.covers(entry.path)

    def limited_to(self, scope: Mapping[str, Any]) -> tuple[Item, list[str]]:
        """The item without what a gathering of that scope did not look at within its entries, and what that is. Raises
        like :meth:`looked_at`."""
        return self, []

    def plan(
        self, wanted: Sequence[Entry], current: Sequence[Entry], differing: Collection[bytes] | None = None
    ) -> list[Change]:
        """What :meth:`restore` is going to do, sorted by path.

        :param differing: paths whose content is known to differ, for callers that hold digests; None: size and time
            decide
        """
        before = {entry.path: entry for entry in current if self.covers(entry.path)}
        after = {entry.path: entry for entry in wanted}
        changes = [Change("remove", path) for path in before if path not in after]
        for path, entry in after.items():
            old = before.get(path)
            if old is None or _content_differs(entry, old, differing):
                changes.append(Change("write", path))
            elif _metadata_differs(entry, old):
                changes.append(Change("metadata", path))
        return sorted(changes, key=lambda change: change.path)

    def judge(self, wanted: Sequence[Entry]) -> None:
        """Refuse entries that would reach beyond the item. Raises HostileContent; looks at nothing but the entries."""
        for entry in wanted:
            if not self.covers(entry.path):
                raise HostileContent(
                    f"This does not belong to the item {self.name}; nothing was written", item=path_to_text(entry.path)
                )

    def left_out(self, transport: Transport, wanted: Sequence[Entry]) -> dict[bytes, str]:
        """Entries that have no place on this host any more (a user who was deleted since), by path, each with words
        that name it. A restore puts back all others, and its plan warns of these.

        :raises RestoreRefused: none has a place, and there is something to say of it
        """
        return {}

    def restore(self, transport: Transport, wanted: Iterable[Gathered], current: Sequence[Entry]) -> None:
        """Make the host hold exactly the wanted entries again.

        ``wanted`` is listed first and judged as a whole, then its contents are read once, in the given order:
        contents must be lazy, independent of each other, and reading none of them must cost nothing.

        :param current: what a fresh gathering found, limited to the same paths as ``wanted`` when only a part is
            restored; what is in it and not wanted is removed
        :raises HostileContent: the wanted entries would reach beyond the item; nothing was touched
        :raises RestoreRefused: the host is not fit for it; nothing was touched
        :raises RestoreFailed: it went wrong after it began
        """
        raise RestoreRefused("This item is a record of how it was, there is nothing to put back", item=self.name)

    def undo(self, transport: Transport, wanted: Iterable[Gathered], current: Sequence[Entry]) -> None:
        """Take a restore back that failed: ``wanted`` is what was there before it began.

        Mostly that is a restore. An item whose restore leaves alone what it does not know removes it here.
        """
        self.restore(transport, wanted, current)


def _to_json(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    return [path_to_text(one if isinstance(one, bytes) else one.encode("utf-8", "surrogateescape")) for one in value]


def _from_json(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    return tuple(path_from_text(one).decode("utf-8", "surrogateescape") for one in value)


def _content_differs(entry: Entry, old: Entry, differing: Collection[bytes] | None) -> bool:
    if entry.kind != old.kind or entry.link_target != old.link_target or entry.device != old.device:
        return True
    if entry.kind not in ("file", "output", "dump"):
        return False
    if differing is not None:
        return entry.path in differing
    return entry.size != old.size or entry.mtime_ns != old.mtime_ns


def _metadata_differs(entry: Entry, old: Entry) -> bool:
    def facts(one: Entry) -> tuple[object, ...]:
        return (
            one.mode,
            one.owner or one.uid,
            one.group or one.gid,
            one.mtime_ns,
            one.acl_access,
            one.acl_default,
            dict(one.xattrs),
        )

    return facts(entry) != facts(old)
