"""The engine around the mathematics: prompts, ends, log-probabilities, many at once."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

from tests.engines.generations import generation
from tollgate.engines.base import Token
from tollgate.engines.decoder import Decoder, load_decoder
from tollgate.engines.errors import GenerationError, InvalidPromptError, ModelLoadError
from tollgate.engines.numpy_engine import NumpyEngine
from tollgate.engines.prompting import PromptFiles

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parent / "golden" / "llama-llama3-rope"
WORDS = [f"w{number}" for number in range(62)]
TEMPLATE = "{% for m in messages %}{{ m.role[0] }}{{ ' ' + m.content + ' ' }}{% endfor %}{{ eos_token }}"


def artifacts(directory: Path, **tokenizer_config) -> Path:
    """The recorded Llama with a tokenizer of 64 words: <s>, </s>, w0, w1, …; it begins prompts with <s>."""
    for name in ("config.json", "model.safetensors"):
        shutil.copy(GOLDEN / name, directory)
    vocabulary = {word: number for number, word in enumerate(["<s>", "</s>", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="w0"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens(["<s>", "</s>"])
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", 0)])
    tokenizer.save(str(directory / "tokenizer.json"))
    config = {"bos_token": "<s>", "eos_token": {"content": "</s>"}, "chat_template": TEMPLATE, **tokenizer_config}
    (directory / "tokenizer_config.json").write_text(json.dumps(config))
    return directory


@pytest.fixture
def engine(tmp_path):
    engine = NumpyEngine.load(artifacts(tmp_path))
    yield engine
    engine.close()


async def pieces(engine: NumpyEngine, **parameters) -> list:
    return [piece async for piece in engine.generate(generation(**parameters))]


def run(engine: NumpyEngine, **parameters) -> list:
    return asyncio.run(pieces(engine, **parameters))


def text_of(found: list) -> str:
    return "".join(piece.text for piece in found if isinstance(piece, Token))


class WatchedDecoder(Decoder):
    """Notes the length of each step, and calls `before_step` first."""

    def __init__(self, directory: Path, before_step: Callable[[], object] = lambda: None) -> None:
        vars(self).update(vars(load_decoder(directory)))
        self.steps: list[int] = []
        self._before_step = before_step

    def forward(self, ids, cache):
        self.steps.append(len(ids))
        self._before_step()
        return super().forward(ids, cache)


def watched(directory: Path, decoder: WatchedDecoder) -> NumpyEngine:
    return NumpyEngine(decoder, PromptFiles(directory), ends=frozenset())


def test_greedy_decoding_follows_the_likeliest_tokens(engine, tmp_path):
    # GIVEN a prompt
    # WHEN six tokens are generated
    *tokens, finish = run(engine, prompt="w1 w2 w3", max_tokens=6)

    # THEN each is what one pass over all tokens before it finds likeliest
    decoder = load_decoder(tmp_path)
    ids = [0, 3, 4, 5]
    for token in tokens:
        logits = decoder.logits(decoder.forward(ids, decoder.new_cache()))[-1]
        assert token.token_id == logits.argmax()
        ids.append(token.token_id)
    assert finish == "length"
    assert len(tokens) == 6


def test_the_same_seed_gives_the_same_answer_and_another_seed_another(engine):
    first, again, other = (
        text_of(run(engine, prompt="w1", temperature=1.0, seed=seed, max_tokens=12)) for seed in (3, 3, 4)
    )

    assert first == again != other


def test_log_probabilities_come_with_their_alternatives(engine):
    # GIVEN a request for the three likeliest alternatives
    # WHEN a token is generated greedily
    token, _ = run(engine, prompt="w1 w2", max_tokens=1, top_logprobs=3)

    # THEN they are sorted, and the chosen token is the first
    values = [value for _, value in token.top_logprobs]
    assert len(values) == 3
    assert values == sorted(values, reverse=True)
    assert token.logprob == values[0] < 0
    assert token.top_logprobs[0][0] == token.text.strip()


def test_log_probabilities_stay_those_of_the_model_when_sampling(engine):
    cold, hot = (run(engine, prompt="w1", max_tokens=1, top_logprobs=2, temperature=t, seed=1) for t in (0.0, 9.0))

    assert cold[0].top_logprobs == hot[0].top_logprobs


def test_no_log_probabilities_unless_asked(engine):
    token, _ = run(engine, prompt="w1", max_tokens=1)
    bare, _ = run(engine, prompt="w1", max_tokens=1, top_logprobs=0)

    assert (token.logprob, token.top_logprobs) == (None, ())
    assert bare.logprob is not None
    assert bare.top_logprobs == ()


def test_the_end_of_sequence_token_ends_the_answer(tmp_path):
    # GIVEN a model whose likeliest second token is declared an end in generation_config.json
    directory = artifacts(tmp_path)
    first, second, _ = run(NumpyEngine.load(directory), prompt="w1", max_tokens=2)
    (directory / "generation_config.json").write_text(json.dumps({"eos_token_id": [63, second.token_id]}))

    # WHEN it answers THEN the end is not part of the answer
    assert run(NumpyEngine.load(directory), prompt="w1", max_tokens=9) == [first, "stop"]


def test_a_stop_sequence_ends_the_answer(engine):
    first, second, *_ = run(engine, prompt="w1", max_tokens=4)

    *_, finish = found = run(engine, prompt="w1", max_tokens=4, stop=(second.text,))

    assert text_of(found) == first.text
    assert finish == "stop"


def test_messages_are_rendered_by_the_models_own_template(engine):
    # GIVEN the template above, which writes special tokens itself
    messages = [{"role": "user", "content": "w1 w2"}]

    # WHEN messages and the text that they render to are counted
    # THEN the template's tokens are the prompt: u, w1, w2, </s>, and no <s> is added
    assert asyncio.run(engine.count_tokens(generation(messages=messages))) == 4


def test_the_beginning_of_sequence_is_added_to_a_prompt_once(engine):
    assert asyncio.run(engine.count_tokens(generation(prompt="w1 w2"))) == 3
    assert asyncio.run(engine.count_tokens(generation(prompt="<s> w1 w2"))) == 3


def test_messages_without_a_chat_template_are_refused(tmp_path):
    engine = NumpyEngine.load(artifacts(tmp_path, chat_template=None))

    with pytest.raises(InvalidPromptError, match="no chat template"):
        asyncio.run(engine.count_tokens(generation(messages=[{"role": "user", "content": "w1"}])))


@pytest.mark.parametrize("template", ["{{ raise_exception('no system role') }}", "{% if %}"])
def test_messages_that_the_template_refuses_are_invalid(tmp_path, template):
    engine = NumpyEngine.load(artifacts(tmp_path, chat_template=template))

    with pytest.raises(InvalidPromptError):
        asyncio.run(engine.count_tokens(generation(messages=[{"role": "user", "content": "w1"}])))


def test_a_prompt_that_does_not_fit_is_invalid_and_says_why(engine):
    with pytest.raises(InvalidPromptError, match="holds 128 tokens; the prompt has 121 and max_tokens asks for 8"):
        run(engine, prompt="w1 " * 120, max_tokens=8)

    assert run(engine, prompt="w1 " * 120, max_tokens=7)[-1] in {"length", "stop"}


def test_scores_that_are_no_numbers_are_a_model_error(tmp_path):
    # GIVEN weights of which one norm holds NaN
    directory = artifacts(tmp_path)
    weights = (directory / "model.safetensors").read_bytes()
    header = int.from_bytes(weights[:8], "little")
    start = 8 + header + json.loads(weights[8 : 8 + header])["model.norm.weight"]["data_offsets"][0]
    broken = weights[:start] + np.float32(np.nan).tobytes() + weights[start + 4 :]
    (directory / "model.safetensors").write_bytes(broken)

    # WHEN it generates THEN the model has failed, not the request
    with pytest.raises(GenerationError, match="not a number"):
        run(NumpyEngine.load(directory), prompt="w1")


def test_many_at_once_answer_as_one_alone(engine):
    # GIVEN prompts that differ
    prompts = [f"w{number} w{number + 1}" for number in range(24)]
    alone = [run(engine, prompt=prompt, max_tokens=8) for prompt in prompts]

    # WHEN all are answered at the same time
    async def together() -> list[list]:
        return await asyncio.gather(*(pieces(engine, prompt=prompt, max_tokens=8) for prompt in prompts))

    # THEN no answer changes
    assert asyncio.run(together()) == alone


def test_the_event_loop_runs_on_while_the_model_computes(tmp_path):
    # GIVEN model steps that wait for something only the event loop does
    released = threading.Event()
    waits: list[bool] = []
    decoder = WatchedDecoder(artifacts(tmp_path), lambda: waits.append(released.wait(5)))

    async def answer() -> list:
        asyncio.get_running_loop().call_soon(released.set)
        return await pieces(watched(tmp_path, decoder), prompt="w1", max_tokens=1)

    # WHEN it answers THEN the loop was not blocked
    assert len(asyncio.run(answer())) == 2
    assert waits == [True]


def test_no_step_runs_after_the_consumer_has_gone(tmp_path):
    # GIVEN an answer of up to a hundred tokens
    decoder = WatchedDecoder(artifacts(tmp_path))

    async def take_two() -> None:
        produced = watched(tmp_path, decoder).generate(generation(prompt="w1", max_tokens=100))
        await anext(produced)
        await anext(produced)
        await produced.aclose()
        await asyncio.sleep(0.02)

    # WHEN the consumer leaves after two tokens
    asyncio.run(take_two())

    # THEN the prompt and one token were processed
    assert decoder.steps == [2, 1]


def test_a_cancelled_prompt_stops_at_the_next_part(tmp_path):
    # GIVEN a prompt of many parts
    artifacts(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "max_position_embeddings": 4096}))
    started = threading.Event()
    decoder = WatchedDecoder(tmp_path, started.set)

    async def cancel_early() -> None:
        task = asyncio.create_task(pieces(watched(tmp_path, decoder), prompt="w1 " * 4000, max_tokens=1))
        await asyncio.to_thread(started.wait, 5)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.sleep(0.05)

    # WHEN it is cancelled while the first is processed
    asyncio.run(cancel_early())

    # THEN most parts never are
    assert 1 <= len(decoder.steps) < 16


def test_an_answer_that_ends_inside_a_character_marks_it_and_counts_its_tokens(tmp_path):
    # GIVEN a tokenizer of single bytes, none of which begins a character
    artifacts(tmp_path)
    names = ["<s>", "</s>", *(f"<0x{number:02X}>" for number in range(0x80, 0x80 + 62))]
    tokenizer = Tokenizer(models.WordLevel({name: number for number, name in enumerate(names)}, unk_token="<0x80>"))
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.save(str(tmp_path / "tokenizer.json"))

    # WHEN two bytes are generated
    *tokens, finish = run(NumpyEngine.load(tmp_path), prompt="x", max_tokens=2)

    # THEN there are two tokens, and the text stands for two bytes that are no character
    assert len(tokens) == 2
    assert text_of(tokens) == "\N{REPLACEMENT CHARACTER}" * 2
    assert finish == "length"


def test_artifacts_without_a_usable_tokenizer_are_refused(tmp_path):
    directory = artifacts(tmp_path)
    (directory / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelLoadError, match=r"tokenizer\.json cannot be used"):
        NumpyEngine.load(directory)

    (directory / "tokenizer.json").unlink()
    with pytest.raises(ModelLoadError, match=r"needs tokenizer\.json"):
        NumpyEngine.load(directory)


def test_a_tokenizer_with_more_tokens_than_the_model_is_refused(tmp_path):
    directory = artifacts(tmp_path)
    tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
    tokenizer.add_tokens(["one more"])
    tokenizer.save(str(directory / "tokenizer.json"))

    with pytest.raises(ModelLoadError, match="65 tokens, the model only 64"):
        NumpyEngine.load(directory)
