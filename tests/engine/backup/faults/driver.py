"""Break a verb of `ops` at one exact moment, and see what it leaves.

What a verb does is a row of events: `docker` commands, files that get their content or their name, programs that it
starts. The product has no hooks for this: a process of its own patches what it calls, then runs it.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.running import Project, until

BEFORE, DURING, AFTER = "before", "during", "after"
NEVER = "^never$"
DRIVER = r"""
import json, os, pathlib, re, signal, sys, threading
said = json.loads(sys.argv[1])
sys.argv = ["ops", *said["arguments"]]
sys.path.insert(0, said["root"])
# Other runs of this project keep what they compiled there; this one writes nothing that is no event.
sys.pycache_prefix = os.path.join(said["root"], ".ops", "compiled")
sys.dont_write_bytecode = True
from ops import cli, docker, files
seen, inside = 0, threading.local()

def strike():
    # Ctrl-C reaches every process of the terminal; other signals reach the one that they are sent to.
    (os.killpg if said["signal"] == signal.SIGINT else os.kill)(os.getpid(), said["signal"])

def event(text, act):
    global seen
    if getattr(inside, "it", False):
        return act()  # a part of another event
    text = " ".join(text.split())
    with open(said["log"], "a") as log:
        log.write(text + "\n")
    hit = re.search(said["at"], text) is not None
    seen += hit
    hit = hit and seen == said["nth"]
    if hit and said["when"] == "before":
        strike()
    timer = threading.Timer(0.25, strike)
    if hit and said["when"] == "during":
        timer.start()
    inside.it = True
    try:
        done = act()
    finally:
        inside.it = False
        if timer.ident:
            timer.join()  # never later than this
    if hit and said["when"] == "after":
        strike()
    return done

def patch(owner, name, say):
    real = getattr(owner, name)
    setattr(owner, name, lambda *a, **k: event(say(*a), lambda: real(*a, **k)))

patch(docker, "run", lambda arguments, *_: "docker " + " ".join(arguments))
patch(docker.subprocess, "Popen", lambda command, *_: "start " + " ".join(map(str, command)).removeprefix("nice "))
patch(files, "write_new", lambda path, *_: f"write {path}")
patch(files, "replace", lambda path, content: f"replace {path} {content.decode()}")
patch(pathlib.Path, "rename", lambda path, to: f"rename {path} {to}")
patch(pathlib.Path, "unlink", lambda path, *_: f"unlink {path}")
sys.exit(cli.main(root=pathlib.Path(said["root"])))
"""


@dataclass(frozen=True)
class Run:
    """A verb under way."""

    process: subprocess.Popen[str]
    log: Path

    def end(self) -> Outcome:
        """Wait for its end."""
        out, err = self.process.communicate(timeout=300)
        events = self.log.read_text().splitlines() if self.log.exists() else []
        return Outcome(self.process.returncode, out, err, events)


@dataclass(frozen=True)
class Outcome:
    """What came of a verb."""

    code: int
    out: str
    err: str
    events: list[str]

    @property
    def last(self) -> str:
        """Its last line."""
        return (self.err or self.out).strip().splitlines()[-1]


@contextmanager
def waiting(project: Project, *arguments: str, at: str, when: str = BEFORE, nth: int = 1) -> Iterator[Run]:
    """Run a verb that waits at the nth event that matches, for as long as the block runs."""
    run = start(project, *arguments, at=at, when=when, nth=nth, by=signal.SIGSTOP)
    state = Path(f"/proc/{run.process.pid}/stat")
    try:
        until(lambda: run.process.poll() is not None or state.read_text().rpartition(")")[2].split()[0] == "T")
        assert run.process.poll() is None, run.end()
        yield run
    finally:
        run.process.send_signal(signal.SIGCONT)


def struck(
    project: Project,
    *arguments: str,
    at: str,
    when: str = BEFORE,
    nth: int = 1,
    by: signal.Signals = signal.SIGKILL,
) -> Outcome:
    """Run a verb that a signal hits at the nth event that matches."""
    return start(project, *arguments, at=at, when=when, nth=nth, by=by).end()


def start(project: Project, *arguments: str, at: str, when: str, nth: int, by: signal.Signals) -> Run:
    """Start a verb."""
    log = project.folder.parent / f"{project.name}.events"
    log.unlink(missing_ok=True)
    said = {
        "root": str(project.folder),
        "arguments": arguments,
        "log": str(log),
        "at": at,
        "when": when,
        "nth": nth,
        "signal": int(by),
    }
    process = subprocess.Popen(
        [sys.executable, "-c", DRIVER, json.dumps(said)],
        cwd=project.folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    return Run(process, log)
