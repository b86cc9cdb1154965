# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import ConnectionLost, PrivilegeFailed
from ansible_collections.ucops.recovery.plugins.module_utils._module.counters import (
    as_counts,
    counted,
    counters_of,
    lasting,
)
from ansible_collections.ucops.recovery.plugins.module_utils._products.base import Probe
from ansible_collections.ucops.recovery.plugins.module_utils._products.linux import Linux
from ansible_collections.ucops.recovery.plugins.module_utils._transport.local import LocalTransport


def test_they_stand_apart_from_what_counts_the_configuration():
    record = {"users": 3, **as_counts({"users": 2, "trunks_up": 0})}
    assert counters_of(record) == {"users": 2, "trunks_up": 0}
    assert lasting(record) == {"users": 3}


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
