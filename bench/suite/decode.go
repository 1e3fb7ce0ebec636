package suite

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"

	"offhook/bench/figures"
	"offhook/provider/broadworks"
	"offhook/provider/broadworks/samples"
)

const decodeTurn = 500 // documents one after the other

// measureDecode decodes an event from its bytes to what the core gets, beside
// encoding/xml into structs with the fields that are kept.
func measureDecode(ctx context.Context, p figures.Plan) ([]figures.Row, error) {
	var rows []figures.Row
	for _, doc := range []struct{ name, text string }{{"decode of an Xsi event, 2 KB", samples.LongEvent}, {"decode of an Xsi event, 1.1 KB", samples.Event}} {
		text := []byte(doc.text)
		var d broadworks.Decoder
		ours := func() error {
			for range decodeTurn {
				ev, err := d.Event(text)
				if err != nil {
					return err
				}
				if len(ev.Facts) != 1 {
					return fmt.Errorf("%s: %d facts", doc.name, len(ev.Facts))
				}
			}
			return nil
		}
		theirs := func() error {
			for range decodeTurn {
				var std samples.Std
				if err := xml.Unmarshal(text, &std); err != nil {
					return err
				}
				if std.Data.Call.ID == "" {
					return fmt.Errorf("%s: encoding/xml found no call", doc.name)
				}
			}
			return nil
		}
		row, err := rateBeside(ctx, &p, doc.name, decodeTurn, ours, theirs)
		if err != nil {
			return nil, err
		}
		row.Suite, row.Unit, row.Beside = "decode", "events/s", "encoding/xml into structs"
		if doc.text == samples.LongEvent {
			row.Budget = &figures.Budget{AtLeast: true, Limit: 15}
		}
		most := -1.0
		if row.Budget != nil {
			most = 2
		}
		rows = append(rows, row)
		var failed error
		rows = append(rows, counts("decode", doc.name, most, 1, func() {
			if _, err := d.Event(text); err != nil {
				failed = err
			}
		})...)
		if failed != nil {
			return nil, failed
		}
	}
	return rows, nil
}

// rateBeside measures how many a second two ways do, turn by turn within each
// run, so that both see the same machine. Each turn does so many.
func rateBeside(ctx context.Context, p *figures.Plan, name string, turn int, ours, theirs func() error) (figures.Row, error) {
	row := figures.Row{Name: name}
	measure := func(of *[]float64, f func() error) func(int) error {
		return func(run int) error {
			rest()
			ns, err := perOp(ctx, p.Round/2, turn, f)
			*of = append(*of, 1e9/ns)
			p.Say("%s, run %d of %d: %.0f ns", name, run+1, p.Runs, ns)
			return err
		}
	}
	if err := errors.Join(ours(), theirs()); err != nil { // warm
		return row, err
	}
	err := figures.Turns(p.Runs, measure(&row.Ours, ours), measure(&row.Base, theirs))
	return row, err
}
