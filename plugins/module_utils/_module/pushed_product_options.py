# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of products that push their own backups, mirrored by the documentation fragment of each one's name."""

from __future__ import annotations

from typing import Any

from .._entries import DATA_CLASSES
from .._products.pushed import CONTAINERS
from .option_types import TEXT

PUSHED: dict[str, dict[str, Any]] = {
    "data_class": {"type": "str", "choices": list(DATA_CLASSES), "default": "voip_config"},
    "release": TEXT,
    "containers": {"type": "list", "elements": "str", "choices": list(CONTAINERS)},
    "min_size": {"type": "int", "default": 1},
    "ends_with": {"type": "str"},
    "size_at_least": {"type": "float", "default": 0.5},
    "size_at_most": {"type": "float", "default": 3.0},
}

STARFACE: dict[str, dict[str, Any]] = {
    **PUSHED,
    "include_cdr": {"type": "bool", "default": True},
    "include_announcements": {"type": "bool", "default": True},
    "include_chat_history": {"type": "bool", "default": True},
    "remove_from_appliance": {"type": "bool", "default": True},
    "backup_name": TEXT,
    "max_age_hours": {"type": "int", "default": 0},
    "settle": {"type": "int", "default": 10},
}
