# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Ansible sends with a module: its own product and the way to its host, and nothing of the others."""

from __future__ import annotations

import pytest
from support.imports import payload
from support.specifications import MODULES

from ansible_collections.ucops.recovery.plugins.module_utils._module.all_parts import PARTS

WINDOWS = {"_transport/smb", "_transport/winrm", "_products/windows"}
UNIX = {"_transport/ssh", "_products/unix_"}
PUSHED = {"_products/pushed"}
ESTOS = {*WINDOWS, "_products/estos_", "_products/licence_", "_products/procall_"}
"""ProCall's registry keys, services and licences are those of everything else that estos makes."""

KNOWS = {
    "ad_attributes": {"_products/ad_", "_transport/ldap"},
    "ecsta": {"_products/ecsta", *ESTOS},
    "ejbca_configdump": {"_products/ejbca_", "_transport/http"},
    "kamailio": {"_products/kamailio", "_transport/sip", *UNIX},
    "keyfactor_appliance": {"_products/keyfactor_", *PUSHED},
    "linux": {"_products/linux", *UNIX},
    "metadirectory": {"_products/metadirectory", *ESTOS},
    "mssql": {"_products/mssql", "_transport/tds", *ESTOS},
    "procall_client": {"_products/procall_client", *WINDOWS},
    "procall_server": ESTOS,
    "pushed": PUSHED,
    "starface": {"_products/starface", "_transport/http", *UNIX, *PUSHED},
    "windows": WINDOWS,
}
"""Product -> how the files of products and ways to a host begin that it has to do with."""
FAMILIES = set().union(*KNOWS.values())

BASES = {"keyfactor_appliance": {"pushed"}, "starface": {"pushed"}}
"""Product -> the products that it derives from."""

ANY_PRODUCT = {"fleet_backup", "preflight_info"}
"""Modules that learn from their options which product is meant."""


def families(files):
    """Of which products and ways to a host there is something among files."""
    return {family for family in FAMILIES for file in files if file.startswith(family)}


def of_a_product():
    """The modules that are about one product, with its name."""
    return [(module, product) for module in MODULES for product in [module.rpartition("_")[0]] if product in PARTS]


def test_it_is_known_of_every_product_what_it_has_to_do_with():
    assert KNOWS.keys() == PARTS.keys()


@pytest.mark.parametrize(("module", "product"), of_a_product())
def test_a_module_brings_nothing_of_other_products_and_ways(module, product):
    files = payload(module)
    strangers = PARTS.keys() - {product} - BASES.get(product, set())
    assert not files & {f"_products/{name}.py" for name in strangers}
    assert not files & {f"_module/parts/{name}.py" for name in PARTS.keys() - {product}}
    of_products_and_ways = {file for file in files if file.startswith(tuple(FAMILIES))}
    assert {file for file in of_products_and_ways if not file.startswith(tuple(KNOWS[product]))} == set()


@pytest.mark.parametrize("product", sorted(PARTS))
def test_a_backup_brings_its_own_product_and_way(product):
    files = payload(f"{product}_backup")
    assert {f"_products/{product}.py", f"_module/parts/{product}.py"} <= files
    ways = {family for family in KNOWS[product] if family.startswith("_transport/")}
    assert {f"{way}.py" for way in ways} <= files


@pytest.mark.parametrize("module", sorted(ANY_PRODUCT))
def test_a_module_whose_option_names_the_product_brings_all(module):
    files = payload(module)
    assert families(files) == FAMILIES
    assert {f"{folder}/{product}.py" for folder in ("_products", "_module/parts") for product in PARTS} <= files


@pytest.mark.parametrize(
    ("file", "modules"),
    [
        ("_transport/mail.py", {"error_report"}),
        ("_repository/verify.py", {"repository_verify"}),
    ],
)
def test_what_few_modules_need_comes_with_these_alone(file, modules):
    assert {module for module in MODULES if file in payload(module)} == modules


@pytest.mark.parametrize("module", ["drill_record", "generation_hold", "generation_info", "repository_info"])
def test_what_tells_of_generations_brings_no_product_and_reaches_no_host(module):
    assert not [file for file in payload(module) if file.startswith(("_products/", "_items/", "_transport/"))]


def test_imports_of_types_and_inside_functions_count(tmp_path):
    for path, text in {
        "modules/x.py": "from ansible_collections.ucops.recovery.plugins.module_utils._module.run import run\n",
        "module_utils/_module/run.py": "def late():\n    from .._transport.ssh import Ssh\n",
        "module_utils/_transport/__init__.py": "",
        "module_utils/_transport/ssh.py": "if TYPE_CHECKING:\n    from . import tcp\n",
        "module_utils/_transport/tcp.py": "import os\n",
        "module_utils/_transport/winrm.py": "",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    needed = {"_module/run.py", "_transport/__init__.py", "_transport/ssh.py", "_transport/tcp.py"}
    assert payload("x", tmp_path) == needed
