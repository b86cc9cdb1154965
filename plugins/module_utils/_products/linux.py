# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Linux: the system's own configuration, and whatever files and commands an operator names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from .._compare.findings import ADMINISTRATOR
from .._compare.mask import Masker
from .._compare.semantic import SemanticChange
from .._compare.unix_accounts import KIND as ADMINISTRATORS
from .._compare.unix_accounts import administrator_changes
from .._entries import DATA_CLASSES
from .._errors import OptionInvalid
from .._items.base import Item
from .._items.command import CommandOutput
from .._items.packages import Packages
from .._transport.base import Transport
from .base import Probe, View
from .demanded_files import NamedFiles
from .item_names import item_name, named_after, refuse_same_names
from .options import absolute_path, choice, flag, list_of, option, parse_options, text, words
from .unix_host import look_at_host
from .unix_options import UnixOptions
from .unix_product import UnixProduct


@dataclass(frozen=True)
class SystemFiles:
    """A part of the system's configuration. What a distribution does not have is simply not there."""

    name: str
    order: int
    required: bool
    paths: tuple[str, ...]


SYSTEM_CONFIG = (
    SystemFiles("users", 10, True, (
        "/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow", "/etc/subuid", "/etc/subgid", "/etc/login.defs",
        "/etc/sudoers", "/etc/sudoers.d", "/etc/doas.conf", "/etc/security", "/etc/pam.d", "/etc/shells",
    )),
    SystemFiles("network", 20, True, (
        "/etc/hosts", "/etc/hostname", "/etc/HOSTNAME", "/etc/resolv.conf", "/etc/resolvconf", "/etc/nsswitch.conf",
        "/etc/host.conf", "/etc/gai.conf", "/etc/hosts.allow", "/etc/hosts.deny", "/etc/network", "/etc/netplan",
        "/etc/NetworkManager", "/etc/systemd/network", "/etc/systemd/resolved.conf", "/etc/systemd/resolved.conf.d",
        "/etc/sysconfig/network", "/etc/sysconfig/network-scripts", "/etc/dhcp", "/etc/dhcpcd.conf", "/etc/iproute2",
        "/etc/wpa_supplicant", "/etc/ppp", "/etc/wireguard",
    )),
    SystemFiles("time", 20, False, (
        "/etc/localtime", "/etc/timezone", "/etc/TZ", "/etc/chrony", "/etc/chrony.conf", "/etc/chrony.d",
        "/etc/chrony.keys", "/etc/ntp.conf", "/etc/ntp.keys", "/etc/ntpsec", "/etc/openntpd",
        "/etc/systemd/timesyncd.conf", "/etc/systemd/timesyncd.conf.d", "/etc/sysconfig/clock",
    )),
    SystemFiles("kernel", 20, False, (
        "/etc/sysctl.conf", "/etc/sysctl.d", "/etc/modules", "/etc/modules-load.d", "/etc/modprobe.d", "/etc/fstab",
        "/etc/udev/rules.d",
    )),
    SystemFiles("firewall", 30, False, (
        "/etc/nftables.conf", "/etc/nftables", "/etc/sysconfig/nftables.conf", "/etc/iptables",
        "/etc/sysconfig/iptables", "/etc/sysconfig/ip6tables", "/etc/ufw", "/etc/firewalld", "/etc/fail2ban",
        "/etc/sysconfig/SuSEfirewall2",
    )),
    SystemFiles("ssh", 30, False, ("/etc/ssh", "/root/.ssh/authorized_keys", "/root/.ssh/authorized_keys2")),
    SystemFiles("services", 30, False, (
        "/etc/systemd/system", "/etc/systemd/user", "/etc/systemd/system.conf", "/etc/systemd/system.conf.d",
        "/etc/systemd/journald.conf", "/etc/systemd/journald.conf.d", "/etc/systemd/logind.conf",
        "/etc/systemd/logind.conf.d", "/etc/tmpfiles.d", "/etc/rc.local", "/etc/inittab", "/etc/default",
        "/etc/conf.d", "/etc/local.d",
    )),
    SystemFiles("cron", 30, False, (
        "/etc/crontab", "/etc/cron.d", "/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly", "/etc/cron.monthly",
        "/etc/cron.allow", "/etc/cron.deny", "/etc/anacrontab", "/etc/crontabs", "/var/spool/cron",
    )),
    SystemFiles("logging", 30, False, (
        "/etc/rsyslog.conf", "/etc/rsyslog.d", "/etc/syslog-ng", "/etc/syslog.conf", "/etc/logrotate.conf",
        "/etc/logrotate.d",
    )),
    SystemFiles("package-sources", 30, False, (
        "/etc/apt", "/etc/yum.repos.d", "/etc/yum.conf", "/etc/dnf", "/etc/zypp", "/etc/apk", "/etc/pki/rpm-gpg",
    )),
)  # fmt: skip
"""What every host has in one form or another; Debian, RHEL, SUSE, Alpine and busybox name it differently."""
PACKAGES = "packages"
NEVER = ("*.dpkg-dist", "*.dpkg-old", "*.rpmnew", "*.rpmsave", "random-seed", "resolv.conf.bak", ".pwd.lock")
"""Left out of the system's configuration: what package managers leave behind, and what changes with every boot."""


@dataclass(frozen=True)
class Paths:
    """Files and folders to gather. ``paths`` may hold globs; without ``name`` the first path names the item."""

    path: Sequence[str] = option(list_of(absolute_path), ())
    paths: Sequence[str] = option(list_of(absolute_path), ())
    exclude: Sequence[str] = option(list_of(text), ())
    data_class: str = option(choice(*DATA_CLASSES), "voip_config")
    required: bool = option(flag, True)
    sensitive: bool = option(flag, False)
    lives: bool = option(flag, False)
    name: str = option(item_name, "")

    @property
    def all_paths(self) -> tuple[str, ...]:
        """Both writings together."""
        return (*self.path, *self.paths)


@dataclass(frozen=True)
class Command:
    """A command whose output is kept as a record. ``cmd`` is split into words, never given to a shell.

    ``sentinel``: what must stand in its last lines, or else the output counts as cut.
    """

    argv: Sequence[str] = option(words, ())
    cmd: Sequence[str] = option(words, ())
    data_class: str = option(choice(*DATA_CLASSES), "system_config")
    required: bool = option(flag, True)
    sensitive: bool = option(flag, False)
    sentinel: str = option(text, "")
    name: str = option(item_name, "")


def _paths(value: Any) -> Paths:
    paths = parse_options(Paths, value) if isinstance(value, Mapping) else Paths(paths=(absolute_path(value),))
    if not paths.all_paths:
        raise ValueError("a list of paths, or of mappings with path or paths")
    return paths


def _command(value: Any) -> Command:
    command = parse_options(Command, value) if isinstance(value, Mapping) else Command(argv=words(value))
    if bool(command.argv) == bool(command.cmd):
        raise ValueError("a list of commands, or of mappings with argv or cmd")
    return command


@dataclass(frozen=True)
class LinuxOptions(UnixOptions):
    """``paths``, ``commands``: what to gather besides the system's configuration, see :class:`Paths` and
    :class:`Command`.

    ``system_config``: gather the system's configuration too. ``skip``: names of its parts that are left out.
    """

    paths: Sequence[Paths] = option(list_of(_paths), ())
    commands: Sequence[Command] = option(list_of(_command), ())
    system_config: bool = option(flag, True)
    skip: Sequence[str] = option(list_of(choice(*(part.name for part in SYSTEM_CONFIG), PACKAGES)), ())


class Linux(UnixProduct):
    """Any Unix host with a shell. :class:`LinuxOptions` tells its options."""

    name = "linux"
    topics: ClassVar[Mapping[str, str]] = {ADMINISTRATORS: ADMINISTRATOR}

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = parse_options(LinuxOptions, options)
        super().__init__(self.options, default_services=())
        self._own = [*self._own_paths(), *self._own_commands()]
        names = [item.name for item in self.items(Probe())]
        refuse_same_names(names, "paths and commands")
        if not names:
            raise OptionInvalid("There is nothing to gather", hint="Name paths or commands, or leave system_config on.")

    def probe(self, transport: Transport) -> Probe:
        host = look_at_host(transport, self.root, self.become)
        version = host.debian_version if host.os.get("ID") == "debian" else host.os.get("VERSION", "")
        return Probe(
            release=host.release, version=version, build=host.kernel, identity=host.identity, facts=host.facts()
        )

    def items(self, probe: Probe) -> list[Item]:
        return [*self._system_items(), *self._own]

    def release_must_match(self, then: Probe, now: Probe) -> bool:
        """Another distribution, or another release as it counts them itself."""
        fields = ("os_id", "os_version_id")
        known = [(then.facts.get(name), now.facts.get(name)) for name in fields]
        return any(before and after and before != after for before, after in known)

    def semantic(self, old: View, new: View, masker: Masker) -> list[SemanticChange]:
        """Who may change the host; what else is in it, it has no words for."""
        return administrator_changes(old, new)

    def _system_items(self) -> Iterable[Item]:
        if not self.options.system_config:
            return
        for part in SYSTEM_CONFIG:
            if part.name not in self.options.skip:
                yield self.tree(
                    part.name, part.paths, "system_config", order=part.order, required=part.required, exclude=NEVER
                )
        if PACKAGES not in self.options.skip:
            yield Packages(name=PACKAGES, data_class="system_config", required=False, order=90, root=self.root)

    def _own_paths(self) -> Iterable[Item]:
        for wanted in self.options.paths:
            yield self.tree(
                wanted.name or named_after(wanted.all_paths[0]),
                wanted.all_paths,
                wanted.data_class,
                NamedFiles,
                required=wanted.required,
                sensitive=wanted.sensitive,
                lives=wanted.lives,
                exclude=wanted.exclude,
            )

    def _own_commands(self) -> Iterable[Item]:
        for wanted in self.options.commands:
            argv = wanted.argv or wanted.cmd
            yield CommandOutput(
                name=wanted.name or named_after(" ".join(argv)),
                data_class=wanted.data_class,
                required=wanted.required,
                sensitive=wanted.sensitive,
                order=90,
                become=self.become,
                argv=argv,
                sentinel=wanted.sentinel.encode("utf-8") or None,
            )
