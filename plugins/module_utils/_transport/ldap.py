# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Active Directory by LDAP, on ldap3: TLS with a verified certificate, pages, ranges, values as raw bytes."""

from __future__ import annotations

import contextlib
import importlib
import re
import socket
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable

from .._errors import (
    AuthenticationFailed,
    CommandFailed,
    ConnectionFailed,
    ConnectionLost,
    DeadlineExceeded,
    LibraryMissing,
    OptionInvalid,
    RecoveryError,
)
from .._libraries import require
from .directory import ADD, ANY, DELETE, REPLACE, SUBTREE, DirectoryObject, DirectoryTransport, Modification, Range
from .ldap_tls import VerifiedTls, is_secured

try:
    with warnings.catch_warnings():
        # ldap3 uses names that newer pyasn1 complains about at every import.
        warnings.simplefilter("ignore")
        import ldap3
        from ldap3.core.exceptions import LDAPStartTLSError
except ImportError:
    if not TYPE_CHECKING:
        ldap3, LDAPStartTLSError = None, Exception

SECURITY = ("ldaps", "starttls", "kerberos")
PORTS = {"ldaps": 636, "starttls": 389, "kerberos": 636}
PAGE = 500
"""Objects that one page of a search holds; Active Directory gives at most 1,000."""

_LOOK_AT_IT = "Look at the domain controller and the network, then run this again."
_PAGED_RESULTS = "1.2.840.113556.1.4.319"
_SUCCESS, _TIME_LIMIT, _REFERRAL, _NO_SUCH_OBJECT, _INSUFFICIENT_RIGHTS = 0, 3, 10, 32, 50
_REFUSALS = {
    _REFERRAL: (
        "The directory refers to another server for this, which is not followed",
        "Ask a domain controller of the domain that this belongs to.",
    ),
    _NO_SUCH_OBJECT: ("There is no such object in the directory", "Check the base DNs, and the rights of the account."),
    _INSUFFICIENT_RIGHTS: (
        "The account has no right to do this",
        "Delegate the right to read and write these attributes, see the documentation of the product.",
    ),
}
_BIND_REFUSALS = {
    8: "The directory demands a signed or encrypted connection",
    13: "The directory demands an encrypted connection",
}
_WHY_LOGIN_FAILED = {
    "525": "there is no such user",
    "52e": "wrong password",
    "530": "not at this time",
    "531": "not from this computer",
    "532": "the password has expired",
    "533": "the account is disabled",
    "701": "the account has expired",
    "773": "the password must be changed first",
    "775": "the account is locked",
}
"""Active Directory puts one of these behind ``data`` in what it says of a refused login."""


@dataclass(frozen=True)
class LdapOptions:
    """How to reach a directory and who to be there. Timeouts in seconds, the total one for each search or change;
    secrets never show in ``repr``.

    ``security``: ``ldaps`` (TLS from the start), ``starttls``, or ``kerberos`` (TLS from the start, login by the ticket
    in ``kerberos_cache_file`` or in the default cache instead of a password). There is no way without TLS. ``port``
    None: the one that fits. ``username`` is ``user@domain``, ``DOMAIN\\user`` or a DN. ``ca_file``: who may have signed
    the directory's certificate; None: the authorities that this machine trusts.
    """

    host: str
    port: int | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    security: str = "ldaps"
    ca_file: str | None = None
    kerberos_cache_file: str | None = None
    connect_timeout: float = 15
    silence_timeout: float = 60
    total_timeout: float = 3600


class LdapTransport(DirectoryTransport):
    """One LDAP connection, opened on first use, and again when it broke.

    Its options are judged at once: raises OptionInvalid, and LibraryMissing.
    """

    def __init__(self, options: LdapOptions) -> None:
        require("ldap3")
        self.host = options.host
        self._options = options
        self._connection: Any = None
        _judge(options)

    def connect(self) -> None:
        """Reach the directory and log in, when that has not happened yet.

        :raises ConnectionFailed, DeadlineExceeded: it cannot be reached, is not the host that is meant, or offers no
            TLS
        :raises AuthenticationFailed: it refuses the credentials
        """
        self._open()

    def search(
        self, base: str, query: str, attributes: Sequence[str], scope: str = SUBTREE
    ) -> Iterator[DirectoryObject]:
        until = self._until()
        cookie: bytes | None = None
        while True:
            entries, cookie = self._page(base, query, attributes, scope, cookie, until)
            for entry in entries:
                yield self._complete(entry, attributes)
            if not cookie:
                return

    def read(self, base: str, attributes: Sequence[str]) -> DirectoryObject | None:
        entries = self._ask_one(base, attributes)
        return self._complete(entries[0], attributes) if entries else None

    def modify(self, base: str, changes: Sequence[Modification]) -> None:
        actions = {ADD: ldap3.MODIFY_ADD, DELETE: ldap3.MODIFY_DELETE, REPLACE: ldap3.MODIFY_REPLACE}
        by_attribute: dict[str, list[Any]] = {}
        for change in changes:
            by_attribute.setdefault(change.attribute, []).append((actions[change.action], list(change.values)))
        if not by_attribute:
            return
        result = self._call(lambda connection: connection.modify(base, by_attribute))
        if result["result"] != _SUCCESS:
            raise self._refused(result, base)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.unbind()

    # --- searching ----------------------------------------------------------------------------------------------------
    def _page(
        self, base: str, query: str, attributes: Sequence[str], scope: str, cookie: bytes | None, until: float
    ) -> tuple[list[Any], bytes | None]:
        found = ldap3.SUBTREE if scope == SUBTREE else ldap3.BASE
        result = self._call(
            lambda connection: connection.search(
                base,
                query,
                found,
                dereference_aliases=ldap3.DEREF_NEVER,
                attributes=list(attributes),
                paged_size=PAGE,
                paged_criticality=True,
                paged_cookie=cookie,
            ),
            until,
        )
        if result["result"] != _SUCCESS:
            raise self._refused(result, base)
        control = (result.get("controls") or {}).get(_PAGED_RESULTS) or {}
        return self._entries(), (control.get("value") or {}).get("cookie") or None

    def _ask_one(self, base: str, attributes: Sequence[str]) -> list[Any]:
        """The one object, without pages: what the server says of itself knows none."""
        result = self._call(lambda connection: connection.search(base, ANY, ldap3.BASE, attributes=list(attributes)))
        if result["result"] == _NO_SUCH_OBJECT:
            return []
        if result["result"] != _SUCCESS:
            raise self._refused(result, base)
        return self._entries()

    def _entries(self) -> list[Any]:
        return [entry for entry in self._connection.response or [] if entry["type"] == "searchResEntry"]

    def _complete(self, entry: Mapping[str, Any], attributes: Sequence[str]) -> DirectoryObject:
        """An object with what came in ranges read to its end."""
        spelled = {attribute.lower(): attribute for attribute in attributes}
        values: dict[str, list[bytes]] = {}
        for description, raw in entry["raw_attributes"].items():
            part = Range.of(description)
            name = part.name if part else description
            if part is not None:
                raw = self._to_the_end(str(entry["dn"]), part, raw)
            # An attribute without values stands beside its range.
            if raw:
                values[spelled.get(name.lower(), name)] = list(raw)
        return DirectoryObject(str(entry["dn"]), values)

    def _to_the_end(self, dn: str, part: Range, raw: Sequence[bytes]) -> list[bytes]:
        """All values of an attribute, of which one range came. Raises CommandFailed when one does not follow on."""
        values: list[bytes] = []
        while raw and part.first == len(values):
            values += raw
            if part.last is None:
                return values
            answer = self._ask_one(dn, [part.rest])
            ranges = ((Range.of(name), more) for name, more in (answer[0]["raw_attributes"] if answer else {}).items())
            part, raw = next(((new, more) for new, more in ranges if new is not None), (part, ()))
        raise CommandFailed(
            f"The directory gave {len(values)} values of {part.name} and not the rest",
            host=self.host,
            item=dn,
            hint="The object may have changed in the meantime: run this again.",
        )

    # --- the connection -----------------------------------------------------------------------------------------------
    def _call(self, operation: Callable[[Any], object], until: float | None = None) -> Mapping[str, Any]:
        """Do one operation; its result, whether good or bad.

        :param until: when the whole, of which this is a part, must be done
        """
        connection = self._open()
        self._limit(connection, self._options.silence_timeout, until or self._until())
        try:
            with self._errors_named(ConnectionLost):
                operation(connection)
                return dict(connection.result)
        except ConnectionLost:
            # Whatever may still come over this connection belongs to nothing any more.
            self.close()
            raise

    def _until(self) -> float:
        return time.monotonic() + self._options.total_timeout

    def _limit(self, connection: Any, seconds: float, until: float) -> None:
        """How long the next operation may be silent. Raises DeadlineExceeded."""
        left = until - time.monotonic()
        if left <= 0:
            raise DeadlineExceeded(
                f"The search took longer than {self._options.total_timeout:g} s", host=self.host, hint=_LOOK_AT_IT
            )
        if connection.socket is None:
            raise ConnectionLost("The connection is gone", host=self.host, hint=_LOOK_AT_IT)
        connection.socket.settimeout(min(seconds, left))

    def _open(self) -> Any:
        if self._connection is not None and self._connection.closed:
            self._connection = None
        if self._connection is None:
            connection = self._make()
            try:
                self._reach(connection)
                self._log_in(connection)
            except BaseException:
                with contextlib.suppress(Exception):
                    connection.unbind()
                raise
            self._connection = connection
        return self._connection

    def _make(self) -> Any:
        options = self._options
        server = ldap3.Server(
            options.host,
            options.port or PORTS[options.security],
            use_ssl=options.security != "starttls",
            tls=VerifiedTls(options.host, options.ca_file),
            get_info=ldap3.NONE,
            mode=ldap3.IP_V4_PREFERRED,
            connect_timeout=options.connect_timeout,
        )
        login: dict[str, Any] = {"user": options.username, "password": options.password, "authentication": ldap3.SIMPLE}
        if options.security == "kerberos":
            credentials = _kerberos_credentials(options)
            login = {
                "authentication": ldap3.SASL,
                "sasl_mechanism": ldap3.KERBEROS,
                "sasl_credentials": (options.host, None, credentials),
            }
        return ldap3.Connection(
            server,
            auto_referrals=False,
            auto_range=False,
            check_names=False,
            return_empty_attributes=False,
            receive_timeout=max(1, round(options.connect_timeout)),
            **login,
        )

    def _reach(self, connection: Any) -> None:
        with self._errors_named(ConnectionFailed, connection):
            connection.open(read_server_info=False)
            if self._options.security == "starttls":
                self._start_tls(connection)
        if not is_secured(connection.socket):
            raise ConnectionFailed("The connection came up without TLS", host=self.host)

    def _start_tls(self, connection: Any) -> None:
        try:
            connection.start_tls(read_server_info=False)
        except LDAPStartTLSError:
            if connection.server.tls.failure is not None:
                raise
            raise ConnectionFailed(
                "The directory offers no STARTTLS, and without TLS nothing is sent",
                host=self.host,
                hint="Give the domain controller a certificate, or use ldap_security: ldaps.",
            ) from None

    def _log_in(self, connection: Any) -> None:
        options = self._options
        self._limit(connection, options.connect_timeout, self._until())
        with self._errors_named(ConnectionFailed):
            try:
                connection.bind(read_server_info=False)
            except Exception as error:
                if not type(error).__module__.startswith("gssapi."):
                    raise
                raise AuthenticationFailed(
                    "The Kerberos ticket does not open the directory",
                    host=self.host,
                    hint="Get a fresh ticket with kinit; host must be the name that the directory's service has.",
                ) from error
        if connection.bound:
            return
        result = connection.result or {}
        words = _BIND_REFUSALS.get(result.get("result", -1))
        if words:
            raise ConnectionFailed(words, host=self.host)
        why = _why_login_failed(str(result.get("message", "")))
        raise AuthenticationFailed(
            f"The directory refuses the login of {options.username or 'the ticket'}" + (f": {why}" if why else ""),
            host=self.host,
            hint="Check user name and password; the name is user@domain, DOMAIN\\user or a distinguished name.",
        )

    # --- errors -------------------------------------------------------------------------------------------------------
    @contextlib.contextmanager
    def _errors_named(self, otherwise: type[ConnectionFailed], connection: Any = None) -> Iterator[None]:
        """Errors of ldap3, of sockets and of answers that are none, in our words; nothing that they quote is told.

        :param connection: one that is being made; its TLS knows best what went wrong
        """
        try:
            yield
        except RecoveryError:
            raise
        except Exception as error:
            # ldap3 decodes what a server sends without distrust: anything may come out of it.
            failure = connection.server.tls.failure if connection is not None else None
            raise failure or self._named(_first_cause(error), otherwise) from None

    def _named(self, error: BaseException, otherwise: type[ConnectionFailed]) -> ConnectionFailed:
        options = self._options
        if isinstance(error, socket.timeout):
            waited = options.silence_timeout if otherwise is ConnectionLost else options.connect_timeout
            return DeadlineExceeded(f"The directory was silent for {waited:g} s", host=self.host, hint=_LOOK_AT_IT)
        if otherwise is ConnectionLost:
            return ConnectionLost("The connection to the directory broke", host=self.host, hint=_LOOK_AT_IT)
        if "invalid server address" in str(error):
            return ConnectionFailed(
                "The host's name cannot be resolved", host=self.host, hint="Check the host option and the name service."
            )
        words = "it is refused" if isinstance(error, ConnectionRefusedError) else "nothing answers there as it should"
        return ConnectionFailed(
            f"Port {options.port or PORTS[options.security]} cannot be reached: {words}",
            host=self.host,
            hint="Is the domain controller up, and does a firewall let us in?",
        )

    def _refused(self, result: Mapping[str, Any], item: str) -> RecoveryError:
        """What the directory refused. Its own text is left out: it may quote values."""
        code = result["result"]
        if code == _TIME_LIMIT:
            return DeadlineExceeded("The directory gave up: its own time limit has passed", host=self.host)
        words, hint = _REFUSALS.get(code, (f"The directory refuses: {result['description']}", None))
        return CommandFailed(words, host=self.host, item=item, hint=hint)


def _first_cause(error: BaseException) -> BaseException:
    """With several addresses ldap3 tells a history of what went wrong at each."""
    history = error.args[1] if len(error.args) > 1 and isinstance(error.args[1], list) else []
    return history[0][0] if history and isinstance(history[0][0], BaseException) else error


def _why_login_failed(message: str) -> str:
    found = re.search(r"\bdata ([0-9a-f]+)\b", message)
    return _WHY_LOGIN_FAILED.get(found[1], "") if found else ""


def _kerberos_credentials(options: LdapOptions) -> Any:
    """The ticket to log in with. Raises LibraryMissing, and AuthenticationFailed when there is none."""
    try:
        gssapi = importlib.import_module("gssapi")
    except ImportError:
        raise LibraryMissing(
            "The Python library gssapi is not installed for the interpreter that runs this module",
            hint="Kerberos needs it. Install it there, or log in with a password by ldap_security: ldaps.",
        ) from None
    store = {"ccache": f"FILE:{options.kerberos_cache_file}"} if options.kerberos_cache_file else None
    try:
        return gssapi.Credentials(usage="initiate", store=store)
    except gssapi.exceptions.GSSError:
        raise AuthenticationFailed(
            "There is no Kerberos ticket to log in with",
            host=options.host,
            hint=f"Get one with kinit -c {options.kerberos_cache_file}." if store else "Get one with kinit.",
        ) from None


def _judge(options: LdapOptions) -> None:
    if options.security not in SECURITY:
        raise OptionInvalid(
            f"There is no ldap_security {options.security!r}: a directory is never reached without TLS",
            host=options.host,
            hint=f"There are {', '.join(SECURITY)}.",
        )
    if options.security != "kerberos" and not (options.username and options.password):
        # A directory takes a login without a password for an anonymous one, and lets it in.
        raise OptionInvalid("There is no user name and password to log in with", host=options.host)
    VerifiedTls(options.host, options.ca_file)
