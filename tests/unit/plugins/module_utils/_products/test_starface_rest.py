# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The REST interface of a STARFACE, against a stand-in that checks every request (support.starface_stand_in)."""

from __future__ import annotations

import hashlib
import tracemalloc

import pytest
from support.starface_stand_in import Appliance, StarfaceStandIn
from support.starface_stand_in.appliance import CLIENT_SECRET, PASSWORD, TOKEN_MARK
from support.thoroughness import thorough

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    AuthenticationFailed,
    CommandFailed,
    ConnectionFailed,
    ConnectionLost,
    DeadlineExceeded,
    OptionInvalid,
    PrivilegeFailed,
    RecoveryError,
)
from ansible_collections.ucops.recovery.plugins.module_utils._products.starface_login import (
    Credentials,
    directory_secret,
    internal_secret,
    login_for,
)
from ansible_collections.ucops.recovery.plugins.module_utils._products.starface_rest import (
    BackupBusy,
    BackupsMissing,
    Boxes,
    JobFailed,
    Patience,
    StarfaceRest,
    demand_base,
)
from ansible_collections.ucops.recovery.plugins.module_utils._transport.http import (
    HttpOptions,
    HttpTransport,
    NotJson,
)

SECRETS = (PASSWORD, CLIENT_SECRET, TOKEN_MARK, hashlib.sha512(PASSWORD.encode()).hexdigest())


class Clock:
    """Time that passes when somebody sleeps."""

    def __init__(self):
        self.now = 1000.0
        self.slept = []

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def reach():
    opened = []

    def one(appliance=None, *, client_secret=CLIENT_SECRET, kind="auto", patience=None, **options):
        appliance = appliance or Appliance()
        server = StarfaceStandIn(appliance)
        server.__enter__()
        http = HttpTransport(HttpOptions(server.address, server.port, ca_file=server.ca_file, connect_timeout=5))
        who = Credentials(appliance.username, options.pop("password", PASSWORD), client_secret=client_secret)
        clock = Clock()
        rest = StarfaceRest(
            http,
            lambda base: login_for(kind, http, who, base),
            patience=patience or Patience(restart=30),
            sleep=clock.sleep,
            now=lambda: clock.now,
            **options,
        )
        rest.appliance, rest.clock, rest.server = appliance, clock, server
        opened.append((server, rest))
        return rest

    yield one
    for server, rest in opened:
        rest.close()
        server.__exit__()
        assert server.appliance.complaints == []


def fetched(rest, job, keep=True):
    with rest.download(job, keep=keep) as download:
        return b"".join(download.demand().chunks())


def test_a_backup_from_its_start_to_its_removal(reach):
    rest = reach()
    told = []
    rest._tell = told.append
    job = rest.run_backup(Boxes(store_cdr_data=False))
    assert rest.appliance.jobs[job]["boxes"] == {
        "storeCdrData": False,
        "storeVoiceboxAnnounces": True,
        "storeChatHistory": True,
    }
    assert [percent for _seconds, percent in rest.progress] == [0, 50, 100]
    assert told == ["0 % done", "50 % done", "100 % done"]
    assert fetched(rest, job) == rest.appliance.archive
    assert fetched(rest, job) == rest.appliance.archive
    assert fetched(rest, job, keep=False) == rest.appliance.archive
    with rest.download(job, keep=True) as download:
        assert download.status == 404
    assert rest.version() == "10.0.2.5"
    assert rest.appliance.logins == 1


@thorough
@pytest.mark.parametrize("base", ["/rest", "/api"])
@pytest.mark.parametrize("login", ["oauth", "nonce", "directory"])
@pytest.mark.parametrize("lost_go_to_login", [False, True])
def test_the_interface_is_found_with_either_login(reach, base, login, lost_go_to_login):
    appliance = Appliance(base=base, login=login, lost_go_to_login=lost_go_to_login)
    rest = reach(appliance, client_secret=CLIENT_SECRET if login == "oauth" else "")
    assert rest.has_backups() and rest.version() == "10.0.2.5"
    assert fetched(rest, rest.run_backup(Boxes())) == appliance.archive


def test_the_older_login_is_given_back(reach):
    rest = reach(Appliance(login="nonce"), client_secret="")
    rest.version()
    rest.close()
    assert "DELETE /rest/login" in rest.appliance.requests and not any(
        left > 0 for left in rest.appliance.tokens.values()
    )


def test_a_base_that_is_told_is_the_only_one(reach):
    rest = reach(Appliance(base="/api"), base="/rest")
    with pytest.raises(BackupsMissing):
        rest.version()
    assert reach(Appliance(base="/v2/api"), base="/v2/api").version() == "10.0.2.5"


@pytest.mark.parametrize("value", ["rest", "/rest/", "/a b", "/rest?x", "//x"])
def test_a_base_that_is_none(value):
    with pytest.raises(OptionInvalid):
        demand_base(value)


@pytest.mark.parametrize("lost", [False, True])
def test_an_appliance_without_backups_says_what_to_do(reach, lost):
    rest = reach(Appliance(version="9.0.0.1", backups=False, lost_go_to_login=lost))
    assert rest.has_backups() is False
    with pytest.raises(BackupsMissing, match="makes no backups by REST") as error:
        rest.run_backup(Boxes())
    assert "landing" in error.value.hint and "STARFACE 10" in error.value.hint


@pytest.mark.parametrize(("login", "secret"), [("oauth", CLIENT_SECRET), ("nonce", ""), ("directory", "")])
def test_a_wrong_password(reach, login, secret):
    rest = reach(Appliance(login=login), client_secret=secret, password="wr0ng-pl4nted")
    with pytest.raises(AuthenticationFailed, match="refuses the login of backup") as error:
        rest.version()
    assert "wr0ng" not in str(error.value) and PASSWORD not in str(error.value)


def test_oauth_where_there_is_none(reach):
    rest = reach(Appliance(login="nonce"))
    with pytest.raises(AuthenticationFailed, match="knows no OAuth"):
        rest.version()


def test_an_account_without_the_right(reach):
    rest = reach(Appliance(may_backup=False))
    with pytest.raises(PrivilegeFailed, match="403"):
        rest.run_backup(Boxes())


@pytest.mark.parametrize("login", ["oauth", "nonce"])
def test_a_token_that_ends_in_between_is_renewed(reach, login):
    appliance = Appliance(login=login, expire_after=2, steps=[0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
    rest = reach(appliance, client_secret=CLIENT_SECRET if login == "oauth" else "")
    assert fetched(rest, rest.run_backup(Boxes())) == appliance.archive
    renewed = appliance.refreshes if login == "oauth" else appliance.logins - 1
    assert renewed >= 2


def test_a_refresh_that_is_refused_is_a_new_login(reach):
    rest = reach(Appliance(expire_after=2, refresh_works=False))
    rest.run_backup(Boxes())
    assert rest.appliance.logins > 1


def test_a_token_is_renewed_before_its_end(reach):
    rest = reach()
    rest.version()
    login = rest._login
    login._now = lambda: login._until + 1
    rest.version()
    assert rest.appliance.refreshes == 1


def test_one_401_is_forgiven_and_not_two(reach):
    rest = reach(Appliance(expire_after=0))
    with pytest.raises(AuthenticationFailed, match="401"):
        rest.run_backup(Boxes())
    assert len(rest.appliance.requests) < 10


@pytest.mark.parametrize("way", ["state", "409", "body"])
def test_another_backup_is_waited_for(reach, way):
    rest = reach(Appliance(busy=2, busy_way=way), patience=Patience(busy_wait=300, busy=4500))
    assert rest.run_backup(Boxes()) in rest.appliance.files
    assert rest.clock.slept.count(300) == 2


@pytest.mark.parametrize("way", ["state", "409", "body"])
def test_another_backup_that_never_ends(reach, way):
    rest = reach(Appliance(busy=99, busy_way=way), patience=Patience(busy_wait=300, busy=1000))
    with pytest.raises(BackupBusy, match="Archivierung"):
        rest.run_backup(Boxes())
    assert rest.clock.slept.count(300) == 3


def test_a_backup_that_failed_is_named_and_repeats_no_secret(reach):
    error = f"disk full\n{PASSWORD} {TOKEN_MARK} {CLIENT_SECRET}" + "x" * 500
    rest = reach(Appliance(error=error))
    with pytest.raises(JobFailed, match="disk full") as caught:
        rest.run_backup(Boxes())
    assert PASSWORD not in str(caught.value) and CLIENT_SECRET not in str(caught.value)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500


def test_a_backup_that_never_ends(reach):
    rest = reach(Appliance(never_done=True), patience=Patience(poll=3, job=20))
    with pytest.raises(DeadlineExceeded, match="20 s"):
        rest.run_backup(Boxes())


@pytest.mark.parametrize("how", [{"looks_lost": 5}, {"looks_refused": 5}])
def test_a_look_that_fails_is_made_again(reach, how):
    rest = reach(Appliance(**how), patience=Patience(poll=3, job=60))
    assert rest.run_backup(Boxes()) in rest.appliance.files
    assert rest.clock.slept == [3] * 7


@thorough
@pytest.mark.parametrize(
    ("how", "kind"),
    [
        ({"looks_lost": 10**6}, DeadlineExceeded),
        ({"looks_refused": 10**6}, DeadlineExceeded),
        ({"never_done": True}, DeadlineExceeded),
    ],
)
def test_an_appliance_that_cannot_be_asked_is_given_up_at_the_deadline_of_the_job(reach, how, kind):
    rest = reach(Appliance(**how), patience=Patience(poll=3, job=60))
    with pytest.raises(kind, match="60 s") as error:
        rest.run_backup(Boxes())
    assert rest.job == "17" and rest.is_running
    assert ("The connection broke" in error.value.message) is ("looks_lost" in how)


def test_what_will_not_pass_is_not_waited_for(reach, monkeypatch):
    rest = reach(patience=Patience(poll=3, job=60))
    monkeypatch.setattr(StarfaceStandIn.handler, "_state", lambda self, job: self._json(404, {}))
    with pytest.raises(CommandFailed, match="404"):
        rest.run_backup(Boxes())
    assert rest.clock.slept == [] and rest.job == "17" and rest.is_running


def test_a_job_that_nobody_can_name(reach):
    rest = reach(Appliance(run_lost=True))
    with pytest.raises(ConnectionLost, match="while a backup was asked for") as error:
        rest.run_backup(Boxes())
    assert "may make one nevertheless" in error.value.hint and rest.job == ""


def test_a_job_that_made_nothing_leaves_nothing(reach):
    rest = reach(Appliance(error="disk full"))
    with pytest.raises(JobFailed):
        rest.run_backup(Boxes())
    assert rest.job == ""


@pytest.mark.parametrize("told", [{}, {"backupJobId": "../x"}, {"backupJobId": ".."}, {"backupJobId": True}, [], "x"])
def test_a_job_without_a_usable_name(reach, monkeypatch, told):
    rest = reach()
    monkeypatch.setattr(
        "support.starface_stand_in.rest._Handler._run", lambda self, body: self._json(202, told), raising=True
    )
    with pytest.raises(ConnectionFailed, match="does not say which"):
        rest.run_backup(Boxes())


@pytest.mark.parametrize(
    "told",
    [
        {"status": "?"},
        {"progress": "much"},
        [],
        {"progress": 7, "status": None},
        {"progress": float("nan")},
        {"progress": float("-inf")},
        {"progress": 10**400},
        {"progress": True},
        {"error": {"deep": ["er"]}},
    ],
)
def test_a_state_that_is_none_is_not_done(reach, monkeypatch, told):
    rest = reach(patience=Patience(poll=1, job=3))
    monkeypatch.setattr(
        "support.starface_stand_in.rest._Handler._state", lambda self, job: self._json(200, told), raising=True
    )
    with pytest.raises(DeadlineExceeded):
        rest.run_backup(Boxes())


def test_a_state_that_nobody_can_read(reach, monkeypatch):
    rest = reach(patience=Patience(poll=1, job=3))
    monkeypatch.setattr(StarfaceStandIn.handler, "_state", lambda self, job: self.reply(200, b"[" * 200_000))
    with pytest.raises(NotJson):
        rest.run_backup(Boxes())
    assert rest.job == "17"


@pytest.mark.parametrize("lifetime", [float("nan"), float("inf"), 10**400, -1, "300", None])
def test_a_lifetime_that_is_none(reach, monkeypatch, lifetime):
    rest = reach()
    told = {"access_token": "abc", "expires_in": lifetime}
    monkeypatch.setattr(StarfaceStandIn.handler, "_token", lambda self: self._json(200, told))
    login = rest._login
    assert login.headers() == {"Authorization": "Bearer abc"}
    assert 0 < login._until - login._now() <= 300


def test_a_nonce_that_is_none(reach, monkeypatch):
    rest = reach(Appliance(login="nonce"), client_secret="")
    told = {"loginType": "Internal", "nonce": "\ud800"}
    monkeypatch.setattr(StarfaceStandIn.handler, "_login", lambda self: self._json(200, told))
    with pytest.raises(ConnectionFailed, match="no login that we know"):
        rest.version()


def test_a_version_that_cannot_be_read(reach):
    assert reach(Appliance(version="unknown")).version() == ""


@pytest.mark.parametrize(("calls", "found"), [(0, 0), (3, 3), (None, None)])
def test_calls_where_they_are_told(reach, calls, found):
    assert reach(Appliance(calls=calls)).active_calls() == found


def test_a_restore_is_one_form_sent_as_a_stream(reach):
    rest = reach()
    job = rest.restore(iter([b"one\r\n--", b"two"]), 10, {"ignoreIp": "true"}, "file")
    assert rest.appliance.restored == [b"one\r\n--two"]
    assert rest.appliance.restored_parts == [{"ignoreIp": "true"}]
    assert rest.wait_for_return() == "10.0.2.5"
    assert rest.state(job).status == "SUCCESS"


def test_an_appliance_that_does_not_come_back(reach):
    rest = reach(Appliance(away=10**6), patience=Patience(poll=3, restart=30))
    rest.restore(iter([b"x"]), 1, {}, "file")
    with pytest.raises(DeadlineExceeded, match="does not answer as it should within 30 s"):
        rest.wait_for_return()


def test_a_restore_that_is_refused(reach):
    rest = reach(Appliance(file_part="other"))
    with pytest.raises(CommandFailed, match="400"):
        rest.restore(iter([b"x"]), 1, {}, "file")


def test_the_proofs_of_a_password_are_those_of_the_published_example():
    who = Credentials("0001", "secret")
    inner = hashlib.sha512(b"secret").hexdigest()
    assert internal_secret(who, "n") == "0001:" + hashlib.sha512(f"0001n{inner}".encode()).hexdigest()
    assert directory_secret(who, "n") == "MDAwMW5zZWNyZXQ="


def test_what_a_login_needs():
    for kind, who in (
        ("oauth", Credentials("u", "p")),
        ("auto", Credentials("", "p")),
        ("nonce", Credentials("u", "")),
    ):
        with pytest.raises(OptionInvalid):
            login_for(kind, HttpTransport(HttpOptions("pbx")), who, lambda: "/rest")


@pytest.mark.parametrize(
    "told", [{}, {"access_token": ""}, {"access_token": 5}, {"access_token": "a\r\nX: y"}, {"access_token": "ü"}, []]
)
def test_a_token_that_is_none(reach, monkeypatch, told):
    rest = reach()
    monkeypatch.setattr("support.starface_stand_in.rest._Handler._token", lambda self: self._json(200, told))
    with pytest.raises(ConnectionFailed, match=r"holds no (usable )?token"):
        rest.version()


def test_no_secret_shows_anywhere(reach):
    rest = reach()
    job = rest.run_backup(Boxes())
    own = {name: value for name, value in vars(rest).items() if name not in ("appliance", "server")}
    shown = repr(own) + repr(rest.state(job))
    for secret in SECRETS[:2]:
        assert secret not in shown
    try:
        rest.state("nothing")
    except RecoveryError as error:
        assert not any(secret in str(error) + repr(error.details) for secret in SECRETS)


def test_a_large_file_takes_little_memory(reach):
    size = 48 * 2**20
    rest = reach(Appliance(archive=b"\x01" * size))
    job = rest.run_backup(Boxes())
    tracemalloc.start()
    try:
        with rest.download(job, keep=True) as download:
            read = sum(len(piece) for piece in download.demand().chunks())
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert read == size and peak < 4 * 2**20
