# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of modules are those that the products' classes read, and their values pass the products' checks."""

from __future__ import annotations

from dataclasses import fields

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.ucops.recovery.plugins.module_utils._module.all_parts import PARTS
from ansible_collections.ucops.recovery.plugins.module_utils._products.ad_attributes import AdAttributesOptions
from ansible_collections.ucops.recovery.plugins.module_utils._products.ecsta import EcstaOptions
from ansible_collections.ucops.recovery.plugins.module_utils._products.ejbca_configdump import EjbcaConfigdumpOptions
from ansible_collections.ucops.recovery.plugins.module_utils._products.kamailio import KamailioOptions
from ansible_collections.ucops.recovery.plugins.module_utils._products.keyfactor_options import (
    KeyfactorApplianceOptions,
)
from ansible_collections.ucops.recovery.plugins.module_utils._products.linux import LinuxOptions
from ansible_collections.ucops.recovery.plugins.module_utils._products.metadirectory import MetadirectoryOptions
from ansible_collections.ucops.recovery.plugins.module_utils._products.mssql import MssqlOptions
from ansible_collections.ucops.recovery.plugins.module_utils._products.options import parse_options
from ansible_collections.ucops.recovery.plugins.module_utils._products.procall_client import ProcallClientOptions
from ansible_collections.ucops.recovery.plugins.module_utils._products.procall_options import ProcallServerOptions
from ansible_collections.ucops.recovery.plugins.module_utils._products.pushed import PushedOptions
from ansible_collections.ucops.recovery.plugins.module_utils._products.registry import product_class, product_names
from ansible_collections.ucops.recovery.plugins.module_utils._products.starface import StarfaceOptions
from ansible_collections.ucops.recovery.plugins.module_utils._products.windows import WindowsHostOptions

CLASSES = {
    "ad_attributes": AdAttributesOptions,
    "ecsta": EcstaOptions,
    "ejbca_configdump": EjbcaConfigdumpOptions,
    "kamailio": KamailioOptions,
    "keyfactor_appliance": KeyfactorApplianceOptions,
    "linux": LinuxOptions,
    "metadirectory": MetadirectoryOptions,
    "mssql": MssqlOptions,
    "procall_client": ProcallClientOptions,
    "procall_server": ProcallServerOptions,
    "pushed": PushedOptions,
    "starface": StarfaceOptions,
    "windows": WindowsHostOptions,
}
LOGIN = {"username": "u", "password": "p"}
DEMANDED = {"keyfactor_appliance": {"key_storage": "soft", "database": "internal"}, "mssql": {"database": "CHAT"}}
SOME = {
    "mssql": {"database": "X", "compression": "never", "partner_hosts": ["uc1"], "check": False},
    "ad_attributes": {"base_dns": ["OU=Sales,DC=lab"], "object_kinds": ["users"], "phone_attributes": ["mobile"]},
    "ecsta": {"keys": ["HKLM\\SOFTWARE\\ESTOS\\ECSTACA4000p3"], "services": ["eucsrv"]},
    "ejbca_configdump": {"include": ["CA:*"], "exclude": ["*:*"], "defaults": True, "api_base": "/rest"},
    "keyfactor_appliance": {
        "filename_prefix": "ca1-",
        "schedule": "scheduled",
        "storage": {"type": "nfs", "nfs_version": "4.2", "nfs_url": "backup1", "path": "/ca1"},
        "oauth_attested": {"by": "anna", "at": "2026-01-15"},
        "escrow": [{"where": "safe", "by": "anna", "at": "2026-01-15"}],
        "hsm_backup": {"source": "hsm1"},
        "database_backup": {"source": "db1", "product": "mssql", "instance": "EJBCA"},
        "backup_details": {"Size": "2 GB"},
    },
    "metadirectory": {"root": "D:\\MetaDirectory", "service_passwords": {"LAB\\svc": "x"}},
    "procall_client": {"users": ["m.muster"], "folders": ["estos\\ProCall 8"], "shadow_copy": "auto"},
    "procall_server": {
        "edition": "datacenter",
        "components": ["ucserver"],
        "databases": [{"database": "CHAT"}],
        "demanded_companions": [{"product": "linux", "source": "redis1"}],
        "partner_servers": [{"host": "uc2"}],
        "licences": ["KEY-1"],
        "cti_port": 7222,
    },
    "pushed": {"containers": ["zip", "7z"], "min_size": 7, "ends_with": "END", "size_at_most": 2, "release": "9.1"},
    "starface": {
        "release": "10.0",
        "backup_name": "Default",
        "settle": 3,
        "polls": 4,
        "quiet_period": 5,
        "include_cdr": False,
        "containers": ["zip"],
    },
    "windows": {
        "paths": [{"path": ["C:\\Program Files\\Example"], "exclude": ["*.tmp"], "data_class": "logs"}],
        "registry": [{"key": ["HKCU\\Software\\Example"], "users": ["S-1-5-21-1"]}],
        "services": ["Example"],
    },
}


def given(product, options):
    """What the product is given when these options are given to its module."""
    spec = PARTS[product].spec()
    login = {} if PARTS[product].connection.name == "landing" else LOGIN
    validated = ArgumentSpecValidator(**spec.to_kwargs()).validate({**login, **DEMANDED.get(product, {}), **options})
    assert validated.error_messages == []
    return PARTS[product].product_options(validated.validated_parameters)


@pytest.mark.parametrize("product", sorted(CLASSES))
def test_the_options_are_those_of_the_product(product):
    of_the_connection = {"become", "polls", "quiet_period"}
    names = {field.name for field in fields(CLASSES[product])} - of_the_connection
    if product == "kamailio":
        names |= {"databases"}
    assert set(PARTS[product].options) == names


@pytest.mark.parametrize("product", sorted(CLASSES))
def test_what_is_not_given_is_what_the_product_takes_by_itself(product):
    cls = CLASSES[product]
    assert parse_options(cls, given(product, {})) == parse_options(cls, DEMANDED.get(product, {}))


@pytest.mark.parametrize("product", sorted(CLASSES))
def test_every_choice_is_one_for_the_product(product):
    for name, option in PARTS[product].options.items():
        for choice in option.get("choices", ()):
            parse_options(CLASSES[product], given(product, {name: [choice] if option["type"] == "list" else choice}))


@pytest.mark.parametrize("product", sorted(SOME))
def test_values_reach_the_product(product):
    parsed = parse_options(CLASSES[product], given(product, SOME[product]))
    for name in SOME[product]:
        assert getattr(parsed, name) != getattr(CLASSES[product](), name), name


@pytest.mark.parametrize(
    ("product", "given_options", "instance"),
    [
        ("mssql", {"instance": "", "database": "CHAT"}, "CHAT"),
        ("mssql", {"instance": "other", "database": "CHAT"}, "other"),
        ("windows", {"instance": ""}, ""),
        ("linux", {"instance": "two"}, "two"),
    ],
)
def test_databases_are_told_apart_by_their_name(product, given_options, instance):
    assert PARTS[product].instance(given_options) == instance


def test_every_product_has_options_and_a_connection():
    for parts in PARTS.values():
        assert parts.options and parts.connection.spec().options


def test_every_product_that_can_be_compared_can_be_backed_up_and_the_other_way_round():
    classes = {name: product_class(name) for name in product_names()}
    assert {name: parts.load() for name, parts in PARTS.items()} == classes
