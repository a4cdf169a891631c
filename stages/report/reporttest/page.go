// Package reporttest checks a report against the tables of its run, by deriving every figure anew, in the slowest and plainest way.
package reporttest

import (
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// Page is a report as a browser reads it.
type Page struct {
	Root     *html.Node
	Sheets   []Sheet
	Cards    []Card
	Exhibits []map[string]string // the data of each
}

// Sheet is a table of figures: rows by the key of their columns.
type Sheet struct {
	ID   string
	Rows []map[string]string
}

// Card is a figure with its denominator.
type Card struct{ K, N, What string }

// Parse reads a page.
func Parse(tb testing.TB, page string) *Page {
	tb.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		tb.Fatal(err)
	}
	p := &Page{Root: root}
	for n := range root.Descendants() {
		switch {
		case n.Data == "table" && Has(n, "data-sheet"):
			p.Sheets = append(p.Sheets, sheetOf(n))
		case n.Data == "li" && Attribute(n, "class") == "card":
			c := Card{What: Text(find(n, "class", "what"))}
			for s := range n.Descendants() {
				if Has(s, "data-value") {
					c.K, c.N = c.N, Attribute(s, "data-value")
				}
			}
			p.Cards = append(p.Cards, c)
		case n.Data == "article" && Has(n, "data-words"):
			data := map[string]string{}
			for _, a := range n.Attr {
				data[a.Key] = a.Val
			}
			p.Exhibits = append(p.Exhibits, data)
		}
	}
	return p
}

func sheetOf(table *html.Node) Sheet {
	s := Sheet{ID: Attribute(table, "data-sheet")}
	var keys []string
	for n := range table.Descendants() {
		switch n.Data {
		case "th":
			keys = append(keys, Attribute(n, "data-key"))
		case "tr":
			row, i := map[string]string{}, 0
			for c := range n.ChildNodes() {
				if c.Data != "td" {
					continue
				}
				if keys[i] != "" {
					row[keys[i]] = Attribute(c, "data-value")
				}
				i++
			}
			if i > 0 {
				s.Rows = append(s.Rows, row)
			}
		}
	}
	return s
}

// Sheet returns the rows of the sheet of that name; nil when there is none.
func (p *Page) Sheet(id string) []map[string]string {
	for _, s := range p.Sheets {
		if s.ID == id {
			return s.Rows
		}
	}
	return nil
}

// Find returns the first element below n with that attribute; nil when there is none.
func find(n *html.Node, key, value string) *html.Node {
	for c := range n.Descendants() {
		if Attribute(c, key) == value {
			return c
		}
	}
	return nil
}

// Has reports whether an element has the attribute.
func Has(n *html.Node, key string) bool {
	for _, a := range n.Attr {
		if a.Key == key {
			return true
		}
	}
	return false
}

// Attribute returns an attribute of an element.
func Attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// Text returns the text below a node.
func Text(n *html.Node) string {
	if n == nil {
		return ""
	}
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return b.String()
}

// short writes a figure so that equal ones are equal, whatever the order in which they were added up.
func short(v any) string {
	switch v := v.(type) {
	case *float64:
		if v == nil {
			return "null"
		}
		return strconv.FormatFloat(*v, 'g', 9, 64)
	case float64:
		return strconv.FormatFloat(v, 'g', 9, 64)
	case int64:
		return strconv.FormatFloat(float64(v), 'g', 9, 64)
	case int:
		return strconv.FormatFloat(float64(v), 'g', 9, 64)
	case bool:
		return strconv.FormatBool(v)
	case *string:
		if v == nil {
			return "null"
		}
		return *v
	case string:
		if f, err := strconv.ParseFloat(v, 64); err == nil {
			return strconv.FormatFloat(f, 'g', 9, 64)
		}
		return v
	}
	return "null"
}
