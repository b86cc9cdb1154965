# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A declared backup configuration as instructions for the person who fills in the wizard. Markdown, no secrets."""

from __future__ import annotations

from collections.abc import Sequence

from .starface_advice import Advice
from .starface_config import CONTENT_LABELS, FINISHES, BackupConfig
from .starface_targets import DROPBOX, MAIL, SECURITY_MODES, SFTP, WINDOWS_SHARE, Target


def runbook(config: BackupConfig, advice: Sequence[Advice], appliance: str) -> str:
    """What to do in the appliance's web interface, field by field, in the order and the words of its wizard."""
    lines = [f"# STARFACE {_shown(appliance)}: backup {_shown(config.name)}", ""]
    if advice:
        lines += ["## Before you begin", "", *(f"* **{one.grade}** {_shown(one.text)}" for one in advice), ""]
    lines += ["Open the web interface: Admin > Server > Backup, and add a configuration.", ""]
    for title, rows in (
        ("Step 1", _step_1(config)),
        ("Step 2", _step_2(config)),
        ("Step 3", _step_3(config)),
        ("Step 4", [("Choice", FINISHES[config.finish])]),
    ):
        lines += [f"## {title}", "", "| field | value |", "|---|---|"]
        lines += [f"| {name} | {_cell(value)} |" for name, value in rows]
        lines.append("")
    if len(config.targets) > 1:
        lines += ["## Afterwards: further storage places", ""]
        lines += ["The wizard takes one; open the saved configuration and add the others, which work in parallel.", ""]
        for target in config.targets[1:]:
            lines += ["| field | value |", "|---|---|"]
            lines += [f"| {name} | {_cell(value)} |" for name, value in _target(target)]
            lines.append("")
    lines += ["## When you are done", "", *_done(config)]
    return "\n".join(lines) + "\n"


def _step_1(config: BackupConfig) -> list[tuple[str, str]]:
    start = config.start.strftime("%d.%m.%Y %H:%M") if config.start is not None and not config.is_manual else ""
    return [
        ("Name", config.name),
        ("Fehlerbericht an", config.error_report_to or "(empty)"),
        ("Backup-Intervall", config.interval_label),
        ("Start & Zeit", start or "(no meaning)"),
    ]


def _step_2(config: BackupConfig) -> list[tuple[str, str]]:
    return [
        (label, "tick" if getattr(config.contents, name) else "leave empty") for name, label in CONTENT_LABELS.items()
    ]


def _step_3(config: BackupConfig) -> list[tuple[str, str]]:
    return _target(config.targets[0]) if config.targets else [("Speicherort", "(none is declared)")]


def _target(target: Target) -> list[tuple[str, str]]:
    rows = [("Speicherort", target.label)]
    if target.kind in (WINDOWS_SHARE, SFTP):
        rows += [
            ("Benutzername", target.username or "(empty)"),
            (
                "Passwort",
                f"kept at: {target.kept_at}" if target.kept_at else "(ask who runs the server)",
            ),
            ("Server", target.server),
        ]
    if target.kind == WINDOWS_SHARE:
        rows += [("Freigabe", target.share), ("Sicherheit", SECURITY_MODES.get(target.security, "(none is declared)"))]
    if target.kind == SFTP:
        rows.append(("Pfad", target.path))
    if target.kind == DROPBOX:
        rows += [
            ("Access", "press the button, sign in at Dropbox, and enter the confirmation key that it shows"),
            ("Bestätigungsschlüssel", f"kept at: {target.kept_at or '(as Dropbox shows it)'}"),
        ]
    if target.kind == MAIL:
        rows.append(("E-Mail-Adressen", ", ".join(target.addresses)))
    return rows


def _done(config: BackupConfig) -> list[str]:
    lines = []
    if config.finish != "save_only":
        lines.append("* The backup runs now. Wait until it says that it succeeded; its file can be downloaded then.")
    lines += [
        f"* On SFTP and Dropbox a folder `starface-backup/{_shown(config.name)}` must be there after the first run.",
        "* Write down who entered this and when (`applied_by`, `applied_at`).",
    ]
    if config.applied_at is not None:
        who = f" by {_shown(config.applied_by)}" if config.applied_by else ""
        lines.append(f"* Entered at {config.applied_at.strftime('%Y-%m-%d %H:%M')}{who}.")
    return lines


def _shown(value: str) -> str:
    """A text in one line, so that it cannot open a heading or a list of its own."""
    return " ".join(value.split())


def _cell(value: str) -> str:
    return _shown(value).replace("|", "\\|")
