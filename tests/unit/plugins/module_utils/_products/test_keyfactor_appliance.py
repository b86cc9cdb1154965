# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The appliance as a product: what is gathered, what is demanded of others, what is said."""

from __future__ import annotations

import json

import pytest
from support.gathering import Gathering

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._products.base import Probe
from ansible_collections.ucops.recovery.plugins.module_utils._products.keyfactor_appliance import (
    DECLARED_ITEM,
    SECRET_ITEM,
    KeyfactorAppliance,
)
from ansible_collections.ucops.recovery.plugins.module_utils._transport.local import LocalTransport

HSM = {"key_storage": "hsm", "hsm_backup": {"source": "hsm1"}}
DATABASE = {"database": "external", "database_backup": {"product": "mssql", "source": "db1", "instance": "EJBCA"}}
MARK = {"appliance_secret_fingerprint": "planted-mark"}


def items(product):
    return {item.name: item for item in product.items(Probe())}


def test_what_is_gathered():
    assert list(items(KeyfactorAppliance({}))) == ["files", "contents", DECLARED_ITEM]
    assert list(items(KeyfactorAppliance(MARK))) == ["files", "contents", DECLARED_ITEM, SECRET_ITEM]


def test_what_is_declared_is_kept_without_the_fingerprint_and_what_is_of_one_day():
    product = KeyfactorAppliance(
        {**MARK, "backup_details": {"Size": "2 GB"}, "restart_lock": "today", "release": "3.4"}
    )
    probe = product.probe(LocalTransport())
    shown = json.dumps(probe.facts)
    assert "planted-mark" not in shown and "today" not in shown and "2 GB" not in shown
    assert probe.facts["appliance_secret_known"] and probe.release == "3.4"
    ((_entry, content),) = Gathering(items(product)[DECLARED_ITEM], LocalTransport()).all
    assert json.loads(content)["backup_details"] == {"Size": "2 GB"} and b"planted-mark" not in content


def test_the_secret_is_constant_unless_another_one_is_accepted():
    assert items(KeyfactorAppliance(MARK))[SECRET_ITEM].constant
    assert not items(KeyfactorAppliance({**MARK, "accept_new_appliance_secret": True}))[SECRET_ITEM].constant
    assert items(KeyfactorAppliance(MARK))[SECRET_ITEM].sensitive


def test_a_secret_that_differs_is_a_problem():
    product = KeyfactorAppliance(MARK)
    assert Gathering(items(product)[SECRET_ITEM], LocalTransport()).problems == {}
    product.demand(companion_max_age=0, secret_differs=True)
    (problem,) = Gathering(items(product)[SECRET_ITEM], LocalTransport()).problems.values()
    assert "can be set only once" in problem and "planted" not in problem


def test_what_is_outside_is_demanded():
    assert KeyfactorAppliance({}).companions(Probe()) == []
    product = KeyfactorAppliance({**HSM, **DATABASE})
    product.demand(companion_max_age=60, secret_differs=False)
    hsm, database = product.companions(Probe())
    assert (str(hsm), hsm.max_age) == ("hsm1/pushed", 60) and "HSM" in hsm.why
    assert str(database) == "db1/mssql@EJBCA" and "external" in database.why


@pytest.mark.parametrize("options", [{"key_storage": "hsm"}, {"database": "external"}])
def test_what_is_outside_has_a_place(options):
    with pytest.raises(OptionInvalid, match="is not given"):
        KeyfactorAppliance(options)


def test_a_place_that_is_not_used_demands_nothing():
    assert KeyfactorAppliance({"hsm_backup": {"source": "hsm1"}}).companions(Probe()) == []


def test_nothing_is_restored_by_a_module_and_it_is_said():
    product = KeyfactorAppliance({})
    assert not any(item.restorable for item in product.items(Probe()))
    said = " ".join(product.remarks(Probe()))
    assert "keyfactor_appliance_restore_plan" in said and "neither the keys of an HSM nor an external database" in said


def test_the_fingerprint_is_in_no_repr():
    product = KeyfactorAppliance(MARK)
    assert "planted-mark" not in repr(product.options)
