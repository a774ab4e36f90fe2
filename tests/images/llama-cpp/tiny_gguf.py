"""Writes a tiny model, always the same bytes: `python tiny_gguf.py OUT`, or `python tiny_gguf.py OUT chat`.

The second leaves out how vectors are pooled: Ollama takes a file that says it for one that only embeds.

It knows two things, by construction and not by training. **Embeddings**: texts that share words are close, others are
not. Words are cut into pieces of three letters, each piece has a direction of its own, capitals do not count, and the
commonest words hardly do. The order of words makes no difference. **Chat**: the answer is always REPLY, a word a token,
and then it stops.

The format is GGUF 3 with the architecture `llama`: one transformer block, all zeros, so that what comes out for a token
is what its embedding holds.
"""

import hashlib
import itertools
import string
import struct
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

REPLY = "Tiny test models read every question, yet know nothing."

WIDTH = 256
CONTEXT = 8192
HEADS = 4
FEED_FORWARD = 32

# The weight of a token after the final norm is r / sqrt(r² + EPSILON), r being the length of its embedding.
EPSILON = 1e-3
FULL, LIGHT = 1.0, 0.005
SURE = 40.0  # lead, in logits, of the one token that may follow

ROLES = ("system", "user", "assistant", "tool")
TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
COMMON_WORDS = (
    "about all also am an and any are as at be been but by can could did do does for from had has have how if in into"
    " is it its me my no not of on or our so some that the their them then there these they this to was we were what"
    " when where which who why will with would you your"
)

# Kinds of tokens, and of values and tensors, as the format numbers them.
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6
U32, I32, F32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
TENSOR_F32, TENSOR_Q8 = 0, 8
MEAN = 1  # pooling: the mean of a text's tokens
BLOCK, ALIGNMENT = 32, 32
SPACE = "\u2581"  # how the tokenizer writes a space

Vocabulary = dict[str, tuple[int, float]]  # token: its kind, and the length of its embedding


def vocabulary() -> Vocabulary:
    tokens: Vocabulary = {"<unk>": (UNKNOWN, LIGHT), "<s>": (CONTROL, LIGHT), "</s>": (CONTROL, LIGHT)}
    tokens |= {f"<|{role}|>": (CONTROL, FULL if role == "assistant" else LIGHT) for role in ROLES}
    tokens |= {f"<0x{byte:02X}>": (BYTE, LIGHT) for byte in range(256)}
    tokens |= dict.fromkeys(reply_tokens(), (NORMAL, FULL))
    tokens |= dict.fromkeys(SPACE + string.ascii_letters + string.punctuation, (NORMAL, LIGHT))
    tokens |= dict.fromkeys(string.digits, (NORMAL, FULL))
    tokens |= dict.fromkeys(pieces(), (NORMAL, FULL))
    for word in COMMON_WORDS.split():
        for spelled in (word, word.capitalize()):
            # A token comes about by joining two, so a word of more than three letters needs one for its beginning.
            tokens.setdefault(SPACE + spelled[:3], (NORMAL, FULL))
            tokens[SPACE + spelled] = (NORMAL, LIGHT)
    return tokens


def score(token: str) -> float:
    """Decides what joins first: the better one, and of two equally good ones the first in the text. So a word is cut
    from its left, and only then does a common word join the space before it.
    """
    letters = token.removeprefix(SPACE)
    return len(letters) - 0.5 * (letters != token)


def reply_tokens() -> list[str]:
    return REPLY.replace(" ", f" {SPACE}").split()


def pieces() -> Iterable[str]:
    """Two or three letters, small or with a capital, except three consonants."""
    for length in (2, 3):
        for piece in map("".join, itertools.product(string.ascii_lowercase, repeat=length)):
            if length == 2 or any(vowel in piece for vowel in "aeiouy"):
                yield piece
                yield piece.capitalize()


def direction(token: str) -> bytes:
    """WIDTH signed bytes that only the letters decide."""
    return hashlib.shake_256(token.removeprefix(SPACE).lower().encode()).digest(WIDTH)


def row(vector: bytes, scale: float) -> bytes:
    """One row of a matrix in Q8_0: blocks of 32 signed bytes, each after its scale."""
    packed = struct.pack("<e", scale)
    return b"".join(packed + vector[at : at + BLOCK] for at in range(0, len(vector), BLOCK))


def zeros(rows: int, width: int) -> bytes:
    return row(bytes(width), 0.0) * rows


def embeddings(tokens: Vocabulary) -> bytes:
    # 74 is the root mean square of evenly spread signed bytes.
    return b"".join(row(direction(token), length / 74) for token, (_, length) in tokens.items())


def outputs(tokens: Vocabulary) -> bytes:
    """Each token of the reply is the answer to the one before it; the first to the mark of the assistant's turn."""
    said = ["<|assistant|>", *reply_tokens(), "</s>"]
    before = dict(itertools.pairwise(said))
    after = {follower: token for token, follower in before.items()}
    nothing = zeros(1, WIDTH)
    scale = SURE / (WIDTH * 74)
    return b"".join(row(direction(after[token]), scale) if token in after else nothing for token in tokens)


def text(value: str) -> bytes:
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def value_of(kind: int, value: object) -> bytes:
    if kind == STRING:
        return text(str(value))
    return struct.pack({U32: "<I", I32: "<i", F32: "<f", BOOL: "<?"}[kind], value)


def field(name: str, kind: int, value: object) -> bytes:
    return text(name) + struct.pack("<I", kind) + value_of(kind, value)


def list_field(name: str, kind: int, values: Sequence[object]) -> bytes:
    head = text(name) + struct.pack("<IIQ", ARRAY, kind, len(values))
    return head + b"".join(value_of(kind, value) for value in values)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % ALIGNMENT)


def metadata(tokens: Vocabulary, *, pooled: bool) -> list[bytes]:
    names = list(tokens)
    return [
        field("general.architecture", STRING, "llama"),
        field("general.name", STRING, "tiny"),
        field("llama.context_length", U32, CONTEXT),
        field("llama.embedding_length", U32, WIDTH),
        field("llama.block_count", U32, 1),
        field("llama.feed_forward_length", U32, FEED_FORWARD),
        field("llama.attention.head_count", U32, HEADS),
        field("llama.attention.layer_norm_rms_epsilon", F32, EPSILON),
        field("llama.rope.dimension_count", U32, WIDTH // HEADS),
        *([field("llama.pooling_type", U32, MEAN)] if pooled else []),
        field("tokenizer.ggml.model", STRING, "llama"),
        list_field("tokenizer.ggml.tokens", STRING, names),
        list_field("tokenizer.ggml.scores", F32, [score(name) for name in names]),
        list_field("tokenizer.ggml.token_type", I32, [kind for kind, _ in tokens.values()]),
        field("tokenizer.ggml.bos_token_id", U32, names.index("<s>")),
        field("tokenizer.ggml.eos_token_id", U32, names.index("</s>")),
        field("tokenizer.ggml.unknown_token_id", U32, names.index("<unk>")),
        field("tokenizer.ggml.add_bos_token", BOOL, True),
        field("tokenizer.chat_template", STRING, TEMPLATE),
    ]


def weights(tokens: Vocabulary) -> dict[str, tuple[tuple[int, ...], int, bytes]]:
    """Shape, type and content of each tensor."""
    ones = struct.pack("<f", 1.0) * WIDTH
    square = ((WIDTH, WIDTH), TENSOR_Q8, zeros(WIDTH, WIDTH))
    widen = ((WIDTH, FEED_FORWARD), TENSOR_Q8, zeros(FEED_FORWARD, WIDTH))
    return {
        "token_embd": ((WIDTH, len(tokens)), TENSOR_Q8, embeddings(tokens)),
        "output": ((WIDTH, len(tokens)), TENSOR_Q8, outputs(tokens)),
        "output_norm": ((WIDTH,), TENSOR_F32, ones),
        "blk.0.attn_norm": ((WIDTH,), TENSOR_F32, ones),
        "blk.0.attn_q": square,
        "blk.0.attn_k": square,
        "blk.0.attn_v": square,
        "blk.0.attn_output": square,
        "blk.0.ffn_norm": ((WIDTH,), TENSOR_F32, ones),
        "blk.0.ffn_gate": widen,
        "blk.0.ffn_up": widen,
        "blk.0.ffn_down": ((FEED_FORWARD, WIDTH), TENSOR_Q8, zeros(WIDTH, FEED_FORWARD)),
    }


def model(*, pooled: bool) -> bytes:
    tokens = vocabulary()
    fields, tensors = metadata(tokens, pooled=pooled), weights(tokens)
    infos, data = b"", b""
    for name, (shape, kind, content) in tensors.items():
        infos += text(f"{name}.weight") + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, len(data))
        data += padded(content)
    head = struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(fields))
    return padded(head + b"".join(fields) + infos) + data


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(model(pooled="chat" not in sys.argv[2:]))
