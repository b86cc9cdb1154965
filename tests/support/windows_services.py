# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stand-ins for ``sc``, ``tasklist`` and PowerShell of a Windows host, in memory: they understand the command lines
that we send, no other, and keep in the registry what Windows keeps there.

Service control itself is tested in tests/lab, on Wine's. PowerShell is known only as this stand-in, which demands the
one script that we send, word for word.
"""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ansible_collections.ucops.recovery.plugins.module_utils._compare.registry import (
    REG_BINARY,
    REG_EXPAND_SZ,
    RegistryValue,
)
from ansible_collections.ucops.recovery.plugins.module_utils._items import service_password
from ansible_collections.ucops.recovery.plugins.module_utils._transport.base import CommandResult
from support.windows_registry import MemoryWindows, NoSuchCommand

SERVICES = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services"
STATES = {1: "STOPPED", 2: "START_PENDING", 3: "STOP_PENDING", 4: "RUNNING", 7: "PAUSED"}
NO_SUCH_SERVICE = 1060
_STARTS = {"boot": 0, "system": 1, "auto": 2, "delayed-auto": 2, "demand": 3, "disabled": 4}
_ERRORS = {"ignore": 0, "normal": 1, "severe": 2, "critical": 3}
_TYPES = {"own": 0x10, "share": 0x20, "interact": 0x100}
_ACTIONS = {"": 0, "restart": 1, "reboot": 2, "run": 3}
_SID_TYPES = {"none": 0, "unrestricted": 1, "restricted": 3}
_BUILT_IN = re.compile(r"LocalSystem$|NT AUTHORITY\\|NT SERVICE\\|.*\$$", re.IGNORECASE)


@dataclass
class MemoryServices:
    """The service control manager of a host. ``states`` by name; ``coming``: states that a service goes through next,
    one with each question. ``accounts``: account -> password, which Windows checks only when a service starts."""

    windows: MemoryWindows
    states: dict[str, int] = field(default_factory=dict)
    coming: dict[str, list[int]] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)
    refusals: dict[str, int] = field(default_factory=dict)
    """Verb -> the error that it ends with."""
    lingering: list[str] = field(default_factory=list)
    """Stopped services whose processes are still in the list; each list is one shorter."""
    at_start: dict[str, Callable[[], None]] = field(default_factory=dict)
    """Service -> what it does as soon as it is started."""

    def __post_init__(self) -> None:
        self.windows.programs["sc"] = self._sc
        self.windows.programs["powershell"] = self._powershell
        self.windows.programs.setdefault("tasklist", self._tasklist)

    def add(self, name: str, *, state: int = 1, **values: object) -> None:
        """A service of an own program."""
        given = {"Type": 0x10, "Start": 2, "ErrorControl": 1, "ObjectName": "LocalSystem", **values}
        given.setdefault("ImagePath", RegistryValue.of_text(rf"C:\{name}.exe", REG_EXPAND_SZ))
        self.windows.registry.put(f"{SERVICES}\\{name}", given)
        self.states[name.lower()] = state

    def value(self, service: str, name: str) -> RegistryValue | None:
        return self.windows.registry.value(f"{SERVICES}\\{service}", name)

    def process(self, service: str) -> int:
        """The number of the process that a service runs in."""
        return 1000 + list(self.states).index(service.lower())

    # --- sc ---------------------------------------------------------------------------------------------------------
    def _sc(self, words: list[str], _input: bytes) -> CommandResult:
        verb, service, rest = words[0], words[1], words[2:]
        verbs: dict[str, Callable[[str, Sequence[str]], CommandResult]] = {
            "queryex": self._query,
            "start": self._start,
            "stop": self._stop,
            "create": self._create,
            "delete": self._delete,
            "config": self._config,
            "description": self._description,
            "failure": self._failure,
            "failureflag": self._failure_flag,
            "sidtype": self._sid_type,
            "privs": self._privileges,
            "sdset": self._security,
            "managedaccount": self._managed,
        }
        if verb not in verbs:
            raise NoSuchCommand(f"sc {words}")
        if verb in self.refusals:
            return CommandResult(self.refusals[verb], f"[SC] {verb} FEHLER {self.refusals[verb]}:".encode(), b"")
        if verb != "create" and service.lower() not in self.states:
            return CommandResult(NO_SUCH_SERVICE, b"[SC] EnumQueryServicesStatus:OpenService FEHLER 1060:\r\n", b"")
        return verbs[verb](service, rest)

    def _query(self, service: str, rest: Sequence[str]) -> CommandResult:
        _none(rest)
        coming = self.coming.get(service.lower(), [])
        if coming:
            self.states[service.lower()] = coming.pop(0)
        return self._told(service)

    def _told(self, service: str) -> CommandResult:
        state = self.states[service.lower()]
        lines = [
            "",
            f"SERVICE_NAME: {service}",
            "        TYP                : 10  WIN32_OWN_PROCESS",
            f"        STATUS             : {state}  {STATES[state]}",
            "                                (STOPPABLE, NOT_PAUSABLE, ACCEPTS_SHUTDOWN)",
            "        WIN32-BEENDIGUNGSCODE : 0  (0x0)",
            "        DIENST-BEENDIGUNGSCODE: 0  (0x0)",
            "        PRÜFPUNKT          : 0x0",
            "        WARTEHINWEIS       : 0x0",
            f"        PID                : {self.process(service) if state != 1 else 0}",
            "        FLAGS              :",
        ]
        return CommandResult(0, "".join(line + "\r\n" for line in lines).encode("cp850"), b"")

    def _start(self, service: str, rest: Sequence[str]) -> CommandResult:
        _none(rest)
        if self.states[service.lower()] == 4:
            return CommandResult(1056, b"", b"")
        start = self.value(service, "Start")
        if start is not None and start.number == _STARTS["disabled"]:
            return CommandResult(1058, b"", b"")
        self.states[service.lower()] = 2
        self.at_start.get(service.lower(), lambda: None)()
        self.coming[service.lower()] = self.coming.get(service.lower()) or [2, 4]
        return self._told(service)

    def _stop(self, service: str, rest: Sequence[str]) -> CommandResult:
        _none(rest)
        if self.states[service.lower()] == 1:
            return CommandResult(1062, b"", b"")
        self.states[service.lower()] = 3
        self.coming[service.lower()] = self.coming.get(service.lower()) or [3, 1]
        return self._told(service)

    def _create(self, service: str, rest: Sequence[str]) -> CommandResult:
        if service.lower() in self.states:
            return CommandResult(1073, b"", b"")
        options = _options(rest, "type=", "start=", "binPath=")
        self.add(service, Start=3, ImagePath=RegistryValue.of_text(options["binPath="], REG_EXPAND_SZ))
        return self._config(service, rest)

    def _delete(self, service: str, rest: Sequence[str]) -> CommandResult:
        _none(rest)
        self.windows.registry.remove(f"{SERVICES}\\{service}")
        del self.states[service.lower()]
        return CommandResult(0, b"", b"")

    def _config(self, service: str, rest: Sequence[str]) -> CommandResult:
        options = _options(
            rest, "type=", "start=", "error=", "binPath=", "group=", "depend=", "DisplayName=", "obj=", "password="
        )
        if "type=" in options:
            kinds = [value for word, value in zip(rest[::2], rest[1::2]) if word == "type="]
            self._set(service, Type=sum(_TYPES[kind] for kind in kinds))
        if "start=" in options:
            self._set(service, Start=_STARTS[options["start="]])
            self._set(service, DelayedAutostart=1 if options["start="] == "delayed-auto" else 0)
        if "error=" in options:
            self._set(service, ErrorControl=_ERRORS[options["error="]])
        if "binPath=" in options:
            self._set(service, ImagePath=RegistryValue.of_text(options["binPath="], REG_EXPAND_SZ))
        if "group=" in options:
            self._set(service, Group=options["group="])
        if "depend=" in options:
            names = [] if options["depend="] == "/" else options["depend="].split("/")
            self._set(service, DependOnService=[name for name in names if not name.startswith("+")])
            self._set(service, DependOnGroup=[name[1:] for name in names if name.startswith("+")])
        if "DisplayName=" in options:
            self._set(service, DisplayName=options["DisplayName="])
        if "obj=" in options:
            if not _BUILT_IN.match(options["obj="]) or options.get("password=") != "":
                raise NoSuchCommand(f"a password on a command line: {rest}")
            self._set(service, ObjectName=options["obj="])
        return CommandResult(0, b"", b"")

    def _description(self, service: str, rest: Sequence[str]) -> CommandResult:
        (text,) = rest
        self._set(service, Description=text)
        return CommandResult(0, b"", b"")

    def _failure(self, service: str, rest: Sequence[str]) -> CommandResult:
        options = _options(rest, "reset=", "reboot=", "command=", "actions=")
        if ("reset=" in options) != ("actions=" in options):
            raise NoSuchCommand(f"reset= and actions= go together: {rest}")
        if "actions=" in options:
            parts = options["actions="].split("/") if options["actions="] else []
            pairs = [(_ACTIONS[kind], int(delay)) for kind, delay in zip(parts[::2], parts[1::2])]
            reset = 0xFFFFFFFF if options["reset="] == "INFINITE" else int(options["reset="])
            # the second and third number are pointers that mean nothing any more
            data = struct.pack("<5I", reset, 1, 1, len(pairs), 20) + b"".join(
                struct.pack("<2I", *pair) for pair in pairs
            )
            self._set(service, FailureActions=RegistryValue(REG_BINARY, data))
        if "reboot=" in options:
            self._set(service, RebootMessage=options["reboot="])
        if "command=" in options:
            self._set(service, FailureCommand=options["command="])
        return CommandResult(0, b"", b"")

    def _failure_flag(self, service: str, rest: Sequence[str]) -> CommandResult:
        self._set(service, FailureActionsOnNonCrashFailures={("0",): 0, ("1",): 1}[tuple(rest)])
        return CommandResult(0, b"", b"")

    def _sid_type(self, service: str, rest: Sequence[str]) -> CommandResult:
        (word,) = rest
        self._set(service, ServiceSidType=_SID_TYPES[word])
        return CommandResult(0, b"", b"")

    def _privileges(self, service: str, rest: Sequence[str]) -> CommandResult:
        (text,) = rest
        self._set(service, RequiredPrivileges=text.split("/") if text else [])
        return CommandResult(0, b"", b"")

    def _security(self, service: str, rest: Sequence[str]) -> CommandResult:
        (text,) = rest
        value = RegistryValue(REG_BINARY, descriptor_of(text))
        self.windows.registry.put(f"{SERVICES}\\{service}\\Security", {"Security": value})
        return CommandResult(0, b"", b"")

    def _managed(self, service: str, rest: Sequence[str]) -> CommandResult:
        if list(rest) != ["true"]:
            raise NoSuchCommand(f"sc managedaccount {rest}")
        self._set(service, ServiceAccountManaged=RegistryValue(REG_BINARY, b"\1\0\0\0"))
        return CommandResult(0, b"", b"")

    def _set(self, service: str, **values: object) -> None:
        self.windows.registry.put(f"{SERVICES}\\{service}", values)

    # --- tasklist ---------------------------------------------------------------------------------------------------
    def _tasklist(self, words: list[str], _input: bytes) -> CommandResult:
        if words != ["/fo", "csv", "/nh"]:
            raise NoSuchCommand(f"tasklist {words}")
        running = [name for name, state in self.states.items() if state != 1] + self.lingering
        self.lingering = self.lingering[:-1]
        rows = [f'"{name}.exe","{self.process(name)}","Services","0","1.024 K"\r\n' for name in running]
        return CommandResult(0, "".join([*rows, '"tasklist.exe","99","Services","0","1.024 K"\r\n']).encode(), b"")

    # --- PowerShell -------------------------------------------------------------------------------------------------
    def _powershell(self, words: list[str], given: bytes) -> CommandResult:
        if words[:-1] != ["-NoLogo", "-NoProfile", "-NonInteractive", "-EncodedCommand"]:
            raise NoSuchCommand(f"powershell {words}")
        if base64.b64decode(words[-1]).decode("utf-16-le") != service_password.SCRIPT:
            raise NoSuchCommand("another script than the one that sets an account")
        service, account, password = (base64.b64decode(line).decode("utf-8") for line in given.splitlines())
        if service.lower() not in self.states:
            return CommandResult(1, b"", b"Exception calling ...")
        answer = self.refusals.get("powershell", 0)
        if not answer:
            self._set(service, ObjectName=account)
            self.passwords[service.lower()] = password
        return CommandResult(0, f"ucops-recovery: {answer}\r\n".encode(), b"")


def _none(rest: Sequence[str]) -> None:
    if rest:
        raise NoSuchCommand(f"words that are not understood: {rest}")


def _options(rest: Sequence[str], *known: str) -> dict[str, str]:
    names = rest[::2]
    if len(rest) % 2 or not set(names) <= set(known):
        raise NoSuchCommand(f"options that are not understood: {rest}")
    return dict(zip(names, rest[1::2]))


_ENTRY = re.compile(r"\((A|D|AU);([A-Z]*);0x([0-9a-f]+);;;S-1-(\d+)-([\d-]+)\)")
_ENTRY_FLAGS = {"OI": 1, "CI": 2, "NP": 4, "IO": 8, "ID": 16, "SA": 64, "FA": 128}
_KINDS = {"A": 0, "D": 1, "AU": 2}


def descriptor_of(sddl: str) -> bytes:
    """The self-relative descriptor of a text as we write it, laid out as the service control manager does it: owner and
    group are there, and stand at the end."""
    lists, control = {}, 0x8000
    for letter, flags, entries in re.findall(r"(D|S):(P?)((?:\([^)]*\))*)", sddl):
        control |= {"D": 0x0004, "S": 0x0010}[letter] | ({"D": 0x1000, "S": 0x2000}[letter] if flags else 0)
        body = b""
        found = _ENTRY.findall(entries)
        for kind, names, mask, authority, parts in found:
            numbers = [int(part) for part in parts.split("-")]
            sid = struct.pack(f"<BB6s{len(numbers)}I", 1, len(numbers), int(authority).to_bytes(6, "big"), *numbers)
            bits = sum(_ENTRY_FLAGS[names[at : at + 2]] for at in range(0, len(names), 2))
            body += struct.pack("<BBHI", _KINDS[kind], bits, 8 + len(sid), int(mask, 16)) + sid
        lists[letter] = struct.pack("<BBHHH", 2, 0, 8 + len(body), len(found), 0) + body
    system = struct.pack("<BB6sI", 1, 1, (5).to_bytes(6, "big"), 18)
    at, places, data = 20, {}, b""
    for letter in ("S", "D"):
        places[letter] = at + len(data) if letter in lists else 0
        data += lists.get(letter, b"")
    owner = at + len(data)
    head = struct.pack("<BBHIIII", 1, 0, control, owner, owner + len(system), places["S"], places["D"])
    return head + data + system + system
