# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  database:
    description:
      - Name of the database. It is O(instance) too, if that is not given, so that several databases of one server are
        told apart.
    type: str
    required: true
  data_class:
    description:
      - Which of the four kinds of data of BSI M 6.101 it holds.
    type: str
    choices:
      - voip_config
      - system_config
      - logs
      - user_data
    default: user_data
  compression:
    description:
      - Whether the server compresses its backup. V(auto) does where the edition can.
    type: str
    choices:
      - auto
      - always
      - never
    default: auto
  certificate_kept:
    description:
      - Say that the certificate of an encrypted database is kept elsewhere. Without it nobody restores such a database.
    type: bool
    default: false
  partner_hosts:
    description:
      - The Windows hosts whose services use the database, which are all UCServers of the environment. A restore is
        refused while one of these services runs.
    type: list
    elements: str
  partner_services:
    description:
      - Which services those are, by name, by the name that is shown, or by the path of the program. C(*) and C(?) are
        wildcards. By default those of UCServer.
    type: list
    elements: str
  check:
    description:
      - Read every page of the database after a restore, with C(DBCC CHECKDB).
    type: bool
    default: true
"""

    CONNECTION = r"""
options:
  port:
    description:
      - Port of the SQL Server.
    type: int
    default: 1433
  mssql_authentication:
    description:
      - How to log in to the SQL Server. V(ntlm) and V(kerberos) log in with an account of Windows.
    type: str
    choices:
      - sql
      - ntlm
      - kerberos
    default: sql
  username:
    description:
      - The login, or the account like V(DOMAIN\\backup).
    type: str
  password:
    description:
      - Its password.
    type: str
  kerberos_cache_file:
    description:
      - File with Kerberos tickets, on the host that runs this module. By default the one of its user.
    type: path
  mssql_encryption:
    description:
      - V(required) encrypts everything with TLS and verifies the server's certificate.
      - V(off) needs O(allow_unencrypted=true) too.
    type: str
    choices:
      - required
      - "off"
    default: required
  allow_unencrypted:
    description:
      - Say that data and passwords of the database may cross the network in the clear.
    type: bool
    default: false
  ca_file:
    description:
      - File with the certificates of the authorities that may have signed the server's certificate, on the host that
        runs this module.
      - By default the authorities that the system trusts.
    type: path
  backup_folder:
    description:
      - Folder on the host of the SQL Server in which it writes its backup and from where the file is fetched and
        removed, like V(D:\\Backup). The account of the SQL Server's service has to be able to write there.
      - By default the folder that the SQL Server itself has set for backups.
    type: str
  smb_host:
    description:
      - Address at which the files of the SQL Server's host are reached. By default the same.
    type: str
  smb_username:
    description:
      - The account that fetches and removes the file, and that asks the hosts in O(partner_hosts) for their services.
        By default O(username), when that is one of Windows.
    type: str
  smb_password:
    description:
      - Its password.
    type: str
  smb_port:
    description:
      - Port of SMB.
    type: int
    default: 445
  smb_shares:
    description:
      - The share that leads to a drive, by drive letter, such as C(backup$) for C(D).
      - By default the administrative one, which is C(C$) for C(C).
    type: dict
  winrm_port:
    description:
      - Port of WinRM of the hosts in O(partner_hosts). By default 5986, or 5985 when O(winrm_scheme=http).
    type: int
  winrm_scheme:
    description:
      - V(http) is possible because every message is encrypted then.
    type: str
    choices:
      - https
      - http
    default: https
  winrm_authentication:
    description:
      - How to log in to them. There is no basic authentication.
    type: str
    choices:
      - ntlm
      - kerberos
    default: ntlm
  connect_timeout:
    description:
      - Seconds to wait for a connection and login.
    type: int
    default: 15
  silence_timeout:
    description:
      - Seconds without a sign of life after which it is given up.
    type: int
    default: 60
  total_timeout:
    description:
      - Seconds that a single request may take.
    type: int
    default: 3600
"""
