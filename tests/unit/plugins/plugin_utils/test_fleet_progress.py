# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ucops.recovery.plugins.plugin_utils.fleet_progress import progress_line


@pytest.mark.parametrize(
    ("note", "seconds", "line"),
    [
        (
            {"total": 1000, "done": 412, "failed": 3, "running": 16, "bytes": 3 * 2**30},
            60,
            "412 of 1000 hosts done, 3 failed, 16 at work, 3.0 GiB read at 51.2 MiB/s, about 86 s left",
        ),
        (
            {"total": 10, "done": 0, "failed": 0, "running": 10, "bytes": 0},
            10,
            "0 of 10 hosts done, 0 failed, 10 at work, 0 B read at 0 B/s",
        ),
        (
            {"total": 10, "done": 1, "failed": 0, "running": 9, "bytes": 2048},
            60,
            "1 of 10 hosts done, 0 failed, 9 at work, 2.0 KiB read at 34 B/s, about 9 min left",
        ),
    ],
)
def test_how_far_it_is_in_one_line(note, seconds, line):
    assert progress_line(note, seconds) == line
