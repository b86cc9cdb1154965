# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Change CHG0042 on pbx-berlin: a second carrier, a new extension, longer registrations; and a slip of the finger."""

from __future__ import annotations

import hashlib
import os
import pathlib
import secrets
import stat
from dataclasses import dataclass

from demo_fleet import FleetHost

CHANGE_ID = "CHG0042"


@dataclass
class Change:
    """What was done, in words, and the secrets that came with it."""

    steps: list[str]
    secrets: list[str]


def transposed(port: int) -> int:
    """The port with two neighbouring digits exchanged: another port that can be listened on."""
    digits = str(port)
    for i in range(len(digits) - 2, 0, -1):
        slip = int(digits[:i] + digits[i + 1] + digits[i] + digits[i + 2 :])
        if slip != port and 1024 <= slip <= 65535:
            return slip
    return port - 1


def make_change(host: FleetHost) -> Change:
    """Edit the files of the host as an administrator would in a maintenance window, and restart the service."""
    assert host.sip is not None
    port, slip = host.sip.port, transposed(host.sip.port)
    nonce_secret, password = secrets.token_hex(12), secrets.token_hex(8)
    config = host.directory / "etc/kamailio/kamailio.cfg"
    tables = host.directory / "var/lib/kamailio/dbtext"
    text = config.read_text("utf-8")
    for old, new in (
        (f"listen=udp:127.0.0.1:{port}", f"listen=udp:127.0.0.1:{slip}"),
        ('"max_expires", 3600', '"max_expires", 7200'),
        ('"max_contacts", 5', '"max_contacts", 10'),
        (_parameter(text, '"auth", "secret"'), f'"auth", "secret", "{nonce_secret}"'),
    ):
        if text.count(old) != 1:
            raise ValueError(f"{old.partition(',')[0]} does not stand exactly once in {config}")
        text = text.replace(old, new)
    config.write_text(text, "utf-8")
    user, domain = "2077", "berlin.example"
    ha1, ha1b = (
        hashlib.md5(f"{login}:{domain}:{password}".encode()).hexdigest() for login in (user, f"{user}@{domain}")
    )
    _append(tables / "subscriber", f"6:{user}:{domain}:{password}:{ha1}:{ha1b}")
    _append(tables / "dispatcher", "3:1:sip\\:203.0.113.77\\:5060:0:20:weight=80:Carrier B")
    _append(tables / "address", "4:1:203.0.113.77:32:0:carrier-b")
    (host.directory / "etc/kamailio/tls/pbx-berlin.key").chmod(0o644)
    (host.directory / "etc/kamailio/conf.d/Ansage Büro Köln.txt").unlink()
    return Change(
        steps=[
            f"kamailio.cfg: registrations last 2 hours, a new nonce secret; and listen on {slip} instead of {port}",
            "dispatcher, address: Carrier B at 203.0.113.77 becomes the first choice",
            "subscriber: extension 2077 with its password",
            "conf.d: an announcement deleted; tls: the private key left readable for everybody",
        ],
        secrets=[nonce_secret, password, ha1, ha1b],
    )


def _parameter(text: str, name: str) -> str:
    """The ``"module", "name", "value"`` of a modparam."""
    begin = text.index(name)
    return text[begin : text.index(")", begin)]


def _append(table: pathlib.Path, row: str) -> None:
    with open(table, "a", encoding="utf-8") as stream:
        stream.write(row + "\n")


def snapshot(host: FleetHost, *folders: str) -> dict[str, tuple[object, ...]]:
    """What a restore has to bring back: kind, mode, owner, time and content of everything below the folders."""
    found: dict[str, tuple[object, ...]] = {}
    for folder in folders:
        top = host.directory / folder
        for path in [top, *sorted(top.rglob("*"))]:
            facts = path.lstat()
            if stat.S_ISLNK(facts.st_mode):
                content: object = os.readlink(path)
            else:
                content = hashlib.sha256(path.read_bytes()).hexdigest() if stat.S_ISREG(facts.st_mode) else None
            name = str(path.relative_to(host.directory))
            found[name] = (facts.st_mode, facts.st_uid, facts.st_gid, facts.st_mtime_ns, content)
    return found
