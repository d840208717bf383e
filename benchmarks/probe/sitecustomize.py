"""Loaded by every Python of a measured run: note at its end what a script's process has used."""

import atexit
import os
import resource
import sys
import time

START_S = time.monotonic()


def note() -> None:
    # With the processes of a script that works on several cores.
    both = [resource.getrusage(of) for of in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu_s = sum(used.ru_utime + used.ru_stime for used in both)
    script = sys.argv[0].rsplit("/", 1)[-1].split(".", 1)[-1]
    # Not ru_maxrss, which a process inherits from the one that started it.
    with open("/proc/self/status", encoding="ascii") as status:
        peak_kb = next(float(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    line = [script, time.monotonic() - START_S, cpu_s, max(peak_kb, both[1].ru_maxrss) / 1024]
    with open(os.environ["CARTRACE_PROBE"], "a", encoding="utf-8") as stream:
        stream.write(",".join(map(str, line)) + "\n")


if "CARTRACE_PROBE" in os.environ and ".snakemake/scripts" in sys.orig_argv[-1]:
    atexit.register(note)
