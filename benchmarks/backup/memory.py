"""How much memory a command takes, with all that it starts on this machine and in containers."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path
from types import TracebackType

# A look takes some milliseconds of a processor, from those who are measured too.
INTERVAL = 0.25
PROC = Path("/proc")
KIB = 1024


class Started:
    """The containers that were started under a name: the engine tells of them, nobody has to ask again and again."""

    def __init__(self, prefix: str) -> None:
        self.ids: set[str] = set()
        form = "{{.ID}} {{.Actor.Attributes.name}}"
        filters = ["--filter", "type=container", "--filter", "event=start"]
        self._events = subprocess.Popen(
            ["docker", "events", *filters, "--format", form], stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        self.pid = self._events.pid
        self._prefix = prefix
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._events.stdout
        for line in self._events.stdout:
            id, _, name = line.strip().partition(" ")
            if name.startswith(self._prefix):
                self.ids.add(id)

    def stop(self) -> None:
        """Listen no more."""
        self._events.kill()
        self._events.wait()


class Watch:
    """The peak of what the children of this process take together, and containers started since: `with Watch(…)`.

    `together` adds up what each has in memory (RSS), `alone` is the largest of the commands themselves. The engine's
    own processes are not counted.
    """

    def __init__(self, started: Started) -> None:
        self.together = self.alone = 0
        self._started = started
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watch:
        self._started.ids.clear()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(INTERVAL):
            self._look_once()

    def _look_once(self) -> None:
        parents = {int(entry.name): _parent(entry) for entry in PROC.iterdir() if entry.name.isdigit()}
        ours = {pid for pid in parents if self._descends(pid, parents) or self._contained(pid)}
        memory = {pid: _memory(pid) for pid in ours}
        self.together = max(self.together, sum(now for now, _ in memory.values()))
        peaks = [peak for pid, (_, peak) in memory.items() if parents[pid] == os.getpid()]
        self.alone = max(self.alone, *peaks, 0)

    def _descends(self, pid: int, parents: dict[int, int]) -> bool:
        while pid in parents and pid != self._started.pid:
            if parents[pid] == os.getpid():
                return True
            pid = parents[pid]
        return False

    def _contained(self, pid: int) -> bool:
        if not self._started.ids:
            return False
        groups = _text(PROC / str(pid) / "cgroup")
        return any(id in groups for id in list(self._started.ids))


def _parent(entry: Path) -> int:
    # The name of the program stands before it, in brackets, and may hold any.
    fields = _text(entry / "stat").rpartition(")")[2].split()
    return int(fields[1]) if fields else 0


def _memory(pid: int) -> tuple[int, int]:
    """Bytes that a process has in memory now, and its most."""
    status = dict(line.split(":", 1) for line in _text(PROC / str(pid) / "status").splitlines() if ":" in line)
    now, peak = (int(status.get(key, "0 kB").split()[0]) * KIB for key in ("VmRSS", "VmHWM"))
    return now, peak


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:  # it has ended
        return ""
