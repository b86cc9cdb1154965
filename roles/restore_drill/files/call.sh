#!/bin/sh
# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# call.sh FOLDER OWN-ADDRESS SERVER PORT: two telephones of sipp register, one calls, the other one answers.
# FOLDER has the scenarios and, readable for the owner only, caller.csv and callee.csv with numbers and passwords, so
# that no password is on a command line. The last line says how far it came; the exit code is 0 when the call was
# answered and ended.
set -u
folder=$1 own=$2 server=$3 port=$4
cd "$folder" || exit 1

play() {  # scenario, who, own port
  timeout 20 sipp -nostdin -timeout 10s -timeout_error -recv_timeout 4000 -m 1 -sf "$1.xml" -inf "$2.csv" \
    -i "$own" -p "$3" "$server:$port" >>"$1.log" 2>&1
}
stop() {
  [ -z "${answering:-}" ] || kill "$answering" 2>/dev/null
  echo "$1"
  exit 1
}

play options caller 5070 || stop "OPTIONS was not answered"
play register callee 5071 || stop "REGISTER was refused or not answered"
# the same port: there it is called
timeout 25 sipp -nostdin -timeout 15s -timeout_error -recv_timeout 10000 -m 1 -sf answer.xml -i "$own" -p 5071 \
  >answer.log 2>&1 &
answering=$!
sleep 0.5
play call caller 5070 || stop "INVITE did not lead to a call"
wait "$answering" || { answering=; stop "The call was not ended as it should"; }
echo "OPTIONS, REGISTER and INVITE were answered, the call was ended"
