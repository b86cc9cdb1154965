# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A strict reader of Prometheus' text format: what its own parser or the textfile collector would refuse, it refuses.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import re

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"'
_SAMPLE = re.compile(rf"({_NAME})(?:\{{((?:{_LABEL})(?:,{_LABEL})*)\}})? (\S+)")
_NUMBER = re.compile(r"[-+]?(\d+(\.\d+)?([eE][-+]?\d+)?|Inf)|NaN")


def parse(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """All samples by name and labels. Raises ValueError, naming the line."""
    if not text.endswith("\n"):
        raise ValueError("the last line has no end")
    helped: set[str] = set()
    typed: set[str] = set()
    done: set[str] = set()
    current = ""
    found: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
    for number, line in enumerate(text[:-1].split("\n"), 1):
        problem, name = "", current
        if line.startswith("# HELP "):
            name, _blank, told = line[7:].partition(" ")
            problem = "a second HELP" if name in helped else "" if told else "a HELP without text"
            helped.add(name)
        elif line.startswith("# TYPE "):
            name, _blank, kind = line[7:].partition(" ")
            if name in typed or any(one[0] == name for one in found):
                problem = "a TYPE that comes twice or behind its samples"
            elif kind not in ("gauge", "counter", "histogram", "summary", "untyped"):
                problem = f"the unknown type {kind}"
            typed.add(name)
        else:
            match = _SAMPLE.fullmatch(line)
            if match is None or not _NUMBER.fullmatch(match.group(match.lastindex or 0)):
                raise ValueError(f"line {number} is no sample: {line!r}")
            name = match.group(1)
            labels = [(key, _plain(value)) for key, value in re.findall(_LABEL, match.group(2) or "")]
            series = (name, frozenset(labels))
            if len({key for key, _value in labels}) != len(labels):
                problem = "a label that stands twice"
            elif series in found:
                problem = "a series that comes twice"
            elif name not in typed or name not in helped:
                problem = "a sample without HELP and TYPE"
            found[series] = float(match.group(match.lastindex or 0))
        if name != current:
            problem = problem or ("a metric in two groups" if name in done else "")
            done.add(current)
            current = name
        if problem:
            raise ValueError(f"line {number} is {problem}: {line!r}")
    return found


def _plain(value: str) -> str:
    return re.sub(r"\\(.)", lambda match: {"n": "\n"}.get(match.group(1), match.group(1)), value)
