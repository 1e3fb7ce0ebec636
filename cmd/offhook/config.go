package main

import (
	"log/slog"
	"os"
	"time"

	"offhook/engine/tenant"
	"offhook/store"
)

// Config is every setting there is. loadConfig fills it from, in order of
// precedence: flags, the environment, one YAML file, the defaults. The yaml
// tags are the names in the file; the environment's are the same path in
// upper case with "_", behind OFFHOOK_.
type Config struct {
	DataDir string `yaml:"data_dir"`
	// SecretsKeyFile has what seals the secrets in DataDir; empty means beside
	// it, where it is made at the first start.
	SecretsKeyFile string        `yaml:"secrets_key_file"`
	Listen         string        `yaml:"listen"` // the public listener
	TLS            TLS           `yaml:"tls"`    // of the public listener
	Admin          Admin         `yaml:"admin"`
	Webhooks       Webhooks      `yaml:"webhooks"`
	Calls          Calls         `yaml:"calls"`
	Events         Events        `yaml:"events"`
	Limits         Limits        `yaml:"limits"`
	Space          Space         `yaml:"space"`
	Retention      Retention     `yaml:"retention"`
	DrainTimeout   time.Duration `yaml:"drain_timeout"` // for what is in flight when a signal comes
	Log            Log           `yaml:"log"`
	Tracing        Tracing       `yaml:"tracing"`
	Simulator      Simulator     `yaml:"simulator"`
	Networks       []Network     `yaml:"networks"`

	// Warnings are for the log: nothing is wrong enough to refuse.
	Warnings []string `yaml:"-"`

	tenants []*tenant.Network    // of Networks, passwords read
	marks   store.Marks          // of Space
	secret  string               // of Webhooks.OperatorSecretFile; empty without one
	files   map[string]namedFile // by the settings that name them
	origins origins
	misread misread
}

// TLS is the certificate of a listener, PEM. It is read again when the files
// change.
type TLS struct {
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
}

// Admin is the admin listener. An empty token is made at the first start.
type Admin struct {
	Listen string `yaml:"listen"`
	Token  string `yaml:"token"`
	TLS    TLS    `yaml:"tls"`
}

// Webhooks loosens what receivers may be; the default is https on public
// addresses. The operator's own receiver, which is told how the others are, is
// wherever this says.
type Webhooks struct {
	AllowHTTP            bool   `yaml:"allow_http"`
	AllowPrivateNetworks bool   `yaml:"allow_private_networks"`
	OperatorURL          string `yaml:"operator_url"`
	OperatorSecretFile   string `yaml:"operator_secret_file"`
	ShowResponses        bool   `yaml:"show_responses"` // keep an excerpt of what receivers answer to failed attempts
}

// Retention is how long things are kept. Events, delivered or not, are what a
// plain length of time means.
type Retention struct {
	Events  time.Duration `yaml:"events,plain"`
	History time.Duration `yaml:"history"` // of calls that are over, and of timelines
}

// Calls are bounds of the core.
type Calls struct {
	ConfirmTimeout    time.Duration `yaml:"confirm_timeout"` // a command waits so long for the event that confirms it
	AppsPerSubscriber int           `yaml:"apps_per_subscriber"`
}

// Events are bounds of the event streams.
type Events struct {
	Streams       int           `yaml:"streams"`         // open at the same time, of all apps
	StreamsPerApp int           `yaml:"streams_per_app"` // of one app
	Heartbeat     time.Duration `yaml:"heartbeat"`       // how often a stream shows that it lives
}

// Limits are requests a second on the public listener; after a pause twice as
// many may come at once. Zero means no bound.
type Limits struct {
	PerAddress int `yaml:"per_address"`
	PerKey     int `yaml:"per_key"`
	PerApp     int `yaml:"per_app"`                 // all its keys together
	BadKeys    int `yaml:"bad_keys_per_address"`    // with a key that opens nothing
	Commands   int `yaml:"commands_per_subscriber"` // of one app: place, answer, hold, resume, end
}

// Log is what is logged on standard error, and how.
type Log struct {
	Level  string `yaml:"level"`  // debug, info, warn, error
	Format string `yaml:"format"` // auto, text, json
}

// Tracing is where spans are sent to: an OpenTelemetry collector, by OTLP over
// HTTP. An empty endpoint sends nothing.
type Tracing struct {
	Endpoint    string  `yaml:"endpoint"`
	SampleRatio float64 `yaml:"sample_ratio"` // of the traces that begin here
}

// Simulator is the built-in BroadWorks. Enabled is false once networks are
// configured.
type Simulator struct {
	Enabled     bool   `yaml:"enabled"`
	Listen      string `yaml:"listen"`
	Subscribers int    `yaml:"subscribers"`
	Traffic     string `yaml:"traffic"` // demo, none
}

// Network is one provider system, as the file has it.
type Network struct {
	NetworkID    string       `yaml:"network_id"`
	Provider     string       `yaml:"provider"`
	BroadWorks   BroadWorks   `yaml:"broadworks"`
	Dialing      Dialing      `yaml:"dialing"`
	Provisioning Provisioning `yaml:"provisioning"`
}

// BroadWorks is how one BroadWorks platform is reached. Empty paths and an
// empty application id mean the provider's defaults.
type BroadWorks struct {
	XSPs          []string `yaml:"xsps"`
	SRV           string   `yaml:"srv"`
	ActionsPath   string   `yaml:"actions_path"`
	EventsPath    string   `yaml:"events_path"`
	ChannelPath   string   `yaml:"channel_path"`
	Username      string   `yaml:"username"`
	PasswordFile  string   `yaml:"password_file"`
	CAFile        string   `yaml:"ca_file"`
	ApplicationID string   `yaml:"application_id"`
	Subscribe     string   `yaml:"subscribe"` // user, group, enterprise
	Targets       []Target `yaml:"targets"`
	Without       []string `yaml:"without"` // capabilities that are not offered
	Events        Delivery `yaml:"events"`  // how they come
	Tuning        Tuning   `yaml:"tuning"`
}

// Target is a group or an enterprise that is subscribed to as one.
type Target struct {
	Enterprise      string `yaml:"enterprise"`
	ServiceProvider string `yaml:"service_provider"`
	Group           string `yaml:"group"`
}

// Dialing are a network's rules for numbers.
type Dialing struct {
	CountryCode string   `yaml:"country_code"`
	Allow       []string `yaml:"allow"`
	Deny        []string `yaml:"deny"`

	ParkRetrieveCode string `yaml:"park_retrieve_code"`
}

// Where the listeners are unless told otherwise. Somebody who wrote a config
// file is past trying things out: only then is the public listener public.
const (
	defaultListen      = ":8080"
	defaultLocalListen = "127.0.0.1:8080"
	defaultAdminListen = "127.0.0.1:8081"
	defaultSimListen   = "127.0.0.1:8082"
)

// maxSubscribers is how many phones the simulator has numbers for.
const maxSubscribers = 79100

func defaultConfig() *Config {
	return &Config{
		DataDir:      "./offhook-data",
		Listen:       defaultListen,
		Admin:        Admin{Listen: defaultAdminListen},
		Calls:        Calls{ConfirmTimeout: 2 * time.Second, AppsPerSubscriber: 32},
		Events:       Events{Streams: 1024, StreamsPerApp: 64, Heartbeat: 15 * time.Second},
		Limits:       Limits{PerAddress: 10000, PerKey: 5000, PerApp: 10000, BadKeys: 10, Commands: 50},
		Space:        Space{Low: "1GiB or 10%"},
		Retention:    Retention{Events: 7 * 24 * time.Hour, History: 30 * 24 * time.Hour},
		DrainTimeout: 20 * time.Second,
		Log:          Log{Level: "info", Format: formatAuto},
		Tracing:      Tracing{SampleRatio: 0.1},
		Simulator:    Simulator{Enabled: true, Listen: defaultSimListen, Subscribers: 20, Traffic: "demo"},
		origins:      origins{},
		misread:      misread{},
	}
}

// sources is where settings come from. Empty flags were not given.
type sources struct {
	File        string // path of the config file; empty for none
	Env         map[string]string
	DataDir     string // flags
	Listen      string
	AdminListen string

	// Stored: only where and how things are stored counts. What else the file
	// names may not be there while offhook is stopped, such as a password that
	// systemd brings.
	Stored bool
}

// loadConfig reads all sources and checks the whole. Its error is a
// *configError, which names everything that is wrong at once.
func loadConfig(src sources) (*Config, error) {
	c := defaultConfig()
	var wrong configError
	if src.File == "" {
		c.Listen = defaultLocalListen
	} else {
		text, err := os.ReadFile(src.File)
		if err != nil {
			return nil, &configError{{origin: src.File, text: "the config file cannot be read: " + cause(err)}}
		}
		wrong = c.readFile(src.File, text)
	}
	wrong = append(wrong, c.readEnv(src.Env)...)
	for _, f := range []struct{ name, value, path string }{
		{"--data-dir", src.DataDir, "data_dir"},
		{"--listen", src.Listen, "listen"},
		{"--admin-listen", src.AdminListen, "admin.listen"},
	} {
		if f.value != "" {
			wrong = append(wrong, c.set(f.path, f.value, f.name)...)
		}
	}
	check := c.check
	if src.Stored {
		check = c.checkStored
	}
	if wrong = wrong.with(check()); len(wrong) > 0 {
		return nil, &wrong
	}
	c.files = c.readNamed()
	return c, nil
}

// TenantNetworks are the networks of the file as the rest of offhook knows
// them, passwords read. The caller must not change them.
func (c *Config) TenantNetworks() []*tenant.Network { return c.tenants }

// Asked reports whether a setting was given at all, by whatever source.
func (c *Config) Asked(path string) bool { return c.origins[path] != "" }

func (l Log) level() slog.Level {
	var level slog.Level
	_ = level.UnmarshalText([]byte(l.Level)) // check allows four words, which it knows
	return level
}
