# Managed by scaffold: updates merge this file.
"""Model servers with an endpoint like OpenAI's: chat and embeddings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from openai import BadRequestError, InternalServerError, OpenAI, Timeout

# Seconds. A model on a CPU takes its time; a server that is not there is found out at once.
TIMEOUT = Timeout(300, connect=5)

# Texts in one request for embeddings: few enough to be done within the timeout on a CPU.
BATCH = 32

# Characters that no model takes for too long.
SHORT = 64

# Some models begin with a token that has no text.
CHECK_TOKENS = 8


class Endpoint(NamedTuple):
    """One model: the address of its server, up to `/v1`, and its name there."""

    url: str
    model: str


class ModelServer:
    """What a project's model server can do: `chat`, `embed`, or both. One object serves all threads.

    Its methods raise what the library raises (`openai.APIConnectionError` when the server is away, other kinds of
    `openai.OpenAIError`), and LookupError when this service is not linked to such a model.
    """

    def __init__(self, name: str, chat: Endpoint | None, embeddings: Endpoint | None) -> None:
        self.name = name
        self._chat = chat
        self._embeddings = embeddings
        # The servers of this project ask for no key, the library does.
        self._clients = {
            each.url: OpenAI(base_url=each.url, api_key="none", timeout=TIMEOUT, max_retries=1)
            for each in (chat, embeddings)
            if each
        }

    @property
    def embedder(self) -> str:
        """Names the server and its model: vectors of two different ones cannot be compared."""
        return f"{self.name}:{self._need(self._embeddings, 'embeddings').model}"

    def chat(self, messages: list[dict[str, str]], **options: Any) -> Iterator[str]:
        """The answer to `messages`, each with `role` and `content`, piece by piece as it is made.

        `options` go to the server: max_tokens, temperature and others. The server is asked when the first piece is.
        """
        return self._stream(self._need(self._chat, "chat"), messages, options)

    def embed(self, texts: list[str]) -> list[list[float]]:
        """One vector for each text, in their order. Raises LookupError also when the server leaves one out.

        Of a text that is too long for the model its first half has to do, or the half of that.
        """
        endpoint = self._need(self._embeddings, "embeddings")
        batches = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
        return [vector for batch in batches for vector in self._embed_what_fits(endpoint, batch)]

    def check(self) -> None:
        """Ask each model that there is for a few tokens or for a vector. Raises LookupError for an empty answer."""
        if not self._clients:
            raise LookupError(f"this service is not linked to any model of {self.name}")
        if self._chat:
            self._check_chat(self._chat)
        if self._embeddings:
            self.embed(["hello"])

    def _need(self, endpoint: Endpoint | None, what: str) -> Endpoint:
        if endpoint is None:
            raise LookupError(f"this service is not linked to {self.name} for {what}")
        return endpoint

    def _stream(self, endpoint: Endpoint, messages: Any, options: dict[str, Any]) -> Iterator[str]:
        completions = self._clients[endpoint.url].chat.completions
        # Whoever stops in between closes the connection, and the server stops as well.
        with completions.create(model=endpoint.model, messages=messages, stream=True, **options) as parts:
            for part in parts:
                # The last one may have numbers and no choice.
                if part.choices and (text := part.choices[0].delta.content):
                    yield text

    def _embed_what_fits(self, endpoint: Endpoint, texts: list[str]) -> list[list[float]]:
        """How long is too long counts in tokens, which only the server knows: it refuses, each in its own words."""
        try:
            return self._embed(endpoint, texts)
        except (BadRequestError, InternalServerError):
            if len(texts) > 1:
                return [self._embed_what_fits(endpoint, [text])[0] for text in texts]
            if len(texts[0]) <= SHORT:
                raise
            return self._embed_what_fits(endpoint, [texts[0][: len(texts[0]) // 2]])

    def _embed(self, endpoint: Endpoint, texts: list[str]) -> list[list[float]]:
        # Not every server knows base64, which is the library's own choice.
        answer = self._clients[endpoint.url].embeddings.create(
            model=endpoint.model, input=texts, encoding_format="float"
        )
        vectors = [each.embedding for each in sorted(answer.data, key=lambda each: each.index)]
        if len(vectors) != len(texts) or not all(vectors):
            raise LookupError(f"{endpoint.model} did not answer every text with a vector")
        return vectors

    def _check_chat(self, endpoint: Endpoint) -> None:
        answer = self._clients[endpoint.url].chat.completions.create(
            model=endpoint.model, messages=[{"role": "user", "content": "Say hello."}], max_tokens=CHECK_TOKENS
        )
        # A model that thinks before it speaks is cut off in its thoughts: that is an answer, too.
        if not any(choice.message.content or choice.finish_reason == "length" for choice in answer.choices):
            raise LookupError(f"{endpoint.model} has nothing to say")
