# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ways to a stand-in Windows host, as our modules take them."""

from __future__ import annotations

from ansible_collections.ucops.recovery.plugins.module_utils._transport.smb import SmbFiles, SmbOptions
from ansible_collections.ucops.recovery.plugins.module_utils._transport.windows import WindowsTransport
from ansible_collections.ucops.recovery.plugins.module_utils._transport.winrm import WinRm, WinRmOptions
from lab.windows.host import WindowsHost


def transport_to(there: WindowsHost) -> WindowsTransport:
    """Commands by WinRM with TLS, files by SMB, as the administrator."""
    commands = WinRmOptions(
        there.address, there.https_port, username=there.username, password=there.password, ca_file=str(there.ca_file)
    )
    files = SmbOptions(there.address, there.smb_port, there.username, there.password)
    return WindowsTransport(WinRm(commands), SmbFiles(files))
