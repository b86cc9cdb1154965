# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Kamailio is started with: the environment and the definitions (``-A``) that its unit and its defaults give."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from .._transport.base import Become, Transport
from .unix_host import TextReader

_FILES = r"""
cd "$1" || exit 0
for file in usr/lib/systemd/system/kamailio.service lib/systemd/system/kamailio.service \
  etc/systemd/system/kamailio.service etc/systemd/system/kamailio.service.d/*.conf \
  etc/default/kamailio etc/default/kamailio.d/* etc/sysconfig/kamailio; do
  [ -f "$file" ] && cat "$file" && echo
done 2>/dev/null
:
"""
"""In the order in which a later one replaces what an earlier one says."""
_SETTING = re.compile(r"(?:export\s+)?(?P<name>[A-Za-z_]\w*)\s*=\s*(?P<value>.*)", re.DOTALL)
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
MOST_FILES = 10


@dataclass
class Startup:
    """``environment`` and ``defines`` by name. Values may be secrets."""

    environment: dict[str, str] = field(default_factory=dict, repr=False)
    defines: dict[str, str] = field(default_factory=dict, repr=False)


def read_startup(transport: Transport, root: str, become: Become) -> Startup:
    """What the host's own files say; nothing where there are none, or the login may not read them."""
    text = transport.run(["sh", "-c", _FILES, "sh", root], become=become).text
    startup, commands, files = Startup(), [], []
    for name, value in _settings(text):
        if name == "Environment":
            startup.environment.update(pair.partition("=")[::2] for pair in _words(value) if "=" in pair)
        elif name == "EnvironmentFile":
            files.append(value.lstrip("-").strip())
        elif name == "ExecStart":
            commands.append(value)
        else:
            startup.environment[name] = " ".join(_words(value))
    read = TextReader(transport, root, become)
    for path in [path for path in dict.fromkeys(files) if path.startswith("/") and "*" not in path][:MOST_FILES]:
        content = (read(path) or b"").decode("utf-8", "replace")
        startup.environment.update({name: " ".join(_words(value)) for name, value in _settings(content)})
    for command in commands[-1:]:
        startup.defines.update(_definitions(_expanded(command, startup.environment)))
    return startup


def definition(value: str) -> str:
    """A definition that comes from outside of the script. A URL is meant as a string, whether it is quoted or not."""
    return f'"{value}"' if "://" in value and value[:1] not in "\"'" else value


def _settings(text: str) -> Iterator[tuple[str, str]]:
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        found = _SETTING.fullmatch(line.strip())
        if found is not None:
            yield found["name"], found["value"]


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _expanded(command: str, environment: dict[str, str]) -> Iterator[str]:
    """The words of a command; one that is a variable alone becomes as many as its value has."""
    for word in _words(command):
        alone = _VARIABLE.fullmatch(word)
        if alone and not alone[1]:
            yield from _words(environment.get(alone[2], ""))
        else:
            yield _VARIABLE.sub(lambda found: environment.get(found[1] or found[2], ""), word)


def _definitions(words: Iterable[str]) -> Iterator[tuple[str, str]]:
    following = False
    for word in words:
        given = word if following else (word[2:] if word.startswith("-A") else "")
        following = word == "-A"
        if given and not following:
            name, _equals, value = given.partition("=")
            yield name, value
