# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for the ``reg`` of a Windows host, in memory: it understands the command lines that we send, no other, and
takes none that WinRM could not carry.

``reg`` itself is tested in tests/lab, on Wine's. What Wine's does not know (loading a user's registry) is known only
here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from ansible_collections.ucops.recovery.plugins.module_utils._compare.registry import (
    REG_BINARY,
    REG_DWORD,
    REG_MULTI_SZ,
    RegistryTree,
    RegistryValue,
    applied,
    fold,
    format_reg,
    is_below,
    long_key,
    parse_reg,
)
from ansible_collections.ucops.recovery.plugins.module_utils._transport.base import CommandResult, CommandStream
from ansible_collections.ucops.recovery.plugins.module_utils._transport.windows import (
    WindowsCommands,
    WindowsTransport,
)
from ansible_collections.ucops.recovery.plugins.module_utils._transport.windows_quoting import command_line
from support.windows_files import MemoryWindowsFiles

MISSING = "ERROR: The system was unable to find the specified registry key or value."
DENIED = "ERROR: Access is denied."
ROOTS = ("HKEY_LOCAL_MACHINE", "HKEY_USERS")
WINDOWS = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
PROFILES = WINDOWS + r"\ProfileList"
TYPE_NAMES = {1: "REG_SZ", 2: "REG_EXPAND_SZ", 3: "REG_BINARY", 4: "REG_DWORD", 7: "REG_MULTI_SZ", 11: "REG_QWORD"}


class NoSuchCommand(AssertionError):
    """A command line that the stand-in does not understand: the product must not send it."""


@dataclass
class MemoryRegistry:
    r"""The keys of a host. Values are given as text, number, list of texts, bytes, or RegistryValue.

    ``denied``: keys that refuse to be read or written. ``hives``: ``NTUSER.DAT`` files of users who are not logged on,
    path -> keys, named as if they stood below ``HKEY_CURRENT_USER``.
    """

    denied: set[str] = field(default_factory=set)
    hives: dict[str, RegistryTree] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tree = RegistryTree({root: {} for root in ROOTS})
        self.loaded: dict[str, str] = {}

    def set(self, key: str, **values: object) -> None:
        """Add a key with values, those above it too. The default value is called ``default``."""
        self.put(key, {("" if name == "default" else name): value for name, value in values.items()})

    def put(self, key: str, values: dict[str, object]) -> None:
        """The same for names that are no identifiers."""
        key = long_key(key)
        self.change(RegistryTree({key: {name: value_of(value) for name, value in values.items()}}))

    def unset(self, key: str, name: str) -> None:
        """Remove one value."""
        self.change(RegistryTree({}, (), {long_key(key): (name,)}))

    def remove(self, key: str) -> None:
        """Remove a key with everything below it."""
        self.change(RegistryTree(removed_keys=(long_key(key),)))

    def change(self, change: RegistryTree) -> None:
        """Import a file, as Windows does."""
        above = {}
        for key in (*change.keys, *change.removed_values):
            parts = key.split("\\")
            above.update({"\\".join(parts[:count]): {} for count in range(1, len(parts))})
        self.tree = applied(applied(self.tree, RegistryTree(above)), change)

    def __contains__(self, key: str) -> bool:
        return key in self.tree

    def value(self, key: str, name: str) -> RegistryValue | None:
        return self.tree.value(key, name)

    def below(self, key: str) -> RegistryTree:
        return self.tree.below(key)

    def is_denied(self, key: str) -> bool:
        return any(is_below(long_key(key), long_key(one)) for one in self.denied)


def value_of(value: object) -> RegistryValue:
    if isinstance(value, RegistryValue):
        return value
    if isinstance(value, str):
        return RegistryValue.of_text(value)
    if isinstance(value, int):
        return RegistryValue.of_number(value)
    if isinstance(value, bytes):
        return RegistryValue(3, value)
    return RegistryValue.of_texts(value)  # type: ignore[arg-type]


@dataclass
class MemoryWindows(WindowsCommands):
    r"""A host with a registry and a disk. ``asked`` keeps every command line with what it read.

    ``before``: what is done before a command whose line matches the pattern; it may raise, or give a CommandResult that
    stands for the command. ``spoil`` makes of an export what is really written. ``programs``: first word -> what runs
    it (see tests/support/windows_services.py).
    """

    host: str = "windows.example"
    registry: MemoryRegistry = field(default_factory=MemoryRegistry)
    files: MemoryWindowsFiles = field(default_factory=MemoryWindowsFiles)
    programs: dict[str, Callable[[list[str], bytes], CommandResult]] = field(default_factory=dict)
    before: dict[str, Callable[[], CommandResult | None]] = field(default_factory=dict)
    spoil: Callable[[bytes], bytes] = bytes

    def __post_init__(self) -> None:
        self.asked: list[tuple[list[str], bytes]] = []
        self.closed = False
        self.files.add(r"C:\Windows\Temp", None)
        self.registry.set(WINDOWS, SystemRoot=r"C:\Windows", ProductName="Windows Server 2022 Standard")
        self.registry.set(WINDOWS, CurrentBuildNumber="20348", UBR=2340)
        self.registry.set(r"HKLM\SOFTWARE\Microsoft\Cryptography", MachineGuid="6F1C2D3E-0000-4321-ABCD-0123456789AB")
        self.registry.set(
            r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment", PROCESSOR_ARCHITECTURE="AMD64"
        )
        self.registry.set(r"HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters", Hostname="winsrv1")
        self.add_user("S-1-5-18", r"%systemroot%\system32\config\systemprofile", loaded=True)

    @property
    def transport(self) -> WindowsTransport:
        """Both ways to the host, as a product meets them."""
        return WindowsTransport(self, self.files)

    def add_user(self, sid: str, folder: str, *, loaded: bool) -> None:
        """A profile; of a user who is not logged on the registry lies in a file."""
        self.registry.put(rf"{PROFILES}\{sid}", {"ProfileImagePath": RegistryValue.of_text(folder, 2)})
        if loaded:
            self.registry.put(rf"HKU\{sid}\Software", {})
        else:
            self.files.add(folder + r"\NTUSER.DAT", b"regf")
            self.registry.hives[folder + r"\NTUSER.DAT"] = RegistryTree({"HKEY_CURRENT_USER": {}})

    def user_key(self, folder: str, key: str, **values: object) -> None:
        """A key of a user who is not logged on."""
        file = folder + r"\NTUSER.DAT"
        added = RegistryTree({long_key(key): {name: value_of(value) for name, value in values.items()}})
        self.registry.hives[file] = applied(self.registry.hives[file], added)

    def lines(self) -> list[str]:
        """Every command line that was asked for."""
        return [" ".join(words) for words, _input in self.asked]

    # --- WindowsCommands --------------------------------------------------------------------------------------------
    def open(self, argv, *, input=None, become=False, deadline=None, silence=None, limit=None):
        words = [word.decode() if isinstance(word, bytes) else word for word in argv]
        taken = input if isinstance(input, bytes) else b"".join(input or ())
        command_line(words)
        self.asked.append((words, taken))
        for pattern, happens in list(self.before.items()):
            if re.search(pattern, " ".join(words)):
                result = happens()
                if result is not None:
                    return Answer(result)
        if words[0] == "reg":
            if taken or not deadline or not limit:
                raise NoSuchCommand(f"reg reads nothing, and has a deadline and a limit: {words}")
            return Answer(self._reg(words[1:]))
        if words[0] in self.programs:
            return Answer(self.programs[words[0]](words[1:], taken))
        raise NoSuchCommand(f"unknown: {words}")

    def close(self):
        self.closed = True

    def _reg(self, words: list[str]) -> CommandResult:
        if words[0] == "export" and words[3:] == ["/y", "/reg:64"]:
            return self._export(words[1], words[2])
        if words[0] == "query" and words[2:] == ["/reg:64"]:
            return self._query(words[1])
        if words[0] == "query" and words[2:] == ["/s", "/reg:64"]:
            return self._query_all(words[1])
        if words[0] == "import" and words[2:] == ["/reg:64"]:
            return self._import(words[1])
        if words[0] == "load" and len(words) == 3 and words[1].startswith("HKU\\"):
            return self._load(words[1], words[2])
        if words[0] == "unload" and len(words) == 2 and words[1].startswith("HKU\\"):
            return self._unload(words[1])
        raise NoSuchCommand(f"reg {words}")

    def _export(self, key: str, path: str) -> CommandResult:
        if self.registry.is_denied(key):
            return failed(DENIED)
        if key not in self.registry:
            return failed(MISSING)
        spelling = long_key(key)
        found = self.registry.below(key).keys
        tree = {spelling + one[len(spelling) :]: values for one, values in found.items()}
        self.files.add(path, self.spoil(format_reg(RegistryTree(tree))))
        return CommandResult(0, b"The operation completed successfully.\r\n", b"")

    def _query(self, key: str) -> CommandResult:
        if self.registry.is_denied(key):
            return failed(DENIED)
        if key not in self.registry:
            return failed(MISSING)
        lines = ["", long_key(key)]
        lines += [_shown(name, value) for name, value in self.registry.tree.values(key).items()]
        lines += ["", *(f"{long_key(key)}\\{name}" for name in self.registry.tree.subkeys(key))]
        return CommandResult(0, "".join(line + "\r\n" for line in lines).encode(), b"")

    def _query_all(self, key: str) -> CommandResult:
        if self.registry.is_denied(key):
            return failed(DENIED)
        if key not in self.registry:
            return failed(MISSING)
        lines = []
        for one, values in self.registry.below(key).keys.items():
            lines += ["", one, *(_shown(name, value) for name, value in values.items())] if values else []
        return CommandResult(0, "".join(line + "\r\n" for line in lines).encode(), b"")

    def _import(self, path: str) -> CommandResult:
        try:
            change = parse_reg(self.files.content(path))
        except FileNotFoundError:
            return failed("ERROR: The file was not found.")
        for key in (*change.removed_keys, *change.removed_values, *change.keys):
            top = "\\".join(key.split("\\")[:2])
            if self.registry.is_denied(key) or (top.startswith("HKEY_USERS") and top not in self.registry):
                return failed("ERROR: Error accessing the registry.")
        self.registry.change(change)
        # on Windows success is said on standard error
        return CommandResult(0, b"", b"The operation completed successfully.\r\n")

    def _load(self, key: str, file: str) -> CommandResult:
        path = next((path for path in self.registry.hives if fold(path) == fold(file)), None)
        if path is None:
            raise NoSuchCommand(f"reg load would make the file {file}")
        if path in self.registry.loaded.values() or key in self.registry:
            return failed("ERROR: The process cannot access the file because it is being used by another process.")
        self.registry.loaded[fold(long_key(key))] = path
        self.registry.put(key, {})
        self.registry.change(self.registry.hives[path].moved("HKEY_CURRENT_USER", long_key(key)))
        return CommandResult(0, b"", b"")

    def _unload(self, key: str) -> CommandResult:
        path = self.registry.loaded.pop(fold(long_key(key)), None)
        if path is None:
            return failed("ERROR: The parameter is incorrect.")
        if path in self.registry.hives:
            top = long_key(key)
            self.registry.hives[path] = self.registry.below(key).moved(top, "HKEY_CURRENT_USER")
        self.registry.remove(key)
        return CommandResult(0, b"", b"")


class Answer(CommandStream):
    def __init__(self, result: CommandResult) -> None:
        self._result = result

    def chunks(self):
        yield self._result.stdout

    def finish(self):
        return CommandResult(self._result.rc, b"", self._result.stderr)

    def close(self):
        pass


def failed(message: str, rc: int = 1) -> CommandResult:
    """How a command says that it failed."""
    return CommandResult(rc, b"", f"{message}\r\n".encode())


def _shown(name: str, value: RegistryValue) -> str:
    """A value as ``reg query`` prints it."""
    shown = value.text
    if value.type == REG_DWORD and value.number is not None:
        shown = f"0x{value.number:x}"
    elif value.type == REG_MULTI_SZ:
        shown = "\\0".join(value.texts)
    elif value.type == REG_BINARY:
        shown = value.data.hex().upper()
    return f"    {name or '(Default)'}    {TYPE_NAMES.get(value.type, 'REG_NONE')}    {shown}"
