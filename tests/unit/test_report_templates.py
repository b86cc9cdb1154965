# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The templates of the role C(report): whole, well-formed, and no name of a host means anything in them."""

from __future__ import annotations

import html.parser
import pathlib
import time
from typing import Any

import jinja2
import jinja2.nodes
import pytest
import yaml
from ansible.plugins.filter.core import FilterModule
from support.reports import HOSTILE, host, never, result

from ansible_collections.ucops.recovery.plugins.module_utils._module.report_judgement import Finding
from ansible_collections.ucops.recovery.plugins.plugin_utils.backup_concept import backup_concept
from ansible_collections.ucops.recovery.plugins.plugin_utils.whole_report import whole_report

ROLE = pathlib.Path(__file__).resolve().parents[2] / "roles" / "report"
PAGES = ("report.html.j2", "concept.html.j2")
TEXTS = ("report.md.j2", "concept.md.j2")
TAGS = {
    *("html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "p", "div", "table", "thead", "tbody"),
    *("tr", "th", "td", "strong", "small", "span", "br", "ul", "li"),
}
CLASSES = {
    *("when", "sum", "scroll", "number", "time", "name", "text", "missing", "failed"),
    *("state", "fine", "soft", "bad", "met", "not_declared", "not_met"),
}
CHANGE = {
    "kind": "change",
    "change_id": HOSTILE,
    "reason": HOSTILE,
    "actor": "",
    "since": "2026-01-01T00:00:00Z",
    "generations": [HOSTILE],
}


def hostile() -> dict[str, Any]:
    """A report in which everything that somebody else says is hostile."""
    told = dict.fromkeys(("owner", "responsible", "schedule", "rto", "failure_domain", "line", "source"), HOSTILE)
    bad = host(
        HOSTILE,
        Finding("unreadable", {"problem": HOSTILE}),
        changes=[CHANGE],
        licences={"sealed": True, "generation": HOSTILE, "licence_keys": [HOSTILE], "problem": ""},
        **told,
    )
    sealed = host("s", licences={"sealed": True, "generation": HOSTILE, "licence_keys": [], "problem": HOSTILE})
    orphan = {"line": HOSTILE, "newest": {}, "problem": HOSTILE}
    finding = Finding("repository", {"problem": HOSTILE}).to_result()
    return whole_report(
        [result(bad, sealed, never("n"), backup_host=HOSTILE, orphans=[orphan], findings=[finding])], [HOSTILE], []
    )


def declared() -> list[dict[str, Any]]:
    facts = dict.fromkeys(("owner", "schedule", "rto", "transfer", "restore_order", "rpo"), HOSTILE)
    strange = {"elsewhere": {"logs": HOSTILE, HOSTILE: HOSTILE}, "requirements": {"legal": HOSTILE}}
    return [{"host": HOSTILE, "source": HOSTILE, "product": "kamailio", **facts, **strange}]


def render(name: str, report: dict[str, Any], says: list[dict[str, Any]], language: str = "en") -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ROLE / "templates"), undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    filters = FilterModule().filters()
    environment.filters.update({one: filters[one] for one in ("regex_replace", "flatten", "extract")})
    environment.filters["extract"] = lambda key, table: table[key]
    site = {"name": HOSTILE, "threats": HOSTILE}
    variables = yaml.safe_load((ROLE / "vars" / "main.yml").read_text())
    return environment.get_template(name).render(
        report_whole=report,
        report_concept_now=backup_concept(report, says, site, {"daily": HOSTILE}, [HOSTILE]),
        report_texts=yaml.safe_load((ROLE / "files" / f"texts.{language}.yml").read_text()),
        report_language=language,
        report_run=HOSTILE,
        report_plan_columns=variables["report_plan_columns"],
    )


class Page(html.parser.HTMLParser):
    """Tags in their nesting, and the text that a reader sees."""

    VOID = frozenset({"meta", "br"})

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, (tag, self.open)
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole_and_hostile_names_are_text(name: str, language: str) -> None:
    page = Page(render(name, hostile(), declared(), language))
    assert page.open == []
    tags = {tag for tag, _attributes in page.tags}
    assert tags <= TAGS
    for _tag, attributes in page.tags:
        assert not any(one.startswith("on") or one in ("href", "src", "style") for one in attributes), attributes
        assert set((attributes.get("class") or "").split()) <= CLASSES
    assert HOSTILE in page.text
    assert ("html", {"lang": language}) in page.tags
    assert any("default-src 'none'" in (attributes.get("content") or "") for _tag, attributes in page.tags)


@pytest.mark.parametrize("name", PAGES)
def test_every_value_of_a_page_is_escaped(name: str) -> None:
    tree = jinja2.Environment().parse((ROLE / "templates" / name).read_text())
    values = [value for output in tree.find_all(jinja2.nodes.Output) for value in output.nodes]
    wrong = []
    for value in values:
        if isinstance(value, jinja2.nodes.TemplateData):
            continue
        if isinstance(value, jinja2.nodes.Filter) and value.name == "e":
            continue
        if isinstance(value, jinja2.nodes.Call) and getattr(value.node, "name", "") in ("badge", "say"):
            continue
        # one of two words of ours
        if isinstance(value, jinja2.nodes.CondExpr) and not list(value.expr1.find_all(jinja2.nodes.Name)):
            continue
        wrong.append(value)
    assert not wrong, [value.lineno for value in wrong]
    assert len(values) > 20


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("name", TEXTS)
def test_hostile_names_mean_nothing_in_markdown(name: str, language: str) -> None:
    text = render(name, hostile(), declared(), language)
    assert "<script>" not in text and "\\<script\\>" in text
    lines = text.splitlines()
    assert not any(line.startswith("# ") for line in lines[1:]), "a name made a heading"
    tables = [line for line in lines if line.startswith("|")]
    widths = {line.replace("\\|", "").count("|") for line in tables}
    assert widths <= {8, 11}
    assert "\\[l\\](javascript:1)" in text


@pytest.mark.parametrize("name", (*PAGES, *TEXTS))
def test_a_site_of_nothing_has_reports_too(name: str) -> None:
    text = render(name, whole_report([], [], []), [])
    assert ("declares no host" in text) is name.startswith("report")


def test_german_findings_are_german() -> None:
    late = host("a", Finding("overdue", {"age": "3 d", "limit": "1 d"}))
    report = whole_report([result(late)], [], [])
    text = render("report.md.j2", report, [], "de")
    assert "Die letzte vollständige Sicherung ist 3 d alt, erlaubt sind 1 d." in text
    assert "überfällig" in text and "The last" not in text


def test_a_thousand_hosts_are_written_in_no_time() -> None:
    report = whole_report([result(*[host(f"h{number}") for number in range(1000)])], [], [])
    begin = time.process_time()
    assert render("report.html.j2", report, []).count("<tr>") > 1000
    assert time.process_time() - begin < 5
