# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.ucops.recovery.plugins.module_utils._products.base import Probe
from ansible_collections.ucops.recovery.plugins.module_utils._products.restore_plans.plan import Occasion
from ansible_collections.ucops.recovery.plugins.module_utils._products.restore_plans.starface import starface_plan


def steps(**how):
    probe = Probe(release=how.pop("release", "STARFACE 9.0"), identity={"hostname": "pbx"})
    return starface_plan(Occasion(generation="pbx/starface/7", source="pbx", probe=probe), **how)


def texts(plan):
    return [step.text for step in plan.branches[0].steps]


def test_the_file_goes_to_memory_and_is_removed_again():
    told = texts(steps())
    made = next(at for at, text in enumerate(told) if "install -d -m 0700 /run/starface" in text)
    removed = next(at for at, text in enumerate(told) if "rm -r /run/starface" in text)
    extracted = steps().branches[0].steps[made + 1]
    assert extracted.module == "ucops.recovery.generation_extract"
    assert extracted.options == {"generation": "pbx/starface/7", "dest": "/run/starface"}
    assert made < removed


def test_the_address_is_spoken_of_either_way():
    assert any('Tick "IP-Adresse ignorieren"' in text for text in texts(steps(ignore_ip=True)))
    assert any('Leave "IP-Adresse ignorieren" off' in text for text in texts(steps()))


def test_release_and_reason_are_told():
    plan = steps(why="It is too old.")
    assert "STARFACE 9.0" in texts(plan)[0] and plan.remarks[0] == "It is too old."
    assert "the release that the backup was made of" in texts(steps(release=""))[0]
    assert "only a drill" in plan.markdown()
