package peers

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"offhook/bench/busy"
)

// tools are the programs of PostgreSQL.
type tools struct{ initdb, postgres, psql, pgbench string }

// findTools looks where Debian keeps the programs of a server, and in PATH.
func findTools(given bool) (tools, error) {
	dirs, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return tools{}, err
	}
	return toolsIn(dirs, given)
}

// toolsIn prefers the latest version. Of a server that was given only its clients
// are needed.
func toolsIn(dirs []string, given bool) (tools, error) {
	slices.SortFunc(dirs, func(a, b string) int { return majorOf(b) - majorOf(a) })
	t := tools{psql: find("psql", dirs), pgbench: find("pgbench", dirs)}
	need := []string{t.psql, t.pgbench}
	if !given {
		t.initdb, t.postgres = find("initdb", dirs), find("postgres", dirs)
		need = append(need, t.initdb, t.postgres)
	}
	if slices.Contains(need, "") {
		return t, Absent("there is no PostgreSQL here: install PostgreSQL with its pgbench (apt-get install postgresql), or set " + postgresVar + " to a connection string and install its clients")
	}
	return t, nil
}

// majorOf is the version in /usr/lib/postgresql/15/bin.
func majorOf(bin string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(bin)))
	return n
}

// find looks for a program in directories, then in PATH.
func find(name string, dirs []string) string {
	for _, dir := range dirs {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	path, _ := exec.LookPath(name)
	return path
}

// output runs a program and is what it printed. An error says what the program
// said of it, and not with which arguments: a connection string may be secret.
func output(cmd *exec.Cmd) (string, error) {
	out, err := cmd.Output()
	if err != nil {
		said := ""
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			said = ": " + strings.TrimSpace(string(exit.Stderr))
		}
		return "", fmt.Errorf("%s: %w%s", filepath.Base(cmd.Path), err, said)
	}
	return strings.TrimSpace(string(out)), nil
}

// The records are those of subscribers 100,000 to 199,999, whose numbers have as
// many digits: nothing is computed but the id's text.
const firstSubscriber = Subscribers

// idOf is the id of the subscriber whose number is an SQL expression.
func idOf(number string) string {
	before, after, _ := strings.Cut(busy.ID(firstSubscriber), strconv.Itoa(firstSubscriber))
	return fmt.Sprintf("'%s' || %s::text || '%s'", before, number, after)
}

func fillStatements(schema string) string {
	return strings.NewReplacer("{schema}", schema, "{id}", idOf("n"), "{size}", strconv.Itoa(RecordSize),
		"{first}", strconv.Itoa(firstSubscriber), "{last}", strconv.Itoa(firstSubscriber+Subscribers-1)).Replace(`
CREATE SCHEMA {schema};
CREATE TABLE {schema}.record (id text COLLATE "C" PRIMARY KEY, revision bigint NOT NULL, state text NOT NULL) WITH (fillfactor = 50);
CREATE TABLE {schema}.outbox (n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text NOT NULL, body text NOT NULL);
INSERT INTO {schema}.record SELECT {id}, 0, (SELECT substr(string_agg(md5(random()::text || g || n), ''), 1, {size}) FROM generate_series(1, 10) g) FROM generate_series({first}, {last}) n;
ANALYZE {schema}.record;`)
}

// transition is one statement, and so one commit.
func transition(schema string) string {
	return fmt.Sprintf(`\set n random(%d, %d)
WITH moved AS (UPDATE %s.record SET revision = revision + 1, state = :record WHERE id = %s RETURNING id) INSERT INTO %s.outbox (id, body) SELECT id, :body FROM moved;
`, firstSubscriber, firstSubscriber+Subscribers-1, schema, idOf(":n"), schema)
}

// pgbench makes transitions. It comes with PostgreSQL and costs less than any
// client of our own. Its texts stay the same for a round, which PostgreSQL makes
// nothing of: it compresses no row as short as these.
type pgbench struct {
	program, db, script string
	records, bodies     []string
	rounds              int
}

func newPgbench(t tools, dir, db, schema string) (*pgbench, error) {
	b := &pgbench{program: t.pgbench, db: db, script: filepath.Join(dir, "transition.sql")}
	var err error
	if b.records, err = texts(64, RecordSize); err != nil {
		return nil, err
	}
	if b.bodies, err = texts(64, BodySize); err != nil {
		return nil, err
	}
	return b, os.WriteFile(b.script, []byte(transition(schema)), 0o600)
}

func (b *pgbench) run(ctx context.Context, clients int, round time.Duration) (*pgbenchResult, error) {
	b.rounds++
	seconds := max(1, int(math.Ceil(round.Seconds())))
	out, err := outputOfBoth(exec.CommandContext(ctx, b.program, // #nosec G204 -- PostgreSQL's own program
		"-n", "-M", "prepared", "-P", "1", "-c", strconv.Itoa(clients), "-j", strconv.Itoa(min(clients, runtime.NumCPU())),
		"-T", strconv.Itoa(seconds+1), "-f", b.script,
		"-D", "record="+b.records[b.rounds%len(b.records)], "-D", "body="+b.bodies[b.rounds%len(b.bodies)], b.db))
	if err != nil {
		return nil, err
	}
	return parsePgbench(out)
}

// outputOfBoth is what a program printed, wherever it did.
func outputOfBoth(cmd *exec.Cmd) (string, error) {
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, out[max(0, len(out)-512):])
	}
	return string(out), nil
}

// pgbenchResult is what a run did, and what of it was its first second, when
// statements are prepared.
type pgbenchResult struct {
	count       int64
	tps         float64 // without the time that it took to connect
	first, till float64 // transitions in the first part of it, and how long that was, in seconds
}

// rate leaves the first part out.
func (r *pgbenchResult) rate() float64 {
	return (float64(r.count) - r.first) / (float64(r.count)/r.tps - r.till)
}

var (
	pgbenchCount  = regexp.MustCompile(`(?m)^number of transactions actually processed: (\d+)`)
	pgbenchFailed = regexp.MustCompile(`(?m)^number of failed transactions: (\d+)`)
	pgbenchRate   = regexp.MustCompile(`(?m)^tps = ([0-9.]+) \((?:without initial connection time|excluding connections establishing)\)`)
	pgbenchPart   = regexp.MustCompile(`(?m)^progress: ([0-9.]+) s, ([0-9.]+) tps`)
)

func parsePgbench(out string) (*pgbenchResult, error) {
	number := func(re *regexp.Regexp, group int) float64 {
		m := re.FindStringSubmatch(out)
		if m == nil {
			return 0
		}
		v, _ := strconv.ParseFloat(m[group], 64)
		return v
	}
	if failed := number(pgbenchFailed, 1); failed != 0 {
		return nil, fmt.Errorf("%.0f transactions of PostgreSQL failed", failed)
	}
	r := &pgbenchResult{count: int64(number(pgbenchCount, 1)), tps: number(pgbenchRate, 1), till: number(pgbenchPart, 1)}
	r.first = number(pgbenchPart, 2) * r.till
	if r.count == 0 || r.tps == 0 || r.till == 0 || float64(r.count)/r.tps-r.till < 0.5 || r.rate() <= 0 {
		return nil, fmt.Errorf("pgbench told no rate: %.400q", out)
	}
	return r, nil
}
