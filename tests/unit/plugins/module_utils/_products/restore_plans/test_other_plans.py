# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.ucops.recovery.plugins.module_utils._products.base import Probe
from ansible_collections.ucops.recovery.plugins.module_utils._products.restore_plans.ecsta import ecsta_plan
from ansible_collections.ucops.recovery.plugins.module_utils._products.restore_plans.metadirectory import (
    metadirectory_plan,
)
from ansible_collections.ucops.recovery.plugins.module_utils._products.restore_plans.plan import YOU, Occasion

KEY = r"HKEY_LOCAL_MACHINE\SOFTWARE\ESTOS\ECSTACA4000p3"


def test_metadirectory_installation_then_folders():
    probe = Probe(
        version="6.0.1",
        identity={"hostname": "meta1"},
        licences=["MD-1"],
        facts={"root": r"D:\estos\MetaDirectory", "services": ["EMetaSrv"]},
    )
    plan = metadirectory_plan(Occasion("meta1/metadirectory/2", "meta1", probe))
    first, look, put, licences, enter, check = plan.branches[0].steps
    assert first.who == YOU
    assert first.text == (r"Install MetaDirectory 6.0.1 on meta1, the identical version, into D:\estos\MetaDirectory.")
    assert look.options["step"] == "plan"
    assert "EMetaSrv" in look.text
    assert put.module == "ucops.recovery.metadirectory_restore"
    assert put.options == {"source": "meta1", "generation": "meta1/metadirectory/2"}
    assert "config, database and wwwroot" in put.text
    assert "the 1 licence keys" in licences.text and licences.module == "ucops.recovery.generation_extract"
    assert licences.options == {"generation": "meta1/metadirectory/2", "only_items": ["licences"]}
    assert enter.who == YOU
    assert check.who == YOU
    assert "MD-1" not in plan.markdown()
    assert plan.known["Folder"] == r"D:\estos\MetaDirectory"


def test_metadirectory_of_which_nothing_is_known():
    plan = metadirectory_plan(Occasion("m/metadirectory/1", "m", Probe()))
    assert "the version that the generation does not tell" in plan.branches[0].steps[0].text
    assert "the generation holds none of them" in plan.branches[0].steps[3].text


def test_ecsta_three_steps_of_the_vendor_for_each_driver():
    drivers = [{"name": "ECSTA for OpenScape 4000", "version": "5.1", "key": KEY}, KEY + "x"]
    probe = Probe(identity={"hostname": "uc1"}, facts={"drivers": drivers})
    plan = ecsta_plan(Occasion("uc1/ecsta/2", "uc1", probe))
    assert plan.known["Drivers"] == "ECSTA for OpenScape 4000 5.1 and ECSTACA4000p3x"
    first, second = plan.branches
    install, cancel, put, instance, licence, check = first.steps
    assert "ECSTA for OpenScape 4000 5.1" in install.text
    assert cancel.who == YOU
    assert "Cancel the configuration" in cancel.text
    assert put.module == "ucops.recovery.ecsta_restore"
    assert KEY in put.text
    assert '"Phone Driver Options Advanced"' in instance.text
    assert "holds none of them" in licence.text
    assert instance.who == licence.who == check.who == YOU
    assert "ECSTACA4000p3x" in second.title


def test_ecsta_of_which_nothing_is_known():
    plan = ecsta_plan(Occasion("uc1/ecsta/2", "uc1", Probe()))
    assert len(plan.branches) == 1
    assert "<ECSTA>" in plan.branches[0].steps[2].text
