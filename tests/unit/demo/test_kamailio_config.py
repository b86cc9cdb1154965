# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in's reader of kamailio.cfg: what it finds, and which configurations it refuses."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from host_tree import build_tree
from kamailio_config import ConfigError, read_config

GOOD = """#!KAMAILIO
/* listen=udp:9.9.9.9:9
 */
listen=udp:127.0.0.1:5060   # listen=tcp:127.0.0.1:1
loadmodule "tm.so"
loadmodule "/usr/lib/kamailio/modules/auth.so"
modparam("tm|auth", "secret", "a)b#c")
request_route { if ($rU =~ "^(1|2)$") { exit; } }
"""


def write(tmp_path, text, name="kamailio.cfg"):
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return path


def test_reads_listens_modules_and_parameters(tmp_path):
    config = read_config(write(tmp_path, GOOD))
    assert config.listens == [("udp", "127.0.0.1", 5060)]
    assert config.modules == ["tm", "auth"]
    assert config.modparams["auth", "secret"] == '"a)b#c"'
    assert config.listens_on("udp", 5060)
    assert not config.listens_on("tcp", 5060)
    assert not config.listens_on("udp", 5061)


def test_ifdef_and_includes_decide_what_counts(tmp_path):
    write(tmp_path, "#!define WITH_TLS\n", "local.cfg")
    text = 'import_file "local.cfg"\nimport_file "not-there.cfg"\n' + GOOD
    text += "#!ifdef WITH_TLS\nlisten=tls:127.0.0.1:5061\n#!else\nlisten=tcp:127.0.0.1:5060\n#!endif\n"
    assert read_config(write(tmp_path, text)).listens[1:] == [("tls", "127.0.0.1", 5061)]
    (tmp_path / "local.cfg").unlink()
    assert read_config(tmp_path / "kamailio.cfg").listens[1:] == [("tcp", "127.0.0.1", 5060)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("listen=udp:127.0.0.1:5060", "listen=udp:127.0.0.1"), "bad listen value"),
        (("listen=udp:127.0.0.1:5060", "listen=udp:127.0.0.1:70000"), "bad listen value"),
        (("listen=udp:127.0.0.1:5060", ""), "no listen line"),
        (('loadmodule "tm.so"', ""), "module tm, which is not loaded"),
        (("exit; } }", "exit; }"), "is not closed"),
        (("exit; } }", "exit; } } }"), "unexpected }"),
        (('"^(1|2)$"', '"^(1|2)$'), "string or comment is not closed"),
        ((" */", ""), "string or comment is not closed"),
        (("request_route", "route[A]"), "no request_route"),
        (("#!KAMAILIO", "#!KAMAILIO\n#!ifdef X"), "#!ifdef without #!endif"),
        (("#!KAMAILIO", "#!KAMAILIO\n#!endif"), "#!endif without #!ifdef"),
        (("#!KAMAILIO", '#!KAMAILIO\ninclude_file "gone.cfg"'), "gone.cfg: No such file"),
        (("#!KAMAILIO", '#!KAMAILIO\ninclude_file "kamailio.cfg"'), "includes itself"),
    ],
)
def test_refuses_what_cannot_start(tmp_path, change, message):
    with pytest.raises(ConfigError, match=message.replace("(", r"\(")):
        read_config(write(tmp_path, GOOD.replace(*change)))


def test_missing_file(tmp_path):
    with pytest.raises(ConfigError, match="No such file"):
        read_config(tmp_path / "kamailio.cfg")


@pytest.mark.parametrize("name", ["pbx-berlin", "pbx-hamburg"])
@pytest.mark.skipif(not shutil.which("kamailio"), reason="no Kamailio is installed")
def test_the_real_kamailio_accepts_the_golden_configuration(tmp_path, name):
    directory = tmp_path / name
    build_tree(name, directory, 5060)
    local = directory / "etc/kamailio/kamailio-local.cfg"
    if local.exists():
        local.write_text("")  # TLS is an own package, which may not be installed
    config = directory / "etc/kamailio/kamailio.cfg"
    result = subprocess.run(["kamailio", "-c", "-f", config], capture_output=True, text=True, timeout=30, check=False)
    assert result.returncode == 0, result.stderr
