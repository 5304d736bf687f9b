package reports

import _ "embed" // the schema is part of the program

// Schema is the JSON schema (draft 2020-12) of what [JSON] writes.
//
//go:embed schema.json
var Schema string

// TrendSchema is the JSON schema (draft 2020-12) of what [TrendJSON] writes.
//
//go:embed trendschema.json
var TrendSchema string
