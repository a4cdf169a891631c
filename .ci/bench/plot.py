"""Draws how time and memory grow: plot.py BENCH.json OUT.svg. White paper, so that it reads on a dark page too."""
import json
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402

PANELS = [("corpus", "text of the corpus, bytes"), ("probes", "indexed grams of the probes"), ("document", "bytes of a document")]
TIME, MEMORY = "#1f5fa8", "#c4561c"


def main():
    rows = json.load(open(sys.argv[1]))["parts"]["growth"]["rows"]
    plt.rcParams |= {"svg.hashsalt": "palimpsest", "font.size": 8, "svg.fonttype": "none", "font.family": "sans-serif"}
    figure, axes = plt.subplots(1, 3, figsize=(9, 2.6), facecolor="white", layout="constrained")
    for left, (axis, label) in zip(axes, PANELS):
        points = [r for r in rows if r.get("axis") == axis]
        x = [p["x"] for p in points]
        left.plot(x, [p["a"]["wall"] for p in points], "o-", color=TIME, markersize=3, linewidth=1.2)
        if axis == "probes":  # reading and indexing the probes grows, the scan hardly
            left.plot(x, [p["without_corpus"] for p in points], ":", color=TIME, linewidth=1, label="without a corpus")
            left.legend(frameon=False, loc="upper left", fontsize=7)
        left.set(xscale="log", xlabel=label)
        if axis == "document":
            left.set_ylim(0, None)
        else:  # straight lines are in proportion
            left.set_yscale("log")
        left.tick_params(axis="y", colors=TIME)
        right = left.twinx()
        right.plot(x, [p["a"]["peak"] / 2**20 for p in points], "s--", color=MEMORY, markersize=3, linewidth=1.2)
        right.tick_params(axis="y", colors=MEMORY)
        right.set_ylim(0, None)
        if axis == "probes":  # four orders of magnitude
            right.set(yscale="log", ylim=(10, None))
        for side in (left, right):
            side.minorticks_off()
            side.spines["top"].set_visible(False)
        if axis == "corpus":
            left.set_ylabel("seconds, one core", color=TIME)
        if axis == "document":
            right.set_ylabel("peak memory, MiB", color=MEMORY)
    figure.savefig(sys.argv[2], metadata={"Date": None})


if __name__ == "__main__":
    main()
