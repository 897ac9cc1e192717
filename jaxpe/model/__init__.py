"""Encoder, decoder and encoder-decoder Transformers, written for one example.

Position enters in five places, the hooks of an `Encoding`, and nowhere else: `embed` in `stack.py`, `observe` in `block.py`,
`rotate`, `bias` and `weights` in `attention.py`. Blocks use RMSNorm before each part, no biases, and an MLP of inner width 4 D with GELU; input and output
embeddings are separate. Token embeddings start as N(0, s²), where s is the encoding's `token_std`, by default 1. Batches
and populations of models are `vmap`s in the calling code.

Letters in shapes: T queries, S keys, D model width, H heads, K = D / H head width (W after `rotate`), V vocabulary.
"""

from jaxpe.model.attention import MultiHeadAttention, make_weight
from jaxpe.model.block import Block, KeyValueCache, RMSNorm
from jaxpe.model.decoding import generate
from jaxpe.model.interface import (
    DEFAULT_OPTIONS,
    AttentionRecord,
    Dropout,
    ForwardOptions,
    Inputs,
    ModelConfig,
    Output,
    Record,
    Scales,
    make_padding_mask,
)
from jaxpe.model.stack import Stack, check_positions
from jaxpe.model.transformer import Transformer, build_model

__all__ = [
    "DEFAULT_OPTIONS",
    "AttentionRecord",
    "Block",
    "Dropout",
    "ForwardOptions",
    "Inputs",
    "KeyValueCache",
    "ModelConfig",
    "MultiHeadAttention",
    "Output",
    "RMSNorm",
    "Record",
    "Scales",
    "Stack",
    "Transformer",
    "build_model",
    "check_positions",
    "generate",
    "make_padding_mask",
    "make_weight",
]
