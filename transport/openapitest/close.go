package openapitest

// closeAll lets no schema of an answer have members that are not in it. The
// documents themselves leave room for more, since more will come; a test must
// not.
func closeAll(root map[string]any) {
	answers := map[string]any{}
	for name, schema := range object(object(root["components"])["schemas"]) {
		shut(schema, true)
		answers[name] = map[string]any{"$ref": "#/components/schemas/" + name, "unevaluatedProperties": false}
	}
	object(root["components"])["answers"] = answers
	find(root)
}

// find looks for schemas outside of the components.
func find(v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			switch name {
			case "schema":
				shut(inner, false)
			case "schemas", "example", "examples":
			default:
				find(inner)
			}
		}
	case []any:
		for _, inner := range v {
			find(inner)
		}
	}
}

// shut closes a schema, and those within it. One that is a part of others is
// left open: where they are put together it is closed with them.
func shut(v any, part bool) {
	s := object(v)
	if s == nil {
		return
	}
	for _, word := range []string{"allOf", "anyOf", "oneOf"} {
		for _, inner := range list(s[word]) {
			shut(inner, true)
		}
	}
	for _, word := range []string{"properties", "x-events"} {
		for _, inner := range object(s[word]) {
			shut(inner, false)
		}
	}
	shut(s["items"], false)
	shut(s["additionalProperties"], false)
	if part || s["additionalProperties"] != nil {
		return
	}
	for _, word := range []string{"$ref", "properties", "allOf", "anyOf", "oneOf"} {
		if s[word] != nil {
			s["unevaluatedProperties"] = false
		}
	}
}
