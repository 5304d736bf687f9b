package reports

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"tunelab/results"
)

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	schema, err := jsonschema.UnmarshalJSON(strings.NewReader(Schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", schema); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// TestSchema holds what --json prints against the schema that is published: every key is in it.
func TestSchema(t *testing.T) {
	schema := compiledSchema(t)
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
		var out bytes.Buffer
		if err := JSON(&out, []*Summary{s}); err != nil {
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
}

// A schema that takes anything would hold nothing.
func TestSchemaRefuses(t *testing.T) {
	schema := compiledSchema(t)
	var out bytes.Buffer
	if err := JSON(&out, []*Summary{fixtures()[0].summary}); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(run map[string]any){
		"a key too many":  func(run map[string]any) { run["surprise"] = 1 },
		"a key too few":   func(run map[string]any) { delete(run, "comparisons") },
		"another verdict": func(run map[string]any) { run["comparisons"].([]any)[0].(map[string]any)["verdict"] = "faster" },
		"another type":    func(run map[string]any) { run["finished"] = "yes" },
	} {
		var runs []map[string]any
		if err := json.Unmarshal(out.Bytes(), &runs); err != nil {
			t.Fatal(err)
		}
		change(runs[0])
		text, err := json.Marshal(runs)
		if err != nil {
			t.Fatal(err)
		}
		object, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if schema.Validate(object) == nil {
			t.Errorf("%s is let through", name)
		}
	}
}
