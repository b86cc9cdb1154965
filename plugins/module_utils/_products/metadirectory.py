# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""estos MetaDirectory: its three folders, and the services that run from its installation folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .options import list_of, option, text
from .windows_options import WindowsOptions, windows_folder


@dataclass(frozen=True)
class MetadirectoryOptions(WindowsOptions):
    """``root``: where it is installed, if that cannot be discovered. ``services``: its services, likewise.
    ``exclude``: what is left out of its folders. ``paths``: more files and folders that belong to it.
    """

    root: str = option(windows_folder, "")
    exclude: Sequence[str] = option(list_of(text), ())
    paths: Sequence[str] = option(list_of(windows_folder), ())
