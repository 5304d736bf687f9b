package reports

import (
	"bytes"
	"encoding/json"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"tunelab/results"
)

func compiledSchema(t *testing.T, text string) *jsonschema.Schema {
	t.Helper()
	schema, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("schema.json", schema); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// checkSchema holds what is written against a schema.
func checkSchema(t *testing.T, schema *jsonschema.Schema, name string, write func(io.Writer) error) {
	t.Helper()
	var out bytes.Buffer
	if err := write(&out); err != nil {
		t.Fatal(err)
	}
	object, err := jsonschema.UnmarshalJSON(&out)
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(object); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

// TestSchema holds what --json prints against the schema that is published: every key is in it.
func TestSchema(t *testing.T) {
	schema := compiledSchema(t, Schema)
	summaries := map[string]*Summary{"hostile": Summarize(hostileFile("\u202e\"<b>\x00"))}
	for _, f := range fixtures() {
		summaries[f.name] = f.summary
	}
	baseline, err := filepath.Glob("../results/baseline/*/bench.txt")
	if err != nil || len(baseline) == 0 {
		t.Fatalf("%d baseline runs: %v", len(baseline), err)
	}
	for _, path := range baseline {
		f, err := results.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		summaries[path] = Summarize(f)
	}
	for name, s := range summaries {
		checkSchema(t, schema, name, func(w io.Writer) error { return JSON(w, []*Summary{s}) })
	}
}

// TestTrendSchema does the same for trends.
func TestTrendSchema(t *testing.T) {
	schema := compiledSchema(t, TrendSchema)
	for name, h := range trends() {
		checkSchema(t, schema, name, func(w io.Writer) error { return TrendJSON(w, h) })
	}
}

// A schema that takes anything would hold nothing.
func TestSchemaRefuses(t *testing.T) {
	refuses := func(schema *jsonschema.Schema, printed []byte, change func(object any)) bool {
		var object any
		if err := json.Unmarshal(printed, &object); err != nil {
			t.Fatal(err)
		}
		change(object)
		return schema.Validate(object) != nil
	}
	schema := compiledSchema(t, Schema)
	var out bytes.Buffer
	if err := JSON(&out, []*Summary{fixtures()[0].summary}); err != nil {
		t.Fatal(err)
	}
	if refuses(schema, out.Bytes(), func(any) {}) {
		t.Fatal("a run as it is is refused")
	}
	for name, change := range map[string]func(run map[string]any){
		"a key too many":  func(run map[string]any) { run["surprise"] = 1 },
		"a key too few":   func(run map[string]any) { delete(run, "comparisons") },
		"another verdict": func(run map[string]any) { run["comparisons"].([]any)[0].(map[string]any)["verdict"] = "faster" },
		"another type":    func(run map[string]any) { run["finished"] = "yes" },
	} {
		if !refuses(schema, out.Bytes(), func(object any) { change(object.([]any)[0].(map[string]any)) }) {
			t.Errorf("a run with %s is let through", name)
		}
	}
	schema = compiledSchema(t, TrendSchema)
	out.Reset()
	if err := TrendJSON(&out, everyTrend()); err != nil {
		t.Fatal(err)
	}
	if refuses(schema, out.Bytes(), func(any) {}) {
		t.Fatal("trends as they are are refused")
	}
	first := func(object any, key string) map[string]any {
		return object.(map[string]any)[key].([]any)[0].(map[string]any)
	}
	for name, change := range map[string]func(object any){
		"a key too many":      func(object any) { first(object, "series")["surprise"] = 1 },
		"a key too few":       func(object any) { delete(first(first(object, "series"), "points"), "ratio") },
		"another state":       func(object any) { first(first(object, "events"), "changes")["state"] = "faster" },
		"a time that is none": func(object any) { first(object, "events")["night"] = "yesterday" },
		"another type":        func(object any) { object.(map[string]any)["last_night"] = "yes" },
	} {
		if !refuses(schema, out.Bytes(), change) {
			t.Errorf("trends with %s are let through", name)
		}
	}
}
