# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How to reach WinRM on a host, judged before anything is sent."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field

from .._errors import LibraryMissing, OptionInvalid

PORTS = {"https": 5986, "http": 5985}
AUTHENTICATIONS = ("ntlm", "kerberos", "certificate")
LONGEST_WAIT = 20
"""Seconds after which the host has to say that there is no output yet."""
ANSWER_WITHIN = LONGEST_WAIT + 15
"""Seconds without a byte after which a host that we are logged in to hangs."""


@dataclass(frozen=True)
class WinRmOptions:
    """How to reach a host and who to be there. Timeouts in seconds; secrets never show in ``repr``.

    ``port`` None: the usual one of the scheme. ``ca_file`` None: the authorities that this machine trusts; the host's
    certificate is always verified. ``kerberos_cache_file`` None: the cache of this process's user; a ticket must be
    there. There is no basic authentication, and without TLS every message is encrypted. ``connect_timeout`` holds for
    reaching the host and logging in.
    """

    host: str
    port: int | None = None
    scheme: str = "https"
    authentication: str = "ntlm"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    client_certificate_file: str | None = None
    client_key_file: str | None = None
    kerberos_cache_file: str | None = None
    connect_timeout: float = 15
    silence_timeout: float = 60
    total_timeout: float = 3600

    @property
    def endpoint(self) -> str:
        """The address that requests go to."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port or PORTS[self.scheme]}/wsman"

    @property
    def trusted(self) -> str:
        """The file or folder with the authorities that may have signed the host's certificate."""
        own = ssl.get_default_verify_paths()
        return self.ca_file or own.cafile or own.capath or ""


def judge(options: WinRmOptions) -> None:
    """Raise OptionInvalid for options that contradict each other or name files that are none of what they should be."""
    host = options.host
    if options.scheme not in PORTS:
        raise OptionInvalid(f"There is no winrm_scheme {options.scheme!r}, only https and http", host=host)
    if options.authentication not in AUTHENTICATIONS:
        raise OptionInvalid(
            f"There is no winrm_authentication {options.authentication!r}, only {', '.join(AUTHENTICATIONS)}", host=host
        )
    if options.authentication == "ntlm" and not (options.username and options.password):
        raise OptionInvalid("NTLM needs username and password", host=host)
    if options.authentication == "certificate":
        if options.scheme != "https":
            raise OptionInvalid("A certificate logs in with winrm_scheme https only", host=host)
        _judge_certificate(options)
    if options.ca_file:
        _judge_authorities(options.ca_file, host)
    elif options.scheme == "https" and not options.trusted:
        raise OptionInvalid("This machine trusts no authorities of its own: set ca_file", host=host)


def judge_kerberos(available: bool, host: str) -> None:
    """Raise LibraryMissing when Kerberos is asked for and what it takes is not there."""
    if not available:
        raise LibraryMissing(
            "winrm_authentication is kerberos, and the Python library pykerberos is not installed",
            host=host,
            hint="Install pykerberos (it needs the Kerberos headers to build), or use another winrm_authentication.",
        )


def _judge_authorities(file: str, host: str) -> None:
    try:
        ssl.create_default_context().load_verify_locations(file)
    except OSError as error:  # ssl.SSLError is one
        raise OptionInvalid(
            f"ca_file {file} holds no certificates in PEM format ({error.strerror or error})", host=host
        ) from None


def _judge_certificate(options: WinRmOptions) -> None:
    if not (options.client_certificate_file and options.client_key_file):
        raise OptionInvalid(
            "Logging in with a certificate needs client_certificate_file and client_key_file", host=options.host
        )
    try:
        # With an empty password, because without any the libraries would ask at the terminal for a key's.
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(
            options.client_certificate_file, options.client_key_file, ""
        )
    except (OSError, ValueError) as error:
        raise OptionInvalid(
            f"client_certificate_file and client_key_file are no certificate with its unencrypted key ({error})",
            host=options.host,
        ) from None
