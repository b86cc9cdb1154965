# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What made a generation, for the manifest."""

from __future__ import annotations

import functools
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

COLLECTION_VERSION = "0.1.0"

_LIBRARIES = ("cryptography", "zstandard", "fastcdc", "paramiko", "pywinrm", "smbprotocol", "python-tds", "ldap3")


@functools.lru_cache(maxsize=1)
def tool_versions() -> Mapping[str, str]:
    """Names and versions of the collection, of Python and of the libraries. Looked up once for a whole fleet."""
    tools = {"ucops.recovery": COLLECTION_VERSION, "python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            tools[name] = version(name)
        except PackageNotFoundError:
            continue
    return tools
