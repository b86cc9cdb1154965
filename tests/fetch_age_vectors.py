# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetch the public test vectors of the age format (npm package cctv-age) into build/age-vectors/, one file each.

python tests/fetch_age_vectors.py [FOLDER]
"""

from __future__ import annotations

import base64
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile

PACKAGE = "cctv-age@0.2.0"
DEFAULT = pathlib.Path(__file__).resolve().parents[1] / "build" / "age-vectors"
VECTOR = re.compile(r'^// \.\./testdata/(\w+)\nvar \w+ = __toBinary\("([A-Za-z0-9+/=]*)"\);$', re.MULTILINE)


def fetch(folder: pathlib.Path) -> int:
    """Write all vectors into the folder and return how many there are."""
    with tempfile.TemporaryDirectory() as scratch:
        command = ["npm", "pack", "--silent", "--pack-destination", scratch, PACKAGE]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        (archive,) = pathlib.Path(scratch).glob("*.tgz")
        with tarfile.open(archive) as package:
            member = package.extractfile("package/index.js")
            if member is None:
                raise SystemExit(f"{PACKAGE} has no index.js")
            text = member.read().decode("utf-8")
    vectors = VECTOR.findall(text)
    if len(vectors) != text.count("// ../testdata/"):
        raise SystemExit(f"{PACKAGE} has another form than this script knows")
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in vectors:
        (folder / name).write_bytes(base64.b64decode(content))
    return len(vectors)


if __name__ == "__main__":
    target = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
    sys.stdout.write(f"{fetch(target)} vectors in {target}\n")
