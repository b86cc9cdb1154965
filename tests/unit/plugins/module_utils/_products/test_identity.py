# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._products.identity import identity_text, same_host

ID = "3d1219c7c4c5404aaa1f6d2a48adfda4"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"machine_id": ID, "hostname": "a"}, {"machine_id": ID, "hostname": "b"}, True),
        ({"machine_id": ID, "hostname": "a"}, {"machine_id": "0" + ID[1:], "hostname": "a"}, False),
        ({"machine_id": ID, "serial": "S1"}, {"machine_id": "other", "serial": "S1"}, True),
        ({"machine_id": ID, "serial": "S1"}, {"serial": "S2", "hostname": "a"}, False),
        (
            {"product_uuid": "u", "macs": ["00:11:22:33:44:55"]},
            {"product_uuid": "v", "macs": ["00:11:22:33:44:55"]},
            False,
        ),
        ({"serial": "S1"}, {"machine_id": ID}, False),
        ({"macs": ["00:11:22:33:44:55", "x"]}, {"macs": ["x"], "machine_id": ID}, True),
        ({"macs": ["1"], "hostname": "a"}, {"macs": ["2"], "hostname": "a"}, False),
        ({"hostname": "a"}, {"hostname": "a", "machine_id": ID}, True),
        ({"hostname": "a"}, {"hostname": "b"}, False),
        ({}, {}, False),
        ({"machine_id": ""}, {"machine_id": ""}, False),
    ],
)
def test_rule(one, other, same):
    assert same_host(one, other) is same
    assert same_host(other, one) is same


def test_words_for_messages():
    assert identity_text({"hostname": "pbx", "machine_id": ID}) == f"pbx (machine id {ID})"
    assert identity_text({"hostname": "pbx", "serial": "S1"}) == "pbx (serial number S1)"
    assert identity_text({"hostname": "pbx"}) == "pbx"
    assert identity_text({}) == "a host without a name"
