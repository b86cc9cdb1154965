# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The words of a Kamailio script in the order in which Kamailio reads them: includes followed, conditions decided.

Comments and what stands in branches that are switched off are left out, so that only what counts is compared.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from .kamailio_condition import holds
from .kamailio_startup import definition

STRING = "string"
WORD = "word"
MARK = "mark"

DEEPEST_INCLUDE = 10
"""As many levels of includes as Kamailio follows."""
MOST_BYTES = 16 * 2**20

ReadFile = Callable[[str], "bytes | None"]
"""Gives the content of an absolute path, None when there is no such file."""

_DEFINES = ("define", "trydef", "trydefine", "redefine", "redef", "defexp", "defexps")
_SUBSTITUTIONS = ("subst", "substdef", "substdefs")
_CONDITIONS = ("ifdef", "ifndef", "ifexp", "else", "endif")
_INCLUDES = {"include_file": True, "import_file": False}
"""Directive or statement -> whether the file must be there."""
_FROM_ENVIRONMENT = ("defenv", "defenvs", "trydefenv", "trydefenvs")
_DIRECTIVES = (*_DEFINES, *_FROM_ENVIRONMENT, *_SUBSTITUTIONS, *_CONDITIONS, *_INCLUDES)

_LEXER = re.compile(
    r"""
      (?P<space>\s+|/\*.*?(?:\*/|\Z)|//[^\n]*)
    | (?P<directive>(?:\#!|!!)(?P<name>NAMES)\b[ \t]*(?P<rest>(?:[^\\\n]|\\\r?\n|\\)*))
    | (?P<comment>\#[^\n]*)
    | "(?P<double>(?:[^"\\]|\\.)*)"
    | '(?P<single>[^']*)'
    | (?P<word>(?:[\w.:@%-]|\$(?=\w))+)
    | (?P<mark>=>|==|!=|=~|!~|<=|>=|&&|\|\||\+=|.)
    """.replace("NAMES", "|".join(_DIRECTIVES)),
    re.VERBOSE | re.DOTALL,
)
_SKIPPING = re.compile(r"(?:#!|!!)(ifdef|ifndef|ifexp|else|endif)\b")
_DEFINITION = re.compile(r"(?P<id>[A-Za-z_]\w*)(?:[ \t]+(?P<value>.*))?", re.DOTALL)
_IDENTIFIER = re.compile(r"(?<![\w.@%$-])[A-Za-z_]\w*(?![\w.@%$-])")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ENVIRONMENT_IN_STRING = re.compile(r"\$env\((\w+)\)")
_NAMES_A_DATABASE = re.compile(r"db_url|\w://")
_DEFINE_IN_STRING = re.compile(r"\$defn?\((\w+)\)")


@dataclass(frozen=True)
class Token:
    """One word. ``text`` is a string's content, or the word itself after definitions were put in."""

    kind: str
    text: str
    path: str
    line: int

    @property
    def shown(self) -> str:
        """As it would be written in the script."""
        if self.kind != STRING:
            return self.text
        return '"' + self.text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


@dataclass
class Script:
    """What reading left behind besides the words: the definitions at the end, the files that were read, what was
    missing. ``environment`` is what Kamailio is started with, as far as it is known. ``undecided``: conditions of which
    nobody knows whether they hold, and whose other branch, which is not read, names a database."""

    defines: dict[str, str] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    substitutions: list[tuple[re.Pattern[str], str]] = field(default_factory=list)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    undecided: list[str] = field(default_factory=list)


def tokens(path: str, read: ReadFile, script: Script, defines: Mapping[str, str]) -> Iterator[Token]:
    """The words of the script at ``path`` and of everything that it includes.

    :param read: gives the content of an absolute path, or None
    :param defines: what the command line defines (``-A``)
    """
    script.defines.update({name: definition(value) for name, value in defines.items()})
    yield from _Reader(read, script).file(path, 0)


class _Reader:
    def __init__(self, read: ReadFile, script: Script) -> None:
        self.read = read
        self.script = script
        self.room = MOST_BYTES
        self._conditions: list[str] = []

    def file(self, path: str, depth: int) -> Iterator[Token]:
        content = self.read(path) if depth <= DEEPEST_INCLUDE else None
        if content is None or len(content) > self.room:
            self.script.missing.append(path)
            return
        self.room -= len(content)
        if path not in self.script.files:
            self.script.files.append(path)
        yield from self.text(content.decode("utf-8", "surrogateescape"), path, depth)

    def text(self, text: str, path: str, depth: int) -> Iterator[Token]:
        at, line, including = 0, 1, ""
        while at < len(text):
            found = _LEXER.match(text, at)
            if not found:
                return
            start, at = line, found.end()
            line += found[0].count("\n")
            if found["space"] is not None or found["comment"] is not None:
                continue
            if found["directive"] is not None:
                name, rest = found["name"], found["rest"]
                if name in _INCLUDES:
                    yield from self._include(rest.strip().strip("\"'"), path, depth, _INCLUDES[name])
                elif not self._holds(name, rest):
                    undecided = self._conditions.pop() if name == "else" and self._conditions else ""
                    begin = at
                    at, line = self._skip(text, at, line, name == "else")
                    if undecided and _NAMES_A_DATABASE.search(text, begin, at):
                        self.script.undecided.append(undecided)
                continue
            token = self._token(found, path, start)
            if including:
                required, including = _INCLUDES[including], ""
                if token.kind == STRING:
                    yield from self._include(token.text, path, depth, required)
                    continue
            if token.kind == WORD and token.text in _INCLUDES:
                including = token.text
                continue
            if token.kind == WORD and token.text in self.script.defines:
                yield from self._defined(token, depth=0)
            elif token.kind == WORD and ":" in token.text:
                yield replace(token, text=_IDENTIFIER.sub(self._part, token.text))
            else:
                yield token

    def _token(self, found: re.Match[str], path: str, line: int) -> Token:
        if found["double"] is not None:
            return Token(STRING, self._substituted(_ESCAPE.sub(_unescaped, found["double"])), path, line)
        if found["single"] is not None:
            return Token(STRING, self._substituted(found["single"]), path, line)
        if found["word"] is not None:
            return Token(WORD, found["word"], path, line)
        return Token(MARK, found["mark"], path, line)

    def _defined(self, token: Token, depth: int) -> Iterator[Token]:
        """The words that a definition stands for; a definition may name another one."""
        value = self.script.defines[token.text]
        for found in _LEXER.finditer(value):
            if found["space"] is not None or found["comment"] is not None or found["directive"] is not None:
                continue
            part = self._token(found, token.path, token.line)
            if part.kind == WORD and part.text in self.script.defines and depth < DEEPEST_INCLUDE:
                yield from self._defined(part, depth + 1)
            else:
                yield part

    def _part(self, found: re.Match[str]) -> str:
        """A definition inside of a word such as ``udp:MY_ADDRESS:MY_PORT``."""
        return self.script.defines.get(found[0], found[0]).strip("\"'")

    def _include(self, name: str, path: str, depth: int, required: bool) -> Iterator[Token]:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
        missing = len(self.script.missing)
        yield from self.file(target, depth + 1)
        if not required:
            del self.script.missing[missing:]

    # --- directives --------------------------------------------------------------------------------------------------
    def _holds(self, name: str, rest: str) -> bool:
        """Carry out a directive; False when what follows is switched off."""
        if name in _DEFINES:
            self._define(name, rest)
        elif name in _SUBSTITUTIONS:
            self._substitute(name, rest.strip().strip("\"'"))
        elif name in _FROM_ENVIRONMENT:
            self._define_from_environment(name, rest)
        elif name in ("ifdef", "ifndef"):
            word = rest.split(None, 1)[0] if rest.split() else ""
            return self._enter((word in self.script.defines) == (name == "ifdef"))
        elif name == "ifexp":
            known = holds(rest, self.script.defines)
            return self._enter(known is not False, rest.strip() if known is None else "")
        elif name == "else":
            return False
        elif name == "endif" and self._conditions:
            self._conditions.pop()
        return True

    def _enter(self, is_on: bool, undecided: str = "") -> bool:
        """A branch begins; when it is switched off, :meth:`_skip` says whether there is another."""
        if is_on:
            self._conditions.append(undecided)
        return is_on

    def _define_from_environment(self, name: str, rest: str) -> None:
        """``ID=VARIABLE``, or ``VARIABLE`` for both. An s at the end makes a string of the value."""
        identifier, _equals, variable = rest.strip().partition("=")
        value = self.script.environment.get((variable or identifier).strip())
        if value is not None:
            quoted = f'"{value}"' if name.endswith("s") and value[:1] != '"' else definition(value)
            self.script.defines[identifier.strip()] = quoted

    def _define(self, name: str, rest: str) -> None:
        found = _DEFINITION.match(rest.strip())
        if not found or (name in ("define", "trydef", "trydefine") and found["id"] in self.script.defines):
            return
        self.script.defines[found["id"]] = re.sub(r"\\\r?\n", " ", found["value"] or "").strip()

    def _substitute(self, name: str, rest: str) -> None:
        parts = re.split(rf"(?<!\\){re.escape(rest[:1])}", rest[1:]) if rest else []
        if len(parts) < 2:
            return
        pattern, value = parts[0], parts[1]
        if name != "subst":
            self.script.defines.setdefault(pattern, f'"{value}"' if name == "substdefs" else value)
            pattern = re.escape(pattern)
        try:
            flags = re.IGNORECASE if "i" in "".join(parts[2:]) else 0
            self.script.substitutions.append((re.compile(pattern, flags), value))
        except re.error:
            return

    def _substituted(self, text: str) -> str:
        for pattern, value in self.script.substitutions:
            text = pattern.sub(lambda _found, value=value: value, text)  # type: ignore[misc]
        text = _ENVIRONMENT_IN_STRING.sub(lambda found: self.script.environment.get(found[1], found[0]), text)
        return _DEFINE_IN_STRING.sub(lambda found: self.script.defines.get(found[1], found[0]), text)

    def _skip(self, text: str, at: int, line: int, behind_else: bool) -> tuple[int, int]:
        """Behind the directive that switches reading on again. Inside of such a stretch there are no comments."""
        depth = 0
        for found in _SKIPPING.finditer(text, at):
            name = found[1]
            if name.startswith("if"):
                depth += 1
            elif depth:
                depth -= name == "endif"
            else:
                if name == "else" and not behind_else:
                    self._conditions.append("")
                stop = text.find("\n", found.end())
                stop = len(text) if stop < 0 else stop
                return stop, line + text.count("\n", at, stop)
        return len(text), line


def _unescaped(escape: re.Match[str]) -> str:
    return {"n": "\n", "r": "\r", "t": "\t"}.get(escape[1], escape[1])
