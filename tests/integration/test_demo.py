# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo from end to end, as ``make demo`` runs it: what it prints, how long it takes, what it leaves; no secret."""

from __future__ import annotations

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
RUN = [sys.executable, str(ROOT / "demo/run.py")]
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """One run of the demo: its folder, its output, its exit status, the seconds that it took."""
    folder = tmp_path_factory.mktemp("demo") / "folder"
    before = time.monotonic()
    done = subprocess.run(
        [*RUN, "--folder", folder], capture_output=True, text=True, timeout=300, check=False, cwd=ROOT, env=ENVIRONMENT
    )
    done.folder, done.seconds = folder, time.monotonic() - before
    return done


def crowding():
    """How many times as long something takes because of all that ran on this machine in the last minute."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def files(folder):
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]


def secrets_of(folder):
    """What was planted, read from the hosts and from the controller as they stand after the demo."""
    found = {(folder / "controller/domain-master-secret").read_text().strip()}
    found.add((folder / "controller/pbx-hamburg.password").read_text())
    for host in ("pbx-berlin", "pbx-hamburg"):
        top = folder / "fleet/hosts" / host
        for row in (top / "var/lib/kamailio/dbtext/subscriber").read_text().splitlines()[1:]:
            found.update(row.split(":")[3:6])
        found.update(re.findall(r'"secret", "([^"]+)"', (top / "etc/kamailio/kamailio.cfg").read_text()))
        found.update(re.findall(r'DBRWPW="([^"]+)"', (top / "etc/kamailio/kamctlrc").read_text()))
    for shadow in (folder / "fleet/hosts").glob("*/etc/shadow"):
        found.update(re.findall(r"\$6\$[^:]+", shadow.read_text()))
    found.update((folder / "fleet/hosts/pbx-berlin/etc/kamailio/tls/pbx-berlin.key").read_text().splitlines()[1:-1])
    return found


def test_it_ends_well_and_within_a_minute_on_a_machine_of_its_own(demo):
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert demo.stderr == ""
    assert demo.seconds < 60 * crowding()


def test_it_tells_the_story_in_order(demo):
    told = [
        "SIP OPTIONS on",
        "ansible-playbook ucops.recovery.backup -i",
        "pbx-berlin/kamailio/1",
        "nobody answers SIP OPTIONS",
        "pbx-berlin/kamailio/2",
        "max_expires",
        "203.0.113.77",
        "ansible-playbook ucops.recovery.restore -i",
        "200 OK",
        "authentic",
        "recover.py list",
        "ucops.recovery.generation_extract",
        "RECOVERY.md",
        "None of the fleet's",
    ]
    position = 0
    for words in told:
        position = demo.stdout.find(words, position)
        assert position >= 0, f"{words!r} does not stand where it should:\n{demo.stdout}"


def test_every_file_it_names_is_there(demo):
    listed = demo.stdout.partition("To look at:")[2].splitlines()
    named = [line.split()[-1] for line in listed if line.startswith("     ")]
    assert len(named) == 5
    for name in named:
        assert (ROOT / name).exists(), name


def test_no_planted_secret_is_printed_or_logged(demo):
    planted = secrets_of(demo.folder)
    assert len(planted) > 25
    told = demo.stdout + demo.stderr
    logged = "".join(path.read_text("utf-8", "replace") for path in files(demo.folder / "logs"))
    assert len(files(demo.folder / "logs")) >= 8
    for secret in planted:
        assert secret not in told
        assert secret not in logged


def test_no_planted_secret_is_on_the_backup_host(demo):
    kept = b"".join(path.read_bytes() for path in files(demo.folder / "backup-host"))
    assert not [secret for secret in secrets_of(demo.folder) if secret.encode() in kept]


def test_output_has_no_colour(demo):
    assert "\033" not in demo.stdout


def test_the_servers_are_gone(demo):
    ports = re.findall(r"ssh 127\.0\.0\.1:(\d+)", demo.stdout)
    assert len(ports) == 3
    for port in ports:
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", int(port)), timeout=2).close()


def test_heads_are_kept_on_the_controller(demo):
    heads = json.loads((demo.folder / "controller/heads.json").read_text())
    assert set(heads) == {"gw-linux/linux", "pbx-berlin/kamailio", "pbx-hamburg/kamailio"}


def serve(folder):
    """The fleet, serving; give back the process once it can be reached."""
    process = subprocess.Popen(
        [*RUN, "--serve", "--folder", folder], stdout=subprocess.PIPE, text=True, cwd=ROOT, env=ENVIRONMENT
    )
    for line in process.stdout:
        if "kamailio -v" in line:
            break
    return process


def end(process):
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.fixture
def serving(tmp_path):
    process = serve(tmp_path / "demo")
    yield process
    end(process)


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_the_servers(serving, tmp_path, sent, status):
    port = int(re.search(r"ansible_port: (\d+)", (tmp_path / "demo/inventory.yml").read_text())[1])
    socket.create_connection(("127.0.0.1", port), timeout=5).close()
    serving.send_signal(sent)
    assert serving.wait(20) == status
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=2).close()


def test_a_folder_of_somebody_else_is_left_alone(tmp_path):
    (tmp_path / "mine").write_text("x")
    done = subprocess.run([*RUN, "--folder", tmp_path], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "no demo made it" in done.stderr
    assert (tmp_path / "mine").read_text() == "x"


@pytest.fixture(scope="module")
def playbook(tmp_path_factory):
    """Runs the collection's playbooks on a serving fleet that has a repository and one generation of pbx-berlin."""
    folder = tmp_path_factory.mktemp("playbooks") / "demo"
    process = serve(folder)

    def run(name, *arguments):
        command = [str(pathlib.Path(sys.executable).parent / "ansible-playbook"), name, *arguments]
        environment = {
            **ENVIRONMENT,
            "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
            "ANSIBLE_HOME": str(folder / "ansible"),
            "ANSIBLE_STDOUT_CALLBACK": "default",
            "LC_ALL": "C.UTF-8",
        }
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=120, check=False, cwd=folder, env=environment
        )
        done.output = done.stdout + done.stderr
        return done

    run.folder = folder
    try:
        assert run(str(ROOT / "demo/create_repository.yml")).returncode == 0
        made = run("ucops.recovery.backup", "--limit", "pbx-berlin")
        assert made.returncode == 0, made.output
        yield run
    finally:
        end(process)


def records(folder):
    return sorted(path.name for path in (folder / "backup-host/repository/commits").rglob("*.json"))


def test_a_plan_touches_nothing(playbook):
    config = playbook.folder / "fleet/hosts/pbx-berlin/etc/kamailio/kamailio.cfg"
    before, kept = config.read_text(), records(playbook.folder)
    config.write_text(before + "# more\n")
    planned = playbook("ucops.recovery.restore", "--limit", "pbx-berlin", "-e", "generation=latest", "--check")
    assert planned.returncode == 0, planned.output
    assert "/etc/kamailio/kamailio.cfg" in planned.output
    assert config.read_text() == before + "# more\n"
    assert records(playbook.folder) == kept
    config.write_text(before)


def test_a_backup_in_check_mode_writes_nothing(playbook):
    kept, heads = records(playbook.folder), (playbook.folder / "controller/heads.json").read_text()
    checked = playbook("ucops.recovery.backup", "--limit", "pbx-berlin", "--check")
    assert checked.returncode == 0, checked.output
    assert records(playbook.folder) == kept
    assert (playbook.folder / "controller/heads.json").read_text() == heads


def test_a_restore_of_everything_is_refused(playbook):
    refused = playbook("ucops.recovery.restore", "-e", "generation=latest")
    assert refused.returncode != 0
    assert "Name the hosts to restore with --limit" in refused.output
    assert "TASK [Restore" not in refused.output


def test_a_product_that_there_is_not_fails_the_backup(playbook):
    failed = playbook("ucops.recovery.backup", "--limit", "pbx-berlin", "-e", "recovery_product=kamalio")
    assert failed.returncode != 0
    assert 'There is no product "kamalio".' in failed.output
