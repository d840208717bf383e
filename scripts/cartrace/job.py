"""What every script's last block does: run `main` on files that appear whole or not at all, and log how it went.

An output is written beside its place, into a hidden folder, and renamed when the job is done. So a job that ends at any
moment, however it ends, leaves no file that could be taken for a result. A job at work ends with the run that started
it, and of two that are the same, one waits for the other: none can write over the results of a later run.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO, TypeVar

from cartrace.errors import InputError
from cartrace.progress import listening, steps

Item = TypeVar("Item")
Result = TypeVar("Result")
_FULL = "there is no room left on the disk, or in your quota"
_LOCKED = "it may not be written to"
# What the system says no to, in a lab's words, and what to do about it.
_REFUSED: dict[int, tuple[str, str]] = {
    errno.ENOSPC: (_FULL, "Make room"),
    errno.EDQUOT: (_FULL, "Make room"),
    errno.EROFS: (_LOCKED, "Make the folder writable, or send results elsewhere by 'pathvars' of the config"),
    errno.EACCES: (_LOCKED, "Make the folder writable, or send results elsewhere by 'pathvars' of the config"),
    errno.EPERM: (_LOCKED, "Make the folder writable, or send results elsewhere by 'pathvars' of the config"),
}
# Beside the outputs that are being made.
_LOCK = ".lock"
_AGAIN = "and run again; what is finished is kept"
_KILLED = "One of the job's processes was killed, most often for want of memory"
_BAR_WIDTH = 24


def run(
    main: Callable[..., None],
    *,
    log: str,
    inputs: Mapping[str, Any],
    outputs: Mapping[str, Any],
    params: Mapping[str, Any] | None = None,
) -> None:
    """Call ``main(**inputs, **outputs, **params)`` and write its log.

    Parameters
    ----------
    main : callable
        The script's work; takes paths and plain values by keyword. The paths of outputs that it gets are not the final
        ones, but have the same names.
    log : str
        The rule's log file.
    inputs, outputs : mapping
        Paths by keyword, one path or several.
    params : mapping, optional
        Settings by keyword.

    Raises
    ------
    SystemExit
        With code 1 where the input or the machine is at fault. The message then stands alone in the log, and its first
        line on standard error.
    """
    with _ending_with(os.getppid()), _Log(Path(log)) as told:
        told.lines(f"read    {path}" for path in _paths(inputs))
        try:
            with _staged(outputs, name=Path(log).stem) as partial, _shown(told):
                main(**inputs, **partial, **(params or {}))
        except InputError as error:
            told.only(str(error))
            raise SystemExit(1) from None
        except (OSError, MemoryError) as error:
            message = _explained(error, _paths(inputs))
            if message is None:
                told.lines([traceback.format_exc().rstrip()])
                raise
            told.only(message)
            raise SystemExit(1) from None
        except Exception:
            told.lines([traceback.format_exc().rstrip()])
            raise
        told.lines(f"wrote   {path}" for path in _paths(outputs))


def spread(work: Callable[[int], Result], items: Sequence[Item], doing: str, *, cores: int) -> list[Result]:
    """Return what `work` makes of each item, by its number, on several cores; telling how far it is.

    Parameters
    ----------
    work : callable
        Takes the number of an item.
    items : sequence
        What the step goes through; the text of an item is shown.
    doing : str
        What it does.
    cores : int
        Processes at work. They are copies of this one: what it has read need not be sent to them.

    Returns
    -------
    list
        Results in the order of the items.

    Raises
    ------
    ChildProcessError
        One of the processes was killed.
    """
    import multiprocessing  # here, since few jobs use it
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    if cores < 2 or "fork" not in multiprocessing.get_all_start_methods():
        return [work(number) for number, _ in enumerate(steps(items, doing))]
    context = multiprocessing.get_context("fork")
    try:
        with ProcessPoolExecutor(cores, context, initializer=_take, initargs=(work, os.getpid())) as pool:
            results = pool.map(_done, range(len(items)))
            return [next(results) for _ in steps(items, doing)]
    except BrokenProcessPool:
        raise ChildProcessError(_KILLED) from None


# In a process of :func:`spread`: its work.
_work: list[Callable[[int], Any]] = []


def _take(work: Callable[[int], Any], parent: int) -> None:
    _work.append(work)
    threading.Thread(target=_end_with, args=(parent, threading.Event()), daemon=True).start()


@contextmanager
def _ending_with(parent: int) -> Iterator[None]:
    """End this process when the one that started it is killed."""
    done = threading.Event()
    threading.Thread(target=_end_with, args=(parent, done), daemon=True).start()
    try:
        yield
    finally:
        done.set()


def _end_with(parent: int, done: threading.Event) -> None:
    """Nobody waits for the rest, and a later run has to wait for what this process holds."""
    while not done.wait(0.1):
        if os.getppid() != parent:
            os._exit(1)


def _done(number: int) -> Any:
    return _work[-1](number)


@contextmanager
def _shown(log: _Log) -> Iterator[None]:
    """Show how far long steps are: a bar on a terminal, lines in the job's log."""

    def show(doing: str, done: int, total: int, item: str) -> None:
        if item:
            log.lines([f"doing   {doing} {item} ({done + 1} of {total})"])
        if sys.stderr.isatty():
            filled = _BAR_WIDTH * done // max(total, 1)
            bar = "#" * filled + "-" * (_BAR_WIDTH - filled)
            # The line is overwritten by the next, and emptied by the last.
            text = f"[{bar}] {done}/{total} {doing} {item}"[:100] if item else ""
            sys.stderr.write(f"\r\033[K{text}")
            sys.stderr.flush()

    with listening(show):
        yield


@contextmanager
def _staged(outputs: Mapping[str, Any], *, name: str) -> Iterator[dict[str, Any]]:
    """Yield the outputs under paths in hidden folders beside their places; put them there when the block is done."""
    paths = {path: Path(path).parent / f".{name}.partial" / Path(path).name for path in _paths(outputs)}
    folders = sorted({partial.parent for partial in paths.values()})
    with ExitStack() as held:
        for folder in folders:
            held.enter_context(_held(folder))
        yield {
            key: str(paths[value]) if isinstance(value, str) else [str(paths[str(item)]) for item in value]
            for key, value in outputs.items()
        }
        for path, partial in paths.items():
            if partial.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            os.replace(partial, path)


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold an empty folder that no other job has at the same time, and remove it in the end."""
    lock = _locked(folder)
    try:
        # What a job that was killed has left.
        for left in folder.iterdir():
            if left.is_dir():
                shutil.rmtree(left)
            elif left.name != _LOCK:
                left.unlink()
        yield
    finally:
        # Before the lock is free: who waits for it sees that it is gone, and begins anew.
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)
        with suppress(OSError):
            # A network disk keeps a file, and so its folder, for as long as it is open.
            folder.rmdir()


def _locked(folder: Path) -> int:
    """Make a folder, unless it is there, and return the open file in it that this process alone has locked."""
    place = folder / _LOCK
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            lock = os.open(place, os.O_CREAT | os.O_RDWR)
            _lock(lock, folder)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(lock), place.stat()):
                    return lock
            os.close(lock)


class _Log:
    """The log of a job. It is no result: where it cannot be written, the job goes on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stream: TextIO | None = None

    def __enter__(self) -> _Log:
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.stream = open(self.path, "a", encoding="utf-8")
            self.stream.truncate(0)
        return self

    def __exit__(self, *_: object) -> None:
        if self.stream:
            with suppress(OSError):
                self.stream.close()

    def lines(self, lines: Iterator[str] | Sequence[str]) -> None:
        if self.stream:
            with suppress(OSError):
                self.stream.writelines(f"{line}\n" for line in lines)
                self.stream.flush()

    def only(self, message: str) -> None:
        """Write a message alone, so that it does not drown among a study's hundreds of files."""
        if self.stream:
            with suppress(OSError):
                self.stream.truncate(0)
        self.lines([message])
        # The log's path says which cohort it is; the rest follows at the end of the run.
        sys.stderr.write(f"\n{self.path}: {message.splitlines()[0]}\n\n")


def _lock(lock: int, folder: Path) -> None:
    """Lock an open file for this process; not on Windows, and not on a disk that knows no locks."""
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.stderr.write(f"{folder}: waiting for the same job of an earlier run, which has not ended yet\n")
        fcntl.flock(lock, fcntl.LOCK_EX)
    except OSError:
        return


def _explained(error: OSError | MemoryError, inputs: Sequence[str]) -> str | None:
    """Return what to do about a failure of the machine; nothing where it is a defect of ours."""
    if isinstance(error, MemoryError):
        return f"The memory did not suffice. Run on a machine with more, or with fewer jobs at a time, {_AGAIN}."
    if isinstance(error, ChildProcessError):
        return f"{error}. Give the job more memory or fewer cores, {_AGAIN}."
    place = str(error.filename or "")
    if isinstance(error, FileNotFoundError) and place in inputs:
        return f"{place}: the file was there when the run was planned, and is gone. Put it back {_AGAIN}."
    if error.errno in _REFUSED:
        why, remedy = _REFUSED[error.errno]
        return f"{place or 'an output'}: {why}. {remedy}, {_AGAIN}."
    return None


def _paths(named: Mapping[str, Any]) -> list[str]:
    paths: list[str] = []
    for value in named.values():
        paths += [value] if isinstance(value, str) else [str(item) for item in value]
    return paths
