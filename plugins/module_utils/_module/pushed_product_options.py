# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What products that push their own backups have in common of their options."""

from __future__ import annotations

from typing import Any

from .._entries import DATA_CLASSES
from .._products.pushed import CONTAINERS
from .option_types import TEXT

PUSHED_FILES: dict[str, dict[str, Any]] = {
    "data_class": {"type": "str", "choices": list(DATA_CLASSES), "default": "voip_config"},
    "release": TEXT,
    "containers": {"type": "list", "elements": "str", "choices": list(CONTAINERS)},
    "min_size": {"type": "int", "default": 1},
    "ends_with": {"type": "str"},
    "size_at_least": {"type": "float", "default": 0.5},
    "size_at_most": {"type": "float", "default": 3.0},
}
