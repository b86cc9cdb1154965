# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo's voice: no secret passes, no colour where none is wanted."""

from __future__ import annotations

import io

import pytest
from narrator import WIDTH, Narrator


class Terminal(io.StringIO):
    def isatty(self):
        return True


def everything(narrator, text):
    narrator.title(text)
    with narrator.step(text):
        narrator.say(text)
        narrator.command(text)
        narrator.table([[text, 1], ["x"]])
        narrator.diff(f"--- a\n+++ b\n@@ -1 +1 @@\n-{text}\n+{text}\n {text}\n")
        narrator.verbatim(text)
        narrator.good(text)
        narrator.bad(text)


def test_no_secret_passes_in_whatever_it_is_put():
    stream = io.StringIO()
    narrator = Narrator(stream, {})
    narrator.keep_secret(["hunter2-hunter2", ""])
    everything(narrator, "before hunter2-hunter2 after")
    assert "hunter2" not in stream.getvalue()
    assert "before [withheld by the demo] after" in stream.getvalue()
    assert narrator.withheld == 11
    assert narrator.secret_count == 1


@pytest.mark.parametrize(
    ("stream", "environment", "coloured"),
    [
        (Terminal(), {}, True),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"NO_COLOR": ""}, True),
        (io.StringIO(), {}, False),
    ],
)
def test_colour_only_on_a_terminal_that_wants_it(stream, environment, coloured):
    everything(Narrator(stream, environment), "text")
    assert ("\033[" in stream.getvalue()) is coloured


def test_paragraphs_are_wrapped_and_tables_aligned():
    stream = io.StringIO()
    narrator = Narrator(stream, {})
    narrator.say("word " * 60)
    narrator.table([["a", "bb", 3], ["long cell", "b"]])
    lines = stream.getvalue().splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert lines[-2:] == ["     a          bb  3", "     long cell  b"]


def test_steps_are_numbered_and_a_failed_one_shows_no_time():
    stream = io.StringIO()
    narrator = Narrator(stream, {})
    with narrator.step("first"):
        pass
    with pytest.raises(ValueError), narrator.step("second"):
        raise ValueError
    lines = stream.getvalue().splitlines()
    assert lines[1] == " 1 first"
    assert lines[2].endswith(" s")
    assert lines[-1] == " 2 second"
