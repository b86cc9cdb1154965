# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A database as its server's own backup, and back; against the stand-in for SQL Server."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from support.certificates import Authority
from support.gathering import Gathering
from support.sql_server_site import ROWS, SqlServerSite, chat, sql_server_site
from support.sql_server_stand_in import File, User
from support.sql_server_stand_in.engine import EXPRESS, Engine, HangUp, Refused

from ansible_collections.ucops.recovery.plugins.module_utils._entries import ItemReport
from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    CommandFailed,
    ConnectionFailed,
    HostileContent,
    OptionInvalid,
    RestoreFailed,
    RestoreRefused,
    VersionMismatch,
)
from ansible_collections.ucops.recovery.plugins.module_utils._items.sql_backup_file import alone
from ansible_collections.ucops.recovery.plugins.module_utils._transport.tds import shown_by_sql_server

PATH = b"/@mssql/CHAT.bak"
THUMBPRINT = "AB" * 20


@pytest.fixture
def site(tmp_path: pathlib.Path) -> Iterator[SqlServerSite]:
    with sql_server_site(tmp_path) as one:
        yield one


def gathered(site: SqlServerSite, **options: Any) -> Gathering:
    return Gathering(site.item(**options), site.transport())


def raising(error: BaseException) -> Any:
    def happen(engine: Engine) -> None:
        raise error

    return happen


# --- backup ----------------------------------------------------------------------------------------------------------
def test_a_database_is_one_dump(site: SqlServerSite) -> None:
    found = gathered(site)
    (entry,) = found.entries
    assert (entry.path, entry.kind, entry.data_class, found.problems) == (PATH, "dump", "user_data", {})
    assert found.all[0][1].startswith(b"MSSQLBAK")


def test_what_a_restore_must_know_stands_beside_it(site: SqlServerSite) -> None:
    extra = gathered(site).entries[0].extra
    assert extra["engine"] == "mssql"
    assert (extra["server_version"], extra["database_version"]) == ("15.0.4430", 904)
    assert (extra["recovery_model"], extra["compatibility_level"]) == ("FULL", 150)
    assert (extra["collation"], extra["certificate"]) == ("Latin1_General_CI_AS", "")
    assert [(one["name"], one["kind"]) for one in extra["files"]] == [("CHAT", "D"), ("CHAT_log", "L")]
    assert extra["tables"] == {"dbo.Journal": len(ROWS), "dbo.Chat": 1}
    assert extra["backup_set"] == extra["state"]


def test_the_backup_is_verified_and_gone_from_the_server_afterwards(site: SqlServerSite) -> None:
    gathered(site)
    (backup,) = site.sent("BACKUP DATABASE [CHAT] TO DISK = N'C:\\Backup\\ucops-recovery-")
    (verify,) = site.sent("RESTORE VERIFYONLY")
    assert backup.split("'")[1] == verify.split("'")[1]
    assert site.left_over() == []


def test_no_database_is_nothing_found(site: SqlServerSite) -> None:
    found = gathered(site, database="OTHER")
    assert (found.report.found, found.all, found.problems) == (False, [], {})
    assert site.sent("BACKUP") == []


def test_a_database_that_is_not_online_is_a_problem(site: SqlServerSite) -> None:
    site.database.state = "RESTORING"
    assert gathered(site).problems == {"/@mssql/CHAT.bak": "the database is RESTORING and cannot be backed up"}


def test_the_server_s_spelling_counts(site: SqlServerSite) -> None:
    assert gathered(site, database="chat").entries[0].path == b"/@mssql/chat.bak"
    assert site.sent("BACKUP DATABASE [CHAT]")


@pytest.mark.parametrize("name", ["a]b'c", "x/y%z", "Büro 2"])
def test_odd_names(site: SqlServerSite, name: str) -> None:
    site.engine.databases = {name: replace(chat(), name=name)}
    found = gathered(site, database=name)
    assert found.problems == {} and site.item(database=name).covers(found.entries[0].path)
    assert found.entries[0].path.count(b"/") == 2


@pytest.mark.parametrize(
    ("compression", "edition", "sent"),
    [
        (None, 2, ", COMPRESSION"),
        (None, EXPRESS, "STATS = 5"),
        (True, 2, ", COMPRESSION"),
        (False, 2, ", NO_COMPRESSION"),
    ],
)
def test_compression_where_the_edition_can(
    tmp_path: pathlib.Path, compression: bool | None, edition: int, sent: str
) -> None:
    with sql_server_site(tmp_path, engine_edition=edition) as site:
        found = gathered(site, compression=compression)
        assert site.sent("BACKUP")[0].endswith(sent)
        assert found.problems == {}
        assert found.all[0][1].startswith(b"MSSQLBAK" if sent.endswith(" COMPRESSION") else b"TAPE")


def test_an_edition_that_cannot_compress_after_all(site: SqlServerSite) -> None:
    site.engine.compresses = False
    assert gathered(site).problems == {}
    assert [one.rpartition(", ")[2] for one in site.sent("BACKUP")] == ["COMPRESSION", "STATS = 5"]
    with pytest.raises(CommandFailed, match="cannot compress"):
        gathered(site, compression=True)


def test_an_encrypted_database_is_incomplete_without_its_certificate(site: SqlServerSite) -> None:
    site.database.certificate = THUMBPRINT
    site.engine.certificates = {THUMBPRINT}
    found = gathered(site)
    assert f"without the certificate {THUMBPRINT}" in found.problems["/@mssql/CHAT.bak"]
    assert found.entries[0].extra["certificate"] == THUMBPRINT
    assert gathered(site, certificate_kept=True).problems == {}


def test_the_operator_s_folder_counts_before_the_server_s(site: SqlServerSite) -> None:
    site.files.add("C:\\Other", None)
    Gathering(site.item(), site.transport(backup_folder="C:\\Other\\"))
    assert site.sent("BACKUP DATABASE [CHAT] TO DISK = N'C:\\Other\\ucops-recovery-")


def test_an_old_server_that_tells_no_folder(site: SqlServerSite) -> None:
    site.engine.backup_folder = None
    with pytest.raises(OptionInvalid, match="does not tell its folder"):
        gathered(site)


def test_without_a_way_to_the_files_nothing_is_begun(site: SqlServerSite) -> None:
    with pytest.raises(OptionInvalid, match="Nothing leads to the files"):
        Gathering(site.item(), site.transport(files=None))
    assert site.sent("BACKUP") == []


def test_what_killed_runs_left_is_removed_and_nothing_else(site: SqlServerSite) -> None:
    stream = site.item().gather(site.transport(), ItemReport("database"))
    next(stream)
    (name,) = site.left_over()
    stream.close()
    site.files.add("C:\\Backup\\" + name, b"of a killed run")
    site.files.add("C:\\Backup\\ucops-recovery-0123456789ab-00000000.bak", b"another database's")
    site.files.add("C:\\Backup\\nightly.bak", b"the administrator's")
    assert gathered(site).problems == {}
    assert site.left_over() == ["nightly.bak", "ucops-recovery-0123456789ab-00000000.bak"]


def test_two_runs_never_work_on_one_database(site: SqlServerSite) -> None:
    with alone(site.transport(), "chat"), pytest.raises(CommandFailed, match="Another run"):
        gathered(site)
    assert gathered(site).problems == {}


def test_tables_that_the_login_does_not_see_are_not_told_of(site: SqlServerSite) -> None:
    site.engine.sees_tables = False
    found = gathered(site)
    assert found.problems == {} and "tables" not in found.entries[0].extra
    site.item().restore(site.transport(), found.wanted, [])


def test_tables_that_only_one_of_both_logins_sees_are_not_compared(site: SqlServerSite) -> None:
    found = gathered(site)
    site.engine.sees_tables = False
    site.item().restore(site.transport(), found.wanted, [])


# --- bad days of a backup --------------------------------------------------------------------------------------------
def test_a_full_disk_is_seen_before(site: SqlServerSite) -> None:
    site.files.room = 2**20
    assert "bytes free in the backup folder" in gathered(site).problems["/@mssql/CHAT.bak"]
    assert site.sent("BACKUP") == []


def test_a_compressed_backup_is_reckoned_with_a_third(site: SqlServerSite) -> None:
    site.database.tables["dbo.Chat"] = ["x" * 90 * 2**20]
    site.files.room = 100 * 2**20
    assert gathered(site, compression=True).problems == {}
    assert "bytes free" in gathered(site, compression=False).problems["/@mssql/CHAT.bak"]


def test_a_disk_that_fills_up_meanwhile(site: SqlServerSite) -> None:
    site.engine.happen["backup"] = lambda engine: setattr(site.files, "room", 1)
    with pytest.raises(CommandFailed, match="the disk is full"):
        gathered(site)
    assert site.left_over() == []


def test_a_folder_that_the_server_may_not_write(site: SqlServerSite) -> None:
    site.engine.may_write = False
    with pytest.raises(CommandFailed, match="access is denied") as caught:
        gathered(site)
    assert "backup_folder" in str(caught.value.hint)


def test_a_folder_that_is_not_there(site: SqlServerSite) -> None:
    with pytest.raises(CommandFailed, match="The backup folder cannot be read"):
        Gathering(site.item(), site.transport(backup_folder="C:\\Nowhere"))


def test_the_server_gone_in_the_middle_leaves_nothing(site: SqlServerSite) -> None:
    site.engine.happen["backup"] = raising(HangUp())
    with pytest.raises(ConnectionFailed):
        gathered(site)
    assert site.left_over() == []


def test_a_backup_that_does_not_verify(site: SqlServerSite) -> None:
    site.engine.happen["verify"] = raising(Refused((3189, 16, "Damage to the backup set was detected.")))
    with pytest.raises(CommandFailed, match="The backup is damaged"):
        gathered(site)
    assert site.left_over() == []


def cut(site: SqlServerSite, change: Any) -> dict[str, str]:
    """Gather while the file changes as soon as its first bytes were read."""
    item, transport = site.item(), site.transport()
    real = site.files.read

    def read(path: str) -> Iterator[bytes]:
        whole = b"".join(real(path))
        yield from change(whole)

    site.files.read = read  # type: ignore[method-assign]
    return Gathering(item, transport).problems


def test_a_file_that_ends_early_on_its_way(site: SqlServerSite) -> None:
    assert "ends before its end" in cut(site, lambda whole: [whole[:200]])["/@mssql/CHAT.bak"]


def test_a_file_that_is_something_else(site: SqlServerSite) -> None:
    found = cut(site, lambda whole: [b"PK\x03\x04", b"x" * (len(whole) - 4)])
    assert found == {"/@mssql/CHAT.bak": "the file does not begin as a backup does"}


def test_reading_that_breaks_off(site: SqlServerSite) -> None:
    def broken(whole: bytes) -> Iterator[bytes]:
        yield whole[:100]
        raise OSError(5, "Input/output error")

    assert "cannot be read to its end" in cut(site, broken)["/@mssql/CHAT.bak"]
    assert site.left_over() == []


def test_a_reader_that_stops_leaves_nothing(site: SqlServerSite) -> None:
    stream = site.item().gather(site.transport(), ItemReport("database"))
    next(stream)
    assert len(site.left_over()) == 1
    stream.close()
    assert site.left_over() == []


def test_a_file_that_cannot_be_removed_is_told(site: SqlServerSite) -> None:
    def refuse(path: str) -> None:
        raise PermissionError(13, "access is denied", path)

    site.files.remove = refuse  # type: ignore[method-assign]
    assert "could not be removed from the SQL Server's host" in gathered(site).problems["/@mssql/CHAT.bak"]


def test_a_file_that_the_server_still_holds_is_waited_for(site: SqlServerSite) -> None:
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        site.files.in_use.clear()

    item = site.item(sleep=wait)
    stream = item.gather(site.transport(), ItemReport("database"))
    _entry, content = next(stream)
    b"".join(content)
    site.files.in_use.add("C:\\Backup\\" + site.left_over()[0])
    assert next(stream, None) is None
    assert (waits, site.left_over()) == ([1], [])


# --- restore ---------------------------------------------------------------------------------------------------------
def test_a_restored_database_holds_what_it_held(site: SqlServerSite) -> None:
    found = gathered(site)
    site.database.tables = {"dbo.Journal": ["changed"], "dbo.Evil": ["x"]}
    site.database.users = []
    site.item().restore(site.transport(), found.wanted, [])
    assert site.database.tables == chat().tables and site.database.users == chat().users
    assert (site.database.state, site.database.access) == ("ONLINE", "MULTI_USER")
    assert site.left_over() == [] and site.engine.locks == {}


def test_it_is_verified_before_the_database_is_touched(site: SqlServerSite) -> None:
    found = gathered(site)
    site.engine.statements.clear()
    site.item().restore(site.transport(), found.wanted, [])
    order = [" ".join(one.split()[:2]) for one in site.engine.statements]
    assert order.index("RESTORE VERIFYONLY") < order.index("ALTER DATABASE") < order.index("RESTORE DATABASE")
    assert site.sent("ALTER DATABASE")[-1] == "ALTER DATABASE [CHAT] SET MULTI_USER WITH ROLLBACK IMMEDIATE"


def test_a_restored_database_counts_as_its_backup(site: SqlServerSite) -> None:
    found, item = gathered(site), site.item()
    item.restore(site.transport(), found.wanted, [])
    again = Gathering(item, site.transport())
    assert state(item, again) == state(item, found)
    assert again.entries[0].extra["backup_set"] != found.entries[0].extra["backup_set"]


def test_any_other_backup_counts_as_another(site: SqlServerSite) -> None:
    item = site.item()
    first, second = Gathering(item, site.transport()), Gathering(item, site.transport())
    assert state(item, first) != state(item, second)
    item.restore(site.transport(), first.wanted, [])
    site.item().restore(site.transport(), second.wanted, [])
    assert state(item, Gathering(item, site.transport())) not in (state(item, first), state(item, second))


def test_files_go_where_the_database_has_them(site: SqlServerSite) -> None:
    found = gathered(site)
    site.database.files = [File("CHAT", "C:\\Data\\moved.mdf"), File("CHAT_log", "C:\\Log\\moved.ldf", "L")]
    site.item().restore(site.transport(), found.wanted, [])
    assert [one.physical for one in site.database.files] == ["C:\\Data\\moved.mdf", "C:\\Log\\moved.ldf"]


def test_on_a_new_server_files_go_into_its_own_folders(site: SqlServerSite) -> None:
    found = gathered(site)
    site.engine.databases.clear()
    site.engine.data_folder, site.engine.log_folder = "D:\\SQL", "E:\\SQL"
    site.engine.folders = {"D:\\SQL", "E:\\SQL"}
    site.item().restore(site.transport(), found.wanted, [])
    assert [one.physical for one in site.database.files] == ["D:\\SQL\\CHAT.mdf", "E:\\SQL\\CHAT_log.ldf"]
    assert site.sent("ALTER DATABASE") == []


def test_a_database_in_the_middle_of_a_restore_is_restored(site: SqlServerSite) -> None:
    found = gathered(site)
    site.database.state = "RESTORING"
    site.item().restore(site.transport(), found.wanted, [])
    assert site.database.tables == chat().tables


def test_who_is_in_the_database_is_thrown_out(site: SqlServerSite) -> None:
    found = gathered(site)
    other = site.engine.enter("ucserver", "UC1", "UCServer", "CHAT")
    site.item().restore(site.transport(), found.wanted, [])
    assert other.spid not in site.engine.sessions


# --- bad days of a restore -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("happening", "words"),
    [
        (Refused((3203, 16, "Read failed"), (3013, 16, "terminating")), "cannot be read to its end"),
        (Refused((3257, 16, "There is insufficient free space")), "not enough room for the database"),
    ],
)
def test_a_restore_that_fails_in_the_middle_is_told(site: SqlServerSite, happening: Refused, words: str) -> None:
    found = gathered(site)
    site.engine.happen["restore"] = raising(happening)
    with pytest.raises(RestoreFailed, match=f"{words}; the database is left in the state RESTORING"):
        site.item().restore(site.transport(), found.wanted, [])
    assert site.left_over() == []
    site.item().restore(site.transport(), found.wanted, [])
    assert (site.database.state, site.database.access) == ("ONLINE", "MULTI_USER")


def test_a_restore_that_is_refused_leaves_the_database_open_to_all(site: SqlServerSite) -> None:
    found = gathered(site)
    site.engine.folders.clear()
    with pytest.raises(RestoreFailed, match="5133"):
        site.item().restore(site.transport(), found.wanted, [])
    assert (site.database.state, site.database.access) == ("ONLINE", "MULTI_USER")
    assert site.database.tables == chat().tables


def test_the_server_gone_in_the_middle_of_a_restore(site: SqlServerSite) -> None:
    found = gathered(site)
    site.engine.happen["restore"] = raising(HangUp())
    with pytest.raises(RestoreFailed, match="broke; the database is left in the state RESTORING"):
        site.item().restore(site.transport(), found.wanted, [])
    assert site.left_over() == []


def test_single_user_mode_is_left_on_a_second_try(site: SqlServerSite) -> None:
    found = gathered(site)
    site.engine.happen["multi_user"] = raising(HangUp())
    site.item().restore(site.transport(), found.wanted, [])
    assert site.database.access == "MULTI_USER"


def test_a_database_that_stays_closed_is_a_failure(site: SqlServerSite) -> None:
    found = gathered(site)

    def again(engine: Engine) -> None:
        engine.happen["multi_user"] = again
        raise Refused((5064, 16, "Changes cannot be made"), (5069, 16, "ALTER DATABASE statement failed."))

    site.engine.happen["multi_user"] = again
    with pytest.raises(RestoreFailed, match="could not be opened to everybody again"):
        site.item().restore(site.transport(), found.wanted, [])


def test_an_older_server_is_refused_before_anything_is_put_there(site: SqlServerSite) -> None:
    found = gathered(site)
    site.engine.version = "14.0.3456.2"
    with pytest.raises(VersionMismatch, match=r"made on SQL Server 15\.0\.4430, and 14\.0\.3456\.2 cannot read it"):
        site.item().restore(site.transport(), found.wanted, [])
    assert site.sent("ALTER DATABASE") == []


def test_a_newer_server_takes_it(site: SqlServerSite) -> None:
    found = gathered(site)
    site.engine.version = "16.0.1000.6"
    site.item().restore(site.transport(), found.wanted, [])


def test_without_the_certificate_the_database_stays_untouched(site: SqlServerSite) -> None:
    site.database.certificate = THUMBPRINT
    site.engine.certificates = {THUMBPRINT}
    found = gathered(site, certificate_kept=True)
    site.engine.certificates.clear()
    with pytest.raises(CommandFailed, match="certificate .* is not on this SQL Server"):
        site.item().restore(site.transport(), found.wanted, [])
    assert site.sent("ALTER DATABASE") == [] and site.left_over() == []


def test_a_cut_backup_is_refused_before_the_database_is_touched(site: SqlServerSite) -> None:
    found = gathered(site)
    entry, content = found.all[0]
    with pytest.raises(CommandFailed, match="cannot be read to its end"):
        site.item().restore(site.transport(), [(entry, iter([content[:-100]]))], [])
    assert site.sent("ALTER DATABASE") == [] and site.left_over() == []


def test_another_backup_than_the_generation_says(site: SqlServerSite) -> None:
    first, second = gathered(site), gathered(site)
    entry, content = first.entries[0], second.all[0][1]
    with pytest.raises(HostileContent, match="another backup"):
        site.item().restore(site.transport(), [(entry, iter([content]))], [])
    assert site.sent("ALTER DATABASE") == []


def test_without_the_history_of_restores_none_is_begun(site: SqlServerSite) -> None:
    found = gathered(site)
    site.engine.may_read_msdb = False
    with pytest.raises(RestoreRefused, match="history of restores cannot be read"):
        site.item().restore(site.transport(), found.wanted, [])
    assert site.sent("ALTER DATABASE") == []


def test_no_room_for_the_backup_file(site: SqlServerSite) -> None:
    entry, content = gathered(site).all[0]
    site.files.room = 100
    with pytest.raises(RestoreRefused, match="100 bytes free"):
        site.item().restore(site.transport(), [(replace(entry, size=len(content)), iter([content]))], [])
    assert site.sent("ALTER DATABASE") == []


def test_a_disk_that_fills_up_while_the_backup_is_put_there(site: SqlServerSite) -> None:
    found = gathered(site)
    site.files.room = 100
    with pytest.raises(CommandFailed, match="cannot be put into the backup folder: the disk is full"):
        site.item().restore(site.transport(), found.wanted, [])
    assert site.sent("ALTER DATABASE") == [] and site.left_over() == []


def test_other_tables_than_the_backup_s_are_a_failure(site: SqlServerSite) -> None:
    found = gathered(site)
    entry, content = found.all[0]
    entry = replace(entry, extra={**entry.extra, "tables": {"dbo.Other": 1}})
    with pytest.raises(RestoreFailed, match="other tables"):
        site.item().restore(site.transport(), [(entry, iter([content]))], [])
    assert site.database.access == "MULTI_USER"


def test_a_restored_backup_that_stays_on_the_server_is_told(site: SqlServerSite) -> None:
    found = gathered(site)

    def refuse(path: str) -> None:
        raise PermissionError(13, "access is denied", path)

    site.files.remove = refuse  # type: ignore[method-assign]
    with pytest.raises(RestoreFailed, match="could not be removed"):
        site.item().restore(site.transport(), found.wanted, [])


# --- what belongs to it ----------------------------------------------------------------------------------------------
def test_entries_of_others_are_hostile(site: SqlServerSite) -> None:
    entry = gathered(site).entries[0]
    for other in (
        replace(entry, path=b"/@mssql/MASTER.bak"),
        replace(entry, kind="file"),
        replace(entry, extra={"engine": "mysql"}),
    ):
        with pytest.raises(HostileContent):
            site.item().restore(site.transport(), [(other, iter([b""]))], [])
    assert site.sent("RESTORE DATABASE") == []


def test_nothing_wanted(site: SqlServerSite) -> None:
    entry = gathered(site).entries[0]
    site.item().restore(site.transport(), [], [])
    with pytest.raises(RestoreRefused, match="holds no backup"):
        site.item().restore(site.transport(), [], [entry])


def test_a_database_must_be_named() -> None:
    with pytest.raises(OptionInvalid, match="not said which database"):
        SqlServerSite.item(database="")


def test_users_and_settings_come_along(site: SqlServerSite) -> None:
    site.database.users.append(User("reader", "0x07"))
    found = gathered(site)
    site.engine.databases.clear()
    site.item().restore(site.transport(), found.wanted, [])
    assert [user.name for user in site.database.users] == ["ucserver", "reader"]


def state(item: Any, found: Gathering) -> bytes:
    """What the content counts as, whatever its bytes."""
    normaliser = item.normaliser(found.entries[0])
    return normaliser.feed(found.all[0][1]) + normaliser.finish()


def measured(site: SqlServerSite, **options: Any) -> tuple[int, int | None, ItemReport]:
    report = ItemReport("database")
    extent = site.item(**options).measure(site.transport(), report)
    assert site.sent("BACKUP") == [] and site.engine.violations == []
    return extent.entries, extent.size, report


def test_a_database_is_measured_by_its_pages_and_the_rights_of_the_login(site: SqlServerSite) -> None:
    entries, size, report = measured(site)
    assert entries == 1 and size and report.problems == []
    site.engine.may_back_up = False
    assert "db_backupoperator" in measured(site)[2].problems[0].message
    assert measured(site, database="OTHER")[2].found is False
    site.database.state = "RESTORING"
    assert "RESTORING" in measured(site)[2].problems[0].message


def test_the_server_s_certificate_is_shown_before_anybody_logs_in(site: SqlServerSite, tmp_path: pathlib.Path) -> None:
    options = site.transport().options
    (shown,) = shown_by_sql_server(options)
    assert (shown.doubt, shown.port) == ("", site.server.port) and shown.fingerprint.startswith("SHA256:")
    (tmp_path / "other").mkdir()
    stranger = Authority(tmp_path / "other")
    (doubted,) = shown_by_sql_server(replace(options, ca_file=str(stranger.file)))
    assert doubted.fingerprint == shown.fingerprint and "is not trusted" in doubted.doubt
    assert shown_by_sql_server(replace(options, encryption="off", allow_unencrypted=True)) == []
    assert site.engine.statements == []
