# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  data_class:
    description:
      - What kind of data the files hold.
    type: str
    choices:
      - voip_config
      - system_config
      - logs
      - user_data
    default: voip_config
  release:
    description:
      - The release of the product that pushes, as people know it. The files do not tell it, and a restore may need it.
    type: str
  containers:
    description:
      - Which containers the files may be, told by their first bytes. By default any.
      - V(zip), V(gzip), V(bzip2), V(xz), V(tar) and V(7z) are read to their end and tested. All others are opaque.
    type: list
    elements: str
    choices:
      - 7z
      - age
      - bzip2
      - gzip
      - openssl
      - pgp
      - sqlite
      - tar
      - unknown
      - xml
      - xz
      - zip
      - zstd
  min_size:
    description:
      - A smaller file is not plausible, in bytes.
    type: int
    default: 1
  ends_with:
    description:
      - A text that stands in the last kilobytes of every file that is whole, such as V(**** END OF EXPORT).
    type: str
  size_at_least:
    description:
      - A backup smaller than this part of the median of the last five complete generations is not plausible. Name
        V(files) in C(accept_shrunken) when another size is meant; it becomes the usual one.
    type: float
    default: 0.5
  size_at_most:
    description:
      - A backup larger than this many times that median is not plausible.
    type: float
    default: 3.0
"""
