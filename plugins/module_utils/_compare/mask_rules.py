# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which rules hold for which file.

When in doubt more is masked than needed: a change stays visible through the placeholder.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from . import mask_directory as directory
from . import mask_forms as forms
from . import mask_json as json
from . import mask_kamailio as script
from . import mask_names as names
from . import mask_tables as tables
from . import mask_xml as xml
from .mask import MaskRule
from .registry_secrets import TEXT_RULES, registry_values

Rules = Sequence[MaskRule]

_KEYS_AND_HASHES: Rules = (
    forms.private_keys,
    forms.age_identities,
    forms.password_hashes,
    forms.authorization_headers,
)
_URLS: Rules = (forms.url_passwords, forms.sip_passwords)
COMMON: Rules = (*_KEYS_AND_HASHES, *_URLS, names.assignments)
"""What holds in any text."""
SQL: Rules = (tables.sql_rows, forms.sql_passwords, *COMMON)
DBTEXT: Rules = (tables.dbtext_rows, *COMMON)
DIRECTORY: Rules = (directory.documents, *COMMON)
_SCRIPT: Rules = (script.defines, script.substitutions, script.modparams, script.authentication)
KAMAILIO: Rules = (*_KEYS_AND_HASHES, *_URLS, names.script_assignments, *_SCRIPT)
"""For files that are known to be Kamailio's script, where less is mistaken for a secret."""
GENERIC: Rules = (*DBTEXT, *_SCRIPT, names.directives)
"""For configuration files of unknown kind: everything that can be told from the text itself."""
XML: Rules = (xml.xml_values, *TEXT_RULES, *GENERIC)
JSON: Rules = (json.json_values, *_KEYS_AND_HASHES, *_URLS)
REGISTRY: Rules = (registry_values,)
"""For exports of the Windows registry."""

_BY_PATH: Sequence[tuple[re.Pattern[bytes], Rules]] = (
    (re.compile(rb"^/@(registry|service)/"), REGISTRY),
    (re.compile(rb"^/@directory/"), DIRECTORY),
    (re.compile(rb"^/@ejbca/"), JSON),
    (re.compile(rb"^/@database/|\.sql$"), SQL),
    (re.compile(rb"\.(xml|config)$", re.IGNORECASE), XML),
    (re.compile(rb"/nsswitch\.conf$"), ()),
    (re.compile(rb"/pam\.d/|/pam\.conf$"), COMMON),
    (re.compile(rb"/(passwd|group)-?$"), (forms.first_password_field, *_KEYS_AND_HASHES)),
    (re.compile(rb"/(chap|pap)-secrets$|/(ntp|chrony)[./](\w*\.)?keys$"), (forms.third_field, *GENERIC)),
    (re.compile(rb"/snmp"), (forms.snmp_users, *GENERIC)),
    (re.compile(rb"/network/interfaces|/ifcfg-|/keys-"), (forms.interface_keys, *GENERIC)),
    (re.compile(rb"/cloud"), (forms.cloud_init_passwords, *GENERIC)),
)

_WHOLLY_SECRET = re.compile(
    rb"/(g?shadow-?|opasswd|sasl_passwd|\.?htpasswd|\.pgpass|\.netrc|ipsec(\.[^/]*)?\.secrets|private_key\.json"
    rb"|id_(rsa|dsa|ecdsa|ed25519)(_sk)?|ssh_host_[^/]*_key|[^/]*\.(key|keytab|p12|pfx|jks|kdbx|private)"
    rb"|privkey\d*\.pem|(secrets|passdb)\.tdb)$"
    rb"|/(ssl|tls)/private/|/ipsec\.d/private/|/swanctl/(private|rsa|ecdsa|pkcs8|pkcs12)/"
)
_TEXT_HEAD = 64 * 1024


def rules_for(path: bytes) -> Rules:
    """The rules for the content of this path."""
    return next((rules for expression, rules in _BY_PATH if expression.search(path)), GENERIC)


def wholly_secret(path: bytes) -> bool:
    """Whether a file of this path holds nothing but secrets, so that not even a masked text of it is shown."""
    return bool(_WHOLLY_SECRET.search(path))


def is_binary(content: bytes) -> bool:
    """Whether a content is no text: there is a NUL in its first 64 KiB."""
    return b"\0" in content[:_TEXT_HEAD]
