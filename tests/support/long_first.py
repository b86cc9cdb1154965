# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which files of tests begin first: those that take long, so that nobody is waited for at the end."""

from __future__ import annotations

from collections.abc import Sequence

import pytest


def begin_with(files: Sequence[str], items: list[pytest.Item]) -> None:
    """Sort tests in place by file, these files first and the others as they were; names are without C(test_)."""
    place = {f"test_{name}.py": number for number, name in enumerate(files)}
    items.sort(key=lambda item: place.get(item.path.name, len(place)))
