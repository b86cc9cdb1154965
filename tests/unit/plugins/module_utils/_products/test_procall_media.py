# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.module_utils._products.procall_media import log_folders

ROOT = r"C:\Program Files\estos\UCServer\MediaService"


@pytest.mark.parametrize(
    ("line", "folder"),
    [
        (r"logdir=D:\logs\ems", r"D:\logs\ems"),
        (r"log_path = D:\logs\ems" + "\\", r"D:\logs\ems"),
        ('LogFolder: "D:\\my logs\\ems"', r"D:\my logs\ems"),
        (r"path D:\logs", r"D:\logs"),
        (r"D:\logs\ems", r"D:\logs\ems"),
        ("D:/logs/ems", r"D:\logs\ems"),
        (r"logfile=D:\logs\ems.log", r"D:\logs"),
        (r"logfile=D:\logs\ems_%d.log", r"D:\logs"),
        ("logdir=logs", ROOT + r"\logs"),
        ("logdir=trace", ROOT + r"\trace"),
        (r"logdir=.\logs", ROOT + r"\logs"),
        (r"target=..\logs\media", r"C:\Program Files\estos\UCServer\logs\media"),
        ("logs/media", ROOT + r"\logs\media"),
        ("logfile=logs/ems.log", ROOT + r"\logs"),
        ("Ziel=Protokolle", ROOT + r"\Protokolle"),
    ],
)
def test_writings_of_a_target(line, folder):
    content = f"# logging\r\nlevel=3\r\n{line}\r\nmaxsize=10MB\r\n".encode()
    assert log_folders(content, ROOT) == [folder]


@pytest.mark.parametrize(
    "line",
    ["", "level=debug", "# logdir=D:\\x", "; D:\\x", "// D:\\x", "logdir=", "size=10", "loglevel=all", "path=true",
     "logdir=\\\\server\\share", "logdir=D:\\a|b", "logdir=..\\..\\..\\..\\..\\..", "D:\\", "version 1.2", "format=x",
     "logdir=%TEMP%\\x", "logdir=%TEMP%", "D:\\%USERNAME%\\logs", "logfile=%ProgramData%\\ems.log", "logdir=.",
     "logdir=..", "logfile=ems.log", "logdir=.\\", "logdir=" + ROOT, "C:\\Program Files\\estos\\", "C:/PROGRAM FILES"],
)  # fmt: skip
def test_what_names_no_folder(line):
    assert log_folders(line.encode(), ROOT) == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings(encoding):
    assert log_folders("logdir=D:\\Völklingen".encode(encoding), ROOT) == ["D:\\Völklingen"]


def test_several_folders_each_once():
    content = b"logdir=D:\\a\r\ntracedir=D:\\b\r\ndumpdir=d:\\A\r\n"
    assert log_folders(content, ROOT) == ["D:\\a", "D:\\b"]


@given(st.binary())
def test_any_content_gives_absolute_folders_or_none(content):
    for folder in log_folders(content, ROOT):
        assert folder[1:3] == ":\\"
        assert ".." not in folder.split("\\")
