# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Words that leave as one line and come back as the same words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._transport.windows_quoting import (
    LONGEST_LINE,
    command_line,
)
from lab.windows.words import NotOneCommand, split_program_line, split_words, through_cmd

WORD = st.text(st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="%!\ufffe\uffff"), max_size=20)
NASTY = st.text(st.sampled_from('\\"^&|<>()@ \t=,;aü'), max_size=12)


@given(st.lists(st.one_of(WORD, NASTY), max_size=6))
def test_cmd_and_the_program_find_the_same_words(words):
    assert split_words(command_line(["reg", *words])) == ["reg", *words]


@given(st.lists(NASTY, max_size=6))
def test_cmd_never_sees_a_quoted_part_or_an_operator(words):
    line = command_line(["reg", *words])
    bare = line.replace("^^", "").replace('^"', "")
    assert '"' not in bare
    through_cmd(line)  # raises when cmd.exe would act on something


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("plain", "plain"),
        ("a b", '^"a b^"'),
        ("", '^"^"'),
        ('a"b', '^"a\\^"b^"'),
        ("C:\\x y\\", '^"C:\\x y\\\\^"'),
        ("C:\\x\\", "C:\\x\\"),
        ("a&b", "a^&b"),
        ("(x)", "^(x^)"),
        ("start=", "start="),
    ],
)
def test_how_words_are_written(word, written):
    assert command_line(["sc", word]) == f"sc {written}"


def test_bytes_are_utf8():
    assert command_line([b"reg", "Größe".encode()]) == "reg Größe"
    with pytest.raises(OptionInvalid, match="not UTF-8"):
        command_line(["reg", b"\xff"])


@pytest.mark.parametrize("word", ["%OS%", "100 %", "wait!"])
def test_what_cmd_would_expand_is_refused(word):
    with pytest.raises(OptionInvalid, match="would expand") as caught:
        command_line(["reg", word])
    assert caught.value.hint and word not in str(caught.value)


@pytest.mark.parametrize("word", ["a\nb", "a\rb", "a\0b", "\x1b", "\udc80", "\uffff"])
def test_what_cannot_be_handed_over_is_refused(word):
    with pytest.raises(OptionInvalid):
        command_line(["reg", word])


@pytest.mark.parametrize("program", ["C:\\Program Files\\x.exe", "a&b", '"x"', "", "x y", "^x"])
def test_a_program_whose_name_needs_quotes_is_refused(program):
    with pytest.raises(OptionInvalid, match="must not need quotes"):
        command_line([program])


def test_a_program_may_have_a_path():
    assert command_line(["C:\\Windows\\System32\\reg.exe", "x"]) == "C:\\Windows\\System32\\reg.exe x"


def test_lines_have_a_length():
    assert len(command_line(["x", "a" * (LONGEST_LINE - 2)])) == LONGEST_LINE
    for words in ([], ["x", "a" * (LONGEST_LINE - 1)]):
        with pytest.raises(OptionInvalid):
            command_line(words)


def test_the_oracle_knows_the_published_examples():
    """The examples of Microsoft's page on command-line arguments of C programs."""
    assert split_program_line('x "abc" d e') == ["x", "abc", "d", "e"]
    assert split_program_line('x a\\\\b d"e f"g h') == ["x", "a\\\\b", "de fg", "h"]
    assert split_program_line('x a\\\\\\"b c d') == ["x", 'a\\"b', "c", "d"]
    assert split_program_line('x a\\\\\\\\"b c" d e') == ["x", "a\\\\b c", "d", "e"]
    assert split_program_line('x a"b"" c d') == ["x", 'ab" c d']
    for line in ("a & b", "a %x% b"):
        with pytest.raises(NotOneCommand):
            through_cmd(line)
