# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._products.starface_config import parse_config
from ansible_collections.ucops.recovery.plugins.module_utils._products.starface_drift import Seen, compare

CONFIG = parse_config(
    {
        "name": "pbx-berlin",
        "interval": "daily",
        "start": "2026-11-01 02:00",
        "targets": [
            {"kind": "sftp", "username": "pbx", "server": "192.0.2.9", "path": "/"},
            {"kind": "windows_share", "username": "p", "server": "192.0.2.8", "share": "b", "security": "ntlmsspi"},
        ],
    }
)
NOW = datetime.datetime(2026, 11, 8, 12, 0)
MB = 2**20


def week(minute=45, sizes=(100 * MB,) * 8, folder="pbx-berlin", target="sftp"):
    """One file a day, so many minutes after 02:00."""
    start = datetime.datetime(2026, 11, 1, 2, 0) + datetime.timedelta(minutes=minute)
    return [
        Seen(f"starface-backup/{folder}/{day}.sar", size, start + datetime.timedelta(days=day), target)
        for day, size in enumerate(sizes)
    ]


def codes(arrivals, **options):
    return {one.code: one for one in compare(CONFIG, arrivals, options.pop("now", NOW), **options)}


def test_what_fits_is_nothing():
    assert codes(week()) == {}


def test_another_folder_is_another_name():
    found = codes([*week(), *week(folder="pbx-old")])
    assert found["folder_name"].differs == "name" and "pbx-old" in found["folder_name"].text
    assert codes([*week()[:-1], Seen("starface-backup/x.sar", 100 * MB, week()[-1].at)]) == {}
    assert "folder_name" not in codes([Seen("loose.sar", MB, week()[-1].at)])


def test_a_collapse_of_the_size_is_a_box():
    found = codes(week(sizes=(100 * MB,) * 7 + (10 * MB,)))
    assert found["size"].differs == "contents" and "less than half" in found["size"].text
    assert "three times" in codes(week(sizes=(100 * MB,) * 7 + (400 * MB,)))["size"].text
    assert "size" not in codes(week(sizes=(100 * MB,) * 7 + (60 * MB,)))
    assert "size" not in codes(week(sizes=(100 * MB, 100 * MB, 1)))


def test_an_hour_later_is_the_archive_job():
    found = codes(week(minute=60 + 45))
    assert found["time_of_day"].differs == "start" and "archive job" in found["time_of_day"].text


def test_another_time_is_another_schedule():
    found = codes(week(minute=9 * 60))
    assert "start or interval are others" in found["time_of_day"].text


def test_one_late_file_is_no_other_schedule():
    arrivals = week()
    arrivals[-1] = Seen(arrivals[-1].path, arrivals[-1].size, arrivals[-1].at + datetime.timedelta(hours=2))
    assert "time_of_day" not in codes(arrivals)


def test_missing_runs():
    found = codes(week()[:-3])
    assert "3 runs" in found["missing_runs"].text and "2026-11-06 02:00" in found["missing_runs"].text
    assert "8 runs" in codes([])["missing_runs"].text
    assert "missing_runs" not in codes(week()[:-1], now=datetime.datetime(2026, 11, 8, 4, 0))


def test_before_the_first_start_nothing_is_missing():
    assert codes([], now=datetime.datetime(2026, 10, 1)) == {}


def test_a_manual_configuration_has_no_time():
    config = parse_config({"name": "pbx-berlin", "interval": "manual"})
    assert compare(config, week(minute=600), NOW) == []


@pytest.mark.parametrize(("watched", "says"), [((), False), (("sftp",), False), (("sftp", "windows_share"), True)])
def test_only_a_place_that_is_watched_can_be_missing(watched, says):
    found = codes(week(), watched=watched)
    assert ("target" in found) == says
    if says:
        assert "Windows Share" in found["target"].text
