# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  port:
    description:
      - Port of the HTTPS interface.
    type: int
    default: 443
  username:
    description:
      - The account to log in as.
    type: str
  password:
    description:
      - Password of the account.
    type: str
  ca_file:
    description:
      - File with the certificates of the authorities that may have signed the host's certificate, on the host that runs
        this module. The certificate and its name are always verified.
      - By default the authorities that the system trusts.
    type: path
  client_certificate_file:
    description:
      - Certificate that logs this side in, as text (PEM), on the host that runs this module.
    type: path
  client_key_file:
    description:
      - Key of O(client_certificate_file), when it does not stand in the same file. It has no passphrase.
    type: path
  connect_timeout:
    description:
      - Seconds to wait for a connection.
    type: int
    default: 15
  silence_timeout:
    description:
      - Seconds without a sign of life after which it is given up.
    type: int
    default: 60
  total_timeout:
    description:
      - Seconds that a single request with its answer may take.
    type: int
    default: 3600
"""
