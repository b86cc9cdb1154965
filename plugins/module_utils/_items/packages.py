# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which packages are installed, in which versions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .._entries import Entry, Gathered, ItemReport
from .._errors import CommandFailed
from .._transport.base import Transport
from .base import Item

_LIST = r"""
if command -v dpkg-query >/dev/null 2>&1; then
  form='${db:Status-Abbrev}\t${Package}\t${Version}\t${Architecture}\n'
  dpkg-query --admindir="${1%/}/var/lib/dpkg" -W -f "$form" && echo '@dpkg'
elif command -v rpm >/dev/null 2>&1; then
  form='ii \t%{NAME}\t%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\t%{ARCH}\n'
  rpm --root "$1" -qa --qf "$form" && echo '@rpm'
elif command -v apk >/dev/null 2>&1; then
  list=$(apk --root "$1" list -I 2>/dev/null) &&
    printf '%s\n' "$list" | sed -n 's/^\(.*\)-\([^-]*-r[0-9]*\) \([^ ]*\) .*/ii \t\1\t\2\t\3/p' && echo '@apk'
else
  echo '@none'
fi
"""


@dataclass
class Packages(Item):
    """The list of installed packages, as an entry of kind ``output`` and path ``/@packages/<item>``.

    One package a line, sorted: name, version, architecture, with tabs between. What is installed is not restored, but
    a restore to another release can be told from it. No package manager (dpkg, rpm, apk): ``found`` False.
    ``root``: the folder that counts as ``/``.
    """

    restorable: bool = False
    root: str = "/"

    @property
    def path(self) -> bytes:
        """The path of its one entry."""
        return b"/@packages/" + self.name.encode("utf-8")

    def covers(self, path: bytes) -> bool:
        return path == self.path

    def gather(self, transport: Transport, report: ItemReport) -> Iterator[Gathered]:
        packages = _installed(transport, self.root)
        if packages is None:
            report.found = False
            return
        manager, lines = packages
        report.notes["manager"] = manager
        content = b"".join(line + b"\n" for line in lines)
        if not lines:
            report.problem(self.path, f"{manager} knows no package at all")
        entry = Entry(
            item=self.name,
            data_class=self.data_class,
            kind="output",
            path=self.path,
            size=len(content),
            sensitive=self.sensitive,
        )
        yield entry, (content,)


def _installed(transport: Transport, root: str) -> tuple[str, list[bytes]] | None:
    result = transport.run(["sh", "-c", _LIST, "sh", root])
    lines = result.stdout.splitlines()
    end = lines.pop().decode("ascii", "replace") if lines and lines[-1].startswith(b"@") else ""
    if end == "@none":
        return None
    if not end:
        raise CommandFailed(
            f"The list of packages broke off ({result.complaint or f'exit status {result.rc}'})", host=transport.host
        )
    fields = (line.split(b"\t", 1) for line in lines)
    return end[1:], sorted(rest for state, rest in fields if state[1:2] == b"i")


def installed_version(transport: Transport, package: str, root: str = "/") -> str | None:
    """The version of an installed package; None when it is not installed, or nothing knows packages here."""
    packages = _installed(transport, root)
    for line in packages[1] if packages else ():
        name, version, _architecture = line.decode("utf-8", "replace").split("\t")
        if name == package:
            return version
    return None
