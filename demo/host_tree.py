# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the folder that counts as / of one demo host, from its golden tree and the sheet beside it.

The golden trees hold no secret: every ``@SECRET:name@`` becomes a new random one at each start, and is remembered so
that the demo can search its own output for it.
"""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import pathlib
import re
import secrets
import shutil
import sys
from dataclasses import dataclass, field
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

TREES = pathlib.Path(__file__).resolve().parent / "trees"
_PLACEHOLDER = re.compile(r"@(?P<kind>SIP_PORT|SECRET|HA1|HA1B)(?::(?P<argument>[^@\n]+))?@")


@dataclass
class HostTree:
    """One host's folder. ``secrets`` maps names to what must never be printed."""

    name: str
    directory: pathlib.Path
    sheet: dict[str, Any]
    secrets: dict[str, str] = field(default_factory=dict)

    def fill(self, text: str, sip_port: int | None) -> str:
        """The text with every placeholder replaced."""

        def value(match: re.Match[str]) -> str:
            kind, argument = match["kind"], match["argument"]
            if kind == "SIP_PORT":
                return str(sip_port)
            if kind == "SECRET":
                return self.secret(argument)
            user, realm, name = argument.split(":")
            login = f"{user}@{realm}" if kind == "HA1B" else user
            digest = hashlib.md5(f"{login}:{realm}:{self.secret(name)}".encode(), usedforsecurity=False).hexdigest()
            return self.secrets.setdefault(f"{name}-{kind.lower()}", digest)

        return _PLACEHOLDER.sub(value, text)

    def secret(self, name: str) -> str:
        """The random secret of this name, the same one at each call."""
        if name not in self.secrets:
            self.secrets[name] = secrets.token_urlsafe(12).replace("-", "x").replace("_", "y")
        return self.secrets[name]


def sheet_of(name: str) -> dict[str, Any]:
    """What the sheet beside the golden tree says of a host."""
    return yaml.safe_load((TREES / f"{name}.yml").read_text("utf-8"))


def build_tree(name: str, directory: pathlib.Path, sip_port: int | None) -> HostTree:
    """Copy the golden tree of ``name`` into the new folder ``directory`` and fill it."""
    tree = HostTree(name, directory, sheet_of(name))
    golden = TREES / name
    directory.mkdir(mode=0o755)
    for source in sorted(golden.rglob("*")):
        target = directory / source.relative_to(golden)
        if source.is_dir():
            target.mkdir(mode=0o755)
        else:
            target.write_text(tree.fill(source.read_text("utf-8"), sip_port), "utf-8")
            target.chmod(0o644)
    for folder in tree.sheet.get("folders", ()):
        (directory / folder).mkdir(parents=True, exist_ok=True)
    for path, text in tree.sheet.get("files", {}).items():
        (directory / path).write_text(text, "utf-8")
    for path, link_target in tree.sheet.get("links", {}).items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).symlink_to(link_target)
    if "tls" in tree.sheet:
        _write_tls(tree, directory / tree.sheet["tls"])
    if tree.sheet.get("sip"):
        _write_standin(directory)
    (directory / "root").mkdir(mode=0o700)
    (directory / "tmp").mkdir()
    for path, mode in tree.sheet.get("modes", {}).items():
        (directory / path).chmod(int(mode, 8))
    return tree


def remove_tree(directory: pathlib.Path) -> None:
    """Remove a folder made by :func:`build_tree`, even when a change took its own rights away."""
    for folder in [directory, *(path for path in directory.rglob("*") if path.is_dir() and not path.is_symlink())]:
        folder.chmod(0o700)
    shutil.rmtree(directory)


def _write_standin(directory: pathlib.Path) -> None:
    """Put the stand-in for /usr/sbin/kamailio where the host's shell finds it."""
    program = pathlib.Path(__file__).resolve().parent / "kamailio_standin.py"
    command = directory / "usr/sbin/kamailio"
    command.parent.mkdir(parents=True)
    command.write_text(
        f"#!/bin/sh\n# stand-in of the demo, see {program}\nexec '{sys.executable}' '{program}' '{directory}' \"$@\"\n",
        "utf-8",
    )
    command.chmod(0o755)


def _write_tls(tree: HostTree, folder: pathlib.Path) -> None:
    """A new authority, and a certificate with its key for the host."""
    folder.mkdir(parents=True)
    now = datetime.datetime.now(datetime.timezone.utc)

    def certificate(
        subject: str, key: ec.EllipticCurvePrivateKey, issuer: str, signer: ec.EllipticCurvePrivateKey, ca: bool
    ) -> bytes:
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=397))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if not ca:
            names = [x509.DNSName(subject), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    authority, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    (folder / "ca.pem").write_bytes(certificate("Demo VoIP CA", authority, "Demo VoIP CA", authority, ca=True))
    (folder / f"{tree.name}.pem").write_bytes(
        certificate(f"{tree.name}.example", own, "Demo VoIP CA", authority, ca=False)
    )
    key = own.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / f"{tree.name}.key").write_bytes(key)
    tree.secrets[f"{tree.name}-tls-key"] = key.decode("ascii").splitlines()[1]
