package main

import (
	"encoding/json"
	"net"
	"net/url"
	"strconv"
	"strings"
	"text/template"

	"offhook/provider/simulator"
)

// demoScript is what is printed for a newcomer: a POSIX shell script that
// places a call and takes one, with nothing but curl, sed, tr and grep.
//
// It is pasted into interactive shells of all kinds. So it never exits, has no
// comment behind a command (zsh takes it for arguments), no quote in a comment
// and no exclamation mark; it waits by asking, never by sleeping a guess.
type demoScript struct {
	API       string // base URLs
	Simulator string
	Receiver  string // empty for none
	App       string
	Key       string
	KeyFile   string            // has Key; where it is set the text has only its name
	Phones    []simulator.Phone // the first places a call, the second is called
}

// strangers of the demo are numbers the British regulator keeps for drama.
const (
	demoCallee = "+442079460018"
	demoCaller = "+442079460123"
)

var demoTemplate = template.Must(template.New("demo").Parse(`# The API that apps use, the phones behind it, and the key of the demo app.
API={{.API}}
SIM={{.Simulator}}
APP={{.App}}
KEY={{.Key}}

# Two helpers: one reads a field of a JSON answer, one asks until a call is in a state.
field() { sed -n 's/.*"'"$1"'":"\([^"]*\)".*/\1/p'; }
wait_for() {
  tries=0
  while :; do
    now=$({{.Curl}} -H "Authorization: Bearer $KEY" "$API/apps/$APP/calls/$1" | field state)
    if [ "$now" = "$2" ]; then echo "$1 is $2"; return 0; fi
    tries=$((tries + 1))
    if [ "$tries" -gt 30 ]; then echo "$1 is ${now:-nowhere}, not $2" >&2; return 1; fi
    sleep 1
  done
}

# 1. Place a call for {{.Caller.Name}}. That phone rings first, then the other end.
CALL=$({{.Curl}} -X POST "$API/apps/$APP/calls" \
  -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' \
  -d {{.Originate}} |
  field call_id)
wait_for "$CALL" active

# 2. List the calls of that subscriber.
{{.Curl}} -H "Authorization: Bearer $KEY" "$API/apps/$APP/subscribers/{{.Caller.Path}}/calls"; echo

# 3. Put the other end on hold, and come back.
{{.Curl}} -X PUT -H "Authorization: Bearer $KEY" "$API/apps/$APP/calls/$CALL/hold"
wait_for "$CALL" held
{{.Curl}} -X PUT -H "Authorization: Bearer $KEY" "$API/apps/$APP/calls/$CALL/resume"
wait_for "$CALL" active

# 4. End the call.
{{.Curl}} -X DELETE -H "Authorization: Bearer $KEY" "$API/apps/$APP/calls/$CALL"
wait_for "$CALL" released

# 5. Somebody calls {{.Callee.Name}}: the simulator lets the phone ring, and the call is in the list.
RINGS=$(curl -sS -X POST "$SIM/simulator/calls" -H 'Content-Type: application/json' \
  -d {{.Ring}} |
  field call_id)
INCOMING= tries=0
until [ -n "$INCOMING" ] || [ "$tries" -gt 30 ]; do
  INCOMING=$({{.Curl}} -H "Authorization: Bearer $KEY" "$API/apps/$APP/subscribers/{{.Callee.Path}}/calls" |
    tr '}' '\n' | grep -F "\"$RINGS\"" | field call_id)
  tries=$((tries + 1))
  if [ -z "$INCOMING" ]; then sleep 1; fi
done
wait_for "$INCOMING" ringing

# 6. Answer it, then hang up.
{{.Curl}} -X PUT -H "Authorization: Bearer $KEY" "$API/apps/$APP/calls/$INCOMING/answer"
wait_for "$INCOMING" active
{{.Curl}} -X DELETE -H "Authorization: Bearer $KEY" "$API/apps/$APP/calls/$INCOMING"
wait_for "$INCOMING" released
{{if .Receiver}}
# 7. What the webhook of the app was told of the first call, as the demo receiver got it.
RECEIVER={{.Receiver}}
HOOK=$({{.Curl}} -H "Authorization: Bearer $KEY" "$API/apps/$APP/webhooks/calls")
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
  {{.Curl}} -H "Authorization: Bearer $KEY" "$API/apps/$APP/calls/$CALL/timeline" | tr '}' '\n' |
    grep -E '"kind":"(transition|event|attempt)"' | sed 's/^[[,]*//; s/$/}/'
  ;;
esac
{{end}}`))

// String is the script. The same demoScript always gives the same text.
func (d demoScript) String() string {
	caller, callee := d.Phones[0], d.Phones[min(1, len(d.Phones)-1)]
	type person struct{ Name, Path string }
	data := struct {
		API, Simulator, Receiver, App, Key, Curl string
		Caller, Callee                           person
		Originate, Ring                          string
	}{
		API: quote(d.API), Simulator: quote(d.Simulator), App: quote(d.App), Key: quote(d.Key), Curl: "curl -sS",
		Caller: person{plain(caller.SubscriberName), inURL(caller.SubscriberID)},
		Callee: person{plain(callee.SubscriberName), inURL(callee.SubscriberID)},
		Originate: quote(object(
			"subscriber_id", caller.SubscriberID, "subscriber_number", caller.SubscriberNumber, "remote_number", demoCallee)),
		Ring: quote(object(
			"subscriber_id", callee.SubscriberID, "remote_number", demoCaller, "remote_name", "Ada Whitmore")),
	}
	if strings.HasPrefix(d.API, "https:") {
		data.Curl = "curl -sSk" // the certificate is for a name, and this is an address
	}
	if d.KeyFile != "" {
		data.Key = "$(cat " + quote(d.KeyFile) + ")"
	}
	if d.Receiver != "" {
		data.Receiver = quote(d.Receiver)
	}
	var b strings.Builder
	if err := demoTemplate.Execute(&b, data); err != nil {
		panic(err) // a field that does not exist: the template and data are fixed
	}
	return b.String()
}

// quote makes one word of s for any POSIX shell.
func quote(s string) string {
	if s != "" && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./:@+,") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// plain leaves what is harmless in a comment of any shell.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("'\"`!()[]{}<>|&;*?$#\\\r\n", r) {
			return ' '
		}
		return r
	}, s)
}

// inURL escapes an id for a path between double quotes.
func inURL(id string) string {
	return strings.NewReplacer("$", "%24", "!", "%21").Replace(url.PathEscape(id))
}

// object is a JSON object of texts, its members in the order given.
func object(pairs ...string) string {
	var b strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		name, _ := json.Marshal(pairs[i]) // text never fails
		value, _ := json.Marshal(pairs[i+1])
		b.WriteByte("{,"[min(i, 1)])
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.String()
}

// reachable is the base URL at which a listener is found from this machine:
// one that listens everywhere is found at loopback.
func reachable(scheme string, at net.Addr) string {
	host, port := "127.0.0.1", "0"
	if tcp, ok := at.(*net.TCPAddr); ok {
		port = strconv.Itoa(tcp.Port)
		if !tcp.IP.IsUnspecified() {
			host = tcp.IP.String()
		}
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}
