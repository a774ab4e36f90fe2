"""Sparing copier what it does again for every file: two thirds of what a render takes (measured with copier 9.19)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from copier import _main as copier
from jinja2 import Environment

# Compiled texts, by what was compiled and how; so many are kept, several times what one template has.
_known: dict[tuple[object, ...], Any] = {}
_MOST = 10_000
_dialects: WeakKeyDictionary[Environment, tuple[object, ...]] = WeakKeyDictionary()


@contextmanager
def sparing() -> Iterator[None]:
    """Render without repeating work, as long as the context lasts."""
    with ExitStack() as stack:
        stack.enter_context(_put(Environment, "compile", _once))
        stack.enter_context(_put(copier.Worker, "_render_string", _unless_plain))
        stack.enter_context(_put(copier.Worker, "answers_relpath", _path_unless_plain))
        # Asks git for `core.fileMode` at every file, to keep git's index right where that is false. Never so here: we
        # render into a new folder, or into a scratch clone, where modes count.
        stack.enter_context(_put(copier.Worker, "_sync_git_index_executable_bit", lambda _: lambda *_: None))
        yield


def _once(compile: Callable[..., Any]) -> Callable[..., Any]:
    """Compile each text once: copier renders every part of every path, and at every file once more the name of the
    answers, and an update renders the whole template several times.
    """

    def compile_once(self: Environment, source: Any, name: Any = None, filename: Any = None, **more: Any) -> Any:
        if not isinstance(source, str) or more:
            return compile(self, source, name, filename, **more)
        key = (_dialect(self), source, name)
        if key not in _known:
            if len(_known) >= _MOST:
                _known.clear()
            _known[key] = compile(self, source, name, filename)
            return _known[key]
        # copier's extension for `yield` forgets here what the text before it said.
        self.preprocess(source)
        # A scratch clone of the template has another path every time.
        return _known[key].replace(co_filename=filename or "<template>")

    return compile_once


def _dialect(environment: Environment) -> tuple[object, ...]:
    """All that decides what an environment makes of a text."""
    if environment not in _dialects:
        settings = {
            name: value
            for name, value in vars(environment).items()
            if value is None or callable(value) or isinstance(value, (str, bool))
        }
        # Filters of constants are worked out at once: by name, for whoever adds them makes some of them anew each time.
        names = frozenset(environment.filters), frozenset(environment.tests)
        extensions = tuple(type(each) for each in environment.iter_extensions())
        _dialects[environment] = (type(environment), extensions, frozenset(settings.items()), *names)
    return _dialects[environment]


def _unless_plain(render: Callable[..., str]) -> Callable[..., str]:
    """Gather what a text may ask for only where it asks: most parts of paths are names."""

    def render_unless_plain(self: copier.Worker, string: str, *how: Any, **more: Any) -> str:
        return string if _is_plain(self.jinja_env, string) else render(self, string, *how, **more)

    return render_unless_plain


def _path_unless_plain(rendered: property) -> property:
    """The same of the name of the answers, which copier compares with every part of every path."""

    def path_unless_plain(self: copier.Worker) -> Path:
        path = self.answers_file or self.template.answers_relpath
        if _is_plain(self.jinja_env, str(path)):
            return Path(path)
        found: Path = rendered.__get__(self)
        return found

    return property(path_unless_plain)


def _is_plain(environment: Environment, text: str) -> bool:
    """Tell whether a text says nothing but itself; those of several lines may lose their last line's end."""
    begins = (environment.block_start_string, environment.variable_start_string, environment.comment_start_string)
    lines = environment.line_statement_prefix or environment.line_comment_prefix
    if lines or "\n" in text or "\r" in text or any(each in text for each in begins):
        return False
    environment.preprocess(text)  # as in `compile_once`
    return True


@contextmanager
def _put(owner: type, name: str, change: Callable[[Any], Any]) -> Iterator[None]:
    """Change what a class has under a name; nothing where another version of it has nothing there."""
    before = vars(owner).get(name)
    if before is None:
        yield
        return
    setattr(owner, name, change(before))
    try:
        yield
    finally:
        setattr(owner, name, before)
