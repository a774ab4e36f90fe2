"""Writers that write one record after the other while something else happens, and readers that say what is there.

A record is only acknowledged when its store said so. Each consists of parts that have to be there together, so a reader
notices a copy of two instants.
"""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.running import Project, until

# It ends with its input, and tries again when its store stands still.
LOOP = """
import os, sys, threading, time
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
number = 0
while True:
    try:
        write(number)
    except Exception as error:
        print(repr(error), file=sys.stderr, flush=True)
        time.sleep(0.5)
        continue
    print(number, flush=True)
    number += 1
    time.sleep(0.02)
"""
WRITE = {
    "postgres": """
from clients import postgres
with postgres.connect() as c:
    c.execute("CREATE TABLE orders (number int PRIMARY KEY, text text)")
    c.execute("CREATE TABLE lines (number int REFERENCES orders, line int, PRIMARY KEY (number, line))")
def write(n):
    with postgres.connect() as c:
        c.execute("INSERT INTO orders VALUES (%s, %s) ON CONFLICT DO NOTHING", [n, f"order {n}"])
        for line in range(3):
            c.execute("INSERT INTO lines VALUES (%s, %s) ON CONFLICT DO NOTHING", [n, line])
""",
    "redis": """
from clients import redis
def write(n):
    redis.connect().set(f"note:{n}", f"note {n}")
""",
    "chroma": """
import random
from clients import chroma
def write(n):
    dice = random.Random(n)
    chroma.put("notes", f"note-{n}", "1", [f"note {n}"], [[dice.gauss(0, 1) for _ in range(8)]])
""",
    "mlflow": """
from clients import mlflow
client = mlflow.connect()
notes = client.create_experiment("notes")
def write(n):
    run = client.create_run(notes, run_name=str(n)).info.run_id
    client.log_text(run, f"note {n} " * 500, "note.txt")
    client.set_terminated(run)
""",
    "seaweedfs": """
from clients import seaweedfs as s
bucket = s.bucket()
def write(n):
    s.connect().put_object(Bucket=bucket, Key=f"notes/{n}", Body=f"note {n} ".encode() * 5000)
""",
}
# Prints the numbers of the records that are there; fails when one is not whole.
READ = {
    "postgres": """
from clients import postgres
with postgres.connect() as c:
    found = c.execute("SELECT number, text, (SELECT count(*) FROM lines l WHERE l.number = o.number) FROM orders o")
    rows = found.fetchall()
    assert all((text, lines) == (f"order {n}", 3) for n, text, lines in rows), rows
    numbers = [n for n, *_ in rows]
""",
    "redis": """
from clients import redis
numbers = [int(key.partition(":")[2]) for key in redis.connect().scan_iter("note:*", count=1000)]
assert all(redis.connect().get(f"note:{n}") == f"note {n}" for n in numbers)
""",
    "chroma": """
import random
from clients import chroma
numbers = [int(name.partition("-")[2]) for name in chroma.versions("notes")]
for n in numbers:
    dice = random.Random(n)
    assert chroma.nearest("notes", [dice.gauss(0, 1) for _ in range(8)], 1)[0].text == f"note {n}", n
""",
    "mlflow": """
import mlflow as m
from clients import mlflow
client = mlflow.connect()
notes = client.get_experiment_by_name("notes").experiment_id
numbers, page = [], None
while page is None or page.token:
    page = client.search_runs([notes], "attributes.status = 'FINISHED'", page_token=page.token if page else None)
    for run in page:
        text = m.artifacts.load_text(f"runs:/{run.info.run_id}/note.txt")
        assert text == f"note {run.info.run_name} " * 500, run.info.run_name
        numbers.append(int(run.info.run_name))
""",
    "seaweedfs": """
from clients import seaweedfs as s
pages = s.connect().get_paginator("list_objects_v2").paginate(Bucket=s.bucket(), Prefix="notes/")
numbers = [int(each["Key"].partition("/")[2]) for page in pages for each in page.get("Contents", [])]
for n in numbers:
    assert s.connect().get_object(Bucket=s.bucket(), Key=f"notes/{n}")["Body"].read() == f"note {n} ".encode() * 5000, n
""",
    "uploads": """
from pathlib import Path
numbers = []
for path in Path("/data/uploads").glob("note-*.txt"):
    numbers.append(int(path.stem.partition("-")[2]))
    assert path.read_text() == f"note {numbers[-1]} " * 5000, path
""",
}
SAY = "\nimport json; print(json.dumps(sorted(set(numbers))))"


class Writer:
    """One that writes in the application's container with the client that the project has for the store."""

    def __init__(self, project: Project, store: str) -> None:
        command = ["docker", "compose", "exec", "-T", project.application, "python", "-c", WRITE[store] + LOOP]
        self.errors = (project.folder.parent / f"{project.name}-{store}.log").open("wb")
        self.process = subprocess.Popen(
            command,
            cwd=project.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
        )
        self.last = -1
        self.thread = threading.Thread(target=self.follow)
        self.thread.start()

    def follow(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                if line.strip().isdigit():  # MLflow says more
                    self.last = int(line)

    def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=60)
        self.thread.join()
        self.errors.close()


class Uploader:
    """One that uploads files from this machine."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.last = -1
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.write)
        self.thread.start()

    def write(self) -> None:
        while not self.ended.wait(0.02):
            number = self.last + 1
            try:
                status, _ = self.project.upload(f"note-{number}.txt", f"note {number} ".encode() * 5000)
            except OSError:
                continue
            if status == 201:
                self.last = number

    def stop(self) -> None:
        self.ended.set()
        self.thread.join()


@contextmanager
def on(project: Project, stores: list[str]) -> Iterator[dict[str, Writer | Uploader]]:
    """Write to all these stores at once for as long as the block runs."""
    writers: dict[str, Writer | Uploader] = {}
    try:
        for store in stores:
            writers[store] = Uploader(project) if store == "uploads" else Writer(project, store)
        until(lambda: all(each.last > 10 for each in writers.values()))
        yield writers
    finally:
        for each in writers.values():
            each.stop()


def read(project: Project, store: str) -> list[int]:
    """The numbers of the records that a store has, each of them whole."""
    said = project.in_app(READ[store] + SAY)
    numbers: list[int] = json.loads(said.splitlines()[-1])
    return numbers
