# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.thoroughness import examples

from ansible_collections.ucops.recovery.plugins.module_utils._compare.findings import Rules, graded
from ansible_collections.ucops.recovery.plugins.module_utils._compare.mask import Masker
from ansible_collections.ucops.recovery.plugins.module_utils._compare.semantic import summarised
from ansible_collections.ucops.recovery.plugins.module_utils._products.kamailio import Kamailio

MASKER = Masker(bytes(range(32)))
CONFIG = """
#!define DBURL "text:///var/lib/dbtext"
listen=udp:192.0.2.1:5060
listen=udp:a:1
alias="voip.example"
children=4
loadmodule "tm.so"
loadmodule "dispatcher.so"
modparam("auth_db", "db_url", DBURL)
modparam("auth", "secret", "{secret}")
modparam("tm", "fr_timer", 30000)
request_route {{
  if ($rU =~ "^1[0-9]+$") route(OUT);
  {line}
}}
"""
SUBSCRIBER = "id(int,auto) username(string) domain(string) password(string) ha1(string)\n"
DISPATCHER = "id(int,auto) setid(int) destination(string) flags(int) priority(int) attrs(string) description(string)\n"


def view(line="", secret="one", config=None, **tables):
    text = (config or CONFIG).format(line=line, secret=secret)
    files = {b"/etc/kamailio/kamailio.cfg": text.encode()}
    files.update({b"/var/lib/dbtext/" + name.encode(): content.encode() for name, content in tables.items()})
    return files


def changes(old, new, **options):
    return [str(change) for change in Kamailio(options).semantic(old, new, MASKER)]


def judged(old, new):
    """The changes as the rules grade them."""
    product = Kamailio({})
    return graded(product.semantic(old, new, MASKER), product.topics, Rules())[0]


def sql(rows="", table="dispatcher"):
    columns = "id INTEGER, setid INTEGER, destination TEXT, priority INTEGER, attrs TEXT, description TEXT"
    return f"CREATE TABLE {table} ({columns});\n{rows}".encode()


def test_nothing_changed():
    assert changes(view(), view()) == []
    assert changes({}, {}) == []


def test_comments_and_blanks_are_nothing():
    assert changes(view(), view(config="# said\n" + CONFIG.replace("  if", "        if"))) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('"tm", "fr_timer", 30000', '"tm", "fr_timer", 20000', ["modparam tm.fr_timer changed: 30000 -> 20000"]),
        (
            '"tm", "fr_timer", 30000',
            '"tm", "fr_inv_timer", 30000',
            ["modparam tm.fr_inv_timer added: 30000", "modparam tm.fr_timer removed: 30000"],
        ),
        ("udp:a:1", "udp:a:2", ["listen udp:a:1 removed", "listen udp:a:2 added"]),
        ('loadmodule "tm.so"', 'loadmodule "tm.so"\nloadmodule "tls.so"', ["module tls added"]),
        ('alias="voip.example"', "", ["alias voip.example removed"]),
        ("children=4", "children=8", ["setting children changed: 4 -> 8"]),
        ("children=4", "children=4\n#!define WITH_NAT", ["define WITH_NAT added"]),
        ("children=4", 'children=4\ninclude_file "gone.cfg"', ["missing include /etc/kamailio/gone.cfg added"]),
    ],
)  # fmt: skip
def test_configuration(old, new, expected):
    assert changes(view(), view(config=CONFIG.replace(old, new))) == expected


def test_secret_parameters_only_as_placeholders():
    (told,) = changes(view(secret="one"), view(secret="two"))
    assert told == f'modparam auth.secret changed: "{MASKER.placeholder("one")}" -> "{MASKER.placeholder("two")}"'


@settings(max_examples=examples(60))
@given(st.text("abcXYZ019-_.:@/$ ", min_size=1, max_size=12))
def test_a_planted_secret_is_never_told(secret):
    planted = f"Zq9{secret}9qZ"
    replaced = (
        CONFIG.replace("text:///var/lib/dbtext", f"mysql://u:{planted}@h/d")
        .replace("children=4", f'children=4\n#!define DB_PASSWORD {planted}\nmy.password="{planted}"')
        .replace('"tm", "fr_timer", 30000', f'"uac", "auth_password", "{planted}"')
    )
    tables = {
        "subscriber": SUBSCRIBER + f"1:1001:voip.example:{planted.replace(':', '')}:{planted.replace(':', '')}\n",
        "dispatcher": DISPATCHER + f"1:1:sip\\:h:0:0:authpass={planted.replace(':', '').replace(' ', '')}:x\n",
    }
    told = "\n".join(
        changes(
            view(**{key: value.partition("\n")[0] + "\n" for key, value in tables.items()}),
            view(config=replaced, **tables),
        )
    )
    assert "modparam auth_db.db_url changed" in told
    assert "Zq9" not in told and "9qZ" not in told


def test_route_blocks_as_counted_lines():
    old, new = view("a();\n  b();"), view("b();\n  c();\n  d();")
    assert changes(old, new) == ["route block request_route changed: (+2 -1 lines)"]
    added = CONFIG + "route[NEW] {{\n x();\n}}\n"
    assert changes(view(), view(config=added)) == ["route block route[NEW] added: (+1 -0 lines)"]
    assert changes(view(config=added), view()) == ["route block route[NEW] removed"]


@pytest.mark.parametrize(
    ("line", "high"),
    [
        ('if ($rU == "112") route(SOS);', True),
        ('if ($rU =~ "^(110|112)$") exit;', True),
        ('$ru = "sip:911@psap";', True),
        ('if ($rU == "1120") exit;', False),
        ('$du = "sip:10.0.0.112:5060";', False),
        ('$du = "sip:10.0.0.1:112";', False),
    ],
)
def test_emergency_numbers_in_routes_are_high(line, high):
    for old, new in ((view(line), view()), (view(), view(line))):
        (told,) = judged(old, new)
        assert (told.severity == "high") is high


def test_rows_of_text_tables():
    old = view(subscriber=SUBSCRIBER + "1:1001:a.example:pw:h1\n2:1002:a.example:pw:h2\n")
    new = view(subscriber=SUBSCRIBER + "1:1001:a.example:pw:h9\n3:1003:a.example:pw:h3\n")
    h1, h9 = MASKER.placeholder("h1"), MASKER.placeholder("h9")
    told = changes(old, new)
    assert told[0] == f"subscriber 1001@a.example changed: ha1={h1} -> ha1={h9}"
    assert told[1].startswith("subscriber 1002@a.example removed: username=1002 domain=a.example password=<secret:")
    assert told[2].startswith("subscriber 1003@a.example added")


def test_a_lost_trunk_and_lost_users_come_first():
    rows = "1:1:sip\\:192.0.2.10:0:0::A\n2:1:sip\\:192.0.2.11:0:0::B\n"
    users = "".join(f"{n}:{1000 + n}:a.example::h{n}\n" for n in range(40))
    old = view(dispatcher=DISPATCHER + rows, subscriber=SUBSCRIBER + users)
    new = view(
        dispatcher=DISPATCHER + rows.partition("\n")[0] + "\n",
        subscriber=SUBSCRIBER + "".join(users.splitlines(True)[:20]),
    )
    product = Kamailio({})
    told, findings = graded(product.semantic(old, new, MASKER), product.topics, Rules())
    assert [(one.rule, one.grade) for one in findings] == [("trunk_removed", "high"), ("users_gone", "high")]
    assert findings[0].text.startswith("dispatcher 1 sip:192.0.2.11 removed")
    assert findings[1].text == "20 of 40 are gone (subscriber)"
    assert summarised(told)[0].object == "1 sip:192.0.2.11"
    assert len(told) == 21


def test_few_users_gone_is_no_alarm():
    users = "".join(f"{n}:{1000 + n}:a.example::h{n}\n" for n in range(100))
    fewer = "".join(users.splitlines(True)[6:])
    told = judged(view(subscriber=SUBSCRIBER + users), view(subscriber=SUBSCRIBER + fewer))
    assert len(told) == 6
    assert all(one.severity == "low" for one in told)


def test_emergency_number_in_a_table_is_high_and_a_priority_is_not():
    old = view(dispatcher=DISPATCHER)
    for row, severity in (("1:9:sip\\:112@psap:0:0::x\n", "high"), ("1:9:sip\\:h:0:112::x\n", "medium")):
        (told,) = judged(old, view(dispatcher=DISPATCHER + row))
        assert told.severity == severity


def test_other_tables_by_count_and_contents():
    header = "id(int,auto) grp(string)\n"
    old = view(grp=header + "1:a\n2:b\n", acc=header + "1:a\n")
    assert changes(old, view(grp=header + "1:a\n2:b\n3:c\n", acc=header + "1:a\n")) == [
        "table grp changed: 2 rows -> 3 rows"
    ]
    assert changes(old, view(grp=header + "1:a\n2:x\n", acc=header + "1:b\n")) == [
        "table grp changed: 2 rows -> 2 rows, other contents"
    ]
    assert changes(old, view(acc=header + "1:a\n")) == ["table grp removed: 2 rows"]


def test_registrations_are_no_change():
    header = "id(int,auto) ruid(string)\n"
    assert changes(view(location=header + "1:a\n"), view(location=header + "2:b\n3:c\n")) == []


def test_rows_of_sql_dumps():
    path = b"/@database/database.sql"
    row = "INSERT INTO dispatcher VALUES({0},{0},'sip:{1}',{2},'','{1}');\n"
    old = {**view(), path: sql(row.format(1, "a", 0))}
    new = {**view(), path: sql(row.format(1, "a", 5) + row.format(2, "b", 0))}
    assert changes(old, new) == [
        "dispatcher 1 sip:a changed: priority=0 -> priority=5",
        "dispatcher 2 sip:b added: setid=2 destination=sip:b priority=0 description=b",
    ]


def test_rows_with_the_same_natural_key_are_kept_apart():
    path = b"/@database/database.sql"
    row = "INSERT INTO dispatcher VALUES({},1,'sip:a',0,'','A');\n"
    old = {**view(), path: sql(row.format(1))}
    new = {**view(), path: sql(row.format(1) + row.format(2))}
    (told,) = changes(old, new)
    assert told.startswith("dispatcher 1 sip:a (2) added")


def test_a_dump_that_cannot_be_followed_is_said():
    path = b"/@database/database.sql"
    (told,) = changes({**view(), path: sql()}, {**view(), path: sql("INSERT INTO dispatcher VALUES(1,'open")})
    assert told == "dump /@database/database.sql changed: cannot be followed (!)"


def test_a_dump_on_one_side_only_is_told_as_a_whole():
    path = b"/@database/database.sql"
    rows = "INSERT INTO dispatcher VALUES(1,1,'sip:a',0,'','A');\n"
    assert changes({**view(), path: sql(rows)}, view()) == ["dump /@database/database.sql removed (!)"]
    assert changes(view(), {**view(), path: sql(rows)}) == ["dump /@database/database.sql added"]


def test_numbers_and_words_as_secrets_are_never_told():
    for secret in ("12345678", "plainword"):
        config = CONFIG.replace('"{secret}"', secret if secret.isdigit() else f'"{secret}"')
        told = changes(view(), view(config=config))
        assert len(told) == 1 and secret not in told[0]


def test_main_file_that_only_the_generation_knows():
    old, new = ({b"/opt/sip/kamailio.cfg": f"children={n}".encode()} for n in (1, 2))
    assert changes(old, new) == ["setting children changed: 1 -> 2"]


def test_list_file_of_the_dispatcher():
    config = CONFIG + 'modparam("dispatcher", "list_file", "/etc/kamailio/dispatcher.list")\n'
    path = b"/etc/kamailio/dispatcher.list"
    old = {**view(config=config), path: b"# trunks\n1 sip:192.0.2.1 0 10 weight=5\n2 sip:192.0.2.2 # B\n"}
    new = {**view(config=config), path: b"1 sip:192.0.2.1 0 20 weight=5\n"}
    told = summarised(judged(old, new))
    assert [str(one) for one in told] == [
        "dispatcher 2 sip:192.0.2.2 removed: setid=2 destination=sip:192.0.2.2 (!)",
        "dispatcher 1 sip:192.0.2.1 changed: priority=10 -> priority=20",
    ]


def test_declared_text_database_and_main_file_elsewhere():
    options = {"config_file": "/srv/k.cfg", "database": [{"engine": "dbtext", "path": "/srv/tables"}]}
    old = {b"/srv/k.cfg": b"children=1", b"/srv/tables/dispatcher": DISPATCHER.encode()}
    new = {b"/srv/k.cfg": b"children=2", b"/srv/tables/dispatcher": (DISPATCHER + "1:1:sip\\:h:0:0::\n").encode()}
    assert [re.split(r" (?:added|changed)", one)[0] for one in changes(old, new, **options)] == [
        "setting children",
        "dispatcher 1 sip:h",
    ]
