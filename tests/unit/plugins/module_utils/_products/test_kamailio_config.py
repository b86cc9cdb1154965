# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pathlib
import re
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.module_utils._products.kamailio_config import KamailioConfig, parse

GOLDEN = pathlib.Path(__file__).parent / "golden"
PACKAGED = pathlib.Path("/etc/kamailio/kamailio.cfg")


def read_site(path):
    place = GOLDEN / "site" / path.lstrip("/")
    return place.read_bytes() if place.is_file() else None


def parsed(text):
    return parse("/m.cfg", lambda path: text.encode() if path == "/m.cfg" else None)


@pytest.fixture(name="site", scope="module")
def _site():
    return parse("/etc/kamailio/kamailio.cfg", read_site)


def test_modules(site):
    assert site.modules == ["db_mysql", "db_sqlite", "tm", "auth_db", "usrloc", "acc", "dispatcher", "tls", "app_lua"]
    assert site.module_paths == ["/usr/lib/kamailio/modules", "/usr/lib64/kamailio/modules"]


def test_parameters(site):
    assert site.parameter("auth_db", "db_url") == "mysql://kamailio:s3cr:t@nd/more@db.example:3307/voip"
    assert site.parameter("usrloc", "db_url") == site.parameter("auth_db", "db_url")
    assert site.parameter("acc", "db_flag") == "1"
    assert site.parameter("acc", "log_extra") == "src_user=$fU;dst_user=$rU"
    assert site.parameter("auth_db", "password_column") == "ha1"
    assert site.parameter("auth", "secret") == 'nonce "secret"'
    assert site.parameter("usrloc", "db_mode") == "2"
    assert site.modparams[("htable", "htable")] == ["a=>size=8;", "b=>size=4;"]
    assert site.parameter("tm", "fr_timer") is None


def test_sockets_and_names(site):
    assert site.listens == [
        "udp:192.0.2.5:5070",
        "udp:192.0.2.5:5060 advertise 198.51.100.5:5060",
        "tcp:[2001:db8::5]:5060",
        "tls:192.0.2.5:5061",
    ]
    assert site.aliases == ["voip.example", "sip.voip.example", "third.example"]


def test_settings(site):
    assert site.settings == {
        "debug": "2",
        "log_prefix": '"{$mt $ci} joined "',
        "children": "4",
        "tcp_children": "2",
        "enable_tls": "yes",
        "server_header": '"Server: site"',
        "pstn.gateway": '"sip:gw.example" desc "where calls leave"',
    }


def test_routes(site):
    assert list(site.routes) == [
        "request_route",
        "route[OUT]",
        "event_route[tm:local-request]",
        "failure_route[FAILED]",
    ]
    assert site.routes["request_route"] == [
        'if(is_method("REGISTER")){save("customers");exit;}',
        'xlog("an } in a string // is no comment\\n");',
        "route(OUT);",
    ]
    assert site.routes["route[OUT]"][0] == 'if($rU=~"^(112|110)$"){'
    assert site.routes["route[OUT]"][-2:] == ['$var(x)=$rU+"@192.0.2.5";', "t_relay();"]


def test_files(site):
    assert site.files == [
        "/etc/kamailio/kamailio.cfg",
        "/etc/kamailio/local.cfg",
        "/etc/kamailio/routes/emergency.cfg",
        "/opt/voip/extra.cfg",
    ]
    assert site.missing == ["/opt/voip/missing.cfg"]


def test_small_registrar():
    config = parse("/lab.cfg", lambda path: (GOLDEN / "lab.cfg").read_bytes())
    assert config.listens == ["udp:10.77.1.10:5060", "tcp:10.77.1.10:5060"]
    assert config.parameter("usrloc", "db_url") == "sqlite:////var/lib/kamailio/kamailio.sqlite"
    assert config.parameter("auth_db", "load_credentials") == ""
    assert list(config.routes) == ["request_route"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("listen=udp:a:1\n  tcp:b:2\nx=1", ["udp:a:1", "tcp:b:2"]),
        ("listen=udp:a:1 tcp:b:2", ["udp:a:1", "tcp:b:2"]),
        ('listen=tcp:a:1 name "s1" advertise udp:b:2', ['tcp:a:1 name "s1" advertise udp:b:2']),
        ("listen=10.0.0.1", ["10.0.0.1"]),
        ("listen=eth0", ["eth0"]),
        ("socket = { bind = udp:a:1; advertise = b:2; }", ["bind=udp:a:1;advertise=b:2;"]),
    ],
)
def test_writings_of_sockets(text, expected):
    assert parsed(text).listens == expected


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("route { exit; }", "request_route"),
        ("route[0] { exit; }", "request_route"),
        ('failure_route["F 1"] { exit; }', "failure_route[F 1]"),
        ("reply_route { exit; }", "reply_route"),
        ("onsend_route { exit; }", "onsend_route"),
    ],
)
def test_writings_of_routes(text, name):
    assert parsed(text).routes == {name: ["exit;"]}


def test_comments_indentation_and_blank_lines_are_no_change():
    one = parsed("route[A] {\n\n  # said\n  x( 1 ) ;\n}").routes
    assert one == parsed("route[A] {\nx(1); // said\n}").routes
    assert one != parsed("route[A] {\nx(2);\n}").routes
    assert parsed('route[A] { x("a  b"); }').routes != parsed('route[A] { x("a b"); }').routes


def test_other_script_engine():
    assert parsed('cfgengine "lua"').settings == {"cfgengine": "lua"}


@pytest.mark.parametrize(
    "text", ["", "not a configuration", "route[A] {", "modparam(", "loadmodule", "}", "listen=", "route"]
)
def test_what_is_no_configuration_is_an_empty_or_a_part_of_one(text):
    assert isinstance(parsed(text), KamailioConfig)


def test_no_file_at_all():
    config = parse("/m.cfg", lambda path: None)
    assert config.missing == ["/m.cfg"]
    assert config.files == []


@given(
    st.lists(
        st.sampled_from(
            [
                "modparam(",
                '"a"',
                ",",
                ")",
                "=",
                "{",
                "}",
                "route",
                "[A]",
                "listen",
                "udp:a:1",
                "loadmodule",
                "\n",
                "alias",
                ";",
            ]
        ),
        max_size=25,
    )
)
def test_no_order_of_words_breaks_the_reader(parts):
    parsed(" ".join(parts))


@pytest.mark.skipif(not PACKAGED.exists() or not shutil.which("kamailio"), reason="Kamailio is not installed here")
@pytest.mark.parametrize(
    "features",
    [
        (),
        ("WITH_AUTH", "WITH_MYSQL", "WITH_USRLOCDB", "WITH_ACCDB", "WITH_ALIASDB", "WITH_SPEEDDIAL"),
        ("WITH_NAT", "WITH_RTPENGINE", "WITH_ANTIFLOOD", "WITH_PSTN", "WITH_DEBUG", "WITH_JSONRPC"),
        ("WITH_NAT", "WITH_MULTIDOMAIN", "WITH_MYSQL", "WITH_VOICEMAIL", "WITH_BLOCK3XX"),
    ],
)
def test_kamailio_itself_loads_what_we_read(tmp_path, features):
    text = re.sub(rb"(?m)^(debug|log_stderror)=.*\n", b"", PACKAGED.read_bytes())
    place = tmp_path / "kamailio.cfg"
    place.write_bytes(text)
    command = ["kamailio", "-c", "-ddd", "-E", "-f", str(place)]
    for feature in features:
        command += ["-A", feature]
    output = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    loaded = re.findall(r"trying to load <\S*/(\w+)\.so>", output)
    config = parse(str(place), lambda path: text if path == str(place) else None, dict.fromkeys(features, ""))
    assert config.modules == loaded
    assert len(loaded) >= 20
    assert len(config.routes) == 18 + ("WITH_JSONRPC" in features)
