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

	"go.yaml.in/yaml/v3"

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
// list of subscribers, and returns the path of the list. Paths in the config
// are absolute: it works from wherever offhook is started.
func writeSimulatorConfig(file, simulatorURL string, phones []simulator.Phone) (subscribers string, err error) {
	file, err = filepath.Abs(file)
	if err != nil {
		return "", fmt.Errorf("write config: %w", err)
	}
	have, err := os.ReadFile(file)
	if err == nil && !bytes.HasPrefix(have, []byte(written)) || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("write config: %s is there and was not written by simulate; name another file, or remove it", file)
	}
	base := strings.TrimSuffix(file, filepath.Ext(file))
	subscribers, password := base+".subscribers.ndjson", base+".password"

	var lines bytes.Buffer
	encode := json.NewEncoder(&lines)
	encode.SetEscapeHTML(false)
	for _, p := range phones {
		err := encode.Encode(subscriberLine{
			SubscriberID: p.SubscriberID, SubscriberNumber: p.SubscriberNumber, SubscriberName: p.SubscriberName,
			SubscriberAccountID: p.SubscriberAccountID, NetworkID: simNetwork, ProviderUserID: p.SubscriberID, Apps: []string{},
		})
		if err != nil {
			return "", fmt.Errorf("write config: %w", err)
		}
	}
	text, err := simulatorConfig(filepath.Join(filepath.Dir(file), "offhook-data"), simulatorURL, password)
	if err != nil {
		return "", fmt.Errorf("write config: %w", err)
	}
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
			return "", fmt.Errorf("write config: %w", err)
		}
	}
	return subscribers, nil
}

// simulatorConfig is the text of a config for offhook beside the simulator.
func simulatorConfig(dataDir, simulatorURL, passwordFile string) (string, error) {
	type m = map[string]any
	var b bytes.Buffer
	b.WriteString(written)
	// A list of single settings keeps their order.
	for _, part := range []m{
		{"data_dir": dataDir},
		{"listen": defaultLocalListen},
		{"admin": m{"listen": defaultAdminListen}},
		{"webhooks": m{"allow_http": true, "allow_private_networks": true}},
		{"networks": []m{{
			"network_id": simNetwork,
			"provider":   "broadworks",
			"broadworks": m{
				"xsps": []string{simulatorURL}, "username": simUsername, "password_file": passwordFile, "subscribe": "user",
			},
			"dialing": m{"country_code": "1"},
		}}},
	} {
		out, err := yaml.Marshal(part)
		if err != nil {
			return "", err
		}
		b.Write(out)
	}
	return b.String(), nil
}
