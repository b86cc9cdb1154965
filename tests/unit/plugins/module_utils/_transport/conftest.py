# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import pathlib
import tempfile

import pytest
from sshd import HAS_ACCOUNTS, SSHD, WITHOUT_ACCOUNTS, WITHOUT_SSHD, Account, Sshd

NOISY_SHELL = """#!/bin/sh
echo "Welcome to the PBX, ucops--start"
echo "disk is 81 % full" >&2
exec /bin/sh "$@"
"""


CONFIG = """
Match User files
  ForceCommand internal-sftp
Match User careful
  AuthenticationMethods publickey,password
"""


@pytest.fixture(scope="session")
def server():
    """One OpenSSH server with accounts: who may sudo, how, and who may not."""
    if not HAS_ACCOUNTS:
        pytest.skip(WITHOUT_ACCOUNTS)
    with tempfile.TemporaryDirectory(prefix="ucops-shells-") as folder:
        os.chmod(folder, 0o755)
        noisy = pathlib.Path(folder, "noisy")
        noisy.write_text(NOISY_SHELL)
        noisy.chmod(0o755)
        with Sshd(_accounts(str(noisy)), CONFIG, sudoers="Defaults:tty requiretty\nDefaults:pty use_pty") as one:
            yield one


def _accounts(noisy_shell: str) -> list[Account]:
    return [
        Account("ops", password="pass wörd", sudo="ALL"),
        Account("trusted", password="x", sudo="ALL=(ALL) NOPASSWD: ALL"),
        Account("nobodys", password="x"),
        Account("noisy", password="x", sudo="ALL", shell=noisy_shell),
        Account("files", password="x"),
        Account("menu", password="x", shell="/usr/sbin/nologin"),
        Account("careful", password="both"),
        Account("pty", password="x", sudo="ALL"),
        Account("tty", password="x", sudo="ALL"),
    ]


@pytest.fixture
def plain_server():
    """An OpenSSH server of a test's own, with nothing but the caller's account."""
    if SSHD is None:
        pytest.skip(WITHOUT_SSHD)
    with Sshd() as one:
        yield one
