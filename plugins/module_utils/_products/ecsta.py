# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""ECSTA, estos' TAPI drivers: their whole configuration is in the registry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .options import list_of, option
from .windows_options import registry_key, service_name

KEYS = ("HKEY_LOCAL_MACHINE\\SOFTWARE\\ESTOS\\ECSTA*", "HKEY_LOCAL_MACHINE\\SOFTWARE\\WOW6432Node\\ESTOS\\ECSTA*")


@dataclass(frozen=True)
class EcstaOptions:
    """``keys``: where the drivers keep their configuration. ``services``: what is stopped for a restore and started
    after it, so that a driver reads what was put back."""

    keys: Sequence[str] = option(list_of(registry_key), KEYS)
    services: Sequence[str] = option(list_of(service_name), ())
