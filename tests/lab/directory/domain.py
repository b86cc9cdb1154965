# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The domain controller: provisioned into a folder, served on a loopback address, gone with the test run.

Its processes live in a process namespace whose first process ends with its stdin, so they end with the test run however
that one ends. Sockets that Samba wants at a fixed place are in a mount namespace. Nothing of the machine is changed.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable

from support.certificates import Authority

from lab.host import ENVIRONMENT, LabError

REALM = "LAB.EXAMPLE"
DOMAIN = "LABAD"
HOST = "dc1"
LDAP, LDAPS = 389, 636
_PORTS = (LDAP, LDAPS, 88, 464)
_START_LIMIT = 60.0

_PARTS = {
    "krb5-user": "bin/kinit",
    "samba": "sbin/samba",
    "samba-ad-dc": "lib/*/samba/ldb/acl.so",
    "samba-ad-provision": "share/samba/setup/provision.ldif",
    "samba-common-bin": "bin/samba-tool",
}
"""Debian packages that are needed, and a file of each below /usr."""

_SERVE = """
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/samba/ncalrpc
/usr/sbin/samba --foreground --no-process-group --model=single --configfile="$1" </dev/null &
while read -r line; do :; done
"""


def why_not() -> str:
    """One sentence that says why no domain controller can run here; empty when it can."""
    if not sys.platform.startswith("linux"):
        return "a domain controller needs Linux"
    if os.geteuid() != 0:
        return "a domain controller needs root"
    missing = [package for package, file in _PARTS.items() if not any(pathlib.Path("/usr").glob(file))]
    if missing:
        return f"not installed: {', '.join(missing)} (`make test` installs them as root on Debian)"
    return ""


class DomainController:
    """A domain ``LAB.EXAMPLE`` with one controller. A context manager; leaving it takes everything away.

    ``address``: where it listens (LDAP, LDAPS, Kerberos). ``name``: what its certificate says beside this address and
    127.0.0.1, where a relay in front of it may listen.
    ``ca_file``: the authority that signed it. ``password``: of Administrator.
    """

    def __init__(self) -> None:
        self._scratch = tempfile.TemporaryDirectory(prefix="ucops-lab-ad-")
        self.folder = pathlib.Path(self._scratch.name)
        self.address = _free_address()
        self.name = f"{HOST}.{REALM.lower()}"
        self.base = ",".join(f"DC={part}" for part in REALM.lower().split("."))
        self.password = f"Lab-{secrets.token_hex(12)}"
        self._authority = Authority(self.folder)
        self.ca_file = str(self._authority.file)
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._provision()
            self._configure()
        except BaseException:
            self._scratch.cleanup()
            raise

    def __enter__(self) -> DomainController:
        self.start()
        return self

    def __exit__(self, *_of_error: object) -> None:
        self.close()

    # --- life ---------------------------------------------------------------------------------------------------------
    def start(self) -> None:
        """Start it; returns when it answers. After :meth:`stop` with the data that it had."""
        with open(self.folder / "log.samba", "ab") as log:
            spaces = ("--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
            self._process = subprocess.Popen(
                ["unshare", *spaces, "bash", "-c", _SERVE, "serve", str(self.folder / "smb.conf")],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=ENVIRONMENT,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_LIMIT
        for port in _PORTS:
            while not _answers(self.address, port):
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    raise LabError(f"the domain controller did not start:\n{self.log_text()}")
                time.sleep(0.05)

    def stop(self) -> None:
        """Stop it at once, as if the power was cut."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait(timeout=10)
        if process.stdin:
            process.stdin.close()
        # The kernel ends the processes of the namespace, a little later.
        deadline = time.monotonic() + 5
        while _answers(self.address, LDAP) and time.monotonic() < deadline:
            time.sleep(0.02)

    def close(self) -> None:
        """Stop it and remove its folder."""
        self.stop()
        self._scratch.cleanup()

    def log_text(self) -> str:
        """The end of what it wrote."""
        with contextlib.suppress(OSError):
            return (self.folder / "log.samba").read_text(errors="replace")[-4000:]
        return ""

    # --- Kerberos -----------------------------------------------------------------------------------------------------
    @property
    def krb5_config(self) -> str:
        """A configuration that knows this realm and nothing else; for ``KRB5_CONFIG``."""
        path = self.folder / "krb5.conf"
        path.write_text(
            f"[libdefaults]\n default_realm = {REALM}\n dns_lookup_kdc = false\n dns_lookup_realm = false\n"
            f" dns_canonicalize_hostname = false\n rdns = false\n"
            f"[realms]\n {REALM} = {{\n  kdc = {self.address}\n }}\n"
            f"[domain_realm]\n {self.address} = {REALM}\n .{REALM.lower()} = {REALM}\n"
        )
        return str(path)

    def ticket(self, user: str, password: str) -> str:
        """Log a user in; the path of the credentials cache."""
        cache = self.folder / f"ccache-{user}"
        environment = {**ENVIRONMENT, "KRB5_CONFIG": self.krb5_config, "KRB5CCNAME": f"FILE:{cache}"}
        _run(["kinit", f"{user}@{REALM}"], password.encode() + b"\n", environment)
        return str(cache)

    def keytab(self, principal: str) -> str:
        """The keys of a service, as a keytab; its path."""
        path = self.folder / f"{principal.replace('/', '-')}.keytab"
        command = ["samba-tool", "domain", "exportkeytab", str(path), f"--principal={principal}"]
        _run([*command, f"--configfile={self.folder / 'smb.conf'}"])
        return str(path)

    # --- rights -------------------------------------------------------------------------------------------------------
    def delegate(self, sid: str, unit: str, attribute_ids: Iterable[str]) -> None:
        """Let an account write some attributes, named by their schemaIDGUID, of the objects below a unit."""
        aces = "".join(f"(OA;CI;WP;{attribute};;{sid})" for attribute in attribute_ids)
        database = self.folder / "ad" / "private" / "sam.ldb"
        command = ["samba-tool", "dsacl", "set", "-H", f"tdb://{database}", "--action=allow", f"--objectdn={unit}"]
        _run([*command, f"--sddl={aces}", f"--configfile={self.folder / 'smb.conf'}"])

    # --- making it ----------------------------------------------------------------------------------------------------
    def _provision(self) -> None:
        _run(
            [
                *("samba-tool", "domain", "provision", "--configfile=/dev/null", f"--targetdir={self.folder / 'ad'}"),
                *(f"--realm={REALM}", f"--domain={DOMAIN}", f"--host-name={HOST}", f"--host-ip={self.address}"),
                *("--server-role=dc", "--dns-backend=SAMBA_INTERNAL", f"--adminpass={self.password}"),
                f"--option=interfaces={self.address}/8",
                "--option=bind interfaces only=yes",
            ]
        )

    def _configure(self) -> None:
        certificate = self._authority.issue(self.name, self.address, "127.0.0.1")
        made = (self.folder / "ad" / "etc" / "smb.conf").read_text()
        ours = {
            "server services": "ldap, cldap, kdc",
            # As Windows does: inside of TLS a ticket need not sign and seal once more.
            "ldap server require strong auth": "allow_sasl_over_tls",
            "dsdb:schema update allowed": "yes",
            "tls certfile": certificate,
            "tls keyfile": certificate,
            "tls cafile": self.ca_file,
            "pid directory": "/run/samba",
            "ncalrpc dir": "/run/samba/ncalrpc",
            "log file": str(self.folder / "log.samba"),
        }
        lines = "".join(f"\t{name} = {value}\n" for name, value in ours.items())
        (self.folder / "smb.conf").write_text(made.replace("[global]\n", f"[global]\n{lines}", 1))


def _free_address() -> str:
    """A loopback address that nobody listens on."""
    for _try in range(100):
        address = f"127.15.{secrets.randbelow(250) + 1}.{secrets.randbelow(250) + 1}"
        with socket.socket() as trial, contextlib.suppress(OSError):
            trial.bind((address, LDAP))
            return address
    raise LabError("no loopback address has a free LDAP port")


def _answers(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), 0.5).close()
    except OSError:
        return False
    return True


def _run(command: list[str], input: bytes = b"", environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        command, input=input, check=False, capture_output=True, timeout=120, env=environment or ENVIRONMENT
    )
    if done.returncode != 0:
        raise LabError(f"{command[0]} ended with {done.returncode}:\n{(done.stdout + done.stderr).decode()[-4000:]}")
