package peers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"offhook/bench/figures"
)

// postgresVar is a connection string of a PostgreSQL to measure; its user makes
// a schema there, which is dropped again. A password belongs in PGPASSFILE.
const postgresVar = "OFFHOOK_BENCH_POSTGRES"

// postgresClients are tried, and the best number of them is the baseline.
var postgresClients = []int{16, 64, 128}

// postgres has a table of records and one that is the outbox.
type postgres struct {
	tools  tools
	db     string // connection string
	schema string
	dir    string
	server *server // nil of one that was given
	load   *pgbench

	version string
	counts  []int // of clients, that are tried
	clients int
	tried   string
	acked   int64
}

// PostgreSQL is the one that was given, or one that is started for the purpose
// from the programs on this machine.
func PostgreSQL(ctx context.Context, p figures.Plan) (_ Peer, err error) {
	given := os.Getenv(postgresVar)
	t, err := findTools(given != "")
	if err != nil {
		return nil, err
	}
	who := account{}
	if given == "" {
		if who, err = unprivileged(p.Dir); err != nil {
			return nil, err
		}
	}
	pg := &postgres{tools: t, db: given, schema: fmt.Sprintf("offhook_bench_%d_%d", os.Getpid(), time.Now().Unix())}
	defer func() {
		if err != nil {
			err = errors.Join(err, pg.Close())
		}
	}()
	if pg.dir, err = who.directory(p.Dir); err != nil {
		return nil, err
	}
	if given == "" {
		if err := pg.start(ctx, who); err != nil {
			return nil, err
		}
	}
	p.Say("postgres: filling in %d records", Subscribers)
	if err := pg.fill(ctx); err != nil {
		return nil, err
	}
	if pg.load, err = newPgbench(pg.tools, pg.dir, pg.db, pg.schema); err != nil {
		return nil, err
	}
	return pg, pg.best(ctx, p)
}

// start makes a cluster of its own, on a socket of its own.
func (pg *postgres) start(ctx context.Context, who account) error {
	const socket = "/.s.PGSQL.5432"
	if err := fits(pg.dir + socket); err != nil {
		return err
	}
	data := filepath.Join(pg.dir, "data")
	// The cluster is made anew each time and cannot be reached from elsewhere.
	initdb := who.as(exec.CommandContext(ctx, pg.tools.initdb, "--pgdata", data, "--username", "bench", "--auth", "trust", "--no-locale", "--encoding", "UTF8", "--no-sync")) // #nosec G204 -- PostgreSQL's own program
	if _, err := output(initdb); err != nil {
		return err
	}
	args := []string{"-D", data}
	for _, setting := range postgresSettings(memory(), free(pg.dir)) {
		args = append(args, "-c", setting)
	}
	var err error
	pg.server, err = start(who.as(exec.Command(pg.tools.postgres, append(args, "-c", "unix_socket_directories="+pg.dir)...))) // #nosec G204 -- PostgreSQL's own program
	if err != nil {
		return err
	}
	pg.db = "user=bench dbname=postgres host='" + pg.dir + "'"
	return pg.server.ready(ctx, func(ctx context.Context) error {
		_, err := pg.query(ctx, "SELECT 1")
		return err
	})
}

// fill makes the tables, with the records of all subscribers.
func (pg *postgres) fill(ctx context.Context) error {
	settings, err := pg.query(ctx, "SELECT current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit'), current_setting('max_connections')")
	if err != nil {
		return err
	}
	if pg.version, pg.counts, err = readSettings(settings); err != nil {
		return err
	}
	if _, err := pg.query(ctx, fillStatements(pg.schema)); err != nil {
		return err
	}
	if pg.server == nil {
		return nil
	}
	// As in a database that has been at work for long: files of the log are there to
	// be written again, and no page is the first time touched since a checkpoint.
	_, err = pg.query(ctx,
		"DO $$ BEGIN FOR i IN 1..128 LOOP PERFORM pg_logical_emit_message(false, 'bench', ''); PERFORM pg_switch_wal(); END LOOP; END $$",
		"CHECKPOINT", "UPDATE "+pg.schema+".record SET revision = revision")
	return err
}

// best finds how many clients it is fastest with.
func (pg *postgres) best(ctx context.Context, p figures.Plan) error {
	found := map[int][]float64{}
	for try := range 2 {
		for i := range pg.counts {
			if try == 1 { // each stands early once and late once
				i = len(pg.counts) - 1 - i
			}
			pg.clients = pg.counts[i]
			rate, err := pg.Round(ctx, p.Round)
			if err != nil {
				return err
			}
			p.Say("postgres: %d clients make %.0f transitions/s", pg.clients, rate)
			found[pg.clients] = append(found[pg.clients], rate)
		}
	}
	pg.clients, pg.tried = choose(found)
	return nil
}

// choose takes the number of clients with the highest median.
func choose(found map[int][]float64) (clients int, tried string) {
	var most float64
	var each []string
	for _, n := range slices.Sorted(maps.Keys(found)) {
		rate := figures.Of(found[n]).Median
		if rate > most {
			clients, most = n, rate
		}
		each = append(each, fmt.Sprintf("%s with %d", figures.Text(rate), n))
	}
	return clients, strings.Join(each, ", ")
}

func (pg *postgres) About() string {
	return fmt.Sprintf("PostgreSQL %s, %d clients of pgbench, the best of %s", pg.version, pg.clients, pg.tried)
}

// Round has pgbench make transitions.
func (pg *postgres) Round(ctx context.Context, round time.Duration) (float64, error) {
	r, err := pg.load.run(ctx, pg.clients, round)
	if err != nil {
		return 0, err
	}
	pg.acked += r.count
	return r.rate(), pg.check(ctx)
}

// check counts both tables.
func (pg *postgres) check(ctx context.Context) error {
	for what, query := range map[string]string{
		"rows in the outbox":      "SELECT count(*) FROM " + pg.schema + ".outbox",
		"replacements of records": "SELECT sum(revision) FROM " + pg.schema + ".record",
	} {
		text, err := pg.query(ctx, query)
		if err != nil {
			return err
		}
		held, err := strconv.ParseInt(text, 10, 64)
		if err := cmp.Or(err, miscounted(what, pg.acked, held)); err != nil {
			return err
		}
	}
	return nil
}

// query has psql run statements, each by itself.
func (pg *postgres) query(ctx context.Context, statements ...string) (string, error) {
	args := []string{"-X", "-q", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1", "-d", pg.db}
	for _, s := range statements {
		args = append(args, "-c", s)
	}
	return output(exec.CommandContext(ctx, pg.tools.psql, args...)) // #nosec G204 -- PostgreSQL's own program
}

// Close stops the server that was started, or drops the schema that was made.
func (pg *postgres) Close() error {
	var err error
	switch {
	case pg.server != nil:
		err = pg.server.stop(syscall.SIGQUIT) // at once, without writing out what it has in memory
	case pg.version != "":
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_, err = pg.query(ctx, "DROP SCHEMA IF EXISTS "+pg.schema+" CASCADE")
	}
	if pg.dir != "" {
		err = errors.Join(err, os.RemoveAll(pg.dir))
	}
	return err
}
