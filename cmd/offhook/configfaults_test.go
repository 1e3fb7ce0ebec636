package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// netFile is a config with one network; the lines are put into its broadworks.
func netFile(lines ...string) string {
	have := strings.Join(lines, "\n")
	text := "networks:\n  - network_id: n\n    broadworks:\n"
	for _, need := range []string{`xsps: ["https://xsp1.example.com"]`, "username: u", "password_file: DIR/password"} {
		name, _, _ := strings.Cut(need, ":")
		if !strings.Contains(have, name+":") {
			text += "      " + need + "\n"
		}
	}
	for _, l := range lines {
		text += "      " + l + "\n"
	}
	return text
}

// Every broken file is refused with the line, the setting, and what to do.
func TestBrokenFiles(t *testing.T) {
	d := newDesk(t)
	for name, it := range map[string]struct{ text, want string }{
		"unknown key":            {"data_dir: x\nport: 80\n", "offhook.yaml:2: port: there is no such setting"},
		"misspelt key":           {"admin:\n  lisetn: \":1\"\n", `offhook.yaml:2: admin.lisetn: there is no such setting; did you mean "listen"?`},
		"unknown key in network": {netFile("user: x"), "offhook.yaml:7: networks[0].broadworks.user: there is no such setting"},
		"key twice":              {"listen: \":1\"\n\nlisten: \":2\"\n", "offhook.yaml:3: listen: given before, in line 1; keep one of the two"},
		"not YAML":               {"listen: \":1\"\nadmin: [\n", "offhook.yaml:2: this is not YAML: did not find expected node content"},
		"tab":                    {"admin:\n\tlisten: x\n", "offhook.yaml:2: this is not YAML: a tab indents this line; write spaces, two for each level"},
		"tab further in":         {"listen: \":1\"\nadmin:\n  listen: x\n\ttoken: y\n", "offhook.yaml:4: this is not YAML: a tab indents this line; write spaces, two for each level"},
		"tab in a list":          {"networks:\n\t- network_id: x\n", "offhook.yaml:2: this is not YAML: a tab indents this line; write spaces, two for each level"},
		"half a key":             {netFile("passwrd: x", "password_file: DIR/password"), `offhook.yaml:6: networks[0].broadworks.passwrd: there is no such setting; did you mean "password_file"?`},
		"two documents":          {"listen: \":1\"\n---\nlisten: \":2\"\n", "offhook.yaml:2: a second document begins here; the settings are one document"},
		"merge key":              {"tls: &t {cert_file: \"\"}\nadmin:\n  <<: *t\n", "offhook.yaml:3: admin: merge keys are not read; write the settings out"},
		"a list for a file":      {"- listen\n", "offhook.yaml:1: settings are wanted here, as in “key: value”, not a list"},

		"number for text":     {"\nwebhooks: { operator_url: 1234 }\n", `offhook.yaml:2: webhooks.operator_url: is no URL to send to: the scheme is neither https nor http`},
		"number for a name":   {netFile("username: 1234"), `offhook.yaml:6: networks[0].broadworks.username: text is wanted here, not a number; put it in quotes: "1234"`},
		"port for an address": {"listen: 8080\n", `offhook.yaml:1: listen: "8080" is no address to listen on; write host:port, as in 127.0.0.1:8080, or :8080 for all`},
		"number for a secret": {"\nadmin: { token: 1234 }\n", "offhook.yaml:2: admin.token: text is wanted here, not a number; put it in quotes"},
		"password in a URL":   {netFile(`xsps: ["https://me:pw@xsp1.example.com"]`), `offhook.yaml:6: networks[0].broadworks.xsps[0]: "https://•••@xsp1.example.com" is no XSP; write https://host or https://host:port, nothing behind it`},
		"a limit below none":  {"limits: { per_key: -1 }\n", "offhook.yaml:1: limits.per_key: must be between 0 and 1000000, not -1"},
		"bool for text":       {"log: { level: true }\n", `offhook.yaml:1: log.level: must be debug, info, warn or error, not "true"`},
		"text for bool":       {"webhooks:\n  allow_http: \"true\"\n", "offhook.yaml:2: webhooks.allow_http: true or false is wanted here, not text"},
		"text for number":     {"simulator: { subscribers: many }\n", "offhook.yaml:1: simulator.subscribers: a whole number is wanted here, not text"},
		"fraction":            {"simulator: { subscribers: 2.5 }\n", "offhook.yaml:1: simulator.subscribers: a whole number is wanted here, not a number"},
		"list for text":       {"listen: [\":1\"]\n", "offhook.yaml:1: listen: text is wanted here, not a list"},
		"text for list":       {netFile("xsps: https://xsp1.example.com"), "offhook.yaml:6: networks[0].broadworks.xsps: a list is wanted here, not text; put “- ” before each item"},
		"text for settings":   {"tls: cert.pem\n", "offhook.yaml:1: tls: settings are wanted here, as in “key: value”, not text"},
		"bare country code":   {netFile() + "    dialing:\n      country_code: 1\n", `offhook.yaml:8: networks[0].dialing.country_code: text is wanted here, not a number; put it in quotes: "1"`},
		"time without unit":   {"calls:\n  confirm_timeout: \"2\"\n", `offhook.yaml:2: calls.confirm_timeout: "2" is no length of time; write it with its unit, as in 2s, 90m or 168h`},
		"endless confirm":     {"calls: { confirm_timeout: 1m }\n", "offhook.yaml:1: calls.confirm_timeout: must be between 100ms and 10s, not 1m0s"},
		"no history":          {"retention: { history: 1s }\n", "offhook.yaml:1: retention.history: must be between 1h0m0s and 87600h0m0s, not 1s"},
		"retention of what":   {"retention: { calls: 1h }\n", "offhook.yaml:1: retention.calls: there is no such setting"},
		"events for a moment": {"retention:\n  events: 1s\n", "offhook.yaml:1: retention: must be between 1h0m0s and 87600h0m0s, not 1s"},
		"no retention":        {"retention: 0s\n", "offhook.yaml:1: retention: must be between 1h0m0s and 87600h0m0s, not 0s"},
		"no apps":             {"calls: { apps_per_subscriber: 0 }\n", "offhook.yaml:1: calls.apps_per_subscriber: must be between 1 and 1024, not 0"},
		"no streams":          {"events: { streams: 0 }\n", "offhook.yaml:1: events.streams: must be between 1 and 10000, not 0"},
		"no heartbeat":        {"events: { heartbeat: 0s }\n", "offhook.yaml:1: events.heartbeat: must be between 1s and 30s, not 0s"},
		"heartbeat too slow":  {"events: { heartbeat: 31s }\n", "offhook.yaml:1: events.heartbeat: must be between 1s and 30s, not 31s"},
		"too many phones":     {"simulator: { subscribers: 80000 }\n", "offhook.yaml:1: simulator.subscribers: must be between 1 and 79100, not 80000"},
		"unknown traffic":     {"simulator: { traffic: dmeo }\n", `offhook.yaml:1: simulator.traffic: must be demo or none, not "dmeo"; did you mean "demo"?`},
		"unknown level":       {"log: { level: loud }\n", `offhook.yaml:1: log.level: must be debug, info, warn or error, not "loud"`},
		"empty data dir":      {"data_dir: \"\"\n", "offhook.yaml:1: data_dir: is empty; name a directory"},
		"token with a space":  {"admin: { token: \"a b\" }\n", "offhook.yaml:1: admin.token: may only have printable ASCII without spaces: it is sent in a header"},

		"operator's path alone":   {"webhooks: { operator_url: /alerts }\n", "offhook.yaml:1: webhooks.operator_url: is no URL to send to: the scheme is neither https nor http"},
		"operator by mail":        {"webhooks: { operator_url: \"mailto:me@example.com\" }\n", "offhook.yaml:1: webhooks.operator_url: is no URL to send to: the scheme is neither https nor http"},
		"operator's credentials":  {"webhooks: { operator_url: \"https://me:pw@alerts.example.com\" }\n", "offhook.yaml:1: webhooks.operator_url: is no URL to send to: the URL carries credentials"},
		"operator without a URL":  {"webhooks: { operator_secret_file: DIR/password }\n", "offhook.yaml:1: webhooks.operator_secret_file: is given without webhooks.operator_url"},
		"operator's file missing": {"webhooks: { operator_url: \"https://alerts.example.com\", operator_secret_file: DIR/none }\n", "offhook.yaml:1: webhooks.operator_secret_file: DIR/none cannot be read: no such file or directory"},
		"operator's short secret": {"webhooks: { operator_url: \"https://alerts.example.com\", operator_secret_file: DIR/password }\n", "offhook.yaml:1: webhooks.operator_secret_file: DIR/password: a webhook secret is whsec_ and the base64 of 24 to 64 bytes"},

		"port alone":       {"listen: \"8080\"\n", `offhook.yaml:1: listen: "8080" is no address to listen on; write host:port, as in 127.0.0.1:8080, or :8080 for all`},
		"port too high":    {"admin: { listen: \":65536\" }\n", `offhook.yaml:1: admin.listen: ":65536" is no address to listen on; write host:port, as in 127.0.0.1:8080, or :8080 for all`},
		"bare IPv6":        {"listen: \"::1\"\n", `offhook.yaml:1: listen: "::1" is no address to listen on; write host:port, as in 127.0.0.1:8080, or :8080 for all`},
		"same listener":    {"listen: \":8081\"\n", "admin.listen: is the same address as listen; give one of them another port"},
		"simulator's port": {"simulator: { listen: \"127.0.0.1:8080\" }\n", "offhook.yaml:1: simulator.listen: is the same address as listen; give one of them another port"},

		"key without certificate": {"tls: { key_file: DIR/key.pem }\n", "offhook.yaml:1: tls.key_file: is given without tls.cert_file; HTTPS needs both, plain HTTP neither"},
		"certificate without key": {"tls: { cert_file: DIR/cert.pem }\n", "offhook.yaml:1: tls.cert_file: is given without tls.key_file; HTTPS needs both, plain HTTP neither"},
		"no such certificate":     {"tls: { cert_file: DIR/none, key_file: DIR/key.pem }\n", "offhook.yaml:1: tls.cert_file: DIR/none cannot be read: no such file or directory"},
		"certificate as key":      {"tls: { cert_file: DIR/cert.pem, key_file: DIR/cert.pem }\n", "offhook.yaml:1: tls.cert_file: cannot be used with tls.key_file: tls: found a certificate rather than a key in the PEM for the private key"},

		"no network id":         {"networks: [{provider: broadworks}]\n", "offhook.yaml:1: networks[0].network_id: is required; a UUID is a good one"},
		"slash in network id":   {strings.Replace(netFile(), "network_id: n", "network_id: a/b", 1), "offhook.yaml:2: networks[0].network_id: may have up to 255 characters of printable ASCII, no space and no slash"},
		"the demo's network id": {strings.Replace(netFile(), "network_id: n", "network_id: "+demoNetwork, 1), "offhook.yaml:2: networks[0].network_id: is that of the built-in simulator; choose another"},
		"network id twice":      {netFile() + strings.TrimPrefix(netFile(), "networks:\n"), "offhook.yaml:7: networks[1].network_id: is also that of networks[0]; each network has its own"},
		"other provider":        {"networks: [{network_id: n, provider: broadwork}]\n", `offhook.yaml:1: networks[0].provider: must be broadworks, not "broadwork"; did you mean "broadworks"?`},
		"neither xsps nor srv":  {netFile("xsps: []"), `offhook.yaml:6: networks[0].broadworks.xsps: is required, as in ["https://xsp1.example.com"]; or name a domain in srv`},
		"xsps and srv":          {netFile("srv: example.com"), "offhook.yaml:7: networks[0].broadworks.srv: is given, and xsps too; keep one of the two"},
		"xsp with a path":       {netFile(`xsps: ["https://xsp1.example.com/com.broadsoft.xsi-actions"]`), `offhook.yaml:6: networks[0].broadworks.xsps[0]: "https://xsp1.example.com/com.broadsoft.xsi-actions" is no XSP; write https://host or https://host:port, nothing behind it`},
		"xsp twice":             {netFile("xsps:", "  - https://a.example.com", "  - https://a.example.com"), "offhook.yaml:8: networks[0].broadworks.xsps[1]: is in the list already"},
		"path without slash":    {netFile("events_path: com.broadsoft.xsi-events"), `offhook.yaml:7: networks[0].broadworks.events_path: must begin with a slash: "/com.broadsoft.xsi-events"`},
		"no username":           {netFile("username: \"\""), "offhook.yaml:6: networks[0].broadworks.username: is required"},
		"no password file":      {netFile("password_file:"), "offhook.yaml:3: networks[0].broadworks.password_file: is required; put the password into a file of its own and name it here"},
		"password file missing": {netFile("password_file: DIR/none"), "offhook.yaml:6: networks[0].broadworks.password_file: DIR/none cannot be read: no such file or directory"},
		"password file empty":   {netFile("password_file: DIR/empty"), "offhook.yaml:6: networks[0].broadworks.password_file: DIR/empty is empty; the password belongs there"},
		"authorities missing":   {netFile("ca_file: DIR/none"), "offhook.yaml:7: networks[0].broadworks.ca_file: DIR/none cannot be read: no such file or directory"},
		"no authority":          {netFile("ca_file: DIR/password"), "offhook.yaml:7: networks[0].broadworks.ca_file: DIR/password has no certificate in PEM"},
		"application id":        {netFile("application_id: " + strings.Repeat("x", 257)), "offhook.yaml:7: networks[0].broadworks.application_id: has more than 256 characters"},
		"unknown way":           {netFile("subscribe: users", "targets: [{enterprise: e}]"), `offhook.yaml:7: networks[0].broadworks.subscribe: must be user, group or enterprise, not "users"; did you mean "user"?`},
		"group without targets": {netFile("subscribe: group"), "offhook.yaml:7: networks[0].broadworks.subscribe: group needs targets"},
		"targets without group": {netFile("targets: [{enterprise: e}]"), "offhook.yaml:7: networks[0].broadworks.targets: are for subscribe: group or enterprise; users are subscribed to as they are provisioned"},
		"wrong kind of target":  {netFile("subscribe: group", "targets:", "  - {enterprise: e}"), "offhook.yaml:9: networks[0].broadworks.targets[0]: must be {service_provider, group} with subscribe: group"},
		"unknown capability":    {netFile("without:", "  - hold", "  - recording"), `offhook.yaml:9: networks[0].broadworks.without[1]: must be originate, answer, hold, resume, end, decline, divert, divert_to_voicemail, transfer, mute_transfer, consult_transfer, reconnect, park, group_park, retrieve, dtmf, recording_start, recording_pause, recording_resume, recording_stop, conference, mute, unmute, deaf, undeaf or end_conference, not "recording"`},
		"capability twice":      {netFile("without: [hold, hold]"), "offhook.yaml:7: networks[0].broadworks.without[1]: is in the list already"},
		"not a capability":      {netFile("without: [snapshot]"), "offhook.yaml:7: networks[0].broadworks.without[0]: must be originate, answer, hold, resume, end, decline, divert, divert_to_voicemail, transfer, mute_transfer, consult_transfer, reconnect, park, group_park, retrieve, dtmf, recording_start, recording_pause, recording_resume, recording_stop, conference, mute, unmute, deaf, undeaf or end_conference, not \"snapshot\""},
		"code to retrieve":      {netFile() + "    dialing: { park_retrieve_code: \"88*\" }\n", `offhook.yaml:7: networks[0].dialing.park_retrieve_code: "88*" is none; write up to six digits, with * or # before them where it has one, as in "*88"`},
		"bare code to retrieve": {netFile() + "    dialing:\n      park_retrieve_code: 88\n", `offhook.yaml:8: networks[0].dialing.park_retrieve_code: text is wanted here, not a number; put it in quotes: "88"`},
		"country code":          {netFile() + "    dialing: { country_code: \"+1\" }\n", `offhook.yaml:7: networks[0].dialing.country_code: "+1" is none; write one to three digits without +, as in "1"`},
		"prefix":                {netFile() + "    dialing:\n      deny: [\"19x\"]\n", `offhook.yaml:8: networks[0].dialing.deny[0]: "19x" is no prefix; write up to 15 digits, as in "1900"`},
		"allowed and denied":    {netFile() + "    dialing:\n      allow: [\"1900\"]\n      deny: [\"+1900\"]\n", `offhook.yaml:9: networks[0].dialing.deny[0]: "+1900" is in allow too, which wins; keep one of the two`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := d.load(t, it.text)
			require.Error(t, err)
			first, _, _ := strings.Cut(err.Error(), "\n")
			require.Equal(t, strings.ReplaceAll(it.want, "DIR", d.dir), first)
		})
	}
}

func TestEverythingWrongIsToldAtOnceAndInOrder(t *testing.T) {
	_, err := newDesk(t).load(t, "listen: nowhere\nlog: { level: loud }\nretention: 1m\nsimulator: { traffic: some }\n")
	require.Error(t, err)
	var lines []string
	for _, l := range strings.Split(err.Error(), "\n") {
		lines = append(lines, l[:len("offhook.yaml:1")])
	}
	require.Equal(t, []string{"offhook.yaml:1", "offhook.yaml:2", "offhook.yaml:3", "offhook.yaml:4"}, lines)
}

// Whatever is wrong with it, one start tells: what was not understood, what
// there is not, and what makes no sense.
func TestFaultsOfAllKindsAreToldTogether(t *testing.T) {
	_, err := newDesk(t).load(t, `listen: [nowhere]
admin:
  lisetn: "127.0.0.1:9"
log: { level: loud, format: 7 }
simulator: { subscribers: many, traffic: some }
tls: { key_file: DIR/key.pem, cert_file: [DIR/cert.pem] }
networks:
  - network_id: n
    provider: asterisk
    broadworks:
      xsps: [ "https://xsp1.example.com" ]
      srv: example.com
      usrname: u
      password_file: DIR/none
      subscribe: { group: g }
      targets: [ { enterprise: e } ]
      events: { delivery: http_contact, cert_file: DIR/none, key_file: DIR/nor, listen: here }
      tuning: { silence: 1 }
space: { low: much, high: more }
`)
	require.Error(t, err)
	var have []string
	for _, l := range strings.Split(err.Error(), "\n") {
		parts := strings.SplitN(l, ": ", 3)
		have = append(have, strings.TrimPrefix(parts[0], "offhook.yaml:")+" "+parts[1])
	}
	require.Equal(t, []string{
		"1 listen", "3 admin.lisetn", "4 log.level", "4 log.format", "5 simulator.subscribers", "5 simulator.traffic", "6 tls.cert_file",
		"9 networks[0].provider", "12 networks[0].broadworks.srv", "13 networks[0].broadworks.usrname", "14 networks[0].broadworks.password_file",
		"15 networks[0].broadworks.subscribe", "17 networks[0].broadworks.events.listen", "17 networks[0].broadworks.events.public_url", "17 networks[0].broadworks.events.allow",
		"17 networks[0].broadworks.events.cert_file", "17 networks[0].broadworks.events.key_file", "18 networks[0].broadworks.tuning.silence",
		"19 space.low", "19 space.high",
	}, have)
	require.Contains(t, err.Error(), `log.format: must be auto, text or json, not "7"`)
}

// A setting that was not understood is complained of once, and nothing that
// would be right with it is called wrong.
func TestWhatWasMisreadIsNotJudged(t *testing.T) {
	for _, text := range []string{
		"listen: [\":1\"]\nadmin: { listen: \":8080\" }\n",
		"tls: { cert_file: DIR/cert.pem, key_file: [DIR/key.pem] }\n",
		"webhooks: { operator_url: [x], operator_secret_file: DIR/password }\n",
		"retention: 7\n", "space: { low: [x], high: 1MiB }\n", "networks: none\n", "log: { <<: { level: loud } }\n",
		netFile("xsps: https://xsp1.example.com"), "networks: [{network_id: n, broadworks: {xsps: [\"https://a\"], usernam: u, password_file: DIR/password}}]\n", netFile("subscribe: [user]", "targets: [{enterprise: e}]"),
		netFile("events: { delivery: [http_contact], listen: \":1\" }"), netFile("tuning: { heartbeat: 40, silence: 50s }"),
		"admin:\n\tlisten: x\nlisten: nowhere\n", // no YAML: nothing of it is known
	} {
		_, err := newDesk(t).load(t, text)
		require.Error(t, err, text)
		require.Equal(t, 0, strings.Count(err.Error(), "\n"), "%s\n%v", text, err)
	}
	_, err := loadConfig(sources{Env: map[string]string{
		"OFFHOOK_RETENTION": "7", "OFFHOOK_LOG_LEVEL": "loud", "OFFHOOK_NETWORKS": "[{network_id: n}]", "OFFHOOK_SIMULATOR_SUBSCRIBERS": "many",
	}})
	for _, want := range []string{"OFFHOOK_RETENTION: retention", "OFFHOOK_LOG_LEVEL: log.level", "OFFHOOK_NETWORKS, line 1: networks[0].broadworks.xsps", "OFFHOOK_SIMULATOR_SUBSCRIBERS"} {
		require.ErrorContains(t, err, want)
	}
}

// An alias is a value; a file cannot make the reader run in circles.
func TestAliases(t *testing.T) {
	c, err := newDesk(t).load(t, netFile("srv: \"\"", "actions_path: &p /same", "events_path: *p"))
	require.NoError(t, err)
	require.Equal(t, "/same", c.TenantNetworks()[0].BroadWorks.EventsPath)
	_, err = newDesk(t).load(t, "networks: &n [*n]\n")
	require.Error(t, err)
}

func FuzzConfigFile(f *testing.F) {
	f.Add([]byte(netFile("subscribe: group", "targets: [{service_provider: s, group: g}]")))
	f.Add([]byte("listen: \":1\"\n---\n<<: *x\n"))
	f.Add([]byte("networks: &n [*n]\n"))
	f.Add([]byte("admin: !!binary aGk=\nretention: 1h\nlog: ~\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c := defaultConfig()
		if wrong := c.readFile("offhook.yaml", text); len(wrong) == 0 {
			wrong = c.check()
			for _, w := range wrong {
				if w.text == "" {
					t.Errorf("a complaint says nothing: %q", w)
				}
			}
		}
	})
}
