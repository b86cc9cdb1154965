# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import IndependenceMissing
from ansible_collections.ucops.recovery.plugins.module_utils._module.independence import (
    BOOT_ID,
    MACHINE_ID,
    check_independence,
)
from ansible_collections.ucops.recovery.plugins.module_utils._products.base import Probe
from ansible_collections.ucops.recovery.plugins.module_utils._transport.base import CommandResult, CommandsRefused

HERE = {MACHINE_ID: "m1", BOOT_ID: "b1"}


class Host:
    """A host whose running kernel has this id; None: it runs no commands."""

    host = "pbx"

    def __init__(self, boot_id, rc=0):
        self.boot_id, self.rc = boot_id, rc

    def run(self, argv, limit):
        assert argv == ["cat", BOOT_ID]
        if self.boot_id is None:
            raise CommandsRefused("none here", host=self.host)
        return CommandResult(self.rc, f"{self.boot_id}\n".encode(), b"")


def check(allowed, machine_id="m1", boot_id="b1", root="/", here=None, rc=0):
    here = HERE if here is None else here
    probe = Probe(identity={"machine_id": machine_id} if machine_id else {})
    product = SimpleNamespace(root=root)
    return check_independence(Host(boot_id, rc), product, probe, allowed, lambda path: here.get(path, ""))


def test_the_backup_host_itself_is_refused_told_or_allowed_as_it_was_said():
    with pytest.raises(IndependenceMissing, match="allow_same_host: true for a demonstration"):
        check(False)
    assert [finding.grade for finding in check(None)] == ["high"]
    assert check(True) == []


@pytest.mark.parametrize("allowed", [None, False])
@pytest.mark.parametrize(
    "other",
    [
        {"machine_id": "m2"},
        {"boot_id": "b2"},  # cloned from one template
        {"machine_id": ""},
        {"root": "/srv/container"},
        {"here": {}},
    ],
)
def test_another_host_is_another_host(other, allowed):
    assert check(allowed, **other) == []


@pytest.mark.parametrize("doubt", [{"boot_id": None}, {"rc": 1}])
def test_what_cannot_be_told_apart_is_the_same(doubt):
    with pytest.raises(IndependenceMissing):
        check(False, **doubt)
