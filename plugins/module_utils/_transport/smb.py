# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a Windows host over SMB 3: login by smbprotocol, every message encrypted, links never followed."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from .._errors import HostileContent
from .._libraries import require
from . import smb_messages as smb
from .smb_channel import Answer
from .smb_paths import ancestors, folders_to, moment_of, parent, plain_name, split
from .smb_reading import OpenFile, Swarm, open_to_read, windows_file
from .smb_session import SmbOptions, SmbSession
from .smb_share import Share
from .smb_status import CANNOT_DELETE, NO_MORE_FILES, NO_SUCH_FILE, SUCCESS, file_error
from .smb_way import LOOKING, NEVER_FOLLOW, REPARSE, Way, leads_elsewhere, open_to_look, read_link
from .smb_writing import NORMAL, READ_ONLY, TEMPORARY_NAME, clear_read_only, patiently, write_file
from .windows_files import SETTABLE, Taken, WindowsFile, WindowsFiles

__all__ = ["TEMPORARY_NAME", "SmbFiles", "SmbOptions"]

LISTING = 512 * 1024
"""Bytes of names that one request asks for."""
MOST_NAMES = 5_000_000
"""Names in one folder; a host that sends more is not honest."""
_AUTO_INHERITED, _AUTO_INHERIT_REQUEST = 0x0400, 0x0100


class SmbFiles(WindowsFiles):
    """Opens itself on first use, and again after the connection broke.

    Files are opened for sharing with everybody, and with the right to back up and restore where the account has it.

    :raises OptionInvalid, LibraryMissing: at once, for options that cannot be
    """

    def __init__(self, options: SmbOptions) -> None:
        require("smbprotocol", "cryptography")
        self.host = options.host
        self._session = SmbSession(options)
        self._moment: int | None = None

    def connect(self) -> None:
        """Reach the host and log in, when that has not happened yet. Raises ConnectionFailed, AuthenticationFailed."""
        self._session.connect()

    # --- looking and reading -----------------------------------------------------------------------------------------
    def stat(self, path: str) -> WindowsFile:
        share, inner = self._reach(path)
        return self._look(share, inner, path)

    def list_folder(self, path: str) -> list[WindowsFile]:
        share, inner = self._place(path)
        way = Way(share, folders_to(inner), path, self._moment)
        create = smb.create(
            inner, smb.READ_DATA | LOOKING, options=smb.DIRECTORY_FILE | NEVER_FOLLOW, moment=self._moment
        )
        room = min(LISTING, share.login.largest_answer)
        # most folders are told by the first answer, and the second one says that this was all
        ticket = share.submit([create, smb.query_directory(room), smb.query_directory(smb.UNIT)])
        try:
            way.check()
        except BaseException:
            share.drop(ticket)
            raise
        opened, *answers = share.collect(ticket)
        if opened.status != SUCCESS:
            raise file_error(opened.status, path)
        handle = smb.created(opened.body)[0]
        try:
            return sorted(self._names(share, handle, answers, path), key=lambda one: one.name)
        finally:
            share.let_close(handle)

    def read(self, path: str, start: int = 0) -> Iterator[bytes]:
        share, inner = self._reach(path)
        file = self._look(share, inner, path)
        if file.kind != "file":
            raise PermissionError(errno.EACCES, f"is a {file.kind}, not a file", path)
        answer = share.exchange(open_to_read(inner, file, self._moment))[0]
        if answer.status != SUCCESS:
            raise file_error(answer.status, path)
        reading = OpenFile(share, path, *smb.created(answer.body))
        try:
            yield from reading.pieces(start)
        finally:
            reading.drop()

    def take(self, folder: str, files: Sequence[WindowsFile]) -> Iterator[Taken]:
        share, inner = self._place(folder)
        way = Way(share, folders_to(inner), folder, self._moment)
        yield from Swarm(share, inner, folder.rstrip("\\"), self._moment).take(files, way)

    def read_security(self, path: str) -> bytes:
        share, inner = self._reach(path)
        messages = [open_to_look(inner, self._moment), smb.query_security(), smb.close()]
        return smb.answer_of(share.run(path, *messages)[1].message)

    def read_link(self, path: str) -> bytes:
        share, inner = self._reach(path)
        return read_link(share, inner, path, self._moment)

    def free_space(self, path: str) -> int:
        share, inner = self._place(path)
        question = smb.query(smb.FILE_SYSTEM, smb.FULL_SIZE, 32)
        while True:
            try:
                answers = share.run(path, open_to_look(inner, self._moment), question, smb.close())
            except FileNotFoundError:
                if not inner:
                    raise
                inner = parent(inner)
                continue
            data = smb.answer_of(answers[1].message)
            units = int.from_bytes(data[8:16], "little")
            return units * int.from_bytes(data[24:28], "little") * int.from_bytes(data[28:32], "little")

    def snapshots(self, path: str) -> list[str]:
        drive, _inner = split(path)
        share = self._session.share(drive)
        create = smb.create("", smb.READ_DATA | LOOKING, options=NEVER_FOLLOW)
        question = smb.control(smb.ENUMERATE_SNAPSHOTS, b"", smb.UNIT)
        try:
            answers = share.run(path, create, question, smb.close())
        except OSError as error:
            if error.errno != errno.EOPNOTSUPP:
                raise
            return []  # a disk that never had one
        names = smb.output_of(answers[1].message)[12:].decode("utf-16-le", "replace").split("\0")
        return sorted(name for name in names if name.startswith("@GMT-"))

    def at(self, snapshot: str) -> SmbFiles:
        try:
            moment = moment_of(snapshot)
        except ValueError:
            raise FileNotFoundError(errno.ENOENT, "is no name of a shadow copy", snapshot) from None
        other = _SnapshotFiles.__new__(_SnapshotFiles)
        other.host, other._session, other._moment = self.host, self._session, moment
        return other

    # --- changing ----------------------------------------------------------------------------------------------------
    def write(self, path: str, content: Iterable[bytes], security: bytes | None = None) -> None:
        with self._pinned(path) as (share, inner):
            write_file(share, inner, path, content, _to_set(security))

    def make_folder(self, path: str, security: bytes | None = None) -> None:
        with self._pinned(path) as (share, inner):
            create = smb.create(
                inner,
                LOOKING,
                disposition=smb.NEW,
                options=smb.DIRECTORY_FILE | NEVER_FOLLOW,
                security=_to_set(security),
            )
            share.run(path, create, smb.close())

    def make_link(self, path: str, link: bytes, folder: bool) -> None:
        with self._pinned(path) as (share, inner):
            create = smb.create(
                inner,
                smb.WRITE_DATA | smb.WRITE_ATTRIBUTES | smb.DELETE | LOOKING,
                disposition=smb.NEW,
                options=NEVER_FOLLOW | (smb.DIRECTORY_FILE if folder else smb.NON_DIRECTORY_FILE),
            )
            with share.opened(path, create) as (handle, _facts):
                status = share.exchange(smb.control(smb.SET_REPARSE_POINT, link, 0, handle))[0].status
                if status != SUCCESS:
                    share.exchange(smb.remove_on_close(True, handle))
                    raise file_error(status, path)

    def remove(self, path: str) -> None:
        with self._pinned(path) as (share, inner):
            patiently(partial(self._remove_one, share, inner, path))

    def set_facts(self, path: str, attributes: int, created: int, written: int) -> None:
        with self._pinned(path) as (share, inner):
            self._set_facts(share, inner, path, attributes, created, written)

    def write_security(self, path: str, security: bytes) -> None:
        with self._pinned(path) as (share, inner):
            access = smb.WRITE_DAC | smb.WRITE_OWNER | smb.READ_CONTROL | smb.SYNCHRONIZE
            create = smb.create(inner, access, options=NEVER_FOLLOW)
            change = smb.change_security(_to_set(security) or b"")
            share.run(path, create, change, smb.close())

    def close(self) -> None:
        self._session.close()

    # -----------------------------------------------------------------------------------------------------------------
    def _place(self, path: str) -> tuple[Share, str]:
        """The share and the path in it."""
        drive, inner = split(path)
        return self._session.share(drive), inner

    def _reach(self, path: str) -> tuple[Share, str]:
        """The same, when the folders above are no links."""
        share, inner = self._place(path)
        Way(share, ancestors(inner), path, self._moment).check()
        return share, inner

    def _look(self, share: Share, inner: str, path: str) -> WindowsFile:
        create = smb.create(inner, smb.READ_ATTRIBUTES, options=NEVER_FOLLOW, moment=self._moment)
        facts = smb.created(share.run(path, create, smb.close())[0].body)[1]
        tag = 0
        if facts.attributes & REPARSE:
            tag = int.from_bytes(read_link(share, inner, path, self._moment)[:4], "little")
        return windows_file(inner.rpartition("\\")[2] or path.rstrip("\\"), facts, tag)

    def _names(self, share: Share, handle: bytes, answers: Sequence[Answer], path: str) -> Iterator[WindowsFile]:
        coming, count = list(answers), 0
        while True:
            answer = coming.pop(0) if coming else share.exchange(smb.query_directory(smb.UNIT, handle))[0]
            if answer.status in (NO_MORE_FILES, NO_SUCH_FILE):
                return
            if answer.status != SUCCESS:
                raise file_error(answer.status, path)
            for name, facts, tag in smb.listed(smb.answer_of(answer.message)):
                if name in (".", ".."):
                    continue
                count += 1
                if not plain_name(name) or count > MOST_NAMES:
                    raise HostileContent(
                        f"The host lists a name in {path} that no file can have ({name[:80]!r})", host=self.host
                    )
                yield windows_file(name, facts, tag)

    def _remove_one(self, share: Share, inner: str, path: str) -> None:
        status = self._remove(share, inner)
        if status == CANNOT_DELETE:
            file = self._look(share, inner, path)
            clear_read_only(share, inner, path, file.attributes)
            status = self._remove(share, inner)
            if status != SUCCESS and file.attributes & READ_ONLY:
                with contextlib.suppress(OSError):
                    self._set_facts(share, inner, path, file.attributes, 0, 0)
        if status != SUCCESS:
            raise file_error(status, path)

    def _remove(self, share: Share, inner: str) -> int:
        access = smb.DELETE | smb.READ_ATTRIBUTES | smb.SYNCHRONIZE
        messages = [smb.create(inner, access, options=NEVER_FOLLOW), smb.remove_on_close(True), smb.close()]
        answers = share.exchange(*messages)
        if answers[0].status == SUCCESS and answers[-1].status != SUCCESS:
            share.let_close(smb.created(answers[0].body)[0])
        return next((answer.status for answer in answers[:2] if answer.status != SUCCESS), SUCCESS)

    def _set_facts(self, share: Share, inner: str, path: str, attributes: int, created: int, written: int) -> None:
        create = smb.create(inner, smb.WRITE_ATTRIBUTES | smb.SYNCHRONIZE, options=NEVER_FOLLOW)
        change = smb.change_facts(attributes & SETTABLE or NORMAL, created, written)
        share.run(path, create, change, smb.close())

    @contextlib.contextmanager
    def _pinned(self, path: str) -> Iterator[tuple[Share, str]]:
        """The share and the path in it, while the folders above are held open: nobody can put a link in their place."""
        if self._moment is not None:
            raise PermissionError(errno.EROFS, "a shadow copy is only read", path)
        share, inner = self._place(path)
        if not inner:
            raise PermissionError(errno.EACCES, "is a drive, which is never written", path)
        holding = smb.READ_DATA | smb.READ_ATTRIBUTES | smb.SYNCHRONIZE
        options = smb.DIRECTORY_FILE | NEVER_FOLLOW
        letting = smb.SHARE_READ | smb.SHARE_WRITE
        above = ancestors(inner)
        tickets = [share.submit([smb.create(one, holding, share=letting, options=options)]) for one in above]
        answers = [share.collect(ticket)[0] for ticket in tickets]
        held = [smb.created(answer.body) for answer in answers if answer.status == SUCCESS]
        try:
            for folder, answer in zip(above, answers):
                if answer.status != SUCCESS:
                    raise file_error(answer.status, path)
                if smb.created(answer.body)[1].attributes & REPARSE and leads_elsewhere(share, folder, path):
                    raise PermissionError(errno.EACCES, f"{folder} is a link, and links are not followed", path)
            yield share, inner
        finally:
            share.close([handle for handle, _facts in held])


class _SnapshotFiles(SmbFiles):
    """The files as they were; the session is another one's."""

    def close(self) -> None:
        """The session goes on. Nothing of the shadow copy is open any more, so that it can be removed."""
        self._session.settle()


def _to_set(security: bytes | None) -> bytes | None:
    """A descriptor as it is sent: that its DACL was inherited is kept only when it is asked for (MS-DTYP 2.4.6)."""
    if security is None or len(security) < 20:
        return security
    bits = int.from_bytes(security[2:4], "little")
    if bits & _AUTO_INHERITED:
        bits |= _AUTO_INHERIT_REQUEST
    return security[:2] + bits.to_bytes(2, "little") + security[4:]
