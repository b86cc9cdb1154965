# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host's HTTPS interface, on requests: a verified certificate, no redirects, deadlines, answers of bounded size."""

from __future__ import annotations

import contextlib
import json
import math
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from .._errors import (
    AuthenticationFailed,
    CommandFailed,
    ConnectionFailed,
    DeadlineExceeded,
    ItemTruncated,
    OptionInvalid,
    OutputTooLarge,
    PrivilegeFailed,
)
from .._libraries import require
from .base import Closing, Transport
from .http_errors import LOOK_AT_IT, named
from .http_wire import Wire
from .tls_context import verifying_context

try:
    import requests
except ImportError:
    if not TYPE_CHECKING:
        requests = None

ANSWER_LIMIT = 2 * 2**20
"""Bytes that :meth:`HttpTransport.request` takes of one answer unless told otherwise."""
_PIECE = 2**16
_PATH = re.compile(r"/[!-~]*")
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class HttpOptions:
    """How to reach a host and who to be there. Timeouts in seconds, the total one for each request with its answer;
    secrets never show in ``repr``.

    ``username`` and ``password`` are for whoever uses the transport: each interface has its own way to log in.
    ``ca_file``: who may have signed the host's certificate; None: the authorities that this machine trusts.
    """

    host: str
    port: int = 443
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    client_certificate_file: str | None = None
    client_key_file: str | None = None
    connect_timeout: float = 15
    silence_timeout: float = 60
    total_timeout: float = 3600


@dataclass(frozen=True)
class SizedBody:
    """A body that is sent as a stream. ``size``: the bytes that ``pieces`` make up."""

    pieces: Iterable[bytes] = field(repr=False)
    size: int

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.pieces)


@dataclass(frozen=True)
class Answer:
    """What a host said. Header names are in lower case. Nothing of it shows in ``repr``, for it may hold secrets."""

    host: str
    asked: str
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def demand(self, *statuses: int) -> Answer:
        """The answer itself when its status is one of these; 200 when none is named.

        :raises AuthenticationFailed: 401
        :raises PrivilegeFailed: 403
        :raises CommandFailed: any other
        """
        if self.status not in (statuses or (200,)):
            raise _refused(self.host, self.asked, self.status)
        return self

    def json(self) -> Any:
        """The body as JSON. Raises NotJson when it is none, or nested too deep to be read."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise NotJson(
                f"The answer to {self.asked} is no JSON",
                host=self.host,
                hint="Does host and port lead to the interface that is meant?",
            ) from None


def finite(value: Any) -> float | None:
    """What stands in JSON as a number, None when it is none: JSON of others has NaN, Infinity, and integers of any
    size."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


class NotJson(ConnectionFailed):
    """The host answers with something else than JSON."""


class Redirected(ConnectionFailed):
    """The host sends us elsewhere, and we do not go."""


class Download(Closing):
    """An answer whose body is read piece by piece. ``length``: the bytes that the host announced, None when it did
    not; ``has_end`` False: nothing in the protocol tells whether the end is the end."""

    def __init__(self, transport: HttpTransport, asked: str, response: Any, clock: _Clock) -> None:
        self._transport = transport
        self._asked = asked
        self._response = response
        self._clock = clock
        self.status = int(response.status_code)
        self.headers = {str(name).lower(): str(value) for name, value in response.headers.items()}
        announced = self.headers.get("content-length", "")
        chunked = "chunked" in self.headers.get("transfer-encoding", "").lower()
        self.length = int(announced) if announced.isascii() and announced.isdigit() and not chunked else None
        self.has_end = self.length is not None or chunked

    def chunks(self, limit: int | None = None) -> Iterator[bytes]:
        """The body, in bounded memory.

        :param limit: bytes after which OutputTooLarge is raised; None: no limit
        :raises ItemTruncated: it ended before the length that the host announced
        :raises ConnectionLost, DeadlineExceeded: the connection broke, was silent, or the whole took too long
        """
        size = 0
        with self._transport.errors_named(self._clock):
            for piece in self._response.raw.stream(_PIECE, decode_content=False):
                size += len(piece)
                if limit is not None and size > limit:
                    raise OutputTooLarge(
                        f"The answer to {self._asked} has more than {limit} bytes", host=self._transport.host
                    )
                yield piece
        if self.length is not None and size < self.length:
            raise ItemTruncated(
                f"The answer to {self._asked} ended after {size} of {self.length} bytes",
                host=self._transport.host,
                hint=LOOK_AT_IT,
            )

    def answer(self, limit: int = ANSWER_LIMIT) -> Answer:
        """The whole of it. Raises like :meth:`chunks`."""
        body = b"".join(self.chunks(limit))
        return Answer(self._transport.host, self._asked, self.status, self.headers, body)

    def demand(self, *statuses: int) -> Download:
        """Like :meth:`Answer.demand`."""
        if self.status not in (statuses or (200,)):
            raise _refused(self._transport.host, self._asked, self.status)
        return self

    def close(self) -> None:
        self._clock.stop()
        self._response.close()


class HttpTransport(Transport):
    """Requests to one host by HTTPS. Neither commands nor files.

    Secrets belong into headers or bodies: a path may show in messages, queries and bodies never do. A redirect is
    followed nowhere, not even on the same host: no interface that we know needs one, and a login page is none.
    Its options are judged at once: raises OptionInvalid, and LibraryMissing.
    """

    def __init__(self, options: HttpOptions) -> None:
        require("requests")
        self.host = options.host
        self.options = options
        if options.client_key_file and not options.client_certificate_file:
            raise OptionInvalid("A key comes with its certificate", item="client_certificate_file")
        self._context = verifying_context(options.ca_file, options.client_certificate_file, options.client_key_file)
        self._wire: Wire | None = None

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        body: bytes | SizedBody | None = None,
        limit: int = ANSWER_LIMIT,
    ) -> Answer:
        """Ask, and take the whole answer, whatever its status.

        :param path: begins with /, is encoded already, and holds no secret
        :param query: put behind the path
        :param json, form, body: one of them at most is sent
        :param limit: bytes of the answer
        :raises ConnectionFailed: the host cannot be reached, or does not speak HTTPS
        :raises Redirected: it sends us elsewhere
        :raises CertificateRejected: its certificate is not to be trusted
        :raises AuthenticationFailed: it wants another client certificate
        :raises ConnectionLost, DeadlineExceeded, ItemTruncated, OutputTooLarge: the answer did not come as it should
        """
        with self.download(method, path, query=query, headers=headers, json=json, form=form, body=body) as download:
            return download.answer(limit)

    def download(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        body: bytes | SizedBody | None = None,
    ) -> Download:
        """Ask, and come back when the head of the answer is there. Raises like :meth:`request`."""
        asked = f"{method} {path}"
        request = self._prepared(method, path, query, headers, json, form, body)
        if self._wire is None:
            self._wire = Wire(self._context, self.host)
        wire = self._wire
        clock = _Clock(self.options.total_timeout, wire)
        try:
            with self.errors_named(clock):
                response = wire.send(request, self.options.connect_timeout, self.options.silence_timeout)
        except BaseException:
            clock.stop()
            raise
        download = Download(self, asked, response, clock)
        try:
            self._judge(download, asked)
        except BaseException:
            download.close()
            raise
        return download

    def close(self) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()

    @contextlib.contextmanager
    def errors_named(self, clock: _Clock) -> Iterator[None]:
        """A context in which what libraries raise becomes one of ours."""
        options, wire = self.options, clock.wire
        try:
            yield
            if clock.is_over.is_set():
                raise ConnectionAbortedError  # a connection that was cut may look like one that has ended
        except Exception as error:
            self.close()  # whatever may still come belongs to nothing any more
            if clock.is_over.is_set():
                raise DeadlineExceeded(
                    f"The request took longer than {options.total_timeout:g} s", host=self.host, hint=LOOK_AT_IT
                ) from None
            patience = options.silence_timeout if wire.connected else options.connect_timeout
            raise named(error, self.host, options.port, wire.connected, patience) from None

    def _prepared(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
        data: Any,
        form: Mapping[str, str] | None,
        body: bytes | SizedBody | None,
    ) -> Any:
        if not _PATH.fullmatch(path) or "?" in path or "#" in path:
            raise OptionInvalid("A path of a request begins with / and is encoded", host=self.host)
        sent = {"Accept": "application/json", "Accept-Encoding": "identity", **(headers or {})}
        if data is not None:
            body = json.dumps(data).encode()
            sent["Content-Type"] = "application/json"
        elif form is not None:
            body = urlencode(form).encode()
            sent["Content-Type"] = _FORM
        if body is None and method in ("PUT", "POST"):
            body = b""
        if body is not None:
            sent["Content-Length"] = str(len(body))
        request = requests.PreparedRequest()
        host = f"[{self.host}]" if ":" in self.host else self.host
        search = f"?{urlencode(query)}" if query else ""
        request.method, request.url = method, f"https://{host}:{self.options.port}{path}{search}"
        request.headers = requests.structures.CaseInsensitiveDict(sent)
        request.body = body  # type: ignore[assignment]
        return request

    def _judge(self, download: Download, asked: str) -> None:
        """Raises ConnectionFailed for an answer that is none to be read."""
        if 300 <= download.status < 400:
            where = urlsplit(download.headers.get("location", "")).hostname
            elsewhere = f"to the host {_printable(where)}" if where and where != self.host else "to another place"
            raise Redirected(
                f"The answer to {asked} sends us {elsewhere}, which is not followed",
                host=self.host,
                hint="Give the address and port of the interface itself, not of something before it.",
            )
        encoding = download.headers.get("content-encoding", "identity")
        if encoding != "identity":
            raise ConnectionFailed(
                f"The answer to {asked} is encoded ({_printable(encoding)}), which was not asked for", host=self.host
            )


class _Clock:
    """Cuts the connections when a request has taken as long as it may."""

    def __init__(self, seconds: float, wire: Wire) -> None:
        self.seconds = seconds
        self.wire = wire
        self.is_over = threading.Event()
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self._timer.start()

    def stop(self) -> None:
        """The request is done."""
        self._timer.cancel()

    def _end(self) -> None:
        self.is_over.set()
        self.wire.cut()


def _refused(host: str, asked: str, status: int) -> AuthenticationFailed | PrivilegeFailed | CommandFailed:
    if status == 401:
        return AuthenticationFailed(
            f"The host refuses the login for {asked} (HTTP status 401)",
            host=host,
            hint="Check the user name and the password, and whether the account may use this interface.",
        )
    if status == 403:
        return PrivilegeFailed(
            f"The account may not do {asked} (HTTP status 403)",
            host=host,
            hint="Give it the right that the documentation of the product names.",
        )
    return CommandFailed(
        f"The host answers {asked} with HTTP status {status}",
        host=host,
        hint="Look at its log at this time.",
        status=status,
    )


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)[:200]
