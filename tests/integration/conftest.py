# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from support.collection import make_importable

from lab.fixtures import controller, domain, fleet, windows_host

__all__ = ["controller", "domain", "fleet", "windows_host"]

make_importable()
