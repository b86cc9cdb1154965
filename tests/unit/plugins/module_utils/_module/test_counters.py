# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.ucops.recovery.plugins.module_utils._module.counters import as_counts, counters_of, lasting


def test_they_stand_apart_from_what_counts_the_configuration():
    record = {"users": 3, **as_counts({"users": 2, "trunks_up": 0})}
    assert counters_of(record) == {"users": 2, "trunks_up": 0}
    assert lasting(record) == {"users": 3}
