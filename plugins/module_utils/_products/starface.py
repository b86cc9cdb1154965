# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""STARFACE: the appliance's own backup file, made and fetched by REST, fetched by SSH, or pushed to a landing zone.

All ways bring the same: one ``.sar`` to a generation, so that any of them can follow another, and a restore by REST
takes what came by any of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from .._errors import CommandFailed, ConnectionFailed, RecoveryError, RestoreRefused
from .._items.base import Item
from .._items.landing.content import Demands
from .._items.landing.sizes import Band
from .._items.pushed_files import CONTENTS_ITEM, FILES_ITEM, PushedContents
from .._transport.base import CommandsRefused, Transport
from .base import Check, Probe
from .options import choice, flag, list_of, option, parse_options, text
from .pushed import CONTAINERS, Pushed, PushedOptions, factor, size
from .starface_archive import StarfaceArchive
from .starface_rest import Boxes
from .starface_ways import REST, StarfaceWays, starface
from .unix_host import look_at_host

VERSION_FILE = b"/var/starface/fs-interface/version"
"""Where the appliance keeps its version; known from the vendor's own support script (starface-support/sf-debug)."""
_SMALL = 4096


def _folder_name(value: Any) -> str:
    name = text(value)
    if "/" in name or name in (".", ".."):
        raise ValueError("the name of a folder")
    return name


def _seconds(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 3600:
        raise ValueError("a number of seconds, at most 3600")
    return value


def _quiet(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("a number of seconds")
    return value


def _looks(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 2:
        raise ValueError("a number of looks, at least 2")
    return value


def _hours(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 8784:
        raise ValueError("a number of hours, at most a year of them")
    return value


@dataclass(frozen=True)
class StarfaceOptions:
    """``include_cdr``, ``include_announcements``, ``include_chat_history``: what a backup by REST holds beside the
    master data. ``remove_from_appliance``: remove its file there when it is fetched. ``backup_name``: the folder of the
    backup configuration whose newest file is fetched by SSH; by default the only one. ``polls``: how
    many looks, ``settle`` seconds apart, must find it unchanged, and ``quiet_period``: for how many seconds nothing may
    have written to it. ``max_age_hours``: how old it may be, 0 for any age.

    The others are those of any product that pushes: see :class:`PushedOptions`. ``release`` is what an appliance is
    said to be of which nobody can ask.
    """

    data_class: str = option(choice("voip_config", "system_config", "logs", "user_data"), "voip_config")
    release: str = option(text, "")
    containers: Sequence[str] = option(list_of(choice(*CONTAINERS)), ())
    min_size: int = option(size, 1)
    ends_with: str = option(text, "")
    size_at_least: float = option(factor, 0.5)
    size_at_most: float = option(factor, 3.0)
    include_cdr: bool = option(flag, True)
    include_announcements: bool = option(flag, True)
    include_chat_history: bool = option(flag, True)
    remove_from_appliance: bool = option(flag, True)
    backup_name: str = option(_folder_name, "")
    max_age_hours: int = option(_hours, 0)
    settle: int = option(_seconds, 10)
    polls: int = option(_looks, 3)
    quiet_period: int = option(_quiet, 60)


@dataclass(frozen=True)
class RestoreWishes:
    """What is said of a restore. ``confirm_host``: the appliance, once more. ``ignore_ip``: the restored appliance
    keeps the address that it has now; ``ignore_ip_part``: how the interface calls that, as it is not published.
    ``allow_active_calls``: end the calls that there are. ``file_part``: how the interface calls the file."""

    confirm_host: str = ""
    ignore_ip: bool = False
    ignore_ip_part: str = ""
    allow_active_calls: bool = False
    file_part: str = "file"

    @property
    def parts(self) -> dict[str, str]:
        """Parts of the form beside the file."""
        return {self.ignore_ip_part: "true"} if self.ignore_ip else {}


class Starface(Pushed):
    """A STARFACE appliance. :class:`StarfaceOptions` tells its options."""

    name: ClassVar[str] = "starface"

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = parse_options(StarfaceOptions, options)
        shared = {name: getattr(self.options, name) for name in PushedOptions.__dataclass_fields__}
        self.take_options(PushedOptions(**{**shared, "containers": list(self.options.containers)}))
        self.wishes = RestoreWishes()
        self._archive: StarfaceArchive | None = None

    # --- what is there -----------------------------------------------------------------------------------------------
    def probe(self, transport: Transport) -> Probe:
        if self.received.files:
            return self._pushed_probe(transport)
        ways = starface(transport)
        way = ways.way
        identity: dict[str, Any] = {"hostname": ways.host}
        if way == REST and ways.rest is not None:
            version = ways.rest.version()
        elif ways.ssh is not None:
            version = _version_file(ways.ssh)
            identity = {**_identity(ways.ssh), **identity}
        probe = Probe(release=_release(version), version=version, identity=identity, facts={"way": way})
        if not version:
            probe.release, probe.version = self.options.release, self.options.release
        return probe

    def _pushed_probe(self, transport: Transport) -> Probe:
        probe = super().probe(transport)
        probe.release = _release(self.options.release) or self.options.release
        probe.identity = {"hostname": transport.host}
        probe.facts = {"way": "landing"}
        return probe

    # --- what is gathered --------------------------------------------------------------------------------------------
    def items(self, probe: Probe) -> list[Item]:
        if self.received.files:
            return super().items(probe)
        options, wishes = self.options, self.wishes
        self._archive = StarfaceArchive(
            name=FILES_ITEM,
            data_class=options.data_class,
            sensitive=True,
            order=20,
            demands=Demands(options.min_size, tuple(options.containers), options.ends_with.encode("utf-8")),
            band=Band(options.size_at_least, options.size_at_most),
            boxes=Boxes(options.include_cdr, options.include_announcements, options.include_chat_history),
            remove=options.remove_from_appliance,
            backup_name=options.backup_name,
            looks=options.polls,
            settle=options.settle,
            quiet_period=options.quiet_period,
            max_age=options.max_age_hours * 3600,
            file_part=wishes.file_part,
            parts=wishes.parts,
        )
        contents = PushedContents(
            name=CONTENTS_ITEM,
            data_class=options.data_class,
            sensitive=True,
            consistency="dump",
            comparable=False,
            of=self._archive,
        )
        return [self._archive, contents]

    def remarks(self, probe: Probe) -> list[str]:
        told = [
            "The file is as good as a password of the appliance: whoever has it can log in.",
            "Modules of third parties may keep settings that no backup of the appliance holds: export those, too.",
        ]
        archive = self._archive
        if archive is not None:
            told += [
                f"The file is {verdict.container}, {verdict.verified}: "
                + ("it was read to its end." if verdict.verified == "tested" else "nothing is claimed of its content.")
                for verdict in archive.verdicts
            ]
            told += archive.remarks
        return told

    # --- before and after a restore ----------------------------------------------------------------------------------
    def release_verdict(self, then: Probe, now: Probe) -> str | None:
        before, today = _numbers(then.release), _numbers(now.release)
        if not before or not today or before == today:
            return None
        if before[:1] != today[:1]:
            return "nothing is published of restores across major versions"
        return "it is another minor version, of which nothing is published"

    def release_must_match(self, then: Probe, now: Probe) -> bool:
        before, today = _numbers(then.release), _numbers(now.release)
        return bool(before and today and before[:1] != today[:1])

    def refuse_restore(self, transport: Transport, then: Probe, now: Probe, items: Sequence[Item]) -> list[str]:
        if not items:
            return []
        ways, wishes = starface(transport), self.wishes
        if wishes.confirm_host != ways.host:
            raise RestoreRefused(
                "A restore replaces everything on the appliance and ends all calls, and it is not confirmed",
                host=ways.host,
                hint=f"Nothing was touched. Set confirm_host to {ways.host} if that is the one.",
            )
        if wishes.ignore_ip and not wishes.ignore_ip_part:
            raise RestoreRefused(
                "How the interface is told to ignore the file's IP address is not published",
                host=ways.host,
                hint='Nothing was touched. Restore by hand with "IP-Adresse ignorieren" (method: procedure), or set'
                " ignore_ip_part when you know the name.",
            )
        warnings = self._calls(ways)
        if not then.release or not now.release:
            warnings.append("It is not known of which version the generation or the appliance is; they must be alike.")
        return warnings

    def _calls(self, ways: StarfaceWays) -> list[str]:
        calls = ways.rest.active_calls() if ways.rest is not None else None
        if calls is None and ways.ssh is not None:
            calls = _calls_of_asterisk(ways.ssh)
        if calls is None:
            return ["Nobody could be asked how many calls there are now; the restore ends them."]
        if calls and not self.wishes.allow_active_calls:
            raise RestoreRefused(
                f"There are {calls} calls on the appliance now, and the restore would end them",
                host=ways.host,
                hint="Nothing was touched. Wait until they are over, or set allow_active_calls: true.",
                calls=calls,
            )
        return [f"The restore ends {calls} calls."] if calls else []

    def health(self, transport: Transport, probe: Probe) -> list[Check]:
        rest = starface(transport).rest
        if rest is None:
            return []
        try:
            version = rest.version()
        except RecoveryError as error:
            return [Check("appliance", False, error.message)]
        return [Check("appliance", True, f"answers, version {version or 'not told'}")]


def _release(version: str) -> str:
    """The first two numbers of a version decide whether a backup fits."""
    numbers = _numbers(version)
    return f"STARFACE {'.'.join(map(str, numbers))}" if numbers else ""


def _numbers(version: str) -> tuple[int, ...]:
    last = version.split(" ")[-1]
    parts = last.split(".")[:2]
    return tuple(int(part) for part in parts) if all(part.isascii() and part.isdigit() for part in parts) else ()


def _identity(ssh: Transport) -> dict[str, Any]:
    """What tells this appliance from others, nothing when the account runs no commands."""
    try:
        return dict(look_at_host(ssh, "/", False).identity)
    except (CommandFailed, CommandsRefused):
        return {}


def _version_file(ssh: Transport) -> str:
    """Empty when it cannot be read; a connection that does not come up raises."""
    try:
        raw = b"".join(ssh.read_file(VERSION_FILE))[:_SMALL]
    except OSError:
        return ""
    words = raw.decode("ascii", "replace").split()
    return words[0] if words and _numbers(words[0]) else ""


def _calls_of_asterisk(ssh: Transport) -> int | None:
    try:
        answer = ssh.run(["asterisk", "-rx", "core show channels count"], deadline=30)
    except (ConnectionFailed, CommandFailed):
        return None
    for line in answer.text.splitlines():
        number, _blank, rest = line.strip().partition(" ")
        if rest in ("active calls", "active call") and number.isdigit():
            return int(number)
    return None
