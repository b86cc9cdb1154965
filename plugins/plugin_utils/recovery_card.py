# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The recovery card: one page to print, so that a recovery begins with something that no attacker could change."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

_TITLE = "Recovery card"
_WARNING = (
    "Keep this page where neither the repository nor the controller is. It holds no secret, but nobody must be able to"
    " replace it."
)
_STEPS = (
    "Copy the repository to a machine that you trust. Change nothing in the original.",
    "Check recover.py first. Run: sha256sum recover.py RECOVERY.md - and compare both lines with this card, digit by"
    " digit. If one differs, stop: it was replaced. Take recover.py from a release of the collection ucops.recovery.",
    "Run: python3 recover.py verify --owner {owner} - it reads everything, needs no key, and refuses another owner.",
    "Run: python3 recover.py list - and choose a generation.",
    "Run: python3 recover.py extract <generation> --to <new folder> - it asks for the Domain Master Secret.",
    "Without Python do what RECOVERY.md says: ssh-keygen, sha256sum, age, zstd and tar are enough.",
)
_TO_FILL_IN = (
    "The Domain Master Secret is kept at",
    "Other recipients' identities are kept at",
    "Printed on, by",
)
_TEXT_WIDTH = 110


def recovery_card(path: str, facts: Mapping[str, Any], *, backup_host: str, repository: str) -> str:
    """The card as HTML or as text, by the suffix of ``path``. The same facts always give the same card.

    :param facts: the facts of a plan of the owner
    :param repository: the repository's folder on the backup host
    """
    documents = facts["documents"]
    rows = [
        ("SHA-256 of recover.py", documents["recover.py"]),
        ("SHA-256 of RECOVERY.md", documents["RECOVERY.md"]),
        ("Owner key", facts["owner_fingerprint"]),
        ("Repository id", facts["repository_id"]),
        ("Backup host", backup_host),
        ("Folder", repository),
        ("Created", facts["created"]),
        ("State", f"keyring no. {facts['serial']}"),
        ("Slots", ", ".join(facts["slots"])),
        *((f"Sealed to {item['name']}", item["recipient"]) for item in facts["recipients"]),
    ]
    steps = [step.replace("{owner}", facts["owner_fingerprint"]) for step in _STEPS]
    return _as_html(rows, steps) if path.endswith(".html") else _as_text(rows, steps)


def _as_text(rows: Sequence[tuple[str, str]], steps: Sequence[str]) -> str:
    width = max(len(name) for name, _value in rows)
    lines = [_TITLE, "=" * len(_TITLE), "", *textwrap.wrap(_WARNING, _TEXT_WIDTH), ""]
    lines += [f"{name:<{width}}  {value}" for name, value in rows]
    for number, step in enumerate(steps, 1):
        # what is to be typed must not be torn apart at a hyphen
        lines += ["", *textwrap.wrap(f"{number}. {step}", _TEXT_WIDTH, subsequent_indent="   ", break_on_hyphens=False)]
    for label in _TO_FILL_IN:
        lines += ["", f"{label}: ".ljust(_TEXT_WIDTH, "_")]
    return "\n".join(lines) + "\n"


def _as_html(rows: Sequence[tuple[str, str]], steps: Sequence[str]) -> str:
    table = "\n".join(
        f"<tr><th>{html.escape(name)}</th><td><code>{html.escape(value)}</code></td></tr>" for name, value in rows
    )
    numbered = "\n".join(f"<li>{html.escape(step)}</li>" for step in steps)
    to_fill_in = "\n".join(f'<p class="line">{html.escape(label)}:</p>' for label in _TO_FILL_IN)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{_TITLE}</title>
<style>
@page {{ size: A4; margin: 16mm }}
body {{ font: 11pt/1.4 serif; color: #000; background: #fff; max-width: 178mm; margin: auto }}
h1 {{ font-size: 20pt; margin: 0 0 4mm }}
table {{ border-collapse: collapse; width: 100%; margin: 4mm 0 }}
th, td {{ border-bottom: .3mm solid #999; padding: 1mm 0; text-align: left; vertical-align: top }}
th {{ font-weight: normal; padding-right: 4mm; white-space: nowrap }}
code {{ font: 9.5pt monospace; overflow-wrap: anywhere }}
li {{ margin-bottom: 2mm; overflow-wrap: anywhere }}
.line {{ border-bottom: .3mm solid #000; margin: 10mm 0 0 }}
@media print {{ tr, li, .line {{ break-inside: avoid }} }}
</style>
</head>
<body>
<h1>{_TITLE}</h1>
<p>{html.escape(_WARNING)}</p>
<table>
{table}
</table>
<ol>
{numbered}
</ol>
{to_fill_in}
</body>
</html>
"""
