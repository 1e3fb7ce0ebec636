package check

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
)

// exported are the series offhook has, each with its labels.
func exported(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("../metrics.txt")
	require.NoError(t, err)
	all := map[string][]string{"up": nil}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := append(strings.Fields(line), "")
		var of []string
		if f[2] != "" {
			of = strings.Split(f[2], ",")
		}
		switch f[1] {
		case "histogram":
			all[f[0]+"_bucket"] = append(slices.Clone(of), "le")
			all[f[0]+"_sum"], all[f[0]+"_count"] = of, of
		case "summary":
			all[f[0]] = append(slices.Clone(of), "quantile")
			all[f[0]+"_sum"], all[f[0]+"_count"] = of, of
		default:
			all[f[0]] = of
		}
	}
	require.Greater(t, len(all), 50)
	return all
}

// scraped are labels that the scrape adds.
var scraped = []string{"job", "instance"}

// check parses an expression and looks at every metric and label in it. It
// returns the labels that its result may have.
func check(series map[string][]string, text string) (have []string, err error) {
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	if err != nil {
		return nil, err
	}
	have = slices.Clone(scraped)
	used := 0
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		v, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		used++
		of, known := series[v.Name]
		if !known {
			err = fmt.Errorf("offhook exports no %s", v.Name)
		}
		for _, m := range v.LabelMatchers {
			if m.Name != model.MetricNameLabel && !slices.Contains(of, m.Name) && !slices.Contains(scraped, m.Name) {
				err = fmt.Errorf("%s has no label %s", v.Name, m.Name)
			}
		}
		have = append(have, of...)
		return nil
	})
	if used == 0 {
		err = errors.New("it looks at nothing")
	}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if a, ok := node.(*parser.AggregateExpr); ok {
			for _, l := range a.Grouping {
				if !slices.Contains(have, l) {
					err = fmt.Errorf("there is no label %s to group by", l)
				}
			}
		}
		return nil
	})
	return have, err
}

var labelIn = regexp.MustCompile(`\$labels\.(\w+)`)

func TestAlertsLookAtWhatIsExportedAndHaveARunbook(t *testing.T) {
	series := exported(t)
	groups, errs := rulefmt.ParseFile("../alerts.yml", false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	require.Empty(t, errs)
	runbook, err := os.ReadFile("../../operating.md")
	require.NoError(t, err)
	_, part, ok := strings.Cut(string(runbook), "\n## Runbook\n")
	require.True(t, ok, "docs/operating.md has a runbook")
	written := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^### (Offhook\w+)$`).FindAllStringSubmatch(part, -1) {
		written[m[1]] = true
	}
	alerts := 0
	for _, g := range groups.Groups {
		for _, r := range g.Rules {
			alerts++
			have, err := check(series, r.Expr)
			require.NoError(t, err, "%s: %s", r.Alert, r.Expr)
			require.Contains(t, []string{"critical", "warning", "info"}, r.Labels["severity"], r.Alert)
			require.NotEmpty(t, r.Annotations["summary"], r.Alert)
			for _, m := range labelIn.FindAllStringSubmatch(r.Annotations["description"], -1) {
				require.Contains(t, have, m[1], "%s speaks of a label that it does not have", r.Alert)
			}
			require.True(t, written[r.Alert], "docs/operating.md says nothing of %s", r.Alert)
			require.Equal(t, "docs/operating.md#"+strings.ToLower(r.Alert), r.Annotations["runbook"])
			delete(written, r.Alert)
		}
	}
	require.Greater(t, alerts, 15)
	require.Empty(t, written, "the runbook speaks of alerts that there are not")
}

type panel struct {
	ID          int
	Type        string
	Title       string
	Description string
	Targets     []struct{ Expr, LegendFormat string }
	Panels      []panel
	GridPos     struct{ H, W, X, Y int }
}

func TestTheDashboardShowsWhatIsExported(t *testing.T) {
	series := exported(t)
	text, err := os.ReadFile("../dashboard.json")
	require.NoError(t, err)
	var d struct {
		UID, Title string
		Panels     []panel
		Templating struct {
			List []struct{ Name, Definition string }
		}
	}
	require.NoError(t, json.Unmarshal(text, &d))
	require.Equal(t, "offhook", d.UID)
	variables := []string{"$__rate_interval", "5m"}
	for _, v := range d.Templating.List {
		variables = append(variables, "$"+v.Name, "x")
		if m := regexp.MustCompile(`^label_values\((\w+), (\w+)\)$`).FindStringSubmatch(v.Definition); m != nil {
			require.Contains(t, series, m[1])
			require.Contains(t, append(series[m[1]], scraped...), m[2])
		}
	}
	fill := strings.NewReplacer(variables...)
	seen, shown := map[int]bool{}, 0
	for _, p := range d.Panels {
		require.False(t, seen[p.ID], "two panels have the id %d", p.ID)
		seen[p.ID] = true
		if p.Type == "row" {
			continue
		}
		shown++
		require.NotEmpty(t, p.Targets, p.Title)
		require.NotEmpty(t, p.Description, "%s: what is to be seen there?", p.Title)
		require.LessOrEqual(t, p.GridPos.X+p.GridPos.W, 24, p.Title)
		for _, target := range p.Targets {
			expr := fill.Replace(target.Expr)
			require.NotContains(t, expr, "$", p.Title)
			have, err := check(series, expr)
			require.NoError(t, err, "%s: %s", p.Title, expr)
			for _, m := range regexp.MustCompile(`\{\{(\w+)\}\}`).FindAllStringSubmatch(target.LegendFormat, -1) {
				require.Contains(t, have, m[1], "%s: the legend has a label that there is not", p.Title)
			}
		}
	}
	require.Greater(t, shown, 10)
}

// What is wrong is found: a test that finds nothing says nothing.
func TestTheCheckFindsWhatIsWrong(t *testing.T) {
	series := exported(t)
	for _, wrong := range []string{
		"offhook_no_such_metric", `offhook_live_calls{network="x"}`, "sum by (network) (offhook_live_calls)", "offhook_command_seconds",
		"rate(offhook_live_calls[5m]", "1 > 2",
	} {
		_, err := check(series, wrong)
		require.Error(t, err, wrong)
	}
}
