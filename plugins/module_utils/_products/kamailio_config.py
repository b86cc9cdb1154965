# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a Kamailio configuration says: modules, parameters, sockets, routes, and the files that belong to it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from .kamailio_script import MARK, STRING, WORD, ReadFile, Script, Token, tokens

_ROUTE = re.compile(r"(request_|failure_|branch_|onreply_|reply_|onsend_|event_)?route$")
_ADDRESS = re.compile(r"(udp|tcp|tls|sctp|ws|wss|any):", re.IGNORECASE)
_LISTEN = ("listen", "socket")
_ENDS_LIKE_A_WORD = re.compile(r"[\w\"')\]]")
_BEGINS_LIKE_A_WORD = re.compile(r"[\w\"$-]")


@dataclass
class KamailioConfig:
    """The effective configuration: conditions decided, definitions put in, includes followed.

    ``modparams`` holds every value of a parameter in order, for most parameters one. ``routes`` holds the code lines
    of a block without comments and indentation. ``missing`` are files that an ``include_file`` names and that are
    not there, ``undecided`` conditions whose other branch names a database.
    """

    modules: list[str] = field(default_factory=list)
    module_paths: list[str] = field(default_factory=list)
    modparams: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    listens: list[str] = field(default_factory=list)
    aliases: list[str] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)
    routes: dict[str, list[str]] = field(default_factory=dict)
    defines: dict[str, str] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)

    def parameter(self, module: str, name: str) -> str | None:
        """The last value of a module's parameter."""
        values = self.modparams.get((module, name))
        return values[-1] if values else None


def parse(
    path: str, read: ReadFile, defines: Mapping[str, str] | None = None, environment: Mapping[str, str] | None = None
) -> KamailioConfig:
    """Read the configuration whose main file is at ``path``. A text that is no configuration gives an empty one."""
    script = Script(environment=environment or {})
    config = KamailioConfig()
    _statements(list(tokens(path, read, script, defines or {})), config)
    config.defines, config.files, config.missing = script.defines, script.files, script.missing
    config.undecided = script.undecided
    return config


def _statements(words: Sequence[Token], config: KamailioConfig) -> None:
    at = 0
    while at < len(words):
        token = words[at]
        following = words[at + 1] if at + 1 < len(words) else None
        if token.kind == WORD and token.text in ("loadmodule", "loadmodulex") and following:
            name = following.text if following.kind == STRING else ""
            at += 2
            if following.kind == MARK:
                arguments, at = _arguments(words, at - 1)
                name = arguments[0] if arguments else ""
            config.modules.append(re.sub(r"\.so$", "", name.rsplit("/", 1)[-1]))
        elif token.kind == WORD and token.text in ("modparam", "modparamx") and following and following.text == "(":
            arguments, at = _arguments(words, at + 1)
            if len(arguments) == 3:
                for module in arguments[0].split("|"):
                    config.modparams.setdefault((module.strip(), arguments[1]), []).append(arguments[2])
        elif token.kind == WORD and token.text == "cfgengine" and following and following.kind == STRING:
            config.settings["cfgengine"] = following.text
            at += 2
        elif token.kind == WORD and _ROUTE.match(token.text):
            at = _route(words, at, config)
        elif token.kind == WORD and following and following.kind == MARK and following.text == "=":
            at = _assignment(words, at, config)
        elif token.kind == MARK and token.text == "{":
            at = _behind_block(words, at)
        else:
            at += 1


def _arguments(words: Sequence[Token], opening: int) -> tuple[list[str], int]:
    """The arguments of a call as text, strings that follow each other joined, and the position behind it."""
    arguments: list[str] = []
    current: list[Token] = []
    at = opening + 1
    while at < len(words) and not (words[at].kind == MARK and words[at].text == ")"):
        if words[at].kind == MARK and words[at].text == ",":
            arguments.append(_joined(current))
            current = []
        else:
            current.append(words[at])
        at += 1
    if current or arguments:
        arguments.append(_joined(current))
    return arguments, at + 1


def _joined(words: Sequence[Token]) -> str:
    if all(word.kind == STRING for word in words):
        return "".join(word.text for word in words)
    return " ".join(word.text for word in words)


def _assignment(words: Sequence[Token], at: int, config: KamailioConfig) -> int:
    name = words[at].text
    value = at + 2
    if name in _LISTEN and value < len(words) and words[value].text == "{":
        end = _behind_block(words, value)
        config.listens.append(_bound(words[value:end]))
        return end
    end = _end_of_value(words, value, name in _LISTEN)
    shown = _compact(words[value:end])
    if name in _LISTEN:
        config.listens.extend(_listens(shown))
    elif name == "alias":
        config.aliases.extend(word.text for word in words[value:end] if word.kind in (STRING, WORD))
    elif name in ("mpath", "loadpath"):
        config.module_paths.extend(_joined(words[value:end]).split(":"))
    elif shown:
        config.settings[name] = shown
    return max(end, at + 2)


def _end_of_value(words: Sequence[Token], begin: int, addresses: bool) -> int:
    """A value ends with its line, unless what follows can only be more of it."""
    at = begin
    while at < len(words):
        word = words[at]
        following = words[at + 1] if at + 1 < len(words) else None
        if word.kind == MARK and word.text == ";":
            break
        if at > begin and word.kind == WORD and following and following.kind == MARK and following.text == "=":
            break
        same_line = at == begin or (word.line == words[begin].line and word.path == words[begin].path)
        more_text = word.kind == STRING and words[at - 1].kind == STRING
        more_addresses = addresses and word.kind == WORD and _ADDRESS.match(word.text)
        if not same_line and not more_text and not more_addresses:
            break
        at += 1
    return at


def _bound(words: Sequence[Token]) -> str:
    """``socket = { bind = ...; ... }`` as one text."""
    return _compact([word for word in words if word.text not in "{}"])


def _listens(shown: str) -> list[str]:
    """A list of addresses, each with what belongs to it (advertise, name)."""
    starts = [found.start() for found in re.finditer(r"(?:^|(?<= ))(?:udp|tcp|tls|sctp|ws|wss|any):", shown)]
    starts = [start for start in starts if not shown[:start].endswith("advertise ")]
    if not starts or starts[0] != 0:
        starts = [0, *starts]
    parts = [shown[a:b].strip() for a, b in zip(starts, [*starts[1:], len(shown)])]
    return [part for part in parts if part]


def _route(words: Sequence[Token], at: int, config: KamailioConfig) -> int:
    opening = at + 1
    while opening < len(words) and words[opening].text not in ("{", ";", ")", "=") and opening - at < 12:
        opening += 1
    if opening >= len(words) or words[opening].text != "{":
        return at + 1
    name = words[at].text + "".join(word.text for word in words[at + 1 : opening])
    name = "request_route" if name in ("route", "route[0]") else name
    end = _behind_block(words, opening)
    body = words[opening + 1 : end - 1] if end <= len(words) else words[opening + 1 :]
    config.routes.setdefault(name, []).extend(_code_lines(body))
    return end


def _behind_block(words: Sequence[Token], opening: int) -> int:
    depth = 0
    for at in range(opening, len(words)):
        if words[at].kind == MARK and words[at].text == "{":
            depth += 1
        elif words[at].kind == MARK and words[at].text == "}":
            depth -= 1
            if depth == 0:
                return at + 1
    return len(words)


def _code_lines(words: Sequence[Token]) -> Iterator[str]:
    line: list[Token] = []
    for word in words:
        if line and (word.line != line[-1].line or word.path != line[-1].path):
            yield _compact(line)
            line = []
        line.append(word)
    if line:
        yield _compact(line)


def _compact(words: Sequence[Token]) -> str:
    """Words as text: blanks only where two words would become one, strings that follow each other joined."""
    out, previous = "", ""
    for word in words:
        shown = word.shown
        if word.kind == STRING and previous == STRING:
            out = out[:-1] + shown[1:]
        elif out and _ENDS_LIKE_A_WORD.search(out[-1]) and _BEGINS_LIKE_A_WORD.match(shown):
            out += " " + shown
        else:
            out += shown
        previous = word.kind
    return out
