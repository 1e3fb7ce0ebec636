package peers

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const saidPgbench = `pgbench (15.18 (Debian 15.18-0+deb12u1))
progress: 1.0 s, 8000.0 tps, lat 7.9 ms stddev 2.6, 0 failed
progress: 2.0 s, 20000.0 tps, lat 3.2 ms stddev 1.6, 0 failed
progress: 3.0 s, 20000.0 tps, lat 3.2 ms stddev 1.6, 0 failed
transaction type: transition.sql
scaling factor: 1
query mode: prepared
number of clients: 64
number of threads: 2
maximum number of tries: 1
duration: 3 s
number of transactions actually processed: 48000
number of failed transactions: 0 (0.000%)
latency average = 3.9 ms
latency stddev = 2.1 ms
initial connection time = 91.2 ms
tps = 16000.000000 (without initial connection time)
`

func TestTheFirstSecondOfPgbenchIsLeftOut(t *testing.T) {
	r, err := parsePgbench(saidPgbench)
	require.NoError(t, err)
	require.EqualValues(t, 48000, r.count, "all of them are in the tables")
	require.InDelta(t, 20000, r.rate(), 0.001)
}

func TestOlderPgbenchTellsTwoRates(t *testing.T) {
	said := strings.Replace(saidPgbench, "tps = 16000.000000 (without initial connection time)",
		"tps = 15000.000000 (including connections establishing)\ntps = 16000.000000 (excluding connections establishing)", 1)
	r, err := parsePgbench(strings.Replace(said, "number of failed transactions: 0 (0.000%)\n", "", 1))
	require.NoError(t, err)
	require.InDelta(t, 20000, r.rate(), 0.001)
}

func TestWhatPgbenchDoesNotTellIsNoRate(t *testing.T) {
	for name, spoil := range map[string]func(string) string{
		"nothing":         func(string) string { return "" },
		"no count":        func(s string) string { return strings.Replace(s, "actually processed", "wished for", 1) },
		"no rate":         func(s string) string { return strings.Replace(s, "tps = ", "tps: ", 1) },
		"no first second": func(s string) string { return strings.ReplaceAll(s, "progress: ", "") },
		"nothing done":    func(s string) string { return strings.Replace(s, "processed: 48000", "processed: 0", 1) },
		"only the first": func(s string) string {
			return strings.Replace(s, "progress: 1.0 s, 8000.0", "progress: 2.9 s, 16000.0", 1)
		},
	} {
		_, err := parsePgbench(spoil(saidPgbench))
		require.ErrorContains(t, err, "pgbench told no rate", name)
	}
	_, err := parsePgbench(strings.Replace(saidPgbench, "failed transactions: 0 ", "failed transactions: 3 ", 1))
	require.EqualError(t, err, "3 transactions of PostgreSQL failed")
}

func TestAStatementIsATransition(t *testing.T) {
	require.Equal(t, `\set n random(100000, 199999)
WITH moved AS (UPDATE s.record SET revision = revision + 1, state = :record WHERE id = 'bench-0' || :n::text || '@example-telco.com' RETURNING id) INSERT INTO s.outbox (id, body) SELECT id, :body FROM moved;
`, transition("s"), "and the id is what busy.ID makes of the number")
	require.NotContains(t, fillStatements("s"), "{")
}

func TestAProgramThatFailsSaysWhyAndNotWithWhat(t *testing.T) {
	_, err := output(exec.Command("sh", "-c", "echo no such database >&2; exit 3", "password=hidden"))
	require.EqualError(t, err, "sh: exit status 3: no such database")
	_, err = outputOfBoth(exec.Command("sh", "-c", "echo no; exit 1", "password=hidden"))
	require.ErrorContains(t, err, "no")
	require.NotContains(t, err.Error(), "hidden")
}
