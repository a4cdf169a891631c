"""Files for ripgrep, and its answer read back: one file of all documents' text, a file of phrases a line.

ripgrep is given the text itself, decompressed, and one thread; the timed command is ripgrep alone:
    rg --no-config -a -F -o -j1 --no-mmap -f phrases.txt corpus.txt
"""

import answer


def prepare(work, corpus, probes):
    with open(work / "corpus.txt", "w", encoding="utf-8", newline="") as out:
        for _, text in answer.rows(corpus):
            out.write(text.replace("\0", " ") + "\n")
    with open(work / "phrases.txt", "w", encoding="utf-8", newline="") as out:
        for _, text in answer.rows(probes):
            out.write(text + "\n")


def run(work, corpus, probes):
    """Not timed: which phrases stand in what ripgrep printed."""
    lines = set((work / "output.txt").read_text(encoding="utf-8", errors="replace").split("\n"))
    return {"probes": {key for key, text in answer.rows(probes) if text in lines}}


if __name__ == "__main__":
    answer.main(prepare, run)
