# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fixed script of Windows PowerShell as a command. What it works on reaches it as input, never in its text."""

from __future__ import annotations

import base64


def script_command(script: str) -> tuple[str, ...]:
    """The words that run a script as it stands: encoded, so that no quoting touches it (about_PowerShell_exe,
    learn.microsoft.com)."""
    encoded = base64.b64encode(script.encode("utf-16-le")).decode("ascii")
    return ("powershell", "-NoLogo", "-NoProfile", "-NonInteractive", "-EncodedCommand", encoded)
