# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Products that are only restored into the identical version, which somebody has installed before.

Source: estos Datensicherungskonzept, "Datenwiederherstellung": "Installation ... (in der identischen Version)".
"""

from __future__ import annotations

from .base import Probe, Product


class IdenticalRelease(Product):
    """To be put in front of the base class of such a product. ``title``: what people call it."""

    title: str

    def release_verdict(self, then: Probe, now: Probe) -> str | None:
        if not then.release:
            return f"nobody knows which version of {self.title} it was, and it is restored into the identical one only"
        if then.release == now.release:
            return None
        if not now.release:
            return f"{self.title} is not installed there, and a restore does not install it"
        return f"{self.title} is restored into the identical version only"

    def release_must_match(self, then: Probe, now: Probe) -> bool:
        return True

    def remarks(self, probe: Probe) -> list[str]:
        """Of a product whose version nobody can tell; a subclass adds its own."""
        if probe.release:
            return []
        return [
            f"The version of {self.title} cannot be told: note it, since a restore demands the identical one and"
            " will ask for allow_version_mismatch."
        ]
