"""Where volumes live: how it is written, and what the template's rules take and refuse."""

from __future__ import annotations

from typing import Any

import pytest

from scaffold.catalog import entry, placement
from scaffold.catalog.index import Catalog, load
from scaffold.catalog.resolve import Rendering, resolve
from scaffold.errors import ScaffoldError
from tools.examples import ROOT

DISK = "block:device=/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0a1b2c"
NFS = "nfs:server=10.0.0.5,export=/srv/ml"
SERVICES = ["flask", "mlflow", "postgres", "redis", "chroma", "ollama"]


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load(ROOT)


def answered(*places: str, services: list[str] = SERVICES) -> dict[str, Any]:
    own = {"mlflow_runs": "own", "mlflow_files": "own"}
    return {"project_name": "my-rag", "services": services, **own, "placement": placement.from_flags(places)}


def options(catalog: Catalog, place: str, volume: str = "user_uploads") -> dict[str, str]:
    """What Compose is told of one volume."""
    answers = answered(f"{volume}={place}")
    stack = resolve(catalog, answers)
    placement.check(stack, answers)
    found: dict[str, str] = next(one["options"] for one in stack["volumes"] if one["name"] == volume)
    return found


def refused(catalog: Catalog, answers: dict[str, Any]) -> ScaffoldError:
    with pytest.raises(ScaffoldError) as caught:
        placement.check(resolve(catalog, answers), answers)
    return caught.value


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (NFS, {"type": "nfs", "o": "addr=10.0.0.5,nfsvers=4", "device": ":/srv/ml/my-rag/user_uploads"}),
        (
            "nfs:server=nas.example.org,export=/,option=nfsvers=4.1,option=hard,option=timeo=600",
            {"type": "nfs", "o": "addr=nas.example.org,nfsvers=4.1,hard,timeo=600", "device": ":/my-rag/user_uploads"},
        ),
        # The engine passes addr= to the kernel as it is, and that knows no brackets.
        (
            "nfs:server=[fd00::5],export=/srv,folder=data/images",
            {"type": "nfs", "o": "addr=fd00::5,nfsvers=4", "device": ":/srv/data/images"},
        ),
        (DISK, {"type": "ext4", "device": "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0a1b2c"}),
        (
            "block:device=/dev/disk/by-uuid/0b5c-77,type=xfs",
            {"type": "xfs", "device": "/dev/disk/by-uuid/0b5c-77"},
        ),
        ("local", {}),
    ],
)
def test_what_compose_is_told(catalog: Catalog, place: str, expected: dict[str, str]) -> None:
    assert options(catalog, place) == expected


def test_a_cache_in_memory_belongs_to_who_runs_our_images(catalog: Catalog) -> None:
    told = {"type": "tmpfs", "o": "size=4g,uid=10001,gid=10001,mode=0755", "device": "tmpfs"}
    assert options(catalog, "tmpfs:size=4g", "ollama_models") == told
    told["o"] = "size=512m,uid=10001,gid=10001,mode=1777"
    assert options(catalog, "tmpfs:size=512m,mode=1777", "ollama_models") == told


def test_a_class_is_every_volume_of_it_but_those_that_have_a_place_of_their_own(catalog: Catalog) -> None:
    answers = answered(f"class:artifacts={NFS}", f"class:files={NFS}", "user_uploads=local")
    stack = resolve(catalog, answers)
    placement.check(stack, answers)
    placed = {one["name"]: one["options"].get("device") for one in stack["volumes"] if one["options"]}
    assert placed == {"mlflow_artifacts": ":/srv/ml/my-rag/mlflow_artifacts"}
    assert {one["name"] for one in stack["volumes"] if one["where"]} == set(placed)


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("cloud:size=3", "no driver `cloud`"),
        ("local:size=3", "local has no `size`"),
        ("nfs:server=10.0.0.5", "needs `export`"),
        ("nfs:export=/srv", "needs `server`"),
        ("block", "needs `device`"),
        ("nfs:server=10.0.0.5,export=/srv,device=/x", "nfs has no `device`"),
        *[
            (f"nfs:server={server},export=/srv", "is no server")
            for server in (
                "999.0.0.1", "10.0.0", "nas:/x", "-nas", "nas-", "nas/x", "na s", "a..b", "[fd00", "fd00::5",
                "[10.0.0.5]", "nas;x", "${NAS}", "nas\n",
            )
        ],
        *[
            (f"nfs:server=nas,export={export}", "is no export")
            for export in ("srv", "/srv/", "/srv/../etc", "/srv/..", "//srv", "/s:x", "/s x", "/$X", "/srv\n", "/./x")
        ],
        *[
            (f"nfs:server=nas,export=/srv,folder={folder}", "is no folder")
            for folder in ("/x", "../x", "x/..", "x:y", "")
        ],
        *[
            (f"nfs:server=nas,export=/srv,option={option}", "is no option to choose")
            for option in ("addr=10.6.6.6", "soft", "hard=1", "timeo", "timeo=x", "clientaddr=1.1.1.1", "nfsvers=5", "")
        ],
        ("nfs:server=nas,export=/srv,option=timeo=1,option=timeo=2", "stands twice"),
        *[
            (f"block:device={device}", "is no device")
            for device in ("/dev/sdb", "/dev/nvme1n1p1", "/dev/disk/by-path/x", "/dev/disk/by-id/../../sda", "/etc",
                           "/dev/disk/by-id/", "/dev/disk/by-id/x\n")
        ],
        (f"{DISK},type=btrfs", "is no type"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_itself(catalog: Catalog, place: str, why: str) -> None:
    error = refused(catalog, answered(f"user_uploads={place}"))
    assert why in error.what
    assert "user_uploads" in error.what
    assert error.fix


@pytest.mark.parametrize("size", ["0", "4gb", "-1", "50%", "4 g", "", "4g,mode=0777,uid=0"])
def test_sizes_of_memory(catalog: Catalog, size: str) -> None:
    answers = answered()
    answers["placement"] = {"volumes": {"ollama_models": {"driver": "tmpfs", "size": size}}}
    assert "is no size" in refused(catalog, answers).what


@pytest.mark.parametrize(
    ("place", "why"),
    [
        (f"postgres_data={NFS}", "fsync"),
        (f"class:database={NFS}", "fsync"),
        (f"class:index={NFS}", "fsync"),
        (f"mlflow_data={NFS}", "fsync"),
        (f"chroma_data={NFS}", "fsync"),
        # A queue, and Redis all the same.
        (f"redis_data={NFS}", "redis-rdb"),
        (f"class:queue={NFS}", "redis-rdb"),
        ("user_uploads=tmpfs:size=1g", "forgets"),
        ("redis_data=tmpfs:size=1g", "forgets"),
        ("class:logs=tmpfs:size=1g", "forgets"),
        (f"class:artifacts={DISK}", "one folder"),
        (f"class:files={NFS},folder=x", "one folder"),
    ],
)
def test_what_cannot_live_there(catalog: Catalog, place: str, why: str) -> None:
    error = refused(catalog, answered(place))
    assert "live" in error.what or "one volume" in error.what
    assert why in error.why
    assert error.fix


@pytest.mark.parametrize("place", [DISK, f"{NFS},folder=same"])
def test_one_place_holds_one_volume(catalog: Catalog, place: str) -> None:
    error = refused(catalog, answered(f"user_uploads={place}", f"mlflow_artifacts={place}"))
    assert "one place" in error.what
    assert "`user_uploads`" in error.what
    assert "`mlflow_artifacts`" in error.what


def test_names_that_are_not_there_unless_they_are_recorded(catalog: Catalog) -> None:
    assert "no volume `user_upload`" in refused(catalog, answered("user_upload=local")).what
    recorded = {"volumes": {"user_upload": {"driver": "local"}}}
    given = answered("user_upload=local")
    placement.check(resolve(catalog, given), given, recorded)
    assert "no class `weights`" in refused(catalog, answered(f"class:weights={NFS}")).what


def test_a_volume_of_no_service_that_is_chosen_may_be_placed(catalog: Catalog) -> None:
    answers = answered(f"mlflow_artifacts={NFS}", services=["redis"])
    placement.check(resolve(catalog, answers), answers)
    answers = answered(f"mongo_data={NFS}", services=["redis"])
    assert "fsync" in refused(catalog, answers).why


@pytest.mark.parametrize(
    "answer",
    [
        "nfs", ["x"], 3, {"volume": {}}, {"volumes": "x"}, {"classes": ["files"]}, {"volumes": {"user_uploads": None}},
        {"volumes": {"user_uploads": "nfs"}}, {"volumes": {"user_uploads": {}}},
        {"volumes": {"user_uploads": {"driver": ["nfs"]}}}, {"classes": {"files": {"driver": None}}},
        {"volumes": {"user_uploads": {"driver": "nfs", "server": 10, "export": "/srv"}}},
        {"volumes": {"user_uploads": {"driver": "nfs", "server": "nas", "export": {"a": 1}}}},
        {"volumes": {"user_uploads": {"driver": "nfs", "server": "nas", "export": "/srv", "options": "hard,addr=x"}}},
        {"volumes": {"user_uploads": {"driver": "nfs", "server": "nas", "export": "/srv", "options": {"hard": 1}}}},
        {"volumes": {"user_uploads": {"driver": "nfs", "server": "nas", "export": "/srv", "options": [1, None]}}},
        {"volumes": {"ollama_models": {"driver": "tmpfs", "size": "1g", "mode": 493}}},
    ],
)  # fmt: skip
def test_answers_of_another_shape_are_refused_not_ignored(catalog: Catalog, answer: object) -> None:
    assert refused(catalog, {**answered(), "placement": answer}).what


def test_flags_and_back() -> None:
    for text in ("local", NFS, DISK, f"{NFS},option=hard,option=timeo=600", "tmpfs:size=1g,mode=0750"):
        assert placement.written(placement.parse(text)) == text
    assert placement.from_flags([f"class:files={NFS}", f"a={DISK}"]) == {
        "classes": {"files": {"driver": "nfs", "server": "10.0.0.5", "export": "/srv/ml"}},
        "volumes": {"a": {"driver": "block", "device": "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0a1b2c"}},
    }


@pytest.mark.parametrize(
    "pair",
    [
        "x",
        "=local",
        "x=nfs:server",
        "x=nfs:=1",
        "x=nfs:server=a,server=b",
        "x=nfs:options=hard",
        "x=nfs:",
        "x=nfs:a=1,",
        "x=block:device=/dev/disk/by-id/x,y",
    ],
)
def test_flags_that_cannot_be_read(pair: str) -> None:
    with pytest.raises(ScaffoldError) as caught:
        placement.from_flags([pair])
    assert caught.value.fix


def test_a_volume_is_placed_once() -> None:
    with pytest.raises(ScaffoldError, match="twice"):
        placement.from_flags(["x=local", "x=local"])


def test_a_place_is_taken_whole() -> None:
    recorded = {"volumes": {"a": {"driver": "nfs", "server": "old", "export": "/x"}, "b": {"driver": "local"}}}
    merged = placement.merged(recorded, placement.from_flags(["a=tmpfs:size=1g", f"class:files={NFS}"]))
    assert merged["volumes"] == {"a": {"driver": "tmpfs", "size": "1g"}, "b": {"driver": "local"}}
    assert list(merged) == ["classes", "volumes"]
    assert placement.merged(None, {}) == {}


def test_the_classes_are_the_catalogues(catalog: Catalog) -> None:
    text = "{% from 'templates/lib/placement.jinja' import classes %}{{ classes | join(' ') }}"
    template = Rendering(catalog)._environment.from_string(text)
    assert template.render().split() == list(entry.CLASSES)


def test_a_template_that_places_nothing_says_so() -> None:
    with pytest.raises(ScaffoldError, match="cannot place"):
        placement.check({"volumes": []}, answered(f"user_uploads={NFS}"))
    placement.check({"volumes": []}, {"services": []})


def stack(**volumes: dict[str, str]) -> dict[str, Any]:
    return {"volumes": [{"name": name, "options": told, "where": str(told)} for name, told in volumes.items()]}


def test_what_moves() -> None:
    nfs, other = {"type": "nfs", "device": ":/a"}, {"type": "nfs", "device": ":/b"}
    moved = placement.moved
    assert [one.volume for one in moved(stack(a={}), stack(a=nfs), {"a": {}})] == ["a"]
    assert [one.volume for one in moved(stack(a=nfs), stack(a={}), {"a": {"driver_opts": nfs}})] == ["a"]
    assert [one.volume for one in moved(stack(a=nfs), stack(a=other), {"a": {"driver_opts": nfs}})] == ["a"]
    # One that was retired, and is declared by its user still.
    assert [one.volume for one in moved(stack(), stack(a=nfs), {"a": {}})] == ["a"]


def test_what_stays() -> None:
    nfs = {"type": "nfs", "device": ":/a"}
    moved = placement.moved
    assert moved(stack(), stack(a=nfs), {}) == []
    assert moved(stack(a=nfs), stack(a=nfs), {"a": {"driver_opts": nfs}}) == []
    # The user's own words in compose.yaml are the user's.
    assert moved(stack(a=nfs), stack(a=nfs), {"a": {"driver_opts": {**nfs, "o": "mine"}}}) == []
    assert moved(stack(a={}), stack(a={}), {"a": {"driver_opts": nfs}}) == []
    # Recorded late what was written by hand before.
    assert moved(stack(a={}), stack(a=nfs), {"a": {"driver_opts": nfs}}) == []
    # A template before this one.
    old = {"volumes": [{"name": "a"}]}
    assert moved(old, stack(a={}), {"a": {}}) == []
