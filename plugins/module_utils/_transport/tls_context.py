# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""TLS as a client of ours speaks it: version 1.2 at least, chain and name verified, which is no option."""

from __future__ import annotations

import os
import ssl

from .._errors import OptionInvalid


def verifying_context(
    ca_file: str | None, client_certificate_file: str | None = None, client_key_file: str | None = None
) -> ssl.SSLContext:
    """A context that verifies whom it talks to.

    :param ca_file: who may have signed the other side's certificate; None: the authorities that this machine trusts
    :param client_certificate_file: what we show of ourselves; its key may stand in the same file
    :raises OptionInvalid: a file is not there, or does not hold what it should
    """
    if ca_file is not None:
        _demand_file(ca_file, "ca_file")
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError:
        raise OptionInvalid(
            f"{ca_file} holds no certificate", item="ca_file", hint="It must be a text file (PEM)."
        ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if client_certificate_file is not None:
        _show(context, client_certificate_file, client_key_file)
    return context


def _show(context: ssl.SSLContext, certificate: str, key: str | None) -> None:
    _demand_file(certificate, "client_certificate_file")
    if key is not None:
        _demand_file(key, "client_key_file")
    try:
        # Without a password of our own OpenSSL would ask at the terminal for the one of a locked key.
        context.load_cert_chain(certificate, key, password="")
    except (OSError, ValueError):
        raise OptionInvalid(
            f"{certificate} and its key cannot be used",
            item="client_certificate_file",
            hint="Both must be text (PEM), belong together, and the key must have no passphrase.",
        ) from None


def _demand_file(path: str, option: str) -> None:
    if not os.path.isfile(path):
        raise OptionInvalid(f"There is no file {path}", item=option)
