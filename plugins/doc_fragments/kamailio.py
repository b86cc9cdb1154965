# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  config_dir:
    description:
      - Where the configuration is. By default C(/etc/kamailio).
    type: str
  config_file:
    description:
      - The main file. By default C(kamailio.cfg) in O(config_dir).
    type: str
  exclude:
    description:
      - What to leave out of O(config_dir) and O(paths).
    type: list
    elements: str
  paths:
    description:
      - More files and folders that belong to this Kamailio, such as scripts that it calls.
    type: list
    elements: str
  defines:
    description:
      - What its command line defines with C(-A), as C(NAME) or C(NAME=VALUE).
    type: list
    elements: str
  command:
    description:
      - How its program is called. By default C(kamailio).
    type: list
    elements: str
  control_command:
    description:
      - How it is asked what it does now, such as how many are registered. By default C(kamcmd).
    type: list
    elements: str
  database:
    description:
      - V(auto) takes the databases that the configuration names, V(none) takes none.
      - With V(auto) a generation is partial when there may be a database that is not found, since a C(db_url) does not
        become a URL, a module uses the one that is compiled into it, or a driver is loaded for nothing.
      - O(databases) overrides it.
    type: str
    choices:
      - auto
      - none
    default: auto
  databases:
    description:
      - The databases, where the configuration does not tell.
    type: list
    elements: dict
    suboptions:
      engine:
        description:
          - What kind of database it is. V(mysql) stands for MariaDB too.
        type: str
        required: true
        choices:
          - sqlite
          - mysql
          - postgresql
          - dbtext
      database:
        description:
          - Name of the database, for V(mysql) and V(postgresql).
        type: str
      path:
        description:
          - File of the database for V(sqlite), folder for V(dbtext).
        type: str
      host:
        description:
          - Where it is, as seen from the target. By default on the target.
        type: str
      port:
        description:
          - Its port.
        type: int
      socket:
        description:
          - Its socket.
        type: str
      username:
        description:
          - The user to log in as.
        type: str
      password:
        description:
          - The user's password. It is never put on a command line.
        type: str
      run_as:
        description:
          - The system account as whom the database lets in without a password, such as V(postgres).
        type: str
  database_admin:
    description:
      - Who may make the database and its user anew, when a restore finds them gone. By default what the engine's
        packages set up, which is V(root) for MariaDB and V(postgres) for PostgreSQL.
    type: dict
    suboptions:
      username:
        description:
          - The user to log in as.
        type: str
      password:
        description:
          - The user's password. It is never put on a command line.
        type: str
      run_as:
        description:
          - The system account as whom the database lets in without a password.
        type: str
  log_tables:
    description:
      - Tables that hold records of calls, beyond the known ones.
    type: list
    elements: str
  user_data_tables:
    description:
      - Tables that hold what users entered themselves, beyond the known ones.
    type: list
    elements: str
  volatile_tables:
    description:
      - Tables whose rows renew themselves, such as registrations, beyond the known ones.
      - Only their definition is kept, and a restore leaves live ones alone.
    type: list
    elements: str
  sip_host:
    description:
      - Where to ask for its health after a restore. By default the first address on which it listens.
    type: str
  sip_port:
    description:
      - The port for that.
    type: int
  sip_transport:
    description:
      - The transport for that.
    type: str
    choices:
      - udp
      - tcp
      - tls
"""
