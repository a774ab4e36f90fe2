"""The three-way merge itself: blocks part by part, down to single values."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from scaffold.compose.tree import NULL, Block, Data, Id, Part, Path, Scalar, is_blank, numbered

# Tables to which users add lines of their own. Where the template drops one whole, the user's lines stay; a service
# that lost its image under the user's additions would be no service.
_TABLES = frozenset(
    {"configs", "depends_on", "environment", "include", "labels", "networks", "ports", "secrets", "volumes"}
)


@dataclass(frozen=True, slots=True)
class Conflict:
    """One place where the template's change does not fit the user's: `line` is 1-based in ours."""

    path: Path
    line: int
    why: str


@dataclass(slots=True)
class Run:
    """What is found on the way: conflicts, and lines of ours in which a value was put."""

    conflicts: list[Conflict] = field(default_factory=list)
    rewritten: list[str] = field(default_factory=list)

    def conflict(self, path: Path, line: int, why: str) -> None:
        """Notes a conflict; `line` counts from 0, as parts do."""
        self.conflicts.append(Conflict(path, line + 1, why))


@dataclass(frozen=True, slots=True)
class Three:
    """The three versions of one block."""

    base: Block
    ours: Block
    theirs: Block

    def shift(self, block: Block) -> int:
        """How far lines of `block` move to stand in ours."""
        return self.ours.indent - block.indent


def blocks(run: Run, three: Three, path: Path, line: int) -> Block:
    """Merges a block that begins at `line` of ours. Conflicts go to `run`, and then the result is of no use."""
    old, mine, new = (block.by_id() for block in (three.base, three.ours, three.theirs))
    _check_items(run, three, path, line)
    for id, part in old.items():
        if id in mine and id not in new:
            _check_dropped(run, three, (part, mine[id]), new, path)
        elif id in new and id not in mine and id[0] == "key" and part.data != new[id].data:
            run.conflict((*path, id[1]), line, "you removed it, the template changed it")
    parts = []
    for id in weave([*old], [*mine], [*new]):
        if id in mine and id in new:
            parts.append(_both(run, three, (old.get(id), mine[id], new[id]), (*path, id[1])))
        else:
            parts.append(mine[id] if id in mine else _moved(new[id], three.shift(three.theirs)))
    merged = replace(three.ours, parts=_spaced(parts, three))
    if not any(part.id[0] != "comment" for part in parts):
        run.conflict(path, line, "nothing would be left of it")
    return merged


def weave(base: list[Id], ours: list[Id], theirs: list[Id]) -> list[Id]:
    """Ours in its order, without what theirs dropped, and with what theirs added after what it follows there."""
    result = [id for id in ours if id not in base or id in theirs]
    for number, id in enumerate(theirs):
        if id in base or id in result:
            continue
        before = next((result.index(near) + 1 for near in reversed(theirs[:number]) if near in result), None)
        after = next((result.index(near) for near in theirs[number + 1 :] if near in result), len(result))
        result.insert(after if before is None else before, id)
    return result


def _check_items(run: Run, three: Three, path: Path, line: int) -> None:
    """Conflicts where both sides dropped an item and put something else in its place, or one of them did."""
    base, ours, theirs = ([part.id for part in block.parts] for block in (three.base, three.ours, three.theirs))
    for number, id in enumerate(base):
        if id[0] != "item" or id in ours or id in theirs:
            continue
        mine, new = (_instead(base, number, side) for side in (ours, theirs))
        if mine != new:
            place = three.ours.by_id()[mine[0]].line if mine else line
            index = [id for id in ours if id[0] == "item"].index(mine[0]) if mine else len(ours)
            run.conflict((*path, index), place, "you and the template both changed this item")


def _instead(base: list[Id], number: int, side: list[Id]) -> list[Id]:
    """The items that `side` has where base has its item `number`."""
    start = next((side.index(id) + 1 for id in reversed(base[:number]) if id in side), 0)
    end = next((side.index(id) for id in base[number:] if id in side), len(side))
    return [id for id in side[start:end] if id not in base and id[0] == "item"]


def _check_dropped(run: Run, three: Three, parts: tuple[Part, Part], new: dict[Id, Part], path: Path) -> None:
    """Theirs dropped a part: fine if the user left it alone, and a table keeps the user's own lines."""
    old, mine = parts
    if _same([*old.lead, *old.body], three.shift(three.base), [*mine.lead, *mine.body]):
        return
    if old.id[1] in _TABLES and old.inner and mine.inner and old.inner.kind == mine.inner.kind:
        left = replace(old.inner, parts=[part for part in old.inner.parts if part.is_comment])
        new[old.id] = replace(old, data=None, body=[], scalar=None, inner=left)
    else:
        run.conflict((*path, old.id[1]), mine.line, "you changed it, the template removed it")


def _spaced(parts: list[Part], three: Three) -> list[Part]:
    """Parts with the blank lines below each: the user's, unless the template alone changed them."""
    # What is below a block's last part depends on what follows the block, and says nothing about the part.
    known = [{part.id: part.trail for part in block.parts[:-1]} for block in (three.base, three.ours, three.theirs)]
    last = three.ours.parts[-1].trail
    result: list[Part] = []
    for part in parts:
        old, mine, new = (trails.get(part.id) for trails in known)
        if mine is None or (mine == old and new is not None):
            mine = new
        if mine is None:
            mine = result[-1].trail if result else []
        result.append(replace(part, trail=mine))
    if result:
        result[-1] = replace(result[-1], trail=last)
    return result


def _both(run: Run, three: Three, parts: tuple[Part | None, Part, Part], path: Path) -> Part:
    """A part that ours and theirs have."""
    old, mine, new = parts
    new = _moved(new, three.shift(three.theirs))
    old = old and _moved(old, three.shift(three.base))
    lead = _lead(old.lead if old else [], mine.lead, new.lead)
    if old and _same(old.body, 0, mine.body):
        return replace(new, lead=lead)
    if _same(mine.body, 0, new.body) or (old and _same(old.body, 0, new.body)):
        return replace(mine, lead=lead)
    if inner := _inner(old, mine, new):
        merged = blocks(run, inner, path, mine.line)
        if mine.inner and mine.inner.flow:
            return replace(_rewritten_list(run, mine, merged, path), lead=lead)
        return replace(mine, lead=lead, data=merged.data(), body=[_head(old, mine, new), *merged.lines()])
    return replace(_value(run, old, mine, new, path), lead=lead)


def _moved(part: Part, by: int) -> Part:
    return replace(part, lead=_shift(part.lead, by), body=_shift(part.body, by))


def _shift(lines: list[str], by: int) -> list[str]:
    if by >= 0:
        return [line if is_blank(line) else " " * by + line for line in lines]
    return [line[min(-by, len(line) - len(line.lstrip(" "))) :] for line in lines]


def _same(one: list[str], by: int, other: list[str]) -> bool:
    """Whether lines are the same but for blank ones and the depth of the whole."""
    return [line for line in _shift(one, by) if not is_blank(line)] == [line for line in other if not is_blank(line)]


def _lead(base: list[str], ours: list[str], theirs: list[str]) -> list[str]:
    """The comment lines above a part: the template's changes, and every line of the user's."""
    if ours == base:
        return theirs
    ids = [numbered([("comment", line.strip(), 0) for line in lines]) for lines in (base, ours, theirs)]
    texts = dict(zip(ids[2], theirs, strict=True)) | dict(zip(ids[1], ours, strict=True))
    return [texts[id] for id in weave(*ids)]


def _head(old: Part | None, mine: Part, new: Part) -> str:
    """The line of the key above a block: the template's, if it alone changed the comment there."""
    changed = old and old.body[0] == mine.body[0] and new.body and new.inner and not new.inner.flow
    return new.body[0] if changed else mine.body[0]


def _inner(old: Part | None, mine: Part, new: Part) -> Three | None:
    """The blocks to go down into, if the values are blocks of one kind."""
    if not mine.inner or not new.inner or mine.inner.kind != new.inner.kind:
        return None
    if old is None or old.data == NULL:
        return Three(Block(mine.inner.kind, mine.inner.indent), mine.inner, new.inner)
    if not old.inner or old.inner.kind != mine.inner.kind:
        return None
    return Three(old.inner, mine.inner, new.inner)


def _rewritten_list(run: Run, mine: Part, merged: Block, path: Path) -> Part:
    """A list that the user keeps between brackets on one line, with its new items."""
    items = [part for part in merged.parts if part.id[0] == "item"]
    if mine.scalar is None or not all(part.scalar for part in items):
        run.conflict(path, mine.line, "an item of several lines does not fit between your brackets")
        return mine
    run.rewritten += mine.body
    text = ", ".join(_in_brackets(part) for part in items)
    return replace(mine, data=merged.data(), body=[f"{mine.scalar.before}[{text}]{mine.scalar.after}"])


def _in_brackets(part: Part) -> str:
    text = part.scalar.text if part.scalar else ""
    risky = not text.startswith(('"', "'")) and any(character in text for character in ",[]{}")
    return f'"{text}"' if risky and '"' not in text and "\\" not in text else text


def _value(run: Run, old: Part | None, mine: Part, new: Part, path: Path) -> Part:
    """A single value, which ours and theirs write differently."""
    if mine.data == new.data or (old and old.data == new.data):
        return mine
    if old is None:
        run.conflict(path, mine.line, "you and the template both added it, with different values")
    elif old.data != mine.data:
        run.conflict(path, mine.line, "you and the template both changed it")
    elif mine.scalar is None or new.scalar is None:
        run.conflict(path, mine.line, "you changed how it is written, the template changed its value")
    else:
        after = mine.scalar.after
        if old.scalar and old.scalar.after == after:
            after = new.scalar.after
        run.rewritten += mine.body
        return replace(new, body=[mine.scalar.before + _quoted(mine.scalar, new.scalar, new.data) + after])
    return mine


def _quoted(mine: Scalar, new: Scalar, data: Data) -> str:
    """The template's value between the user's quotes, where no character stands in the way."""
    quote = mine.text[0]
    plain = data[0].endswith(":str") and new.text[0] not in "'\"" and not set(new.text) & set("'\"\\")
    return f"{quote}{new.text}{quote}" if quote in "'\"" and plain else new.text
