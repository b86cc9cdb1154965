# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the status service of a STARFACE says of its backups: rows of a text, judged for each declared storage place.

The service is the module "Monitoring" of Fluxpunkt, a third party, on TCP port 6556. Its text and codes are known from
the public check of Linuxfabrik (github.com/Linuxfabrik/monitoring-plugins, starface-backup-status) and its test data:
``[SMB]192.0.2.6:/share 1556666025340 de.vertico.backup.mountfail``. The list of codes is not complete, so everything
but success is a failure. A row of a place that is not used any more stays for years: only declared ones count. A name
may hold blanks, so a row is taken apart from the right.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .starface_targets import Target

PORT = 6556
SECTION = "starface_backups"
CODE_PREFIX = "de.vertico.backup."
SUCCESS = "successful"
ALREADY_RUNNING = "alreadyRunning"
CODES: Mapping[str, str] = {
    SUCCESS: "succeeded",
    "mountfail": "the share could not be mounted: address, share, login, or SMBv1 and security mode",
    ALREADY_RUNNING: "another backup or the archive job was running",
    "mailtobig": "the file is too large for the mail server",
    "sftpRightProblem": "the SFTP account may not write there",
}
"""What is publicly known of the codes."""
EVERYWHERE = "ALL"
"""The kind in a row that is about a run as a whole."""

_HEADING = re.compile(r"<<<(?P<name>[^<>]{1,100})>>>")
_VERSION = re.compile(r"\bstarface_version\s+(?P<version>[0-9][0-9A-Za-z.+~-]{0,50})")
_ROW = re.compile(r"\[(?P<kind>[A-Z0-9_]{1,20})\](?P<place>.*)")


@dataclass(frozen=True)
class StatusRow:
    """One row. ``at_ms``: milliseconds since the epoch, by the appliance's clock."""

    kind: str
    place: str
    at_ms: int
    code: str

    @property
    def short_code(self) -> str:
        """The code without what all begin with."""
        return self.code[len(CODE_PREFIX) :] if self.code.startswith(CODE_PREFIX) else self.code

    @property
    def succeeded(self) -> bool:
        """Whether it is the one code that means success."""
        return self.code == CODE_PREFIX + SUCCESS

    @property
    def words(self) -> str:
        """The code for people."""
        return CODES.get(self.short_code, "a code that is not known, which counts as a failure")


@dataclass(frozen=True)
class Status:
    """What the service said. ``has_section`` False: it said nothing of backups. ``unread``: how many lines of the
    section are no row."""

    version: str
    rows: Sequence[StatusRow]
    has_section: bool
    unread: int = 0


@dataclass(frozen=True)
class Verdict:
    """On one declared storage place. ``age``: seconds since its newest row, None without one. ``ok`` None: nobody can
    tell."""

    target: str
    ok: bool | None
    code: str
    age: float | None
    text: str

    def to_result(self) -> dict[str, Any]:
        """The verdict as a module returns it."""
        return {"target": self.target, "ok": self.ok, "code": self.code, "age": self.age, "text": self.text}


def parse_status(raw: bytes) -> Status:
    """Take the text apart. Never raises: what is no row is counted."""
    text = raw.decode("utf-8", "replace")
    version = _VERSION.search(text)
    rows: list[StatusRow] = []
    has_section, unread, current = False, 0, ""
    for line in text.splitlines():
        heading = _HEADING.fullmatch(line.strip())
        if heading is not None:
            current = heading["name"].partition(":")[0]
            has_section = has_section or current == SECTION
            continue
        if current != SECTION or not line.strip():
            continue
        row = parse_row(line)
        if row is None:
            unread += 1
        else:
            rows.append(row)
    return Status(version["version"] if version else "", tuple(rows), has_section, unread)


def parse_row(line: str) -> StatusRow | None:
    """One row, from the right; None for what is none."""
    parts = line.strip().rsplit(" ", 2)
    if len(parts) != 3 or not (parts[1].isascii() and parts[1].isdigit()) or len(parts[1]) > 15 or not parts[2]:
        return None
    head = _ROW.fullmatch(parts[0])
    if head is None:
        return None
    return StatusRow(head["kind"], head["place"].strip(), int(parts[1]), parts[2])


def judge(status: Status, targets: Sequence[Target], now: float, max_age: float) -> list[Verdict]:
    """One verdict for each declared storage place; rows of others are ignored.

    :param now: seconds since the epoch
    :param max_age: seconds after which a success is too old
    """
    return [_judge(status, target, now, max_age) for target in targets]


def _judge(status: Status, target: Target, now: float, max_age: float) -> Verdict:
    name = str(target)
    mine = [row for row in status.rows if _is_of(row, target)]
    if not mine:
        return Verdict(name, False, "", None, "The appliance has no row for it: it was never written to.")
    newest = max(mine, key=lambda row: row.at_ms)
    age = now - newest.at_ms / 1000
    if not newest.succeeded:
        return Verdict(name, False, newest.short_code, age, f"The last backup failed: {newest.words}.")
    blocked = [
        row
        for row in status.rows
        if row.kind == EVERYWHERE and row.at_ms > newest.at_ms and not row.succeeded and not _is_busy(row)
    ]
    if blocked:
        row = max(blocked, key=lambda one: one.at_ms)
        return Verdict(name, False, row.short_code, age, f"A later backup failed as a whole: {row.words}.")
    if age > max_age:
        return Verdict(name, False, newest.short_code, age, f"The last success is {_hours(age)} old.")
    if age < -300:
        return Verdict(name, None, newest.short_code, age, "The appliance's clock is ahead of this host's.")
    return Verdict(name, True, newest.short_code, age, f"The last success is {_hours(max(age, 0))} old.")


def _is_busy(row: StatusRow) -> bool:
    """A run that gave way to another says nothing of the backups that are there."""
    return row.short_code == ALREADY_RUNNING


def _is_of(row: StatusRow, target: Target) -> bool:
    if row.kind != target.status_name:
        return False
    return not target.place or not row.place or _plain(row.place) == _plain(target.place)


def _plain(place: str) -> str:
    """A place without what is written now so, now otherwise. A server's name has no case, a path does."""
    server, colon, rest = place.partition(":")
    return f"{server.strip().lower()}{colon}{'/' + rest.strip().strip('/') if colon else ''}"


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h"
