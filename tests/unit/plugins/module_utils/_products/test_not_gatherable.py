# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.ucops.recovery.plugins.module_utils._entries import ItemReport
from ansible_collections.ucops.recovery.plugins.module_utils._products.not_gatherable import NotGatherable
from ansible_collections.ucops.recovery.plugins.module_utils._transport.local import LocalTransport


def test_it_is_missing_and_says_why():
    item = NotGatherable(name="database", data_class="voip_config", reason="cannot be dumped")
    report = ItemReport("database")
    assert list(item.gather(LocalTransport(), report)) == []
    assert item.required and not item.restorable
    assert not report.found
    assert [problem.message for problem in report.problems] == ["cannot be dumped"]
