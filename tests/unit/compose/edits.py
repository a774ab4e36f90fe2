"""What users and templates do to the rendered files: each edit replaces one piece of text that is there once."""

from __future__ import annotations

from dataclasses import dataclass

from tools.examples import ROOT

FLASK = "rag/services/flask/compose.yaml"
POSTGRES = "rag/services/postgres/compose.yaml"
PROJECT = "rag/compose.yaml"


@dataclass(frozen=True)
class Edit:
    """`old` becomes `new`."""

    name: str
    old: str
    new: str

    def __call__(self, text: str) -> str:
        assert self.fits(text), f"{self.name}: {self.old!r} is there {text.count(self.old)} times"
        return text.replace(self.old, self.new)

    def fits(self, text: str) -> bool:
        return text.count(self.old) == 1


def after(name: str, line: str, *lines: str) -> Edit:
    return Edit(name, line, "\n".join([line, *lines]))


def rendered(name: str) -> str:
    return (ROOT / "examples" / name).read_text()


_UPLOADS = "      UPLOADS_DIR: /data/uploads\n"
_MOUNTS = "      # your own mounts below this line"
_VARIABLES = "      # your own variables below this line"
_HEALTH = "http://127.0.0.1:8000/health"
_PORT = "      - 127.0.0.1:${FLASK_PORT:-8000}:8000"
_INIT = "    init: true\n"
_DATABASE = "      POSTGRES_DB: app\n"

USERS: dict[str, list[Edit]] = {
    FLASK: [
        Edit("comment above a key", _INIT, "    # zombies\n" + _INIT),
        Edit("comment above the last variable", _DATABASE, "      # which one\n" + _DATABASE),
        Edit("comment on a line", _DATABASE, _DATABASE.rstrip() + "  # ours\n"),
        Edit("comment on a key", "    environment:\n", "    environment: # see wiki\n"),
        Edit("comment at the very end", "unless-stopped\n", "unless-stopped\n# the end\n"),
        after("variable below the line", _VARIABLES, "      MINE: '1'"),
        after("variable and comment below the line", _VARIABLES, "      # why", "      OTHER: '1' # so", ""),
        Edit("variable above the line", _VARIABLES, "      THIRD: '1'\n" + _VARIABLES),
        Edit("variable first", _UPLOADS, "      FIRST: '1'\n" + _UPLOADS),
        Edit("service of one's own", "unless-stopped\n", "unless-stopped\n\n  mine:\n    image: me:1\n"),
        Edit("port changed", _PORT, "      - 0.0.0.0:80:8000"),
        after(
            "mount below the line",
            "      # your own mounts below this line",
            "      # big disk",
            "      - /big:/big:ro",
        ),
        Edit("mount above the line", "      # your own mounts", "      - /srv:/srv:ro\n      # your own mounts"),
        Edit("key deleted", _INIT, ""),
        Edit("variable deleted", _DATABASE, ""),
        Edit("value quoted", _DATABASE, "      POSTGRES_DB: 'app'\n"),
        Edit("value changed", _DATABASE, "      POSTGRES_DB: shop\n"),
        Edit(
            "variables in another order",
            "      POSTGRES_HOST: postgres\n      POSTGRES_USER: app\n",
            "      POSTGRES_USER: app\n      POSTGRES_HOST: postgres\n",
        ),
        Edit("health check slower", "      interval: 10s\n", "      interval: 60s # laptop\n"),
        Edit("key of one's own", _INIT, _INIT + "    mem_limit: 1g\n"),
        Edit("line removed", "      # your own secrets below this line\n", ""),
    ],
    POSTGRES: [
        Edit("image changed", "postgres:18-trixie", "pgvector/pgvector:pg18"),
        Edit("image quoted", "image: postgres:18-trixie", 'image: "postgres:18-trixie"  # pinned'),
        Edit(
            "list in brackets", "    secrets:\n      - postgres_password\n", "    secrets: [postgres_password] # one\n"
        ),
        Edit("secret added", "      - postgres_password\n", "      - postgres_password\n      - mine\n"),
        Edit("comment added", "    shm_size: 256mb", "    # measured\n    shm_size: 256mb"),
        after("variable added", _VARIABLES, "      POSTGRES_INITDB_ARGS: --data-checksums"),
        Edit("port deleted", "      - 127.0.0.1:${POSTGRES_PORT:-5432}:5432\n", ""),
    ],
    PROJECT: [
        after("include below the line", "  # your own includes below this line", "  - my/own/compose.yaml # my own"),
        Edit("include above the line", "  # your own includes", "  - mine/compose.yaml\n  # your own includes"),
        after("volume below the line", "  # your own volumes below this line", "", "  # More", "  my_more:"),
        Edit("volume above the line", "  # your own volumes", "  # Mine\n  my_data:\n\n  # your own volumes"),
        Edit("driver of a volume", "  chroma_data:\n\n  # GGUF", "  chroma_data:\n    driver: local\n\n  # GGUF"),
        after("secret of one's own", "  # your own secrets below this line", "  mine:", "    file: /etc/mine"),
        Edit("comment on an include", "llama-cpp/compose.yaml", "llama-cpp/compose.yaml # slow"),
        Edit("comment at the top", "name: rag", "# Our team's.\nname: rag"),
        Edit("include deleted", "  - services/llama-cpp/compose.yaml\n", ""),
        Edit("name changed", "name: rag", "name: ours"),
        Edit("note below the includes", "\nvolumes:\n  # Files", "# note\n\nvolumes:\n  # Files"),
    ],
}

_MORE = "  - services/llama-cpp/compose.yaml\n"
_CHROMA = "  # Chroma collections: documents, metadata and vectors\n  chroma_data:\n\n"
_REDIS = "  # Redis keys\n  redis_data:\n\n"

TEMPLATES: dict[str, list[Edit]] = {
    FLASK: [
        Edit("variable added last", _VARIABLES, "      REDIS_LAST: redis\n" + _VARIABLES),
        Edit("variable added in between", _DATABASE, _DATABASE + "      # New.\n      REDIS_HOST: redis\n"),
        Edit("variable added first", _UPLOADS, "      REDIS_FIRST: redis\n" + _UPLOADS),
        Edit("variable removed", _DATABASE, ""),
        Edit("variable changed", _DATABASE, "      POSTGRES_DB: main\n"),
        Edit("secret added", "      # your own secrets", "      - redis_password\n      # your own secrets"),
        Edit("secret removed", "      - postgres_password\n", ""),
        Edit("mount added", "      # your own mounts", "      - models:/models:ro\n      # your own mounts"),
        Edit("port changed", _PORT, "      - 127.0.0.1:${FLASK_PORT:-8000}:9000"),
        Edit("health check changed", _HEALTH, "http://127.0.0.1:8000/ready"),
        Edit("interval changed", "      interval: 10s\n", "      interval: 20s\n"),
        Edit("service added", "unless-stopped\n", "unless-stopped\n\n  # Two.\n  flask-worker:\n    image: worker:1\n"),
        Edit("key added", _INIT, "    # Why.\n    read_only: true\n" + _INIT),
        Edit("comment changed", "# gunicorn lets running requests end for 30 s.", "# gunicorn lets them end."),
        Edit(
            "link added",
            "      # your own dep",
            "      redis:\n        condition: service_healthy\n      # your own dep",
        ),
    ],
    POSTGRES: [
        Edit("image bumped", "postgres:18-trixie", "postgres:18.4-trixie"),
        Edit("secret added", "      - postgres_password\n", "      - postgres_password\n      - postgres_tls\n"),
        Edit("variable added", _VARIABLES, "      TZ: UTC\n" + _VARIABLES),
        Edit("memory changed", "    shm_size: 256mb", "    shm_size: 512mb"),
        Edit("port changed", "${POSTGRES_PORT:-5432}:5432", "${POSTGRES_PORT:-5432}:5433"),
    ],
    PROJECT: [
        Edit("include added", _MORE, _MORE + "  - services/redis/compose.yaml\n"),
        Edit("include removed", _MORE, ""),
        Edit("volume added", "  # your own volumes", _REDIS + "  # your own volumes"),
        Edit("volume removed", "  # Chroma collections: documents, metadata and vectors\n  chroma_data:\n\n", ""),
        Edit("secret added", "  # your own secrets", "  new:\n    file: secrets/new\n\n  # your own secrets"),
        Edit("comment of a volume changed", "  # Files that users upload", "  # What users upload"),
    ],
}

# Both changed the same value, or the template removed what the user had changed: the line of ours it is about.
CONFLICTS = {
    ("comment above the last variable", "variable removed"): _DATABASE.rstrip(),
    ("comment on a line", "variable removed"): _DATABASE.rstrip() + "  # ours",
    ("value quoted", "variable removed"): "      POSTGRES_DB: 'app'",
    ("value changed", "variable removed"): "      POSTGRES_DB: shop",
    ("value changed", "variable changed"): "      POSTGRES_DB: shop",
    ("variable deleted", "variable changed"): "    environment:",
    ("port changed", "port changed"): "      - 0.0.0.0:80:8000",
    ("port deleted", "port changed"): "    ports:",
    ("health check slower", "interval changed"): "      interval: 60s # laptop",
    ("image changed", "image bumped"): "    image: pgvector/pgvector:pg18",
    ("driver of a volume", "volume removed"): "  chroma_data:",
    ("comment on an include", "include removed"): "  - services/llama-cpp/compose.yaml # slow",
}

# The user wrote a value in another way, the template changed it: the new value in the user's way.
REWRITTEN = {
    ("comment on a line", "variable changed"): "      POSTGRES_DB: main  # ours",
    ("value quoted", "variable changed"): "      POSTGRES_DB: 'main'",
    ("image quoted", "image bumped"): '    image: "postgres:18.4-trixie"  # pinned',
    ("list in brackets", "secret added"): "    secrets: [postgres_password, postgres_tls] # one",
}
