# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is counted beside a backup. The backup itself is in test_backup_and_restore.py."""

from __future__ import annotations

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import ConnectionLost, PrivilegeFailed
from ansible_collections.ucops.recovery.plugins.module_utils._module.backup_module import counted
from ansible_collections.ucops.recovery.plugins.module_utils._products.base import Probe
from ansible_collections.ucops.recovery.plugins.module_utils._products.linux import Linux
from ansible_collections.ucops.recovery.plugins.module_utils._transport.local import LocalTransport


@pytest.mark.parametrize("error", [PrivilegeFailed("no sudo"), ConnectionLost("gone")])
def test_a_host_that_cannot_be_counted_is_backed_up_all_the_same(error):
    class Refusing(Linux):
        def counters(self, transport, probe):
            raise error

    with LocalTransport() as transport:
        assert counted(Refusing({}), transport, Probe()) == {}


def test_services_that_run_are_counted(tmp_path):
    flag = tmp_path / "runs"
    one = {"name": "one", "start": ["true"], "stop": ["true"], "status": ["test", "-e", str(flag)]}
    other = {**one, "name": "other", "status": ["true"]}
    product = Linux({"services": [one, other]})
    with LocalTransport() as transport:
        assert counted(product, transport, Probe()) == {"services": 1}
        flag.touch()
        assert counted(product, transport, Probe()) == {"services": 2}
        assert counted(Linux({}), transport, Probe()) == {}
