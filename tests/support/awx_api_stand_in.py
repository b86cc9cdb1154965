# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for AWX's API: HTTPS, and of it what ansible-rulebook calls to launch a job template by name."""

from __future__ import annotations

import json
import urllib.parse
from typing import Any

from .https_server import HttpsServer, QuietHandler

TOKEN = "Token-of-the-rulebook-4711"


class AwxApi(HttpsServer):
    """Knows one job template. ``launched`` are the bodies that it was launched with."""

    def __init__(self, template: str, organization: str) -> None:
        super().__init__(_Handler)
        self.template = template
        self.organization = organization
        self.launched: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        """Where it is."""
        return f"https://{self.address}:{self.port}"


class _Handler(QuietHandler):
    server: AwxApi

    def do_GET(self) -> None:
        url = urllib.parse.urlsplit(self.path)
        if not self._may():
            return
        if url.path == "/api/v2/config/":
            self._answer(200, {"version": "24.6.1"})
        elif url.path == "/api/v2/unified_job_templates/":
            wanted = dict(urllib.parse.parse_qsl(url.query)).get("name")
            template = {
                "id": 7,
                "type": "job_template",
                "name": self.server.template,
                "summary_fields": {"organization": {"name": self.server.organization}},
                "related": {"launch": "/api/v2/job_templates/7/launch/"},
                "ask_limit_on_launch": True,
                "ask_inventory_on_launch": False,
                "ask_variables_on_launch": False,
                "ask_labels_on_launch": False,
            }
            self._answer(200, {"next": None, "results": [template] if wanted == self.server.template else []})
        elif url.path == "/api/v2/jobs/42/":
            self._answer(200, {"id": 42, "status": "successful", "created": "2026-01-01T00:00:00Z", "artifacts": {}})
        else:
            self._answer(404, {"detail": "Not found."})

    def do_POST(self) -> None:
        body = self.read_body()
        if not self._may():
            return
        if self.path != "/api/v2/job_templates/7/launch/":
            self._answer(404, {"detail": "Not found."})
            return
        self.server.launched.append(json.loads(body))
        self._answer(201, {"id": 42, "url": "/api/v2/jobs/42/", "status": "pending"})

    def _may(self) -> bool:
        if self.headers.get("Authorization") == f"Bearer {TOKEN}":
            return True
        self._answer(401, {"detail": "Authentication credentials were not provided."})
        return False

    def _answer(self, status: int, body: Any) -> None:
        self.reply(status, json.dumps(body).encode(), Content_Type="application/json")
