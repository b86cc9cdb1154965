# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How one logs in to the REST interface of a STARFACE: a token for every request, renewed before it ends.

Sources: for the older login the vendor's examples (github.com/STARFACEGmbH/rest-examples, StarfaceAuthenticator.java
and starface-api.yaml 6.7.0.22); for OAuth, which STARFACE 10 brings, two public clients that agree on all but the scope
(github.com/MiCoSa79/Starface-WebApp is one). No STARFACE was at hand to try it on.
"""

from __future__ import annotations

import base64
import hashlib
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from .._errors import AuthenticationFailed, ConnectionFailed, OptionInvalid
from .._transport.http import Answer, HttpTransport, finite

TOKEN_PATH = "/auth/realms/pbx/oauth2/token"
OAUTH_CLIENT = "rest-client-headless"
OAUTH_SCOPE = "login"
OAUTH = "oauth"
NONCE = "nonce"
EARLY = 30.0
"""Seconds before its end from which on a token is renewed."""
_LIFETIME = 300.0
"""Seconds that a token lasts when nothing is said of it."""


@dataclass(frozen=True)
class Credentials:
    """Who logs in. Secrets never show in ``repr``."""

    username: str
    password: str = field(repr=False)
    client_id: str = OAUTH_CLIENT
    client_secret: str = field(default="", repr=False)
    scope: str = OAUTH_SCOPE


class Login(ABC):
    """Gives the headers that make a request that of somebody who is logged in."""

    @abstractmethod
    def headers(self) -> Mapping[str, str]:
        """Log in where that is needed. Raises AuthenticationFailed, and what the transport raises."""

    @abstractmethod
    def forget(self) -> None:
        """The host does not take the token any more: get another one."""

    @abstractmethod
    def secrets(self) -> Sequence[str]:
        """What must be in no message."""

    def without_secrets(self, text: str) -> str:
        """A text of the host, should it repeat what it was told."""
        for secret in self.secrets():
            text = text.replace(secret, "***") if secret else text
        return text

    @abstractmethod
    def log_out(self) -> None:
        """Give the token back where that is possible. Raises what the transport raises."""


class OAuthLogin(Login):
    """The password grant of STARFACE 10. ``now``: seconds of a clock that never jumps."""

    def __init__(self, transport: HttpTransport, who: Credentials, now: Callable[[], float] = time.monotonic) -> None:
        self._transport = transport
        self._who = who
        self._now = now
        self._access = self._refresh = ""
        self._until = 0.0

    def headers(self) -> Mapping[str, str]:
        if not self._access or self._now() >= self._until:
            self._renew()
        return {"Authorization": f"Bearer {self._access}"}

    def forget(self) -> None:
        self._access = ""

    def secrets(self) -> Sequence[str]:
        return (self._who.password, self._who.client_secret, self._access, self._refresh)

    def log_out(self) -> None:
        """Nothing is published for it; the token ends by itself within minutes."""
        self._access = self._refresh = ""

    def _renew(self) -> None:
        if self._refresh:
            answer = self._ask({"grant_type": "refresh_token", "refresh_token": self._refresh})
            if answer.status == 200:
                self._take(answer)
                return
            self._refresh = ""
        who = self._who
        answer = self._ask(
            {"grant_type": "password", "username": who.username, "password": who.password, "scope": who.scope}
        )
        if answer.status in (400, 401, 403):
            raise AuthenticationFailed(
                f"The appliance refuses the login of {who.username} (OAuth, HTTP status {answer.status})",
                host=self._transport.host,
                hint="Check login id, password and client_secret (Admin > Server > Status > REST-API), and the user's"
                ' right "API Zugriff mit OAuth Password Grant".',
            )
        if answer.status == 404:
            raise AuthenticationFailed(
                "The appliance knows no OAuth",
                host=self._transport.host,
                hint="Before STARFACE 10 there is only the older login: set authentication to nonce.",
            )
        self._take(answer.demand())

    def _ask(self, form: Mapping[str, str]) -> Answer:
        client = {"client_id": self._who.client_id, "client_secret": self._who.client_secret}
        return self._transport.request("POST", TOKEN_PATH, form={**client, **form})

    def _take(self, answer: Answer) -> None:
        told = answer.json()
        access = told.get("access_token") if isinstance(told, dict) else None
        if not isinstance(access, str) or not access:
            raise ConnectionFailed("The appliance's answer to the login holds no token", host=self._transport.host)
        _demand_printable(access, self._transport.host)
        lifetime = finite(told.get("expires_in"))
        seconds = lifetime if lifetime is not None and lifetime > 0 else _LIFETIME
        refresh = told.get("refresh_token")
        self._access = access
        self._refresh = refresh if isinstance(refresh, str) else ""
        self._until = self._now() + max(seconds - EARLY, seconds / 2)


class NonceLogin(Login):
    """The older login: a hash of a nonce and of the password's hash, for a token. ``base``: where the interface is."""

    def __init__(self, transport: HttpTransport, who: Credentials, base: Callable[[], str]) -> None:
        self._transport = transport
        self._who = who
        self._base = base
        self._token = self._answer = ""

    def headers(self) -> Mapping[str, str]:
        if not self._token:
            self._log_in()
        return {"authToken": self._token, "X-Version": "2"}

    def forget(self) -> None:
        self._token = ""

    def secrets(self) -> Sequence[str]:
        return (self._who.password, self._token, self._answer.partition(":")[2])

    def log_out(self) -> None:
        if self._token:
            headers, self._token = self.headers(), ""
            self._transport.request("DELETE", f"{self._base()}/login", headers=headers)

    def _log_in(self) -> None:
        path = f"{self._base()}/login"
        template = self._transport.request("GET", path, headers={"X-Version": "2"}).demand().json()
        kind, nonce = (template.get(name) if isinstance(template, dict) else None for name in ("loginType", "nonce"))
        is_known = kind in ("Internal", "ActiveDirectory")
        if not isinstance(nonce, str) or not nonce or not nonce.isprintable() or not is_known:
            raise ConnectionFailed(
                "The appliance offers no login that we know",
                host=self._transport.host,
                hint="With STARFACE 11 the older login is to go: give client_secret, and OAuth is used.",
            )
        secret = internal_secret(self._who, nonce) if kind == "Internal" else directory_secret(self._who, nonce)
        self._answer = secret
        answer = self._transport.request(
            "POST", path, headers={"X-Version": "2"}, json={"loginType": kind, "nonce": nonce, "secret": secret}
        )
        if answer.status in (400, 401, 403):
            raise AuthenticationFailed(
                f"The appliance refuses the login of {self._who.username} (HTTP status {answer.status})",
                host=self._transport.host,
                hint="Check login id and password, and whether the account may use the REST interface.",
            )
        told = answer.demand().json()
        token = told.get("token") if isinstance(told, dict) else None
        if not isinstance(token, str) or not token:
            raise ConnectionFailed("The appliance's answer to the login holds no token", host=self._transport.host)
        _demand_printable(token, self._transport.host)
        self._token = token


def internal_secret(who: Credentials, nonce: str) -> str:
    """What proves the password of an account of the appliance itself."""
    return f"{who.username}:{_sha512(who.username + nonce + _sha512(who.password))}"


def directory_secret(who: Credentials, nonce: str) -> str:
    """The same for an account of a directory: the appliance has to know the password to ask there."""
    return base64.b64encode(f"{who.username}{nonce}{who.password}".encode()).decode("ascii")


def login_for(kind: str, transport: HttpTransport, who: Credentials, base: Callable[[], str]) -> Login:
    """The login of a kind; ``auto`` is OAuth where a client secret is given. Raises OptionInvalid."""
    if not who.username or not who.password:
        raise OptionInvalid("The REST interface needs username and password", host=transport.host)
    if kind == OAUTH and not who.client_secret:
        raise OptionInvalid(
            "OAuth needs client_secret",
            host=transport.host,
            hint="It stands in the web interface: Admin > Server > Status > REST-API.",
        )
    if who.client_secret and kind != NONCE:
        return OAuthLogin(transport, who)
    return NonceLogin(transport, who, base)


def _demand_printable(token: str, host: str) -> None:
    """What goes into a header must be fit for one."""
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise ConnectionFailed("The appliance's answer to the login holds no usable token", host=host)


def _sha512(text: str) -> str:
    return hashlib.sha512(text.encode("utf-8")).hexdigest()
