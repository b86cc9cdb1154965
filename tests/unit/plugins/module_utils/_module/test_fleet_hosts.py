# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._module.all_parts import PARTS
from ansible_collections.ucops.recovery.plugins.module_utils._module.fleet_hosts import (
    AFTER,
    FLEET_PRODUCTS,
    FleetHost,
    fleet_hosts,
    split_secrets,
)

OPTIONS = {
    "repository": "/srv/recovery",
    "writer_key_file": "/etc/ucops/writer.json",
    "source": "pbx",
    "username": "backup",
}


def test_options_become_what_the_module_would_see():
    params = FleetHost("pbx", "kamailio", {**OPTIONS, "port": "2222"}).params()
    assert params["port"] == 2222 and params["phase"] == "manual" and params["databases"] is None


@pytest.mark.parametrize(
    ("options", "says"),
    [({"pahts": []}, "pahts"), ({"port": "many"}, "port"), ({"phase": "never"}, "phase")],
)
def test_options_that_are_not_right_are_named(options, says):
    with pytest.raises(OptionInvalid, match=says) as raised:
        FleetHost("pbx", "linux", {**OPTIONS, **options}).params()
    assert raised.value.host == "pbx"


@pytest.mark.parametrize("product", ["", "pushed", "starface", "keyfactor_appliance", "nothing"])
def test_products_that_are_waited_for_are_none_of_a_fleet(product):
    with pytest.raises(OptionInvalid, match="not backed up as part of a fleet"):
        FleetHost("pbx", product, OPTIONS).params()


def test_every_product_is_either_of_a_fleet_or_pushes():
    assert set(PARTS) - set(FLEET_PRODUCTS) == {"pushed", "starface", "keyfactor_appliance"}


def test_secrets_travel_apart_and_come_together_again():
    options = {
        **OPTIONS,
        "password": "a",
        "become_password": "b",
        "domain_master_secret": "stays",
        "jump_host": {"host": "jump", "password": "c"},
    }
    seen, hidden = split_secrets("kamailio", options)
    assert seen == OPTIONS
    assert hidden == {"password": "a", "become_password": "b", "jump_host": {"host": "jump", "password": "c"}}
    (host,) = fleet_hosts([{"name": "pbx", "product": "kamailio", "options": seen, "site": None}], {"pbx": hidden})
    assert host.options == {**seen, **hidden} and "'a'" not in repr(host)


@pytest.mark.parametrize(
    "harmless",
    [
        {
            "databases": [{"name": "kamailio", "host": "127.0.0.1", "port": 3306}],
            "database_admin": {"username": "root"},
        },
        {"jump_host": {"host": "jump", "port": 22, "password": None}},
        {"password": "", "become_password": None},
    ],
)
def test_what_could_hold_a_secret_and_holds_none_is_none(harmless):
    assert split_secrets("kamailio", {**OPTIONS, **harmless}) == ({**OPTIONS, **harmless}, {})
    assert FleetHost("pbx", "kamailio", {**OPTIONS, **harmless}).secrets == set()


def test_the_secrets_of_a_host_are_the_texts_and_not_what_stands_beside_them():
    options = {"databases": [{"name": "kamailio", "password": "p1"}], "jump_host": {"port": 22, "password": "p2"}}
    assert FleetHost("pbx", "kamailio", options).secrets == {"p1", "p2"}


def test_a_host_is_named_once():
    one = {"name": "pbx", "product": "linux", "options": None, "site": None}
    with pytest.raises(OptionInvalid, match="twice"):
        fleet_hosts([one, one], {})


def test_what_may_demand_others_comes_after_these():
    assert FleetHost("h", "mssql", {}).place.after == frozenset()
    assert FleetHost("h", "procall_server", {}).place.after == {"mssql", "ad_attributes"}
    demanded = {"demanded_companions": [{"product": "linux", "source": "fax"}]}
    assert FleetHost("h", "procall_server", demanded).place.after == {"mssql", "ad_attributes", "linux"}
    assert FleetHost("h", "procall_server", {"demanded_companions": "nonsense"}).place.after == AFTER["procall_server"]
    assert set(AFTER) | set().union(*AFTER.values()) <= set(FLEET_PRODUCTS)
