# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turns a test host into a Kamailio that serves calls, with its users in any of the databases that it knows."""

from __future__ import annotations

import dataclasses
import hashlib
import pathlib
import shlex

from lab.host import Host, LabError

RECIPES = pathlib.Path(__file__).with_name("recipes") / "kamailio"
SCHEMAS = {"mariadb": "mysql", "postgresql": "postgres", "sqlite": "db_sqlite"}
TABLES = ("standard", "auth_db", "usrloc", "dispatcher", "permissions")
DATABASES = ("dbtext", "mariadb", "postgresql", "sqlite")

DBTEXT_FOLDER = "/var/lib/kamailio/dbtext"
SQLITE_FILE = "/var/lib/kamailio/kamailio.sqlite"


@dataclasses.dataclass(frozen=True)
class Subscriber:
    """Somebody who may register: number and SIP password."""

    number: str
    password: str


@dataclasses.dataclass(frozen=True)
class Pbx:
    """A host that runs Kamailio. ``secrets`` are planted in its files; none may ever be seen anywhere else."""

    host: Host
    database: str
    secrets: tuple[str, ...]

    def start(self) -> None:
        """Start the database server, if there is one, and Kamailio; also after the host lost its power."""
        start_database(self.host, self.database)
        self.host.run(["service", "kamailio", "start"])
        self.host.wait_for_port(5060)

    def stop(self) -> None:
        """Stop Kamailio; the database goes on."""
        self.host.run(["service", "kamailio", "stop"])

    def destroy(self) -> None:
        """What a restore has to repair: the configuration gone, the users gone, the service dead."""
        self.stop()
        self.host.run("rm -rf /etc/kamailio /etc/default/kamailio")
        if self.database == "mariadb":
            self.host.run(["mariadb", "-e", "DROP DATABASE kamailio; DROP USER kamailio@localhost"])
        elif self.database == "postgresql":
            self.host.run(["psql", "-q", "-c", "DROP DATABASE kamailio WITH (FORCE)"], user="postgres")
            self.host.run(["psql", "-q", "-c", "DROP ROLE kamailio"], user="postgres")
        else:
            self.host.run(["rm", "-rf", DBTEXT_FOLDER, SQLITE_FILE])

    def sql(self, statement: str) -> str:
        """Run one SQL statement in Kamailio's database and return its rows, tabs between columns."""
        if self.database == "mariadb":
            return self.host.output(["mariadb", "-N", "-B", "kamailio", "-e", statement])
        if self.database == "postgresql":
            psql = ["psql", "-q", "-A", "-t", "-F", "\t", "-d", "kamailio", "-c", statement]
            return self.host.output(psql, user="postgres")
        if self.database == "sqlite":
            return self.host.output(["sqlite3", "-separator", "\t", SQLITE_FILE, statement])
        raise LabError(f"{self.database} has no SQL")


def install(
    host: Host,
    database: str,
    subscribers: tuple[Subscriber, ...] = (Subscriber("1001", "Winter-1001"), Subscriber("1002", "Sommer-1002")),
    database_password: str = "Db-Geheim-7",
    nonce_secret: str = "Nonce-Geheim-9",
) -> Pbx:
    """Configure Kamailio and its database on a host and start both."""
    url = {
        "dbtext": f"text://{DBTEXT_FOLDER}",
        "mariadb": f"mysql://kamailio:{database_password}@localhost/kamailio",
        "postgresql": f"postgres://kamailio:{database_password}@localhost/kamailio",
        "sqlite": f"sqlite:///{SQLITE_FILE}",
    }[database]
    driver = {"dbtext": "db_text", "mariadb": "db_mysql", "postgresql": "db_postgres", "sqlite": "db_sqlite"}[database]
    configuration = (RECIPES / "kamailio.cfg").read_text()
    for name, value in (("ADDRESS", host.address), ("DBURL", url), ("DRIVER", driver), ("NONCE_SECRET", nonce_secret)):
        configuration = configuration.replace(f"@{name}@", value)
    host.write("/etc/kamailio/kamailio.cfg", "#!KAMAILIO\n" + configuration, 0o640, "root", "kamailio")
    host.write("/etc/kamailio/routes.cfg", (RECIPES / "routes.cfg").read_text(), 0o644)
    host.write("/etc/default/kamailio", "RUN_KAMAILIO=yes\nSHM_MEMORY=32\nPKG_MEMORY=8\n")
    host.run(
        "openssl req -x509 -newkey ed25519 -nodes -days 30 -subj /CN=lab.test"
        " -keyout /etc/kamailio/kamailio.key -out /etc/kamailio/kamailio.pem 2>/dev/null"
        " && chown root:kamailio /etc/kamailio/kamailio.key && chmod 640 /etc/kamailio/kamailio.key"
    )
    start_database(host, database)
    fill(host, database, subscribers, database_password)
    digests = tuple(_digests(each)[0] for each in subscribers)
    key = host.read("/etc/kamailio/kamailio.key").decode().splitlines()[1]
    pbx = Pbx(host, database, (database_password, nonce_secret, *digests, key))
    pbx.start()
    return pbx


def start_database(host: Host, database: str) -> None:
    """Start the database server that a database needs, if any, with little memory."""
    if database == "mariadb" and not _runs(host, "mariadbd"):
        settings = "bind-address=127.0.0.1\nskip-name-resolve\nperformance-schema=0\ninnodb-buffer-pool-size=16M\n"
        host.write("/etc/mysql/mariadb.conf.d/90-lab.cnf", f"[mariadbd]\n{settings}innodb-log-file-size=8M\n")
        host.run("install -d -o mysql -g mysql /run/mysqld")
        host.run("test -d /var/lib/mysql/mysql || mariadb-install-db --user=mysql")
        host.start(["mariadbd", "--user=mysql"], log="/var/log/mariadbd.log")
        host.run("for i in $(seq 200); do mariadb-admin ping >/dev/null 2>&1 && exit 0; sleep 0.05; done; exit 1")
    if database == "postgresql" and not _runs(host, "postgres"):
        start = "pg_ctlcluster --skip-systemctl-redirect $1 $2 start -o '-c fsync=off'"
        host.run(f"set -- $(pg_lsclusters -h | head -1); {start}")


def _runs(host: Host, process: str) -> bool:
    return host.run(["pidof", process], check=False).returncode == 0


def fill(host: Host, database: str, subscribers: tuple[Subscriber, ...], database_password: str) -> None:
    """Create Kamailio's tables and put subscribers, one trunk and its address into them."""
    trunk = "10.77.200.1"
    if database == "dbtext":
        host.run(f"install -d -o kamailio -g kamailio /var/lib/kamailio {DBTEXT_FOLDER}")
        tables = "version subscriber location location_attrs dispatcher address trusted"
        host.run(f"cd /usr/share/kamailio/dbtext/kamailio && cp {tables} {DBTEXT_FOLDER}/")
        users = [f"{n}:{s.number}:lab.test:-:{':'.join(_digests(s))}" for n, s in enumerate(subscribers, 1)]
        _append(host, "subscriber", users)
        _append(host, "dispatcher", [rf"1:1:sip\:{trunk}\:5060:0:0:weight=50:trunk"])
        _append(host, "address", [f"1:1:{trunk}:32:5060:trunk"])
        host.run(f"chown kamailio:kamailio {DBTEXT_FOLDER}/*")
        return
    statements = [
        "INSERT INTO subscriber (username, domain, password, ha1, ha1b)"
        f" VALUES ('{each.number}', 'lab.test', '', '{_digests(each)[0]}', '{_digests(each)[1]}');"
        for each in subscribers
    ]
    statements += [
        f"INSERT INTO dispatcher (setid, destination, description) VALUES (1, 'sip:{trunk}:5060', 'trunk');",
        f"INSERT INTO address (grp, ip_addr, mask, port, tag) VALUES (1, '{trunk}', 32, 5060, 'trunk');",
    ]
    rows = "\n".join(statements)
    schema = " ".join(f"/usr/share/kamailio/{SCHEMAS[database]}/{name}-create.sql" for name in TABLES)
    password = shlex.quote(database_password)
    if database == "mariadb":
        create = f"CREATE DATABASE kamailio; CREATE USER kamailio@localhost IDENTIFIED BY '{database_password}';"
        host.run(["mariadb"], input=f"{create} GRANT ALL ON kamailio.* TO kamailio@localhost;")
        host.run(f"cat {schema} - | mariadb kamailio", input=rows)
    elif database == "postgresql":
        create = f"CREATE ROLE kamailio LOGIN PASSWORD '{database_password}';"
        host.run(["psql", "-q"], input=f"{create}\nCREATE DATABASE kamailio OWNER kamailio;", user="postgres")
        psql = f"PGPASSWORD={password} psql -q -v ON_ERROR_STOP=1 -h localhost -U kamailio kamailio"
        host.run(f"cat {schema} - | {psql}", input=rows)
    else:
        host.run("install -d -o kamailio -g kamailio /var/lib/kamailio")
        host.run(f"cat {schema} - | sqlite3 {SQLITE_FILE} && chown kamailio:kamailio {SQLITE_FILE}", input=rows)


def _append(host: Host, table: str, rows: list[str]) -> None:
    host.run(f"cat >>{DBTEXT_FOLDER}/{table}", input="".join(f"{row}\n" for row in rows))


def _digests(subscriber: Subscriber) -> tuple[str, str]:
    """The two digests that Kamailio keeps instead of a password."""
    texts = (f"{name}:lab.test:{subscriber.password}" for name in (subscriber.number, f"{subscriber.number}@lab.test"))
    first, second = (hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() for text in texts)
    return first, second
