# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  username:
    description:
      - The account to log in as, like V(DOMAIN\\backup), V(backup@domain.example), or V(backup) for one of the host
        itself. It serves SMB too.
      - It has to be an administrator of the host. An account of the host itself that is not the built-in one also needs
        C(LocalAccountTokenFilterPolicy) to be 1, or else remote UAC takes its rights away.
    type: str
  password:
    description:
      - Password of the account.
    type: str
  winrm_port:
    description:
      - Port of WinRM. By default 5986, or 5985 when O(winrm_scheme=http).
    type: int
  winrm_scheme:
    description:
      - V(http) is possible with V(ntlm) and V(kerberos) only, which encrypt every message then.
    type: str
    choices:
      - https
      - http
    default: https
  winrm_authentication:
    description:
      - How to log in. There is no basic authentication.
      - V(certificate) logs in with O(client_certificate_file) and O(client_key_file). SMB knows no certificates, so
        O(username) and O(password) are needed for files then.
      - V(kerberos) uses the tickets in O(kerberos_cache_file) for commands.
    type: str
    choices:
      - ntlm
      - kerberos
      - certificate
    default: ntlm
  ca_file:
    description:
      - File with the certificates of the authorities that may have signed the host's certificate, on the host that runs
        this module. The certificate is always verified.
      - By default the authorities that the system trusts.
    type: path
  client_certificate_file:
    description:
      - The certificate to log in with, in PEM format, on the host that runs this module.
    type: path
  client_key_file:
    description:
      - The private key of the certificate.
    type: path
  kerberos_cache_file:
    description:
      - File with Kerberos tickets, on the host that runs this module. By default the one of its user.
      - With a keytab no ticket needs to be there. Leave this out then, and name the keytab in the task's C(environment)
        as C(KRB5_CLIENT_KTNAME).
    type: path
  connect_timeout:
    description:
      - Seconds to wait for a connection and login.
    type: int
    default: 15
  silence_timeout:
    description:
      - Seconds that a command may run without a byte of output.
    type: int
    default: 60
  total_timeout:
    description:
      - Seconds that a single command may take.
    type: int
    default: 3600
"""
