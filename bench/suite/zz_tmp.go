package suite

import (
	"context"

	"offhook/bench/figures"
)

func measureLists(context.Context, figures.Plan) ([]figures.Row, error)   { return nil, nil }
func measureMemory(context.Context, figures.Plan) ([]figures.Row, error)  { return nil, nil }
func measureRestart(context.Context, figures.Plan) ([]figures.Row, error) { return nil, nil }
func measureGrowth(context.Context, figures.Plan) ([]figures.Row, error)  { return nil, nil }
