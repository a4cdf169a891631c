"""What the benchmark prints: a line as each row is done, and the tables in Markdown."""

HEADINGS = {
    "engine": "Against bare decoding, and against itself",
    "peers": "Against other tools",
    "exact": "Against the oracle",
    "growth": "As the work grows",
}


def number(value):
    if value is None:
        return ""
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def wanted(row):
    if row["least"] is not None:
        return f"at least {number(row['least'])}"
    return f"at most {number(row['most'])}" if row["most"] is not None else ""


def verdict(row):
    value = row["value"]
    if value is None:
        return ""
    if row["least"] is not None:
        return "yes" if value >= row["least"] else "no"
    if row["most"] is not None:
        return "yes" if value <= row["most"] else "no"
    return ""


def spent(side):
    """Seconds and peak memory of one side of a row."""
    return f"{side['wall']:.2f} s, {side['peak'] / 2**20:.0f} MiB" if side else ""


def line(row):
    """A row in one line, for whoever watches."""
    shown = f"{number(row['value'])} {row.get('unit', '')}".strip() or f"not available: {row.get('missing')}"
    return f"{row['seconds']:7.1f} s  {row['name']}: {shown} {('(' + wanted(row) + ')') if wanted(row) else ''}"


def markdown(results):
    m = results["machine"]
    out = [
        f"Measured on {m['date']} at {m['commit']}: {m['cores']} cores of {m['cpu']}, {m['memory_gib']} GiB, {m['go']}, "
        f"Python {m['python']}, load {m['load_before']} before. Main corpus: {results['size'] / 1e6:.0f} MB. Each figure is the median of "
        f"{results['times']} runs after one that is not counted; ratios are medians of the ratios of neighbouring runs, their least and "
        "greatest in brackets.",
        "",
    ]
    for part, held in results["parts"].items():
        minutes = f"{held['minutes']} minutes, and {held['minutes_of_corpora']} for corpora"
        out += [f"### {HEADINGS[part]} ({minutes})", "", *TABLES.get(part, compared)(held["rows"]), ""]
    out += notes(results)
    return "\n".join(out) + "\n"


def compared(rows):
    yield "| measure | value | wanted | reached | Palimpsest | the other |"
    yield "|---|---|---|---|---|---|"
    for r in rows:
        value = number(r["value"])
        if "ratio_least" in r and r["value"]:
            scale = r["value"] / r["ratio"]
            value += f" [{number(r['ratio_least'] * scale)}–{number(r['ratio_most'] * scale)}]"
        if "missing" in r:
            value = f"{value} not available: {r['missing']}".strip()
        yield f"| {r['name']} | {value} | {wanted(r)} | {verdict(r)} | {spent(r.get('a'))} | {spent(r.get('b'))} |"


def peers(rows):
    yield "| measure | value | wanted | reached | Palimpsest | peer, slice | peer, all | start-up | preparing |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for r in rows:
        value = number(r["value"]) + (f" not available: {r['missing']}" if "missing" in r else "")
        peer = f"{spent(r.get('b'))} for {r.get('slice_bytes', r.get('bytes', 0)) / 1e6:.0f} MB" if r.get("b") else ""
        whole = f"{r['peer_whole']:.0f} s" if "peer_whole" in r else ""
        start = f"{r['peer_start']:.1f} s" if "peer_start" in r else ""
        prepare = f"{r['peer_prepare']:.0f} s" if "peer_prepare" in r else ""
        yield f"| {r['name']} | {value} | {wanted(r)} | {verdict(r)} | {spent(r.get('a'))} | {peer} | {whole} | {start} | {prepare} |"
    yield ""
    yield "What each found on the slice; of what only one found, something that was tested and is true, which need not be the cause:"
    yield ""
    for r in rows:
        for what, a in r.get("answers", {}).items():
            if what == "missing":
                yield f"- {r['name']}: not compared: {a}"
                continue
            only = f"only by Palimpsest {a['only_palimpsest']}, only by the peer {a['only_peer']}"
            yield f"- {r['name']}: {what} found by both {a['both']}, {only}."
            for side, who in (("of_palimpsest", "Palimpsest"), ("of_peer", "the peer")):
                for what, n in sorted(a[side].items(), key=lambda item: -item[1]):
                    yield f"  - only by {who}, {n}: {what}"
        if "note" in r and r.get("answers"):
            yield f"  - {r['note']}"


def exact(rows):
    yield "| corpus | differences | spans | documents | bytes |"
    yield "|---|---|---|---|---|"
    for r in rows:
        shown = number(r["value"]) if "missing" not in r else f"not available: {r['missing']}"
        held = f"{r.get('spans', '')} | {r.get('documents', '')} | {r.get('bytes', '')}"
        yield f"| {r['name'].partition(': ')[2] or r['name']} | {shown} | {held} |"
    for r in rows:
        for first in r.get("first", []):
            yield f"- {r['name']}: {first}"


def grown(rows):
    yield "| | text | seconds | of them without a corpus | MB/s | peak memory |"
    yield "|---|---|---|---|---|---|"
    for r in rows:
        if "missing" in r:
            yield f"| {r['name']} | not available: {r['missing']} | | | | |"
            continue
        seconds = f"{r['a']['wall']:.2f} | {r['without_corpus']:.2f} | {r['value']:.0f}"
        yield f"| {r['name']} | {r['bytes'] / 1e6:.0f} MB | {seconds} | {r['a']['peak'] / 2**20:.0f} MiB |"


TABLES = {"peers": peers, "exact": exact, "growth": grown}


def notes(results):
    """What the corpora hold, and how the decoder was fed."""
    yield "### What was read"
    yield ""
    for name, about in results["corpora"].items():
        more = ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in about.items() if k not in ("documents", "text_bytes"))
        yield f"- {name}: {about['documents']} documents, {about['text_bytes'] / 1e6:.1f} MB of text" + (f" ({more})" if more else "")
    yield "- Peers: " + ", ".join(results["pins"]) + "."
    if "feeds" in results:
        feeds = ", ".join(f"`{feed}` {wall:.2f} s" for feed, wall in results["feeds"].items())
        yield f"- The decoder was fed in the fastest of these ways: {feeds}."
