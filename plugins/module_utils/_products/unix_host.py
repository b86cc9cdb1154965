# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looks at a Unix host: who it is, what it runs, which of some paths are there. One command, nothing is changed."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .._errors import CommandFailed
from .._items.tree_listing import SCRIPT as TREE_SCRIPT
from .._transport.base import Become, Transport

_LOOK = r"""
root=${1%/}
IFS=
say() {
  value=
  [ -r "$2" ] && { read -r value <"$2" || :; }
  [ -z "$value" ] || printf '%s=%s\n' "$1" "$value"
} 2>/dev/null
say machine_id "$root/etc/machine-id"
say dbus_id "$root/var/lib/dbus/machine-id"
say hostname "$root/etc/hostname"
say debian "$root/etc/debian_version"
for file in "$root/etc/os-release" "$root/usr/lib/os-release"; do
  [ -r "$file" ] || continue
  while read -r line || [ -n "$line" ]; do
    case $line in [A-Z_]*=*) printf 'os.%s\n' "$line" ;; esac
  done <"$file"
  break
done
if [ -z "$root" ]; then
  system=/proc/sys/kernel
  if [ -r $system/hostname ] && [ -r $system/osrelease ] && [ -r $system/arch ]; then
    read -r node <$system/hostname; read -r kernel <$system/osrelease; read -r arch <$system/arch
    printf 'uname=%s %s %s\n' "$node" "$kernel" "$arch"
  else
    printf 'uname=%s\n' "$(uname -nrm)"
  fi
  for name in product_serial product_uuid product_name sys_vendor; do say "dmi.$name" "/sys/class/dmi/id/$name"; done
  say dmi.product_serial /proc/device-tree/serial-number
  for card in /sys/class/net/*; do [ -e "$card/device" ] && say mac "$card/address"; done
fi
echo looked=yes
"""
"""The shell reads by itself: some dozen programs less on every host of a fleet, each time."""
_HIDDEN = r"""
hidden() {
  [ -e "$1" ] && return 1
  way=$1 links=0
  while :; do
    at=$way
    while [ -n "$at" ] && [ ! -e "$at" ] && [ ! -L "$at" ]; do at=${at%/*}; done
    [ -L "$at" ] && [ ! -e "$at" ] && [ $links -lt 40 ] && to=$(readlink "$at") || break
    links=$((links + 1)) rest=${way#"$at"}
    case $to in /*) way=$to$rest ;; *) way=${at%/*}/$to$rest ;; esac
  done
  [ -d "$at" ] && [ ! -x "$at" ]
}
"""
"""Whether nobody knows if a path is there: the last folder on the way to it may not be looked into. Symlinks are
followed; ``way`` is then the path behind them, ``at`` that folder."""
_PRESENT = (
    _HIDDEN
    + r"""
root=${1%/}; kind=$2; shift 2
for path do
  if [ "$kind" "$root$path" ]; then
    [ -L "$root$path" ] && target=$(readlink -f "$root$path") || target=
  elif hidden "$root$path"; then
    target=
    [ "$way" = "$root$path" ] || target=$(cd "${at%/*}/" && pwd -P)/${at##*/}${way#"$at"}
  else
    continue
  fi
  printf '%s\0' "$path"
  case $target in "$root"/*) printf '%s\0' "${target#"$root"}";; esac
done
printf 'looked\0'
"""
)
_NOT_THERE = 44
_READ = (
    _HIDDEN
    + r"""
if [ -e "$1" ] && [ ! -d "$1" ] || hidden "$1"; then exec cat -- "$1"; fi
exit 44
"""
)
_PLACEHOLDER_SERIAL = re.compile(
    r"(to be filled.*|not (specified|applicable|available)|default string|system serial number|none|unknown|n/?a"
    r"|0+|x+|1234567890?|03000200.*)",
    re.IGNORECASE,
)
_PLAINLY_QUOTED = re.compile(r'"[^"\\]+"|[^\s"\'\\]+')
LONGEST = 4096
"""Characters of a value that are looked at."""
_NO_MACS = ("00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff")


@dataclass
class HostLook:
    """What was seen. ``identity`` is fit for a probe; ``os`` are the fields of os-release."""

    identity: dict[str, Any] = field(default_factory=dict)
    os: dict[str, str] = field(default_factory=dict)
    kernel: str = ""
    architecture: str = ""
    debian_version: str = ""
    hardware: str = ""

    @property
    def release(self) -> str:
        """The operating system as it calls itself."""
        return self.os.get("PRETTY_NAME") or " ".join(filter(None, (self.os.get("NAME"), self.os.get("VERSION"))))

    def facts(self) -> dict[str, str]:
        """What may be shown of the host."""
        facts = {
            "os_id": self.os.get("ID", ""),
            "os_version_id": self.os.get("VERSION_ID", ""),
            "os": self.release,
            "kernel": self.kernel,
            "architecture": self.architecture,
            "hardware": self.hardware,
        }
        return {key: value for key, value in facts.items() if value}


def look_at_host(transport: Transport, root: str, become: Become) -> HostLook:
    """Look at the host, or at the tree of one at ``root``.

    :raises CommandFailed: the host has no POSIX shell with the usual small programs
    """
    transport.expect(TREE_SCRIPT, become)
    result = transport.run(["sh", "-c", _LOOK, "sh", root], become=become)
    lines = result.text.splitlines()
    if "looked=yes" not in lines:
        raise CommandFailed(
            f"The host cannot be looked at ({result.complaint or f'exit status {result.rc}'})", host=transport.host
        )
    return _look(lines)


def existing(
    transport: Transport, root: str, become: Become, paths: Iterable[str], files_only: bool = False
) -> list[str]:
    """Those of the absolute paths that are there, in their order; behind a symlink what it finally points to.

    What may be there, in a folder that this login may not look into, counts as there: whoever reads it will complain.

    :raises CommandFailed: the host did not come to the end of the paths
    """
    asked = list(paths)
    if not asked:
        return []
    result = transport.run(
        ["sh", "-c", _PRESENT, "sh", root, "-f" if files_only else "-e", *_raw(asked)], become=become
    )
    *found, mark, last = [b"", b"", *result.stdout.split(b"\0")]
    if (mark, last) != (b"looked", b""):
        why = result.complaint or f"exit status {result.rc}"
        raise CommandFailed(f"The host did not tell which of some paths are there ({why})", host=transport.host)
    there = (posixpath.normpath(path.decode("utf-8", "surrogateescape")) for path in found if path)
    return list(dict.fromkeys(there))


@dataclass
class TextReader:
    """Reads small files of a host. ``unread``: those that may be there and could not be read, with the reason."""

    transport: Transport
    root: str
    become: Become
    unread: dict[str, str] = field(default_factory=dict)

    def __call__(self, path: str) -> bytes | None:
        """The content, None when there is no such file or it could not be read."""
        place = posixpath.join(self.root, path.lstrip("/"))
        result = self.transport.run(["sh", "-c", _READ, "sh", *_raw([place])], become=self.become)
        if result.rc == 0:
            return result.stdout
        if result.rc != _NOT_THERE:
            self.unread[path] = result.complaint or f"exit status {result.rc}"
        return None


def _raw(paths: Iterable[str]) -> list[bytes]:
    return [path.encode("utf-8", "surrogateescape") for path in paths]


def _look(lines: Iterable[str]) -> HostLook:
    seen: dict[str, str] = {}
    macs: set[str] = set()
    look = HostLook()
    for line in lines:
        name, _equals, value = line.partition("=")
        value = value.strip()[:LONGEST]
        if name == "mac":
            macs.add(value.lower())
        elif name.startswith("os."):
            look.os[name[3:]] = _unquoted(value)
        elif value:
            seen.setdefault(name, value)
    nodename, look.kernel, look.architecture = [*seen.get("uname", "").split(), "", "", ""][:3]
    look.debian_version = seen.get("debian", "")
    look.hardware = " ".join(filter(None, (seen.get("dmi.sys_vendor"), seen.get("dmi.product_name"))))
    identity = {
        "machine_id": seen.get("machine_id") or seen.get("dbus_id"),
        "product_uuid": _real(seen.get("dmi.product_uuid", "")).lower(),
        "serial": _real(seen.get("dmi.product_serial", "")),
        "hostname": seen.get("hostname") or nodename,
        "macs": sorted(macs - set(_NO_MACS)),
    }
    if identity["machine_id"] == "uninitialized":
        identity["machine_id"] = ""
    look.identity = {key: value for key, value in identity.items() if value}
    return look


def _real(serial: str) -> str:
    return "" if _PLACEHOLDER_SERIAL.fullmatch(serial.replace("-", "")) else serial


def _unquoted(value: str) -> str:
    if _PLAINLY_QUOTED.fullmatch(value):
        return value.strip('"')
    try:
        return " ".join(shlex.split(value))
    except ValueError:
        return value.strip("\"'")
