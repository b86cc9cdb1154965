# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo's small fleet: SSH servers on loopback whose hosts are folders, and a stand-in that answers SIP.

.. code-block:: python

    with Fleet(pathlib.Path("somewhere")) as fleet:
        print(fleet.hosts["pbx-berlin"].port)
"""

from __future__ import annotations

import os
import pathlib
import secrets
from dataclasses import dataclass

from host_tree import HostTree, build_tree, sheet_of
from kamailio_config import ConfigError, read_config
from sip_responder import SipResponder
from ssh_host import SshHost, new_ed25519_key

NAMES = ("pbx-berlin", "pbx-hamburg", "gw-linux")
USERNAME = "backup"


@dataclass
class FleetHost:
    """One host of the fleet. ``sip`` is None where no SIP is spoken."""

    name: str
    tree: HostTree
    ssh: SshHost
    sip: SipResponder | None

    @property
    def directory(self) -> pathlib.Path:
        """The folder that counts as / of this host."""
        return self.tree.directory

    @property
    def port(self) -> int:
        """Where SSH is served."""
        return self.ssh.port

    @property
    def product(self) -> str:
        """The product that a backup of this host names."""
        return self.tree.sheet["product"]

    @property
    def serving(self) -> bool:
        """Whether the SIP service runs with a configuration that listens on its port."""
        if self.sip is None or not (self.directory / "run/kamailio/kamailio.pid").exists():
            return False
        try:
            return read_config(self.directory / "etc/kamailio/kamailio.cfg").listens_on("udp", self.sip.port)
        except ConfigError:
            return False


class Fleet:
    """All hosts, made new in ``directory``: ``hosts/<name>``, and for the client ``known_hosts`` and ``id_ed25519``."""

    def __init__(self, directory: pathlib.Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "hosts").mkdir()
        (directory / "host_keys").mkdir(mode=0o700)
        self.directory = directory
        self.private_key_file = directory / "id_ed25519"
        self.known_hosts_file = directory / "known_hosts"
        self._client_key = new_ed25519_key(self.private_key_file)
        self.hosts: dict[str, FleetHost] = {}
        try:
            for name in NAMES:
                self.hosts[name] = self._make_host(name)
        except BaseException:
            self.stop()
            raise
        self.known_hosts_file.write_text("".join(host.ssh.known_hosts_line for host in self.hosts.values()), "ascii")

    def _make_host(self, name: str) -> FleetHost:
        sheet = sheet_of(name)
        sip = SipResponder() if sheet.get("sip") else None
        tree = build_tree(name, self.directory / "hosts" / name, sip.port if sip else None)
        password = None
        if sheet["login"] == "password":
            password = tree.secrets[f"{name}-login"] = secrets.token_urlsafe(12)
        ssh = SshHost(
            tree.directory,
            new_ed25519_key(self.directory / "host_keys" / name),
            USERNAME,
            password=password,
            authorized_key=None if password else self._client_key,
        )
        host = FleetHost(name, tree, ssh, sip)
        if sip:
            sip.serving = lambda: host.serving
            state = tree.directory / "run/kamailio/kamailio.pid"
            state.parent.mkdir(parents=True)
            state.write_text(f"{os.getpid()}\n", "ascii")
        return host

    @property
    def secrets(self) -> dict[str, str]:
        """Everything that must never be printed, by name."""
        return {
            f"{host.name}/{name}": value for host in self.hosts.values() for name, value in host.tree.secrets.items()
        }

    def start(self) -> None:
        """Serve."""
        for host in self.hosts.values():
            host.ssh.start()
            if host.sip:
                host.sip.start()

    def stop(self) -> None:
        """Serve no more; safe to call twice."""
        for host in self.hosts.values():
            host.ssh.stop()
            if host.sip:
                host.sip.stop()

    def __enter__(self) -> Fleet:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()
