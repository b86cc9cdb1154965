# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A secret that is planted in any of the known places is never seen, and its change always is."""

from __future__ import annotations

import pathlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.thoroughness import examples, thorough

from ansible_collections.ucops.recovery.plugins.module_utils._compare import mask_rules as rules
from ansible_collections.ucops.recovery.plugins.module_utils._compare.mask import Masker, decoded

MASKER = Masker(bytes(range(32)))
GOLDEN = pathlib.Path(__file__).parent / "golden"

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
PLAIN = st.text(LETTERS, min_size=1, max_size=20)
NASTY = st.text(LETTERS + "!#$%&()*+,-./:;<=>?@[]^_{|}~ äß€", min_size=1, max_size=20)
WORDY = st.text(LETTERS + "!#$%()*+,-./:=?@[]^_{|}~ä€", min_size=1, max_size=20)
"""For unquoted values inside of a line, where blanks, quotes, ; & < > end the value."""

AT_LINE = [
    "{name} = {secret}",
    "{name}={secret}",
    "  {name}: {secret}",
    "export {name}={secret}",
    "#{name} = {secret}",
    "; {name} = {secret}",
    '  "{name}": "{secret}",',
    "{name} = '{secret}'",
    "$CONF['db']['{name}'] = '{secret}';",
    "- {name}: {secret}",
    "{name} := {secret}   ",
    "{name} = {secret}\r",
]
IN_LINE = [
    "url=http://h/x?{name}={secret}&b=1",
    "a=1;{name}={secret};b=2",
    '<param name="x" {name}="{secret}"/>',
    '{{"user": "x", "{name}": "{secret}", "b": 1}}',
    "mount -o user=x,{name}={secret} //a /b",
]
NAMES = [
    "password", "DB_PASSWORD", "passwd", "secret", "client-secret", "passphrase", "psk", "wpa-psk",
    "api_token", "authToken", "community", "rocommunity", "key", "api_key", "PrivateKey", "wep-key0",
    "DBRWPW", "ha1", "apasswd", "smtp.pass", "PASSWORD2",
]  # fmt: skip
MARK = "Zq9"
"""Makes a planted secret something that is nowhere else in the text."""


def check(template, secret, used, **names):
    """Not in the output, and a change shows."""
    planted, changed = MARK + secret + "9qZ", MARK + secret + "8qZ"
    lines = "first = 1\n{line}\nlast = 2\n"

    def masked(value):
        return MASKER.mask_text(lines.format(line=template.format(secret=value, **names)), used)

    text, hits = masked(planted)
    assert hits >= 1
    assert MARK not in text, text
    assert "9qZ" not in text, text
    assert masked(planted)[0] == text
    assert masked(changed)[0] != text
    assert MASKER.mask_text(text, used) == (text, 0)
    assert text.startswith("first") and "\nlast" in text


@settings(max_examples=examples(400))
@given(template=st.sampled_from(AT_LINE), name=st.sampled_from(NAMES), secret=NASTY)
def test_assignment_that_has_a_line_of_its_own(template, name, secret):
    check(template, secret, rules.GENERIC, name=name)


@settings(max_examples=examples(300))
@given(template=st.sampled_from(IN_LINE), name=st.sampled_from(NAMES), secret=WORDY)
def test_assignment_inside_of_a_line(template, name, secret):
    check(template, secret, rules.GENERIC, name=name)


DIRECTIVES = [
    "password {secret}",
    "snmp-server community {secret}",
    "rocommunity {secret}",
    "username x password 0 {secret}",
    "enable secret {secret}",
    "bindpw {secret}",
    "# password {secret}",
    "    wpa-psk {secret}",
]


@settings(max_examples=examples(150))
@given(template=st.sampled_from(DIRECTIVES), secret=PLAIN)
def test_directive(template, secret):
    check(template, secret, rules.GENERIC)


@settings(max_examples=examples(50))
@given(secret=NASTY)
def test_quoted_directive_anywhere(secret):
    check('key "tsig" {{ algorithm x; secret "{secret}"; }};', secret, rules.GENERIC)


URLS = [
    'modparam("acc", "db_url", "mysql://user:{secret}@localhost/kamailio")',
    '#!define DBURL "postgres://user:{secret}@10.0.0.1:5432/kamailio"',
    '# #!trydef DBURL "mysql://user@domain:{secret}@[::1]/kamailio"',
    'modparam("sqlops", "sqlcon", "ca=>mysql://user:{secret}@h/db")',
    "url: 'amqp://user:{secret}@h'",
    'x = "sip:1001:{secret}@h:5060"',
]


@settings(max_examples=examples(250))
@given(template=st.sampled_from(URLS), used=st.sampled_from([rules.GENERIC, rules.KAMAILIO]), secret=NASTY)
def test_password_inside_of_a_url(template, used, secret):
    check(template, secret, used)


@settings(max_examples=examples(25))
@given(secret=st.text(LETTERS + "!$%&'()*+,-./:;=?@[]^_{|}~", max_size=20))
def test_password_inside_of_a_url_that_nothing_quotes(secret):
    check("mirror https://user:{secret}@host/x", secret, rules.GENERIC)


SCRIPT = [
    'modparam("auth", "secret", "{secret}")',
    "modparam('auth', 'secret', '{secret}')",
    'modparamx("auth_ephemeral", "secret", "{secret}")',
    'modparam("uac",\n    "auth_password",\n    "{secret}")',
    'modparam("ndb_redis", "server", "name=a;addr=127.0.0.1;pass={secret}")',
    'modparam("uac", "credential", "user:domain:{secret}")',
    '# modparam("auth", "secret", "{secret}")',
    'modparam("topoh", "mask_key", "{secret}")',
    "#!define DBPASS {secret}",
    "#!trydef API_TOKEN {secret}",
    '#!substdef "!DB_PASSWORD!{secret}!g"',
    '#!subst "/SECRETKEY/{secret}/"',
    'voicemail.password = "{secret}" desc "the password"',
    'if (!pv_www_authenticate("$td", "{secret}", "0")) {{',
    'pv_auth_check("$fd", "{secret}", "1", "0")',
    '$var(password) = "{secret}";',
    '$uac_req(apasswd)="{secret}";',
]


@settings(max_examples=examples(400))
@given(template=st.sampled_from(SCRIPT), secret=st.text(LETTERS + "#$%&()*+,-.:;<=>?@[]^_{|}~ ä", max_size=20))
def test_script_of_kamailio(template, secret):
    if "pass={secret}" in template:
        secret = secret.translate({ord(char): None for char in " ;&<>"})
    check(template, secret, rules.KAMAILIO)


@settings(max_examples=examples(25))
@given(one=PLAIN, other=PLAIN)
def test_adjacent_strings_of_a_parameter(one, other):
    check(f'modparam("auth", "secret", "{MARK}{one}"\n  "{{secret}}{other}")', "", rules.KAMAILIO)


FORMS = [
    ("root:$6$salt${secret}:19000:0:99999:7:::", rules.GENERIC),
    ("user:{{SSHA}}{secret}", rules.GENERIC),
    ("Authorization: Bearer abcdefgh{secret}", rules.GENERIC),
    ("x AGE-SECRET-KEY-1QQ{secret}", rules.GENERIC),
    ("CREATE USER 'a'@'%' IDENTIFIED BY '{secret}';", rules.SQL),
    ("CREATE USER a IDENTIFIED VIA mysql_native_password USING PASSWORD('{secret}');", rules.SQL),
    ("ALTER ROLE kamailio WITH LOGIN PASSWORD '{secret}';", rules.SQL),
    ("* * {secret} *", rules.rules_for(b"/etc/ppp/chap-secrets")),
    ('"client a" server "{secret}" 10.0.0.1', rules.rules_for(b"/etc/ppp/pap-secrets")),
    ("1 SHA1 {secret}", rules.rules_for(b"/etc/chrony.keys")),
    ("1 M {secret}", rules.rules_for(b"/etc/ntp.keys")),
    ("createUser u SHA {secret} AES x", rules.rules_for(b"/etc/snmp/snmpd.conf")),
    ("com2sec a default {secret}", rules.rules_for(b"/etc/snmp/snmpd.conf")),
    ("  wireless-key1 s:{secret}", rules.rules_for(b"/etc/network/interfaces")),
    ("user:{secret}:1000:1000::/home/user:/bin/sh", rules.rules_for(b"/etc/passwd")),
]


@settings(max_examples=examples(200))
@given(form=st.sampled_from(FORMS), secret=PLAIN)
def test_known_forms(form, secret):
    template, used = form
    check(template, secret, used)


@pytest.mark.parametrize("value", ["12345678", "47", "-15", "0x1f"])
def test_numbers_as_secrets_of_the_script(value):
    masked, hits = MASKER.mask_text(f'modparam("auth", "secret", {value})', rules.KAMAILIO)
    assert hits == 1
    assert value not in masked


def test_private_key_goes_and_certificate_stays():
    text = (
        "-----BEGIN CERTIFICATE-----\nMIIBcert\n-----END CERTIFICATE-----\n"
        "-----BEGIN EC PRIVATE KEY-----\nMIIBkey1\nMIIBkey2\n-----END EC PRIVATE KEY-----\nafter\n"
    )
    masked, hits = MASKER.mask_text(text, rules.GENERIC)
    assert hits == 1
    assert "MIIBcert" in masked and "after" in masked
    assert "MIIBkey" not in masked
    cut = text[: text.index("-----END EC")]
    assert "MIIBkey" not in MASKER.mask_text(cut, rules.GENERIC)[0]


def test_yaml_block_and_continued_line():
    masked, _hits = MASKER.mask_text("a: 1\nb:\n  password: |\n    line one\n    line two\n  c: 3\n", rules.GENERIC)
    assert "line" not in masked
    assert "  c: 3" in masked
    masked, _hits = MASKER.mask_text("password = one\\\ntwo\nnext = 1\n", rules.GENERIC)
    assert "two" not in masked
    assert "next = 1" in masked


def test_cloud_init():
    text = (
        "users:\n  - name: x\nchpasswd:\n  expire: false\n  list: |\n    root:geheim1\n    hans:geheim2\nruncmd: [ls]\n"
    )
    masked, hits = MASKER.mask_text(text, rules.rules_for(b"/etc/cloud/cloud.cfg.d/99.cfg"))
    assert "geheim" not in masked
    assert hits == 2
    assert "expire: false" in masked and "runcmd: [ls]" in masked and "hans:" in masked


LOOK_ALIKES = [
    "passwordtimeout = 5",
    "enable_psk_rw = 7",
    "PasswordAuthentication yes",
    "PermitEmptyPasswords no",
    "password_column = ha1",
    "require_password = yes",
    "public_key = AAAAB3Nza",
    "ssl_key = /etc/ssl/private/host.key",
    "private_key = ./kamailio.pem",
    "# the password of the database is kept elsewhere",
    "HostKey /etc/ssh/ssh_host_ed25519_key",
    "AuthorizedKeysFile .ssh/authorized_keys",
    "bypass = 10.0.0.1",
    "PRIMARY KEY (`id`)",
    "listen=udp:10.0.0.1:5060 advertise 192.0.2.1:5060",
    "server = sip:10.0.0.1:5060;transport=tcp",
    "see https://www.kamailio.org:8080/wiki",
    "mail: <sr-users@lists.example.org>",
]


@pytest.mark.parametrize("line", LOOK_ALIKES)
def test_look_alikes_stay(line):
    assert MASKER.mask_text(line + "\n", rules.GENERIC) == (line + "\n", 0)


KAMAILIO_LOOK_ALIKES = [
    'modparam("auth_db", "password_column", "ha1")',
    'modparam("tls", "private_key", "/etc/kamailio/key.pem")',
    'modparam("usrloc", "db_url", DBURL)',
    'modparam("auth_db", "calculate_ha1", 0)',
    'modparam("auth_db", "calculate_ha1", "yes")',
    'modparam("auth", "secret", SECRET)',
    'modparam("auth", "secret", "$def(SECRET)")',
    "$avp(password) = $null;",
    "#!define WITH_AUTH",
    "#!define FLT_ACC 1",
    'if (!auth_check("$fd", "subscriber", "1")) {',
    "# authentication needs the password column",
]


@pytest.mark.parametrize("line", KAMAILIO_LOOK_ALIKES)
def test_look_alikes_of_kamailio_stay(line):
    assert MASKER.mask_text(line + "\n", rules.KAMAILIO) == (line + "\n", 0)


def test_pam_and_nsswitch_are_no_password_files():
    pam = "password requisite pam_pwquality.so retry=3\nauth required pam_x.so secret=geheim\n"
    assert MASKER.mask_text(pam, rules.rules_for(b"/etc/pam.d/common-password"))[0].startswith(
        "password requisite pam_"
    )
    assert "geheim" not in MASKER.mask_text(pam, rules.rules_for(b"/etc/pam.d/common-password"))[0]
    nss = "passwd: files systemd\n"
    assert MASKER.mask_text(nss, rules.rules_for(b"/etc/nsswitch.conf")) == (nss, 0)
    accounts = "root:x:0:0:root:/root:/bin/bash\nlocked:!:1:1::/:/bin/sh\n"
    assert MASKER.mask_text(accounts, rules.rules_for(b"/etc/passwd")) == (accounts, 0)


@pytest.mark.parametrize(
    "name", ["mariadb.sql", "mariadb_extended.sql", "postgresql.sql", "postgresql_inserts.sql", "sqlite.sql"]
)
def test_real_dumps_show_no_secret(name):
    text = decoded((GOLDEN / name).read_bytes())
    masked, hits = MASKER.mask_text(text, rules.rules_for(b"/@database/kamailio.sql"))
    assert hits == 7  # two passwords, three digests, one preference, one attribute of a destination
    for secret in ("clock", "0123456789abcdef", "fedcba98", "pin-4711", "dispatch-secret", "ends with backslash"):
        assert secret in text and secret not in masked
    for shown in ("1001", "lab.test", "sip:10.0.0.2:5060", "voicemail_password", "Straße", "third line"):
        assert shown in masked
    assert MASKER.mask_text(masked, rules.SQL) == (masked, 0)


def test_a_dump_that_cannot_be_followed_is_masked_from_there_on():
    text = "CREATE TABLE a (b INT);\nINSERT INTO a VALUES (1);\nINSERT INTO subscriber VALUES (1,'geheim"
    masked, _hits = MASKER.mask_text(text, rules.SQL)
    assert masked.startswith("CREATE TABLE a (b INT);\nINSERT INTO a VALUES (1);\n<secret:")
    assert "geheim" not in masked


def test_a_table_nobody_described_is_masked_as_a_whole():
    assert "geheim" not in MASKER.mask_text("INSERT INTO x VALUES (1,'geheim');\n", rules.SQL)[0]


@settings(max_examples=examples(50))
@given(secret=st.text(min_size=1, max_size=20).filter(lambda text: not set(text) & set("\0\n\r\t\\:")), other=PLAIN)
def test_text_table(secret, other):
    planted = MARK + secret.encode("utf-8", "replace").decode() + "9qZ"
    text = f"id(int,auto) username(string) password(string) ha1(string) \n1:{other}:{planted}:{planted}\n2:x::\n"
    masked, hits = MASKER.mask_text(text, rules.DBTEXT)
    assert MARK not in masked and "9qZ" not in masked
    assert hits >= 1
    assert masked.startswith("id(int,auto) username(string) password(string) ha1(string) \n1:" + other + ":<secret:")
    assert masked.endswith("\n2:x::\n")


@given(st.binary(max_size=300))
def test_masking_takes_any_bytes_and_leaves_them_alone(content):
    before = bytes(content)
    for used in (rules.GENERIC, rules.KAMAILIO, rules.SQL, rules.DBTEXT, *[r for _path, r in rules._BY_PATH]):
        MASKER.mask_text(decoded(content), used)
    assert content == before


@pytest.mark.parametrize(
    "path",
    [
        b"/etc/shadow", b"/etc/gshadow-", b"/etc/ssh/ssh_host_ed25519_key", b"/root/.ssh/id_rsa",
        b"/etc/kamailio/tls/host.key", b"/etc/krb5.keytab", b"/etc/ipsec.secrets",
        b"/etc/letsencrypt/live/x/privkey.pem", b"/etc/ssl/private/x.pem", b"/root/.pgpass",
    ],
)  # fmt: skip
def test_wholly_secret_files(path):
    assert rules.wholly_secret(path)


@pytest.mark.parametrize(
    "path",
    [
        b"/etc/ssh/ssh_host_ed25519_key.pub",
        b"/etc/ssl/certs/x.pem",
        b"/etc/kamailio/kamailio.cfg",
        b"/etc/shadowsocks.json",
    ],
)
def test_other_files_are_shown_masked(path):
    assert not rules.wholly_secret(path)


def test_binary_contents():
    assert rules.is_binary(b"a\0b")
    assert not rules.is_binary("Größe".encode("latin-1"))


@thorough
def test_long_lines_take_little_time():
    text = "a" * 300_000 + "\n" + "password " * 20_000 + "\n" + "sip:x:y" * 20_000 + "\n" + "a.b-c_" * 50_000 + "= x\n"
    for used in (rules.GENERIC, rules.KAMAILIO, rules.DBTEXT, rules.SQL):
        MASKER.mask_text(text, used)
