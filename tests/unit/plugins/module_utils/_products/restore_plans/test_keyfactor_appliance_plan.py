# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan for a Software Appliance: every way back, what comes first, what is only a hint."""

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._products.base import Probe
from ansible_collections.ucops.recovery.plugins.module_utils._products.restore_plans import keyfactor_appliance
from ansible_collections.ucops.recovery.plugins.module_utils._products.restore_plans.keyfactor_appliance import (
    BACKUP,
    HINT,
    keyfactor_appliance_plan,
)
from ansible_collections.ucops.recovery.plugins.module_utils._products.restore_plans.plan import YOU, Occasion

DECLARED = {
    "appliance_size": "4 CPU, 16 GB",
    "storage": {"type": "nfs", "nfs_version": "4.2", "nfs_url": "backup1", "path": "/ca1"},
    "escrow": [{"where": "safe in Berlin", "by": "anna", "at": "2026-01-15"}],
    "key_storage": "hsm",
    "hsm_backup": {"product": "pushed", "source": "hsm1", "instance": ""},
    "database": "external",
    "database_backup": {"product": "mssql", "source": "db1", "instance": "EJBCA"},
    "applications": ["ejbca", "signserver"],
    "cluster_nodes": [],
    "filename_prefix": "ca1-",
}


def plan(companions=("hsm1/pushed/4", "db1/mssql@EJBCA/2"), secret_known=True, release="3.4.1", **declared):
    facts = {"declared": {**DECLARED, **declared}, "appliance_secret_known": secret_known}
    occasion = Occasion("ca1/keyfactor_appliance/7", "ca1", Probe(release=release, facts=facts), companions)
    return keyfactor_appliance_plan(occasion)


def branch(made, title):
    return next(one for one in made.branches if one.title == title)


def at(steps, words):
    """Which step says this."""
    (found,) = [number for number, step in enumerate(steps) if words in step.text]
    return found


@pytest.mark.parametrize("title", ["Restore on the same machine", "Restore on a fresh machine", "Drill"])
def test_the_order_of_every_restore(title):
    steps = branch(plan(), title).steps
    order = [
        at(steps, "Fetch the appliance's own backup out of the generation"),
        at(steps, "Fetch the appliance's Domain Master Secret from safe in Berlin"),
        at(steps, "Compare the secret from escrow"),
        at(steps, "Restore the HSM first, from hsm1/pushed/4"),
        at(steps, "Restore the external database, from db1/mssql@EJBCA/2"),
        at(steps, "browse it by NFS 4.2"),
        at(steps, ", restore the backup with its Domain Master Secret"),
        at(steps, "/ejbca/publicweb/healthcheck/ejbcahealth"),
        at(steps, "/signserver/healthcheck/signserverhealth"),
    ]
    assert order == sorted(order)
    assert "backup1 /ca1" in steps[at(steps, "browse it by NFS 4.2")].text
    assert [step.number for step in steps] == list(range(1, len(steps) + 1))
    assert any("generation ca1/keyfactor_appliance/7, version, who" in step.text for step in steps)


def test_who_does_what():
    steps = branch(plan(), "Restore on the same machine").steps
    modules = [step.module.rpartition(".")[2] for step in steps if step.who != YOU]
    assert modules == [
        "keyfactor_appliance_info",
        "generation_extract",
        "generation_extract",
        "keyfactor_appliance_info",
        "keyfactor_appliance_backup",
    ]
    assert steps[1].options == {"generation": "ca1/keyfactor_appliance/7", "only_items": ["files"]}
    assert steps[3].options == {"generation": "ca1/keyfactor_appliance/7", "only_items": ["appliance-secret"]}


def test_a_fresh_machine_is_the_same_version_and_big_enough():
    steps = branch(plan(), "Restore on a fresh machine").steps
    text = steps[at(steps, "never provisioned")].text
    assert "3.4.1" in text and "at least 4 CPU, 16 GB" in text and HINT in text


def test_what_the_vendor_says_and_what_is_a_hint():
    steps = branch(plan(), "Restore on the same machine").steps
    assert steps[at(steps, "port 111/TCP")].text.endswith(f"2049/TCP {HINT}.")
    assert BACKUP in steps[at(steps, "Restore the HSM first")].text
    assert all(mark.startswith("(") and mark.endswith(")") for mark in (BACKUP, HINT, keyfactor_appliance.SIGNSERVER))


def test_in_a_cluster_a_restore_is_the_last_resort():
    made = plan(cluster_nodes=["n1", "n2"])
    assert made.branches[0].title == "Rejoin the cluster"
    assert "n1 and n2" in made.branches[0].steps[0].text
    assert "only when all nodes are dead" in branch(made, "Restore on the same machine").when
    assert "only when all nodes are dead" not in branch(plan(), "Restore on the same machine").when


def test_without_what_is_outside_there_are_no_steps_for_it():
    text = plan(key_storage="soft", database="internal").markdown()
    assert "Restore the HSM" not in text and "external database" not in text


def test_companions_that_nobody_recorded():
    text = plan(companions=()).markdown()
    assert "the newest one of hsm1/pushed; none of the same age was recorded" in text
    assert "db1/mssql@EJBCA; none" in text


def test_a_drill_is_isolated_and_leaves_nothing():
    steps = branch(plan(), "Drill").steps
    assert "network of its own" in steps[0].text
    assert "Only this proves that it restores" in steps[-2].text and "Erase" in steps[-1].text


def test_of_an_appliance_of_which_nothing_is_known():
    made = keyfactor_appliance_plan(Occasion("ca1/keyfactor_appliance/1", "ca1", Probe()))
    text = made.markdown()
    assert "the version that the generation does not tell" in text
    assert "its escrow, which the generation does not name" in text
    assert "No fingerprint was declared" in text
    assert "4, 4.1 or 4.2" in text
    assert made.known["Appliance"] == "ca1" and "Version" not in made.known


def test_what_is_declared_cannot_draw_a_heading():
    text = plan(
        appliance_size="big\n# Another plan", escrow=[{"where": "a\n## b", "by": "c", "at": "2026-01-01"}]
    ).markdown()
    assert "\n# Another" not in text and "\n## b" not in text


def test_a_plan_is_a_value():
    assert dataclasses.is_dataclass(plan()) and plan() == plan()
