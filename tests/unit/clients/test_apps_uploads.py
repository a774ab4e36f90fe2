"""Uploads through both web applications, over HTTP: they behave alike, so every test runs with each."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.unit.clients.helpers import APPS, Place, Site

MEGABYTE = 1024 * 1024


@pytest.fixture(scope="module", params=APPS)
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An application that is linked to nothing and takes one megabyte. The tests share it, with names of their own."""
    with Place(tmp_path_factory.mktemp("unlinked")).serve(request.param) as site:
        yield site


@pytest.fixture
def uploads(site: Site) -> Path:
    return site.log.parent / "uploads"


@pytest.mark.parametrize("name", ["", ".", "..", "...", "/", "../..", "_", "日本語", "\\\\", "x" * 256])
def test_a_name_that_no_file_can_have_is_refused(site: Site, uploads: Path, name: str) -> None:
    before = sorted(uploads.iterdir())
    assert site.upload(name, b"x").status == 400
    assert sorted(uploads.iterdir()) == before


def test_what_is_no_form_with_a_file_is_refused(site: Site) -> None:
    assert site.upload("a.txt", b"x", field="other").status == 400
    assert site.post("/uploads", {"file": "a.txt"}).status == 400
    text = b'--m\r\nContent-Disposition: form-data; name="file"\r\n\r\njust text\r\n--m--\r\n'
    assert site.send("POST", "/uploads", text, {"Content-Type": "multipart/form-data; boundary=m"}).status == 400
    assert site.send("POST", "/uploads", b"", {"Content-Type": "multipart/form-data"}).status == 400
    assert site.send("POST", "/uploads", b"file=x", {"Content-Type": "application/x-www-form-urlencoded"}).status == 400
    assert site.send("POST", "/uploads").status == 400


@pytest.mark.parametrize("chunked", [False, True])
def test_what_is_too_large_is_refused_and_leaves_nothing(site: Site, uploads: Path, chunked: bool) -> None:
    """Also when the request does not say how long it is."""
    before = sorted(uploads.iterdir())
    assert site.upload("big.bin", b"x" * (MEGABYTE + 1), chunked=chunked).status == 413
    assert site.upload("big.bin", b"x" * (5 * MEGABYTE), chunked=chunked).status == 413
    assert sorted(uploads.iterdir()) == before
    assert site.upload(f"fits-{chunked}.bin", b"x" * (MEGABYTE - 1000), chunked=chunked).status == 201
    assert (uploads / f"fits-{chunked}.bin").stat().st_size == MEGABYTE - 1000


@pytest.mark.parametrize(
    "path",
    [
        "/uploads/..%2f..%2fetc%2fpasswd",
        "/uploads/../../etc/passwd",
        "/uploads/%2e%2e",
        "/uploads/..",
        "/uploads/.x.part",
        "/uploads/absent",
        "/uploads/a%00b",
        "/uploads/" + "a" * 300,
        "/uploads/%2fetc%2fpasswd",
    ],
)
def test_nothing_but_uploads_can_be_downloaded(site: Site, uploads: Path, path: str) -> None:
    (uploads / ".x.part").write_text("half of a file")
    assert site.get(path).status == 404
    (uploads / ".x.part").unlink()


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd", "etc_passwd"),
        (".hidden", "hidden"),
        ("café.txt", "cafe.txt"),
        ("two words  and\ttab.txt", "two_words_and_tab.txt"),
        ("a;b&c<d>.html", "abcd.html"),
        ("-rf", "-rf"),
        ("Ⅷ ﬁle.txt", "VIII_file.txt"),
        ("__init__.py_", "init__.py"),
    ],
)
def test_names_become_plain(site: Site, uploads: Path, sent: str, kept: str) -> None:
    answer = site.upload(sent, b"content")
    assert answer.status == 201
    assert answer.json == {"name": kept, "size": 7, "url": f"/uploads/{kept}"}
    assert site.get(answer.json["url"]).body == b"content"
    assert (uploads / kept).stat().st_mode & 0o777 == 0o644


def test_a_name_that_is_taken_is_never_replaced(site: Site) -> None:
    assert site.upload("page.html", b"<script>").status == 201
    assert site.upload("page.html", b"other").status == 409
    assert site.upload("/page.html", b"other").status == 409
    answer = site.get("/uploads/page.html")
    assert (answer.status, answer.body) == (200, b"<script>")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert {"name": "page.html", "size": 8} in site.get("/uploads").json["files"]


def test_of_many_at_once_with_one_name_exactly_one_is_kept(site: Site, uploads: Path) -> None:
    contents = [bytes([65 + number]) * 300_000 for number in range(12)]
    with ThreadPoolExecutor(len(contents)) as pool:
        answers = list(pool.map(lambda content: site.upload("one.bin", content).status, contents))
    assert sorted(answers) == [201] + [409] * 11
    assert (uploads / "one.bin").read_bytes() == contents[answers.index(201)]
    assert [path.name for path in uploads.iterdir() if path.name.startswith(".")] == []


def test_files_that_are_being_written_are_not_listed(site: Site, uploads: Path) -> None:
    (uploads / ".half.part").write_text("x")
    assert not any(file["name"].startswith(".") for file in site.get("/uploads").json["files"])
    (uploads / ".half.part").unlink()


def test_what_is_not_linked_has_no_pages(site: Site) -> None:
    """And none of its code: such a project has neither `clients.documents` nor its libraries."""
    assert site.get("/health").json == {"status": "ok"}
    assert (site.get("/links").status, site.get("/links").json) == (200, {})
    assert site.get("/search?q=words").status == 404
    assert site.post("/ask", {"question": "words"}).status == 404
    assert site.post("/chat", {"messages": [{"role": "user", "content": "hello"}]}).status == 404
    assert not list(site.log.parent.glob("clients/*[!_].py"))


def test_the_log_has_no_traceback(site: Site) -> None:
    assert "Traceback" not in site.log.read_text()
