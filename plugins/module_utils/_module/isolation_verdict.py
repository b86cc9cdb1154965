# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What comes of a drill target's attempts to reach an address."""

from __future__ import annotations

from dataclasses import dataclass

SILENT, REACHED, UNKNOWN = "silent", "reached", "unknown"


def unknown(why: str) -> str:
    """The verdict on what cannot be tried, with what was said."""
    return f"{UNKNOWN} ({why})"


@dataclass(frozen=True)
class Attempt:
    """What came of the attempts to reach one address."""

    address: str
    port: int
    tcp: str
    udp: str

    @property
    def is_cut_off(self) -> bool:
        """Whether nothing at all came back."""
        return self.tcp == SILENT and self.udp == SILENT

    def __str__(self) -> str:
        shown = f"[{self.address}]" if ":" in self.address else self.address
        return f"{shown}:{self.port}: tcp {self.tcp}, udp {self.udp}"
