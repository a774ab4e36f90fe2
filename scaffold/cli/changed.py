"""What a change of a project is going to do, did, and left to the user: as text, as a diff, and as a document."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold.cli import console, impact

if TYPE_CHECKING:
    from scaffold.project.carryover.changes import Change, Kind
    from scaffold.project.existing import Existing
    from scaffold.project.update import Draft

_WORDS: dict[Kind, str] = {"create": "created", "change": "changed", "delete": "deleted", "conflict": "in conflict"}


def unchanged(project: Existing) -> dict[str, Any]:
    """The document of a project in which nothing is to change."""
    return {"changed": False, "conflicts": [], **_identity(project, project.version)}


def _identity(project: Existing, version: str) -> dict[str, Any]:
    return {
        "project": project.answers["project_name"],
        "path": str(project.folder),
        "template": {"source": project.url, "from": project.version, "to": version},
    }


@dataclass(frozen=True, slots=True)
class Report:
    """What is said of a draft."""

    draft: Draft

    def show(self, *, files: bool, diff: bool) -> None:
        """What is going to change, before it does: versions, answers, data; and as asked for, files and lines."""
        from scaffold.catalog import placement

        project, template = self.draft.project, self.draft.template
        step = template.ref if template.ref == project.version else f"{project.version} → {template.ref}"
        console.heading(f"{project.answers['project_name']}  {step}")
        rows = [(key, console.words(value)) for key, value in self.draft.answers.items() if key != placement.KEY]
        rows += placement.lines(self.draft.answers.get(placement.KEY))
        if rows:
            console.table(rows)
        impact.show(self.draft.impact)
        if files:
            self._show_files()
        else:
            self._count_files()
        if diff:
            for change in self.draft.plan.changes:
                for line in self._diff(change):
                    console.say(line)

    def _show_files(self) -> None:
        console.heading(f"files in {self.draft.project.folder}")
        console.table((change.kind, change.path) for change in self.draft.plan.changes)
        self._tell_merges()

    def _count_files(self) -> None:
        console.note(f"files: {self._counts()}")
        for path in self.draft.plan.of("delete"):
            console.note(f"  {path} goes")
        for id in self.draft.impact.services_removed:
            if (self.draft.project.folder / "services" / id / "app").is_dir():
                console.note(f"  services/{id}/app stays: it is yours")

    def tell(self, outcome: Mapping[str, Any] | None) -> None:
        """What was done, what needs the user, and how to go on."""
        draft = self.draft
        if not draft.plan.changes:
            console.note("nothing was changed: every file is as it will be")
            return
        console.note(f"changed {len(draft.plan.changes)} files in {draft.project.folder}: {self._counts()}")
        self._tell_merges()
        for line in (outcome or {}).get("notes", []):
            console.note(f"  {line}")
        console.note("next:")
        for line in self.next_commands(outcome):
            console.say(f"  {line}")

    def next_commands(self, outcome: Mapping[str, Any] | None) -> list[str]:
        """The commands that go on from here."""
        folder = self.draft.project.folder
        lines = [] if folder == Path.cwd() else [f"cd {shlex.quote(str(folder))}"]
        if self.draft.merged.conflicts:
            names = shlex.join(conflict.path for conflict in self.draft.merged.conflicts)
            return [*lines, f"git add {names}", "scaffold update --continue"]
        if outcome is not None and outcome["exit_code"]:
            return [*lines, "python3 ops init"]
        orphans = " --remove-orphans" if self.draft.impact.services_removed else ""
        return [*lines, "git add --all . && git commit", f"docker compose up -d --wait{orphans}"]

    def document(self, outcome: Mapping[str, Any] | None, *, looked: bool) -> dict[str, Any]:
        """All of it for other programs."""
        draft = self.draft
        kinds = {kind: draft.plan.of(kind) for kind in _WORDS}
        return {
            **_identity(draft.project, draft.template.ref),
            "dry_run": looked,
            "changed": bool(draft.plan.changes) and not looked,
            "answers": dict(draft.answers),
            "files": kinds,
            "merged": draft.merged.solved,
            "edited": list(draft.edited),
            "conflicts": [
                {"path": one.path, "lines": list(one.lines), "reasons": list(one.reasons)}
                for one in draft.merged.conflicts
            ],
            "impact": draft.impact.as_dict(),
            "ops": dict(outcome) if outcome is not None else None,
            "next": [] if looked else self.next_commands(outcome),
        }

    def _tell_merges(self) -> None:
        """Where an edit met a change of the template, and what came of it."""
        draft = self.draft
        for path in draft.merged.solved:
            console.note(f"  {path}: your edits and the template's were merged by keys; look at it")
        for path in draft.kept:
            console.note(f"  {path} is no longer part of the template; it stays, since you edited it")
        for conflict in draft.merged.conflicts:
            places = [f"{conflict.path}:{line}" for line in conflict.lines] or [conflict.path]
            console.note(f"conflict: {', '.join(places)}")
            for reason in conflict.reasons:
                console.note(f"  {reason}")

    def _counts(self) -> str:
        counted = [(len(self.draft.plan.of(kind)), word) for kind, word in _WORDS.items()]
        return ", ".join(f"{count} {word}" for count, word in counted if count) or "none"

    def _diff(self, change: Change) -> list[str]:
        import difflib

        old, new = (self.draft.project.folder / change.path, self.draft.scratch / change.path)
        try:
            before, after = (
                path.read_text(encoding="utf-8").splitlines() if path.is_file() else [] for path in (old, new)
            )
        except UnicodeDecodeError:
            return [f"Binary file {change.path} differs"]
        names = (
            f"a/{change.path}" if old.is_file() else "/dev/null",
            f"b/{change.path}" if new.is_file() else "/dev/null",
        )
        return list(difflib.unified_diff(before, after, *names, lineterm=""))
