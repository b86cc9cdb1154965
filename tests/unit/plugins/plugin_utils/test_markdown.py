# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.plugin_utils.markdown import block, inline

texts = st.text(alphabet="`|<a \n@", max_size=20)


def test_a_line():
    assert inline("pbx 1") == "`pbx 1`"
    assert inline("<img src=x> | a\nb") == "`<img src=x> \\| a b`"
    assert inline("a``b") == "```a``b```" and inline("`x") == "`` `x ``"
    assert inline("") == inline(" \n") == ""


@given(texts)
def test_nothing_leaves_its_code(text):
    shown = inline(text)
    assert "\n" not in shown and not re.search(r"(?<!\\)\|", shown)
    if shown:
        fence = re.match("`+", shown)[0]
        assert shown.endswith(fence) and fence not in re.findall("`+", shown[len(fence) : -len(fence)])


@given(texts)
def test_nothing_ends_its_block(text):
    first, *inside, last = block(text, "diff").split("\n")
    fence = first[: -len("diff")]
    assert last == fence and all(fence not in line for line in inside)
    assert "\n".join(inside).rstrip("\n") == text.rstrip("\n")
