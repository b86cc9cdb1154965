# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one place that knows which third-party libraries are needed and from which version on."""

from __future__ import annotations

import importlib
import re
from typing import Any

from ._errors import LibraryMissing

MINIMUM = {
    "cryptography": (41, 0),
    "zstandard": (0, 19),
    "fastcdc": (1, 5),
    "paramiko": (3, 4),
    "ldap3": (2, 9),
    "pyspnego": (0, 10),
    "python-tds": (1, 15),
    "pywinrm": (0, 5),
    "requests": (2, 28),
    "smbprotocol": (1, 13),
}
"""Distribution name -> lowest version that is known to work."""

_IMPORTED_AS = {"pyspnego": "spnego", "python-tds": "pytds", "pywinrm": "winrm"}


def _version(name: str, module: Any) -> tuple[int, ...]:
    text = getattr(module, "__version__", "")
    if not isinstance(text, str) or not text:
        import importlib.metadata

        text = importlib.metadata.version(name)
    return tuple(int(part) for part in re.findall(r"\d+", text)[:2])


def require(*names: str) -> None:
    """Raise LibraryMissing unless every named library can be imported in a version that is new enough."""
    for name in names:
        wanted = MINIMUM[name]
        wanted_text = ".".join(str(part) for part in wanted)
        try:
            found = _version(name, importlib.import_module(_IMPORTED_AS.get(name, name)))
        except ImportError:
            raise LibraryMissing(
                f"The Python library {name} is not installed for the interpreter that runs this module",
                hint=f"Install {name}>={wanted_text} there, or set ansible_python_interpreter to a Python that has it.",
            ) from None
        if found < wanted:
            raise LibraryMissing(
                f"The Python library {name} {'.'.join(map(str, found))} is too old",
                hint=f"Install {name}>={wanted_text} for the interpreter that runs this module.",
            )
