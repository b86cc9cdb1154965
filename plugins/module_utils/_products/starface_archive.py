# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The backup file (``.sar``) of a STARFACE as an item: made and fetched by REST, or fetched by SSH; given back by REST.

Nothing is published of what is in a ``.sar``: it counts as a credential, and what is not a known container is opaque.
Its name is never taken for a date. Where the appliance keeps the files of its own disk is known from a public script
(github.com/Taglar/STARFACELog): ``/home/starface/backup/<configuration>/*.sar``.
"""

from __future__ import annotations

import contextlib
import posixpath
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from .._entries import Entry, Gathered, ItemReport, path_to_text
from .._errors import (
    CommandFailed,
    ConnectionFailed,
    ConnectionLost,
    HostileContent,
    ItemTruncated,
    PrivilegeFailed,
    RecoveryError,
    RestoreFailed,
    RestoreRefused,
)
from .._items.base import Change, LineNormaliser
from .._items.landing.content import ContentCheck, FileVerdict
from .._items.pushed_files import FOLDER, PushedFiles
from .._transport.base import CommandsRefused, FileStatus, Transport
from .._transport.http import Download
from .starface_rest import SUCCESS, Boxes, StarfaceRest
from .starface_ways import REST, starface

BACKUP_FOLDER = "/home/starface/backup"
ENDING = b".sar"
TRIES = 3
NAME = b"backup.sar"
GONE = (404, 410)
RECEIPT = "receipt"
"""Marks an entry that stands for what the appliance took in a restore: its content is the digest of that. Nobody can
ask an appliance whether it holds what is in a file; that its own job says SUCCESS of exactly these bytes counts."""


class NoArchive(RecoveryError):
    """There is no backup file that could be fetched."""


class OutcomeUnknown(RestoreFailed):
    """A file was given to the appliance, and nobody can tell what became of it."""


@dataclass
class StarfaceArchive(PushedFiles):
    """One backup file.

    ``boxes``: what a backup by REST holds. ``remove``: remove it from the appliance when a complete generation holds
    it. ``backup_name``: the folder of the configuration whose files are fetched by SSH; empty: the only one.
    ``looks``: how many must find the same there, ``settle`` seconds apart; ``quiet_period``: seconds for which nothing
    may have written to it. ``max_age``: seconds that it may be old, 0
    for any age. ``file_part``, ``parts``: names and values
    of the form of a restore.
    """

    consistency: str = "dump"
    comparable: bool = False
    boxes: Boxes = Boxes()
    remove: bool = True
    backup_name: str = ""
    looks: int = 3
    settle: float = 10.0
    quiet_period: float = 60.0
    max_age: int = 0
    file_part: str = "file"
    parts: Mapping[str, str] = field(default_factory=dict)
    sleep: Callable[[float], None] = field(default_factory=lambda: time.sleep, repr=False, compare=False)
    remarks: list[str] = field(default_factory=list, init=False)
    """What is to be known after the gathering, one sentence each."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._taken: Gathered | None = None
        self._job = ""
        self._is_running = False

    def gather(self, transport: Transport, report: ItemReport) -> Iterator[Gathered]:
        self.verdicts.clear()
        self.remarks.clear()
        ways = starface(transport)
        if self._taken is not None:
            yield self._taken
        elif ways.way == REST and ways.rest is not None:
            yield from self._by_rest(ways.rest, report)
        elif ways.ssh is not None:
            yield from self._by_ssh(ways.ssh, report)

    def normaliser(self, entry: Entry) -> LineNormaliser | None:
        return None if entry.extra.get(RECEIPT) else _Digest()

    def _entry(self, name: bytes) -> Entry:
        return Entry(self.name, self.data_class, "dump", FOLDER + name, sensitive=True)

    def _finish(self, check: ContentCheck, broken: Sequence[str], report: ItemReport) -> FileVerdict:
        verdict = check.finish()
        if broken:
            verdict.verdict, verdict.reason = "truncated", broken[0]
        self.verdicts.append(verdict)
        if verdict.reason:
            report.problem(verdict.name, verdict.reason)
        self.remarks += [f"{path_to_text(verdict.name)}: {warning}." for warning in verdict.warnings]
        report.notes.update(container=verdict.container, verified=verdict.verified, level=verdict.level)
        return verdict

    # --- by REST -----------------------------------------------------------------------------------------------------
    def _by_rest(self, rest: StarfaceRest, report: ItemReport) -> Iterator[Gathered]:
        try:
            job = rest.run_backup(self.boxes)
        finally:
            self._job, self._is_running = rest.job, rest.is_running
        report.notes.update(way=REST, job=job, progress=[list(step) for step in rest.progress])
        for turn in range(TRIES):
            broken: list[str] = []
            with rest.download(job, keep=True) as download:
                download.demand()
                check = ContentCheck(NAME, self.demands)
                yield self._entry(NAME), _streamed(download, check, broken)
            if not broken:
                break
            if turn < TRIES - 1:
                self.sleep(1)
        if not broken and not download.has_end:
            broken.append("the appliance did not tell its length, so nobody knows whether it is whole")
        verdict = self._finish(check, broken, report)
        if self.remove and not verdict.reason:
            self._look_again(rest, job, verdict, report)

    def _look_again(self, rest: StarfaceRest, job: str, verdict: FileVerdict, report: ItemReport) -> None:
        """Whether the appliance delivers the same once more, as long as the file is there."""
        for turn in range(TRIES):
            if turn:
                self.sleep(1)
            broken: list[str] = []
            again = ContentCheck(NAME, self.demands)
            with rest.download(job, keep=True) as download:
                for _piece in _streamed(download.demand(), again, broken):
                    pass
            if not broken:
                if again.finish().sha256 != verdict.sha256:
                    report.problem(NAME, "the appliance delivers another content the second time")
                return
        report.problem(NAME, f"it could not be fetched a second time, to be compared: {broken[0]}")

    def backup_over(self, transport: Transport, *, kept: bool) -> list[str]:
        job, self._job = self._job, ""
        rest = starface(transport).rest if job else None
        if rest is None:
            return []
        if kept and self.remove:
            return self._take_away(rest, job)
        if self._is_running:
            return [
                f"Job {job} may still run, and its file may lie in the clear on the appliance: when it has ended,"
                f" {_removal(rest, job)}."
            ]
        return [f"The file of job {job} still lies in the clear on the appliance; {_removal(rest, job)}."]

    def _take_away(self, rest: StarfaceRest, job: str) -> list[str]:
        """The only published way to remove a file is to fetch it once more."""
        why = ""
        for turn in range(TRIES):
            if turn:
                self.sleep(1)
            try:
                with rest.download(job, keep=False) as download:
                    if download.status not in GONE:
                        for _piece in download.demand().chunks():
                            pass
                with rest.download(job, keep=True) as download:
                    if download.status in GONE:
                        return []
                why = "it is still there"
            except RecoveryError as error:
                why = error.message
        return [f"The file of job {job} may still lie in the clear on the appliance: {why}; {_removal(rest, job)}."]

    # --- by SSH ------------------------------------------------------------------------------------------------------
    def _by_ssh(self, ssh: Transport, report: ItemReport) -> Iterator[Gathered]:
        folder = posixpath.join(BACKUP_FOLDER, self._folder(ssh)).encode()
        newest = self._quiet_file(ssh, folder)
        name = newest.name
        broken: list[str] = []
        check = ContentCheck(name, self.demands)
        entry = replace(self._entry(name), mtime_ns=newest.mtime * 10**9)
        yield entry, _read(ssh, folder + b"/" + name, check, newest.size, broken)
        if not broken and _newest(ssh, folder) != newest:
            broken.append("it changed while it was read")
        report.notes.update(way="ssh_pull", folder=path_to_text(folder))
        clock = _clock_of(ssh)
        self._judge_age(name, max((clock if clock is not None else time.time()) - newest.mtime, 0) / 3600, report)
        self._finish(check, broken, report)

    def _quiet_file(self, ssh: Transport, folder: bytes) -> FileStatus:
        """The newest file, when nothing wrote to it for the quiet period: by its time and the appliance's clock, or,
        where that tells nothing, by looks that are as far apart. Raises NoArchive."""
        newest = _newest(ssh, folder)
        clock = _clock_of(ssh)
        quiet = max(clock - newest.mtime, 0) if clock is not None else 0
        pauses = [self.settle] * (self.looks - 1)
        pauses[0] += max(self.quiet_period - quiet - sum(pauses), 0)
        for pause in pauses:
            self.sleep(pause)
            if _newest(ssh, folder) != newest:
                raise NoArchive(
                    "The newest backup file still grows",
                    host=ssh.host,
                    item=path_to_text(folder + b"/" + newest.name),
                    hint="Run this again when the backup of the appliance is over.",
                )
        return newest

    def _judge_age(self, name: bytes, hours: float, report: ItemReport) -> None:
        self.remarks.append(f"The newest file was written {hours:.1f} hours before, by the appliance's clock.")
        if self.max_age and hours * 3600 > self.max_age:
            report.problem(
                name,
                f"was written {hours:.1f} hours ago, at most {self.max_age / 3600:g} are meant:"
                " does the appliance's own backup still run?",
            )

    def _folder(self, ssh: Transport) -> str:
        if self.backup_name:
            return self.backup_name
        found = [one.name for one in _listed(ssh, BACKUP_FOLDER.encode()) if one.kind == "directory"]
        if len(found) != 1:
            names = ", ".join(path_to_text(name) for name in found) or "none"
            raise NoArchive(
                f"It is not said which backup configuration is meant; there are: {names}",
                host=ssh.host,
                hint="Set backup_name to the name of the one that writes to the appliance's own disk.",
            )
        return found[0].decode("utf-8", "surrogateescape")

    # --- restore -----------------------------------------------------------------------------------------------------
    def judge(self, wanted: Sequence[Entry]) -> None:
        super().judge(wanted)
        if len(wanted) > 1:
            raise HostileContent(
                "The generation holds more than one backup file", item=self.name, hint="Name one of them in only_paths."
            )

    def plan(
        self, wanted: Sequence[Entry], current: Sequence[Entry], differing: Collection[bytes] | None = None
    ) -> list[Change]:
        return [Change("write", entry.path) for entry in wanted]

    def restore(self, transport: Transport, wanted: Iterable[Gathered], current: Sequence[Entry]) -> None:
        rest = starface(transport).rest
        chosen = list(wanted)
        self.judge([entry for entry, _content in chosen])
        if rest is None or not chosen:
            raise RestoreRefused("There is no REST interface to restore by, or no file to restore", host=transport.host)
        entry, content = chosen[0]
        check = ContentCheck(NAME, self.demands)
        try:
            job = rest.restore(_checked(content, check), entry.size, self.parts, self.file_part)
        except ConnectionFailed as error:
            raise OutcomeUnknown(
                f"The file did not reach the appliance to its end: {error.message}",
                host=rest.host,
                hint="Look at its web interface, whether it restores or serves.",
            ) from error
        except (CommandFailed, PrivilegeFailed) as error:
            raise OutcomeUnknown(
                f"The appliance did not take the file, so it should be as it was: {error.message}",
                host=rest.host,
                hint="Look at its web interface, and at file_part and ignore_ip_part.",
            ) from error
        self._await(rest, job)
        self._taken = (replace(entry, extra={RECEIPT: True}), [check.finish().sha256.encode("ascii")])

    def _await(self, rest: StarfaceRest, job: str | None) -> None:
        """Wait for the end of a restore, in which the appliance goes away and comes back. Whatever goes wrong on the
        way tells nothing of the restore; only its job does."""
        state = None
        if job is not None:
            with contextlib.suppress(ConnectionFailed, CommandFailed):
                state = rest.wait(job)
        try:
            rest.wait_for_return()
            if state is None and job is not None:
                state = rest.state_or_none(job)
            if state is not None and job is not None and not state.is_done:
                state = rest.wait(job)
        except RecoveryError as error:
            raise OutcomeUnknown(
                f"The appliance took the file and does not serve as it should: {error.message}",
                host=rest.host,
                hint="Look at it: a restored appliance may have another address, certificate or password.",
            ) from error
        if state is None or not state.is_done:
            raise OutcomeUnknown(
                "The appliance took the file and answers again, but it does not say what became of the restore",
                host=rest.host,
                hint="Look at its web interface: are users, groups and numbers as they should be?",
            )
        if state.status != SUCCESS:
            raise RestoreFailed(
                f"The appliance says that the restore failed: {rest.shown(state.error) or 'it does not say why'}",
                host=rest.host,
            )


class _Digest:
    """Reduces a content to its SHA-256, as text."""

    def __init__(self) -> None:
        self._check = ContentCheck(NAME, PushedFiles.demands)

    def feed(self, data: bytes) -> bytes:
        self._check.feed(data)
        return b""

    def finish(self) -> bytes:
        return self._check.finish().sha256.encode("ascii")


def _streamed(download: Download, check: ContentCheck, broken: list[str]) -> Iterator[bytes]:
    """The content of a download. That it was cut goes to ``broken``: it can be fetched again."""
    try:
        for piece in download.chunks():
            check.feed(piece)
            yield piece
    except (ConnectionLost, ItemTruncated) as error:
        broken.append(error.message)


def _read(ssh: Transport, path: bytes, check: ContentCheck, size: int, broken: list[str]) -> Iterator[bytes]:
    read = 0
    try:
        for piece in ssh.read_file(path):
            read += len(piece)
            check.feed(piece)
            yield piece
    except OSError as error:
        broken.append(f"it cannot be read: {error.strerror or type(error).__name__}")
        return
    if read != size:
        broken.append(f"{read} bytes were read, it has {size}")


def _checked(content: Iterable[bytes], check: ContentCheck) -> Iterator[bytes]:
    for piece in content:
        check.feed(piece)
        yield piece


def _removal(rest: StarfaceRest, job: str) -> str:
    with contextlib.suppress(RecoveryError):
        return f"GET {rest.path_of(job)} fetches and removes it"
    return "remove it there"


def _clock_of(ssh: Transport) -> float | None:
    """Seconds since the epoch by the appliance's clock; None where the account runs no commands."""
    with contextlib.suppress(CommandsRefused):
        told = ssh.run(["date", "+%s"], deadline=30).text.strip()
        if told.isascii() and told.isdigit():
            return float(told)
    return None


def _newest(ssh: Transport, folder: bytes) -> FileStatus:
    """The newest backup file by the appliance's own clock. Raises NoArchive."""
    files = [one for one in _listed(ssh, folder) if one.kind == "file" and one.name.lower().endswith(ENDING)]
    if not files:
        raise NoArchive(
            "There is no backup file",
            host=ssh.host,
            item=path_to_text(folder),
            hint="Does a backup configuration of this name write to the appliance's own disk (Festplatte Server)?",
        )
    return max(files, key=lambda one: (one.mtime, one.name))


def _listed(ssh: Transport, folder: bytes) -> list[FileStatus]:
    try:
        return ssh.list_dir(folder)
    except OSError as error:
        raise NoArchive(
            f"The folder cannot be listed: {error.strerror or type(error).__name__}",
            host=ssh.host,
            item=path_to_text(folder),
            hint="Check backup_name, and whether the account may read there.",
        ) from None
