"""How a template refuses answers: its resolver asks for a key that is not there, named after what is wrong.

The key is `refused: WHAT; WHY; WHAT TO DO`. Pure Jinja has no other way to end a render, for plain copier too.
"""

from __future__ import annotations

import ast
import re

from scaffold.errors import ScaffoldError

_ATTRIBUTE = re.compile(r"has no attribute ((['\"])refused: .*\2)\s*\Z", re.DOTALL)


def refusal(words: str) -> ScaffoldError | None:
    """What a template says of answers that it refuses, from the words of the error; None when it is another error."""
    found = _ATTRIBUTE.search(words)
    try:
        message = ast.literal_eval(found[1]) if found else ""
    except (ValueError, SyntaxError):
        return None
    if not message:
        return None
    # Answers and templates may be anybody's: nothing in them is for a terminal to obey.
    message = "".join(each if each.isprintable() else "?" for each in message)
    what, _, rest = message.removeprefix("refused: ").partition("; ")
    why, _, fix = rest.partition("; ")
    return ScaffoldError(what, why, fix)
