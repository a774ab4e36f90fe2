"""What a file system can hold comes back as it was, in the same volume and in a new one."""

from __future__ import annotations

import json
import os
from functools import partial
from typing import Any

import pytest

from tests.engine.backup import keeper
from tests.engine.conftest import Make, Run, new_name
from tests.support.running import Project

pytestmark = pytest.mark.engine

MANY = int(os.environ.get("SCAFFOLD_MANY_FILES", "3000"))

FILL = r"""
import os, struct, sys
os.chdir(b"/things")
os.umask(0)
def put(name, content=b"x"):
    with open(name, "wb") as file:
        file.write(content)
# Owners and modes, large numbers too.
for name, owner, mode in [("plain", (999, 999), 0o640), ("setuid", (0, 0), 0o4755), ("setgid", (1, 2), 0o2755),
                          ("nobody", (65534, 65534), 0o000), ("far", (3_000_000_000, 3_000_000_001), 0o604)]:
    put(name, name.encode())
    os.chown(name, *owner)
    os.chmod(name, mode)
os.mkdir("sticky"); os.chmod("sticky", 0o1777)
os.mkdir("group"); os.chown("group", 5, 6); os.chmod("group", 0o2770)
os.mkdir("empty")
os.mkdir("closed"); put("closed/inside"); os.chown("closed", 999, 999); os.chmod("closed", 0o500)
# Links of every kind.
put("first", b"one file, three names"); os.link("first", "second"); os.link("first", "empty/../sticky/third")
os.symlink("nowhere at all", "dangling"); os.symlink("/etc/passwd", "absolute"); os.symlink("../..", "upwards")
os.symlink("x" * 3000, "long link"); os.symlink("sticky", "folder link")
os.chown("dangling", 77, 78, follow_symlinks=False)
os.mkfifo("fifo", 0o622)
# Names.
for name in (b"new\nline", b"tab\t", b"latin-\xe9\xff", b"-rf", b"--checkpoint-action=exec=sh",
             b"back\\slash", b"\\012", b"\xf0\x9f\x90\xb3 whale", b"a" * 255, b" ", b"...", b"'\"$(x)`*?[", b"%s",
             b"lost+found.txt", b"c:", b"~"):
    put(name, name)
put("nothing", b"")
# As deep as a path may be.
at = os.getcwd()
for number in range(38):
    os.mkdir(b"d" * 100); os.chdir(b"d" * 100)
put("bottom", b"deep")
os.chdir(at)
# ACLs: user 1000 may read, and what is made in `shared` inherits; extended attributes; a capability.
def acl(*entries):
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
NONE = 0xFFFFFFFF
access = acl((1, 6, NONE), (2, 4, 1000), (4, 4, NONE), (16, 6, NONE), (32, 0, NONE))
default = acl((1, 7, NONE), (2, 7, 1000), (4, 5, NONE), (16, 7, NONE), (32, 0, NONE))
put("with acl"); os.setxattr("with acl", "system.posix_acl_access", access)
os.mkdir("shared"); os.setxattr("shared", "system.posix_acl_default", default)
mine = acl((1, 7, NONE), (2, 5, 1000), (4, 5, NONE), (16, 5, NONE), (32, 0, NONE))
os.setxattr("shared", "system.posix_acl_access", mine)
put("shared/heir"); os.mkdir("shared/folder")
os.setxattr("plain", "user.note", "café\0\n".encode()); os.setxattr("plain", "user.empty", b"")
os.setxattr("group", "user.folder", b"y" * 1000)
put("ping"); os.chmod("ping", 0o755)
os.setxattr("ping", "security.capability", struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0))
# Holes: mostly hole, all hole, and one far longer than the disk has room for; zeroes that are no hole.
with open("sparse", "wb") as file:
    file.truncate(64 << 20); file.seek(20 << 20); file.write(b"island" * 1000)
with open("hole", "wb") as file:
    file.truncate(1 << 30)
with open("beyond 8 GiB", "wb") as file:
    file.write(b"begin"); file.seek((9 << 30) - 3); file.write(b"end"); file.truncate(200 << 30)
put("zeroes", bytes(1 << 20))
# Many.
os.mkdir("many")
for number in range(MANY):
    put(f"many/{number}", b"%d" % number)
# Times, in nanoseconds, long ago and far ahead; folders last.
for number, (folder, folders, files) in enumerate(list(os.walk(b".", topdown=False))):
    for name in [*files, b"."]:
        os.utime(os.path.join(folder, name), ns=(1, 1_600_000_000_123_456_789 + number), follow_symlinks=False)
os.utime("plain", ns=(0, -1_000_000_000_000_000_001)); os.utime("far", ns=(0, 9_000_000_000_987_654_321))
# The volume's own folder.
os.chown(".", 1234, 4321); os.chmod(".", 0o3771)
os.setxattr(".", "system.posix_acl_default", default); os.setxattr(".", "user.root", b"of the volume")
os.utime(".", ns=(0, 1_500_000_000_000_000_007))
"""

# What a set does not know has to go; what it knows has to come back, whatever stands in its place.
SPOIL = r"""
import os, shutil
os.chdir(b"/things")
for name in ("stale", ".hidden", "many/stale"):
    open(name, "w").write("left over")
os.makedirs("stale folder/deep")
os.symlink("/etc", "stale link")
os.unlink("first"); os.mkdir("first"); open("first/in the way", "w")
shutil.rmtree("shared"); open("shared", "w")
shutil.rmtree("empty"); os.symlink("sticky", "empty")
os.chmod("plain", 0o777); os.removexattr("plain", "user.note"); os.setxattr("plain", "user.stale", b"x")
open("second", "a").write("changed")
os.chmod(".", 0o700); os.chown(".", 0, 0); os.setxattr(".", "user.root", b"another")
os.removexattr(".", "system.posix_acl_default")
"""


def test_everything_comes_back(make: Make, run: Run) -> None:
    project = keeper.project(make)
    project.up("keeper")
    volume = f"{project.name}_things"
    keeper.python(volume, f"MANY = {MANY}\n{FILL}")
    before = keeper.tree(volume)
    assert len(before) > MANY + 80
    made = json.loads(project.ops("backup", "--only", "things", "--json").stdout)
    assert made["items"][0]["method"] == "pause"
    assert made["items"][0]["warnings"] == []
    assert sum(file["size"] for file in made["items"][0]["files"]) < 5 << 20, "holes are not stored"
    project.ops("verify", "--deep", made["set"])

    keeper.python(volume, SPOIL)
    project.ops("restore", made["set"], "--replace")
    assert keeper.tree(volume) == before

    other = run(new_name())
    project.ops("restore", made["set"], "--to-project", other.name)
    assert keeper.tree(f"{other.name}_things") == before


BEFORE = r"""
import os, struct
from typing import Any
os.chdir("/things"); os.umask(0)
for name in ("one/two/file", "one/two/other", "side"):
    os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
    open(name, "w").write("as it was")
os.chown("one", 999, 999); os.chmod("one", 0o2750); os.mkdir("one/empty"); os.symlink("side", "one/link")
os.link("side", "second name"); os.mkfifo("one/fifo")
# A folder that has one, and one in which files that are older have none.
NONE = 0xFFFFFFFF
entries = (1, 7, NONE), (2, 7, 1000), (4, 5, NONE), (16, 7, NONE), (32, 0, NONE)
acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
os.setxattr("one/empty", "system.posix_acl_access", acl); os.setxattr("one/two", "system.posix_acl_default", acl)
"""
CHANGE = r"""
import os, shutil
os.chdir("/things")
for name in ("one/two/file", "one/two/other", "side"):
    open(name, "w").write("changed")
os.unlink("second name"); os.unlink("one/link"); os.rmdir("one/empty"); open("one/new", "w").write("changed")
"""


def restored(project: Project, set: str, *paths: str, ok: bool = True) -> tuple[int, str]:
    """The exit code and what was said, of restoring these paths."""
    chosen = [part for path in paths for part in ("--path", path)]
    done = project.ops("restore", set, "--only", "things", *chosen, ok=ok)
    return done.returncode, done.stderr


def others(tree: dict[str, Any], *names: str) -> dict[str, Any]:
    """All entries but these; a folder's own time changes with what is put into it."""
    left = {name: entry for name, entry in tree.items() if name not in names}
    return {name: {key: value for key, value in entry.items() if key != "mtime"} for name, entry in left.items()}


def test_paths_come_back_and_nothing_else_changes(make: Make) -> None:
    project = keeper.project(make)
    project.up("keeper")
    volume = f"{project.name}_things"
    keeper.python(volume, BEFORE)
    before = keeper.tree(volume)
    set = json.loads(project.ops("backup", "--only", "things", "--json").stdout)["set"]
    keeper.python(volume, CHANGE)
    changed = keeper.tree(volume)

    restore = partial(restored, project, set)
    restore("one/two/file", "./one//link", "one/empty/")
    names = ("./one/two/file", "./one/link", "./one/empty")
    now = keeper.tree(volume)
    assert [now[name] for name in names] == [before[name] for name in names]
    assert others(now, *names) == others(changed, *names)

    # In the archive one of two names is the file, and the other is its second name: alone it would become a name of
    # what the first is now.
    codes = {name: restore(name, ok=False)[0] for name in ("side", "second name")}
    assert sorted(codes.values()) == [0, 2]
    now = keeper.tree(volume)
    for path in ("nowhere", "../etc", "/one", "."):
        assert restore(path, ok=False)[0] == 2, path
    assert keeper.tree(volume) == now
    restore("second name", "side")
    assert keeper.tree(volume)["./side"] == before["./side"]

    # Folders that are gone come back with their owners and modes, and with nothing else in them.
    keeper.python(volume, "import shutil; shutil.rmtree('/things/one')")
    restore("one/two/other")
    tree = keeper.tree(volume)
    assert tree["./one"]["mode"] == before["./one"]["mode"]
    assert tree["./one"]["owner"] == before["./one"]["owner"]
    assert {name for name in tree if name.startswith("./one")} == {"./one", "./one/two", "./one/two/other"}
    # A folder is put back whole: what is not in the set goes.
    keeper.python(volume, "open('/things/one/two/stale', 'w')")
    restore("one")
    assert others(keeper.tree(volume), ".") == others(before, ".")


CROWD = r"""
import os
os.chdir("/things")
for folder in range(60):
    os.makedirs(f"{folder:03}/below")
    for number in range(200):
        with open(f"{folder:03}/below/{number}", "w") as file:
            file.write(f"{folder} {number}" * (number % 7))
open("at the top", "w").write("x" * 70000)
os.makedirs("odd * name\n/x"); open("odd * name\n/x/file", "w").write("odd")
"""


@pytest.mark.parametrize("linked", [False, True], ids=["in two halves", "with a second name"])
def test_what_two_tars_take_comes_back_whole(make: Make, linked: bool) -> None:
    project = keeper.project(make)
    project.up("keeper")
    volume = f"{project.name}_things"
    keeper.python(volume, CROWD)
    if linked:
        keeper.python(volume, "import os; os.link('/things/003/below/3', '/things/050/second name')")
    before = keeper.tree(volume)
    made = json.loads(project.ops("backup", "--only", "things", "--json").stdout)
    project.ops("verify", "--deep", made["set"])
    keeper.python(volume, "import shutil; shutil.rmtree('/things/010'); open('/things/020/stale', 'w')")
    project.ops("restore", made["set"], "--replace")
    assert keeper.tree(volume) == before


def test_what_gets_no_smaller_is_kept_as_it_lies(make: Make) -> None:
    project = keeper.project(make)
    project.up("keeper")
    volume = f"{project.name}_things"
    weights = "for name in 'ab': open(f'/things/{name}', 'wb').write(os.urandom(48 << 20))"
    keeper.python(volume, f"import os\n{weights}\nos.chmod('/things/a', 0o640)")
    before = keeper.tree(volume)
    made = json.loads(project.ops("backup", "--only", "things", "--json").stdout)
    (file,) = made["items"][0]["files"]
    assert (file["path"], file["codec"]) == ("things/content.tar", "none")
    project.ops("verify", "--deep", made["set"])
    keeper.python(volume, "import os; os.remove('/things/a'); open('/things/b', 'w').write('spoilt')")
    project.ops("restore", made["set"], "--replace")
    assert keeper.tree(volume) == before
