# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of products whose licence keys are kept in the sealed part of a generation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .options import list_of, option, text


@dataclass(frozen=True)
class LicenceOptions:
    r"""``licences``: licence keys that stand nowhere on the machine. ``licence_values``: where more stand, as
    ``<registry key>\<value>`` or ``<file>#<XML element or attribute>``."""

    licences: Sequence[str] = option(list_of(text), (), secret=True)
    licence_values: Sequence[str] = option(list_of(text), ())
