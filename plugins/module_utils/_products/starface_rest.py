# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The backups of a STARFACE by its REST interface, which STARFACE 10 brings.

Source: public notes on the vendor's interface description of SDK 10.0.2.5 (github.com/MiCoSa79/Starface-WebApp,
FR-001), not tried on an appliance: paths, the three boxes, ``backupJobId``, progress from 0 to 1, SUCCESS and FAILED,
and that a file is removed when it was downloaded unless ``keepBackupAfterDownload=true``. Assumptions, because nothing
is public: below which base path the interface is (both are tried), how a backup that already runs is told (any of what
is known), the names of the parts of a restore (options), and how calls are told (looked for by name).
"""

from __future__ import annotations

import contextlib
import math
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from .._errors import (
    AuthenticationFailed,
    CertificateRejected,
    CommandFailed,
    ConnectionFailed,
    ConnectionLost,
    DeadlineExceeded,
    OptionInvalid,
    RecoveryError,
)
from .._transport.http import Answer, Download, HttpTransport, NotJson, Redirected, SizedBody, finite
from .starface_login import Login
from .starface_status import ALREADY_RUNNING

BASES = ("/rest", "/api")
"""Where the interface may be. Vendor samples use the first, notes on the backups the second."""
BACKUPS = "/server/backups"
SUCCESS, FAILED = "SUCCESS", "FAILED"
_MISSING = (404, 410)
_VERSION = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,5}){1,4}")
_JOB = re.compile(r"[A-Za-z0-9._-]{1,100}")
_CALL_NAMES = ("activeCalls", "activeCallCount", "callCount", "currentCalls", "numberOfCalls")

T = TypeVar("T")


class BackupsMissing(ConnectionFailed):
    """The appliance has no REST interface for backups."""


class BackupBusy(CommandFailed):
    """Another backup, or the archive job, runs."""


class JobFailed(CommandFailed):
    """The appliance says that a backup or restore failed."""


@dataclass(frozen=True)
class Boxes:
    """What a backup holds, in the words of the interface. The master data is always in it."""

    store_cdr_data: bool = True
    store_voicebox_announces: bool = True
    store_chat_history: bool = True

    def to_json(self) -> dict[str, bool]:
        """The body of the request."""
        return {
            "storeCdrData": self.store_cdr_data,
            "storeVoiceboxAnnounces": self.store_voicebox_announces,
            "storeChatHistory": self.store_chat_history,
        }


@dataclass(frozen=True)
class JobState:
    """How a job stands. ``progress`` from 0 to 1, None when it is not told. ``error`` is the appliance's own word."""

    status: str
    progress: float | None
    error: str

    @property
    def is_done(self) -> bool:
        """Whether it has ended, well or badly."""
        return self.status in (SUCCESS, FAILED)

    @property
    def is_busy(self) -> bool:
        """Whether it ended because another backup runs."""
        return self.status == FAILED and ALREADY_RUNNING.lower() in self.error.lower()


@dataclass(frozen=True)
class Patience:
    """Seconds. ``poll``: between two looks. ``job``: that one backup or restore may take. ``busy_wait``: between two
    tries while another one runs; ``busy``: for how long it is tried. ``restart``: that the appliance may be away."""

    poll: float = 3.0
    job: float = 7200.0
    busy_wait: float = 300.0
    busy: float = 4500.0
    restart: float = 1800.0


class StarfaceRest:
    """One appliance. Logs in on first use.

    :param base: where the interface is; empty: to be found
    :param make_login: the login; it may ask where the interface is
    :param tell: is told of progress, a line at a time
    """

    def __init__(
        self,
        transport: HttpTransport,
        make_login: Callable[[Callable[[], str]], Login],
        *,
        base: str = "",
        patience: Patience = Patience(),
        tell: Callable[[str], None] = lambda line: None,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.host = transport.host
        self._transport = transport
        self._bases: Sequence[str] = (base,) if base else BASES
        self._base = ""
        self._backups_base = ""
        self._login = make_login(self._login_base)
        self._patience = patience
        self._tell = tell
        self._sleep = sleep
        self._now = now
        self.progress: list[tuple[int, int]] = []
        """Of the last job: seconds since it began, percent."""
        self.job = ""
        """The backup that was begun last, as long as its file may lie on the appliance."""
        self.is_running = False
        """Whether it is not known to have ended."""

    # --- what is there -----------------------------------------------------------------------------------------------
    def version(self) -> str:
        """The appliance's version, empty when it cannot be read out of what it says.

        :raises BackupsMissing: there is no REST interface at all
        :raises AuthenticationFailed, PrivilegeFailed, ConnectionFailed, CommandFailed: as it answers
        """
        found = _VERSION.search(self._find("/server/version").demand().body.decode("utf-8", "replace"))
        return found[0] if found is not None else ""

    def has_backups(self) -> bool:
        """Whether it makes backups by REST, asked without starting one: GET is no method of that path, which only a
        path that exists says. Raises like :meth:`version`, but BackupsMissing."""
        for base in self._bases:
            answer = self._look(f"{base}{BACKUPS}/actions/run")
            if answer is not None:
                if answer.status in (401, 403):
                    answer.demand()
                self._backups_base = base
                return True
        return False

    def active_calls(self) -> int | None:
        """How many calls there are, None when the appliance does not say."""
        try:
            answer = self._find("/server/state")
            return _calls_in(answer.json()) if answer.status == 200 else None
        except (BackupsMissing, ConnectionFailed):
            return None

    # --- backup ------------------------------------------------------------------------------------------------------
    def run_backup(self, boxes: Boxes) -> str:
        """Let the appliance make a backup, wait until it is there, and give the job's id. Who gives up in between
        finds it as :attr:`job`.

        :raises BackupsMissing: it has no such interface
        :raises BackupBusy: another one ran for as long as was waited
        :raises JobFailed: it failed
        :raises DeadlineExceeded: it took longer than it may
        """
        until = self._now() + self._patience.busy
        while True:
            job = self._start(boxes)
            state = None
            if job is not None:
                self.job, self.is_running = job, True
                state = self.wait(job, away=math.inf)
                self.is_running = False
                self.job = job if state.status == SUCCESS else ""
            if job is not None and state is not None and not state.is_busy:
                if state.status == FAILED:
                    raise JobFailed(
                        f"The appliance could not make the backup: {self.shown(state.error) or 'it does not say why'}",
                        host=self.host,
                        hint="Look at its log and the room on its disk, then run this again.",
                    )
                return job
            if self._now() + self._patience.busy_wait > until:
                raise BackupBusy(
                    "Another backup or STARFACE Archivierung has been running all the time",
                    host=self.host,
                    hint="Part them in time: each shifts the other by an hour.",
                )
            self._tell("another backup or the archive job runs, waiting")
            self._transport.close()  # nothing keeps an idle connection for so long
            self._sleep(self._patience.busy_wait)

    def wait(self, job: str, *, away: float = 0.0) -> JobState:
        """Wait until a job has ended. Raises DeadlineExceeded, ConnectionFailed, CommandFailed.

        :param away: seconds for which the appliance is asked again when it cannot be asked
        """
        began = answered = self._now()
        self.progress.clear()
        while True:
            trouble = ""
            try:
                state = self.state(job)
            except (ConnectionFailed, CommandFailed) as error:
                if not _may_pass(error) or self._now() - answered >= away:
                    raise
                trouble = error.message
            else:
                answered = self._now()
                self._note(began, state)
                if state.is_done:
                    return state
            if self._now() - began > self._patience.job:
                raise DeadlineExceeded(
                    f"The appliance has been at it for more than {self._patience.job:g} s"
                    + (f", and cannot be asked: {trouble}" if trouble else ""),
                    host=self.host,
                    hint="Look at the appliance; raise job_timeout if that is usual there.",
                )
            self._sleep(self._patience.poll)

    def state(self, job: str) -> JobState:
        """How a job stands."""
        told = self._ask("GET", f"{self._backups()}/state/{job}").demand().json()
        told = told if isinstance(told, dict) else {}
        progress = finite(told.get("progress"))
        return JobState(
            _words(told.get("status")).upper(),
            min(max(progress, 0.0), 1.0) if progress is not None else None,
            _words(told.get("error")),
        )

    def state_or_none(self, job: str) -> JobState | None:
        """The same, None when the appliance knows the job no more."""
        answer = self._ask("GET", f"{self._backups()}/state/{job}")
        return self.state(job) if answer.status not in _MISSING else None

    def download(self, job: str, *, keep: bool) -> Download:
        """The file of a backup. Without ``keep`` the appliance removes it afterwards."""
        query = {"keepBackupAfterDownload": "true"} if keep else None
        path = self.path_of(job)
        return self._again(
            lambda headers: self._transport.download(
                "GET", path, query=query, headers={**headers, "Accept": "application/octet-stream"}
            ),
            lambda download: download.status,
        )

    def path_of(self, job: str) -> str:
        """Where the file of a backup is: who gets it from there also removes it. Raises BackupsMissing."""
        return f"{self._backups()}/files/{job}"

    # --- restore -----------------------------------------------------------------------------------------------------
    def restore(self, pieces: Iterable[bytes], size: int, parts: Mapping[str, str], file_part: str) -> str | None:
        """Give the appliance a file to restore from; the job's id, None when it names none.

        :param size: bytes of ``pieces``
        :param parts: further parts of the form
        :param file_part: what the part with the file is called
        :raises CommandFailed, PrivilegeFailed: it did not take the file
        :raises ConnectionFailed: nobody knows whether it did
        """
        if not self.has_backups():  # which also renews a token, as a body that is a stream can be sent only once
            raise self._no_backups()
        boundary = f"ucops-{secrets.token_hex(16)}"
        head = "".join(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in parts.items()
        )
        head += (
            f'--{boundary}\r\nContent-Disposition: form-data; name="{file_part}"; filename="backup.sar"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        opening, closing = head.encode(), f"\r\n--{boundary}--\r\n".encode()

        def body() -> Iterator[bytes]:
            yield opening
            yield from pieces
            yield closing

        answer = self._transport.request(
            "PUT",
            f"{self._backups()}/actions/restore",
            headers={**self._login.headers(), "Content-Type": f"multipart/form-data; boundary={boundary}"},
            body=SizedBody(body(), len(opening) + size + len(closing)),
        )
        if answer.status in _MISSING:
            raise self._no_backups()
        answer.demand(200, 202, 204)
        try:
            return _job_in(answer.json())
        except ConnectionFailed:
            return None

    def wait_for_return(self) -> str:
        """Wait until the appliance answers again, and give its version. Raises DeadlineExceeded."""
        until = self._now() + self._patience.restart
        while True:
            try:
                self._login.forget()
                return self.version()
            except RecoveryError as error:
                if self._now() >= until:
                    raise DeadlineExceeded(
                        f"The appliance does not answer as it should within {self._patience.restart:g} s:"
                        f" {error.message}",
                        host=self.host,
                        hint="Look at it.",
                    ) from None
            self._sleep(self._patience.poll)

    def close(self) -> None:
        """Give login and connection back. Never raises."""
        with contextlib.suppress(RecoveryError):
            self._login.log_out()
        self._transport.close()

    def shown(self, text: str) -> str:
        """A word of the appliance, fit for a message."""
        text = self._login.without_secrets(text)
        return "".join(char if char.isprintable() else " " for char in text).strip()[:200]

    # --- asking ------------------------------------------------------------------------------------------------------
    def _start(self, boxes: Boxes) -> str | None:
        """The id of the job that was started, None when another one runs."""
        path = f"{self._backups()}/actions/run"
        try:
            answer = self._ask("PUT", path, json=boxes.to_json())
        except ConnectionLost as error:
            raise ConnectionLost(
                f"{error.message} while a backup was asked for",
                host=self.host,
                hint="The appliance may make one nevertheless, whose file stays there in the clear: look at its web"
                " interface before you run this again.",
            ) from error
        if answer.status in _MISSING:
            raise self._no_backups()
        if answer.status == 409 or (answer.status >= 400 and ALREADY_RUNNING.lower().encode() in answer.body.lower()):
            return None
        job = _job_in(answer.demand(200, 202).json())
        if job is None:
            raise ConnectionFailed(
                "The appliance has started a backup and does not say which",
                host=self.host,
                hint="Its interface is another one than we know: use a landing zone (mode landing).",
            )
        return job

    def _ask(self, method: str, path: str, **options: Any) -> Answer:
        return self._again(
            lambda headers: self._transport.request(method, path, headers=headers, **options),
            lambda answer: answer.status,
        )

    def _look(self, path: str) -> Answer | None:
        """The answer, None when there is nothing at this path: a web interface sends those who are lost to its
        login page."""
        try:
            answer = self._ask("GET", path)
        except Redirected:
            return None
        return answer if answer.status not in _MISSING else None

    def _again(self, ask: Callable[[Mapping[str, str]], T], status: Callable[[T], int]) -> T:
        """Ask, and once more with a new token when the old one is not taken any more."""
        answer = ask(self._login.headers())
        if status(answer) != 401:
            return answer
        if isinstance(answer, Download):
            answer.close()
        self._login.forget()
        return ask(self._login.headers())

    def _find(self, path: str) -> Answer:
        """Ask below the base where the interface is, and find it first. Raises BackupsMissing."""
        for base in [self._base] if self._base else self._bases:
            answer = self._look(f"{base}{path}")
            if answer is not None:
                self._base = base
                return answer
        raise self._no_backups()

    def _login_base(self) -> str:
        """Below which base the older login is. Raises AuthenticationFailed."""
        if self._base:
            return self._base
        for base in self._bases:
            with contextlib.suppress(Redirected):
                if self._transport.request("GET", f"{base}/login").status not in _MISSING:
                    self._base = base
                    return base
        raise AuthenticationFailed(
            f"There is no login below {' or '.join(self._bases)}",
            host=self.host,
            hint="Is this the appliance's web interface? Give api_base if its REST interface is elsewhere.",
        )

    def _backups(self) -> str:
        """The path of the backups. Raises BackupsMissing."""
        if not self._backups_base and not self.has_backups():
            raise self._no_backups()
        return self._backups_base + BACKUPS

    def _no_backups(self) -> BackupsMissing:
        return BackupsMissing(
            f"There is no {BACKUPS} below {' or '.join(self._bases)}: this appliance makes no backups by REST",
            host=self.host,
            hint="That needs STARFACE 10. Before it let the appliance push its backups (mode landing), or fetch them by"
            " SSH (mode ssh_pull).",
        )

    def _note(self, began: float, state: JobState) -> None:
        if state.progress is None:
            return
        percent = int(state.progress * 100)
        if not self.progress or self.progress[-1][1] != percent:
            self.progress.append((int(self._now() - began), percent))
            self._tell(f"{percent} % done")


def demand_base(value: str) -> str:
    """A base path. Raises OptionInvalid."""
    if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", value):
        raise OptionInvalid("A base path looks like /rest", item="api_base")
    return value


def _job_in(told: Any) -> str | None:
    job = told.get("backupJobId") if isinstance(told, dict) else None
    text = str(job) if isinstance(job, (str, int)) and not isinstance(job, bool) else ""
    return text if _JOB.fullmatch(text) and text.strip(".") else None


def _may_pass(error: RecoveryError) -> bool:
    """Whether the same question may be answered a little later."""
    if isinstance(error, CommandFailed):
        return int(error.details.get("status", 0)) >= 500
    return not isinstance(error, (AuthenticationFailed, BackupsMissing, CertificateRejected, NotJson, Redirected))


def _words(told: Any) -> str:
    """What was told as a text, whatever it is."""
    if told is None:
        return ""
    try:
        return str(told)
    except RecursionError:
        return "nested too deep"


def _calls_in(told: Any) -> int | None:
    """A number of calls somewhere in what was told, however deep."""
    waiting = [told]
    for _turn in range(1000):
        if not waiting:
            return None
        one = waiting.pop()
        if isinstance(one, dict):
            for name in _CALL_NAMES:
                if isinstance(one.get(name), int) and not isinstance(one[name], bool):
                    return int(one[name])
            waiting += list(one.values())
        elif isinstance(one, list):
            waiting += one
    return None
