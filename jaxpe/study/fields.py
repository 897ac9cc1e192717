"""The fields of a preset: what each means, in which unit, and whether it can be 0. Help and listings read them here.

This module imports nothing slow, since `--help` reads it.
"""

from __future__ import annotations

from typing import NamedTuple


class Field(NamedTuple):
    """What a field of a preset is."""

    meaning: str
    unit: str = ""  # '' for names, truth values and pure numbers
    from_zero: bool = False  # whether a number may be 0


FIELDS = {
    "seeds": Field("number of seeds; they begin with first_seed"),
    "first_seed": Field("first seed", from_zero=True),
    "train_length": Field("longest input in training", "symbols of a task, tokens of text"),
    "max_length_ratio": Field("longest test length", "training lengths"),
    "num_test_lengths": Field("number of test lengths, about"),
    "shift": Field("whether position tables have room for a test at positions shifted by the training length"),
    "max_position_ratio": Field("bound of random positions; 0: the size of the table", "training lengths", True),
    "examples": Field("test examples at each length"),
    "share_tests": Field("whether tests are padded to max_length_ratio, so that all lengths share one compiled program"),
    "width": Field("width of the model, D"),
    "layers": Field("number of blocks"),
    "heads": Field("attention heads; they divide the width"),
    "steps": Field("training steps"),
    "batch": Field("examples in a training step"),
    "learning_rate": Field("peak of the learning rate, the same for all encodings"),
    "learning_rates": Field("rates that each encoding also chooses its own from, such as 0.001/0.003"),
    "warmup": Field("linear warm-up of the learning rate, at most half of all steps", "steps", True),
    "decay": Field("learning rate after the warm-up: cosine or linear (to zero), inverse_sqrt, or constant"),
    "stop_every": Field("training may end at each multiple of so many steps, once all answers are right; 0: never", "steps", True),
    "optimizer": Field("adamw, lion, or sgd (with momentum)"),
    "weight_decay": Field("decoupled weight decay of weight matrices, never of an encoding", from_zero=True),
    "clip": Field("largest global norm of the gradient"),
    "dropout": Field("probability of dropout in training, on embeddings and on what each part of a block adds", from_zero=True),
    "length_buckets": Field("ranges of lengths in a batch, each padded to its longest"),
    "corpus": Field("text of the language tasks"),
    "text_column": Field("column of a corpus that is a table; empty: text, or its only column of strings"),
    "tokenizer": Field("bpe (byte pairs, learned from the text), byte or character"),
    "vocabulary": Field("most tokens of the tokenizer bpe", "tokens"),
    "starts": Field("where windows of text begin: packed (anywhere) or document"),
    "precision": Field("of matrix products: highest, high or default, as in JAX, or bfloat16 (positions stay in float32)"),
    "replicas_per_device": Field("models in one program on each device; none: by the backend"),
    "batching": Field("how models share a program: vmap or map; none: by the backend"),
    "activation_budget": Field("largest backward pass; none: by the backend", "tokens × width × layers"),
}  # fmt: skip
