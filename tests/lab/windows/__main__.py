# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One stand-in Windows host for trying by hand, as root: ``PYTHONPATH=tests python -m lab.windows``."""

from __future__ import annotations

import signal
import sys
from types import FrameType

from lab.windows.host import WindowsHost, why_not

WELCOME = """
The host runs on loopback and is gone when this ends.

  winrm   {address} port {https_port} (https), {http_port} (http); authority {ca_file}
  smb     {address} port {smb_port}, share C$
  login   {username}, password {password}
  drive   {drive_c}

Its services: eucsrv (estos UCServer). Its users: anna (logged on), Jürgen (not).
A line that is typed here runs in it, "commands" shows what WinRM received, Ctrl-D ends it.
"""


def end(_signal: int, _frame: FrameType | None) -> None:
    """A plain kill ends it as tidily as Ctrl-C."""
    sys.exit(143)


def main() -> int:
    """Start it and read lines."""
    reason = why_not()
    if reason:
        print(f"lab.windows: {reason}")
        return 1
    signal.signal(signal.SIGTERM, end)
    with WindowsHost() as host:
        host.install_service("eucsrv", "estos UCServer", r"C:\Program Files\estos\UCServer\bin\EUCSrv.exe")
        host.start_service("eucsrv")
        host.add_user("anna", logged_on=True)
        host.add_user("Jürgen")
        names = ("address", "https_port", "http_port", "ca_file", "smb_port", "username", "password", "drive_c")
        print(WELCOME.format(**{name: getattr(host, name) for name in names}), flush=True)
        try:
            while True:
                line = input(r"C:\> ")
                if line == "commands":
                    print("\n".join(host.commands))
                elif line:
                    started = host.wine.start(f"cmd.exe /c {line}")
                    said, complained = started.process.communicate(b"")
                    print((said + complained).decode("utf-8", "replace"), end="")
        except (EOFError, KeyboardInterrupt):
            print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
