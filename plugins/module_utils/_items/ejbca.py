# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the REST interface of an EJBCA says when it does not do what it is asked.

Sources: docs.keyfactor.com, "EJBCA REST Interface" (Community has only part of it; ConfigDump is of the Enterprise
edition); ``ConfigdumpRestResource`` of EJBCA (a failed export is status 500 with ``errors`` and ``warnings``);
``ServiceControlFilter`` of EJBCA (a protocol that is switched off answers 403).
"""

from __future__ import annotations

from .._compare.json_document import JsonRefused, parse
from .._compare.mask import readable, redacted
from .._compare.mask_rules import COMMON
from .._errors import (
    AuthenticationFailed,
    CommandFailed,
    ConnectionFailed,
    ItemMissing,
    PrivilegeFailed,
)
from .._transport.base import Transport
from .._transport.http import Answer, Download, HttpTransport

_SHOWN = 3
_LONGEST = 200


def ejbca(transport: Transport) -> HttpTransport:
    """The transport, when it is one by HTTPS. Raises ConnectionFailed."""
    if not isinstance(transport, HttpTransport):
        raise ConnectionFailed("EJBCA is reached by HTTPS", host=transport.host)
    return transport


def answered(answer: Answer | Download, host: str) -> None:
    """Whether it did what it was asked.

    :raises AuthenticationFailed: 401
    :raises PrivilegeFailed: 403
    :raises ItemMissing: 404: there is no ConfigDump
    :raises CommandFailed: any other refusal, with the errors that EJBCA reports
    """
    if answer.status == 200:
        return
    if answer.status == 401:
        raise AuthenticationFailed(
            "EJBCA does not know who we are (HTTP status 401)",
            host=host,
            hint="Give client_certificate_file and client_key_file of an administrator.",
        )
    if answer.status == 403:
        raise PrivilegeFailed(
            "EJBCA does not let this client certificate export its configuration (HTTP status 403)",
            host=host,
            hint="Give its role the right to read all of the configuration, and switch REST Configdump on in System"
            " Configuration, Protocol Configuration.",
        )
    if answer.status == 404:
        raise ItemMissing(
            "This EJBCA has no ConfigDump (HTTP status 404)",
            host=host,
            hint="It is of the Enterprise edition; on the Community edition back up the database and the"
            " configuration files. Otherwise check api_base.",
        )
    said = _reported(answer)
    raise CommandFailed(
        f"EJBCA cannot export its configuration (HTTP status {answer.status}){': ' if said else ''}{said}",
        host=host,
        hint="Mend what it names, or look at its log at this time.",
        status=answer.status,
    )


def _reported(answer: Answer | Download) -> str:
    """The first errors of its report, without what looks like a secret; empty when it gives none."""
    if isinstance(answer, Download):
        answer = answer.answer()
    try:
        report = parse(answer.body)
    except JsonRefused:
        return ""
    errors = report.get("errors") if isinstance(report, dict) else None
    texts = [one for one in errors if isinstance(one, str)] if isinstance(errors, list) else []
    shown = [" ".join(readable(redacted(one, COMMON)).split())[:_LONGEST] for one in texts[:_SHOWN]]
    more = [f"and {len(texts) - _SHOWN} more"] if len(texts) > _SHOWN else []
    return "; ".join([*shown, *more])
