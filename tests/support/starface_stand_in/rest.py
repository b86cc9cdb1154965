# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The REST interface.

``server/backups``: public notes on the vendor's description of SDK 10.0.2.5 (github.com/MiCoSa79/Starface-WebApp,
FR-001). OAuth: the same author and a second public client. The older login: the vendor's own examples
(github.com/STARFACEGmbH/rest-examples). Each request is checked: method, path, query, headers and body.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ..https_server import HttpsServer, QuietHandler
from .appliance import TOKEN_MARK, Appliance

NONCE = "5b0c2f4e-nonce"
RUN_FIELDS = {"storeCdrData", "storeVoiceboxAnnounces", "storeChatHistory"}


class StarfaceStandIn(HttpsServer):
    """Serves one :class:`Appliance`."""

    handler: type[QuietHandler]

    def __init__(self, appliance: Appliance, *names: str, address: str = "127.0.0.1") -> None:
        super().__init__(_Handler, *names, address=address)
        self.appliance = appliance


class _Handler(QuietHandler):
    @property
    def one(self) -> Appliance:
        appliance: Appliance = self.server.appliance
        return appliance

    def _answer(self) -> None:
        one = self.one
        if one.slow:
            time.sleep(one.slow)
        with one.lock:
            if one.absent:
                one.absent -= 1
                self.cut()
                return
            split = urlsplit(self.path)
            one.requests.append(f"{self.command} {split.path}")
            if "password" in self.path.lower() or one.password in self.path or TOKEN_MARK in self.path:
                self._complain("a secret stands in the address")
            if self.headers.get("Host") != f"{self.server.address}:{self.server.port}":
                self._complain("Host")
            self._route(split.path, {name: values[0] for name, values in parse_qs(split.query).items()})

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_OPTIONS = _answer

    def _route(self, path: str, query: dict[str, str]) -> None:
        one = self.one
        if path == "/auth/realms/pbx/oauth2/token" and one.login == "oauth":
            self._oauth()
        elif path == f"{one.base}/login" and one.login != "oauth":
            self._login()
        elif path.startswith(one.base + "/server/"):
            self._server(path[len(one.base) + len("/server") :], query)
        elif one.lost_go_to_login:
            self.read_body()
            self.reply(302, Location=f"https://{self.server.address}:{self.server.port}/login.jsp")
        else:
            self.read_body()
            self.reply(404, b"<html>Not Found</html>", Content_Type="text/html")

    # --- logins ------------------------------------------------------------------------------------------------------
    def _oauth(self) -> None:
        one = self.one
        form = {name: values[0] for name, values in parse_qs(self.read_body().decode(), True).items()}
        if self.command != "POST" or self.headers.get("Content-Type") != "application/x-www-form-urlencoded":
            self._complain("the token is asked for in another way")
        client = (form.pop("client_id", ""), form.pop("client_secret", ""))
        grant = form.pop("grant_type", "")
        if client != ("rest-client-headless", one.client_secret):
            self._json(401, {"error": "invalid_client"})
        elif grant == "password":
            if set(form) != {"username", "password", "scope"}:
                self._complain(f"password grant with {sorted(form)}")
            one.logins += 1
            known = (form.get("username"), form.get("password")) == (one.username, one.password)
            self._token() if known else self._json(401, {"error": "invalid_grant", "error_description": one.password})
        elif grant == "refresh_token":
            if set(form) != {"refresh_token"}:
                self._complain(f"refresh with {sorted(form)}")
            one.refreshes += 1
            fine = one.refresh_works and form.get("refresh_token", "").startswith(f"{TOKEN_MARK}-refresh")
            self._token() if fine else self._json(400, {"error": "invalid_grant"})
        else:
            self._complain(f"grant {grant}")
            self._json(400, {"error": "unsupported_grant_type"})

    def _token(self) -> None:
        token = f"{TOKEN_MARK}-{secrets.token_hex(8)}"
        self.one.tokens[token] = self.one.expire_after if self.one.expire_after is not None else 10**9
        told = {"access_token": token, "expires_in": 300, "token_type": "Bearer"}
        self._json(200, {**told, "refresh_token": f"{TOKEN_MARK}-refresh-{secrets.token_hex(8)}"})

    def _login(self) -> None:
        one = self.one
        kind = "Internal" if one.login == "nonce" else "ActiveDirectory"
        if self.command == "GET":
            self._json(200, {"loginType": kind, "nonce": NONCE, "secret": None})
        elif self.command == "POST":
            given = json.loads(self.read_body())
            if self.headers.get("X-Version") != "2" or set(given) != {"loginType", "nonce", "secret"}:
                self._complain("login without X-Version, or with other fields")
            one.logins += 1
            if given != {"loginType": kind, "nonce": NONCE, "secret": _secret(one)}:
                self._json(401, {"message": "Unauthorized"})
                return
            token = f"{TOKEN_MARK}-{secrets.token_hex(8)}"
            one.tokens[token] = one.expire_after if one.expire_after is not None else 10**9
            self._json(200, {"token": token})
        elif self.command == "DELETE":
            one.tokens.pop(self.headers.get("authToken", ""), None)
            self.reply(204)
        else:
            self._complain(f"{self.command} of login")
            self.reply(405)

    def _may(self) -> bool:
        one = self.one
        if one.login == "oauth":
            header, token = self.headers.get("Authorization", "").partition("Bearer ")[::2]
            if header or "authToken" in self.headers:
                self._complain("another login than OAuth")
        else:
            token = self.headers.get("authToken", "")
            if "Authorization" in self.headers:
                self._complain("another login than the older one")
        left = one.tokens.get(token, 0)
        one.tokens[token] = left - 1
        return left > 0

    # --- the server --------------------------------------------------------------------------------------------------
    def _server(self, path: str, query: dict[str, str]) -> None:
        one = self.one
        body = self.read_body()
        if not self._may():
            self._json(401, {"message": "token expired"})
            return
        if query and not path.startswith("/backups/files/"):
            self._complain(f"{path} with a query")
        if path in ("/version", "/state") and self.command == "GET":
            told: dict[str, Any] = {"version": one.version} if path == "/version" else {"uptime": 5}
            if path == "/state" and one.calls is not None:
                told["telephony"] = {"activeCalls": one.calls}
            self._json(200, told)
        elif path.startswith("/backups/") and one.backups:
            if one.may_backup:
                self._backups(path[len("/backups") :], query, body)
            else:
                self._json(403, {"message": "forbidden"})
        else:
            self._json(404, {"message": "not found"})

    def _backups(self, path: str, query: dict[str, str], body: bytes) -> None:
        action = re.fullmatch(r"/(actions/run|actions/restore|state/([^/]+)|files/([^/]+))", path)
        if action is None:
            self._json(404, {"message": "not found"})
        elif action[1] == "actions/run":
            self._run(body) if self.command == "PUT" else self._json(405, {})
        elif action[1] == "actions/restore":
            self._restore(body) if self.command == "PUT" else self._json(405, {})
        elif self.command != "GET":
            self._complain(f"{self.command} {path}")
            self._json(405, {})
        elif action[2]:
            self._state(action[2])
        else:
            self._file(action[3], query)

    def _run(self, body: bytes) -> None:
        one = self.one
        given = json.loads(body)
        if set(given) != RUN_FIELDS or not all(isinstance(value, bool) for value in given.values()):
            self._complain(f"a backup is asked for with {given}")
        if self.headers.get("Content-Type") != "application/json":
            self._complain("Content-Type of a backup's boxes")
        job = str(len(one.jobs) + 17)
        is_busy = one.busy > 0
        one.busy -= is_busy
        if is_busy and one.busy_way == "409":
            self._json(409, {"message": "conflict"})
            return
        if is_busy and one.busy_way == "body":
            self._json(500, {"message": "de.vertico.backup.alreadyRunning"})
            return
        one.jobs[job] = {
            "left": list(one.steps),
            "status": "FAILED" if is_busy or one.error else "SUCCESS",
            "error": "de.vertico.backup.alreadyRunning" if is_busy else one.error or None,
            "boxes": given,
        }
        if not is_busy and not one.error:
            one.files[job] = one.archive
        if one.run_lost:
            self.cut()
            return
        self._json(202, {"backupJobId": job})

    def _state(self, job: str) -> None:
        one = self.one
        known = one.jobs.get(job)
        if one.looks_lost:
            one.looks_lost -= 1
            self.cut()
            return
        if one.looks_refused:
            one.looks_refused -= 1
            self._json(503, {"message": "restarting"})
            return
        if known is None:
            self._json(404, {"message": "no such job"})
            return
        left = known["left"]
        step = left.pop(0) if isinstance(left, list) and len(left) > 1 else 1.0
        is_done = step >= 1.0 and not one.never_done
        told = {"progress": step, "status": known["status"] if is_done else "RUNNING", "error": None}
        if is_done:
            told["error"] = known["error"] and str(known["error"]).replace("{token}", list(one.tokens)[-1])
        self._json(200, told)

    def _file(self, job: str, query: dict[str, str]) -> None:
        one = self.one
        if query not in ({}, {"keepBackupAfterDownload": "true"}):
            self._complain(f"a file is asked for with {query}")
        content = one.files.get(job)
        if content is None:
            self._json(404, {"message": "no such file"})
            return
        content = one.delivers if one.delivers is not None else content
        if one.other_second_time and job in one.delivered:
            content = content[:-1] + bytes([content[-1] ^ 1])
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        if one.told_length:
            self.send_header("Content-Length", str(len(content)))
        else:
            self.close_connection = True
        self.end_headers()
        if one.cuts:
            one.cuts -= 1
            self.wfile.write(content[: one.cut_at])
            self.wfile.flush()
            self.cut()
            return
        self.wfile.write(content)
        one.delivered.add(job)
        if not query and not one.keeps_forever:
            del one.files[job]

    def _restore(self, body: bytes) -> None:
        one = self.one
        kind, _semicolon, boundary = self.headers.get("Content-Type", "").partition("; boundary=")
        if kind != "multipart/form-data" or not boundary:
            self._complain("a restore without a form")
            self._json(400, {})
            return
        parts = dict(_parts(body, boundary))
        content = parts.pop(one.file_part, None)
        if content is None:
            self._json(400, {"message": f"no {one.file_part}"})
            return
        one.restored.append(content)
        one.restored_parts.append({name: value.decode() for name, value in parts.items()})
        job = f"r{len(one.restored)}"
        if one.outcome not in ("forgotten", "nameless"):
            one.jobs[job] = {
                "left": [0.5] * (one.restore_looks - 1) + [1.0],
                "status": one.outcome,
                "error": "no space" if one.outcome == "FAILED" else None,
            }
        one.absent = one.away
        one.tokens.clear()
        self._json(202, {} if one.outcome == "nameless" else {"backupJobId": job})
        self.close_connection = True

    # --- answers -----------------------------------------------------------------------------------------------------
    def _json(self, status: int, told: object) -> None:
        self.reply(status, json.dumps(told).encode(), Content_Type="application/json")

    def _complain(self, what: str) -> None:
        self.one.complaints.append(f"{self.command} {urlsplit(self.path).path}: {what}")


StarfaceStandIn.handler = _Handler


def _secret(one: Appliance) -> str:
    if one.login == "directory":
        return base64.b64encode(f"{one.username}{NONCE}{one.password}".encode()).decode()
    inner = hashlib.sha512(one.password.encode()).hexdigest()
    return f"{one.username}:{hashlib.sha512((one.username + NONCE + inner).encode()).hexdigest()}"


def _parts(body: bytes, boundary: str) -> list[tuple[str, bytes]]:
    """The parts of a form, as RFC 7578 has them."""
    mark = b"--" + boundary.encode()
    pieces = (b"\r\n" + body).split(b"\r\n" + mark)
    found = []
    for piece in pieces[1:-1]:
        head, _blank, content = piece.partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]+)"', head)
        found.append((name[1].decode() if name else "", content))
    if not pieces[-1].startswith(b"--"):
        raise ValueError("the form has no end")
    return found
