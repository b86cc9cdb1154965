# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pathlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.module_utils._products.starface_status import (
    Status,
    StatusRow,
    judge,
    parse_row,
    parse_status,
)
from ansible_collections.ucops.recovery.plugins.module_utils._products.starface_targets import Target

GOLDEN = pathlib.Path(__file__).parent / "golden" / "starface_status.txt"
GOOD, NOW = "de.vertico.backup.successful", 1_700_000_000.0
SFTP = Target(kind="sftp", server="192.0.2.9", path="/pbx")


def row(kind="SFTP", place="192.0.2.9:/pbx", hours=1.0, code=GOOD):
    return StatusRow(kind, place, int((NOW - hours * 3600) * 1000), code)


def verdict(*rows, target=SFTP, max_age=86400):
    (one,) = judge(Status("10.0", rows, True), [target], NOW, max_age)
    return one


def test_the_text_of_a_service():
    status = parse_status(GOLDEN.read_bytes())
    assert status.version == "6.7.3.20" and status.has_section and status.unread == 1
    assert [(one.kind, one.place, one.short_code) for one in status.rows] == [
        ("SMB", "my.example.ch:/archiv-starface", "successful"),
        ("SMB", "192.168.1.6:/Backup Starface", "mountfail"),
        ("ALL", "", "alreadyRunning"),
        ("MAIL", "user@example.ch", "mailtobig"),
        ("SFTP", "my.example.ch:/archiv_starface", "sftpRightProblem"),
        ("USB", "", "successful"),
    ]


@pytest.mark.parametrize("raw", [b"", b"\xff\xfe\x00", b"<<<>>>\n", b"[HDD] 1 x\n", b"HTTP/1.1 400 Bad Request\r\n"])
def test_a_text_that_is_none(raw):
    status = parse_status(raw)
    assert (status.has_section, list(status.rows), status.version) == (False, [], "")


place = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp", "Zs")) | st.just(" "), max_size=30)


@given(
    st.from_regex(r"[A-Z0-9_]{1,20}", fullmatch=True),
    place.map(str.strip),
    st.integers(0, 10**15 - 1),
    st.from_regex(r"[A-Za-z.]{1,40}", fullmatch=True),
)
def test_a_row_is_read_back_whatever_blanks_its_place_has(kind, place, at, code):
    assert parse_row(f"[{kind}]{place} {at} {code}") == StatusRow(kind, place, at, code)


@given(st.text(max_size=60))
def test_no_line_is_too_strange(line):
    found = parse_row(line)
    assert found is None or found.at_ms >= 0


@given(st.binary(max_size=300))
def test_no_text_is_too_strange(raw):
    parse_status(raw)
    parse_status(b"<<<starface_backups>>>\n" + raw)


def test_a_good_row():
    one = verdict(row())
    assert one.ok is True and one.age == pytest.approx(3600)


@pytest.mark.parametrize("code", ["mountfail", "sftpRightProblem", "mailtobig", "newInVersion11", "alreadyRunning"])
def test_everything_but_success_is_a_failure(code):
    one = verdict(row(hours=2), row(code=f"de.vertico.backup.{code}"))
    assert one.ok is False and one.code == code


def test_success_of_another_place_hides_nothing():
    assert verdict(row("HDD", ""), row(hours=9, code="de.vertico.backup.sftpRightProblem")).ok is False
    assert verdict(row("HDD", "")).ok is False


def test_a_place_that_is_not_declared_alarms_nobody():
    assert verdict(row(), row("SMB", "old:/gone", 90000, "de.vertico.backup.mountfail")).ok is True
    assert judge(Status("", [row("SMB", "old:/gone")], True), [], NOW, 1) == []


def test_a_row_is_that_of_its_place():
    assert verdict(row(place="192.0.2.9:pbx/")).ok is True
    assert verdict(row(place="192.0.2.9:/other")).ok is False
    assert verdict(
        row("SMB", "SRV:/Backup Pbx"), target=Target(kind="windows_share", server="srv", share="Backup Pbx")
    ).ok


def test_a_later_failure_as_a_whole():
    assert verdict(row(hours=2), row("ALL", "", 1, "de.vertico.backup.somethingElse")).ok is False
    assert verdict(row(hours=2), row("ALL", "", 3, "de.vertico.backup.somethingElse")).ok is True
    assert verdict(row(hours=2), row("ALL", "", 1, "de.vertico.backup.alreadyRunning")).ok is True


def test_too_old_and_from_the_future():
    assert verdict(row(hours=30)).ok is False
    assert verdict(row(hours=-5)).ok is None
    assert verdict(row(hours=-0.01)).ok is True
