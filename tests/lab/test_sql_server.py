# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A database through real SMB: the stand-in for SQL Server writes into a folder that a real file server serves.

And the stand-in itself, asked by a client that knows nothing of us: FreeTDS.
"""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from support.certificates import Authority
from support.modules import run_module, run_unsealing
from support.repositories import SECRET, TestRepository
from support.sql_server_site import PASSWORD, chat
from support.sql_server_stand_in import Engine, StandIn
from support.sql_server_stand_in.disk import FolderDisk
from support.store import Store

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    AuthenticationFailed,
    RestoreFailed,
    RestoreRefused,
)
from ansible_collections.ucops.recovery.plugins.module_utils._items import sql_statements
from ansible_collections.ucops.recovery.plugins.module_utils._products.mssql import Mssql
from ansible_collections.ucops.recovery.plugins.module_utils._transport.smb import SmbFiles, SmbOptions
from ansible_collections.ucops.recovery.plugins.module_utils._transport.tds import SqlServerTransport, TdsOptions
from ansible_collections.ucops.recovery.plugins.module_utils._transport.windows import WindowsTransport
from ansible_collections.ucops.recovery.plugins.module_utils._transport.winrm import WinRm, WinRmOptions
from lab.machine import PATH
from lab.windows.host import WindowsHost
from lab.windows.samba import SambaServer, small_disk, why_not

FILE_PASSWORD = "Planted-file-word-8"
ROOM = 4 * 2**20


@dataclass
class Site:
    """The stand-in, its host's drive and the file server in front of it."""

    engine: Engine
    server: StandIn
    samba: SambaServer
    drive: pathlib.Path
    authority: Authority

    def transport(
        self, *, file_password: str = FILE_PASSWORD, partners: Sequence[WindowsTransport] = (), **options: Any
    ) -> SqlServerTransport:
        files = SmbFiles(
            SmbOptions(
                host=self.samba.address,
                port=int(self.samba.port or 0),
                username=self.samba.administrator,
                password=file_password,
            )
        )
        known = {"username": "backup", "password": PASSWORD, "ca_file": str(self.authority.file)}
        chosen = TdsOptions(host=self.server.address, port=self.server.port, **{**known, **options})
        return SqlServerTransport(chosen, files, partners)

    def left_over(self) -> list[str]:
        return sorted(path.name for path in self.drive.rglob("*.bak"))


@pytest.fixture(name="samba", scope="module")
def _samba(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SambaServer]:
    if why_not():
        pytest.skip(f"left out: {why_not()}")
    drive = tmp_path_factory.mktemp("host") / "drive_c"
    drive.mkdir()
    with SambaServer({"C$": drive}, {"Administrator": FILE_PASSWORD}) as server:
        yield server


@pytest.fixture(name="site")
def _site(samba: SambaServer, tmp_path: pathlib.Path) -> Iterator[Site]:
    drive = samba.shares["C$"]
    for name in ("Backup", "Data", "Log", "Small"):
        (drive / name).mkdir(exist_ok=True)
    authority = Authority(tmp_path)
    engine = Engine(FolderDisk(drive), [chat()])
    engine.logins["backup"] = (PASSWORD, "0x01")
    engine.other_sids.add("0x05")
    with StandIn(engine, authority.server("127.0.0.1")) as server:
        yield Site(engine, server, samba, drive, authority)
    assert engine.violations == [] and server.troubles == []


@pytest.fixture(name="store")
def _store(tmp_path: pathlib.Path) -> Iterator[Store]:
    (tmp_path / "store").mkdir()
    with Store(tmp_path / "store") as one:
        yield one


def mssql(**options: Any) -> Mssql:
    return Mssql({"database": "CHAT", **options})


def test_filled_backed_up_destroyed_restored(site: Site, store: Store, tmp_path: pathlib.Path) -> None:
    with site.transport() as transport:
        outcome = store.backup(mssql(), transport)
        assert (outcome.gathering.status, outcome.gathering.problems()) == ("complete", [])
        site.engine.databases.clear()
        restorer = store.restorer(outcome, mssql(), transport, pre_restore="best_effort")
        result = restorer.run(restorer.plan(look_only=False))
    assert result["restored_items"] == ["database"]
    assert site.engine.databases["CHAT"].tables == chat().tables
    assert site.left_over() == []
    kept = b"".join(path.read_bytes() for path in (tmp_path / "store").rglob("*") if path.is_file())
    said = site.samba.log + "".join(site.engine.statements)
    for secret in (PASSWORD, FILE_PASSWORD):
        assert secret.encode() not in kept and secret.encode("utf-16-le") not in kept
        assert secret not in said


def test_a_failed_restore_is_rolled_back_over_the_same_ways(site: Site, store: Store) -> None:
    with site.transport() as transport:
        outcome = store.backup(mssql(), transport)
        site.engine.databases["CHAT"].tables = {"dbo.Journal": ["of today"]}
        site.engine.happen["restore"] = lambda engine: site.server.hang_up()
        restorer = store.restorer(outcome, mssql(), transport)
        with pytest.raises(RestoreFailed, match="The host was put back"):
            restorer.run(restorer.plan(look_only=False))
    database = site.engine.databases["CHAT"]
    assert (database.tables, database.access) == ({"dbo.Journal": ["of today"]}, "MULTI_USER")
    assert site.left_over() == []


def test_the_file_server_cut_off_in_the_middle(site: Site, store: Store) -> None:
    site.engine.databases["CHAT"].tables["dbo.Chat"] = [os.urandom(512).hex() for _row in range(40_000)]
    with site.transport() as transport:
        item = mssql(compression="never").items(mssql().probe(transport))[0]
        outcome = _gathered_while(item, transport, site.samba.cut_connections)
        assert outcome != []
        assert site.left_over() == []
    with site.transport() as transport:
        assert store.backup(mssql(), transport).gathering.status == "complete"


def _gathered_while(item: Any, transport: SqlServerTransport, happens: Any) -> list[str]:
    """The problems and errors of a gathering in whose middle something happens."""
    from ansible_collections.ucops.recovery.plugins.module_utils._entries import ItemReport
    from ansible_collections.ucops.recovery.plugins.module_utils._errors import RecoveryError

    report = ItemReport(item.name)
    told = []
    try:
        for _entry, content in item.gather(transport, report):
            for number, _chunk in enumerate(content):
                if number == 0:
                    happens()
    except RecoveryError as error:
        told.append(error.message)
    return [*told, *(problem.message for problem in report.problems)]


def test_a_wrong_password_of_the_file_server_leaves_no_backup_on_it(site: Site, store: Store) -> None:
    with site.transport(file_password="wrong") as transport, pytest.raises(AuthenticationFailed):
        store.backup(mssql(), transport)
    assert site.left_over() == []
    assert not any(one.startswith("BACKUP") for one in site.engine.statements)


def test_a_disk_that_is_full(site: Site, store: Store) -> None:
    with small_disk(site.drive / "Small", ROOM), site.transport(backup_folder="C:\\Small") as transport:
        outcome = store.backup(mssql(), transport)
        assert outcome.gathering.status == "partial"
        assert "bytes free in the backup folder" in outcome.gathering.problems()[0]["message"]


def test_a_dump_of_a_stranger_s_name_is_left_alone(site: Site, store: Store) -> None:
    (site.drive / "Backup/nightly.bak").write_bytes(b"TAPE")
    with site.transport() as transport:
        store.backup(mssql(), transport)
    assert site.left_over() == ["nightly.bak"]
    (site.drive / "Backup/nightly.bak").unlink()


# --- the modules, as a playbook calls them ----------------------------------------------------------------------------
def test_the_modules_back_up_compare_and_restore(site: Site, tmp_path: pathlib.Path) -> None:
    (tmp_path / "modules").mkdir()
    repository = TestRepository.create(tmp_path / "modules")
    given = {
        "repository": str(repository.path),
        "writer_key_file": str(repository.writer_key_file),
        "source": "sql1",
        "instance": "CHAT",
        "database": "CHAT",
        "host": site.server.address,
        "port": site.server.port,
        "username": "backup",
        "password": PASSWORD,
        "ca_file": str(site.authority.file),
        "smb_username": site.samba.administrator,
        "smb_password": FILE_PASSWORD,
        "smb_port": site.samba.port,
    }
    looked = run_module("mssql_backup", given, check=True)
    first = run_module("mssql_backup", given)
    second = run_module("mssql_backup", given)
    assert (looked["changed"], first["changed"], second["changed"]) == (False, True, False)
    assert first["generation"]["id"] == "sql1/mssql@CHAT/1"
    assert second["generation"]["content_changed"] is None and second["generation"]["changed_items"] == []
    assert second["generation"]["status"] == "complete"
    site.engine.databases["CHAT"].tables = {"dbo.Journal": ["spoilt"]}
    given = {**given, "generation": "sql1/mssql@CHAT/1", "allowed_signers": repository.allowed_signers}
    planned = run_unsealing("mssql_restore", given, SECRET, check=True)
    assert planned["plan"]["not_compared"] == ["database"]
    assert site.engine.databases["CHAT"].tables == {"dbo.Journal": ["spoilt"]}
    done = run_unsealing("mssql_restore", given, SECRET)
    assert done["changed"] is True, done
    assert site.engine.databases["CHAT"].tables == chat().tables
    told = json.dumps([looked, first, second, planned, done])
    for secret in (PASSWORD, FILE_PASSWORD):
        assert json.dumps(secret)[1:-1] not in told


# --- a partner server: real services in Wine, real WinRM and SMB -----------------------------------------------------
def partner(host: WindowsHost) -> WindowsTransport:
    login: dict[str, Any] = {"host": host.address, "username": host.username, "password": host.password}
    commands = WinRm(WinRmOptions(port=host.https_port, ca_file=str(host.ca_file), **login))
    return WindowsTransport(commands, SmbFiles(SmbOptions(port=host.smb_port, **login)))


def test_a_ucserver_that_runs_refuses_the_restore(site: Site, store: Store, windows_host: WindowsHost) -> None:
    windows_host.install_service("eucsrv", "estos UCServer", r"C:\Program Files\estos\UCServer\bin\EUCSrv.exe")
    windows_host.start_service("eucsrv")
    product = mssql(partner_hosts=[windows_host.address])
    with site.transport(partners=[partner(windows_host)]) as transport:
        outcome = store.backup(product, transport)
        with pytest.raises(RestoreRefused, match=f"eucsrv runs on the partner server {windows_host.address}"):
            store.restorer(outcome, product, transport).plan(look_only=True)
        assert not any(one.startswith(("ALTER", "RESTORE DATABASE")) for one in site.engine.statements)
        windows_host.stop_service("eucsrv")
        assert store.restorer(outcome, product, transport).plan(look_only=True).warnings == []


# --- the stand-in and a client that knows nothing of us --------------------------------------------------------------
def freetds(site: Site, folder: pathlib.Path, *statements: str, ca_file: pathlib.Path | None = None) -> str:
    """What FreeTDS shows of the answers to these statements."""
    if not shutil.which("tsql", path=PATH):
        pytest.skip("left out: not installed: freetds-bin (`make test` installs it as root on Debian)")
    config = folder / "freetds.conf"
    config.write_text(
        f"[global]\ntds version = 7.4\nca file = {ca_file or site.authority.file}\ncheck certificate hostname = yes\n"
        f"[standin]\nhost = {site.server.address}\nport = {site.server.port}\nencryption = require\n"
        "client charset = UTF-8\n"
    )
    done = subprocess.run(
        ["tsql", "-S", "standin", "-U", "backup", "-o", "q"],
        input="".join(f"{line}\n" for line in (PASSWORD, *(f"{one}\ngo" for one in statements), "exit")),
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
        env={"PATH": PATH, "FREETDSCONF": str(config), "LC_ALL": "C.UTF-8"},
    )
    return done.stdout + done.stderr


def test_freetds_logs_in_with_tls_and_reads_typed_rows(site: Site, tmp_path: pathlib.Path) -> None:
    shown = freetds(site, tmp_path, sql_statements.SERVER, sql_statements.table_names("CHAT"))
    assert "SQL1\\UC" in shown and "15.0.4430.1" in shown
    assert f"dbo\tJournal\t{len(chat().tables['dbo.Journal'])}" in shown
    assert site.server.logins[0].user == "backup"


def test_freetds_reads_the_header_of_a_backup(site: Site, tmp_path: pathlib.Path) -> None:
    path = "C:\\Backup\\by-freetds.bak"
    shown = freetds(
        site,
        tmp_path,
        sql_statements.backup("CHAT", path, True),
        sql_statements.header(path),
        sql_statements.file_list(path),
        sql_statements.verify(path),
    )
    assert "BackupSetGUID" in shown and "CHAT_log" in shown and "C:\\Data\\CHAT.mdf" in shown
    (site.drive / "Backup/by-freetds.bak").unlink()


def test_freetds_sees_errors_with_their_numbers(site: Site, tmp_path: pathlib.Path) -> None:
    shown = freetds(site, tmp_path, sql_statements.verify("C:\\none.bak"), sql_statements.single_user("NONE"))
    assert "Msg 3201 (severity 16" in shown and "Msg 3013" in shown and "Msg 911" in shown


def test_freetds_refuses_an_unknown_authority(site: Site, tmp_path: pathlib.Path) -> None:
    other = Authority(tmp_path, "another authority")
    shown = freetds(site, tmp_path, sql_statements.SERVER, ca_file=other.file)
    assert "SQL1" not in shown and site.server.logins == []
