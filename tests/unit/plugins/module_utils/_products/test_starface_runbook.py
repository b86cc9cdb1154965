# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pathlib

from ansible_collections.ucops.recovery.plugins.module_utils._products.starface_advice import advise
from ansible_collections.ucops.recovery.plugins.module_utils._products.starface_config import parse_config
from ansible_collections.ucops.recovery.plugins.module_utils._products.starface_runbook import runbook
from ansible_collections.ucops.recovery.plugins.module_utils._products.starface_targets import SECURITY_MODES

GOLDEN = pathlib.Path(__file__).parent / "golden" / "starface_runbook.md"
SECRET = "pl4nted-S3cret"
FULL = {
    "name": "pbx-berlin",
    "error_report_to": "ops@example.org",
    "interval": "daily",
    "start": "2026-11-30 02:00",
    "contents": {"master_data": True, "cdr_and_voicemail": False, "announcements": True},
    "targets": [
        {"kind": "sftp", "username": "pbx", "password": SECRET, "server": "192.0.2.9", "path": "."},
        {
            "kind": "windows_share",
            "username": "LAB\\pbx",
            "kept_at": "vault pbx/smb",
            "server": "192.0.2.8",
            "share": "backup/pbx",
            "security": "ntlmsspi",
        },
        {"kind": "dropbox", "kept_at": "vault pbx/dropbox"},
        {"kind": "mail", "addresses": ["a@example.org", "b@example.org"]},
        {"kind": "usb"},
        {"kind": "local_disk"},
    ],
    "finish": "run_and_save",
    "archive_job": {"start": "06:00"},
    "applied_at": "2026-11-29 10:00",
    "applied_by": "M. Muster",
}


def test_the_whole_of_it():
    config = parse_config(FULL)
    text = runbook(config, advise(config), "pbx-berlin.example.org")
    assert text == GOLDEN.read_text()
    assert SECRET not in text


def test_a_hostile_name_opens_no_heading_and_no_cell():
    config = parse_config({**FULL, "name": "x\n# Step 9 | y"})
    text = runbook(config, [], "a\n# b")
    assert "\n# Step 9" not in text and "\n# b" not in text
    assert "| Name | x # Step 9 \\| y |" in text


def test_every_security_mode_is_written_as_the_wizard_has_it():
    for mode, label in SECURITY_MODES.items():
        targets = [{**FULL["targets"][1], "security": mode}]
        assert f"| Sicherheit | {label} |" in runbook(parse_config({**FULL, "targets": targets}), [], "pbx")


def test_what_is_empty_is_said():
    text = runbook(parse_config({"name": "x"}), [], "pbx")
    assert "| Fehlerbericht an | (empty) |" in text
    assert "| Backup-Intervall | Manuell |" in text
    assert "(none is declared)" in text
    assert "The backup runs now" not in text
