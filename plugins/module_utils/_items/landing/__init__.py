# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The landing zone: where products push their own backups to, and how what arrives is judged and taken.

::

    <landing>/<source>/incoming/    all that an account sees and writes; folders below it are allowed
    <landing>/<source>/taken/       root only, same file system: what is stable goes there before it is read

``facts``, ``judging``, ``grouping``, ``sizes``, ``cucm`` and ``containers`` are pure. ``scanning`` and ``open_files``
look, ``claiming`` and ``kept`` move, ``zone`` knows the places and lets one run at a time do so.
"""
