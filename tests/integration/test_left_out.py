# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""After a change: hosts of it that a run leaves out, and changes that nobody knows."""

from __future__ import annotations

import pytest
from sshd import SSHD, WITHOUT_SSHD, Sshd
from support.change_site import ChangeSite

pytestmark = pytest.mark.skipif(SSHD is None, reason=WITHOUT_SSHD)
CHANGE = "CHG0042"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with Sshd() as server:
        one = ChangeSite(tmp_path_factory.mktemp("site"), server)
        one.add("pbx-a", "pbx-b", "pbx-c")
        one.hosts["phone"] = {}
        one.hosts["far"] = {"recovery_product": "linux", "recovery_repository": "/nowhere"}
        ran = one.run("pre_change", change_id=CHANGE, scope="pbx-a:pbx-b")
        assert ran.code == 0, ran.output
        yield one


def refused(ran):
    assert all(one["outcome"] == "refused" for one in ran.stats["not_fine"]), ran.output
    return {one["host"] for one in ran.stats["not_fine"]}


def test_whoever_was_saved_before_has_to_be_looked_at_after(site):
    ran = site.run("post_change", "--limit", "pbx-a", change_id=CHANGE)
    assert ran.code == 2 and refused(ran) == {"pbx-b", "far"}, ran.output
    said = ran.of("Fail when a host is not fine")["msg"]
    assert "pbx-b (refused): It was saved before the change" in said and "far (refused)" in said
    # what another run looked at is not looked at again, and who has no part in the change is only named
    del site.hosts["far"]
    ran = site.run("post_change", "--limit", "pbx-b", change_id=CHANGE)
    assert ran.code == 0 and ran.stats["result"] == "success", ran.output
    assert ran.of("Say what nobody looked at")["msg"].endswith("pbx-a, pbx-c")
    # but whom the scope names
    ran = site.run("post_change", "--limit", "pbx-b", "--check", change_id=CHANGE, scope="pbx-*")
    assert ran.code == 2 and refused(ran) == {"pbx-a", "pbx-c"}, ran.output


def test_a_run_of_which_no_host_declares_a_product_looked_at_nothing(site):
    ran = site.run("post_change", "--check", change_id=CHANGE, scope="phone")
    assert ran.code == 2 and "Nothing was looked at" in ran.output and ran.stats["result"] == "failed", ran.output


def test_a_rollback_of_a_change_that_nobody_knows_is_no_success(site):
    ran = site.run("rollback", "--limit", "all:!far", change_id="CHG042")
    assert ran.code == 2 and refused(ran) == {"pbx-a", "pbx-b", "pbx-c"}, ran.output
    assert ran.stats["result"] == "failed" and "before CHG042" in ran.stats["not_fine"][0]["problem"]
    ran = site.run("rollback", "--limit", "backup1,phone", change_id=CHANGE)
    assert ran.code == 2 and refused(ran) == {"backup1", "phone"}, ran.output
