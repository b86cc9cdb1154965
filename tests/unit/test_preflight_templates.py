# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host says of itself stays text in the preflight's files: no formula, no line that a program would take."""

from __future__ import annotations

import csv
import io
import pathlib
from typing import Any

import jinja2

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "roles/preflight/templates"
HOSTILE = '=HYPERLINK("http://evil","x"),"\nroot@evil ssh-ed25519 AAAA'


def render(name: str, **variables: Any) -> str:
    # as Ansible reads templates
    environment = jinja2.Environment(trim_blocks=True, keep_trailing_newline=True, undefined=jinja2.StrictUndefined)
    return environment.from_string((FOLDER / name).read_text()).render(preflight_started="now", **variables)


def line(**facts: Any) -> dict[str, Any]:
    texts = dict.fromkeys(("source", "host", "product", "instance", "release", "problem"), "")
    lists = {name: [] for name in ("missing", "not_measured", "needs", "noticed", "shown")}
    return {**texts, **lists, "ready": True, "entries": 3, "bytes": None, **facts}


def shown(**facts: Any) -> dict[str, Any]:
    known = {"kind": "ssh_host_key", "host": "PBX", "port": 22, "fingerprint": "SHA256:x", "believed": False}
    return {**known, "doubt": HOSTILE, "text": "ssh-ed25519 AAAA", **facts}


def test_the_table_is_whole_and_holds_no_formula() -> None:
    text = render(
        "table.csv.j2", preflight_looked_at=[line(release=HOSTILE, problem="@x"), line()], preflight_lost=["gone"]
    )
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["ready"] for row in rows] == ["True", "True", "False"] and rows[2]["source"] == "gone"
    assert rows[0]["release"] == "'" + HOSTILE and rows[0]["problem"] == "'@x" and rows[0]["bytes"] == ""
    assert all(None not in row and None not in row.values() for row in rows)


def test_every_line_of_unverified_keys_is_a_comment() -> None:
    keys = [shown(), shown(port=2222), shown(kind="certificate", text="-----BEGIN")]
    lines = render("known_hosts.unverified.j2", preflight_doubted=keys).splitlines()
    assert all(one.startswith("#") for one in lines if one)
    assert [one for one in lines if one.startswith("#UNVERIFIED")] == [
        "#UNVERIFIED pbx ssh-ed25519 AAAA",
        "#UNVERIFIED [pbx]:2222 ssh-ed25519 AAAA",
    ]


def test_every_line_of_unverified_certificates_is_marked() -> None:
    text = render("certificates.unverified.j2", preflight_doubted=[shown(kind="certificate", text="-----BEGIN\nMII\n")])
    assert "UNVERIFIED -----BEGIN\nUNVERIFIED MII\n" in text and "\n-----BEGIN" not in text
