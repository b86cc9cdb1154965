# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import AuthenticationFailed, CommandFailed
from ansible_collections.ucops.recovery.plugins.module_utils._transport.tds_errors import SqlMessage, error_of


def refused(*messages: tuple[int, int, str]):
    return error_of([SqlMessage(number, severity, 1, text) for number, severity, text in messages], "sql1", "backup")


def test_the_message_that_says_why_counts_and_not_the_one_that_says_that_it_ended() -> None:
    error = refused(
        (3211, 10, "50 percent processed."),
        (3101, 16, "Exclusive access could not be obtained because the database is in use."),
        (3013, 16, "RESTORE DATABASE is terminating abnormally."),
    )
    assert isinstance(error, CommandFailed)
    assert (error.message, error.details) == ("Somebody else is in the database", {"number": 3101})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Cannot open backup device 'C:\\x'. Operating system error 5(Access is denied.).", "access is denied"),
        (
            "Das Sicherungsmedium 'C:\\x' ist nicht verfügbar. Betriebssystemfehler 3(Pfad nicht gefunden.).",
            "the folder",
        ),
        ("Cannot open backup device 'C:\\x'. Operating system error 1450 (whatever).", ": Cannot open backup device"),
    ],
)
def test_the_error_of_the_operating_system_is_found_in_every_language(text: str, words: str) -> None:
    assert words in refused((3201, 16, text), (3013, 16, "")).message


def test_a_full_disk_is_said() -> None:
    error = refused((3202, 16, 'Write on "C:\\x" failed: 112(There is not enough space on the disk.)'))
    assert error.message == "The SQL Server cannot write the backup file: the disk is full"
    assert error.hint == "Make room on the SQL Server's host."


def test_a_login_error_names_the_user_and_no_more() -> None:
    error = refused((18456, 14, "Login failed for user 'backup'."))
    assert isinstance(error, AuthenticationFailed)
    assert error.message == "The SQL Server refuses the login of backup"


@pytest.mark.parametrize("number", [18452, 18470, 18486, 18487, 18488])
def test_every_way_to_be_turned_away_is_an_authentication_error(number: int) -> None:
    assert isinstance(refused((number, 14, "")), AuthenticationFailed)


def test_an_unknown_error_is_quoted_in_one_line_and_cut() -> None:
    error = refused((50000, 16, "first\nsecond " + "x" * 1000))
    assert error.message.startswith("The SQL Server refuses with error 50000: first second xxx")
    assert len(error.message) < 400


def test_an_error_without_a_word_is_one_nevertheless() -> None:
    assert isinstance(refused((5701, 10, "Changed database context.")), CommandFailed)
