# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts of a PBX's configuration: what stands in every host's file, and a section that repeats with other values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FileKind:
    """One configuration file. One that is ``shared`` is the same on all hosts."""

    path: str
    head: str
    section: str
    shared: bool = False


KAMAILIO = """\
#!KAMAILIO
# {domain}
#!define WITH_MYSQL
#!define WITH_AUTH
#!define WITH_USRLOCDB
#!define WITH_NAT
#!define DBURL "mysql://kamailio:{secret}@{peer}/kamailio"
debug=2
log_stderror=no
log_facility=LOG_LOCAL0
children=8
alias="{domain}"
listen=udp:{ip}:5060 advertise {public_ip}:5060
listen=tcp:{ip}:5060
listen=tls:{ip}:5061
tcp_connection_lifetime=3605
mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/"
loadmodule "db_mysql.so"
loadmodule "kex.so"
loadmodule "tm.so"
loadmodule "tmx.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "xlog.so"
loadmodule "sanity.so"
loadmodule "auth.so"
loadmodule "auth_db.so"
loadmodule "dispatcher.so"
loadmodule "rtpengine.so"
loadmodule "nathelper.so"
modparam("tm", "failure_reply_mode", 3)
modparam("tm", "fr_timer", 30000)
modparam("tm", "fr_inv_timer", 120000)
modparam("rr", "enable_full_lr", 0)
modparam("registrar", "max_contacts", 10)
modparam("registrar", "max_expires", {number})
modparam("usrloc", "db_url", DBURL)
modparam("usrloc", "db_mode", 2)
modparam("auth_db", "db_url", DBURL)
modparam("auth_db", "calculate_ha1", no)
modparam("auth_db", "password_column", "ha1")
modparam("rtpengine", "rtpengine_sock", "udp:{peer}:2223")
modparam("dispatcher", "list_file", "/etc/kamailio/dispatcher.list")
modparam("dispatcher", "ds_ping_interval", 30)
request_route {{
    route(REQINIT);
    route(NATDETECT);
    if (is_method("CANCEL")) {{
        if (t_check_trans()) {{
            route(RELAY);
        }}
        exit;
    }}
    if (!is_method("ACK")) {{
        if (t_precheck_trans()) {{
            t_check_trans();
            exit;
        }}
        t_check_trans();
    }}
    route(WITHINDLG);
    route(AUTH);
    remove_hf("Route");
    if (is_method("INVITE|SUBSCRIBE")) {{
        record_route();
    }}
    route(SIPOUT);
    route(REGISTRAR);
    if ($rU == $null) {{
        sl_send_reply("484", "Address Incomplete");
        exit;
    }}
    route(LOCATION);
}}
route[REQINIT] {{
    if (!mf_process_maxfwd_header("10")) {{
        sl_send_reply("483", "Too Many Hops");
        exit;
    }}
    if (!sanity_check("17895", "7")) {{
        xlog("Malformed SIP request from $si:$sp\\n");
        exit;
    }}
}}
"""

KAMAILIO_ROUTE = """\
# {name}, {street}
route[SITE_{number}] {{
    if ($rU =~ "^{ext}[0-9]{{2}}$") {{
        $ru = "sip:" + $rU + "@{peer}:5060";
        append_hf("P-Asserted-Identity: <sip:{phone}@{domain}>\\r\\n");
        route(RELAY);
        exit;
    }}
}}
"""

PJSIP_ENDPOINT = """\
[{ext}]
type=endpoint
transport=transport-udp
context=internal
disallow=all
allow=alaw,ulaw,g722
auth=auth{ext}
aors={ext}
callerid="{name}" <{phone}>
direct_media=no
mailboxes={ext}@default
[auth{ext}]
type=auth
auth_type=userpass
username={ext}
password={secret}
[{ext}]
type=aor
max_contacts=2
qualify_frequency=60

"""

SHARED_MODULES = """\
; {name}
load = {word}_{word2}.so
noload = {word}_{word2}_legacy.so
"""

SHARED_FEATURES = """\
[applicationmap-{number}]
{word} = *{number},self/both,Macro({word2})
timeout = {number}
"""

KINDS = (
    FileKind("etc/kamailio/kamailio.cfg", KAMAILIO, KAMAILIO_ROUTE),
    FileKind(
        "etc/kamailio/dispatcher.list",
        "# gateways of {domain}\n# setid destination flags priority attributes\n",
        "{digit} sip:{peer}:5060 0 {digit} duid={word}{number};socket=udp:{ip}:5060;weight={digit}0  # {name}\n",
    ),
    FileKind(
        "etc/kamailio/permissions.allow",
        "# who may call through {domain}\n",
        'ALL : "^sip:{phone}@{peer}$"   # {name}\n"^sip:{ext}@{domain}$" : ALL EXCEPT "^sip:0900"\n',
    ),
    FileKind(
        "etc/kamailio/tls.cfg",
        "[server:default]\nmethod = TLSv1.2+\nverify_certificate = no\nrequire_certificate = no\n"
        "private_key = /etc/kamailio/tls/{domain}.key\ncertificate = /etc/kamailio/tls/{domain}.pem\n",
        "[client:{peer}:5061]\n# {name}\nverify_certificate = yes\nrequire_certificate = yes\n"
        "ca_list = /etc/kamailio/tls/{word}.pem\nserver_name = {word}{number}.{domain}\n",
    ),
    FileKind(
        "etc/asterisk/pjsip.conf",
        "; endpoints of {domain}\n[transport-udp]\ntype=transport\nprotocol=udp\nbind={ip}\n"
        "external_media_address={public_ip}\nlocal_net=10.0.0.0/8\n\n",
        PJSIP_ENDPOINT,
    ),
    FileKind(
        "etc/asterisk/extensions.conf",
        "[general]\nstatic=yes\nwriteprotect=yes\n[globals]\nTRUNK={word}\nPREFIX={phone}\n[internal]\n"
        "include => outbound\ninclude => parkedcalls\n",
        "exten => {ext},1,NoOp(Call for {name})\n same => n,Set(CALLERID(all)={name} <{phone}>)\n"
        " same => n,Dial(PJSIP/{ext},{digit}0,tT)\n"
        ' same => n,GotoIf($["${{DIALSTATUS}}" = "BUSY"]?busy:unavail)\n'
        " same => n(unavail),VoiceMail({ext}@default,u)\n same => n,Hangup()\n"
        " same => n(busy),VoiceMail({ext}@default,b)\n same => n,Hangup()\n",
    ),
    FileKind(
        "etc/asterisk/voicemail.conf",
        "[general]\nformat=wav49|gsm|wav\nserveremail=asterisk@{domain}\nattach=yes\nmaxmsg=100\nmaxsecs=180\n[default]\n",
        "{ext} => {number},{name},{mail}@{domain},,attach=yes|saycid=no|tz=european|delete=0\n",
    ),
    FileKind(
        "etc/asterisk/queues.conf",
        "[general]\npersistentmembers = yes\nautofill = yes\nmonitor-type = MixMonitor\nshared_lastcall = yes\n",
        "[{word}-{word2}-{number}]\nstrategy = rrmemory\ntimeout = {digit}5\nretry = 5\nmaxlen = {digit}0\n"
        "musicclass = {word}\nannounce-frequency = {digit}0\njoinempty = yes\nmember => PJSIP/{ext},0,{name}\n",
    ),
    FileKind(
        "etc/asterisk/manager.conf",
        "[general]\nenabled = yes\nport = 5038\nbindaddr = 127.0.0.1\n",
        "[{word}{number}]\nsecret = {secret}\ndeny = 0.0.0.0/0.0.0.0\npermit = {peer}/255.255.255.255\n"
        "read = system,call,log,verbose,agent,user,config,dtmf,reporting,cdr,dialplan\n"
        "write = system,call,agent,user,config\n",
    ),
    FileKind(
        "etc/asterisk/musiconhold.conf",
        "[default]\nmode=files\ndirectory=moh\n",
        "[{word}-{number}]\nmode=files\ndirectory=/var/lib/asterisk/moh/{word2}\nsort=random\n; {name}, {street}\n",
    ),
    FileKind(
        "etc/asterisk/users_provisioning.csv",
        "mac;model;extension;name;secret;timezone\n",
        "{mac};{word}-{number};{ext};{name};{secret};Europe/Berlin\n",
    ),
    FileKind(
        "etc/nftables.conf",
        "#!/usr/sbin/nft -f\nflush ruleset\ntable inet filter {{\n  chain input {{\n"
        "    type filter hook input priority 0; policy drop;\n    ct state established,related accept\n"
        "    iif lo accept\n",
        '    ip saddr {peer} udp dport {{ 5060, 10000-20000 }} counter accept comment "{name}"\n',
    ),
    FileKind(
        "etc/hosts",
        "127.0.0.1 localhost\n{ip} {domain}\n::1 localhost ip6-localhost ip6-loopback\n",
        "{peer}\t{word}{number}.{domain}\t{word}{number}\n",
    ),
    FileKind(
        "etc/dhcp/dhcpd.conf",
        'option domain-name "{domain}";\ndefault-lease-time 3600;\nmax-lease-time 86400;\nauthoritative;\n'
        "subnet 10.0.0.0 netmask 255.0.0.0 {{\n  option routers {peer};\n}}\n",
        "host {word}-{ext} {{  # {name}\n  hardware ethernet {mac};\n  fixed-address {peer};\n"
        '  option tftp-server-name "{ip}";\n}}\n',
    ),
    FileKind(
        "etc/cron.d/pbx",
        "SHELL=/bin/sh\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\nMAILTO=root@{domain}\n",
        "# {name}: {street}\n{digit} {digit} * * {digit} asterisk /usr/local/bin/{word}-{word2} --queue {number} "
        "--to {mail}@{domain}\n",
    ),
    FileKind("etc/asterisk/modules.conf", "[modules]\nautoload=yes\n", SHARED_MODULES, shared=True),
    FileKind("etc/asterisk/features.conf", "[general]\nparkext => 700\n", SHARED_FEATURES, shared=True),
    FileKind(
        "etc/asterisk/sip_notify.conf",
        "[polycom-check-cfg]\nEvent=>check-sync\nContent-Length=>0\n",
        "[{word}-{word2}-{number}]\nEvent=>check-sync;reboot=false\nContent-Length=>0\nX-Profile=>{word2}/{number}\n",
        shared=True,
    ),
    FileKind(
        "etc/asterisk/indications.conf",
        "[general]\ncountry=de\n",
        "[{word}{digit}]\ndescription = {name}\nringcadence = 1000,4000\ndial = {number}\n"
        "busy = {number}/480,0/480\nring = {number}/1000,0/4000\ncongestion = {number}/240,0/240\n",
        shared=True,
    ),
    FileKind(
        "etc/logrotate.d/pbx",
        "/var/log/asterisk/messages {{\n  daily\n  rotate 14\n  compress\n}}\n",
        "/var/log/{word}/{word2}-{number}.log {{\n  weekly\n  rotate {digit}\n  missingok\n  notifempty\n"
        "  compress\n}}\n",
        shared=True,
    ),
)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST_NAMES = _words(
    "Anna Bernd Clara David Emine Frank Gerda Hans Ines Jonas Karin Lukas Maria Nadja Oskar Petra Quentin Rosa Stefan "
    "Tanja Ulrich Vera Werner Xenia Yusuf Zoe Marek Jürgen Käthe Sören"
)
LAST_NAMES = _words(
    "Albrecht Bauer Claussen Demir Engel Fischer Graf Hoffmann Ivanov Jansen Koch Lehmann Müller Neumann Otto Peters "
    "Quast Richter Schäfer Thiel Uhlig Vogel Weber Xander Yilmaz Zimmermann Nowak Krause Brandt Sommer"
)
STREETS = _words(
    "Hauptstraße Bahnhofstraße Gartenweg Am Markt Lindenallee Kirchgasse Hafenkai Ringstraße Schulweg Mühlenweg"
)
WORDS = _words(
    "trunk support sales office lobby reception warehouse provider gateway backup branch north south east west core "
    "edge voice media agent helpdesk billing night default standby primary service door lift alarm fax conference"
)
