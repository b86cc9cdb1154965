# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One SQL Server: statements by TDS, on python-tds; the files of its host; the Windows hosts that use its databases."""

from __future__ import annotations

import contextlib
import logging
import os
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .._errors import (
    AuthenticationFailed,
    CertificateRejected,
    ConnectionFailed,
    ConnectionLost,
    LibraryMissing,
    OptionInvalid,
    RecoveryError,
)
from .._libraries import require
from .base import Transport
from .proof import Shown
from .tds_errors import SqlMessage, error_of
from .tds_line import Limits, TdsLine
from .tls_proof import blind_context, certificate_shown
from .windows import WindowsTransport
from .windows_files import WindowsFiles

try:
    import pytds
except ImportError:
    if not TYPE_CHECKING:
        pytds = None

APPLICATION = "ucops.recovery"
"""How the server's list of sessions names us."""
AUTHENTICATION = ("sql", "ntlm", "kerberos")
ENCRYPTION = ("required", "off")
_LOGGERS = ("pytds", "spnego")
_BACKUP_FOLDER = "SELECT CAST(SERVERPROPERTY('InstanceDefaultBackupPath') AS nvarchar(260)) AS folder"

Row = Mapping[str, Any]


@dataclass(frozen=True)
class TdsOptions:
    """How to reach a SQL Server and who to be there. Timeouts in seconds; secrets never show in ``repr``.

    ``authentication``: ``sql``, or an account of Windows by ``ntlm`` or ``kerberos`` (with the tickets of
    ``kerberos_cache_file``, by default the user's own). ``ca_file``: who may have signed the server's certificate, by
    default whom the system trusts. ``encryption`` is ``off`` only together with ``allow_unencrypted``.
    ``backup_folder``: the folder on the server's host that its backups go through, by default the server's own.
    """

    host: str
    port: int = 1433
    authentication: str = "sql"
    username: str = ""
    password: str = field(default="", repr=False)
    kerberos_cache_file: str | None = None
    encryption: str = "required"
    allow_unencrypted: bool = False
    ca_file: str | None = None
    backup_folder: str | None = None
    connect_timeout: float = 15
    silence_timeout: float = 60
    total_timeout: float = 3600


@dataclass(frozen=True)
class Answer:
    """What a statement brought: the rows of all its result sets, and every message."""

    sets: Sequence[Sequence[Row]]
    messages: Sequence[SqlMessage]

    @property
    def rows(self) -> Sequence[Row]:
        """The rows of the first result set."""
        return self.sets[0] if self.sets else ()

    @property
    def value(self) -> Any:
        """The first column of the first row; None when there is none."""
        return next(iter(self.rows[0].values()), None) if self.rows else None


class SqlServerTransport(Transport):
    """One login to a SQL Server, made on first use and again when the connection broke.

    Statements run in ``master``, each for itself and outside of a transaction, as BACKUP and RESTORE want it.

    Its options are judged at once: raises OptionInvalid, LibraryMissing.

    :param files: the files of the server's host; what is backed up and restored goes through them
    :param partners: the Windows hosts whose services use the databases and must not run during a restore
    """

    def __init__(
        self,
        options: TdsOptions,
        files: WindowsFiles | None = None,
        partners: Sequence[WindowsTransport] = (),
    ) -> None:
        require("python-tds")
        if options.authentication != "sql":
            require("pyspnego")
        _judge(options)
        _quieten()
        self.host = options.host
        self.options = options
        self.files = files
        self.partners = list(partners)
        self._context = _tls(options)
        self._line: TdsLine | None = None
        self._connection: Any = None
        self._lock = threading.Lock()

    def connect(self) -> None:
        """Reach the server and log in, when that has not happened yet.

        :raises ConnectionFailed, DeadlineExceeded: it cannot be reached, offers no encryption, is not the one meant
        :raises AuthenticationFailed: it refuses the credentials
        """
        with self._lock:
            if self._connection is None:
                self._connect()

    def execute(self, sql: str, *, patient: bool = False) -> Answer:
        """Run one statement and read all that it brings to the end: a BACKUP that is not read is cut off.

        :param patient: it may be silent for as long as the total timeout, as a restore is that makes large files. A
            server that is gone is noticed all the same.
        :raises CommandFailed: the server refuses it; ``number`` in the details is the server's
        :raises ConnectionLost, DeadlineExceeded: the connection is closed then, and the next statement opens a new one
        """
        self.connect()
        options = self.options
        silence = options.total_timeout if patient else options.silence_timeout
        with self._lock, self._broken_is_closed():
            if self._line is None:
                raise ConnectionLost("The connection to the SQL Server broke", host=self.host)
            self._line.allow(Limits(silence, options.total_timeout))
            return self._run(sql)

    def backup_folder(self) -> str:
        """The folder on the server's host that backups go through; empty when none is given and the server, older than
        2019, does not tell its own."""
        if self.options.backup_folder:
            return self.options.backup_folder
        return str(self.execute(_BACKUP_FOLDER).value or "")

    def free_space(self, path: str) -> int | None:
        """Bytes free in the folder of backups, whatever the path: nothing else is ever written."""
        folder = self.backup_folder()
        if self.files is None or not folder:
            return None
        try:
            return self.files.free_space(folder)
        except OSError:
            return None

    def close(self) -> None:
        line = self._line
        if line is not None and self._lock.locked():
            line.cut()  # a statement runs in another thread, and would keep us waiting until it ends
        with self._lock:
            self._hang_up()
        if self.files is not None:
            self.files.close()
        for partner in self.partners:
            partner.close()

    # --- statements --------------------------------------------------------------------------------------------------
    def _run(self, sql: str) -> Answer:
        sets: list[list[Row]] = []
        cursor = self._connection.cursor()
        try:
            cursor.execute(sql)
            more = True
            while more:
                if cursor.description:
                    names = [column[0] for column in cursor.description]
                    sets.append([dict(zip(names, row)) for row in cursor])
                more = bool(cursor.nextset())
            messages = _messages(cursor)
        except pytds.Error as error:
            messages = _messages(cursor)
            if not any(message.is_error for message in messages):
                raise ConnectionFailed(
                    f"The SQL Server's answer is not understood ({type(error).__name__})", host=self.host
                ) from None
            raise error_of(messages, self.host) from None
        if any(message.is_error for message in messages):
            raise error_of(messages, self.host)
        return Answer(sets, messages)

    @contextlib.contextmanager
    def _broken_is_closed(self) -> Iterator[None]:
        try:
            yield
        except ConnectionFailed:
            self._hang_up()
            raise
        except RecoveryError:
            raise
        except BaseException:
            self._hang_up()
            raise

    # --- the login ---------------------------------------------------------------------------------------------------
    def _connect(self) -> None:
        options = self.options
        line = TdsLine(options.host, options.port, self._context, options.connect_timeout)
        try:
            with _tickets(options.kerberos_cache_file):
                self._connection = pytds.connect(
                    dsn=options.host,
                    port=options.port,
                    database="master",
                    user=options.username if options.authentication == "sql" else None,
                    password=options.password if options.authentication == "sql" else None,
                    auth=self._windows_login(line),
                    sock=line,
                    appname=APPLICATION,
                    autocommit=True,
                    # one attempt, which ends when the line says so: the library would try again and forget why
                    login_timeout=0,
                    disable_connect_retry=True,
                )
        except RecoveryError:
            line.close()
            raise
        except Exception as error:  # pylint: disable=broad-exception-caught
            line.close()
            raise self._login_error(error) from None
        except BaseException:
            line.close()
            raise
        line.logged_in = True
        self._line = line

    def _windows_login(self, line: TdsLine) -> Any:
        options = self.options
        if options.authentication == "sql":
            return None
        import spnego
        import spnego.channel_bindings
        from pytds.login import SpnegoAuth

        unique = line.channel_binding
        bindings = None
        if unique is not None:
            bindings = spnego.channel_bindings.GssChannelBindings(application_data=b"tls-unique:" + unique)
        try:
            return SpnegoAuth(
                username=options.username or None,
                password=options.password or None,
                hostname=f"{options.host}:{options.port}",
                service="MSSQLSvc",
                protocol=options.authentication,
                channel_bindings=bindings,
            )
        except (spnego.exceptions.SpnegoError, ImportError, ValueError) as error:
            raise self._no_windows_login(error) from None

    def _login_error(self, error: BaseException) -> RecoveryError:
        """The reason stands in the error or in its cause; neither is ever quoted, it may hold what we sent."""
        known: BaseException | None = error
        while known is not None and not hasattr(known, "msg_no"):
            known = known.__cause__
        if known is None:
            if type(error).__module__.startswith(("spnego", "gssapi", "krb5")):
                return self._no_windows_login(error)
            return ConnectionFailed(
                f"The SQL Server does not log us in ({type(error).__name__})",
                host=self.host,
                hint="Check mssql_authentication, and the error log of the SQL Server.",
            )
        told = SqlMessage(known.msg_no, getattr(known, "severity", 14), getattr(known, "state", 0), str(known))
        return error_of([told], self.host, self.options.username)

    def _no_windows_login(self, error: BaseException) -> RecoveryError:
        if self.options.authentication == "kerberos" and isinstance(error, ImportError):
            return LibraryMissing(
                "Kerberos needs the Python libraries gssapi and krb5",
                hint="Install pyspnego[kerberos] for the interpreter that runs this module.",
            )
        return AuthenticationFailed(
            f"No {self.options.authentication} login can be made for the SQL Server ({type(error).__name__})",
            host=self.host,
            hint="Check username and password; with kerberos, that a ticket is there (klist) and the server's SPN"
            " MSSQLSvc/host:port is registered.",
        )

    def _hang_up(self) -> None:
        connection, self._connection, self._line, line = self._connection, None, None, self._line
        if line is not None:
            line.close()
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.close()


def shown_by_sql_server(options: TdsOptions) -> list[Shown]:
    """The certificate that the server shows, and whether it is believed; nothing when nothing is encrypted. Nobody logs
    in. Raises ConnectionFailed, OptionInvalid."""
    verifying = _tls(options)
    if verifying is None:
        return []
    reach = (options.host, options.port)
    with contextlib.closing(TdsLine(*reach, blind_context(verifying), options.connect_timeout)) as line:
        der = line.certificate
    doubt = ""
    try:
        TdsLine(*reach, verifying, options.connect_timeout).close()
    except CertificateRejected as error:
        doubt = error.message
    return [certificate_shown(*reach, der, doubt)]


def sql_server(transport: Transport) -> SqlServerTransport:
    """The transport, when it leads to a SQL Server. Raises OptionInvalid."""
    if not isinstance(transport, SqlServerTransport):
        raise OptionInvalid("This is only known of SQL Servers", host=transport.host)
    return transport


def quoted_name(name: str) -> str:
    """A name as an identifier: ``[CHAT]``, with closing brackets doubled."""
    return "[" + name.replace("]", "]]") + "]"


def quoted_text(text: str) -> str:
    """A text as a Unicode literal: ``N'it''s'``."""
    return "N'" + text.replace("'", "''") + "'"


def _judge(options: TdsOptions) -> None:
    if options.authentication not in AUTHENTICATION:
        raise OptionInvalid(f"There is no mssql_authentication {options.authentication!r}", host=options.host)
    if options.encryption not in ENCRYPTION:
        raise OptionInvalid(f"There is no mssql_encryption {options.encryption!r}", host=options.host)
    if options.encryption == "off" and not options.allow_unencrypted:
        raise OptionInvalid(
            "mssql_encryption is off: passwords and data would cross the network in the clear",
            host=options.host,
            hint="Leave it required, or say so with allow_unencrypted: true as well.",
        )
    if options.authentication != "kerberos" and not (options.username and options.password):
        raise OptionInvalid("There is nothing to log in to the SQL Server with", host=options.host)


def _tls(options: TdsOptions) -> ssl.SSLContext | None:
    if options.encryption == "off":
        return None
    try:
        context = ssl.create_default_context(cafile=options.ca_file)
    except (OSError, ssl.SSLError):
        raise OptionInvalid(
            "ca_file cannot be read, or holds no certificate", host=options.host, item=options.ca_file
        ) from None
    # What SQL Server speaks inside of TDS 7: newer versions need its TDS 8, where TLS comes first.
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


@contextlib.contextmanager
def _tickets(path: str | None) -> Iterator[None]:
    """Let Kerberos take its tickets from this file. The only way it knows is the environment."""
    if path is None:
        yield
        return
    before = os.environ.get("KRB5CCNAME")
    os.environ["KRB5CCNAME"] = f"FILE:{path}"
    try:
        yield
    finally:
        if before is None:
            del os.environ["KRB5CCNAME"]
        else:
            os.environ["KRB5CCNAME"] = before


def _messages(cursor: Any) -> list[SqlMessage]:
    return [SqlMessage(one.number, one.severity, one.state, str(one.text)) for _kind, one in cursor.messages or ()]


def _quieten() -> None:
    """Nothing of the libraries' talk reaches standard error: it would spoil a module's result."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
        logger.propagate = False
        logger.setLevel(logging.CRITICAL + 1)
