# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import html.parser
import re
from typing import Any

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._repository.keys import WriterKey
from ansible_collections.ucops.recovery.plugins.module_utils._repository.owner import RepositoryState, plan_create
from ansible_collections.ucops.recovery.plugins.plugin_utils.recovery_card import recovery_card

SECRET = "quarz-vogel-lampe-7341"
DOCUMENTS = {"FORMAT.md": b"format", "RECOVERY.md": b"recovery", "recover.py": b"recover"}
FACTS = plan_create(RepositoryState(), SECRET, DOCUMENTS, WriterKey.generate("backup-1").public, work_factor=1).facts


def card(path: str, **options: Any) -> str:
    return recovery_card(path, FACTS, **{"backup_host": "backup1", "repository": "/srv/recovery", **options})


class Text(html.parser.HTMLParser):
    """The text of a page, and a check that its elements are closed in order."""

    EMPTY = ("meta",)

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [f"{name}={value}" for name, value in attrs if name in ("src", "href", "style")]
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data if "style" not in self.open else ""


def page(text: str) -> Text:
    parser = Text()
    parser.feed(text)
    parser.close()
    assert parser.open == []
    return parser


@pytest.mark.parametrize("path", ["card.txt", "card.html"])
def test_everything_that_must_be_compared_is_on_it(path: str) -> None:
    text = card(path) if path.endswith(".txt") else page(card(path)).text
    for wanted in (
        FACTS["repository_id"],
        FACTS["owner_fingerprint"],
        FACTS["documents"]["recover.py"],
        FACTS["documents"]["RECOVERY.md"],
        FACTS["slots"][0],
        FACTS["created"],
        FACTS["recipients"][0]["recipient"],
        "keyring no. 1",
        "backup1",
        "/srv/recovery",
        "Domain Master Secret is kept at",
        "Printed on",
    ):
        assert wanted in text
    assert SECRET not in text


@pytest.mark.parametrize("path", ["card.txt", "card.html"])
def test_the_hash_of_recover_py_is_checked_before_it_runs(path: str) -> None:
    text = card(path)
    steps = [
        text.index(word)
        for word in ("Check recover.py first", "recover.py verify", "recover.py list", "recover.py extract")
    ]
    assert steps == sorted(steps)
    assert "sha256sum recover.py RECOVERY.md" in " ".join(text.split())
    assert f"verify --owner {FACTS['owner_fingerprint']}" in " ".join(text.split())


def test_the_same_facts_give_the_same_card() -> None:
    assert card("card.html") == card("other.html")
    assert card("card.txt") == card("card")


def test_the_page_needs_nothing_else() -> None:
    text = card("card.html")
    assert page(text).links == []
    assert not re.search(r"https?:|@import|url\(|<script|<link|<img", text)
    assert "@page" in text and "@media print" in text


def test_names_are_text_and_not_markup() -> None:
    text = card("card.html", backup_host="<script>alert(1)</script>", repository='/srv/"a"&b')
    assert "<script" not in text
    assert "<script>alert(1)</script>" in page(text).text
    assert '/srv/"a"&b' in page(text).text


def test_there_is_room_to_write() -> None:
    lines = card("card.txt").splitlines()
    assert len([line for line in lines if line.endswith("_" * 30)]) == 3
    assert max(len(line) for line in lines) <= 110
    assert card("card.html").count('class="line"') == 3
