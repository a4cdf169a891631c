"""Where the text of the benchmark comes from: the Go standard library, the modules of go.sum, and Debian's packages of documentation.

Each source becomes one Parquet file of (name, text) in the cache, the pool, so that a second call reads it back. All of it is real
text that people wrote; no document is in it twice. Debian's packages are fetched once and kept, since a later call may get a later
version and so another corpus: the versions are part of every corpus' key.
"""
import hashlib
import json
import multiprocessing
import os
import pathlib
import shutil
import subprocess
import tempfile

import pyarrow as pa
import pyarrow.parquet as pq

import plain_text

DOCUMENTS = """
anarchism apache2-doc cppreference-doc-en-html debian-handbook debian-policy dict-foldoc dict-gcide dict-wn erlang-doc
freebsd-manpages ghc-doc git-doc libboost1.74-doc libstdc++-12-doc linux-doc-6.1 llvm-14-doc manpages manpages-dev octave-doc
openjdk-17-doc perl-doc postgresql-doc-15 python-django-doc python-pandas-doc python-scipy-doc python3.11-doc qtbase5-doc-html rust-doc
scala-doc sqlite3-doc
""".split()

# What is read for one language only. The names of documents tell the languages of debian-handbook and gnome-user-docs.
LANGUAGES = """
gnome-user-docs libreoffice-help-en-us libreoffice-help-fr libreoffice-help-hi libreoffice-help-ja libreoffice-help-ru
libreoffice-help-zh-cn manpages-fr manpages-ja manpages-ru manpages-zh
""".split()

LEAST, MOST = 300, 2_000_000  # bytes of a file
PAGE = 4500  # characters of a dictionary's page
SKIPPED = ("/testdata/", "/vendor/", "/_static/", "/_sources/", "/search/", "genindex", "/pdf/", "/epub/")


def fetched(packages, cache):
    """The .deb files of these packages by name, fetched unless the cache has them. What cannot be had is left out, and said so."""
    folder = cache / "deb"
    folder.mkdir(parents=True, exist_ok=True)

    def held():
        return {p.name.partition("_")[0]: p for p in sorted(folder.glob("*_*.deb"))}

    missing = [p for p in packages if p not in held()]
    if missing:
        print(f"fetching {len(missing)} Debian packages", flush=True)
    for package in missing:
        done = subprocess.run(["apt-get", "download", package], cwd=folder, capture_output=True, text=True)
        if done.returncode:
            print(f"{package} cannot be had: {done.stderr.strip().splitlines()[-1:]}", flush=True)
    have = held()
    return {p: have[p] for p in packages if p in have}


def _read(job):
    path, name = job
    try:
        data = path.read_bytes()
    except OSError:
        return []
    text = plain_text.of_file(str(path), data)
    if not text or len(text) < LEAST:
        return []
    if ".dict" in path.name:
        return [(f"{name}#{i}", page) for i, page in enumerate(plain_text.pages(text, PAGE))]
    return [(name, text)]


def _below(root, label, accept):
    jobs = []
    for path in sorted(pathlib.Path(root).rglob("*")):
        inside = "/" + str(path.relative_to(root))
        if any(s in inside for s in SKIPPED) or not accept(path) or path.is_symlink() or not path.is_file():
            continue
        if LEAST <= path.stat().st_size <= MOST or ".dict" in path.name:
            jobs.append((path, label + inside))
    with multiprocessing.Pool() as workers:
        for documents in workers.imap(_read, jobs, chunksize=64):
            yield from documents


def _go(name):
    return subprocess.run([os.environ.get("GO", "go"), "env", name], check=True, capture_output=True, text=True).stdout.strip()


def _is_go(path):
    return path.suffix in (".go", ".md") or path.name.startswith("LICENSE")


def _code():
    """(name, key, documents) of the Go sources. Generated code is real code, but one module of it must not drown the rest."""
    version = _go("GOVERSION")
    yield "go-library", version, lambda: _below(pathlib.Path(_go("GOROOT")) / "src", "go", _is_go)
    sums = pathlib.Path("go.sum").read_bytes()
    modules = [line.split() for line in sums.decode().splitlines() if "/go.mod " not in line]

    def documents():
        subprocess.run([os.environ.get("GO", "go"), "mod", "download"], check=True)
        for module, number, _ in modules:
            folder = "".join("!" + c.lower() if c.isupper() else c for c in f"{module}@{number}")
            root = pathlib.Path(_go("GOMODCACHE")) / folder
            if root.is_dir():
                yield from _below(root, f"{module}@{number}", _is_go)

    yield "go-modules", hashlib.sha256(sums).hexdigest()[:16], documents


def _package(deb):
    def documents():
        with tempfile.TemporaryDirectory() as unpacked:
            subprocess.run(["dpkg-deb", "-x", deb, unpacked], check=True)
            yield from _below(pathlib.Path(unpacked), deb.name.partition("_")[0], lambda p: p.name not in ("copyright", "changelog.gz"))

    return documents


def pool(cache):
    """Makes the pool and returns its files: {"code": {name: path}, "documents": ..., "languages": ...}."""
    debs = fetched(DOCUMENTS + LANGUAGES, cache)
    script = b"".join((pathlib.Path(__file__).parent / f).read_bytes() for f in ("sources.py", "plain_text.py"))
    parts = {"code": list(_code()), "documents": [], "languages": []}
    for package, deb in debs.items():
        part = "documents" if package in DOCUMENTS else "languages"
        parts[part].append((package, deb.name, _package(deb)))
    out = {}
    for part, sources in parts.items():
        out[part] = {}
        for name, key, documents in sources:
            digest = hashlib.sha256(script + key.encode()).hexdigest()[:16]
            path = cache / "pool" / f"{name}-{digest}.parquet"
            if not path.exists():
                _write(path, name, documents())
            out[part][name] = str(path)
    return out


def _write(path, name, documents):
    path.parent.mkdir(parents=True, exist_ok=True)
    for old in path.parent.glob(f"{name}-" + "?" * 16 + ".parquet"):
        old.unlink()
    names, texts, seen = [], [], set()
    for label, text in documents:
        digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
        if digest not in seen:
            seen.add(digest)
            names.append(label)
            texts.append(text)
    table = pa.table({"name": pa.array(names, pa.string()), "text": pa.array(texts, pa.large_string())})
    partial = path.with_suffix(".partial")
    pq.write_table(table, partial, compression="zstd", use_dictionary=False, row_group_size=2000)
    shutil.move(partial, path)
    print(f"{name}: {len(texts)} documents, {sum(map(len, texts)) / 1e6:.1f} M characters", flush=True)


if __name__ == "__main__":
    import sys

    print(json.dumps(pool(pathlib.Path(sys.argv[1])), indent=1))
