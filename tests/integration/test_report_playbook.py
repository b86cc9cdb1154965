# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook report over an inventory with every kind of host: what it writes, what it says, and its exit code."""

from __future__ import annotations

import json
import stat
import sys
import time

import pytest
import yaml
from support.certificates import Authority
from support.exposition import parse
from support.killing import kill_at, wait_for
from support.mail_server import MailServer
from support.playbooks import Controller
from support.repositories import SECRET, TestRepository, entry
from support.trees import tree_of

from ansible_collections.ucops.recovery.plugins.module_utils._repository.keys import WriterKey
from ansible_collections.ucops.recovery.plugins.module_utils._repository.verify import verify
from ansible_collections.ucops.recovery.plugins.module_utils._repository.writer import (
    GenerationFacts,
    RepositoryWriter,
)

LICENCES = entry("/@licences/licences.txt", kind="output", mode=None, mtime_ns=None, item="licences", sensitive=True)
LICENCE = "ESTOS-PLANTED-LICENCE-0815"
HOSTILE = '<b>x</b>|"\\'


class Site:
    """A controller, a backup host that is this machine, a second one that does not answer, and a fleet."""

    def __init__(self, folder):
        self.controller = Controller(folder)
        self.folder = self.controller.folder
        self.store = TestRepository.create(folder)
        self.textfile = folder / "collector" / "ucops.prom"
        self.textfile.parent.mkdir()
        here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        gone = {"ansible_host": "127.0.0.1", "ansible_port": 1, "ansible_ssh_common_args": "-o ConnectTimeout=2"}
        product = {"recovery_product": "kamailio"}
        self.hosts = {
            "backup1": {**here, "recovery_failure_domain": {"storage": ["san1"]}},
            "backup2": gone,
            "fine": {**product, "recovery_owner": "telephony", "recovery_failure_domain": {"storage": "san2"}},
            "late": {**product, "recovery_failure_domain": {"storage": "SAN1"}},
            "aaa-new": product,
            "elsewhere": {**product, "recovery_backup_host": "backup2"},
            "estos": {"recovery_product": "procall_server", "recovery_rpo": "{{ days }}d", "days": 3},
            "nothing": {},
            "printer": {"recovery_not_backed_up": "holds nothing"},
        }
        self.variables = {
            "recovery_backup_host": "backup1",
            "recovery_repository": str(self.store.path),
            "recovery_allowed_signers": self.store.allowed_signers,
            "recovery_domain_master_secret": SECRET,
            "recovery_report_folder": "reports",
            "recovery_report_textfile": str(self.textfile),
        }
        self.back_up(1, "fine")
        self.back_up(60, "late")
        self.back_up(30, "estos", "procall_server", [(LICENCES, f"{LICENCE}\n".encode())])
        self.back_up(500, "gone", "mssql", instance="CHAT")
        verify(self.store.backend, level=1)
        self.write()

    def back_up(self, hours, source, product="kamailio", more=(), instance=""):
        key = WriterKey.load(str(self.store.writer_key_file))
        with RepositoryWriter(self.store.backend, key, clock=lambda: time.time() - 3600 * hours) as store:
            generation = store.begin(source, product, instance)
            for one, content in [(entry("/etc/a"), b"a"), *more]:
                generation.add(one, [content])
            store.commit([generation.finish(GenerationFacts())])

    def write(self):
        inventory = {"all": {"hosts": self.hosts, "vars": self.variables}}
        (self.folder / "inventory.yml").write_text(yaml.safe_dump(inventory))

    def command(self, *arguments):
        """What runs the playbook."""
        program = self.controller.ansible("ansible-playbook")
        return [program, "-i", "inventory.yml", "ucops.recovery.report", *arguments]

    def run(self, *arguments, **settings):
        """Exit code and output."""
        done = self.controller.run(
            self.command(*arguments),
            LAB_EVENTS=str(self.folder / "events.jsonl"),
            PWD=str(self.folder),
            **settings,
        )
        assert SECRET not in done.stdout
        return done.returncode, done.stdout

    @property
    def report(self):
        (path,) = (self.folder / "reports").glob("recovery-report-*.json")
        return json.loads(path.read_text())


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def kinds(report):
    return {one["host"]: [finding["kind"] for finding in one["findings"]] for one in report["hosts"]}


def test_every_host_of_the_inventory_is_told_of_and_the_worst_first(site):
    code, output = site.run("--limit", "fine", "-e", "run_id=2026-01-31T00:00:00Z", "-vv")
    assert code == 2, output
    report = site.report
    assert [one["host"] for one in report["hosts"]] == ["aaa-new", "elsewhere", "late", "estos", "fine"]
    assert kinds(report) == {
        "aaa-new": ["never_backed_up"],
        "elsewhere": ["unknown"],
        "late": ["overdue", "not_independent"],
        "estos": [],
        "fine": [],
    }
    assert report["undeclared"] == ["nothing"] and [one["line"] for one in report["orphans"]] == ["gone/mssql@CHAT"]
    assert [(one["backup_host"], one["problem"]) for one in report["repositories"]] == [
        ("backup1", ""),
        ("backup2", "The backup host backup2 cannot be reached."),
    ]
    assert {one["kind"] for one in report["failing"]} == {"never_backed_up", "unknown", "overdue", "repository"}
    # the licences are sealed, and nobody asked for them
    estos = report["hosts"][3]
    assert estos["licences"] == {
        "sealed": True,
        "generation": "estos/procall_server/1",
        "licence_keys": [],
        "problem": "not asked for",
    }
    names = sorted(path.name for path in (site.folder / "reports").iterdir())
    assert names == [
        "backup-concept-2026-01-31T00-00-00Z.html",
        "backup-concept-2026-01-31T00-00-00Z.md",
        "recovery-report-2026-01-31T00-00-00Z.html",
        "recovery-report-2026-01-31T00-00-00Z.json",
        "recovery-report-2026-01-31T00-00-00Z.md",
    ]
    for path in (site.folder / "reports").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        text = path.read_text()
        assert "aaa-new" in text and LICENCE not in text
    assert "aaa-new: No backup was ever made" in output
    assert "4 findings fail this run" in output
    series = parse(site.textfile.read_text())
    overdue = {
        dict(labels)["host"]: value
        for (name, labels), value in series.items()
        if name.endswith("_overdue") and "drill" not in name
    }
    assert overdue == {"aaa-new": 1, "late": 1, "estos": 0, "fine": 0, "elsewhere": 0}
    assert [path.name for path in site.textfile.parent.iterdir()] == ["ucops.prom"]
    assert stat.S_IMODE(site.textfile.stat().st_mode) == 0o644


def test_a_fleet_that_is_fine_exits_with_zero_and_leaves_the_artifact(site):
    for name in ("late", "aaa-new", "elsewhere", "nothing", "backup2"):
        del site.hosts[name]
    site.write()
    code, output = site.run("-e", "recovery_report_language=de", ANSIBLE_SHOW_CUSTOM_STATS="1")
    assert code == 0 and '"result": "success"' in output, output
    assert '"operation": "report"' in output and "recovery-report-" in output
    (page,) = (site.folder / "reports").glob("recovery-report-*.html")
    assert '<html lang="de">' in page.read_text() and "2 von 2 Systemen sind in Ordnung." in page.read_text()
    (page,) = (site.folder / "reports").glob("backup-concept-*.md")
    assert "Datensicherungskonzept" in page.read_text()


def test_check_mode_tells_the_truth_and_writes_nothing(site):
    before = {path: path.read_bytes() for path in site.store.path.rglob("*") if path.is_file()}
    code, output = site.run("--check", "--diff")
    assert code == 2 and "aaa-new: No backup was ever made" in output
    assert not (site.folder / "reports").exists() and not site.textfile.exists()
    assert before == {path: path.read_bytes() for path in site.store.path.rglob("*") if path.is_file()}


def test_killed_in_the_middle_the_next_run_leaves_whole_reports(site):
    """Killed while the second report is written, and when the metrics do not have their name yet."""
    for name in ("late", "aaa-new", "elsewhere", "nothing", "backup2"):
        del site.hosts[name]
    site.write()
    before = tree_of(site.store.path)
    reports, unnamed = site.folder / "reports", site.textfile.with_name("ucops.prom.new")
    command = site.command("-e", "run_id=R1")
    kill_at(lambda: any(reports.glob("*.md")), site.controller, command, with_modules=True, PWD=str(site.folder))
    assert not site.textfile.exists()
    wait_for(kill_at(unnamed.exists, site.controller, command, PWD=str(site.folder)))
    assert unnamed.exists() != site.textfile.exists()
    code, output = site.run("-e", "run_id=R1")
    assert code == 0, output
    wanted = {f"{kind}-R1" for kind in ("recovery-report", "backup-concept")}
    found = {path.name: path.read_text() for path in reports.iterdir()}
    assert set(found) == {"recovery-report-R1.json", *(f"{name}.{form}" for name in wanted for form in ("html", "md"))}
    assert json.loads(found["recovery-report-R1.json"])["fine"] == 2
    assert all(text.endswith("</html>\n") for name, text in found.items() if name.endswith(".html"))
    assert [path.name for path in site.textfile.parent.iterdir()] == ["ucops.prom"]
    assert parse(site.textfile.read_text())
    assert tree_of(site.store.path) == before


def test_licences_are_for_who_asks_and_holds_the_key(site):
    _code, output = site.run("-e", "recovery_report_licences=true", "-vvv")
    assert LICENCE not in output
    by_host = {one["host"]: one for one in site.report["hosts"]}
    assert by_host["estos"]["licences"]["licence_keys"] == [LICENCE]
    (page,) = (site.folder / "reports").glob("recovery-report-*.md")
    assert LICENCE in page.read_text()
    for path in (site.folder / "reports").iterdir():
        path.unlink()
    # a wrong key spoils no report, and what fails the run is up to the site
    wrong = {"recovery_report_licences": True, "recovery_domain_master_secret": "another long secret"}
    code, output = site.run("-e", json.dumps({**wrong, "report_fail_on": ["drill_overdue"]}))
    assert code == 0 and "The licence keys are not shown" in output
    by_host = {one["host"]: one for one in site.report["hosts"]}
    assert by_host["estos"]["licences"]["licence_keys"] == [] and kinds(site.report)["fine"] == []


def test_hostile_declarations_stay_text(site):
    site.hosts["fine"].update(recovery_owner=HOSTILE, recovery_source="fine", recovery_schedule="{{ 7 * 7 }}" + HOSTILE)
    site.hosts["aaa-new"].update(recovery_source=HOSTILE + "\nx")
    site.hosts["late"].update(recovery_rpo="soon", recovery_failure_domain={"storage": {"x": "y"}})
    site.write()
    code, _output = site.run()
    assert code == 2
    for form in ("html", "md"):
        (path,) = (site.folder / "reports").glob(f"recovery-report-*.{form}")
        assert "<b>x" not in path.read_text()
    assert kinds(site.report)["aaa-new"] == ["declaration"]
    assert kinds(site.report)["late"].count("declaration") == 2
    assert parse(site.textfile.read_text())


def test_a_mail_tells_of_it_and_one_that_cannot_be_sent_hides_nothing(site, tmp_path):
    mail = {
        "recovery_report_to": ["ops@example.com"],
        "recovery_report_from": "backup@example.com",
        "recovery_smtp_host": "127.0.0.1",
    }
    (tmp_path / "authority").mkdir()
    authority = Authority(tmp_path / "authority")
    mail["recovery_smtp_ca_file"] = str(authority.file)
    with MailServer(authority.server("127.0.0.1")) as server:
        code, output = site.run("-e", json.dumps({**mail, "recovery_smtp_port": server.port}))
    ((_sender, recipients, message),) = server.mails
    assert code == 2 and recipients == ["ops@example.com"], output
    text = message.get_content()
    assert "aaa-new/kamailio" in text and "No backup was ever made" in text
    # neither do metrics that cannot be written
    more = {"recovery_smtp_port": server.port, "recovery_report_textfile_host": "backup2"}
    code, output = site.run("-e", json.dumps({**mail, **more}))
    assert code == 2 and "NO MAIL WAS SENT" in output and "findings fail this run" in output
    assert "NO METRICS WERE WRITTEN" in output
