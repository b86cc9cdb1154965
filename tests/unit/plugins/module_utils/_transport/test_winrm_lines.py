# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections are used again while that is safe."""

from __future__ import annotations

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import AuthenticationFailed
from ansible_collections.ucops.recovery.plugins.module_utils._transport import winrm_lines
from ansible_collections.ucops.recovery.plugins.module_utils._transport.winrm_lines import Lines
from ansible_collections.ucops.recovery.plugins.module_utils._transport.winrm_options import WinRmOptions

OPTIONS = WinRmOptions("uc01", username="backup", password="Planted-Secret")


@pytest.fixture
def made(monkeypatch):
    made = []

    class Line:
        def __init__(self, options):
            assert options is OPTIONS
            self.is_quiet = True
            self.closed = False

        def open(self):
            made.append(self)
            return self

        def close(self):
            self.closed = True

    monkeypatch.setattr(winrm_lines, "Line", Line)
    return made


def test_what_was_given_back_is_taken_again(made):
    with Lines(OPTIONS) as lines:
        first = lines.take()
        lines.give_back(first)
        assert lines.take() is first
        assert lines.take() is not first
    assert len(made) == 2


def test_only_a_few_rest(made):
    with Lines(OPTIONS) as lines:
        taken = [lines.take() for _turn in range(winrm_lines.RESTING + 2)]
        for line in taken:
            lines.give_back(line)
        assert [line.closed for line in taken] == [False] * winrm_lines.RESTING + [True] * 2
    assert all(line.closed for line in taken)


def test_who_is_not_quiet_or_rested_too_long_is_closed(made, monkeypatch):
    with Lines(OPTIONS) as lines:
        broken = lines.take()
        lines.give_back(broken)
        broken.is_quiet = False
        fresh = lines.take()
        assert broken.closed and fresh is not broken
        lines.give_back(fresh)
        monkeypatch.setattr(winrm_lines, "LONGEST_REST", 0)
        assert lines.take() is not fresh
        assert fresh.closed


def test_after_the_end_nothing_rests(made):
    lines = Lines(OPTIONS)
    late = lines.take()
    lines.close()
    lines.give_back(late)
    assert late.closed
    lines.close()


def test_a_refused_login_comes_through(monkeypatch):
    class Refused:
        def __init__(self, _options):
            pass

        def open(self):
            raise AuthenticationFailed("no", host="uc01")

    monkeypatch.setattr(winrm_lines, "Line", Refused)
    with Lines(OPTIONS) as lines, pytest.raises(AuthenticationFailed):
        lines.take()
