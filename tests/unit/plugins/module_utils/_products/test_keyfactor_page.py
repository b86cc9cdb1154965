# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of the Software Appliance names for each sentence and field of the vendor's page Backup an option and a test
that holds it; options, tests and results are there."""

from __future__ import annotations

import pathlib
import re
from dataclasses import fields

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._module.keyfactor_appliance import backup_spec, info_spec
from ansible_collections.ucops.recovery.plugins.module_utils._products.keyfactor_options import (
    KeyfactorApplianceOptions,
)
from ansible_collections.ucops.recovery.plugins.module_utils._products.keyfactor_status import (
    Observed,
    Reading,
    status,
)

ROOT = pathlib.Path(__file__).resolve().parents[5]
PAGE = (ROOT / "docs" / "products" / "keyfactor_appliance.md").read_text()
ABOUT, _break, _rest = PAGE.partition("## The vendor's page, sentence by sentence")[2].partition("\n## ")
ROWS = [[cell.strip() for cell in line.split("|")[1:-1]] for line in ABOUT.splitlines() if line.startswith("|")][2:]
TESTS = ROOT / "tests"
FILES = {
    letter: [path for path in TESTS.rglob(f"{name}.py") if place in path.parts]
    for letter, (name, place) in {
        "m": ("test_keyfactor_appliance", "modules"),
        "p": ("test_keyfactor_appliance", "_products"),
        "s": ("test_keyfactor_status", "_products"),
        "o": ("test_keyfactor_options", "_products"),
        "r": ("test_keyfactor_appliance_plan", "restore_plans"),
        "d": ("test_storage", "landing"),
        "f": ("test_appliance_secret", "unit"),
        "c": ("test_companions", "_module"),
        "i": ("test_keyfactor_appliance_playbook", "integration"),
    }.items()
}
"""What the letters before the names of tests mean."""
SAID_AND_SHOWN = (
    "recommended over a backup of the virtual machine",
    "trigger a manual backup",
    "schedule an automated backup",
    "create regular backups",
    "same state as at a specific time",
    "firmware and system configuration, internal database",
    "no backup of the HSM or external databases",
    "not logged in as an OTP user",
    "do not restart or shut down while it runs",
    "Current Backup Status: Not Running / In Progress",
    "Last Successful Backup",
    "Next Scheduled Backup Execution, or Schedule Disabled",
    "information in case a backup cannot be created",
    "Domain Master Secret, encrypts all backups",
    "can only be set once",
    "keep a copy in a safe place for the entire lifetime",
    "at least 8 characters long",
    "Backup Filename Prefix (optional)",
    "Storage Type: None (default)",
    "Storage Type: NFS; versions 4, 4.1, 4.2",
    "NFS URL",
    "browse, or enter the entire path",
    "Permissions",
    "Used, Remaining, Total Disk Space",
    "after a backup, the storage browser shows it",
    "a table with all Backup Details",
)
"""Every sentence and field of docs.keyfactor.com/software-appliance/latest/ejbca/backup that asks for something."""
OF_THE_COLLECTION = {"data_class", "release", "min_size", "containers", "ends_with", "size_at_least", "size_at_most"}
"""Options of any product that pushes, which the vendor's page knows nothing of."""
OF_THE_WAY_BACK = {"applications", "appliance_size", "cluster_nodes"}


def named_tests(cell):
    """The tests that a row names, each with the letter before it; what has no letter has the one before."""
    letter = ""
    for part in cell.split(","):
        found = re.fullmatch(r"([a-z])?\s*(?:`(test_\w+)`)?", part.strip())
        assert found is not None and found[0], part
        letter = found[1] or letter
        yield letter, found[2]


def test_every_sentence_and_field_of_the_vendor_is_in_the_table():
    assert len(ROWS) == len(SAID_AND_SHOWN)
    for words in SAID_AND_SHOWN:
        assert len([row for row in ROWS if words in row[0]]) == 1, words


@pytest.mark.parametrize("row", ROWS, ids=[row[0][:40] for row in ROWS])
def test_every_row_names_tests_that_are_there(row):
    _said, option, behaviour, proofs = row
    assert option and behaviour
    named = list(named_tests(proofs))
    assert any(test for _letter, test in named), "no test is named"
    for letter, test in named:
        assert FILES[letter], letter
        assert test is None or any(f"def {test}(" in path.read_text() for path in FILES[letter]), test


def test_every_letter_is_explained():
    explained = ABOUT.partition("| the vendor says")[0]
    for letter, paths in FILES.items():
        assert f"({letter})" in explained and paths[0].name in explained, letter


def options_of_the_table():
    return {name for _said, option, _behaviour, _proofs in ROWS for name in re.findall(r"`([a-z_.]+)", option)}


def test_every_option_that_is_named_exists():
    spec = {**backup_spec().options, **info_spec().options}
    nested = {
        f"{before}{name}"
        for outer, option in spec.items()
        for name in option.get("options", ())
        for before in ("", f"{outer}.")
    }
    beside = {"generation", "restart.lock"}  # an option of the restore plan, and a file
    assert options_of_the_table() - set(spec) - nested == beside


def test_every_option_of_the_product_is_on_the_page():
    told = options_of_the_table() | {name.partition(".")[0] for name in options_of_the_table()}
    for field in fields(KeyfactorApplianceOptions):
        if field.name in OF_THE_WAY_BACK:
            continue
        assert field.name in told | OF_THE_COLLECTION or f"`{field.name}`" in PAGE, field.name


def test_every_row_of_the_status_table_is_returned():
    table = status(KeyfactorApplianceOptions(), Observed(0.0), Reading())
    promised = {name for row in ROWS for name in re.findall(r"`status\.(\w+)`", row[2])}
    assert promised and promised <= set(table)
