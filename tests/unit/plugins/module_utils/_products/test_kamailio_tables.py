# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.ucops.recovery.plugins.module_utils._products import kamailio_tables as k
from ansible_collections.ucops.recovery.plugins.module_utils._products.kamailio_config import KamailioConfig


def test_the_known_tables_are_in_one_class_each():
    classes = k.table_classes(KamailioConfig())
    named = [*classes.logs, *classes.user_data, *classes.volatile]
    assert len(named) == len(set(named))
    assert {"acc", "missed_calls"} <= set(classes.logs)
    assert {"speed_dial", "usr_preferences", "silo"} <= set(classes.user_data)
    assert {"location", "location_attrs", "presentity"} <= set(classes.volatile)
    assert not {"subscriber", "dispatcher", "address", "version", "aliases"} & set(named)


def test_tables_that_the_configuration_calls_differently():
    config = KamailioConfig(
        modparams={
            ("acc", "db_table_acc"): ["calls_done"],
            ("msilo", "db_table"): ["offline"],
            ("presence", "presentity_table"): ["states"],
            ("dialog", "table_name"): ["$var(x); drop"],
        },
        routes={"request_route": ['save("customers","0x01");', 'lookup("aliases");']},
    )
    classes = k.table_classes(config)
    assert "calls_done" in classes.logs
    assert "offline" in classes.user_data
    assert {"states", "customers"} <= set(classes.volatile)
    assert "aliases" not in classes.volatile
    assert "$var(x); drop" not in classes.volatile


def test_tables_that_the_operator_names():
    classes = k.table_classes(KamailioConfig(), logs=["billing"], user_data=["notes", "billing"], volatile=["cache"])
    assert "billing" in classes.logs
    assert "notes" in classes.user_data and "billing" not in classes.user_data
    assert "cache" in classes.volatile
