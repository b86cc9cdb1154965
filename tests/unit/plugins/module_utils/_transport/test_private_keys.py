# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import functools
import pathlib
import subprocess
import tempfile

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import AuthenticationFailed, OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._transport.private_keys import load_private_key


@functools.lru_cache(maxsize=1)
def rsa_key() -> str:
    """One for all: to make one takes long, to write one in another form does not."""
    with tempfile.TemporaryDirectory() as folder:
        return pathlib.Path(generate(pathlib.Path(folder), "-t", "rsa", "-b", "2048")).read_text()


def generate(folder: pathlib.Path, *options: str) -> str:
    subprocess.run(["ssh-keygen", "-q", "-C", "", "-N", "", "-f", str(folder / "key"), *options], check=True)
    return str(folder / "key")


def make(tmp_path: pathlib.Path, kind: str, *form: str, passphrase: str = "") -> str:
    """A key in a form, such as C(-m PEM); with what ssh-keygen takes for its kind."""
    path = tmp_path / "key"
    if kind == "rsa":
        path.touch(0o600)
        path.write_text(rsa_key())
        public = subprocess.run(["ssh-keygen", "-y", "-f", str(path)], check=True, capture_output=True).stdout
        path.with_suffix(".pub").write_bytes(public)
    else:
        generate(tmp_path, "-t", *kind.split())
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", passphrase, "-f", str(path), *form], check=True)
    return str(path)


KEYS = [
    ("ed25519", "", ""),
    ("ed25519", "", "Grüße 1"),
    ("ecdsa", "", "Grüße 1"),
    ("ecdsa -b 521", "", ""),
    ("ecdsa", "-m PEM", "Grüße 1"),
    ("rsa", "", "Grüße 1"),
    ("rsa", "-m PEM", ""),
    ("rsa", "-m PKCS8", "Grüße 1"),
]


@pytest.mark.parametrize(("kind", "form", "passphrase"), KEYS)
def test_every_usual_key_is_read_from_file_and_from_text(tmp_path, kind, form, passphrase):
    path = make(tmp_path, kind, *form.split(), passphrase=passphrase)
    public = pathlib.Path(path + ".pub").read_text().split()[:2]
    for source in (path, pathlib.Path(path).read_text()):
        key = load_private_key(source, passphrase or None, "pbx")
        assert [key.get_name(), key.get_base64()] == public


@pytest.mark.parametrize("form", ["RFC4716", "PEM", "PKCS8"])
def test_a_wrong_passphrase_is_told(tmp_path, form):
    path = make(tmp_path, "rsa", "-m", form, passphrase="right")
    with pytest.raises(AuthenticationFailed, match="passphrase does not open") as caught:
        load_private_key(path, "qx7-secret", "pbx")
    assert "qx7-secret" not in str(caught.value)
    assert caught.value.host == "pbx"
    with pytest.raises(AuthenticationFailed, match="none is given"):
        load_private_key(path, None, "pbx")


def test_a_needless_passphrase_does_no_harm(tmp_path):
    assert load_private_key(make(tmp_path, "ed25519"), "needless", "pbx").get_name() == "ssh-ed25519"


def test_what_is_no_usable_key_is_named(tmp_path):
    path = make(tmp_path, "ed25519")
    with pytest.raises(OptionInvalid, match="cannot be read: No such file"):
        load_private_key(str(tmp_path / "nothing"), None, "pbx")
    with pytest.raises(OptionInvalid, match="no private key"):
        load_private_key(path + ".pub", None, "pbx")
    with pytest.raises(OptionInvalid, match="puttygen"):
        load_private_key("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n", None, "pbx")
    with pytest.raises(OptionInvalid, match="cannot be read"):
        load_private_key("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", None, "pbx")


def test_the_text_of_a_key_never_shows_in_an_error(tmp_path):
    text = pathlib.Path(make(tmp_path, "ed25519", passphrase="right")).read_text()
    with pytest.raises(AuthenticationFailed) as caught:
        load_private_key(text, "wrong", "pbx")
    assert text.splitlines()[1][:20] not in str(caught.value)


def test_a_dss_key_is_refused(tmp_path):
    done = subprocess.run(
        ["ssh-keygen", "-q", "-t", "dsa", "-N", "", "-f", str(tmp_path / "key")], capture_output=True, check=False
    )
    if done.returncode != 0:
        pytest.skip("left out: this ssh-keygen makes no DSA keys any more")
    with pytest.raises(OptionInvalid, match="cannot be used|cannot be read"):
        load_private_key(str(tmp_path / "key"), None, "pbx")
