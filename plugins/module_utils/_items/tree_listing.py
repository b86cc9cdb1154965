# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is there: a command on the host expands the globs and lists everything below them.

The same command then waits to be told what of it is wanted, and sends that (tree_conversation.py): one session on the
host for each tree.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from .._entries import ItemReport, path_to_text
from .._errors import CommandFailed, RecoveryError
from .._transport.base import Argument, Become, Transport

MOST_NOTES = 20
MOUNTS = "mounts"
"""The note that names every folder that is on another file system than the one above it."""
KEPT = "fdlp"
"""find's letters of what is kept: files, folders, symlinks, FIFOs."""
LISTING_LIMIT = 512 * 2**20
"""Bytes of names, some millions of files."""

TAR = (
    *("tar", "--create", "--file=-", "--format=posix", "--pax-option=delete=atime,delete=ctime", "--no-recursion"),
    *("--xattrs", "--acls", "--quoting-style=escape"),
)
"""Makes the archive that the reader understands, of names from a list."""
SCRIPT = r"""
give_up() { printf 'X%s\0' "$1"; exit "$1"; }
cd "$1" || give_up 3
root=$1 xdev=$2 measure=$3
shift 3
gnu() {
  case $("$1" --version 2>/dev/null) in *GNU*) return 0 ;; esac
  return 1
}
[ -z "$measure" ] || gnu tar || give_up 4
[ "$root" = / ] || real=$(pwd -P)
IFS=
inside() {
  [ "$root" = / ] && return 0
  case $(cd "${1%/*}" 2>/dev/null && pwd -P)/ in "$real"/*) return 0 ;; esac
  printf 'O%s\0' "$1"
  return 1
}
closed() {
  way= rest=$1
  while [ "$rest" != "${rest#*/}" ]; do
    way=$way${rest%%/*} rest=${rest#*/} next=-x
    case ${rest%%/*} in *[*?[]*) next=-r ;; esac
    for d in $way; do
      [ -d "$d" ] || continue
      [ -x "$d" ] && [ $next "$d" ] || printf "find: '%s': Permission denied\\n" "$d" >&2
    done
    way=$way/
  done
}
expand() {
  p=$1
  set --
  case $p in *[*?[]*) closed "$p" ;; esac
  for m in $p; do
    if [ -e "$m" ] || [ -L "$m" ]; then inside "$m" && set -- "$@" "$m"; fi
  done
  if [ $# = 0 ]; then
    printf 'N%s\0' "$p"
    find "$p" -maxdepth 0 >/dev/null
    return
  fi
  printf 'M%s\0' "$@"
  list "$@" || { code=$?; gnu find || exit 4; printf 'F%s\0' "$code"; }
}
list() {
  set -- "$@" $xdev \( -fstype proc -o -fstype sysfs -o -fstype cgroup -o -fstype cgroup2 \
    -o -fstype devpts -o -fstype securityfs -o -fstype debugfs -o -fstype tracefs \) -prune -o
  if [ -n "$measure" ]; then
    find "$@" -printf '%y%p\0Z%s\0' \( -type l -o -readable -o -printf 'U%p\0' \)
  else
    find "$@" -printf '%y%p\0' \( -type d -printf 'V%D\0' -o \
      -type f -links 1 -size +511 -cmin +1 -printf 'K%D %i %s %T@ %C@\0' \)
  fi
}
exec 3>&1
complaints=$(for p; do expand "$p"; done 2>&1 >&3; exit 0) || give_up $?
exec 3>&-
printf 'C%s\0E\0' "$complaints"
read -r wanted || exit 0
@tar@ -C "$root" --null --files-from=- || { code=$?; gnu tar || exit 4; exit "$code"; }
""".replace("@tar@", " ".join(TAR))
"""Arguments: root, ``-xdev`` or nothing, ``measure`` or nothing, the globs.

Of a file of 256 KiB and more that has one name, and that nobody touched for a minute, it says what would be another had
it been written to since: device, inode, size and times. So no change hides in the tick of a coarse clock.

``closed`` complains, as find does, of folders on the way of a glob that may not be looked into: the shell passes over
them in silence. Only where they fail it is asked whether find and tar are GNU's: each such question is a program more
on every host of a fleet, each time."""

_COMPLAINT = re.compile(rb"find: '?(.*?)'?: ([^:]+)\Z", re.DOTALL)


NO_TOOLS = "the host has no GNU tar or no GNU find"


class ToolsMissing(RecoveryError):
    """The host has no GNU tar or no GNU find."""


@dataclass
class Listing:
    """``kinds``: path -> find's letter (f d l p s b c), sorted by path. ``matched`` are the paths that the globs
    gave. ``sizes`` in bytes, where they were asked for. ``versions``: what a large file's host says of it, see
    :class:`.._entries.Entry`. ``mounts``: folders on another file system than the one above
    them, where that one is listed too."""

    kinds: dict[bytes, str] = field(default_factory=dict)
    matched: list[bytes] = field(default_factory=list)
    unmatched: list[bytes] = field(default_factory=list)
    problems: list[tuple[bytes, str]] = field(default_factory=list)
    sizes: dict[bytes, int] = field(default_factory=dict)
    versions: dict[bytes, bytes] = field(default_factory=dict)
    mounts: list[bytes] = field(default_factory=list)


def arguments(globs: Sequence[bytes], root: bytes, one_file_system: bool, measure: bool = False) -> list[Argument]:
    """The command that lists everything at and below the globs, as seen from ``root``.

    :param measure: tell sizes too, and as a problem what may not be read
    """
    relative = [b"." + glob.rstrip(b"/") if glob != b"/" else b"." for glob in globs]
    options = ("-xdev" if one_file_system else "", "measure" if measure else "")
    return ["sh", "-c", SCRIPT, "sh", root, *options, *relative]


def measure_tree(
    transport: Transport, globs: Sequence[bytes], root: bytes, become: Become, one_file_system: bool
) -> Listing:
    """The listing alone, with sizes. Raises like :func:`understand`."""
    command = arguments(globs, root, one_file_system, measure=True)
    result = transport.run(command, become=become, limit=LISTING_LIMIT)
    return understand(result.stdout, transport.host, root, result.complaint)


def is_whole(said: bytes | bytearray) -> bool:
    """Whether the listing is at its end: a record that is only a letter, which no path is."""
    return said.endswith((b"\0E\0", b"\0X3\0", b"\0X4\0")) or said in (b"X3\0", b"X4\0")


def understand(said: bytes, host: str, root: bytes, complaint: str = "") -> Listing:
    """The listing that the command wrote.

    :param complaint: what else was said, for a message
    :raises ToolsMissing: there is no GNU tar and find
    :raises CommandFailed: there is no such root, or the listing broke off
    """
    records = said.split(b"\0")
    if records[-2:] == [b"X3", b""]:
        raise CommandFailed("The folder that counts as root cannot be entered", host=host, item=_shown(root))
    if records[-2:] == [b"X4", b""]:
        raise ToolsMissing(NO_TOOLS, host=host)
    if records[-2:] != [b"E", b""] or not b"".join(records[-3:-2]).startswith(b"C"):
        raise CommandFailed(f"The listing of files broke off ({complaint})", host=host)
    listing = Listing()
    complaints_text = records[-3][1:]
    listing.problems, complaints = _complaints(complaints_text)
    last = b""
    devices: dict[bytes, bytes] = {}
    for record in records[:-3]:
        letter, path = record[:1].decode("ascii", "replace"), seen_from_root(record[1:])
        if letter == "Z" and record[1:].isdigit():
            listing.sizes[last] = int(record[1:])
        elif letter == "V":
            devices[last] = record[1:]
        elif letter == "K":
            listing.versions[last] = record[1:]
        elif letter == "U":
            if listing.kinds.get(path, "") in ("f", "d"):
                listing.problems.append((path, "Permission denied"))
        elif letter == "N":
            listing.unmatched.append(path)
        elif letter == "M":
            listing.matched.append(path)
        elif letter == "O":
            listing.problems.append((path, leads_out(root)))
        elif letter == "F":
            if record != b"F1" or not complaints:
                said_last = complaints_text.decode("utf-8", "replace").strip().rpartition("\n")[2] or complaint
                raise CommandFailed(f"The listing of files broke off ({said_last[:500]})", host=host)
        else:
            listing.kinds[path] = letter
            last = path
    listing.kinds = dict(sorted(listing.kinds.items()))
    listing.mounts = [path for path, device in sorted(devices.items()) if devices.get(_above(path), device) != device]
    denied = {path for path, _message in listing.problems}
    listing.unmatched = [path for path in listing.unmatched if path not in denied]
    return listing


def _complaints(said: bytes) -> tuple[list[tuple[bytes, str]], int]:
    """What find could not look into, and how often it complained at all."""
    problems: dict[bytes, str] = {}
    lines = [line for line in said.split(b"\n") if line.startswith(b"find: ")]
    for line in lines:
        found = _COMPLAINT.match(line)
        path, message = (seen_from_root(found[1]), found[2]) if found else (b"", line)
        if message != b"No such file or directory":  # what vanishes before it is listed was not there
            problems.setdefault(path, message.decode("utf-8", "replace"))
    return list(problems.items()), len(lines)


def seen_from_root(name: bytes) -> bytes:
    """``./etc/hosts`` or ``./etc/`` -> ``/etc/hosts``, ``/etc``."""
    if name.startswith(b"./"):
        name = name[1:]
    elif name == b".":
        return b"/"
    return name.rstrip(b"/") or b"/"


def below_root(path: bytes) -> bytes:
    """``/etc/hosts`` -> ``./etc/hosts``."""
    return b"." + path if path != b"/" else b"."


def _above(path: bytes) -> bytes:
    return path.rpartition(b"/")[0] or b"/"


def note(report: ItemReport, name: str, path: bytes) -> None:
    """Note a path under a name; of many only the first few."""
    paths = report.notes.setdefault(name, [])
    if len(paths) < MOST_NOTES:
        paths.append(path_to_text(path))
    elif len(paths) == MOST_NOTES:
        paths.append("and more")


def leads_out(root: bytes) -> str:
    """Why something is not read that lies elsewhere."""
    return f"a symlink above it leads out of {_shown(root)}, so it is not read"


def _shown(path: bytes) -> str:
    return path.decode("utf-8", "replace")
