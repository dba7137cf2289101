"""Trains apexguru-tiny on generated text and writes it in Hugging Face's layout to model/ beside this file.

Needs torch and transformers, neither of which runs the model afterwards:

    python -m venv /tmp/training && /tmp/training/bin/pip install torch transformers jinja2
    /tmp/training/bin/python examples/apexguru-tiny/train.py

Takes half an hour to an hour on one core. With `--start PATH` it continues from the weights and the tokenizer in PATH,
a folder that this script wrote, so that a few hundred steps teach an earlier model what the generator has learnt since:

    /tmp/training/bin/python examples/apexguru-tiny/train.py --start examples/apexguru-tiny/model \\
        --steps 800 --peak 6e-4 --reading 0 --output /tmp/tuned

Every run trains on the same text; the last bits of the weights differ with versions and machines.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from jinja2.sandbox import ImmutableSandboxedEnvironment
from names import HELD_OUT
from prompts import conversation
from safetensors.torch import load_file, save_file
from tokenizer import END_OF_TURN, train_tokenizer, write_tokenizer
from tokenizers import Tokenizer
from torch.nn.functional import cross_entropy
from transformers import Qwen2Config, Qwen2ForCausalLM

MODEL = Path(__file__).parent / "model"
VOCABULARY_SIZE = 1024
ROPE_THETA = 10_000.0
IGNORED = -100
HELD_OUT_SEEDS = range(50_000_000, 50_000_300)

CONFIG = Qwen2Config(
    vocab_size=VOCABULARY_SIZE,
    hidden_size=96,
    intermediate_size=256,
    num_hidden_layers=4,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=4096,
    rope_theta=ROPE_THETA,
    tie_word_embeddings=True,
    bos_token_id=None,
)


class Conversations:
    """Turns generated conversations into token ids, with labels on the answer alone."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        self._template = environment.from_string((MODEL / "chat_template.jinja").read_text())
        self._tokenizer = tokenizer

    def prompt(self, messages: list[dict[str, str]]) -> list[int]:
        text = self._template.render(messages=messages, add_generation_prompt=True)
        return self._tokenizer.encode(text, add_special_tokens=False).ids

    def example(self, seed: int) -> tuple[list[int], list[int]]:
        """Token ids of a whole conversation, and how many of them are its prompt."""
        *messages, answer = conversation(seed)
        prompt = self.prompt(messages)
        ids = self._tokenizer.encode(answer["content"] + END_OF_TURN, add_special_tokens=False).ids
        return prompt + ids, [IGNORED] * len(prompt) + ids

    def batches(self, size: int, first_seed: int = 0) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Endless batches; conversations of similar length share one, so that little is padded."""
        while True:
            pool = sorted(
                (self.example(seed) for seed in range(first_seed, first_seed + size * 16)), key=lambda e: len(e[0])
            )
            first_seed += size * 16
            for index in torch.randperm(16).tolist():
                yield _padded(pool[index * size : (index + 1) * size])


def _padded(examples: list[tuple[list[int], list[int]]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and labels, padded on the right, where causal attention never looks."""
    longest = max(len(ids) for ids, _ in examples)
    ids = torch.tensor([ids + [0] * (longest - len(ids)) for ids, _ in examples])
    labels = torch.tensor([labels + [IGNORED] * (longest - len(labels)) for _, labels in examples])
    return ids, labels


def loss_of(model: Qwen2ForCausalLM, ids: torch.Tensor, labels: torch.Tensor, reading: float) -> torch.Tensor:
    """Cross-entropy of the answers plus `reading` times that of the prompts, which teaches the first layers Apex."""
    hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state[:, :-1]
    target = labels[:, 1:]
    answers = target != IGNORED
    loss = cross_entropy(model.lm_head(hidden[answers]), target[answers])
    if reading:
        prompts = ~answers & (ids[:, 1:] != 0)
        loss = loss + reading * cross_entropy(model.lm_head(hidden[prompts]), ids[:, 1:][prompts])
    return loss


@torch.no_grad()
def accuracy(model: Qwen2ForCausalLM, conversations: Conversations, tokenizer: Tokenizer) -> float:
    """Share of held-out snippets for which the first line of the likeliest answer names the right finding."""
    right = 0
    for seed in HELD_OUT_SEEDS:
        *messages, answer = conversation(seed, vocabulary=HELD_OUT)
        expected = answer["content"].partition("\n")[0]
        ids = conversations.prompt(messages)
        wanted = tokenizer.encode(expected, add_special_tokens=False).ids
        logits = model(torch.tensor([ids + wanted])).logits[0, len(ids) - 1 : -1]
        right += logits.argmax(-1).tolist() == wanted
    return right / len(HELD_OUT_SEEDS)


def learning_rate(step: int, steps: int, peak: float) -> float:
    """Linear warm-up over 300 steps, a quarter of a short run, then a cosine down to a twentieth of the peak."""
    warm_up = min(300, steps // 4)
    if step < warm_up:
        return peak * (step + 1) / warm_up
    return peak * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * step / steps)))


def train(
    model: Qwen2ForCausalLM, conversations: Conversations, tokenizer: Tokenizer, options: argparse.Namespace
) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.peak, betas=(0.9, 0.98), weight_decay=0.05)
    started, mean = time.monotonic(), 0.0
    for step, (ids, labels) in zip(range(options.steps), conversations.batches(options.batch), strict=False):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, options.steps, options.peak)
        loss = loss_of(model, ids, labels, options.reading if step < options.steps // 4 else 0.0)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        mean += (loss.item() - mean) / min(step + 1, 100)
        if step % 250 == 249:
            share = accuracy(model, conversations, tokenizer)
            print(
                f"{time.monotonic() - started:6.0f} s  step {step + 1}  loss {mean:.4f}  held out {share:.3f}",
                flush=True,
            )
            save(model, tokenizer, options.output)


def save(model: Qwen2ForCausalLM, tokenizer: Tokenizer, output: Path) -> None:
    """Write weights in bf16, configurations and tokenizer files; the chat template is a source file."""
    output.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.to(torch.bfloat16) for name, tensor in model.state_dict().items()}
    del tensors["lm_head.weight"]  # tied to the embedding
    save_file(tensors, output / "model.safetensors", metadata={"format": "pt"})
    (output / "config.json").write_text(json.dumps(configuration(model.config), indent=2) + "\n")
    generation = {
        "do_sample": False,
        "eos_token_id": model.config.eos_token_id,
        "pad_token_id": model.config.pad_token_id,
    }
    (output / "generation_config.json").write_text(json.dumps(generation, indent=2) + "\n")
    write_tokenizer(tokenizer, output)


def configuration(config: Qwen2Config) -> dict[str, object]:
    """config.json in the layout of transformers 4.51, the version that Custom Model Import documents."""
    kept = (
        "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
        "num_key_value_heads", "max_position_embeddings", "hidden_act", "rms_norm_eps", "tie_word_embeddings",
        "use_sliding_window", "eos_token_id", "pad_token_id",
    )  # fmt: skip
    return {
        "architectures": ["Qwen2ForCausalLM"],
        "model_type": "qwen2",
        "torch_dtype": "bfloat16",
        "transformers_version": "4.51.3",
        "rope_theta": ROPE_THETA,
        **{name: getattr(config, name) for name in kept},
    }


def load_weights(model: Qwen2ForCausalLM, path: Path) -> None:
    """Fill `model` with the weights that `save` wrote to `path`."""
    tensors = load_file(path)
    tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"]  # tied, and therefore not in the file
    model.load_state_dict(tensors)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=2600)
    parser.add_argument("--batch", type=int, default=24)
    parser.add_argument("--peak", type=float, default=2e-3, help="highest learning rate")
    parser.add_argument("--reading", type=float, default=0.2, help="weight of the prompts' loss in the first quarter")
    parser.add_argument("--start", type=Path, help="folder with the weights and the tokenizer to continue from")
    parser.add_argument("--output", type=Path, default=MODEL)
    options = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    start: Path | None = options.start
    tokenizer = Tokenizer.from_file(str(start / "tokenizer.json")) if start else train_tokenizer(VOCABULARY_SIZE)
    CONFIG.eos_token_id = tokenizer.token_to_id(END_OF_TURN)
    CONFIG.pad_token_id = tokenizer.token_to_id("<|endoftext|>")
    model = Qwen2ForCausalLM(CONFIG)
    if start:
        load_weights(model, start / "model.safetensors")
    print(f"{model.num_parameters():,} parameters")
    train(model, Conversations(tokenizer), tokenizer, options)
    save(model, tokenizer, options.output)


if __name__ == "__main__":
    main()
