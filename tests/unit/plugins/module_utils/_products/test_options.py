# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._products import options as o


@dataclass(frozen=True)
class Sample:
    root: str = o.option(o.absolute_path, "/")
    names: Sequence[str] = o.option(o.list_of(o.text), ())
    count: int = o.option(o.port, 1)
    on: bool = o.option(o.flag, False)
    kind: str = o.option(o.choice("a", "b"), "a")
    command: Sequence[str] = o.option(o.words, ())


def test_what_is_not_given_is_the_default():
    assert o.parse_options(Sample, {}) == Sample()
    assert o.parse_options(Sample, {"root": None}) == Sample()


def test_values_come_in_their_final_form():
    parsed = o.parse_options(
        Sample, {"root": "//srv/./x//y/", "names": "one", "count": 5060, "on": True, "kind": "b", "command": "a 'b c'"}
    )
    assert parsed == Sample("/srv/x/y", ["one"], 5060, True, "b", ["a", "b c"])


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ({"rooot": "/"}, "Is root meant?"),
        ({"zzz": 1}, "There are command, count"),
        ({"root": "etc"}, "root must be an absolute path"),
        ({"root": 5}, "root must be an absolute path"),
        ({"root": "/a\0b"}, "root must be an absolute path"),
        ({"names": [""]}, "names must be a text"),
        ({"names": 5}, "names must be a list"),
        ({"count": 0}, "count must be a port"),
        ({"count": True}, "count must be a port"),
        ({"on": "yes"}, "on must be true or false"),
        ({"kind": "c"}, "kind must be one of a, b"),
        ({"command": "a 'b"}, "command must be a command with balanced quotes"),
        ({"command": []}, "command must be a command"),
        ({"command": [1]}, "command must be a command"),
    ],
)
def test_what_cannot_be_is_refused_by_name(raw, told):
    with pytest.raises(OptionInvalid) as caught:
        o.parse_options(Sample, raw)
    assert told in str(caught.value)
