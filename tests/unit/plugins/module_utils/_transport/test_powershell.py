# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64

from ansible_collections.ucops.recovery.plugins.module_utils._transport.powershell import script_command


def test_a_script_reaches_powershell_as_it_stands():
    script = "$a = 'Jürgen \"x\"'\r\n[Console]::Out.WriteLine($a)\n"
    *words, encoded = script_command(script)
    assert words == ["powershell", "-NoLogo", "-NoProfile", "-NonInteractive", "-EncodedCommand"]
    assert base64.b64decode(encoded).decode("utf-16-le") == script and encoded.isascii()
