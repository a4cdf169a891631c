package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"palimpsest/pipeline"
	"palimpsest/schemas"
	"palimpsest/stages/store"
)

type statusCommand struct {
	URL string `arg:"" name:"run" help:"The run's directory: a path or URL."`
}

// Run carries out the command.
func (c *statusCommand) Run(e *environment) error {
	s := store.New()
	defer s.Close()
	state, m, why, err := pipeline.ReadManifest(e.ctx, s, c.URL)
	if err != nil {
		return err
	}
	switch state {
	case pipeline.Absent:
		return &pipeline.DataError{Err: fmt.Errorf("%s: no run is there", c.URL)}
	case pipeline.Incomplete:
		fmt.Fprintf(e.out, "%s: incomplete: %s; run it again to finish it\n", c.URL, why)
		e.code = pipeline.ExitRetry
		return nil
	}
	fmt.Fprintf(e.out, "%s: complete\n", c.URL)
	t := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "table\tformat\trows\tbytes\n")
	for _, o := range m.Outputs {
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\n", o.Table, o.Format, o.Rows, o.Bytes)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, f := range m.Failures {
		fmt.Fprintln(e.out, "quarantined:", f)
	}
	return nil
}

type schemaCommand struct {
	Table  string `arg:"" optional:"" help:"One table; all of them without it."`
	Format string `enum:"text,json,bigquery,clickhouse,duckdb,postgresql,snowflake" default:"text" help:"text, json, or what creates the tables in bigquery, clickhouse, duckdb, postgresql or snowflake."`
}

// Run carries out the command.
func (c *schemaCommand) Run(e *environment) error {
	tables := schemas.All()
	if c.Table != "" {
		t, ok := schemas.Lookup(c.Table)
		if !ok {
			var names []string
			for _, t := range tables {
				names = append(names, t.Name)
			}
			return &pipeline.UsageError{Err: fmt.Errorf("no table %q; the tables are %s", c.Table, strings.Join(names, ", "))}
		}
		tables = []*schemas.Table{t}
	}
	switch c.Format {
	case "json":
		data, err := schemas.JSON(tables)
		if err != nil {
			return &pipeline.BugError{Err: err}
		}
		_, err = e.out.Write(data)
		return err
	case "text":
		for _, t := range tables {
			fmt.Fprintln(e.out, t.Text())
		}
	default:
		for _, t := range tables {
			ddl, err := t.DDL(c.Format)
			if err != nil {
				return &pipeline.UsageError{Err: err}
			}
			fmt.Fprintln(e.out, ddl)
		}
	}
	return nil
}
