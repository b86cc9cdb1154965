# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import CommandFailed
from ansible_collections.ucops.recovery.plugins.module_utils._products.windows_processes import running_programs
from ansible_collections.ucops.recovery.plugins.module_utils._transport.base import CommandResult, Transport

GERMAN = (
    b'"System Idle Process","0","Services","0","8 K"\r\n"ECtiClient.exe","4711","RDP-Tcp#3","2","123.456 K"\r\n'
    b'"ECTICLIENT.EXE","4712","Console","1","1 K"\r\n"tasklist.exe","99","Services","0","5.000 K"\r\n'
)


class Says(Transport):
    host = "windows.example"

    def __init__(self, stdout, rc=0):
        self._result = CommandResult(rc, stdout, b"")

    def close(self):
        pass

    def run(self, argv, **_others):
        assert list(argv) == ["tasklist", "/fo", "csv", "/nh"]
        return self._result


def test_programs_of_all_sessions_whatever_the_language():
    programs = running_programs(Says(GERMAN))
    assert programs["ecticlient.exe"] == 2
    assert programs["tasklist.exe"] == 1


@pytest.mark.parametrize(
    ("stdout", "rc"), [(b"", 0), (GERMAN, 1), (GERMAN[:60], 0), (b"INFO: No tasks are running.\r\n", 0), (b'"a,b', 0)]
)
def test_a_list_that_is_not_whole_proves_nothing(stdout, rc):
    with pytest.raises(CommandFailed, match="cannot be had"):
        running_programs(Says(stdout, rc))
