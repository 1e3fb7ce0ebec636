package main

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A type that offhook learns to tell is one that can be asked for.
func TestTailKnowsTheTypesOfTheDocument(t *testing.T) {
	doc, err := os.ReadFile("../../docs/openapi.yaml")
	require.NoError(t, err)
	of := regexp.MustCompile(`enum: \[(call\.state, [^]]*)\]`).FindSubmatch(doc)
	require.NotNil(t, of)
	field, _ := reflect.TypeFor[tailCmd]().FieldByName("Type")
	require.Equal(t, strings.ReplaceAll(string(of[1]), " ", "")+",subscriber.provisioned", field.Tag.Get("enum"))
}

func TestACursorIsAMemberOfItsLine(t *testing.T) {
	require.Equal(t, `{"a":1,"cursor":"x\"y"}`, withCursor(`{"a":1}`, `x"y`))
	require.Equal(t, `{"cursor":"x"}`, withCursor(`{}`, "x"))
	require.Equal(t, `3`, withCursor(`3`, "x"))
}
