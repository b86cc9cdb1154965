# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Private database servers, each in a folder of its own, reachable only by a socket in it."""

from __future__ import annotations

import glob
import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile
import time

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._transport.local import LocalTransport

ACCOUNT = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
PASSWORD = "a\"b'c\\d e#f;$x%ü"
"""Nothing in a client's option file, a shell or SQL may trip over it."""


def as_account(*command: str) -> list[str]:
    """Database servers refuse to run as root."""
    return ["runuser", "-u", ACCOUNT, "--", *command] if os.geteuid() == 0 else list(command)


@pytest.fixture(scope="session")
def server_folder():
    with tempfile.TemporaryDirectory(prefix="ucops-db-", ignore_cleanup_errors=True) as folder:
        shutil.chown(folder, ACCOUNT)
        yield pathlib.Path(folder)


@pytest.fixture(scope="session")
def mysql_socket(server_folder):
    """A MariaDB or MySQL server whose root has no password."""
    if not shutil.which("mariadbd", path="/usr/sbin:/usr/local/sbin:/usr/bin") or not shutil.which(
        "mariadb-install-db"
    ):
        pytest.skip("left out: no MariaDB server (package mariadb-server)")
    folder = server_folder / "mysql"
    folder.mkdir()
    shutil.chown(folder, ACCOUNT)
    common = ["--no-defaults", f"--datadir={folder}/data"]
    install = ["mariadb-install-db", *common, "--auth-root-authentication-method=normal", "--skip-test-db"]
    subprocess.run(as_account(*install), check=True, capture_output=True, cwd="/")
    small = [
        "--innodb-buffer-pool-size=16M",
        "--innodb-log-file-size=8M",
        "--performance-schema=0",
        "--skip-networking",
    ]
    socket = folder / "socket"
    command = ["/usr/sbin/mariadbd", *common, f"--socket={socket}", f"--pid-file={folder}/pid", *small]
    with open(folder / "log", "wb") as log:
        server = subprocess.Popen(as_account(*command), stdout=log, stderr=log, cwd="/")
    for _attempt in range(300):
        if (
            subprocess.run(
                ["mariadb-admin", "-u", "root", "-S", str(socket), "ping"], capture_output=True, check=False
            ).returncode
            == 0
        ):
            break
        time.sleep(0.1)
    else:
        raise RuntimeError((folder / "log").read_text())
    yield str(socket)
    subprocess.run(["mariadb-admin", "-u", "root", "-S", str(socket), "shutdown"], check=True)
    server.wait()


@pytest.fixture(scope="session")
def postgresql_socket(server_folder):
    """A PostgreSQL server; its superuser postgres has the password ``admin``. Gives the folder of its socket."""
    programs = sorted(glob.glob("/usr/lib/postgresql/*/bin")) or [os.path.dirname(shutil.which("initdb") or "/")]
    programs = pathlib.Path(programs[-1])
    if not (programs / "initdb").exists() or not shutil.which("psql"):
        pytest.skip("left out: no PostgreSQL server (package postgresql)")
    folder = server_folder / "postgresql"
    folder.mkdir()
    (folder / "password").write_text("admin\n")
    for path in (folder, folder / "password"):
        shutil.chown(path, ACCOUNT)
    data = folder / "data"
    make = [str(programs / "initdb"), "-D", str(data), "-U", "postgres", "-A", "scram-sha-256", "-N", "-E", "UTF8"]
    subprocess.run(as_account(*make, f"--pwfile={folder}/password"), check=True, capture_output=True, cwd="/")
    control = as_account(str(programs / "pg_ctl"), "-D", str(data), "-w")
    settings = f"-k {folder} -c listen_addresses='' -c fsync=off"
    subprocess.run(
        [*control, "-l", str(folder / "log"), "-o", settings, "start"], check=True, capture_output=True, cwd="/"
    )
    yield str(folder)
    subprocess.run([*control, "-m", "fast", "stop"], check=True, capture_output=True, cwd="/")


@pytest.fixture
def host():
    with LocalTransport("pbx") as transport:
        yield transport


@pytest.fixture(scope="module")
def password(request):
    """One for each file: it is looked for in all processes of the machine, where another file's tests may run."""
    return PASSWORD.replace("e#f", f"{pathlib.Path(request.path).stem}#f")
