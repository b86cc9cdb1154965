# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the stand-in is and how it behaves; tests set the fields."""

from __future__ import annotations

import io
import threading
import zipfile
from dataclasses import dataclass, field

PASSWORD = "pl4nted-Passw0rd-ü"
CLIENT_SECRET = "pl4nted-cl1ent"
TOKEN_MARK = "pl4nted-t0ken"


def archive(filler: int = 4000, secret: str = "s1p-s3cret") -> bytes:
    """A file as a backup might be. Nothing is published of a real one."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as packed:
        packed.writestr(zipfile.ZipInfo("dump.sql"), f"INSERT INTO account VALUES ('{secret}');\n" + "x" * filler)
    return out.getvalue()


@dataclass
class Appliance:
    """``login``: oauth, nonce or directory. ``base``: where the interface is. ``backups``: whether it makes backups.

    ``busy``: how often it says that another backup runs, and ``busy_way`` how. ``error``: a backup fails with it, in
    which ``{token}`` is the newest token. ``steps``: progress, one look after another. ``cuts``: how many downloads
    break off. ``told_length`` False: the answer ends with the connection. ``expire_after``: so many requests, then the
    token is not taken any more. ``calls``: None when it does not tell. ``outcome`` of a restore: SUCCESS, FAILED,
    ``forgotten`` (the job is unknown afterwards) or ``nameless`` (no job is named). ``away``: how many requests find
    nobody after a restore. ``slow``: seconds before each answer. ``looks_lost``: how many looks at a job find the
    connection broken, ``looks_refused``: how many get status 503. ``run_lost``: the connection breaks when a backup was
    begun. ``restore_looks``: how many looks at a restore's job it takes until that is done.
    """

    version: str = "10.0.2.5"
    base: str = "/rest"
    backups: bool = True
    login: str = "oauth"
    username: str = "backup"
    password: str = PASSWORD
    client_secret: str = CLIENT_SECRET
    may_backup: bool = True
    lost_go_to_login: bool = False
    archive: bytes = field(default_factory=archive)
    delivers: bytes | None = None
    busy: int = 0
    busy_way: str = "state"
    error: str = ""
    steps: list[float] = field(default_factory=lambda: [0.0, 0.5, 1.0])
    never_done: bool = False
    looks_lost: int = 0
    looks_refused: int = 0
    run_lost: bool = False
    restore_looks: int = 1
    cuts: int = 0
    cut_at: int = 1000
    told_length: bool = True
    other_second_time: bool = False
    keeps_forever: bool = False
    expire_after: int | None = None
    refresh_works: bool = True
    calls: int | None = 0
    outcome: str = "SUCCESS"
    away: int = 2
    slow: float = 0.0
    file_part: str = "file"

    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    jobs: dict[str, dict[str, object]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    delivered: set[str] = field(default_factory=set)
    tokens: dict[str, int] = field(default_factory=dict)
    restored: list[bytes] = field(default_factory=list)
    restored_parts: list[dict[str, str]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    absent: int = 0
    logins: int = 0
    refreshes: int = 0
