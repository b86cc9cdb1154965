# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for the REST interface of EJBCA Enterprise, as far as ConfigDump is exported.

Written from its published description: docs.keyfactor.com ("EJBCA REST Interface", sample ``configdump-rest-get.sh``)
and the parameters of ``ConfigdumpRestResource``. It is no EJBCA: how the JSON of a real one groups its objects is not
published, so the objects here are made up. Every request is checked; whatever a client may not send is a complaint.
"""

from __future__ import annotations

import fnmatch
import json
import pathlib
import urllib.parse
from collections.abc import Callable
from typing import Any

from ..certificates import Authority
from ..https_server import HttpsServer, QuietHandler

BASE = "/ejbca/ejbca-rest-api/v1/configdump"
PLANTED = "planted-auth-code-77"
ADMINISTRATOR = "SuperAdmin"
FLAGS = ("ignoreerrors", "defaults", "externalcas")
TYPES = {
    "CA": "certification-authorities",
    "CERTPROFILE": "certificate-profiles",
    "CRYPTOTOKEN": "crypto-tokens",
    "ROLE": "admin-roles",
}


def configuration() -> dict[str, Any]:
    """A small installation."""
    return {
        "certification-authorities": {
            "ManagementCA": {
                "Subject DN": "CN=ManagementCA,O=Müller & Söhne",
                "Validity": "10y",
                "Crypto Token": "soft",
            }
        },
        "certificate-profiles": {"TLS server": {"Available Key Algorithms": ["RSA", "ECDSA"], "Validity": "1y"}},
        "crypto-tokens": {"soft": {"Type": "SoftCryptoToken", "Auth Code": PLANTED, "Auto Activation": True}},
        "admin-roles": {"Super Administrator Role": {"Members": [{"Match with": "X509: CN", "Value": "SuperAdmin"}]}},
    }


class EjbcaStandIn(HttpsServer):
    """Serves while its context is open. ``complaints`` must stay empty. ``asked``: path and query of each request.

    :param demand_certificate: TLS wants a client certificate; otherwise EJBCA itself says 403 where there is none
    :param community: the edition that has no ConfigDump
    """

    def __init__(
        self,
        folder: pathlib.Path,
        *,
        address: str = "127.0.23.1",
        demand_certificate: bool = True,
        community: bool = False,
    ) -> None:
        clients = folder / "clients"
        clients.mkdir()
        self.clients = Authority(clients, "Management CA of the stand-in")
        super().__init__(_Handler, address=address, client_ca=self.clients.file if demand_certificate else None)
        self.community = community
        self.dump = configuration()
        self.broken: list[str] = []
        self.instead: Callable[[_Handler], None] | None = None
        self.complaints: list[str] = []
        self.asked: list[tuple[str, dict[str, list[str]]]] = []

    def client(self, name: str = ADMINISTRATOR) -> str:
        """A file with a client certificate and its key."""
        return str(self.clients.issue(name))


class _Handler(QuietHandler):
    server: EjbcaStandIn

    def do_GET(self) -> None:
        path, _mark, query = self.path.partition("?")
        asked = urllib.parse.parse_qs(query, keep_blank_values=True, strict_parsing=bool(query))
        self.server.asked.append((path, asked))
        self._check(path, asked)
        if self.server.community:
            self.reply(404, b"<html>Not Found</html>", Content_Type="text/html")
        elif self._name() != ADMINISTRATOR:
            self._json(403, {"error_code": 403, "error_message": "Not authorized"})
        elif path == f"{BASE}/status":
            self._json(200, {"status": "OK", "version": "1.0", "revision": "EJBCA 8.3.2 Enterprise (r1234)"})
        elif path != BASE:
            self._json(404, {"error_code": 404, "error_message": "no such resource"})
        elif self.server.instead is not None:
            self.server.instead(self)
        elif self.server.broken and asked.get("ignoreerrors") != ["true"]:
            self._json(500, {"errors": self.server.broken, "warnings": []})
        else:
            self._json(200, self._exported(asked))

    def do_other(self) -> None:
        self._complain(f"{self.command} is never sent by a backup")
        self.reply(405)

    do_POST = do_PUT = do_DELETE = do_other

    def _check(self, path: str, asked: dict[str, list[str]]) -> None:
        if path == f"{BASE}/status" and asked:
            self._complain("status takes no parameters")
        for name, values in asked.items():
            if name in FLAGS:
                if values not in (["true"], ["false"]):
                    self._complain(f"{name} is {values}")
            elif name in ("include", "exclude"):
                for one in self._patterns(values):
                    if one.count(":") != 1 or not all(one.split(":")):
                        self._complain(f"{name} holds {one!r}")
            elif path == BASE:
                self._complain(f"there is no parameter {name}")
        if path == BASE and set(FLAGS) - set(asked):
            self._complain("a flag is left to its default")
        if self.headers.get("Accept") != "application/json":
            self._complain("it must accept application/json")
        for name in ("Authorization", "Cookie"):
            if name in self.headers:
                self._complain(f"{name} is sent where a client certificate counts")
        if int(self.headers.get("Content-Length") or 0):
            self._complain("a body was sent with GET")

    def _complain(self, what: str) -> None:
        self.server.complaints.append(what)

    def _name(self) -> str:
        shown: Any = self.connection
        certificate = shown.getpeercert() or {}
        return str(dict(pair for part in certificate.get("subject", ()) for pair in part).get("commonName", ""))

    @staticmethod
    def _patterns(values: list[str]) -> list[str]:
        return [one for value in values for one in value.split(";")]

    def _exported(self, asked: dict[str, list[str]]) -> dict[str, Any]:
        """``exclude`` takes away; ``include`` brings back, and limits only the types that it names."""
        include, exclude = (self._patterns(asked.get(name, [])) for name in ("include", "exclude"))
        names = {folder: kind for kind, folder in TYPES.items()}

        def matches(patterns: list[str], folder: str, name: str) -> bool:
            return any(
                kind.upper() in ("*", names[folder], folder.upper())
                and fnmatch.fnmatchcase(name.lower(), pattern.lower())
                for kind, pattern in (one.split(":") for one in patterns)
            )

        def wanted(folder: str, name: str) -> bool:
            if matches(include, folder, name):
                return True
            listed = any(one.split(":")[0].upper() in (names[folder], folder.upper()) for one in include)
            return not listed and not matches(exclude, folder, name)

        return {
            folder: {name: one for name, one in group.items() if wanted(folder, name)}
            for folder, group in self.server.dump.items()
        }

    def _json(self, status: int, value: Any) -> None:
        self.reply(status, json.dumps(value).encode(), Content_Type="application/json")
