# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an inventory says of a host reaches the module of its product, whatever the product is reached by.

The repository is not there, which is the first thing that a module says once all its options are accepted.
"""

from __future__ import annotations

import json
import sys

import pytest
import yaml
from support.playbooks import PROJECT, Controller

from ansible_collections.ucops.recovery.plugins.module_utils._module.all_parts import PARTS

LOGIN = {"ansible_user": "LAB\\backup", "ansible_password": "secret-of-the-login"}
WINRM = {
    **LOGIN,
    "ansible_port": 5985,
    "ansible_winrm_scheme": "http",
    "ansible_winrm_transport": "ntlm",
    "ansible_winrm_ca_trust_path": "/etc/ucops/ca.pem",
}
STARFACE = {"recovery_username": "0099", "recovery_password": LOGIN["ansible_password"]}
VARIABLES = {
    "ssh": {"ansible_user": "ucops"},
    "windows": WINRM,
    "mssql": LOGIN,
    "ldap": LOGIN,
    "starface": STARFACE,
    "landing": {"recovery_landing": "/srv/landing"},
}
SIGNER = 'backup1 namespaces="ucops-commit" ssh-ed25519 ' + "A" * 68
OPTIONS = {
    "mssql": {"database": "CHAT"},
    "ad_attributes": {"base_dns": ["DC=lab,DC=example"]},
    "keyfactor_appliance": {"key_storage": "soft", "database": "internal"},
    "starface": {"client_secret": LOGIN["ansible_password"], "mode": "rest"},
}


@pytest.fixture(scope="module")
def controller(tmp_path_factory):
    folder = tmp_path_factory.mktemp("playbooks")
    controller = Controller(folder)
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    hosts = {
        product.replace("_", "-"): {
            **VARIABLES.get(parts.connection.name, {}),
            "recovery_product": product,
            "recovery_options": OPTIONS.get(product, {}),
            "ansible_host": "127.0.16.1",
        }
        for product, parts in PARTS.items()
    }
    hosts["no-product"] = {}
    everywhere = {
        "recovery_backup_host": "backup1",
        "recovery_repository": str(folder / "nothing"),
        "recovery_writer_key_file": str(folder / "writer.json"),
        "recovery_allowed_signers": SIGNER,
    }
    inventory = {"all": {"hosts": {**hosts, "backup1": here}, "vars": everywhere}}
    (controller.folder / "inventory.yml").write_text(yaml.safe_dump(inventory))
    return controller


def errors(controller, playbook, *arguments):
    """By host, the kind of error that its module ended with."""
    events = controller.folder / "events.jsonl"
    events.write_text("")
    command = [controller.ansible("ansible-playbook"), "-i", "inventory.yml", playbook, *arguments]
    done = controller.run(command, LAB_EVENTS=str(events))
    found = {}
    for event in map(json.loads, events.read_text().splitlines()):
        if event["status"] == "failed":
            found.setdefault(event["host"], (event["result"].get("error"), event["result"].get("msg")))
    assert LOGIN["ansible_password"] not in done.stdout
    return found, done.stdout


def expected(found):
    return {host: error for host, (error, _text) in found.items()}


def test_every_product_is_backed_up_with_what_the_inventory_says(controller):
    found, output = errors(controller, "ucops.recovery.backup", "-e", '{"recovery_fleet": false}')
    assert expected(found) == {product.replace("_", "-"): "RepositoryMissing" for product in PARTS}, output
    # what others belong to comes last
    assert output.index(": Back up SQL Server]") < output.index(": Back up ProCall UCServer]")


def test_in_one_job_they_are_as_well(controller):
    found, output = errors(controller, "ucops.recovery.backup")
    assert expected(found) == {product.replace("_", "-"): "RepositoryMissing" for product in PARTS}, output
    # what pushes its own backup has a task of its own, and nothing else has
    assert output.count(": Take in what was pushed]") == 1 and ": Back up Linux]" not in output


def test_every_product_is_restored_with_what_the_inventory_says(controller):
    tasks = {path.stem for path in (PROJECT / "roles" / "restore" / "tasks").glob("*.yml")}
    # what a product pushed, or exports for reading, is put back by people
    hosts = [product.replace("_", "-") for product in PARTS if product in tasks]
    limit = ",".join(hosts)
    found, output = errors(controller, "ucops.recovery.restore", "--limit", limit, "-e", "generation=latest")
    assert expected(found) == dict.fromkeys(hosts, "RepositoryMissing"), output


def test_a_transport_that_sends_the_password_in_the_clear_is_refused(controller):
    found, output = errors(
        controller, "ucops.recovery.backup", "--limit", "windows", "-e", "ansible_winrm_transport=basic"
    )
    assert "value of winrm_authentication must be one of" in found["windows"][1], output


def test_a_database_is_found_under_its_name_by_every_operation(controller):
    """Its module calls the line by the database when nothing else is said; who looks for it has to do the same."""
    roles = ("post_change", "rollback", "restore_drill")
    options = "{{ recovery_options if recovery_product == 'mssql' else {'database': 'none'} }}"
    told = [f"{{{{ {role}_instance }}}}" for role in roles]
    told.append("{{ (recovery_declared_hosts | selectattr('host', 'equalto', inventory_hostname) | first).instance }}")
    play = {
        "hosts": "mssql,kamailio",
        "gather_facts": False,
        "vars_files": [
            *(str(PROJECT / "roles" / role / "vars" / "main.yml") for role in roles),
            str(PROJECT / "playbooks" / "vars" / "declared.yml"),
        ],
        "vars": {
            **{f"{role}_options": options for role in roles},
            **{f"{role}_product": "{{ recovery_product }}" for role in roles},
        },
        "tasks": [{"ansible.builtin.debug": {"msg": f"{{{{ inventory_hostname }}}}={':'.join(told)}."}}],
    }
    (controller.folder / "instances.yml").write_text(yaml.safe_dump([play]))
    done = controller.run([controller.ansible("ansible-playbook"), "-i", "inventory.yml", "instances.yml"])
    assert "mssql=CHAT:CHAT:CHAT:CHAT." in done.stdout, done.stdout
    assert "kamailio=:::." in done.stdout, done.stdout
