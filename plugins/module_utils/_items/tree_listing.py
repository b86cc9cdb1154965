# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is there: one command on the host expands the globs and lists everything below them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from .._entries import ItemReport, path_to_text
from .._errors import CommandFailed, RecoveryError
from .._transport.base import Become, Transport

MOST_NOTES = 20
KEPT = "fdlp"
"""find's letters of what is kept: files, folders, symlinks, FIFOs."""
LISTING_LIMIT = 512 * 2**20
"""Bytes of names, some millions of files."""

_SCRIPT = r"""
cd "$1" || exit 3
root=$1 xdev=$2 measure=$3
shift 3
case $(tar --version 2>/dev/null) in *GNU*) ;; *) exit 4 ;; esac
case $(find --version 2>/dev/null) in *GNU*) ;; *) exit 4 ;; esac
real=$(pwd -P)
IFS=
inside() {
  [ "$root" = / ] && return 0
  case $(cd "${1%/*}" 2>/dev/null && pwd -P)/ in "$real"/*) return 0 ;; esac
  printf 'O%s\0' "$1"
  return 1
}
expand() {
  p=$1
  set --
  for m in $p; do
    if [ -e "$m" ] || [ -L "$m" ]; then inside "$m" && set -- "$@" "$m"; fi
  done
  if [ $# = 0 ]; then
    printf 'N%s\0' "$p"
    find "$p" -maxdepth 0 >/dev/null
    d=${p%/*}
    if [ -d "$d" ] && [ ! -r "$d" ]; then echo "find: '$d': Permission denied" >&2; fi
    return
  fi
  printf 'M%s\0' "$@"
  list "$@" || printf 'F%s\0' "$?"
}
list() {
  set -- "$@" $xdev \( -fstype proc -o -fstype sysfs -o -fstype cgroup -o -fstype cgroup2 \
    -o -fstype devpts -o -fstype securityfs -o -fstype debugfs -o -fstype tracefs \) -prune -o
  if [ -n "$measure" ]; then
    find "$@" -printf '%y%p\0Z%s\0' \( -type l -o -readable -o -printf 'U%p\0' \)
  else
    find "$@" -printf '%y%p\0'
  fi
}
for p; do expand "$p"; done
printf 'E\0'
"""

_COMPLAINT = re.compile(rb"find: '?(.*?)'?: ([^:]+)\Z", re.DOTALL)


class ToolsMissing(RecoveryError):
    """The host has no GNU tar or no GNU find."""


@dataclass
class Listing:
    """``kinds``: path -> find's letter (f d l p s b c), sorted by path. ``matched`` are the paths that the globs
    gave. ``sizes`` in bytes, where they were asked for."""

    kinds: dict[bytes, str] = field(default_factory=dict)
    matched: list[bytes] = field(default_factory=list)
    unmatched: list[bytes] = field(default_factory=list)
    problems: list[tuple[bytes, str]] = field(default_factory=list)
    sizes: dict[bytes, int] = field(default_factory=dict)


def list_tree(
    transport: Transport,
    globs: Sequence[bytes],
    root: bytes,
    become: Become,
    one_file_system: bool,
    measure: bool = False,
) -> Listing:
    """List everything at and below the globs, as seen from ``root``.

    :param measure: tell sizes too, and as a problem what may not be read
    :raises ToolsMissing: there is no GNU tar and find
    :raises CommandFailed: there is no such root, or the listing broke off
    """
    relative = [b"." + glob.rstrip(b"/") if glob != b"/" else b"." for glob in globs]
    result = transport.run(
        ["sh", "-c", _SCRIPT, "sh", root, "-xdev" if one_file_system else "", "measure" if measure else "", *relative],
        become=become,
        limit=LISTING_LIMIT,
    )
    if result.rc == 3:
        raise CommandFailed("The folder that counts as root cannot be entered", host=transport.host, item=_shown(root))
    if result.rc == 4:
        raise ToolsMissing("the host has no GNU tar or no GNU find", host=transport.host)
    listing = Listing()
    records = result.stdout.split(b"\0")
    if records[-2:] != [b"E", b""]:
        raise CommandFailed(f"The listing of files broke off ({result.complaint})", host=transport.host)
    listing.problems, complaints = _complaints(result.stderr)
    last = b""
    for record in records[:-2]:
        letter, path = record[:1].decode("ascii", "replace"), seen_from_root(record[1:])
        if letter == "Z" and record[1:].isdigit():
            listing.sizes[last] = int(record[1:])
        elif letter == "U":
            if listing.kinds.get(path, "") in ("f", "d"):
                listing.problems.append((path, "Permission denied"))
        elif letter == "N":
            listing.unmatched.append(path)
        elif letter == "M":
            listing.matched.append(path)
        elif letter == "O":
            listing.problems.append((path, f"a symlink above it leads out of {_shown(root)}, so it is not read"))
        elif letter == "F":
            if record != b"F1" or not complaints:
                raise CommandFailed(f"The listing of files broke off ({result.complaint})", host=transport.host)
        else:
            listing.kinds[path] = letter
            last = path
    listing.kinds = dict(sorted(listing.kinds.items()))
    denied = {path for path, _message in listing.problems}
    listing.unmatched = [path for path in listing.unmatched if path not in denied]
    return listing


def _complaints(stderr: bytes) -> tuple[list[tuple[bytes, str]], int]:
    """What find could not look into, and how often it complained at all."""
    problems: dict[bytes, str] = {}
    lines = [line for line in stderr.split(b"\n") if line.startswith(b"find: ")]
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


def note(report: ItemReport, name: str, path: bytes) -> None:
    """Note a path under a name; of many only the first few."""
    paths = report.notes.setdefault(name, [])
    if len(paths) < MOST_NOTES:
        paths.append(path_to_text(path))
    elif len(paths) == MOST_NOTES:
        paths.append("and more")


def _shown(path: bytes) -> str:
    return path.decode("utf-8", "replace")
