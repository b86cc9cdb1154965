# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kamailio's tables: which data class each belongs to, and by which columns people know its rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .kamailio_config import KamailioConfig

LOGS = ("acc", "acc_cdrs", "cdrs", "missed_calls", "sip_trace")
USER_DATA = ("speed_dial", "usr_preferences", "silo", "cpl", "xcap", "imc_rooms", "imc_members", "userblocklist")
USER_DATA_OLD = ("userblacklist", "uid_user_attrs", "uid_uri_attrs", "watchers")
VOLATILE = (
    "location",
    "location_attrs",
    "presentity",
    "active_watchers",
    "pua",
    "rls_presentity",
    "rls_watchers",
    "dialog",
    "dialog_vars",
    "sca_subscriptions",
    "topos_d",
    "topos_t",
    "mohqcalls",
)
"""Registrations, subscriptions, calls: they renew themselves, and putting back old ones would do harm."""

NATURAL_KEYS: Mapping[str, tuple[str, ...]] = {
    "subscriber": ("username", "domain"),
    "dispatcher": ("setid", "destination"),
    "address": ("grp", "ip_addr", "mask", "port"),
    "trusted": ("src_ip", "proto", "from_pattern", "ruri_pattern"),
    "dbaliases": ("alias_username", "alias_domain"),
    "domain": ("domain",),
    "uacreg": ("l_uuid",),
    "dr_gateways": ("gwid",),
    "dr_rules": ("ruleid",),
    "lcr_gw": ("lcr_id", "gw_name"),
    "lcr_rule": ("lcr_id", "prefix", "from_uri"),
    "carrierroute": ("carrier", "domain", "scan_prefix", "rewrite_host"),
    "dialplan": ("dpid", "match_exp"),
    "mtrees": ("tname", "tprefix"),
    "pdt": ("sdomain", "prefix"),
    "rtpengine": ("setid", "url"),
    "rtpproxy": ("setid", "url"),
    "uid_credentials": ("auth_username", "realm"),
    "version": ("table_name",),
}
"""Tables whose rows are compared one by one."""
TRUNKS = ("dispatcher", "dr_gateways", "lcr_gw", "uacreg", "carrierroute")
USERS = ("subscriber", "uid_credentials")

_LOG_PARAMETERS = (
    ("acc", "db_table_acc"),
    ("acc", "db_table_missed_calls"),
    ("acc", "cdrs_table"),
    ("siptrace", "table"),
)
_USER_PARAMETERS = (("msilo", "db_table"), ("cpl_c", "cpl_table"), ("usr_preferences", "table"))
_VOLATILE_PARAMETERS = (
    ("presence", "presentity_table"),
    ("presence", "active_watchers_table"),
    ("pua", "db_table"),
    ("dialog", "table_name"),
    ("dialog", "vars_table_name"),
)
_REGISTRATION_TABLE = re.compile(r"\bsave\(\"(\w+)\"")


@dataclass(frozen=True)
class TableClasses:
    """The tables that are not configuration."""

    logs: tuple[str, ...] = LOGS
    user_data: tuple[str, ...] = USER_DATA + USER_DATA_OLD
    volatile: tuple[str, ...] = VOLATILE


def table_classes(
    config: KamailioConfig, logs: Iterable[str] = (), user_data: Iterable[str] = (), volatile: Iterable[str] = ()
) -> TableClasses:
    """What Kamailio calls its tables by default, what its configuration calls them, and what the operator adds."""
    registrations = {
        name for lines in config.routes.values() for line in lines for name in _REGISTRATION_TABLE.findall(line)
    }
    found_volatile = {*VOLATILE, *_named(config, _VOLATILE_PARAMETERS), *registrations, *volatile}
    found_logs = {*LOGS, *_named(config, _LOG_PARAMETERS), *logs} - found_volatile
    found_users = {*USER_DATA, *USER_DATA_OLD, *_named(config, _USER_PARAMETERS), *user_data}
    found_users -= found_volatile | found_logs
    return TableClasses(tuple(sorted(found_logs)), tuple(sorted(found_users)), tuple(sorted(found_volatile)))


def _named(config: KamailioConfig, parameters: Iterable[tuple[str, str]]) -> set[str]:
    values = (config.parameter(module, name) for module, name in parameters)
    return {value for value in values if value and re.fullmatch(r"\w+", value)}
