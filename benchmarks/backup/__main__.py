"""Back up and restore volumes side by side, in rounds of random order: `python -m benchmarks.backup [--quick]`.

Needs a Docker engine on this machine, restic, and some 18 GB of disk (4 with --quick).
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks.backup.contenders import CONTENDERS, KIT, USUAL, Contender, Result, backed_up, itself, restored
from benchmarks.backup.corpora import FULL, QUICK, Corpus, Sizes
from benchmarks.backup.place import Place, prepared
from tests.support import engine

FROZEN, FLAT = 0.1, 1.3
Results = dict[str, list[Result]]


def main() -> int:
    """Measure, print, and return 1 when a promise was not kept; small volumes promise nothing."""
    options = arguments()
    sizes: Sizes = options.sizes
    if reason := engine.ensure_engine(required=False):
        sys.exit(f"no Docker engine: {reason}")
    if shutil.which("restic") is None:
        sys.exit("restic is missing: apt-get install restic")
    os.environ.update(engine.compose_environment())
    require_disk(options.folder, sizes.disk())
    corpora, memory = sizes.measured(), sizes.for_memory()
    broken: list[str] = []
    with prepared([*corpora, *memory], options.folder) as place:
        print(f"Medians; rounds: {options.rounds}, seed: {options.seed}. Restored once. MB are 10^6 bytes.")
        print(f"This machine: {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} before.", flush=True)
        for corpus in corpora:
            broken += compare(place, corpus, options.rounds, random.Random(options.seed))
        broken += flat(place, memory)
    if sizes != FULL:
        print("\nSizes are not those that promises are made for.")
        return 0
    print("\n" + ("Not kept: " + "; ".join(broken) if broken else "Every promise was kept."))
    return 1 if broken else 0


def arguments() -> argparse.Namespace:
    """Read the options; `sizes` is made of them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.backup", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small volumes and one round: does it work?")
    parser.add_argument("--rounds", type=int, metavar="N", help="how often everything is measured (3)")
    parser.add_argument("--seed", type=int, default=1, help="of the random order")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="where to store backups")
    parser.add_argument("--weights", type=int, metavar="N", help="files of 128 MiB")
    parser.add_argument("--database", type=int, metavar="MIB", help="of SQLite, and as much of JSON lines")
    parser.add_argument("--files", type=int, metavar="N", help="small files")
    parser.add_argument("--large", type=int, metavar="MIB", help="the larger volume that memory is measured with")
    options = parser.parse_args()
    sizes = QUICK if options.quick else FULL
    given = {key: getattr(options, key) for key in ("database", "files") if getattr(options, key)}
    if options.weights:
        given["weights"] = (options.weights, 128)
    if options.large:
        given["memory"] = (sizes.memory[0], options.large)
    options.sizes = replace(sizes, **given)
    options.rounds = options.rounds or (1 if options.quick else 3)
    return options


def require_disk(folder: Path, needed: int) -> None:
    """Stop before a disk is full: the engine's, which holds the volumes, and the one for backups."""
    asked = ["docker", "info", "--format", "{{.DockerRootDir}}"]
    root = Path(subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip())
    if not root.exists():
        sys.exit(f"the engine is not on this machine: there is no {root}")
    for path in (root, folder):
        if (free := shutil.disk_usage(path).free) < needed:
            sys.exit(f"{path} has {free / 1e9:.0f} GB free; {needed / 1e9:.0f} GB are needed")


def compare(place: Place, corpus: Corpus, rounds: int, order: random.Random) -> list[str]:
    """Measure everybody on one corpus, and print it; return the promises that were not kept."""
    digest = place.fill(corpus)
    backups: Results = {each.name: [] for each in CONTENDERS}
    restores: Results = {each.name: [] for each in CONTENDERS if each.restore}
    for number in range(rounds):
        for each in shuffled(order):
            backups[each.name].append(backed_up(each, place, corpus))
        # Once: nothing is promised of it, and ext4 is slow for minutes where as many files were just deleted.
        for each in shuffled(order) if number == 0 else []:
            if each.restore:
                restores[each.name].append(restored(each, place, corpus, digest))
        place.clear()
    size = sum(map(int, place.look([f"{place.volume(corpus)}:/x:ro"], "du", "-sb", "/x").split()[:1]))
    print_tables(corpus, size, backups, restores)
    place.project.compose("rm", "--force", "--stop", corpus.name)
    return judged(corpus, backups)


def shuffled(order: random.Random) -> list[Contender]:
    """Everybody in random order; who goes on with another's folder comes right after it."""
    first = [each for each in CONTENDERS if not each.after]
    order.shuffle(first)
    return [each for one in first for each in (one, *(other for other in CONTENDERS if other.after == one.name))]


def median(results: list[Result], of: Callable[[Result], float]) -> float:
    """The median of one of the measures."""
    return statistics.median(of(result) for result in results)


def print_tables(corpus: Corpus, size: int, backups: Results, restores: Results) -> None:
    """Print what backing up and restoring took."""
    print(f"\n{corpus.name}: {corpus.what}, {size / 1e6:.0f} MB")
    print(f"  {'back up':<14}{'seconds':>9}{'MB/s':>8}{'stored MB':>11}{'frozen s':>10}{'memory MB':>11}{'times':>8}")
    usual = median(backups[USUAL], lambda result: result.seconds)
    for name, results in backups.items():
        seconds, stored, frozen, memory = (
            median(results, of)
            for of in (lambda r: r.seconds, lambda r: r.stored / 1e6, lambda r: r.frozen, lambda r: r.together / 1e6)
        )
        print(
            f"  {name:<14}{seconds:>9.2f}{size / 1e6 / seconds:>8.0f}{stored:>11.1f}{frozen:>10.2f}{memory:>11.0f}"
            f"{usual / seconds:>7.1f}x"
        )
    print(f"  {'restore':<14}{'seconds':>9}{'MB/s':>8}{'memory MB':>32}{'times':>8}")
    usual = median(restores[USUAL], lambda result: result.seconds)
    for name, results in restores.items():
        seconds, memory = (median(results, of) for of in (lambda r: r.seconds, lambda r: r.together / 1e6))
        print(f"  {name:<14}{seconds:>9.2f}{size / 1e6 / seconds:>8.0f}{memory:>32.0f}{usual / seconds:>7.1f}x")


def judged(corpus: Corpus, backups: Results) -> list[str]:
    """Print the promised ratios of one corpus; return those that were not kept."""
    usual, kit = backups[USUAL], backups[KIT]
    if not all(itself(result) for result in kit):
        raise SystemExit(f"{KIT} never kept the writer of {corpus.name} still: such a copy is worth nothing")
    times = median(usual, lambda r: r.seconds) / median(kit, lambda r: r.seconds)
    frozen = median(kit, lambda r: max(r.frozen, itself(r))) / median(usual, lambda r: r.frozen)
    print(f"  {KIT} is {times:.1f} times as fast as the {USUAL}; promised at least {corpus.promise:.0f}")
    print(f"  its freeze is {frozen:.3f} of the {USUAL}'s; promised at most {FROZEN}")
    kept = {"speed": times >= corpus.promise, "freeze": frozen <= FROZEN}
    return [f"{what} on {corpus.name}" for what, is_kept in kept.items() if not is_kept]


def flat(place: Place, corpora: list[Corpus]) -> list[str]:
    """Print the memory that the kit takes for a small and for a large volume; return the promise if not kept."""
    (contender,) = (each for each in CONTENDERS if each.name == KIT)
    results = []
    for corpus in corpora:
        place.fill(corpus)
        results.append(backed_up(contender, place, corpus))
        place.clear()
    ratios = []
    print(f"\nmemory of {KIT}, {corpora[0].what} and {corpora[1].what}")
    for what, (small, large) in {
        "python alone": [result.alone for result in results],
        "all it starts": [result.together for result in results],
    }.items():
        ratios.append(large / small)
        print(f"  {what:<14}{small / 1e6:>7.1f} MB {large / 1e6:>7.1f} MB, ratio {ratios[-1]:.2f}")
    print(f"  promised at most {FLAT}")
    return ["flat memory"] if max(ratios) > FLAT else []


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
