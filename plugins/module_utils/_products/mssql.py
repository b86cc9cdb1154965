# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""SQL Server: one database of a server. Further databases of the same server are further instances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._entries import DATA_CLASSES
from .._errors import CommandFailed, OptionInvalid, RecoveryError, RestoreRefused
from .._items import sql_statements
from .._items.base import Item
from .._items.sql_facts import MULTI_USER, ONLINE, look_at_database, look_at_server, major_of, tables_of
from .._items.sql_server import SqlServerBackup
from .._transport.base import Transport
from .._transport.tds import SqlServerTransport, sql_server
from .._transport.tds_errors import LACKS_A_RIGHT
from .._transport.windows import WindowsTransport
from .base import Check, Probe, Product
from .mssql_partners import running_services
from .options import choice, flag, list_of, option, parse_options, text

COMPRESSION = {"auto": None, "always": True, "never": False}
_SHOWN = 5


@dataclass(frozen=True)
class MssqlOptions:
    """``database``: its name. ``data_class``: what it holds. ``compression``: whether the server compresses the backup;
    ``auto`` where its edition can. ``certificate_kept``: the certificate of an encrypted database is kept elsewhere.

    ``partner_hosts``: the Windows hosts whose services use the database, ``partner_services``: which services those
    are, by name, by the name that is shown or by the program's path, ``*`` and ``?`` allowed; by default those of
    UCServer. A restore is refused while one of them runs. ``check``: read every page after a restore (DBCC CHECKDB).
    """

    database: str = option(text, "")
    data_class: str = option(choice(*DATA_CLASSES), "user_data")
    compression: str = option(choice(*COMPRESSION), "auto")
    certificate_kept: bool = option(flag, False)
    partner_hosts: Sequence[str] = option(list_of(text), ())
    partner_services: Sequence[str] = option(list_of(text), ())
    check: bool = option(flag, True)


class Mssql(Product):
    """A database of a SQL Server. :class:`MssqlOptions` tells its options."""

    name = "mssql"

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = parse_options(MssqlOptions, options)
        if not self.options.database:
            raise OptionInvalid("It is not said which database", hint="Set the option database.")

    @classmethod
    def for_comparison(cls, probe: Probe) -> Mssql:
        known = probe.facts.get("database") or {}
        return cls({"database": known.get("name") or "unknown"})

    # --- what is there -----------------------------------------------------------------------------------------------
    def probe(self, transport: Transport) -> Probe:
        server = sql_server(transport)
        about = look_at_server(server)
        database = look_at_database(server, self.options.database)
        facts: dict[str, Any] = {
            "server_name": about.server_name,
            "physical_host": about.physical_host,
            "edition": about.edition,
            "collation": about.collation,
        }
        counts = {}
        if database is not None:
            facts["database"] = {
                "name": database.name,
                "recovery_model": database.recovery_model,
                "compatibility_level": database.compatibility_level,
                "collation": database.collation,
                "encrypted": database.encrypted,
            }
            tables = tables_of(server, database.name) if database.state == ONLINE else None
            if tables is not None:
                counts["tables"] = len(tables)
        return Probe(
            release=f"SQL Server {about.major}",
            version=about.version,
            build=about.edition,
            identity={"hostname": about.server_name},
            facts=facts,
            counts=counts,
        )

    # --- what is gathered --------------------------------------------------------------------------------------------
    def items(self, probe: Probe) -> list[Item]:
        options = self.options
        return [
            SqlServerBackup(
                name="database",
                data_class=options.data_class,
                order=40,
                database=options.database,
                compression=COMPRESSION[options.compression],
                certificate_kept=options.certificate_kept,
            )
        ]

    def remarks(self, probe: Probe) -> list[str]:
        return [
            "Logins, jobs, linked servers and certificates are the server's own (master, msdb) and are not in the"
            " backup of a database."
        ]

    # --- before a restore --------------------------------------------------------------------------------------------
    def release_verdict(self, then: Probe, now: Probe) -> str | None:
        before, today = major_of(then.version), major_of(now.version)
        if not before or not today or before == today:
            return None
        if before > today:
            return "a backup never goes back to an older SQL Server"
        return "the restore upgrades the database, and it can never go back to the older SQL Server"

    def release_must_match(self, then: Probe, now: Probe) -> bool:
        return major_of(then.version) > major_of(now.version) > 0

    def refuse_restore(self, transport: Transport, then: Probe, now: Probe, items: Sequence[Item]) -> list[str]:
        if not items:
            return []
        server = sql_server(transport)
        warnings = self._refuse_partners(server)
        self._refuse_sessions(server)
        return warnings

    def _refuse_partners(self, server: SqlServerTransport) -> list[str]:
        options = self.options
        if not options.partner_hosts:
            return [
                "No partner_hosts are named: only the sessions in the database tell that no server works with it now."
            ]
        reached = {partner.host.casefold(): partner for partner in server.partners}
        warnings = []
        for host in options.partner_hosts:
            partner = reached.get(host.casefold())
            if partner is None:
                raise RestoreRefused(
                    f"Nothing leads to the partner server {host}, so it cannot be said to be stopped",
                    host=server.host,
                    hint="Nothing was touched. Give the login of the partner servers.",
                )
            found, running = self._services_of(server, partner)
            if running:
                raise RestoreRefused(
                    f"The service {running[0]} runs on the partner server {host} and works with this database",
                    host=server.host,
                    hint="Nothing was touched. Stop it on every server of the environment, then restore.",
                    running=running,
                )
            if not found:
                meant = ", ".join(options.partner_services) or "UCServer"
                warnings.append(f"The partner server {host} has no service {meant}.")
        return warnings

    def _services_of(self, server: SqlServerTransport, partner: WindowsTransport) -> tuple[list[str], list[str]]:
        try:
            return running_services(partner, self.options.partner_services)
        except RecoveryError as error:
            raise RestoreRefused(
                f"The partner server {partner.host} cannot be asked whether it is stopped: {error.message}",
                host=server.host,
                hint="Nothing was touched. A partner server that is switched off is taken out of partner_hosts.",
            ) from error

    def _refuse_sessions(self, server: SqlServerTransport) -> None:
        if server.execute(sql_statements.may("VIEW SERVER STATE")).value != 1:
            raise RestoreRefused(
                "The login may not see who else is in the database",
                host=server.host,
                hint="Nothing was touched. Grant it VIEW SERVER STATE.",
            )
        others = server.execute(sql_statements.sessions(self.options.database)).rows
        if others:
            told = [
                f"{row['program_name'] or 'a program without a name'} of {row['login_name']} on {row['host_name']}"
                for row in others
            ]
            more = f" and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
            raise RestoreRefused(
                f"The database is in use: {'; '.join(told[:_SHOWN])}{more}",
                host=server.host,
                hint="Nothing was touched. Stop these programs, then restore.",
                sessions=len(told),
            )

    # --- proofs ------------------------------------------------------------------------------------------------------
    def validate(self, transport: Transport, probe: Probe) -> list[Check]:
        name = "DBCC CHECKDB"
        if not self.options.check:
            return [Check(name, None, "was not asked for")]
        try:
            sql_server(transport).execute(sql_statements.check(self.options.database), patient=True)
        except CommandFailed as error:
            return [Check(name, None if error.details.get("number") in LACKS_A_RIGHT else False, error.message)]
        return [Check(name, True, "every page is as it should be")]

    def health(self, transport: Transport, probe: Probe) -> list[Check]:
        server = sql_server(transport)
        database = look_at_database(server, self.options.database)
        if database is None:
            return [Check("database", False, "is not there")]
        serves = (database.state, database.access) == (ONLINE, MULTI_USER)
        return [Check("database", serves, f"{database.state}, {database.access}"), self._logins(server)]

    def _logins(self, server: SqlServerTransport) -> Check:
        """A user without a login is told and fails nothing: on a new server logins come after databases."""
        name = "logins"
        try:
            if server.execute(sql_statements.may("VIEW ANY DEFINITION")).value != 1:
                return Check(name, None, "cannot be seen without the right VIEW ANY DEFINITION")
            rows = server.execute(sql_statements.users_without_login(self.options.database)).rows
        except CommandFailed as error:
            return Check(name, None, error.message)
        if rows:
            names = ", ".join(sorted(str(row["name"]) for row in rows))
            return Check(name, None, f"these users have no login on this server, make them or map them anew: {names}")
        return Check(name, True, "every user has its login")
