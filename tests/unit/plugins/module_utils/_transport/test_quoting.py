# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.thoroughness import examples

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._transport.quoting import command_line, quote


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(st.binary(max_size=40).map(lambda raw: raw.replace(b"\0", b"")), min_size=1, max_size=6))
def test_a_shell_sees_exactly_the_same_words(words):
    line = command_line([b"printf", b"%s\\0", *words])
    done = subprocess.run([b"/bin/sh", b"-c", line], capture_output=True, check=True)
    assert done.stdout == b"".join(word + b"\0" for word in words)


def test_plain_words_stay_readable():
    assert command_line(["tar", "--file=-", "/etc/kamailio"]) == b"tar --file=- /etc/kamailio"
    assert quote("Grüße aus 'Köln'") == "'Grüße aus '\\''Köln'\\'''".encode()


@pytest.mark.parametrize("words", [[], ["a\0b"], ["x" * 200_000]], ids=["none", "NUL", "too long"])
def test_what_no_host_can_take_is_refused(words):
    with pytest.raises(OptionInvalid):
        command_line(words)
