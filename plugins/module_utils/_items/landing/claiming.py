# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Taking what is stable out of the sender's reach, and letting it go when it is in the repository.

A claim is a folder ``taken/<claim>/`` with the files of one backup, named ``0``, ``1``, ..., and a note that says what
they are. The note's name is the state, and each step between two states is one rename:

* no note: nothing was moved yet; the folder is removed
* ``claim.json``: the files are being moved, or were; they are to be read, and may be in the repository already. What
  cannot be read stays so, and each run tries again
* ``done.json``: they are in the repository; what is left is to remove them, or to put them back for people to see

What comes after is noted from the start, so that the last step is a rename and needs no room on a full disk.

Killed between any two steps, :func:`recover` goes on where it stopped. Only the holder of the zone's lock may call
anything here.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

from ..._entries import path_from_text, path_to_text
from .durable import WRITING, keep_room, sync_folder, with_room, write_note
from .facts import FileFacts
from .grouping import Batch
from .judging import Arrival
from .kept import Kept, KeptFile
from .open_files import being_written
from .scanning import open_folder
from .zone import LandingDamaged, Zone

CLAIM_NOTE = b"claim.json"
DONE_NOTE = b"done.json"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class ClaimedFile:
    """A file as it was when it was taken. ``received_ns``: since when it was so; ``mode``, ``uid`` and ``gid`` as the
    sender left them."""

    facts: FileFacts
    received_ns: int
    mode: int
    uid: int
    gid: int

    def to_json(self) -> dict[str, Any]:
        facts = {name: getattr(self.facts, name) for name in _NUMBERS}
        own = {name: getattr(self, name) for name in ("received_ns", "mode", "uid", "gid")}
        return {"name": path_to_text(self.facts.name), **facts, **own}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> ClaimedFile:
        facts = FileFacts(path_from_text(data["name"]), **{name: int(data[name]) for name in _NUMBERS})
        return cls(facts, int(data["received_ns"]), int(data["mode"]), int(data["uid"]), int(data["gid"]))


_NUMBERS = ("device", "inode", "size", "stored", "mtime_ns", "ctime_ns", "links")


@dataclass(frozen=True)
class Afterwards:
    """What becomes of the files once they are in the repository: they are removed, or put back for people and
    appliances to see, of which the newest ``keep`` backups stay."""

    keeps: bool = False
    keep: int = 5


@dataclass(frozen=True)
class Claim:
    """Files of one backup that were taken. ``head``: hash of the newest generation before they were first read, so that
    a run that follows a killed one knows whether that one committed them. ``locked``: each file as it was when its
    sender had lost all rights to it, which its reading is held against; it is not noted, since that is done anew in
    every run."""

    zone: Zone
    name: str
    files: tuple[ClaimedFile, ...]
    head: str
    afterwards: Afterwards = Afterwards()
    locked: tuple[FileFacts, ...] = ()

    @property
    def folder(self) -> bytes:
        """Where the files lie."""
        return os.path.join(self.zone.taken, self.name.encode("ascii"))

    def place(self, number: int) -> bytes:
        """The absolute path of one file."""
        return os.path.join(self.folder, b"%d" % number)


class NotTaken(Exception):
    """A file changed, or was opened again, at the last moment; all is back where it was. The message says what."""


def take(zone: Zone, batch: Batch, head: str, afterwards: Afterwards = Afterwards()) -> Claim:
    """Move the files of a stable batch out of the sender's reach.

    :param head: hash of the newest generation of the line, empty when there is none
    :raises NotTaken: somebody touched one of them meanwhile
    :raises OSError: nothing can be written or moved
    """
    claim = Claim(zone, f"{max(0, batch.received_ns):020d}-{secrets.token_hex(6)}", (), head, afterwards)
    with_room(zone.taken, lambda: os.mkdir(claim.folder, 0o700))
    noted = False
    try:
        with _last_moment():
            claim = replace(claim, files=tuple(_as_it_is(zone, one) for one in batch.arrivals))
            _write_note(claim)
            noted = True
            _move_in(claim)
            claim = replace(claim, locked=_lock_out(claim))
    except (NotTaken, OSError):
        with suppress(OSError):
            if noted:
                put_back(claim)
            else:
                _remove_folder(claim.folder)
        raise
    return claim


def recover(zone: Zone) -> list[Claim]:
    """Go on where a killed run stopped, and return the claims that are still to be read, the oldest first.

    To be called at the begin of every run: it also sets room aside for the notes of this one.
    """
    keep_room(zone.taken)
    waiting = []
    for name in sorted(os.listdir(zone.taken)):
        if name.startswith(b"."):
            continue
        folder = os.path.join(zone.taken, name)
        notes = set(os.listdir(folder))
        if DONE_NOTE in notes:
            _let_go(_read_note(zone, name, DONE_NOTE))
        elif CLAIM_NOTE in notes:
            claim = _completed(_read_note(zone, name, CLAIM_NOTE))
            if claim is not None:
                waiting.append(claim)
        elif notes <= {CLAIM_NOTE + WRITING}:
            _remove_folder(folder)
    return waiting


def unfinished(zone: Zone) -> list[tuple[list[bytes], bool]]:
    """The names of the files of each claim, and whether it is in the repository; for people, and without the lock."""
    found = []
    for name in sorted(os.listdir(zone.taken)):
        for note in (DONE_NOTE, CLAIM_NOTE) if not name.startswith(b".") else ():
            with suppress(FileNotFoundError):
                found.append(([one.facts.name for one in _read_note(zone, name, note).files], note == DONE_NOTE))
                break
    return found


def _completed(claim: Claim) -> Claim | None:
    """Move what is still to be moved; when that cannot be any more, put everything back."""
    try:
        with _last_moment():
            _move_in(claim)
            return replace(claim, locked=_lock_out(claim))
    except NotTaken:
        put_back(claim)
        return None


def put_back(claim: Claim) -> list[bytes]:
    """Give everything back to the sender as it was. What got a successor of the same name meanwhile stays taken: its
    names are returned, and the claim stays."""
    stuck = []
    for number, one in enumerate(claim.files):
        if _exists(claim.place(number)):
            _set(claim.place(number), one.uid, one.gid, one.mode)
            if not _return_file(claim, number):
                stuck.append(one.facts.name)
    if not stuck:
        _remove_folder(claim.folder)
    return stuck


def finish(claim: Claim) -> None:
    """The files are in the repository: remove them, or put them back, read-only."""
    os.rename(os.path.join(claim.folder, CLAIM_NOTE), os.path.join(claim.folder, DONE_NOTE))
    sync_folder(claim.folder)
    _let_go(claim)


def _let_go(claim: Claim) -> None:
    if claim.afterwards.keeps:
        shown = [one.facts for number, one in enumerate(claim.files) if _show(claim, number)]
        now = [_look_at(claim.zone, one.name) for one in shown]
        ours = [KeptFile.of(new) for old, new in zip(shown, now) if new is not None and new.identity == old.identity]
        Kept.load(claim.zone).add(claim.name, ours, claim.afterwards.keep)
    _remove_folder(claim.folder)


def _show(claim: Claim, number: int) -> bool:
    """Put a file back where it came from, readable by its sender's group and changeable by nobody but this user."""
    place, one = claim.place(number), claim.files[number]
    if not _exists(place):
        return True  # a run that was killed did it
    _set(place, os.geteuid(), one.gid, 0o440)
    return _return_file(claim, number, _seal_folder)


def _seal_folder(folder: int) -> None:
    """Let nobody remove or replace another one's file or folder in a folder that the sender made: sticky, and owned by
    this user. What its owner could do, its group can do then. All folders on the way to a file have to be so: whoever
    may rename one of them can put another in its place."""
    with suppress(OSError):
        status = os.fstat(folder)
        mode = stat.S_IMODE(status.st_mode)
        if status.st_uid != os.geteuid():
            os.fchown(folder, os.geteuid(), -1)
            os.fchmod(folder, mode | ((mode & 0o700) >> 3) | stat.S_ISVTX)
        elif mode & 0o022 and not mode & stat.S_ISVTX:
            os.fchmod(folder, mode | stat.S_ISVTX)


def _return_file(claim: Claim, number: int, on_the_way: Callable[[int], None] = lambda folder: None) -> bool:
    """Link a file to its old name, unless something is there, and forget it here. True when it is there now."""
    place, one = claim.place(number), claim.files[number].facts
    try:
        with _parent(claim.zone, one.name, make=True, on_the_way=on_the_way) as (folder, last):
            try:
                os.link(place, last, dst_dir_fd=folder, follow_symlinks=False)
            except FileExistsError:
                status = os.stat(last, dir_fd=folder, follow_symlinks=False)
                if (status.st_dev, status.st_ino) != one.identity:
                    return False
            os.fsync(folder)
    except OSError as error:
        if error.errno in _ANOTHER_THING:
            return False
        raise
    os.unlink(place)
    return True


# --- single steps ----------------------------------------------------------------------------------------------------
_ANOTHER_THING = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


@contextmanager
def _last_moment() -> Iterator[None]:
    """What was looked at is not there any more, or became something else."""
    try:
        yield
    except OSError as error:
        if error.errno not in _ANOTHER_THING:
            raise
        raise NotTaken("A file or folder went away at the last moment") from None


def _as_it_is(zone: Zone, arrival: Arrival) -> ClaimedFile:
    facts = arrival.facts
    with _parent(zone, facts.name) as (folder, last):
        status = os.stat(last, dir_fd=folder, follow_symlinks=False)
    _demand_untouched(facts, status)
    return ClaimedFile(facts, arrival.received_ns, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)


def _demand_untouched(facts: FileFacts, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode) or not facts.is_same_state(FileFacts.of(facts.name, status)):
        raise _touched(facts.name, "touched")


def _touched(name: bytes, what: str) -> NotTaken:
    return NotTaken(f"{path_to_text(name)} was {what} at the last moment")


def _move_in(claim: Claim) -> None:
    handle = os.open(claim.folder, _FOLDER)
    try:
        for number, one in enumerate(claim.files):
            if not _exists(claim.place(number)):
                with _parent(claim.zone, one.facts.name) as (folder, last):
                    _demand_untouched(one.facts, os.stat(last, dir_fd=folder, follow_symlinks=False))
                    os.rename(last, b"%d" % number, src_dir_fd=folder, dst_dir_fd=handle)
            status = os.lstat(claim.place(number))
            # a name may have got another file between the look and the rename
            if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
                raise _touched(one.facts.name, "replaced")
            if not one.facts.is_same_content(FileFacts.of(one.facts.name, status)):
                raise _touched(one.facts.name, "touched")
        os.fsync(handle)
    finally:
        os.close(handle)


def _lock_out(claim: Claim) -> tuple[FileFacts, ...]:
    """Take the files' rights from the sender: a name or handle that is known from before opens them no more. From now
    on each is as it is told here, its ``ctime`` included, unless a handle that was open before is written to."""
    locked = []
    for number, one in enumerate(claim.files):
        _set(claim.place(number), os.geteuid(), -1, 0o400)
        locked.append(FileFacts.of(one.facts.name, os.lstat(claim.place(number))))
        if not one.facts.is_same_content(locked[-1]):
            raise _touched(one.facts.name, "touched")
    writers, _all_seen = being_written({one.facts.identity for one in claim.files}, claim.zone.ignore_writers)
    for one in claim.files:
        if one.facts.identity in writers:
            raise _touched(one.facts.name, "opened for writing")
    return tuple(locked)


def _set(path: bytes, uid: int, gid: int, mode: int) -> None:
    """Owner and mode of what was taken. Nothing but this user changes names in there, so no link is followed."""
    status = os.lstat(path)
    if not stat.S_ISREG(status.st_mode):
        return
    if status.st_uid != uid or gid not in (-1, status.st_gid):
        os.chown(path, uid, gid)
    os.chmod(path, mode)


@contextmanager
def _parent(
    zone: Zone, name: bytes, make: bool = False, on_the_way: Callable[[int], None] = lambda folder: None
) -> Iterator[tuple[int, bytes]]:
    """The folder of a file in ``incoming``. ``make``: one that its sender removed meanwhile is made anew.
    ``on_the_way`` is told each folder, from ``incoming`` down."""
    handle, last = open_folder(zone, name, make=make, on_the_way=on_the_way)
    try:
        yield handle, last
    finally:
        os.close(handle)


def _exists(path: bytes) -> bool:
    return os.path.lexists(path)


def _look_at(zone: Zone, name: bytes) -> FileFacts | None:
    try:
        with _parent(zone, name) as (folder, last):
            return FileFacts.of(name, os.stat(last, dir_fd=folder, follow_symlinks=False))
    except OSError:
        return None


def _write_note(claim: Claim) -> None:
    data = {
        "files": [one.to_json() for one in claim.files],
        "head": claim.head,
        "keeps": claim.afterwards.keeps,
        "keep": claim.afterwards.keep,
    }
    write_note(claim.zone.taken, os.path.join(claim.folder, CLAIM_NOTE), json.dumps(data).encode("ascii"))
    sync_folder(claim.zone.taken)


def _read_note(zone: Zone, name: bytes, note: bytes) -> Claim:
    with open(os.path.join(zone.taken, name, note), "rb") as handle:
        content = handle.read()
    try:
        data = json.loads(content)
        files = tuple(ClaimedFile.from_json(one) for one in data["files"])
        afterwards = Afterwards(bool(data["keeps"]), int(data["keep"]))
        return Claim(zone, name.decode("ascii"), files, str(data["head"]), afterwards)
    except (KeyError, TypeError, ValueError):
        raise LandingDamaged(
            "This note of files that were taken cannot be understood",
            item=path_to_text(os.path.join(zone.taken, name, note)),
            hint="The files lie beside it: put them back into incoming by hand, and remove the folder.",
        ) from None


def _remove_folder(folder: bytes) -> None:
    """Remove a claim, its note last: what a kill leaves is still understood."""
    for name in sorted(os.listdir(folder), key=lambda one: one in (CLAIM_NOTE, DONE_NOTE)):
        os.unlink(os.path.join(folder, name))
    os.rmdir(folder)
    sync_folder(os.path.dirname(folder))
