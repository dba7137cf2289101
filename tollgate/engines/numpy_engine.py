"""Runs Llama, Qwen2 and Mistral models on the CPU from their Hugging Face artifacts."""

from __future__ import annotations

import asyncio
import os
import weakref
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

from tollgate.engines.base import FinishReason, Generation, Token
from tollgate.engines.decoder import Decoder, load_decoder
from tollgate.engines.decoder.config import end_ids
from tollgate.engines.decoder.tensors import read_json
from tollgate.engines.detokenizer import Detokenizer
from tollgate.engines.errors import GenerationError, InvalidPromptError, ModelLoadError
from tollgate.engines.prompt_process import LIMIT_S, PromptProcess
from tollgate.engines.prompting import PromptFiles
from tollgate.engines.sampling import Sampler, log_probabilities
from tollgate.engines.stopping import StopSequences

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray
    from tokenizers import Tokenizer

# Tokens of a prompt per step: bounds the memory of a step and how long a cancelled one runs on.
_PREFILL_TOKENS = 256
# Prompts whose ids are kept from counting them to answering them. A longer one is made twice.
_KEPT_PROMPTS, _LONGEST_KEPT_PROMPT = 8, 8192


class NumpyEngine:
    """Answers requests side by side: each step of the model is one task of a small pool of threads.

    The consumer of `generate` sets the pace: no step starts before the last token was taken, and none after the
    generator was closed.
    """

    def __init__(
        self, decoder: Decoder, prompts: PromptFiles, ends: frozenset[int], prompt_limit_s: float = LIMIT_S
    ) -> None:
        self._decoder = decoder
        self._tokenizer = prompts.tokenizer
        self._ends = ends
        self._threads = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="numpy-engine")
        # Prompts have a thread of their own: it waits for the process that makes them, which may take its time.
        self._prompt_thread = ThreadPoolExecutor(1, thread_name_prefix="prompts")
        self._prompts = PromptProcess(prompts.tokenizer_file, prompts.template, prompts.special_tokens, prompt_limit_s)
        self._known: OrderedDict[int, tuple[Mapping[str, Any], list[int]]] = OrderedDict()
        weakref.finalize(self, self._prompts.close)

    @classmethod
    def load(cls, directory: Path, prompt_limit_s: float = LIMIT_S) -> NumpyEngine:
        """Load the artifacts in a folder. A prompt may take `prompt_limit_s` to render and encode.

        Raises:
            ModelLoadError: the artifacts are damaged, or need something that is not implemented.
        """
        # Requests run side by side already; threads inside a matrix product would only wait for each other.
        threadpool_limits(limits=1, user_api="blas")
        decoder = load_decoder(directory)
        prompts = PromptFiles(directory)
        known = prompts.tokenizer.get_vocab_size()
        if known > decoder.config.vocabulary:
            raise ModelLoadError(f"tokenizer.json has {known} tokens, the model only {decoder.config.vocabulary}.")
        ends = decoder.config.end_ids | end_ids(read_json(directory, "generation_config.json"))
        end = prompts.end_id()
        return cls(decoder, prompts, ends if end is None else ends | {end}, prompt_limit_s)

    def text_of(self, token_ids: list[int]) -> str:
        """The text of a prompt in token ids."""
        return str(self._tokenizer.decode(token_ids, skip_special_tokens=False))

    def close(self) -> None:
        """End the process of the prompts, and the threads when their step is done."""
        self._prompts.close()
        for threads in (self._threads, self._prompt_thread):
            threads.shutdown(wait=False, cancel_futures=True)

    async def count_tokens(self, generation: Generation) -> int:
        """Count the tokens of the prompt with the model's tokenizer.

        Raises:
            InvalidPromptError: the messages cannot be rendered.
            GenerationError: the template or the tokenizer takes too long, or fails.
        """
        return len(await self._ids(generation))

    async def _ids(self, generation: Generation) -> list[int]:
        """The ids of a prompt; those of the latest prompts are kept, since each is asked for twice."""
        key = id(generation.body)  # no other body has this id, because the body is kept beside its ids
        if key in self._known:
            return self._known[key][1]
        ids = await asyncio.get_running_loop().run_in_executor(self._prompt_thread, self._prompts.ids, generation)
        if len(ids) <= _LONGEST_KEPT_PROMPT:
            self._known[key] = (generation.body, ids)
            while len(self._known) > _KEPT_PROMPTS:
                self._known.popitem(last=False)
        return ids

    async def generate(self, generation: Generation) -> AsyncGenerator[Token | FinishReason, None]:
        """Yield tokens, then `stop` (an end-of-sequence token or a stop sequence came) or `length`.

        The end-of-sequence token itself is not yielded.

        Raises:
            InvalidPromptError: the prompt cannot be rendered, or does not fit the context together with its answer.
            GenerationError: the model computes something that is not a number.
        """
        run = asyncio.get_running_loop().run_in_executor
        decoding = Decoding(self._decoder, self._tokenizer, await self._ids(generation), generation)
        while decoding.unread:
            await run(self._threads, decoding.read_prompt)
        stops = StopSequences(generation.stop)
        finish: FinishReason = "length"
        for _ in range(generation.max_tokens):
            token = await run(self._threads, decoding.next_token, self._ends)
            if token is None:
                finish = "stop"
                break
            for shown in stops.add(token):
                yield shown
            if stops.reached:
                finish = "stop"
                break
        if not stops.reached:
            for shown in decoding.complete(stops.finish()):
                yield shown
        yield finish


class Decoding:
    """The state of one answer in the making: a cache of keys and values, a sampler, and the last layer's states."""

    def __init__(self, decoder: Decoder, tokenizer: Tokenizer, prompt: list[int], generation: Generation) -> None:
        """Raises InvalidPromptError when prompt and answer do not fit the context."""
        self.unread = prompt
        _check_length(len(self.unread), generation.max_tokens, decoder.config.max_positions)
        self._decoder = decoder
        self._cache = decoder.new_cache()
        self._sampler = Sampler(generation)
        self._top_logprobs = generation.top_logprobs
        self._tokenizer = tokenizer
        self._detokenizer = Detokenizer(tokenizer)
        self._states: NDArray[np.float32] | None = None
        self._last: int | None = None

    def read_prompt(self) -> None:
        """Process the next part of the prompt."""
        part, self.unread = self.unread[:_PREFILL_TOKENS], self.unread[_PREFILL_TOKENS:]
        self._states = self._decoder.forward(part, self._cache)

    def next_token(self, ends: frozenset[int]) -> Token | None:
        """Choose the next token; None at the end of the sequence. Raises GenerationError."""
        if self._last is not None:
            self._states = self._decoder.forward([self._last], self._cache)
        assert self._states is not None  # the prompt was read
        logits = self._decoder.logits(self._states[-1])
        if not np.isfinite(logits).all():
            raise GenerationError("The model computed a score that is not a number.")
        chosen = self._sampler.choose(logits)
        if chosen in ends:
            return None
        self._last = chosen
        return self._token(chosen, logits)

    def complete(self, tokens: list[Token]) -> list[Token]:
        """The last tokens of an answer, with the text that an unfinished character leaves.

        That text goes to the last token, which has none of its own as long as its character is incomplete.
        """
        rest = self._detokenizer.finish()
        if not rest:
            return tokens
        return [*tokens[:-1], replace(tokens[-1], text=rest)]

    def _token(self, chosen: int, logits: NDArray[np.float32]) -> Token:
        text = self._detokenizer.add(chosen)
        if self._top_logprobs is None:
            return Token(text, token_id=chosen)
        logprobs = log_probabilities(logits)
        top = []
        for likely in np.argsort(-logprobs, kind="stable")[: self._top_logprobs]:
            name = self._tokenizer.decode([int(likely)], skip_special_tokens=False)
            top.append((name, float(logprobs[likely])))
        return Token(text, token_id=chosen, logprob=float(logprobs[chosen]), top_logprobs=tuple(top))


def _check_length(prompt: int, wanted: int, most: int) -> None:
    if prompt + wanted > most:
        raise InvalidPromptError(
            f"The model's context holds {most} tokens; the prompt has {prompt} and max_tokens asks for {wanted}. "
            "Shorten the prompt or lower max_tokens."
        )
