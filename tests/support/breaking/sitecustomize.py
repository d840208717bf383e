"""Loaded by every Python of a run that is to go wrong: what befalls the scripts that BREAK names, by script."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path


def once(name: str) -> bool:
    """Whether this is the first time on this machine that the script of this name is broken."""
    try:
        (Path(os.environ["BREAK_MARKS"]) / name).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def break_down(script: str, how: str) -> None:
    if how == "killed" or (how == "killed once" and once(script)):
        os.kill(os.getpid(), signal.SIGKILL)
    elif how in ("hungry", "greedy"):
        # More than a first try may have and less than a second; or more than any.
        taken = bytearray({"hungry": 900, "greedy": 3000}[how] * 1024 * 1024)
        taken[::4096] = b"x" * len(taken[::4096])
        time.sleep(4)
        del taken
    elif how == "slow once" and once(script):
        time.sleep(600)
    elif how.startswith("without "):
        Path(how.removeprefix("without ")).unlink()


def when_writing(then: Callable[[], None]) -> None:
    """Call a function when the first table has been written under its temporary name."""
    rename = os.replace

    def replace(*paths: object) -> None:
        os.replace = rename
        then()
        rename(*paths)

    os.replace = replace


if "BREAK" in os.environ and ".snakemake/scripts" in sys.orig_argv[-1]:
    script = Path(sys.orig_argv[-1]).name.split(".", 1)[1].removesuffix(".py")
    fate = json.loads(os.environ["BREAK"]).get(script, "")
    if fate.startswith("without "):
        break_down(script, fate)
    elif fate:
        when_writing(partial(break_down, script, fate))
