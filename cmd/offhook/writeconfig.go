package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"offhook/provider/simulator"
)

// What a simulator that runs alone is called in the config it writes. None of
// it changes from start to start, so that an offhook that uses it finds its
// way back.
const (
	simNetwork  = "7fa63706-39c8-44c8-bf1b-f0749dda9110"
	simUsername = "admin@simulator.example"
	simPassword = "simulator"
)

// written begins every config that simulate writes; only such a file is
// written over.
const written = "# Written by “offhook simulate --write-config”: use it with “offhook serve --config”.\n"

// subscriberLine is one line of the bulk upload (POST /admin/subscribers).
type subscriberLine struct {
	SubscriberID        string   `json:"subscriber_id"`
	SubscriberNumber    string   `json:"subscriber_number"`
	SubscriberName      string   `json:"subscriber_name"`
	SubscriberAccountID string   `json:"subscriber_account_id"`
	NetworkID           string   `json:"network_id"`
	ProviderUserID      string   `json:"provider_user_id"`
	Apps                []string `json:"apps"`
}

// writeSimulatorConfig writes the config, the password file it names and the
// list of subscribers, and returns the paths of the first and the last. All
// paths are absolute: it works from wherever offhook is started.
func writeSimulatorConfig(name string, xsps []string, provision simProvisioning, phones []simulator.Phone) (file, subscribers string, err error) {
	file, err = filepath.Abs(name)
	if err != nil {
		return "", "", fmt.Errorf("write config: %w", err)
	}
	have, err := os.ReadFile(file) // #nosec G304 -- a file that the operator names
	if err == nil && !bytes.HasPrefix(have, []byte(written)) || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", "", fmt.Errorf("write config: %s is there and was not written by simulate; name another file, or remove it", file)
	}
	base := strings.TrimSuffix(file, filepath.Ext(file))
	subscribers = base + ".subscribers.ndjson"
	password := base + ".password"

	var lines bytes.Buffer
	encode := json.NewEncoder(&lines)
	encode.SetEscapeHTML(false)
	for _, p := range phones {
		err := encode.Encode(subscriberLine{
			SubscriberID: p.SubscriberID, SubscriberNumber: p.SubscriberNumber, SubscriberName: p.SubscriberName,
			SubscriberAccountID: p.SubscriberAccountID, NetworkID: simNetwork, ProviderUserID: p.SubscriberID, Apps: []string{},
		})
		if err != nil {
			return "", "", fmt.Errorf("write config: %w", err)
		}
	}
	text := fmt.Sprintf(simulatorConfig, filepath.Join(filepath.Dir(file), "offhook-data"), defaultLocalListen, defaultAdminListen,
		simNetwork, `"`+strings.Join(xsps, `", "`)+`"`, simUsername, password) + provision.config(password)
	// The config last: when it is there, so is all it names.
	for _, f := range []struct {
		path, text string
		mode       os.FileMode
	}{
		{password, simPassword + "\n", secretMode},
		{subscribers, lines.String(), 0o644},
		{file, text, 0o644},
	} {
		if err := writeFile(f.path, f.text, f.mode); err != nil {
			return "", "", fmt.Errorf("write config: %w", err)
		}
	}
	return file, subscribers, nil
}

// simulatorConfig is a config for offhook beside the simulator. What is quoted
// by Go means the same to YAML.
const simulatorConfig = written + `
data_dir: %q
listen: %q
admin: { listen: %q }
webhooks: { allow_http: true, allow_private_networks: true } # receivers on this machine
networks:
  - network_id: %s
    provider: broadworks
    broadworks:
      xsps: [ %s ]
      username: %s
      password_file: %q
    dialing: { country_code: "1" }
`
