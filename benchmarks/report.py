# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The measurements as text: for a terminal, and as the page of the documentation."""

from __future__ import annotations

import re

from contenders import PHASES, Restic
from results import Results
from targets import verdicts

MIB = 1024 * 1024
_TITLES = {**{phase: phase for phase in PHASES}, "verify_hashes": "verify, hashes only"}

Table = list[list[str]]


def times_table(results: Results, group: str) -> Table:
    """Every phase and contender of a set."""
    rows = [["phase", "program", "wall s", "CPU s", "peak MiB", "wall / restic", "CPU / restic"]]
    for phase, title in _TITLES.items():
        base = results.best(group, Restic.name, phase)
        for name in results.usages[group]:
            usage = results.best(group, name, phase)
            if usage is not None:
                row = [title, name, f"{usage.wall:.2f}", f"{usage.cpu:.2f}", f"{usage.memory // MIB}"]
                rows.append(row + (_ratios((usage.wall, base.wall), (usage.cpu, base.cpu)) if base else ["", ""]))
    return rows


def stored_table(results: Results, group: str) -> Table:
    """What the repositories of a set take up after three backups."""
    rows = [["program", "MiB of files", "MiB of blocks", "files", "bytes / restic", "blocks / restic"]]
    base = results.stored[group][Restic.name]
    for name, stored in results.stored[group].items():
        row = [name, _mib(stored.apparent), _mib(stored.blocks), f"{stored.files}"]
        rows.append(row + _ratios((stored.apparent, base.apparent), (stored.blocks, base.blocks)))
    return rows


def series_table(results: Results) -> Table:
    """What many generations take up."""
    rows = [
        ["of", "program", "MiB after 1", "10", "30", "MiB of blocks", "files", "KiB a backup", "wall s", "CPU s"],
    ]
    for subject, series in results.series.items():
        for name, states in series.items():
            usage = results.series_usages[subject][name]
            last = states[-1]
            rows[0][4] = f"{len(states)}"
            growth = (last.apparent - states[0].apparent) / max(1, len(states) - 1) / 1024
            tenth = states[min(9, len(states) - 1)]
            row = [subject, name, *(_mib(state.apparent) for state in (states[0], tenth, last)), _mib(last.blocks)]
            rows.append([*row, f"{last.files}", f"{growth:.0f}", f"{usage.wall:.1f}", f"{usage.cpu:.1f}"])
    return rows


def targets_table(results: Results) -> Table:
    """Every target and whether it is met."""
    rows = [["target", "ratio", "CPU ratio", "at most", "met"]]
    for verdict in verdicts(results):
        cpu = "" if verdict.cpu_ratio is None else f"{verdict.cpu_ratio:.3f}"
        rows.append(
            [verdict.what, f"{verdict.ratio:.3f}", cpu, f"{verdict.most}", "yes" if verdict.is_met else "**no**"]
        )
    return rows


def _ratios(*pairs: tuple[float, float]) -> list[str]:
    return [f"{ours / theirs:.2f}" for ours, theirs in pairs]


def _mib(count: int) -> str:
    return f"{count / MIB:.1f}"


# --- forms -----------------------------------------------------------------------------------------------------------
def _columns_of_numbers(rows: Table) -> list[bool]:
    def is_number(text: str) -> bool:
        return not text or text.replace(".", "", 1).isdigit()

    return [all(is_number(row[column]) for row in rows[1:]) for column in range(len(rows[0]))]


def _aligned(rows: Table) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = zip(row, widths, _columns_of_numbers(rows))
        lines.append("  ".join(cell.rjust(width) if right else cell.ljust(width) for cell, width, right in cells))
    return "\n".join(line.rstrip() for line in lines)


def _markdown(rows: Table) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "| " + " | ".join("---:" if right else "---" for right in _columns_of_numbers(rows)) + " |")
    return "\n".join(lines)


def _tables(results: Results) -> list[tuple[str, Table]]:
    tables: list[tuple[str, Table]] = []
    titles = {"a": "(a) Small files of many hosts", "b": "(b) Large files"}
    for group in results.usages:
        tables.append((f"{titles[group]}: time and memory", times_table(results, group)))
        tables.append((f"{titles[group]}: stored after three backups", stored_table(results, group)))
    if results.series:
        title = "Stored after many backups, each after a change"
        tables.append((title, series_table(results)))
    tables.append(("Targets", targets_table(results)))
    return tables


def plain(results: Results) -> str:
    """For a terminal."""
    return "\n".join(f"\n== {title}\n{_aligned(rows)}" for title, rows in _tables(results))


def document(results: Results, page: str) -> str:
    """The page of the documentation: ``page`` with its marks such as ``@machine@`` filled in."""
    facts = results.facts
    values = {
        **{name: str(value) for name, value in facts["options"].items()},
        **{f"{group}_files": str(size["files"]) for group, size in results.sizes.items()},
        **{f"{group}_mb": f"{size['bytes'] / 1e6:.0f}" for group, size in results.sizes.items()},
        "day": facts["day"],
        "machine": (
            f"{facts['cpu']}, {facts['memory_kib'] / 1024 / 1024:.0f} GiB, {facts['file_system']}, "
            f"Linux {facts['kernel']}"
        ),
        "versions": ", ".join(f"{name} {version}" for name, version in facts["versions"].items()),
        "tables": "\n\n".join(f"### {title}\n\n{_markdown(rows)}" for title, rows in _tables(results)),
    }
    return re.sub(r"@([a-z_]+)@", lambda mark: values[mark.group(1)], page)
