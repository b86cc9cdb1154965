# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The recovery card: one page to print, so that a recovery begins with something that no attacker could change."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

_TITLE = "Recovery card"
_WARNING = (
    "Keep this page where the repository and the controller are not. It holds no secret, but it must not be replaced."
)
_SECRET_LINE = "The Domain Master Secret is kept at: ______________________________________________"


def recovery_card(path: str, facts: Mapping[str, Any], *, backup_host: str, repository: str) -> str:
    """The card as HTML or as text, by the suffix of ``path``. The same facts always give the same card."""
    rows = [
        ("Backup host", backup_host),
        ("Repository", repository),
        ("Repository id", facts["repository_id"]),
        ("Owner key", facts["owner_fingerprint"]),
        ("Owner key in full", facts["owner"]),
        *(
            (f"SHA-256 of {name}", digest)
            for name, digest in sorted(facts["documents"].items())
            if name.startswith("re")
        ),
        *((f"Sealed to {item['name']}", item["recipient"]) for item in facts["recipients"]),
    ]
    steps = _steps(facts)
    return _as_html(rows, steps) if path.endswith(".html") else _as_text(rows, steps)


def _steps(facts: Mapping[str, Any]) -> list[str]:
    return [
        "Get a copy of the repository onto a machine that you trust, unplugged if you suspect an attack.",
        "Run: sha256sum recover.py RECOVERY.md - and compare both with this card, digit by digit. If they differ, stop:"
        " somebody changed them. Take a recover.py from another copy of the repository.",
        "Run: ssh-keygen -l -f <(cut -d' ' -f3- ...) as RECOVERY.md says, and compare the owner key with this card.",
        "Run: python3 recover.py <repository> - it lists what there is, asks for the Domain Master Secret and writes a"
        " generation to a folder of your choice. It needs Python with cryptography and a zstd reader.",
        "Without Python: RECOVERY.md does the same with ssh-keygen, sha256sum, age, zstd and tar.",
    ]


def _as_text(rows: Sequence[tuple[str, str]], steps: Sequence[str]) -> str:
    width = max(len(name) for name, _unused in rows)
    lines = [_TITLE, "=" * len(_TITLE), "", _WARNING, ""]
    lines += [f"{name:<{width}}  {value}" for name, value in rows]
    lines += ["", *(f"{number}. {step}" for number, step in enumerate(steps, 1)), "", _SECRET_LINE, ""]
    return "\n".join(lines)


def _as_html(rows: Sequence[tuple[str, str]], steps: Sequence[str]) -> str:
    table = "\n".join(
        f"<tr><th>{html.escape(name)}</th><td><code>{html.escape(value)}</code></td></tr>" for name, value in rows
    )
    numbered = "\n".join(f"<li>{html.escape(step)}</li>" for step in steps)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{_TITLE}</title>
<style>
@page {{ size: A4; margin: 18mm }}
body {{ font: 11pt/1.45 serif; max-width: 174mm }}
th {{ text-align: left; font-weight: normal; padding-right: 1em; vertical-align: top; white-space: nowrap }}
code {{ font: 10pt monospace; overflow-wrap: anywhere }}
li {{ margin-bottom: .5em }}
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
<p>{html.escape(_SECRET_LINE)}</p>
</body>
</html>
"""
