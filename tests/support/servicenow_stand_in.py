# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for ServiceNow: HTTPS, and of its table API what a gate for changes calls.

Written from the published description of the table API; no instance was at hand. It checks the login, answers with the
fields that are asked for only, appends work notes as the journal that they are, and refuses what it does not know.
"""

from __future__ import annotations

import base64
import hashlib
import json
import urllib.parse
from typing import Any

from .https_server import HttpsServer, QuietHandler

LOGIN = ("recovery.gate", "Secret-of-the-gate-4711")
TABLE = "/api/now/table/change_request"


class ServiceNow(HttpsServer):
    """Knows changes by their number. ``requests`` are methods and paths, in order."""

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.requests: list[str] = []
        self.changes: dict[str, dict[str, Any]] = {}

    def add(self, number: str, state: str) -> dict[str, Any]:
        """A change in a state, which is the number as a text."""
        self.changes[number] = {
            "sys_id": hashlib.md5(number.encode()).hexdigest(),
            "number": number,
            "state": state,
            "short_description": "New dial plan {{ 7 * 6 }}",
            "requested_by.user_name": "beth.anglin",
            "work_notes": "",
            "backout_plan": "",
        }
        return self.changes[number]

    @property
    def environment(self) -> dict[str, str]:
        """As AWX's credential sets it."""
        user, password = LOGIN
        host = f"https://{self.address}:{self.port}"
        return {"SN_HOST": host, "SN_USERNAME": user, "SN_PASSWORD": password, "SN_CA_FILE": self.ca_file}


class _Handler(QuietHandler):
    server: ServiceNow

    def do_GET(self) -> None:
        path, query = self._begin()
        if path is None:
            return
        field, _is, number = query.get("sysparm_query", "").partition("=")
        if path != TABLE or field != "number" or "^" in number:
            self._answer(400, {"error": {"message": "Invalid query"}, "status": "failure"})
            return
        found = [change for change in [self.server.changes.get(number)] if change]
        fields = query["sysparm_fields"].split(",")
        self._answer(200, {"result": [{name: change[name] for name in fields} for change in found]})

    def do_PATCH(self) -> None:
        path, _query = self._begin()
        if path is None:
            return
        given = json.loads(self.read_body())
        found = [one for one in self.server.changes.values() if path == f"{TABLE}/{one['sys_id']}"]
        if not found or not given.keys() <= {"work_notes", "backout_plan"}:
            self._answer(404, {"error": {"message": "No Record found"}, "status": "failure"})
            return
        found[0]["work_notes"] += given.get("work_notes", "")
        found[0]["backout_plan"] = given.get("backout_plan", found[0]["backout_plan"])
        self._answer(200, {"result": found[0]})

    def _begin(self) -> tuple[str | None, dict[str, str]]:
        """The path and the query of one who may ask; without a path the answer was given."""
        self.server.requests.append(f"{self.command} {self.path}")
        url = urllib.parse.urlsplit(self.path)
        right = base64.b64encode(":".join(LOGIN).encode()).decode()
        if self.headers.get("Authorization") != f"Basic {right}":
            self.read_body()
            self._answer(401, {"error": {"message": "User Not Authenticated"}, "status": "failure"})
            return None, {}
        return url.path, dict(urllib.parse.parse_qsl(url.query))

    def _answer(self, status: int, body: Any) -> None:
        self.reply(status, json.dumps(body).encode(), Content_Type="application/json;charset=UTF-8")
