# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A tree put back exactly. Three steps: judge what is to be written, look at the target, then touch it.

Entries come from a host that may have been hostile, and the target may have changed since: nothing is written through a
symlink, nothing is written or removed outside the item, and no folder is ever removed with anything unlisted in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from .._entries import Entry, Gathered, path_to_text
from .._errors import HostileContent, RestoreFailed, RestoreRefused
from .._transport.base import Become, Transport
from .tar_stream import TarMember, archive
from .tree_listing import below_root, seen_from_root
from .tree_reading import RESTORABLE, complaints

LONGEST_PATH = 4095
LONGEST_NAME = 255
SURVEY_LIMIT = 512 * 2**20
MOST_PROBLEMS = 20

_ABSENT = (b": No such file or directory", b": Not a directory")
_SURVEY = r"""
cd "$1" || exit 3
case $(tar --version 2>/dev/null) in *GNU*) ;; *) exit 4 ;; esac
case $(find --version 2>/dev/null) in *GNU*) ;; *) exit 4 ;; esac
xargs -0 -r sh -c 'find "$@" -maxdepth 0 -printf "%y%p\0"; :' sh
printf 'E\0'
"""
_REAL_PARENTS = r"""
cd "$1" || exit 3
real=$(pwd -P)
xargs -0 -r sh -c 'real=$1; shift
for d; do
  case $(cd "$d" 2>/dev/null && pwd -P)/ in "$real"/*) ;; *) printf "%s\0" "$d" ;; esac
done' sh "$real"
printf 'E\0'
"""
_EXTRACT = (
    *("tar", "--extract", "--file=-", "--preserve-permissions", "--same-owner", "--delay-directory-restore"),
    *("--xattrs", "--xattrs-include=*", "--acls", "--quoting-style=escape", "--warning=no-timestamp"),
)


def judge_entries(entries: Iterable[Entry], covers: Callable[[bytes], bool]) -> None:
    """Refuse entries that would reach beyond their place. Raises HostileContent."""
    by_path = {}
    for entry in entries:
        _judge_path(entry, covers)
        by_path[entry.path] = entry
    for path, entry in by_path.items():
        for above in ancestors(path):
            if above in by_path and by_path[above].kind != "directory":
                raise _hostile(entry, f"lies below {path_to_text(above)}, which is a {by_path[above].kind}")
        if entry.kind == "hardlink":
            target = by_path.get(entry.link_target or b"")
            if target is None or target.kind != "file":
                raise _hostile(entry, "is a hardlink to something that is not restored with it")
        if entry.kind == "symlink":
            link = entry.link_target or b""
            if not link or b"\0" in link or len(link) > LONGEST_PATH:
                raise _hostile(entry, "is a symlink to what cannot be a path")


def _judge_path(entry: Entry, covers: Callable[[bytes], bool]) -> None:
    path = entry.path
    if entry.kind not in RESTORABLE:
        raise _hostile(entry, f"is of kind {entry.kind}, which is never written")
    names = path[1:].split(b"/") if path != b"/" else []
    if not path.startswith(b"/") or b"\0" in path or len(path) > LONGEST_PATH:
        raise _hostile(entry, "is no absolute path")
    if any(name in (b"", b".", b"..") or len(name) > LONGEST_NAME for name in names):
        raise _hostile(entry, "is no plain path")
    if not covers(path):
        raise _hostile(entry, "does not belong to this item")
    if entry.mode is not None and not 0 <= entry.mode <= 0o7777:
        raise _hostile(entry, "has a mode that is none")


def _hostile(entry: Entry, message: str) -> HostileContent:
    return HostileContent(
        f"This {message}; nothing was written",
        item=path_to_text(entry.path),
        hint="Look at where this generation comes from before you restore anything of it.",
    )


def ancestors(path: bytes) -> Iterator[bytes]:
    """The folders above a path, from ``/`` on down."""
    if path != b"/":
        yield b"/"
        at = path.find(b"/", 1)
        while at > 0:
            yield path[:at]
            at = path.find(b"/", at + 1)


@dataclass
class Removal:
    """What has to go before the tree is written, each list in its order."""

    files: list[bytes] = field(default_factory=list)
    folders: list[bytes] = field(default_factory=list)


def plan_removal(
    wanted: Sequence[Entry], current: Sequence[Entry], there: dict[bytes, str], covers: Callable[[bytes], bool]
) -> Removal:
    """What of the target stands in the way or is not wanted any more.

    :param there: path -> find's letter of what the target has, symlinks not followed
    :raises RestoreRefused: writing would go through a symlink, or below something that is no folder
    """
    by_path = {entry.path: entry for entry in wanted}
    blocked = {
        path for path, entry in by_path.items() if path in there and (there[path] == "d") != (entry.kind == "directory")
    }
    for path in by_path:
        for above in ancestors(path):
            kind = there.get(above, "")
            if above in blocked:
                break  # it goes, and what seems to be below it is somewhere else
            if kind == "l" and covers(above):
                raise _refused(above, "is a symlink on the target now, and the restore would be written through it")
            if kind not in ("", "d", "l"):
                raise _refused(above, "is no folder on the target, and nothing can be written below it")
    gone = {entry.path for entry in current if entry.path not in by_path and covers(entry.path)} & set(there)
    gone = {path for path in gone if not any(there.get(above) == "l" for above in ancestors(path) if covers(above))}
    removal = Removal()
    for path in sorted(gone | blocked, reverse=True):
        (removal.folders if there[path] == "d" else removal.files).append(path)
    return removal


def _refused(path: bytes, message: str) -> RestoreRefused:
    return RestoreRefused(
        f"This {message}",
        item=path_to_text(path),
        hint="Look at it; remove it by hand if it should not be there, then restore again.",
    )


class TreeRestore:
    """One restore of one tree."""

    def __init__(
        self, transport: Transport, root: bytes, become: Become, item: str, covers: Callable[[bytes], bool]
    ) -> None:
        self._transport = transport
        self._root = root
        self._become = become
        self._item = item
        self._covers = covers

    def run(self, wanted: Iterable[Gathered], current: Sequence[Entry]) -> None:
        """Put it back. Raises HostileContent, RestoreRefused (nothing was touched) or RestoreFailed."""
        contents = {entry.path: (entry, content) for entry, content in wanted}
        entries = [entry for entry, _content in contents.values()]
        judge_entries(entries, self._covers)
        there = self._survey(entries, current)
        removal = plan_removal(entries, current, there, self._covers)
        self._remove(["rm", "-f", "--"], removal.files)
        self._remove(["rmdir", "--ignore-fail-on-non-empty", "--"], removal.folders)
        self._drop_attributes(entries, current, there)
        self._extract(list(contents.values()))

    def _survey(self, entries: Sequence[Entry], current: Sequence[Entry]) -> dict[bytes, str]:
        paths: set[bytes] = set()
        for entry in (*entries, *current):
            if self._covers(entry.path):
                paths.add(entry.path)
                paths.update(ancestors(entry.path))
        there = {
            seen_from_root(record[1:]): record[:1].decode("ascii", "replace") for record in self._ask(_SURVEY, paths)
        }
        if self._root != b"/":
            outer = {above for entry in entries for above in ancestors(entry.path) if there.get(above) in ("d", "l")}
            outside = sorted(self._ask(_REAL_PARENTS, {path for path in outer if not self._covers(path)}))
            if outside:
                raise _refused(seen_from_root(outside[0]), f"leads out of {path_to_text(self._root)} on the target")
        return there

    def _ask(self, script: str, paths: Iterable[bytes]) -> list[bytes]:
        result = self._transport.run(
            ["sh", "-c", script, "sh", self._root],
            input=_names(sorted(paths)),
            become=self._become,
            limit=SURVEY_LIMIT,
        )
        if result.rc == 3:
            raise RestoreRefused("The folder that counts as root cannot be entered", item=path_to_text(self._root))
        if result.rc == 4:
            raise RestoreRefused(
                "The target has no GNU tar and GNU find, files cannot be restored there",
                item=self._item,
                hint="Install the packages tar and findutils on the target.",
            )
        records = result.stdout.split(b"\0")
        denied = [line for line in complaints_of_find(result.stderr) if not line.endswith(_ABSENT)]
        if records[-2:] != [b"E", b""] or denied:
            story = denied[0].decode("utf-8", "replace") if denied else result.complaint
            raise RestoreRefused(f"The target cannot be looked at ({story})", item=self._item)
        return records[:-2]

    def _remove(self, command: Sequence[str], paths: Sequence[bytes]) -> None:
        if not paths:
            return
        result = self._transport.run(
            ["sh", "-c", 'cd "$1" || exit 3; shift; exec xargs -0 "$@"', "sh", self._root, *command],
            input=_names(paths),
            become=self._become,
        )
        if result.rc != 0:
            raise RestoreFailed(
                f"What is not wanted any more cannot be removed ({result.complaint})",
                host=self._transport.host,
                item=self._item,
            )

    def _drop_attributes(self, entries: Sequence[Entry], current: Sequence[Entry], there: dict[bytes, str]) -> None:
        """Folders are kept, not made anew: extended attributes that they gained since must go one by one."""
        before = {entry.path: entry for entry in current if entry.kind == "directory" and there.get(entry.path) == "d"}
        surplus: dict[str, list[bytes]] = {}
        for entry in entries:
            if entry.kind == "directory" and entry.path in before:
                for name in before[entry.path].xattrs.keys() - entry.xattrs.keys():
                    surplus.setdefault(name, []).append(entry.path)
        for name, paths in sorted(surplus.items()):
            self._remove(["setfattr", "-h", "-x", name, "--"], paths)

    def _extract(self, contents: Sequence[Gathered]) -> None:
        stages: dict[str, int] = {"directory": 0, "hardlink": 2}
        ordered = sorted(contents, key=lambda one: stages.get(one[0].kind, 1))
        folders = sorted((one for one in ordered if one[0].kind == "directory"), key=lambda one: one[0].path)
        ordered[: len(folders)] = folders
        stream = archive((_member(entry), content) for entry, content in ordered)
        result = self._transport.run([*_EXTRACT, "-C", self._root], input=stream, become=self._become)
        problems = list(complaints(result.stderr))
        if result.rc == 0 and not problems:
            return
        problems = problems or [(b"", f"tar ended with exit status {result.rc}")]
        path, message = next((one for one in problems if _hint(one[1])), problems[0])
        raise RestoreFailed(
            f"It cannot be written as it was: {message}" + (f" (and {len(problems) - 1} more)" if problems[1:] else ""),
            host=self._transport.host,
            item=path_to_text(path) or self._item,
            hint=_hint(message),
            problems=[f"{path_to_text(one)}: {what}" for one, what in problems[:MOST_PROBLEMS]],
        )


def complaints_of_find(stderr: bytes) -> list[bytes]:
    """The lines of find in an error output."""
    return [line for line in stderr.split(b"\n") if line.startswith(b"find: ")]


def _hint(message: str) -> str | None:
    if "No space left" in message or "Wrote only" in message or "quota exceeded" in message:
        return "Free some space on the target and restore again."
    if "Operation not permitted" in message or "Permission denied" in message:
        return "Restore as root (become), only root can give files to other owners."
    return None


def _names(paths: Iterable[bytes]) -> bytes:
    return b"".join(below_root(path) + b"\0" for path in paths)


def _member(entry: Entry) -> TarMember:
    return TarMember(
        name=below_root(entry.path),
        kind=entry.kind,
        mode=entry.mode if entry.mode is not None else (0o755 if entry.kind == "directory" else 0o644),
        uid=entry.uid or 0,
        gid=entry.gid or 0,
        owner=(entry.owner or "").encode("utf-8"),
        group=(entry.group or "").encode("utf-8"),
        mtime_ns=entry.mtime_ns or 0,
        size=entry.size,
        link=below_root(entry.link_target or b"") if entry.kind == "hardlink" else (entry.link_target or b""),
        acl_access=entry.acl_access.encode("utf-8") if entry.acl_access is not None else None,
        acl_default=entry.acl_default.encode("utf-8") if entry.acl_default is not None else None,
        xattrs={name.encode("utf-8"): value for name, value in entry.xattrs.items()},
    )
