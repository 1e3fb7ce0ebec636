package engine

type transient struct{}

// Trigger is declared with the table.
type Trigger uint8
