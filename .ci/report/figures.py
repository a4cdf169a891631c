"""figures.py PAGE runs every query of a report on the run's tables in DuckDB and compares the answers with the figures beside them: every
sheet, row by row, every card and every exhibit."""

import html.parser
import math
import sys

import duckdb


class Page(html.parser.HTMLParser):
    """The sheets, cards and queries of a page."""

    def __init__(self):
        super().__init__()
        self.sheets, self.cards, self.exhibits, self.setup, self.queries = [], [], [], None, []
        self.code, self.sheet, self.card, self.row = None, None, None, None

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        if tag == "table" and "data-sheet" in a:
            self.sheet = {"name": a["data-sheet"], "keys": [], "rows": [], "query": None, "more": int(a.get("data-more", 0))}
            self.sheets.append(self.sheet)
        elif tag == "th" and self.sheet and self.sheet["query"] is None:
            if "data-key" in a:
                self.sheet["keys"].append(a["data-key"])
        elif tag == "tr" and self.sheet:
            self.row = []
        elif tag == "td" and self.sheet and "data-value" in a:
            self.row.append(a["data-value"])
        elif tag == "li" and "data-query" in a:
            self.card = {"query": a["data-query"], "values": []}
            self.cards.append(self.card)
        elif tag == "span" and self.card is not None and "data-value" in a:
            self.card["values"].append(a["data-value"])
        elif tag == "article" and "data-words" in a:
            self.exhibits.append({k: a["data-" + k.replace("_", "-")] for k in ("words", "documents", "occurrences", "rarity_bits")})
        elif tag == "code":
            self.code = ""

    def handle_endtag(self, tag):
        if tag == "tr" and self.sheet and self.row:
            self.sheet["rows"].append(self.row)
            self.row = None
        elif tag == "li":
            self.card = None
        elif tag == "code":
            if self.sheet is not None and self.sheet["query"] is None:
                self.sheet["query"], self.sheet = self.code, None
            if self.exhibits and "query" not in self.exhibits[-1]:
                self.exhibits[-1]["query"] = self.code
            if self.code.startswith("CREATE VIEW"):
                self.setup = self.code
            else:
                self.queries.append(self.code)
            self.code = None

    def handle_data(self, data):
        if self.code is not None:
            self.code += data


def same(shown, value):
    """Whether a figure of the page is a value of the answer."""
    if value is None or shown == "null":
        return value is None and shown == "null"
    if isinstance(value, bool):
        return shown == str(value).lower()
    if isinstance(value, (int, float)) or hasattr(value, "as_tuple"):
        return math.isclose(float(shown), float(value), rel_tol=1e-9, abs_tol=1e-300)
    return shown == str(value)



def normal(value):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    try:
        return f"{float(value):.6g}"
    except ValueError:
        return str(value)


def main():
    page = Page()
    page.feed(open(sys.argv[1], encoding="utf-8").read())
    db = duckdb.connect()
    db.execute(page.setup)
    figures, failed = 0, []
    for sheet in page.sheets:
        answer = db.execute(sheet["query"])
        names = [d[0] for d in answer.description]
        rows = [[r[names.index(k)] for k in sheet["keys"]] for r in answer.fetchall()]
        shown = sorted(sheet["rows"], key=lambda r: [normal(v) for v in r])
        rows.sort(key=lambda r: [normal(v) for v in r])
        if sheet["more"]:  # the page shows the first rows; all of them must be in the answer
            if len(rows) == len(shown) + sheet["more"]:
                known = {tuple(map(normal, s)) for s in shown}
                rows = [r for r in rows if tuple(map(normal, r)) in known]
        if len(shown) != len(rows):
            failed.append(f"{sheet['name']}: {len(shown)} rows on the page, {len(rows)} in the answer")
            continue
        for s, r in zip(shown, rows):
            for key, a, b in zip(sheet["keys"], s, r):
                figures += 1
                if not same(a, b):
                    failed.append(f"{sheet['name']}.{key}: {a} on the page, {b} in the answer, row {s}")
    for card in page.cards:
        row = db.execute(card["query"]).fetchone()
        figures += len(row)
        if len(row) != len(card["values"]) or not all(map(same, card["values"], row)):
            failed.append(f"card: {card['values']} on the page, {row} in the answer of {card['query']}")
    for exhibit in page.exhibits:
        answer = db.execute(exhibit["query"])
        row = dict(zip([d[0] for d in answer.description], answer.fetchone()))
        for key in "words", "documents", "occurrences", "rarity_bits":
            figures += 1
            if not same(exhibit[key], row[key]):
                failed.append(f"exhibit: {key} {exhibit[key]} on the page, {row[key]} in the answer of {exhibit['query']}")
    for query in page.queries:
        db.execute(query).fetchone()
    for f in failed[:20]:
        print(f, file=sys.stderr)
    if failed or not page.sheets:
        sys.exit(f"{len(failed)} of {figures} figures differ")
    print(f"{figures} figures of {len(page.sheets)} tables, {len(page.cards)} cards and {len(page.exhibits)} exhibits are what their queries "
          f"give; {len(page.queries)} queries run")


main()
