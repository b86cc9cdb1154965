# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kinds of options that many products have."""

from __future__ import annotations

from typing import Any

from .._entries import DATA_CLASSES

TEXT: dict[str, Any] = {"type": "str"}
TEXTS: dict[str, Any] = {"type": "list", "elements": "str"}
SECRET: dict[str, Any] = {"type": "str", "no_log": True}

ITEM: dict[str, dict[str, Any]] = {
    "name": TEXT,
    "data_class": {"type": "str", "choices": list(DATA_CLASSES)},
    "required": {"type": "bool", "default": True},
    "sensitive": {"type": "bool", "default": False},
}
"""What is said of anything that an operator wants gathered."""
PUT_BACK: dict[str, dict[str, Any]] = {**ITEM, "lives": {"type": "bool", "default": False}}
"""The same of what a restore puts back."""
