package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"palimpsest/pipeline"
	"palimpsest/pipeline/scheduler"
	"palimpsest/schemas"
	"palimpsest/stages/store"
)

type statusCommand struct {
	URL     string `arg:"" name:"run" help:"The run's directory: a path or URL."`
	Missing bool   `help:"Print nothing but the tasks that are not done, like 3,7-9: as schedulers take them."`
}

// Run carries out the command.
func (c *statusCommand) Run(e *environment) error {
	s := store.New()
	defer s.Close()
	st, err := pipeline.ReadStatus(e.ctx, s, c.URL)
	if err != nil {
		return err
	}
	if c.Missing {
		if st.State == pipeline.Incomplete && !st.Planned {
			return &pipeline.DataError{Err: fmt.Errorf("%s: no plan is there", c.URL)}
		}
		if st.State != pipeline.Absent {
			fmt.Fprintln(e.out, scheduler.Ranges(st.Missing))
			return nil
		}
	}
	switch st.State {
	case pipeline.Absent:
		return &pipeline.DataError{Err: fmt.Errorf("%s: no run is there", c.URL)}
	case pipeline.Incomplete:
		e.code = pipeline.ExitRetry
		e.incomplete(c.URL, st)
		return nil
	}
	fmt.Fprintf(e.out, "%s: complete\n", c.URL)
	t := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "table\tformat\trows\tbytes\n")
	for _, o := range st.Manifest.Outputs {
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\n", o.Table, o.Format, o.Rows, o.Bytes)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, f := range st.Manifest.Failures {
		fmt.Fprintln(e.out, "quarantined:", f)
	}
	return nil
}

// incomplete says what there is of a run, and what is to be done.
func (e *environment) incomplete(url string, st *pipeline.Status) {
	if !st.Planned {
		fmt.Fprintf(e.out, "%s: incomplete: %s; run it again to finish it\n", url, st.Why)
		return
	}
	fmt.Fprintf(e.out, "%s: incomplete: %d of %d tasks are done\n", url, st.Tasks-len(st.Missing), st.Tasks)
	for _, f := range st.Failed {
		fmt.Fprintf(e.out, "task %d failed when it was last tried, exit code %d: %s\n", f.Task, f.ExitCode, f.Error)
	}
	if len(st.Missing) == 0 {
		fmt.Fprintf(e.out, "finish it with: palimpsest commit %s\n", url)
		return
	}
	fmt.Fprintf(e.out, "missing: %s\ndo each with: palimpsest shard %s --task I; or run it again, which goes on from what is done\n",
		scheduler.Ranges(st.Missing), url)
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
