# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.module_utils._products.kamailio_script import (
    DEEPEST_INCLUDE,
    MOST_BYTES,
    Script,
    tokens,
)


def read(text, files=None, defines=None):
    script = Script()
    contents = {"/m.cfg": text, **(files or {})}
    found = tokens("/m.cfg", lambda path: contents[path].encode() if path in contents else None, script, defines or {})
    return [token.text for token in found], script


def words(text, files=None, defines=None):
    return read(text, files, defines)[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a # b\nc", ["a", "c"]),
        ("a // b\nc", ["a", "c"]),
        ("a /* b\n * c */ d", ["a", "d"]),
        ("a /* open", ["a"]),
        ('"# no comment // really /* not */"', ["# no comment // really /* not */"]),
        (r'"with \" quote \\ and \n line"', ['with " quote \\ and \n line']),
        ("'raw \\n'", ["raw \\n"]),
        ("#!KAMAILIO\na", ["a"]),
        ("#!/usr/sbin/kamailio\na", ["a"]),
        ("if (!!x) y", ["if", "(", "!", "!", "x", ")", "y"]),
        ("$avp(s:x) == $null && $rU=~'^1'", ["$avp", "(", "s:x", ")", "==", "$null", "&&", "$rU", "=~", "^1"]),
    ],
)
def test_words(text, expected):
    assert words(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#!define A 1\nA", ["1"]),
        ("!!define A 1\nA", ["1"]),
        ('#!define A "x y"\nA', ["x y"]),
        ("#!define A 1\n#!define A 2\nA", ["1"]),
        ("#!define A 1\n#!trydef A 2\nA", ["1"]),
        ("#!trydef A 2\nA", ["2"]),
        ("#!define A 1\n#!redefine A 2\nA", ["2"]),
        ("#!define A B\n#!define B 3\nA", ["3"]),
        ("#!define A 1 \\\n  2\nA b", ["1", "2", "b"]),
        ("#!define A A\nA", ["A"]),
        ('#!substdef "!A!10.0.0.1!g"\nA "at A" udp:A:5060 xA', ["10.0.0.1", "at 10.0.0.1", "udp:10.0.0.1:5060", "xA"]),
        ('#!substdefs "/A/x/"\nA', ["x"]),
        ('#!subst "/b+/c/"\n"abbb" b', ["ac", "b"]),
        ('#!subst "/(/c/"\n"a(b"', ["a(b"]),
        ('#!define A 1\n"$def(A) $defn(A) $def(B)"', ["1 1 $def(B)"]),
        ("#!define\nA", ["A"]),
        ('#!substdef\n"a"', ["a"]),
    ],
)
def test_definitions(text, expected):
    assert words(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#!ifdef A\na\n#!else\nb\n#!endif\nc", ["b", "c"]),
        ("#!define A\n#!ifdef A\na\n#!else\nb\n#!endif\nc", ["a", "c"]),
        ("#!ifndef A\na\n#!else\nb\n#!endif\nc", ["a", "c"]),
        ("#!ifdef A\n#!ifdef B\nx\n#!else\ny\n#!endif\nz\n#!else\nb\n#!endif\nc", ["b", "c"]),
        ("#!define A\n#!ifdef A\n#!ifdef B\nx\n#!else\ny\n#!endif\n#!else\nz\n#!endif\nc", ["y", "c"]),
        ("#!ifdef A\n# #!endif\na", ["a"]),
        ("#!define A\n#!ifdef A\n# #!else\na\n#!endif\nb", ["a", "b"]),
        ("#!ifexp 1 > 0\na\n#!else\nb\n#!endif\nc", ["a", "c"]),
        ("#!ifexp 0 > 1\na\n#!else\nb\n#!endif\nc", ["b", "c"]),
        ("#!define X 2\n#!ifexp X == 1\na\n#!endif\n#!ifexp X == 2\nb\n#!else\nc\n#!endif\nd", ["b", "d"]),
        ("#!ifexp OS == 1\n#!ifdef A\na\n#!else\nb\n#!endif\nc\n#!else\nd\n#!endif\ne", ["b", "c", "e"]),
        ('#!ifdef A\n"#!endif\na', ["a"]),
        ("#!ifdef\na\n#!endif\nb", ["b"]),
    ],
)
def test_conditions(text, expected):
    assert words(text) == expected


def test_definitions_of_the_command_line():
    assert words("#!ifdef A\nA\n#!endif", defines={"A": "7"}) == ["7"]


def test_includes():
    files = {"/etc/a.cfg": "a", "/sub/b.cfg": 'b include_file "c.cfg"', "/sub/c.cfg": "c", "/d.cfg": "d"}
    text = 'include_file "/etc/a.cfg"\nimport_file "sub/b.cfg"\n#!include_file "d.cfg"\n!!import_file "none.cfg"\nend'
    found, script = read(text, files)
    assert found == ["a", "b", "c", "d", "end"]
    assert script.files == ["/m.cfg", "/etc/a.cfg", "/sub/b.cfg", "/sub/c.cfg", "/d.cfg"]
    assert script.missing == []


def test_missing_includes_are_told_unless_they_may_be_missing():
    _found, script = read(
        'include_file "x.cfg"\nimport_file "y.cfg"\nimport_file "z.cfg"', {"/z.cfg": 'include_file "q"'}
    )
    assert script.missing == ["/x.cfg"]


def test_a_file_that_includes_itself_ends():
    found, script = read('a include_file "m.cfg"')
    assert found == ["a"] * (DEEPEST_INCLUDE + 1)
    assert script.missing == ["/m.cfg"]


def test_files_without_end_are_not_read():
    script = Script()
    contents = {"/m.cfg": b'include_file "big.cfg"', "/big.cfg": b"x" * (MOST_BYTES + 1)}
    assert list(tokens("/m.cfg", contents.get, script, {})) == []
    assert script.missing == ["/big.cfg"]


def test_every_word_knows_its_line():
    script = Script()
    text = b'#!define A 1\na\n/* \n */ b\n#!ifdef N\nx\n\n#!endif\n"c\nd" A\n'
    found = list(tokens("/m.cfg", lambda path: text, script, {}))
    assert [(token.text, token.line) for token in found] == [("a", 2), ("b", 4), ("c\nd", 9), ("1", 10)]


def test_shown_as_it_would_be_written():
    (token,) = tokens("/m", lambda path: rb'"a \"b\" \\ \n"', Script(), {})
    assert token.shown == r'"a \"b\" \\ \n"'


@given(st.text(alphabet="ab\"'\\/*#!\n (){}[]=:;$-ifdeflsn", max_size=80))
def test_no_text_breaks_the_reader(text):
    words(text)


@given(st.binary(max_size=100))
def test_no_bytes_break_the_reader(content):
    list(tokens("/m", lambda path: content, Script(), {}))


@pytest.mark.parametrize(
    ("text", "undecided"),
    [
        ("#!ifexp OS == 1\n#!else\nmysql://h/d\n#!endif\n", ["OS == 1"]),
        ("#!ifexp OS == 1\n#!ifdef A\n#!else\nx://h/d\n#!endif\n#!else\ndb_url\n#!endif\n", ["OS == 1"]),
        ("#!ifexp OS == 1\nmysql://h/d\n#!else\nother\n#!endif\nmysql://h/d\n", []),
        ("#!ifexp 1 == 1\n#!else\nmysql://h/d\n#!endif\n", []),
        ("#!ifdef A\n#!else\n#!endif\n#!else\nmysql://h/d\n#!endif\n#!endif\n", []),
    ],
)
def test_a_branch_that_nobody_can_tell_to_be_off_and_that_names_a_database_is_told(text, undecided):
    script = Script()
    list(tokens("/k.cfg", {"/k.cfg": text.encode()}.get, script, {}))
    assert script.undecided == undecided


def test_the_environment_defines_what_is_known_of_it():
    text = '#!defenv A\n#!defenvs B=C\n#!trydefenv NONE\n"$env(C) $env(NONE)" A B NONE'
    script = Script(environment={"A": "mysql://h/d", "C": "c"})
    read_words = [token.text for token in tokens("/k.cfg", {"/k.cfg": text.encode()}.get, script, {})]
    assert read_words == ["c $env(NONE)", "mysql://h/d", "c", "NONE"]
    assert "mysql" not in repr(Script(environment={"A": "mysql://h/d"}))
