# The API that apps use, the phones behind it, and the key of the demo app.
API=http://127.0.0.1:8080
SIM=http://127.0.0.1:8082
APP=6b1f0c52-8d0e-4a6e-9f57-0c1f5c3f7d1a
KEY=ok_live_0123456789abcdefghijklmnopqrstuvwxyz

# Two helpers: one reads a field of a JSON answer, one asks until a call is in a state.
field() { sed -n 's/.*"'"$1"'":"\([^"]*\)".*/\1/p'; }
wait_for() {
  tries=0
  while :; do
    now=$(curl -sS -H "Authorization: Bearer $KEY" "$API/apps/$APP/calls/$1" | field state)
    if [ "$now" = "$2" ]; then echo "$1 is $2"; return 0; fi
    tries=$((tries + 1))
    if [ "$tries" -gt 30 ]; then echo "$1 is ${now:-nowhere}, not $2" >&2; return 1; fi
    sleep 1
  done
}

# 1. Place a call for Alice Archer. That phone rings first, then the other end.
CALL=$(curl -sS -X POST "$API/apps/$APP/calls" \
  -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' \
  -d '{"subscriber_id":"alice@demo.example","subscriber_number":"+12015550100","remote_number":"+442079460018"}' |
  field call_id)
wait_for "$CALL" active

# 2. List the calls of that subscriber.
curl -sS -H "Authorization: Bearer $KEY" "$API/apps/$APP/subscribers/alice@demo.example/calls"; echo

# 3. Put the other end on hold, and come back.
curl -sS -X PUT -H "Authorization: Bearer $KEY" "$API/apps/$APP/calls/$CALL/hold"
wait_for "$CALL" held
curl -sS -X PUT -H "Authorization: Bearer $KEY" "$API/apps/$APP/calls/$CALL/resume"
wait_for "$CALL" active

# 4. End the call.
curl -sS -X DELETE -H "Authorization: Bearer $KEY" "$API/apps/$APP/calls/$CALL"
wait_for "$CALL" released

# 5. Somebody calls Bob Baker: the simulator lets the phone ring, and the call is in the list.
RINGS=$(curl -sS -X POST "$SIM/simulator/calls" -H 'Content-Type: application/json' \
  -d '{"subscriber_id":"bob@demo.example","remote_number":"+442079460123","remote_name":"Ada Whitmore"}' |
  field call_id)
INCOMING= tries=0
until [ -n "$INCOMING" ] || [ "$tries" -gt 30 ]; do
  INCOMING=$(curl -sS -H "Authorization: Bearer $KEY" "$API/apps/$APP/subscribers/bob@demo.example/calls" |
    tr '}' '\n' | grep -F "\"$RINGS\"" | field call_id)
  tries=$((tries + 1))
  if [ -z "$INCOMING" ]; then sleep 1; fi
done
wait_for "$INCOMING" ringing

# 6. Answer it, then hang up.
curl -sS -X PUT -H "Authorization: Bearer $KEY" "$API/apps/$APP/calls/$INCOMING/answer"
wait_for "$INCOMING" active
curl -sS -X DELETE -H "Authorization: Bearer $KEY" "$API/apps/$APP/calls/$INCOMING"
wait_for "$INCOMING" released

# 7. What the webhook of the app was told of the first call, as the demo receiver got it.
RECEIVER=http://127.0.0.1:40404/
HOOK=$(curl -sS -H "Authorization: Bearer $KEY" "$API/apps/$APP/webhooks/calls")
case "$HOOK" in
*'?demo"'*'"paused":false'*'"disabled":""'*)
  TOLD= tries=0
  until echo "$TOLD" | grep -q released || [ "$tries" -gt 30 ]; do
    if [ "$tries" -gt 0 ]; then sleep 1; fi
    TOLD=$(curl -sS "$RECEIVER" | grep -F "$CALL")
    tries=$((tries + 1))
  done
  echo "$TOLD"
  ;;
*)
  HOOK=$(echo "$HOOK" | field url)
  HOOK=${HOOK:-nowhere}
  echo "The demo receiver is told nothing: the webhook of the app leads to ${HOOK%%\?*}, or is paused. The timeline of the call has what was told:"
  curl -sS -H "Authorization: Bearer $KEY" "$API/apps/$APP/calls/$CALL/timeline" | tr '}' '\n' |
    grep -E '"kind":"(transition|event|attempt)"' | sed 's/^[[,]*//; s/$/}/'
  ;;
esac
