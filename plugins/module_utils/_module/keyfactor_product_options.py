# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of Keyfactor's products, mirrored by the documentation fragment of each one's name."""

from __future__ import annotations

from typing import Any

from .option_types import TEXTS

EJBCA_CONFIGDUMP: dict[str, dict[str, Any]] = {
    "include": TEXTS,
    "exclude": TEXTS,
    "ignore_errors": {"type": "bool", "default": False},
    "defaults": {"type": "bool", "default": False},
    "external_cas": {"type": "bool", "default": False},
    "api_base": {"type": "str", "default": "/ejbca/ejbca-rest-api"},
}
