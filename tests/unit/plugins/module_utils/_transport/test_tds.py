# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection to a SQL Server, against the stand-in for one: real TDS, real TLS, real NTLM."""

from __future__ import annotations

import logging
import os
import pathlib
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from support.certificates import Authority
from support.sql_server_site import PASSWORD, SqlServerSite, sql_server_site
from support.sql_server_stand_in import StandIn
from support.sql_server_stand_in.engine import HangUp, Refused, Silence

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    AuthenticationFailed,
    CertificateRejected,
    CommandFailed,
    ConnectionFailed,
    ConnectionLost,
    DeadlineExceeded,
    LibraryMissing,
    OptionInvalid,
)
from ansible_collections.ucops.recovery.plugins.module_utils._items import sql_statements
from ansible_collections.ucops.recovery.plugins.module_utils._transport.base import CommandsRefused
from ansible_collections.ucops.recovery.plugins.module_utils._transport.local import LocalTransport
from ansible_collections.ucops.recovery.plugins.module_utils._transport.tds import (
    SqlServerTransport,
    TdsOptions,
    quoted_name,
    quoted_text,
    sql_server,
)

SESSIONS = sql_statements.sessions("CHAT")


@pytest.fixture
def site(tmp_path: pathlib.Path) -> Iterator[SqlServerSite]:
    with sql_server_site(tmp_path) as one:
        yield one


def raising(error: BaseException) -> Any:
    def happen(engine: Any) -> None:
        raise error

    return happen


# --- statements ------------------------------------------------------------------------------------------------------
def test_rows_come_with_their_names_and_types(site: SqlServerSite) -> None:
    row = site.transport().execute(sql_statements.SERVER).rows[0]
    assert (row["server_name"], row["engine_edition"]) == ("SQL1\\UC", 2)
    assert site.transport().execute(sql_statements.may("VIEW SERVER STATE")).value == 1


def test_no_rows_and_no_value(site: SqlServerSite) -> None:
    answer = site.transport().execute(sql_statements.database_facts("NOWHERE"))
    assert (list(answer.rows), answer.value) == ([], None)


def test_messages_are_read_to_the_end(site: SqlServerSite) -> None:
    answer = site.transport().execute(sql_statements.backup("CHAT", "C:\\Backup\\x.bak", None))
    assert [message.number for message in answer.messages] == [3211, 3211, 4035, 3014]
    assert answer.sets == []
    site.files.remove("C:\\Backup\\x.bak")


def test_a_refused_statement_leaves_the_connection_open(site: SqlServerSite) -> None:
    transport = site.transport()
    with pytest.raises(CommandFailed, match="is not there") as caught:
        transport.execute(sql_statements.verify("C:\\Backup\\none.bak"))
    assert caught.value.details["number"] == 3201
    assert transport.execute(sql_statements.may("X")).value == 0
    assert len(site.server.logins) == 1


def test_we_are_known_by_our_name_and_stay_in_master(site: SqlServerSite) -> None:
    site.transport().connect()
    session = next(iter(site.engine.sessions.values()))
    assert (session.program, session.database, session.login) == ("ucops.recovery", "master", "backup")


def test_it_knows_neither_commands_nor_files(site: SqlServerSite) -> None:
    transport = site.transport()
    with pytest.raises(CommandsRefused):
        transport.run(["dir"])


def test_free_space_is_that_of_the_backup_folder(site: SqlServerSite) -> None:
    site.files.room = 4711
    assert site.transport().backup_folder() == "C:\\Backup"
    assert site.transport().free_space("/") == 4711
    assert site.transport(backup_folder="D:\\B").backup_folder() == "D:\\B"
    assert site.transport(files=None).free_space("/") is None
    site.engine.backup_folder = None
    assert site.transport().free_space("/") is None


def test_closing_logs_out_and_closes_the_files(site: SqlServerSite) -> None:
    transport = site.transport()
    transport.connect()
    transport.close()
    transport.close()
    assert site.files.closed


def test_another_transport_is_refused() -> None:
    with pytest.raises(OptionInvalid, match="only known of SQL Servers"):
        sql_server(LocalTransport())


def test_quoting() -> None:
    assert quoted_name("a]b") == "[a]]b]"
    assert quoted_text("it's") == "N'it''s'"


# --- encryption ------------------------------------------------------------------------------------------------------
def test_everything_but_the_greeting_is_encrypted(site: SqlServerSite) -> None:
    site.transport().execute(SESSIONS)
    for secret in ("backup", PASSWORD, "dm_exec_sessions"):
        for encoding in ("utf-8", "utf-16-le"):
            assert secret.encode(encoding) not in site.server.clear_bytes


def test_a_server_without_a_certificate_is_refused_before_the_login(site: SqlServerSite) -> None:
    with StandIn(site.engine, None, encryption="not") as bare:
        transport = site_transport(site, bare)
        with pytest.raises(ConnectionFailed, match="offers no encryption"):
            transport.connect()
        assert bare.logins == []
        assert PASSWORD.encode("utf-16-le") not in bare.clear_bytes


def test_an_unknown_authority_is_refused_before_the_login(site: SqlServerSite, tmp_path: pathlib.Path) -> None:
    other = Authority(tmp_path, "another authority")
    for ca_file in (str(other.file), None):
        with pytest.raises(CertificateRejected, match="certificate is not trusted"):
            site.transport(ca_file=ca_file).connect()
    assert site.server.logins == []


def test_a_certificate_of_another_host_is_refused(site: SqlServerSite) -> None:
    with StandIn(site.engine, site.authority.server("sql2.example", "127.0.0.9")) as stranger:
        with pytest.raises(CertificateRejected, match="certificate is not trusted: IP address mismatch"):
            site_transport(site, stranger).connect()
        assert stranger.logins == []


def test_a_name_of_the_certificate_is_as_good_as_its_address(site: SqlServerSite) -> None:
    site_transport(site, site.server, host="localhost").connect()


def test_unencrypted_needs_a_second_word_and_then_works(site: SqlServerSite) -> None:
    with pytest.raises(OptionInvalid, match="in the clear"):
        site.transport(encryption="off")
    with StandIn(site.engine, None, encryption="not") as bare:
        transport = site_transport(site, bare, encryption="off", allow_unencrypted=True)
        assert transport.execute(sql_statements.may("X")).value == 0


def test_a_server_that_demands_encryption_gets_it(site: SqlServerSite) -> None:
    with StandIn(site.engine, site.authority.server("127.0.0.1"), encryption="required") as strict:
        site_transport(site, strict).connect()
        with pytest.raises(ConnectionFailed, match="demands encryption"):
            site_transport(site, strict, encryption="off", allow_unencrypted=True).connect()


def test_a_server_that_sends_us_elsewhere_is_not_followed(site: SqlServerSite) -> None:
    with StandIn(site.engine, None, encryption="not") as elsewhere:
        site.server.route = (elsewhere.address, elsewhere.port)
        with pytest.raises(ConnectionFailed, match="sends us to another one"):
            site.transport().connect()
        assert (elsewhere.logins, elsewhere.clear_bytes) == ([], b"")


def test_a_file_that_holds_no_certificate_is_named(site: SqlServerSite, tmp_path: pathlib.Path) -> None:
    (tmp_path / "empty.pem").write_text("")
    for name in ("empty.pem", "missing.pem"):
        with pytest.raises(OptionInvalid, match="ca_file"):
            site.transport(ca_file=str(tmp_path / name))


# --- logins ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("options", [{"password": "wrong"}, {"username": "nobody"}])
def test_a_wrong_login_is_told_without_its_password(site: SqlServerSite, options: dict[str, str]) -> None:
    with pytest.raises(AuthenticationFailed) as caught:
        site.transport(**options).connect()
    assert str(caught.value).count("refuses the login") == 1
    assert "wrong" not in str(caught.value) and PASSWORD not in repr(caught.value.__dict__)
    assert caught.value.__cause__ is None


def test_an_account_of_windows_logs_in_by_ntlm(site: SqlServerSite) -> None:
    site.engine.windows_accounts = {"LAB\\backup": "Windows-1"}
    login = {"authentication": "ntlm", "username": "LAB\\backup"}
    site.transport(**login, password="Windows-1").execute(SESSIONS)
    assert [session.login for session in site.engine.sessions.values()] == ["LAB\\backup"]
    with pytest.raises(AuthenticationFailed, match=r"refuses the login of LAB\\backup"):
        site.transport(**login, password="wrong").connect()


def test_a_windows_login_is_tied_to_its_connection(site: SqlServerSite) -> None:
    site.engine.windows_accounts = {"LAB\\backup": "Windows-1"}
    login = {"authentication": "ntlm", "username": "LAB\\backup", "password": "Windows-1"}
    with StandIn(site.engine, site.authority.server("127.0.0.1"), channel_binding=True) as careful:
        site_transport(site, careful, **login).connect()
    with StandIn(site.engine, None, encryption="not", channel_binding=True) as careful:
        transport = site_transport(site, careful, **login, encryption="off", allow_unencrypted=True)
        with pytest.raises(AuthenticationFailed):
            transport.connect()


def test_kerberos_without_a_ticket_is_told(site: SqlServerSite, tmp_path: pathlib.Path) -> None:
    before = os.environ.get("KRB5CCNAME")
    transport = site.transport(
        authentication="kerberos", username="", password="", kerberos_cache_file=str(tmp_path / "none")
    )
    with pytest.raises((AuthenticationFailed, LibraryMissing), match=r"kerberos login|gssapi and krb5"):
        transport.connect()
    assert os.environ.get("KRB5CCNAME") == before


@pytest.mark.parametrize(
    "options",
    [{"password": ""}, {"username": ""}, {"authentication": "basic"}, {"encryption": "maybe"}],
)
def test_options_that_cannot_be(site: SqlServerSite, options: dict[str, str]) -> None:
    with pytest.raises(OptionInvalid):
        site.transport(**options)


def test_the_password_shows_nowhere(site: SqlServerSite, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    transport = site.transport()
    transport.execute(SESSIONS)
    with pytest.raises(CommandFailed):
        transport.execute(sql_statements.verify("C:\\none"))
    assert PASSWORD not in repr(transport.options)
    assert caplog.text == ""


# --- bad days --------------------------------------------------------------------------------------------------------
def test_nobody_there() -> None:
    transport = SqlServerTransport(TdsOptions("127.0.14.9", port=1, username="a", password="b"))
    with pytest.raises(ConnectionFailed, match="Port 1 cannot be reached"):
        transport.connect()


def test_a_name_that_is_none() -> None:
    transport = SqlServerTransport(TdsOptions("sql.invalid", username="a", password="b"))
    with pytest.raises(ConnectionFailed, match="name cannot be resolved"):
        transport.connect()


def test_the_server_is_gone_in_the_middle_and_the_next_statement_connects_again(site: SqlServerSite) -> None:
    transport = site.transport()
    site.engine.happen["backup"] = raising(HangUp())
    with pytest.raises(ConnectionLost, match="broke"):
        transport.execute(sql_statements.backup("CHAT", "C:\\Backup\\x.bak", None))
    assert transport.execute(sql_statements.may("X")).value == 0
    assert len(site.server.logins) == 2


def test_a_silent_server_is_given_up(site: SqlServerSite) -> None:
    transport = site.transport(silence_timeout=0.3)
    site.engine.happen["backup"] = raising(Silence())
    with pytest.raises(DeadlineExceeded, match=r"silent for 0\.3 s"):
        transport.execute(sql_statements.backup("CHAT", "C:\\Backup\\x.bak", None))


def test_a_statement_that_runs_is_cut_off_by_closing(site: SqlServerSite) -> None:
    transport = site.transport(silence_timeout=5)
    transport.connect()
    site.engine.happen["backup"] = raising(Silence())
    closing = threading.Timer(0.2, transport.close)
    closing.start()
    began = time.monotonic()
    with pytest.raises(ConnectionLost, match="broke"):
        transport.execute(sql_statements.backup("CHAT", "C:\\Backup\\x.bak", None))
    closing.join()
    assert time.monotonic() - began < 3


def test_patience_has_an_end_too(site: SqlServerSite) -> None:
    transport = site.transport(silence_timeout=0.1, total_timeout=0.5)
    site.engine.happen["backup"] = raising(Silence())
    with pytest.raises(DeadlineExceeded, match=r"longer than 0\.5 s"):
        transport.execute(sql_statements.backup("CHAT", "C:\\Backup\\x.bak", None), patient=True)


def test_errors_in_the_middle_of_progress(site: SqlServerSite) -> None:
    site.engine.happen["backup"] = raising(Refused((3202, 16, "failed: 112(full)"), (3013, 16, "terminating")))
    with pytest.raises(CommandFailed, match="the disk is full"):
        site.transport().execute(sql_statements.backup("CHAT", "C:\\Backup\\x.bak", None))


def test_two_threads_take_turns(site: SqlServerSite) -> None:
    transport = site.transport()
    found: list[Any] = []
    threads = [
        threading.Thread(target=lambda: found.append(transport.execute(sql_statements.may("X")).value))
        for _number in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [0, 0, 0, 0]


def site_transport(site: SqlServerSite, server: StandIn, **options: Any) -> SqlServerTransport:
    known = {"host": server.address, "username": "backup", "password": PASSWORD, "ca_file": str(site.authority.file)}
    site.transports.append(SqlServerTransport(TdsOptions(port=server.port, **{**known, **options}), site.files))
    return site.transports[-1]
