# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._items.windows_host import Installed, WindowsLook
from ansible_collections.ucops.recovery.plugins.module_utils._products import ecsta, estos_licences
from ansible_collections.ucops.recovery.plugins.module_utils._products.base import Probe
from ansible_collections.ucops.recovery.plugins.module_utils._products.ecsta import Ecsta

ESTOS = "HKEY_LOCAL_MACHINE\\SOFTWARE\\ESTOS"
ESTOS_32 = "HKEY_LOCAL_MACHINE\\SOFTWARE\\WOW6432Node\\ESTOS"
HOST = {ESTOS: ["UCServer4", "ECSTACA4000p3", "ecstaSIP"], ESTOS_32: ["ECSTACA4000p3", "Client"]}
DRIVER = Installed("ECSTA for Atos Unify OpenScape 4000", "5.0.4", "estos GmbH", "", "64")


@pytest.fixture(name="host")
def _host(monkeypatch):
    there = dict(HOST)
    look = {"programs": [DRIVER]}

    class Registry:
        @contextlib.contextmanager
        def opened(self):
            yield self

        def subkeys(self, key):
            return there.get(key)

    monkeypatch.setattr(estos_licences, "read_keys", lambda _transport, _keys: {})
    monkeypatch.setattr(ecsta, "HostRegistry", lambda _transport: Registry().opened())
    monkeypatch.setattr(
        ecsta, "look_at_windows", lambda _transport: WindowsLook(hostname="TAPI1", machine_id="m1", **look)
    )
    return there, look


def test_every_driver_in_both_views(host):
    product = Ecsta({})
    probe = product.probe(None)
    *items, licences = product.items(probe)
    assert licences.name == "licences" and not licences.required
    assert [(item.name, list(item.keys)) for item in items] == [
        ("ECSTACA4000p3", [f"{ESTOS}\\ECSTACA4000p3"]),
        ("ecstaSIP", [f"{ESTOS}\\ecstaSIP"]),
        ("ECSTACA4000p3-32bit", [f"{ESTOS_32}\\ECSTACA4000p3"]),
    ]
    assert all(item.required and item.data_class == "voip_config" for item in items)
    assert probe.counts == {"drivers": 3}
    assert [driver["name"] for driver in probe.facts["drivers"]] == ["ECSTACA4000p3", "ecstaSIP", "ECSTACA4000p3"]


def test_no_driver_is_missed(host):
    host[0].clear()
    host[1]["programs"] = []
    product = Ecsta({})
    probe = product.probe(None)
    assert (probe.release, probe.counts, probe.facts["drivers"]) == ("", {"drivers": 0}, [])
    item, _licences = product.items(probe)
    assert item.required and item.name == "configuration"


def test_other_places(host):
    host[0]["HKEY_LOCAL_MACHINE\\SOFTWARE\\Partner"] = ["CSTA1", "CSTA12"]
    product = Ecsta({"keys": ["HKLM\\SOFTWARE\\Partner\\csta?"]})
    assert [item.name for item in product.items(product.probe(None))] == ["CSTA1", "licences"]


def test_a_driver_that_is_named_and_not_there_is_demanded(host):
    named = [ESTOS + r"\ECSTACA4000p3", ESTOS + r"\ECSTAGone", ESTOS + r"\ECSTANone*"]
    one = Ecsta({"keys": named})
    made = {item.name: item for item in one.items(one.probe(host))}
    assert made["ECSTAGone"].required and list(made["ECSTAGone"].keys) == [ESTOS + r"\ECSTAGone"]
    assert len(made) == 3


def test_two_keys_that_would_be_one_item_are_refused(host):
    host[0].clear()
    host[0][ESTOS] = ["ECSTA A", "ECSTA-A"]
    product = Ecsta({})
    with pytest.raises(OptionInvalid, match="Two items are called ECSTA-A"):
        product.items(product.probe(None))


def test_release_and_identical_version(host):
    product = Ecsta({})
    then = product.probe(None)
    assert then.release == "ECSTA for Atos Unify OpenScape 4000 5.0.4"
    assert then.version == "5.0.4"
    host[1]["programs"] = [Installed(DRIVER.name, "5.0.5", DRIVER.publisher, "", "64")]
    now = product.probe(None)
    assert "identical version" in product.release_verdict(then, now)
    assert product.release_must_match(then, now)
    assert "not installed" in product.release_verdict(then, Probe())


def test_a_restore_says_what_is_left_to_people(host):
    product = Ecsta({})
    probe = product.probe(None)
    items = product.items(probe)
    warnings = product.refuse_restore(None, probe, probe, items)
    assert any("Phone Driver Options Advanced" in line and "ecsta_restore_plan" in line for line in warnings)
    assert any("TapiSrv" in line for line in warnings)
    assert product.refuse_restore(None, probe, probe, []) == []
    restarting = Ecsta({"services": ["TapiSrv"]})
    probe = restarting.probe(None)
    assert [service.name for service in restarting.services(probe)] == ["TapiSrv"]
    assert not any("TapiSrv" in line for line in restarting.refuse_restore(None, probe, probe, items))
