# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads a kamailio.cfg far enough to say what it listens on, and to notice one that cannot start.

This is a stand-in's reader, not Kamailio's grammar: preprocessor, comments, strings, brackets, listen, loadmodule
and modparam.
"""

from __future__ import annotations

import pathlib
import re
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"""(?P<comment>/\*.*?\*/|\#[^\n]*|//[^\n]*)
      | (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
      | (?P<open>[({\[]) | (?P<close>[)}\]])
      | (?P<bad>["']|/\*)""",
    re.VERBOSE | re.DOTALL,
)
_LISTEN = re.compile(
    r"^\s*listen\s*=\s*(?P<proto>udp|tcp|tls|sctp)\s*:\s*(?P<address>\[[0-9a-fA-F:]+\]|[\w.\-]+)\s*:\s*(?P<port>\d+)",
    re.MULTILINE,
)
_LISTEN_ANY = re.compile(r"^\s*listen\s*=(?P<value>.*)$", re.MULTILINE)
_MODULE = re.compile(r'^\s*loadmodule\s*\(?\s*"(?:[^"]*/)?(?P<name>\w+)(?:\.so)?"', re.MULTILINE)
_MODPARAM = re.compile(
    r'^\s*modparam\s*\(\s*"(?P<modules>[^"]+)"\s*,\s*"(?P<name>[^"]+)"\s*,\s*(?P<value>[^\n]*)\)\s*;?\s*$', re.MULTILINE
)
_CLOSES = {")": "(", "}": "{", "]": "["}


class ConfigError(ValueError):
    """The configuration cannot be used; the text says which file and why."""


@dataclass
class KamailioConfig:
    """What a configuration says.

    ``listens`` are (protocol, address, port), ``modparams`` map (module, parameter) to the text behind them.
    """

    listens: list[tuple[str, str, int]] = field(default_factory=list)
    modules: list[str] = field(default_factory=list)
    modparams: dict[tuple[str, str], str] = field(default_factory=dict)

    def listens_on(self, proto: str, port: int) -> bool:
        """Whether there is a listen line for this protocol and port."""
        return any((known, number) == (proto, port) for known, _address, number in self.listens)


def read_config(path: pathlib.Path) -> KamailioConfig:
    """The configuration with everything that it includes. Raises ConfigError."""
    text = _strip_comments(_preprocess(path, {}, depth=0), path)
    config = KamailioConfig(modules=[match["name"] for match in _MODULE.finditer(text)])
    for match in _LISTEN_ANY.finditer(text):
        found = _LISTEN.match(match.group(0))
        if not found or not 0 < int(found["port"]) < 65536:
            raise ConfigError(f"{path.name}: bad listen value {match['value'].strip()!r}")
        config.listens.append((found["proto"], found["address"], int(found["port"])))
    if not config.listens:
        raise ConfigError(f"{path.name}: no listen line")
    for match in _MODPARAM.finditer(text):
        for module in match["modules"].split("|"):
            if module not in config.modules:
                raise ConfigError(f"{path.name}: modparam for module {module}, which is not loaded")
            config.modparams[module, match["name"]] = match["value"].strip()
    if "request_route" not in text:
        raise ConfigError(f"{path.name}: no request_route")
    return config


def _preprocess(path: pathlib.Path, defines: dict[str, str], depth: int) -> str:
    """The text with includes put in and without the branches that are switched off; fills ``defines`` on the way."""
    if depth > 8:
        raise ConfigError(f"{path.name}: includes itself")
    try:
        lines = path.read_text("utf-8", "surrogateescape").splitlines()
    except OSError as error:
        raise ConfigError(f"{path.name}: {error.strerror or error}") from None
    out: list[str] = []
    active = [True]
    for line in lines:
        words = line.split(None, 2)
        word = words[0] if words else ""
        if word in ("#!ifdef", "#!ifndef"):
            if len(words) < 2:
                raise ConfigError(f"{path.name}: {word} without a name")
            active.append((words[1] in defines) == (word == "#!ifdef"))
        elif word in ("#!else", "#!endif"):
            if len(active) == 1:
                raise ConfigError(f"{path.name}: {word} without #!ifdef")
            if word == "#!else":
                active[-1] = not active[-1]
            else:
                active.pop()
        elif not all(active):
            continue
        elif word in ("#!define", "#!trydef", "#!redefine") and len(words) > 1:
            if word != "#!trydef" or words[1] not in defines:
                defines[words[1]] = words[2] if len(words) > 2 else ""
        elif word in ("include_file", "import_file"):
            included = path.parent / line.split(None, 1)[1].strip().strip('"')
            if word == "include_file" or included.exists():
                out.append(_preprocess(included, defines, depth + 1))
        else:
            out.append(line)
    if len(active) != 1:
        raise ConfigError(f"{path.name}: #!ifdef without #!endif")
    return "\n".join(out)


def _strip_comments(text: str, path: pathlib.Path) -> str:
    """The text without comments; strings and brackets are checked on the way."""
    opened: list[str] = []

    def keep(match: re.Match[str]) -> str:
        token = match.group(0)
        if match["comment"]:
            return " "
        if match["bad"]:
            line = text.count("\n", 0, match.start()) + 1
            raise ConfigError(f"{path.name}: string or comment is not closed, near line {line}")
        if match["open"]:
            opened.append(token)
        elif match["close"] and (not opened or opened.pop() != _CLOSES[token]):
            line = text.count("\n", 0, match.start()) + 1
            raise ConfigError(f"{path.name}: unexpected {token}, near line {line}")
        return token

    stripped = _TOKEN.sub(keep, text)
    if opened:
        raise ConfigError(f"{path.name}: {opened[-1]} is not closed")
    return stripped
