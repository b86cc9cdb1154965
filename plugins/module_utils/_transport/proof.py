# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host shows of itself before it is told any secret, for a person to compare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

SSH_HOST_KEY = "ssh_host_key"
CERTIFICATE = "certificate"


@dataclass(frozen=True)
class Shown:
    """A host key or a certificate. ``doubt``: why it is not believed, empty when it is. ``text``: the key as a
    known_hosts file has it behind the name, or the certificate as PEM."""

    kind: str
    host: str
    port: int
    fingerprint: str
    doubt: str
    text: str

    def to_result(self) -> dict[str, Any]:
        """For the result of a module."""
        return {
            "kind": self.kind,
            "host": self.host,
            "port": self.port,
            "fingerprint": self.fingerprint,
            "believed": not self.doubt,
            "doubt": self.doubt,
            "text": self.text,
        }
