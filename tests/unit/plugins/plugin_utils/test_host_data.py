# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from types import MappingProxyType

import ansible.template
from ansible.parsing.dataloader import DataLoader

from ansible_collections.ucops.recovery.plugins.plugin_utils.host_data import as_data

EVIL = "{{ 1 + 1 }}"
# Since 2.19 only what is trusted is a template at all.
trusted = getattr(ansible.template, "trust_as_template", str)


class OwnList(list):
    """A list as Ansible has them, which cannot be made anew."""

    def __init__(self, *given):
        if given:
            raise NotImplementedError("not supported")


def test_plain_and_the_same():
    own = OwnList()
    own.append({"b": (1, None, True, "x")})
    made = as_data(MappingProxyType({"a": own}))
    assert made == {"a": [{"b": [1, None, True, "x"]}]}
    assert [made.__class__, made["a"].__class__] == [dict, list]


def test_it_is_never_a_template():
    templar = ansible.template.Templar(DataLoader(), variables={"said": as_data({"one": [EVIL]})})
    assert templar.template(trusted("{{ 1 + 1 }}")) == 2
    assert templar.template(trusted("{{ said.one[0] }}")) == EVIL
    assert templar.template(as_data([EVIL])) == [EVIL]
