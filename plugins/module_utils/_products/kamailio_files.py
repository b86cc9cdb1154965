# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that belong to a Kamailio without lying in its folder: includes, TLS material, lists and scripts."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator

from .kamailio_config import KamailioConfig
from .kamailio_script import ReadFile

_TLS_NAMES = ("private_key", "certificate", "ca_list", "ca_path", "crl")
_TLS_LINE = re.compile(rf"^\s*(?:{'|'.join(_TLS_NAMES)})\s*=\s*(?P<path>[^#\n]+)", re.MULTILINE)
_NEVER = ("/dev/", "/proc/", "/run/", "/sys/", "/tmp/", "/var/run/", "/var/tmp/", "/lib/", "/usr/lib/", "/usr/share/")
_ONE_PATH = re.compile(r"/[^\s;,=\"'<>|$]+")


def is_below(path: str, folder: str) -> bool:
    """Whether a path is a folder or lies in it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def find_main_file(paths: Collection[bytes], expected: str) -> str:
    """The main file of a generation that may have been made with other options: the expected one if it is there."""
    named = sorted(path.decode("utf-8", "surrogateescape") for path in paths if path.endswith(b"/kamailio.cfg"))
    return expected if not named or expected in named or expected.encode() in paths else named[0]


def included_outside(config: KamailioConfig, folder: str) -> list[str]:
    """Configuration files, found or not, that lie elsewhere than in the folder; the main file is one of them."""
    return [path for path in (*config.files, *config.missing) if not is_below(path, folder)]


def tls_files(config: KamailioConfig, read: ReadFile) -> list[str]:
    """Keys, certificates and lists of certificates, and the file that names them."""
    found = [value for name in _TLS_NAMES if (value := config.parameter("tls", name))]
    tls_config = config.parameter("tls", "config")
    if tls_config:
        path = _resolved(tls_config, config)
        found.append(path)
        text = (read(path) or b"").decode("utf-8", "surrogateescape")
        found.extend(line["path"].strip().strip("\"'") for line in _TLS_LINE.finditer(text))
    return _distinct(_resolved(path, config) for path in found if path)


def files_referenced(config: KamailioConfig, known: Iterable[str]) -> list[str]:
    """What else module parameters name by an absolute path: dispatcher lists, scripts, tables of other modules."""
    taken = set(known)
    values = (value for values in config.modparams.values() for value in values)
    paths = (posixpath.normpath(value) for value in values if _ONE_PATH.fullmatch(value))
    return [path for path in _distinct(paths) if path not in taken and not path.startswith(_NEVER)]


def _resolved(path: str, config: KamailioConfig) -> str:
    """A path as the tls module reads it: relative ones stand beside the main file."""
    folder = posixpath.dirname(config.files[0]) if config.files else "/"
    return posixpath.normpath(posixpath.join(folder, path))


def _distinct(paths: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(_absolute(paths)))


def _absolute(paths: Iterable[str]) -> Iterator[str]:
    return (path for path in paths if path.startswith("/") and path != "/")
