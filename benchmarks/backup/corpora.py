"""What is backed up: what each corpus is made of, and what is promised for it."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Corpus:
    """The content of one volume. `fill` are the arguments of fill.py, `size` about what that comes to."""

    name: str
    what: str
    kind: str  # the class of the volume
    fill: tuple[str, ...]
    size: int
    promise: float = 0  # how many times faster than the usual recipe


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large everything is."""

    weights: tuple[int, int]  # files, MiB each
    database: int  # MiB of SQLite, and as much again of JSON lines
    files: int
    memory: tuple[int, int]  # MiB of the two volumes between which memory must not grow

    def measured(self) -> list[Corpus]:
        """The three corpora on which everybody is measured."""
        count, each = self.weights
        return [
            Corpus("weights", f"{count} files of {each} MiB, random bytes", "artifacts",
                   ("weights", str(count), str(each)), count * each * MIB, 8),
            Corpus("database", f"SQLite and JSON lines, {self.database} MiB each", "files",
                   ("database", str(self.database)), 2 * self.database * MIB, 4),
            Corpus("files", f"{self.files} JSON files in folders of 100", "files",
                   ("files", str(self.files)), self.files * 4096, 4),
        ]  # fmt: skip

    def for_memory(self) -> list[Corpus]:
        """A small and a large volume of random bytes."""
        return [
            Corpus(name, f"{size} MiB", "artifacts", ("weights", "1", str(size)), size * MIB)
            for name, size in zip(("small", "large"), self.memory, strict=True)
        ]

    def disk(self) -> int:
        """Bytes that are needed at once: everybody's output for one corpus, or the kit's for the large volume."""
        corpora = [corpus.size for corpus in self.measured()]
        large = self.memory[1] * MIB
        return sum(corpora) + max(6 * max(corpora), 3 * large) + (1 << 30)


FULL = Sizes((8, 128), 516, 100_000, (100, 4096))
QUICK = Sizes((2, 64), 64, 10_000, (100, 512))
