# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What products on Windows hosts have in common of their options."""

from __future__ import annotations

from typing import Any

from .._products.windows_options import SHADOW_COPY_MODES
from .option_types import TEXTS

SHADOW_COPY: dict[str, Any] = {"type": "str", "choices": list(SHADOW_COPY_MODES), "default": "never"}
SERVICE_PASSWORDS: dict[str, Any] = {"type": "dict", "no_log": True}

SERVICES: dict[str, dict[str, Any]] = {
    "services": TEXTS,
    "service_passwords": SERVICE_PASSWORDS,
    "shadow_copy": SHADOW_COPY,
    "stop_services_for_backup": {"type": "bool", "default": False},
}

LICENCES: dict[str, dict[str, Any]] = {"licences": {**TEXTS, "no_log": True}, "licence_values": TEXTS}
