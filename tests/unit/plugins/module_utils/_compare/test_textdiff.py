# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import difflib
import json

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.module_utils._compare import mask_rules, textdiff
from ansible_collections.ucops.recovery.plugins.module_utils._compare.mask import Masker
from ansible_collections.ucops.recovery.plugins.module_utils._compare.textdiff import ContentChange

MASKER = Masker(bytes(range(32)))


def diff(before, after, path=b"/etc/kamailio/kamailio.cfg", sensitive=False, **options):
    return textdiff.content_diff(ContentChange(path, before, after, sensitive), MASKER, mask_rules.GENERIC, **options)


def test_changed_secret_is_a_change_of_placeholders():
    found = diff(b"a\npassword = one\nb\n", b"a\npassword = two\nb\n")
    assert found.masked == 2
    one, two = MASKER.placeholder("one"), MASKER.placeholder("two")
    assert found.text == (
        "--- /etc/kamailio/kamailio.cfg (before)\n+++ /etc/kamailio/kamailio.cfg (after)\n"
        f"@@ -1,3 +1,3 @@\n a\n-password = {one}\n+password = {two}\n b\n"
    )


def test_equal_contents_have_no_difference():
    assert diff(b"same", b"same").text == ""
    assert textdiff.ansible_diff([diff(b"same", b"same")]) == []


def test_new_and_removed_contents():
    assert diff(None, b"x\n").text.splitlines()[:4] == [
        "--- /dev/null (before)", "+++ /etc/kamailio/kamailio.cfg (after)", "@@ -0,0 +1,1 @@", "+x"
    ]  # fmt: skip
    assert diff(b"x\n", None).text.splitlines()[2:] == ["@@ -1,1 +0,0 @@", "-x"]
    assert diff(None, b"").text.splitlines()[2:] == ["+text, 0 bytes, digest " + MASKER.digest(b"")]


@given(st.lists(st.sampled_from("abcdefghij"), max_size=40), st.lists(st.sampled_from("abcdefghij"), max_size=40))
def test_same_hunks_as_a_patch_that_applies(old, new):
    before = "".join(line + "\n" for line in old)
    after = "".join(line + "\n" for line in new)
    found = diff(before.encode(), after.encode()).text.splitlines()[2:]
    if before == after:
        assert found == []
        return
    rebuilt, at = [], 0
    for line in found:
        if line.startswith("@@"):
            begin, length = line.split()[1][1:].split(",")
            start = int(begin) - (1 if int(length) else 0)
            rebuilt += old[at:start]
            at = start
        elif line[0] == "+":
            rebuilt.append(line[1:])
        else:
            assert old[at] == line[1:]
            at += 1
            rebuilt += [line[1:]] if line[0] == " " else []
    assert rebuilt + old[at:] == new


def test_headers_of_hunks_are_those_of_difflib():
    old = [f"l{n}" for n in range(50)]
    new = [*old[:5], "x", *old[5:30], *old[33:]]
    expected = list(difflib.unified_diff(old, new, lineterm=""))[2:]
    found = diff("\n".join(old).encode() + b"\n", "\n".join(new).encode() + b"\n").text.splitlines()[2:]
    assert [line for line in found if line[0] != "@"] == [line for line in expected if line[0] != "@"]
    assert found[0] == "@@ -3,6 +3,7 @@"
    assert expected[0] == found[0]


def test_missing_newline_at_the_end_is_said():
    assert diff(b"a\n", b"a").text.endswith("-a\n+a\n\\ No newline at end of file\n")


def test_size_is_bounded_and_what_is_left_out_is_said():
    found = diff(b"", b"".join(b"line %d\n" % n for n in range(1000)), most_lines=50)
    assert found.text.count("\n") == 2 + 50 + 1
    assert found.text.endswith("… 951 more lines\n")
    assert diff(b"", b"x" * 2000 + b"\n").text.endswith("x … 1500 more characters\n")


def test_all_differences_together_are_bounded():
    many = [diff(b"", b"x\n" * 30, path=b"/f%d" % n) for n in range(10)]
    shown = textdiff.ansible_diff(many, most_lines=100)
    assert len(shown) == 4
    assert shown[-1]["prepared"] == "… 7 more contents differ\n"
    assert shown[0]["before_header"] == "/f0"
    json.dumps(shown)


def test_secret_and_binary_contents_are_only_described():
    for found in (
        diff(b"root:$6$abc:1\n", b"root:$6$abd:1\n", path=b"/etc/shadow"),
        diff(b"root:$6$abc:1\n", b"root:$6$abd:1\n", path=b"/opt/x", sensitive=True),
    ):
        assert "$6$" not in found.text
        assert "-secret, 14 bytes, digest " + MASKER.digest(b"root:$6$abc:1\n") in found.text
    assert "-binary, 3 bytes, digest " in diff(b"a\0b", b"text").text
    assert "text" not in diff(b"a\0b", b"text").text
    assert "large text" in diff(b"x" * (textdiff.LARGEST_TEXT + 1), b"y").text


def test_difference_that_masking_hides_is_still_said(monkeypatch):
    monkeypatch.setattr(Masker, "placeholder", lambda self, secret: "<secret:00000000>")
    assert "-text, 15 bytes, digest " in diff(b"password = one\n", b"password = two\n").text


def test_hostile_text_reaches_no_terminal():
    found = diff(b"", b"\x1b[2J\xff\r\n", path=b"/etc/\x1b[31m\xe4")
    assert "\x1b" not in found.text
    assert "+\\x1b[2J\\xff\\r\n" in found.text
    json.dumps(found.text)
