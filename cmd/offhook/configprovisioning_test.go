package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine/tenant"
)

func provisioned(provisioning string) string {
	return "networks: [{network_id: n, broadworks: {xsps: [\"http://127.0.0.1:1\"], username: u, password_file: DIR/password}, provisioning: " + provisioning + "}]\n"
}

func TestWhereSubscribersComeFrom(t *testing.T) {
	for _, it := range []struct {
		yaml string
		want tenant.Provisioning
	}{
		{`{}`, tenant.Provisioning{}},
		{`{source: none, apps: [{apps: [crm]}]}`, tenant.Provisioning{}},
		{`{source: directory, directory: [{user: a@example.com}, {user: b@example.com, list: group}], max_delete_share: 0.29, every: 90m}`, tenant.Provisioning{
			Source: "directory", Directory: []tenant.Directory{{User: "a@example.com"}, {User: "b@example.com", Group: true}}, MaxDeleteShare: 29, Every: 90 * time.Minute,
		}},
		{`{source: oci, subscriber_id: number, account_id: service_provider/group, max_delete_share: 1,
  apps: [{match: {service_provider: sp, group: g, department: d, number_prefix: "+1512", user_suffix: "@x"}, apps: [crm, desk]}, {apps: [all]}],
  oci: {address: "127.0.0.1:2208", username: admin, password_file: DIR/password, reporting_address: "127.0.0.1:8025",
    lists: group, page_size: 50, user_release: 22V5, not_found_codes: [4008, 4010], reporting_tls: true, reporting_silence: 90s, login: signed, targets: [{service_provider: sp}, {service_provider: sp, group: g}]}}`, tenant.Provisioning{
			Source: "oci", SubscriberID: "number", AccountID: "service_provider/group", MaxDeleteShare: 100,
			Rules: []tenant.ProvisioningRule{
				{Match: tenant.ProvisioningMatch{ServiceProvider: "sp", Group: "g", Department: "d", NumberPrefix: "+1512", UserSuffix: "@x"}, Apps: []string{"crm", "desk"}},
				{Apps: []string{"all"}},
			},
			OCI: tenant.OCI{
				Address: "127.0.0.1:2208", Username: "admin", Password: "s3cret", ReportingAddress: "127.0.0.1:8025",
				Lists: "group", PageSize: 50, UserRelease: "22V5", NotFoundCodes: []int{4008, 4010}, ReportingTLS: true, ReportingSilence: 90 * time.Second, Login: "signed",
				Targets: []tenant.Target{{ServiceProvider: "sp"}, {ServiceProvider: "sp", Group: "g"}},
			},
		}},
	} {
		c, err := newDesk(t).load(t, provisioned(it.yaml))
		require.NoError(t, err, it.yaml)
		require.Equal(t, it.want, c.TenantNetworks()[0].Provision)
	}
}

// ociWith is a source that works but for one setting.
func ociWith(setting string) string {
	username := "username: u, "
	if strings.HasPrefix(setting, "username") {
		username = ""
	}
	return `{source: oci, oci: {address: "127.0.0.1:2208", ` + username + `password_file: DIR/password, ` + setting + `}}`
}

func TestProvisioningThatCannotWork(t *testing.T) {
	for yaml, want := range map[string]string{
		`{source: ldap}`:                                "provisioning.source: must be none, directory or oci",
		`{source: directory}`:                           "provisioning.directory: is required with source: directory",
		`{source: oci}`:                                 `provisioning.oci.address: "" is no address`,
		`{every: 1s}`:                                   "provisioning.every: must be between 1m0s and",
		`{max_delete_share: 20}`:                        "provisioning.max_delete_share: must be between 0.01 and 1, not 20",
		`{max_delete_share: .nan}`:                      "provisioning.max_delete_share: ",
		`{max_delete_share: "0.2"}`:                     "a number is wanted here, not text",
		`{subscriber_id: extension}`:                    "provisioning.subscriber_id: must be user or number",
		`{account_id: sp}`:                              "provisioning.account_id: must be",
		`{rules: []}`:                                   "provisioning.rules: there is no such setting",
		`{apps: [{match: {site: x}}]}`:                  "apps[0].match.site: there is no such setting",
		`{apps: [{match: {number_prefix: "x"}}]}`:       `"x" is no prefix`,
		`{source: directory, directory: [{list: all}]}`: "directory[0].list: must be",
		`{source: oci, oci: {address: "a:1", password_file: DIR/password}}`:                                     "oci.username: is required",
		`{source: oci, oci: {address: "a:1", username: u, password_file: DIR/password, reporting_address: b}}`:  `"b" is no address`,
		`{source: oci, oci: {address: "a:1", username: u, password_file: DIR/password, targets: [{group: g}]}}`: "targets[0]: must be {enterprise}",
		ociWith("login: plain"):                          "oci.login: plain sends the password as it is, and needs tls: true",
		ociWith("login: basic"):                          "oci.login: must be signed or plain",
		ociWith("lists: all"):                            "oci.lists: must be auto, paged, service_provider or group",
		ociWith("page_size: 1"):                          "oci.page_size: must be between 2 and 1000, not 1",
		ociWith("user_release: \"22 V5\""):               `oci.user_release: "22 V5" is none`,
		ociWith("not_found_codes: [0]"):                  "oci.not_found_codes[0]: 0 is no error code",
		ociWith("reporting_silence: 1ms"):                "oci.reporting_silence: must be between 1s and 48h0m0s",
		ociWith("reporting_ca_file: /nowhere/ca.pem"):    "oci.reporting_ca_file: /nowhere/ca.pem cannot be read",
		ociWith("username: " + strings.Repeat("u", 162)): "oci.username: ",
	} {
		_, err := newDesk(t).load(t, provisioned(yaml))
		require.ErrorContains(t, err, want, yaml)
	}
	c, err := newDesk(t).load(t, provisioned(`{source: oci, oci: {address: "as.example.com:2208", username: u, password_file: DIR/password, reporting_address: "as.example.com:8025"}}`))
	require.NoError(t, err)
	require.Contains(t, c.Warnings[0], "provisioning.oci.tls is false")
	require.Contains(t, c.Warnings[1], "provisioning.oci.reporting_tls is false")
}
