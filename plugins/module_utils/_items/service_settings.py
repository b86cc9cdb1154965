# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

r"""How a Windows service is set up: read from the export of its key, put into words for ``sc``.

The service control manager reads a service's key when Windows starts and keeps what it read, so a setting that it
knows is changed through it. Only a text that no command line can hold (see :func:`sayable`) goes into the key itself.
Names and meanings of the values: learn.microsoft.com, "CurrentControlSet\Services Registry Tree", and the settings of
``sc config``, ``sc failure`` and their kind.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .._compare.registry import (
    REG_BINARY,
    REG_EXPAND_SZ,
    REG_MULTI_SZ,
    REG_SZ,
    TEXT_TYPES,
    RegistryTree,
    RegistryValue,
    fold,
)
from .sddl import to_sddl

SERVICES = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services"
LOCAL_SYSTEM = "LocalSystem"
DRIVER_TYPES = 0x0F
DISABLED = 4

_INTERACTIVE = 0x100
_AUTOMATIC = 2
_TYPES = {0x10: "own", 0x20: "share", 0x50: "userown", 0x60: "usershare"}
_STARTS = {0: "boot", 1: "system", 2: "auto", 3: "demand", 4: "disabled"}
_ERRORS = {0: "ignore", 1: "normal", 2: "severe", 3: "critical"}
_SID_TYPES = {0: "none", 1: "unrestricted", 3: "restricted"}
_ACTIONS = {0: "", 1: "restart", 2: "reboot", 3: "run"}
_AFTER_POINTERS = 20

_VOLATILE_KEYS = ("ENUM", "PERFORMANCE")
"""What the system itself writes while it runs: devices that were found, numbers of counters."""
_VOLATILE_VALUES = ("DELETEFLAG",)
_NOTHING_WHEN_ZERO = ("DelayedAutostart", "FailureActionsOnNonCrashFailures", "ServiceSidType")
_NOTHING_WHEN_EMPTY = (
    "Description",
    "Group",
    "DependOnGroup",
    "DependOnService",
    "RebootMessage",
    "FailureCommand",
    "RequiredPrivileges",
)
_TEXTS = {
    "ImagePath": REG_EXPAND_SZ,
    "DisplayName": REG_SZ,
    "ObjectName": REG_SZ,
    "Description": REG_SZ,
    "Group": REG_SZ,
}
"""Values that are written as REG_SZ by one tool and as REG_EXPAND_SZ by another."""
KNOWN_TO_SC = frozenset(
    map(
        fold,
        (
            "Type",
            "Start",
            "DelayedAutostart",
            "ErrorControl",
            "ImagePath",
            "Group",
            "DependOnService",
            "DependOnGroup",
            "ObjectName",
            "DisplayName",
            "Description",
            "FailureActions",
            "RebootMessage",
            "FailureCommand",
            "FailureActionsOnNonCrashFailures",
            "ServiceSidType",
            "RequiredPrivileges",
        ),
    )
)
_NEVER_SAID = re.compile(r"[%!\x00-\x1f\x7f]")
_BUILT_IN = re.compile(r"(NT SERVICE|NT \w+|\w+ NT|NT-AUTORIT[ÄA]T|NT[- ]MYNDIGHE[DT])\\")
"""The authority of built-in accounts, which some languages translate (AUTORITE NT, AUTORIDAD NT, ZARZĄDZANIE NT): two
words, one of them NT. No domain of Windows is called so, as its short name holds no space."""


# --- one form for one meaning -----------------------------------------------------------------------------------------
def normal_form(tree: RegistryTree) -> RegistryTree:
    """The same service without what changes by itself, and with everything that can be said in two ways said in one."""
    keys = {}
    for key, values in tree.without(_is_volatile).keys.items():
        inside = _inside(key)
        if not inside:
            keys[key] = _normal_values(values, key.rpartition("\\")[2])
        elif inside == ["SECURITY"]:
            keys[key] = {name: _normal_security(name, value) for name, value in values.items()}
        else:
            keys[key] = dict(values)
    return RegistryTree(keys)


def _inside(key: str) -> list[str]:
    """The parts of a key below the one of its service."""
    return fold(key).split("\\")[len(SERVICES.split("\\")) + 1 :]


def _is_volatile(key: str, name: str | None) -> bool:
    inside = _inside(key)
    return inside[0] in _VOLATILE_KEYS if inside else name is not None and fold(name) in _VOLATILE_VALUES


def _normal_values(values: Mapping[str, RegistryValue], service: str) -> dict[str, RegistryValue]:
    spelling = {fold(name): name for name in (*_TEXTS, *_NOTHING_WHEN_ZERO, *_NOTHING_WHEN_EMPTY)}
    kept = {}
    automatic = any(fold(name) == "START" and value.number == _AUTOMATIC for name, value in values.items())
    for name, value in values.items():
        known = spelling.get(fold(name), name)
        if known == "DelayedAutostart" and not automatic:
            continue
        if known in _NOTHING_WHEN_ZERO and value.number == 0:
            continue
        if known in _NOTHING_WHEN_EMPTY and value.type in TEXT_TYPES and not value.texts:
            continue
        if known == "DisplayName" and value.text == service:
            continue
        if known in _TEXTS and value.type in (REG_SZ, REG_EXPAND_SZ):
            value = RegistryValue.of_text(value.text, _TEXTS[known])
        elif value.type == REG_MULTI_SZ:
            value = RegistryValue.of_texts(value.texts)
        elif fold(name) == "FAILUREACTIONS":
            actions = _failure_actions(value)
            if actions == (0, ()):
                continue
            value = value if actions is None else _failure_value(*actions)
        kept[name] = value
    return kept


def _normal_security(name: str, value: RegistryValue) -> RegistryValue:
    sddl = to_sddl(value.data) if fold(name) == "SECURITY" and value.type == REG_BINARY else None
    return value if sddl is None else RegistryValue.of_text(sddl)


Actions = Sequence[tuple[int, int]]
"""What is done at the first failure, the second, ...: kind and delay in milliseconds."""


def _failure_actions(value: RegistryValue) -> tuple[int, Actions] | None:
    """Seconds until failures are forgotten, and what is done; None when it is not understood.

    SERVICE_FAILURE_ACTIONS with 32 bit pointers: seconds, two that mean nothing here, count, offset, the actions.
    """
    data = value.data
    if len(data) < _AFTER_POINTERS:
        return None
    seconds, _message, _command, count, _offset = struct.unpack_from("<5I", data)
    if len(data) < _AFTER_POINTERS + 8 * count:
        return None
    actions = struct.unpack_from(f"<{2 * count}I", data, _AFTER_POINTERS)
    return seconds, tuple(zip(actions[::2], actions[1::2]))


def _failure_value(seconds: int, actions: Actions) -> RegistryValue:
    flat = [number for pair in actions for number in pair]
    head = struct.pack("<5I", seconds, 0, 0, len(actions), _AFTER_POINTERS)
    return RegistryValue(REG_BINARY, head + struct.pack(f"<{len(flat)}I", *flat))


# --- what sc knows ----------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class ServiceSettings:
    """What ``sc`` can change of a service, in its words. ``security`` None: nothing is said about it."""

    type: int
    start: str
    error_control: str
    image_path: str
    display_name: str
    account: str
    group: str
    depends: tuple[str, ...]
    description: str
    failure_reset: int
    failure_actions: tuple[tuple[int, int], ...]
    reboot_message: str
    failure_command: str
    failure_flag: int
    sid_type: str
    privileges: tuple[str, ...]
    security: str | None

    @classmethod
    def of(cls, tree: RegistryTree, service: str) -> ServiceSettings:
        """Read them from the key of a service; what is not there has Windows' default. Raises ValueError for a number
        that stands for nothing."""
        key = f"{SERVICES}\\{service}"
        failure = tree.value(key, "FailureActions")
        actions = _failure_actions(failure) if failure is not None else None
        security = tree.value(f"{key}\\Security", "Security")
        start = _word(_STARTS, tree.number(key, "Start"), 3)
        groups = [f"+{group}" for group in _texts(tree, key, "DependOnGroup")]
        return cls(
            type=tree.number(key, "Type") or 0x10,
            start="delayed-auto" if start == "auto" and tree.number(key, "DelayedAutostart") else start,
            error_control=_word(_ERRORS, tree.number(key, "ErrorControl"), 1),
            image_path=tree.text(key, "ImagePath"),
            display_name=tree.text(key, "DisplayName") or service,
            account=tree.text(key, "ObjectName") or LOCAL_SYSTEM,
            group=tree.text(key, "Group"),
            depends=(*_texts(tree, key, "DependOnService"), *groups),
            description=tree.text(key, "Description"),
            failure_reset=actions[0] if actions else 0,
            failure_actions=tuple(actions[1]) if actions else (),
            reboot_message=tree.text(key, "RebootMessage"),
            failure_command=tree.text(key, "FailureCommand"),
            failure_flag=1 if tree.number(key, "FailureActionsOnNonCrashFailures") else 0,
            sid_type=_word(_SID_TYPES, tree.number(key, "ServiceSidType"), 0),
            privileges=tuple(_texts(tree, key, "RequiredPrivileges")),
            security=to_sddl(security.data) if security is not None else None,
        )

    def same_account(self, other: ServiceSettings) -> bool:
        """Whether both run as the same account."""
        return plain_account(self.account) == plain_account(other.account)


def _texts(tree: RegistryTree, key: str, name: str) -> list[str]:
    value = tree.value(key, name)
    return value.texts if value is not None else []


def _word(words: Mapping[int, str], number: int | None, default: int) -> str:
    try:
        return words[default if number is None else number]
    except KeyError:
        raise ValueError(f"{number} stands for nothing") from None


def needs_password(account: str) -> bool:
    """Whether a service cannot be given this account without its password. Built-in, virtual and managed accounts have
    none."""
    name = fold(account.strip())
    if name in ("", "LOCALSYSTEM", ".\\LOCALSYSTEM") or name.endswith("$"):
        return False
    return not _BUILT_IN.match(name)


def plain_account(account: str) -> str:
    r"""An account in a form that can be compared: ``.\name`` is ``name``."""
    return fold(account.strip()).removeprefix(".\\")


# --- in the words of sc -----------------------------------------------------------------------------------------------
def sayable(text: str) -> bool:
    """Whether a text can stand on a command line: cmd.exe, which WinRM starts everything by, expands variables even in
    quotes and ends at a line break."""
    return not _NEVER_SAID.search(text)


def unsayable(settings: ServiceSettings) -> frozenset[str]:
    """The names of values, in upper case, that can only be put into the key."""
    texts = {
        "ImagePath": (settings.image_path,),
        "DisplayName": (settings.display_name,),
        "Description": (settings.description,),
        "Group": (settings.group,),
        "RebootMessage": (settings.reboot_message,),
        "FailureCommand": (settings.failure_command,),
        "DependOnService": settings.depends,
        "DependOnGroup": settings.depends,
    }
    names = {fold(name) for name, some in texts.items() if not all(map(sayable, some))}
    # sc has no word for none
    return frozenset(names if settings.privileges else {*names, "REQUIREDPRIVILEGES"})


def creation(service: str, settings: ServiceSettings) -> list[str]:
    """The command that makes a service, as the system's own account; :func:`changes` and the key do the rest."""
    program = settings.image_path if sayable(settings.image_path) else service
    return ["sc", "create", service, *_type_words(settings.type), "start=", "demand", "binPath=", program]


def changes(service: str, now: ServiceSettings, wanted: ServiceSettings) -> list[list[str]]:
    """The commands that make the one the other, but for an account that needs a password and what is unsayable."""
    commands = []
    config = list(_config_words(now, wanted))
    if config:
        commands.append(["sc", "config", service, *config])
    if not needs_password(wanted.account) and wanted.account.endswith("$") and not now.same_account(wanted):
        commands.append(["sc", "managedaccount", service, "true"])
    if now.description != wanted.description and sayable(wanted.description):
        commands.append(["sc", "description", service, wanted.description])
    failure = list(_failure_words(now, wanted))
    if failure:
        commands.append(["sc", "failure", service, *failure])
    if now.failure_flag != wanted.failure_flag:
        commands.append(["sc", "failureflag", service, str(wanted.failure_flag)])
    if now.sid_type != wanted.sid_type:
        commands.append(["sc", "sidtype", service, wanted.sid_type])
    if now.privileges != wanted.privileges and wanted.privileges:
        commands.append(["sc", "privs", service, "/".join(wanted.privileges)])
    if wanted.security is not None and now.security != wanted.security:
        commands.append(["sc", "sdset", service, wanted.security])
    return commands


def _config_words(now: ServiceSettings, wanted: ServiceSettings) -> Iterable[str]:
    if now.type != wanted.type:
        yield from _type_words(wanted.type)
    if now.start != wanted.start:
        yield from ("start=", wanted.start)
    if now.error_control != wanted.error_control:
        yield from ("error=", wanted.error_control)
    if now.image_path != wanted.image_path and sayable(wanted.image_path):
        yield from ("binPath=", wanted.image_path)
    if now.group != wanted.group and sayable(wanted.group):
        yield from ("group=", wanted.group)
    if now.depends != wanted.depends and all(map(sayable, wanted.depends)):
        # a single slash means none
        yield from ("depend=", "/".join(wanted.depends) or "/")
    if now.display_name != wanted.display_name and sayable(wanted.display_name):
        yield from ("DisplayName=", wanted.display_name)
    if not now.same_account(wanted) and not needs_password(wanted.account):
        yield from ("obj=", wanted.account, "password=", "")


def _type_words(type: int) -> list[str]:
    words = ["type=", _TYPES[type & ~_INTERACTIVE & 0x7F]]
    return [*words, "type=", "interact"] if type & _INTERACTIVE else words


def _failure_words(now: ServiceSettings, wanted: ServiceSettings) -> Iterable[str]:
    if (now.failure_reset, now.failure_actions) != (wanted.failure_reset, wanted.failure_actions):
        reset = "INFINITE" if wanted.failure_reset == 0xFFFFFFFF else str(wanted.failure_reset)
        actions = "/".join(f"{_ACTIONS[kind]}/{delay}" for kind, delay in wanted.failure_actions)
        yield from ("reset=", reset, "actions=", actions)
    if now.reboot_message != wanted.reboot_message and sayable(wanted.reboot_message):
        yield from ("reboot=", wanted.reboot_message)
    if now.failure_command != wanted.failure_command and sayable(wanted.failure_command):
        yield from ("command=", wanted.failure_command)


def is_expressible(settings: ServiceSettings) -> str:
    """What ``sc`` has no words for; empty when it has for everything."""
    if settings.type & DRIVER_TYPES or settings.type & ~_INTERACTIVE & 0x7F not in _TYPES:
        return "it is a driver, or of a type that sc does not know"
    if not settings.image_path:
        return "it has no program"
    if any(kind not in _ACTIONS for kind, _delay in settings.failure_actions):
        return "what is done when it fails is not understood"
    return ""


# --- what sc does not know --------------------------------------------------------------------------------------------
def beside_sc(tree: RegistryTree, goal: ServiceSettings) -> RegistryTree:
    """What goes into the key of a service: what the control manager does not keep, and of ``goal`` what cannot be said
    to it."""
    return not_kept_by_sc(tree, KNOWN_TO_SC - unsayable(goal), with_security=goal.security is None)


def not_kept_by_sc(
    tree: RegistryTree, known: frozenset[str] = KNOWN_TO_SC, *, with_security: bool = False
) -> RegistryTree:
    """What of a service's key the control manager does not keep: parameters of the program, triggers, values of others.

    :param known: names of values, in upper case, that it keeps
    :param with_security: also the security descriptor
    """

    def left_out(key: str, name: str | None) -> bool:
        inside = _inside(key)
        if _is_volatile(key, name) or (inside == ["SECURITY"] and not with_security):
            return True
        return not inside and name is not None and fold(name) in known

    return tree.without(left_out)
