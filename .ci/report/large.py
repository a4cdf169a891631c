"""large.py PROGRAM RUN PAGE writes the report of a large run and says what it took: fails above 30 MB of page or 512 MiB of memory."""

import os
import resource
import subprocess
import sys
import time

program, run, page = sys.argv[1:]
began = time.monotonic()
subprocess.run([program, "report", run, "-o", page], check=True, stdout=subprocess.DEVNULL)
took = time.monotonic() - began
size, peak = os.path.getsize(page) / 1e6, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print(f"the large run's report: {size:.1f} MB, peak memory {peak:.0f} MiB, {took:.0f} s")
if size > 30 or peak > 512:
    sys.exit("a report is to stay under 30 MB and to take at most 512 MiB")
