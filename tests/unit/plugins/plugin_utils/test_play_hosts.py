# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime

from ansible_collections.ucops.recovery.plugins.plugin_utils.play_hosts import plain


class Noted(str):
    """A text as Ansible has it: with something noted on it."""

    origin = "inventory.yml"


def test_values_go_to_a_module_without_what_is_noted_on_them():
    day = datetime.date(2026, 11, 26)
    given = {Noted("paths"): [{"path": [Noted("/etc/ümlaut")]}], "port": 22, "when": day, "become": True, "none": None}
    found = plain(given)
    assert found == given
    texts = [*found, *found["paths"][0]["path"]]
    assert {text.__class__ for text in texts} == {str}
    assert found["when"] is day and found["become"] is True
