# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._products.procall_server import ProcallServer


@pytest.mark.parametrize(
    "wrong",
    [
        {"edition": "starter"},
        {"components": ["redis"]},
        {"root": "/opt/uc"},
        {"database_folders": [r"..\db"]},
        {"databases": ["CHAT"]},
        {"databases": [{"server": "sql1"}]},
        {"databases": [{"database": "a", "role": "other"}]},
        {"partner_servers": [{"port": 1}]},
        {"partner_servers": [{"host": "a", "port": 0}]},
        {"demanded_companions": [{"source": "a"}]},
        {"consistency": "maybe"},
        {"user_database": "ldap"},
        {"optional_folders": ["MediaService"]},
        {"service_passwords": {"a": 1}},
        {"cti_port": 70000},
    ],
)
def test_options_that_cannot_be(wrong):
    with pytest.raises(OptionInvalid):
        ProcallServer(wrong)
