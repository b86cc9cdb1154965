# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Logging in to an SMB server, on smbprotocol, and what must be so before a byte of a file is asked for.

smbprotocol goes on in the clear where encryption or signing cannot be had, so that everything that we demand is looked
at here: the encryption that was agreed on before any credential is sent, and afterwards who we became and the signature
under the server's last word, which covers all that was agreed on.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .._errors import AuthenticationFailed, ConnectionFailed, LibraryMissing, RecoveryError
from .._libraries import require
from .smb_status import login_error
from .smb_wire import LOOK_AT_IT, Wire

try:
    import spnego
    from smbprotocol.connection import Ciphers, Connection
    from smbprotocol.exceptions import SMBAuthenticationError, SMBException, SMBResponseException
    from smbprotocol.session import Session
except ImportError:
    if not TYPE_CHECKING:
        Connection = object

SMB_3_0, SMB_3_1_1 = 0x0300, 0x0311


@dataclass(frozen=True)
class Login:
    """A session that holds, and all that its encrypted messages need. Keys never show in ``repr``."""

    session: int
    cipher: str
    encryption_key: bytes = field(repr=False)
    decryption_key: bytes = field(repr=False)
    next_message: int
    credits: int
    largest_read: int
    largest_write: int
    largest_answer: int
    negotiated: bytes | None
    """What a server older than SMB 3.1.1 must confirm, as the body of FSCTL_VALIDATE_NEGOTIATE_INFO."""
    confirmed: bytes
    """What it must answer to it."""


class _Negotiation(Connection):  # type: ignore[misc]
    """smbprotocol's connection over our wire, which ends its reading thread when the login is done."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.last: Any = None
        super().__init__(uuid.uuid4(), wire.host, require_signing=True)

    @property
    def transport(self) -> Wire:
        return self._wire

    @transport.setter
    def transport(self, other: Any) -> None:
        """smbprotocol would open a connection of its own."""

    def receive(self, *args: Any, **options: Any) -> Any:
        self.last = super().receive(*args, **options)
        return self.last

    def disconnect(self, close: bool = True, timeout: float | None = None) -> None:
        """smbprotocol would say goodbye, and wait for its own thread within it."""
        self._wire.close()

    def let_go(self) -> None:
        """From now on the wire is read by somebody else."""
        self._wire.let_go()
        if self._t_worker is not None:
            self._t_worker.join(self._wire.silence)


def log_in(
    wire: Wire, username: str, password: str | None, authentication: str = "ntlm", kerberos_cache: str | None = None
) -> Login:
    """Agree on SMB 3 with encryption, and log in.

    :raises AuthenticationFailed: the host refuses the credentials, or there are none
    :raises ConnectionFailed: it offers no encryption, lets us in as a guest only, or its answers are not its own
    """
    require("smbprotocol")
    _quieten()
    connection = _Negotiation(wire)
    try:
        try:
            connection.connect(timeout=wire.silence)
        except RecoveryError:
            raise
        except Exception as error:  # whatever the bytes of a stranger make of smbprotocol
            raise ConnectionFailed(
                f"The host does not speak SMB 3 with us ({type(error).__name__})",
                host=wire.host,
                hint="Is this the port of an SMB server (smb_port), and is SMB 3 switched on there?",
            ) from None
        _demand_encryption(connection)
        session = _authenticate(connection, username, password, authentication, kerberos_cache)
        _demand_signature(connection, session)
    finally:
        connection.let_go()
    return _login(connection, session)


def _demand_encryption(connection: Any) -> None:
    if connection.dialect < SMB_3_0 or not connection.supports_encryption:
        raise ConnectionFailed(
            "The host offers no SMB encryption, and no credentials were sent",
            host=connection.server_name,
            hint="Switch on SMB 3 there (Set-SmbServerConfiguration -EncryptData $true, Windows Server 2012 and newer);"
            " if it is on, somebody in between has taken it out.",
        )


def _authenticate(
    connection: Any, username: str, password: str | None, authentication: str, kerberos_cache: str | None
) -> Any:
    host = connection.server_name
    who: Any = username
    if authentication == "kerberos" and kerberos_cache:
        who = spnego.KerberosCCache(kerberos_cache, username or None)
        password = None
    session = Session(connection, who, password, require_encryption=True, auth_protocol=authentication)
    try:
        session.connect()
    except SMBResponseException as error:
        raise login_error(error.status, host, username) from None
    except SMBAuthenticationError as error:
        raise _no_login(authentication, error, host) from None
    except ImportError:
        raise LibraryMissing(
            "Kerberos needs the Python libraries gssapi and krb5, which the interpreter that runs this module has not",
            host=host,
            hint="Install smbprotocol[kerberos] for it; building krb5 takes the headers of the Kerberos library.",
        ) from None
    except RecoveryError:
        raise
    except Exception as error:
        if session.session_id is None:
            raise AuthenticationFailed(
                f"The host does not know the login of {username} and lets it in as a guest only, which we refuse",
                host=host,
                hint="Check the user name and the password, and switch guest logins off on the host.",
            ) from None
        if authentication == "kerberos" and not session.session_id:
            raise _no_login(authentication, error, host) from None  # the library krb5, of a wrong password
        raise ConnectionFailed(f"The login broke off ({type(error).__name__})", host=host, hint=LOOK_AT_IT) from None
    return session


def _no_login(authentication: str, error: Exception, host: str) -> AuthenticationFailed:
    return AuthenticationFailed(
        f"The login by {authentication} cannot be made ({_reason(error)})",
        host=host,
        hint="Check the user name and password; Kerberos needs a ticket (or a password) and the host's full name.",
    )


def _demand_signature(connection: Any, session: Any) -> None:
    """The server's last word is signed with a key that comes from the password and from all that was said before."""
    if not session.encrypt_data or not session.encryption_key or not session.signing_key:
        raise ConnectionFailed("The session is not encrypted, which we refuse", host=connection.server_name)
    try:
        connection.verify_signature(connection.last, session.session_id, force=True)
    except SMBException:
        raise ConnectionFailed(
            "The host's signature under the login is wrong: the messages were changed on the way",
            host=connection.server_name,
            hint="Somebody stands between the backup host and this host, or signing was taken out: look at the network"
            " before you log in again.",
        ) from None


def _login(connection: Any, session: Any) -> Login:
    older = connection.dialect < SMB_3_1_1
    cipher = Ciphers.AES_128_CCM if older else connection.cipher_id
    window = connection.sequence_window
    return Login(
        session=session.session_id,
        cipher="GCM" if cipher in (Ciphers.AES_128_GCM, Ciphers.AES_256_GCM) else "CCM",
        encryption_key=session.encryption_key,
        decryption_key=session.decryption_key,
        next_message=window["low"],
        credits=window["high"] - window["low"],
        largest_read=connection.max_read_size,
        largest_write=connection.max_write_size,
        largest_answer=connection.max_transact_size,
        negotiated=_negotiated(connection) if older else None,
        confirmed=_confirmed(connection),
    )


def _negotiated(connection: Any) -> bytes:
    """What we had said when we began (MS-SMB2 2.2.31.4)."""
    dialects = connection.negotiated_dialects
    return b"".join(
        (
            int(connection.client_capabilities).to_bytes(4, "little"),
            connection.client_guid.bytes,
            int(connection.client_security_mode).to_bytes(2, "little"),
            len(dialects).to_bytes(2, "little"),
            *(int(dialect).to_bytes(2, "little") for dialect in dialects),
        )
    )


def _confirmed(connection: Any) -> bytes:
    """What the host had said to it (MS-SMB2 2.2.32.6)."""
    return b"".join(
        (
            int(connection.server_capabilities.get_value()).to_bytes(4, "little"),
            connection.server_guid.bytes,
            int(connection.server_security_mode).to_bytes(2, "little"),
            int(connection.dialect).to_bytes(2, "little"),
        )
    )


def _reason(error: Exception) -> str:
    """What pyspnego says, without the user's own words in it."""
    text = str(error).replace("Failed to authenticate with server: ", "").split("\n", 1)[0]
    return text[:200]


def _quieten() -> None:
    """Nothing of the libraries' talk reaches standard error: it would spoil a module's result."""
    for name in ("smbprotocol", "spnego"):
        logger = logging.getLogger(name)
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
        logger.propagate = False
        logger.setLevel(logging.CRITICAL + 1)
