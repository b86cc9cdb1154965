# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which programs run on a Windows host."""

from __future__ import annotations

import csv

from .._errors import CommandFailed
from .._transport.base import Transport

_LIST = ("tasklist", "/fo", "csv", "/nh")
_OWN_NAME = "tasklist.exe"


def running_programs(transport: Transport) -> dict[str, int]:
    """Names of program files in small letters -> how many processes of each run, in all sessions.

    :raises CommandFailed: the list is not whole; it must at least name the program that made it
    """
    result = transport.run(_LIST)
    programs: dict[str, int] = {}
    for row in csv.reader(result.text.splitlines()):
        # name, process id, session, number of the session, memory: words may be in any language, the name is not
        if len(row) >= 5 and row[1].isdigit():
            name = row[0].lower()
            programs[name] = programs.get(name, 0) + 1
    if result.rc != 0 or _OWN_NAME not in programs:
        raise CommandFailed(
            f"The list of running programs cannot be had ({result.complaint or 'tasklist said nothing of use'})",
            host=transport.host,
        )
    return programs
