# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What cannot be made out for one host, such as a password that AWX was to bring: that host alone is not saved."""

from __future__ import annotations

import pytest
from sshd import SSHD, WITHOUT_SSHD, Sshd
from support.change_site import ChangeSite

pytestmark = pytest.mark.skipif(SSHD is None, reason=WITHOUT_SSHD)
CHANGE = "CHG0042"


@pytest.fixture
def site(tmp_path):
    with Sshd() as server:
        one = ChangeSite(tmp_path, server)
        # the first one, whose variables count for what is done once for all
        one.add("pbx-a", "pbx-b", "pbx-c")
        one.hosts["pbx-a"]["recovery_repository"] = "{{ nobody_defined_it }}"
        one.hosts["pbx-b"]["recovery_password"] = "{{ lookup('ansible.builtin.file', '/credential_of_awx') }}"
        yield one


def test_the_others_are_saved_and_the_gate_names_it(site):
    for gate in ("pre_change", "post_change"):
        ran = site.run(gate, change_id=CHANGE, scope="pbx-*", serial=1)
        assert_named(ran)
        last = [event for event in ran.events if event["status"] == "failed"][-3:]
        assert sorted(event["host"] for event in last) == ["pbx-a", "pbx-b", "pbx-c"], ran.output
        assert all("pbx-a (failed)" in event["result"]["msg"] for event in last)
        assert all("pbx-b (failed)" in event["result"]["msg"] for event in last)
    assert_named(site.run("backup", "--limit", "pbx-*"))
    assert site.records() == ["pbx-c/linux/1", "pbx-c/linux/2", "pbx-c/linux/3"]
    assert {path.name.partition("-")[0] for path in site.reports.iterdir()} == {"pre_change", "post_change"}


def assert_named(ran):
    assert ran.code == 2 and (ran.stats["ok"], ran.stats["result"]) == (1, "partial"), ran.output
    found = {one["host"]: one["problem"] for one in ran.stats["not_fine"] if one["outcome"] == "failed"}
    assert found.keys() == {"pbx-a", "pbx-b"}, ran.output
    assert "nobody_defined_it" in found["pbx-a"] and "/credential_of_awx" in found["pbx-b"]
