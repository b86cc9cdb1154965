# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._compare.mask import Masker
from ansible_collections.ucops.recovery.plugins.module_utils._compare.mask_rules import GENERIC
from ansible_collections.ucops.recovery.plugins.module_utils._items.services import Service
from ansible_collections.ucops.recovery.plugins.module_utils._products.base import Check, Probe, Product
from ansible_collections.ucops.recovery.plugins.module_utils._transport.local import LocalTransport


class Sample(Product):
    name = "sample"

    def __init__(self, options):
        self.stop_services_for_backup = options.get("stop", False)
        self.trio = options["trio"]

    def probe(self, transport):
        return Probe()

    def items(self, probe):
        return []

    def services(self, probe):
        return [Service("one", *self.trio)]


def sample(status, **options):
    return Sample({"trio": (["true"], ["true"], status), **options})


def test_probe_round_trip_and_what_it_never_shows():
    probe = Probe("r", "v", "b", ["l"], {"hostname": "h"}, {"f": 1}, {"password": "geheim"})
    assert Probe.from_json(json.loads(json.dumps(probe.to_json()))) == probe
    assert Probe.from_json({}) == Probe()
    assert "geheim" not in repr(probe)
    assert probe.same_host(Probe(identity={"hostname": "h"}))
    assert probe.identity_text() == "h"


def test_check_result():
    assert Check("n", None, "why").to_result() == {"name": "n", "ok": None, "detail": "why"}


def test_services_are_stopped_for_a_backup_only_when_asked():
    assert sample(["true"]).services_to_stop_for_backup(Probe()) == []
    assert [one.name for one in sample(["true"], stop=True).services_to_stop_for_backup(Probe())] == ["one"]


@pytest.mark.parametrize(("status", "ok"), [(["true"], True), (["false"], False)])
def test_health_asks_the_services(status, ok):
    with LocalTransport() as transport:
        (check,) = sample(status).health(transport, Probe())
    assert check.ok is ok
    assert check.name == "service one"


def test_a_service_that_nobody_knows_could_not_be_checked():
    product = sample(["true"])
    product.services = lambda probe: [Service("no-such-service-here")]
    with LocalTransport() as transport:
        (check,) = product.health(transport, Probe())
    assert check.ok is None
    assert "no such service" in check.detail


@pytest.mark.parametrize(
    ("then", "now", "fits"), [("a 1", "a 1", True), ("a 1", "a 2", False), ("", "a 2", True), ("a 1", "", True)]
)
def test_release(then, now, fits):
    product = sample(["true"])
    assert (product.release_verdict(Probe(then), Probe(now)) is None) is fits
    assert product.release_must_match(Probe(then), Probe(now)) is not fits


def test_defaults():
    product = sample(["true"])
    assert product.validate(LocalTransport(), Probe()) == []
    assert product.semantic({}, {}, Masker(bytes(32))) == []
    assert product.mask_rules(b"/etc/x.conf") == GENERIC
