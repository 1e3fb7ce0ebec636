package child

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

var roles = Roles{
	"clerk": func() (any, error) { return &clerk{hold: make(chan struct{})}, nil },
	"ghost": func() (any, error) { return nil, errors.New("not today") },
}

// The children are this test binary, started once more.
func TestMain(m *testing.M) {
	if code, is := roles.Become(); is {
		os.Exit(code)
	}
	goleak.VerifyTestMain(m)
}

type clerk struct{ hold chan struct{} }

func (c *clerk) Add(n []int, sum *int) error {
	for _, v := range n {
		*sum += v
	}
	return nil
}

func (c *clerk) Refuse(int, *int) error { return errors.New("closed on Sundays") }

func (c *clerk) Hold(int, *int) error { <-c.hold; return nil }

func TestAChildAnswersAndEnds(t *testing.T) {
	p, err := Start("clerk", os.Stderr)
	require.NoError(t, err)
	sum, err := Ask[int](t.Context(), p, "Add", []int{1, 2, 3})
	require.NoError(t, err)
	require.Equal(t, 6, sum)
	_, err = Ask[int](t.Context(), p, "Refuse", 0)
	require.EqualError(t, err, "the clerk: Refuse: closed on Sundays")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Ask[int](ctx, p, "Hold", 0)
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, p.End(), "also with a question that is not answered")
}

func TestARoleThatCannotBePlayedIsAnError(t *testing.T) {
	for _, role := range []string{"ghost", "nobody"} {
		p, err := Start(role, nil)
		require.NoError(t, err)
		_, err = Ask[int](t.Context(), p, "Add", []int{1})
		require.Error(t, err)
		require.ErrorContains(t, p.End(), "exit status 1")
	}
}
