# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  edition:
    description:
      - Which edition it is. V(auto) takes it from the installed programs.
    type: str
    choices:
      - auto
      - business
      - enterprise
      - datacenter
    default: auto
  components:
    description:
      - What this machine must have, when parts are on machines of their own. If not given, UCServer, and what is
        installed beside it.
    type: list
    elements: str
    choices:
      - ucserver
      - media_server
      - web_server
  root:
    description:
      - Folder in which UCServer is installed, when the services do not tell.
    type: str
  media_server_root:
    description:
      - Folder in which UC Media Server is installed, when the services do not tell.
    type: str
  database_folders:
    description:
      - Folders of its SQLite databases beside the usual one. The administration of UCServer says where they are.
    type: list
    elements: str
  log_folders:
    description:
      - More folders with logs.
    type: list
    elements: str
  optional_folders:
    description:
      - Which of the folders that the vendor names may be missing here without making a generation partial.
    type: list
    elements: str
    choices:
      - client-install
      - config
      - database
      - linestates
      - pending
      - userstates
      - logs
  exclude:
    description:
      - What to leave out of its folders.
    type: list
    elements: str
  export_zip:
    description:
      - The archive that somebody made with the function Datenexport of the administration, if there is one. C(*) and
        C(?) are wildcards.
    type: str
  administrators:
    description:
      - Whose settings of the administration program are gathered, by name or SID. If not given, of everybody who has
        some.
    type: list
    elements: str
  databases:
    description:
      - The SQL Server databases that it uses. Each one demands a generation of the product mssql of the same run.
      - If not given, they are discovered. An empty list says that there are none.
    type: list
    elements: dict
    suboptions:
      role:
        description:
          - V(journal) is the database of the page Datenbank, V(configuration) that of the page Multi-Server-Datenbank.
        type: str
        choices:
          - journal
          - configuration
        default: journal
      server:
        description:
          - The server, as UCServer is told it.
        type: str
      database:
        description:
          - Name of the database.
        type: str
        required: true
      source:
        description:
          - Under which source its generations are kept. If not given, any will do.
        type: str
      instance:
        description:
          - Under which instance they are kept. If not given, the name of the database.
        type: str
  user_database:
    description:
      - Where its users are kept. V(active_directory) demands a generation of the product ad_attributes of the same run.
    type: str
    choices:
      - auto
      - internal
      - active_directory
    default: auto
  directory_source:
    description:
      - Under which source the generations of ad_attributes are kept. If not given, any will do.
    type: str
  directory_instance:
    description:
      - Under which instance they are kept. If not given, any will do.
    type: str
  demanded_companions:
    description:
      - More generations of other products that each backup demands of its run.
    type: list
    elements: dict
    suboptions:
      product:
        description:
          - The product.
        type: str
        required: true
      source:
        description:
          - Its source. If not given, any will do.
        type: str
      instance:
        description:
          - Its instance. If not given, any will do.
        type: str
      why:
        description:
          - What it is for.
        type: str
  ucconnect_id:
    description:
      - The UCConnect ID, which mobile users need to log in again, when it cannot be discovered.
    type: str
  consistency:
    description:
      - How its databases are read, which are written meanwhile.
      - V(shadow_copy) reads their folders from a shadow copy of the volume and fails where the host makes none, V(stop)
        stops the services while everything is gathered, V(none) reads them as they are.
    type: str
    choices:
      - shadow_copy
      - stop
      - none
    default: shadow_copy
  services:
    description:
      - Names of its services in the order in which they are stopped, when they cannot be discovered.
    type: list
    elements: str
  service_passwords:
    description:
      - Passwords of the accounts that services run as, by account or by service. No host gives them back, so a restore
        of a service definition needs them.
      - They reach the host as the input of a program, never on a command line or in a file.
    type: dict
  partner_servers:
    description:
      - The other UCServers of a multi-server environment. Their common database must not be restored while one of them
        runs.
    type: list
    elements: dict
    suboptions:
      host:
        description:
          - Its address.
        type: str
        required: true
      port:
        description:
          - The port at which it answers while it runs.
        type: int
        default: 7222
  allow_running_partners:
    description:
      - Restore although one of O(partner_servers) runs.
    type: bool
    default: false
  cti_port:
    description:
      - Port of UCServer that must be listened at after a restore, asked from the backup host. If not given, none is
        asked, and its services must run.
    type: int
"""
