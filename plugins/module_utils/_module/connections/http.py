# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTPS interfaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._transport.proof import Shown
from ..argspec import ArgumentSpec
from ..option_types import SECRET
from .connection import TIMEOUTS, Connection, Params, host_of, times
from .tls import shown_by_tls

if TYPE_CHECKING:
    from ..._transport.http import HttpTransport


def http() -> ArgumentSpec:
    """How a product's HTTPS interface is reached. That its certificate is verified is no option."""
    return ArgumentSpec(
        {
            "port": {"type": "int", "default": 443},
            "username": {"type": "str"},
            "password": SECRET,
            "ca_file": {"type": "path"},
            "client_certificate_file": {"type": "path"},
            "client_key_file": {"type": "path"},
            **TIMEOUTS,
        },
        required_by={"client_key_file": ["client_certificate_file"]},
    )


def http_transport(params: Params) -> HttpTransport:
    """From the option group https."""
    from ..._transport.http import HttpOptions, HttpTransport

    return HttpTransport(
        HttpOptions(
            host=host_of(params),
            port=params["port"],
            username=params["username"],
            password=params["password"],
            ca_file=params["ca_file"],
            client_certificate_file=params["client_certificate_file"],
            client_key_file=params["client_key_file"],
            **times(params),
        )
    )


def shown_by_http(params: Params) -> list[Shown]:
    """The interface's certificate. Raises ConnectionFailed, LibraryMissing."""
    return shown_by_tls(params, params["port"])


HTTP = Connection("http", (http,), http_transport, shown_by_http)
