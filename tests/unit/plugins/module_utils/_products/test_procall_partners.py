# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import RestoreRefused
from ansible_collections.ucops.recovery.plugins.module_utils._products.procall_options import PartnerServer
from ansible_collections.ucops.recovery.plugins.module_utils._products.procall_partners import refuse_running_partners


def partner(port):
    return [PartnerServer("127.0.0.1", port)]


def test_a_partner_that_runs_and_then_not_any_more():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(RestoreRefused, match=f"answers at port {port}") as caught:
            refuse_running_partners(partner(port), allowed=False, host="uc1")
        assert "allow_running_partners" in caught.value.hint
        (warning,) = refuse_running_partners(partner(port), allowed=True, host="uc1")
        assert "runs while this one is restored" in warning
    assert refuse_running_partners(partner(port), allowed=False, host="uc1") == []


def test_no_partner_nothing_to_say():
    assert refuse_running_partners([], allowed=False, host="uc1") == []
