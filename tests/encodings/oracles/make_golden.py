"""Writes golden.npz, the values that tests/encodings/test_golden.py compares jaxpe's encodings with.

    python make_golden.py

Every value comes out of a function of x-transformers or of transformers; parameters drawn here are stored too.
Queries, keys and what became of them are stored as positions × heads × head width.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import transformers
import x_transformers.x_transformers as xt
from transformers.models.bloom.modeling_bloom import build_alibi_tensor
from transformers.models.fsmt.modeling_fsmt import SinusoidalPositionalEmbedding
from transformers.models.gpt_neox import modeling_gpt_neox as gpt_neox
from transformers.models.llama import modeling_llama as llama
from transformers.models.marian.modeling_marian import MarianSinusoidalPositionalEmbedding
from transformers.models.mpt.modeling_mpt import build_mpt_alibi_tensor
from transformers.models.speecht5.modeling_speecht5 import SpeechT5ScaledPositionalEncoding
from transformers.models.t5.modeling_t5 import T5Attention
from transformers.models.wav2vec2_bert import modeling_wav2vec2_bert as wav2vec2_bert

HEADS, HEAD_WIDTH, LENGTH = 2, 16, 9
WIDTH = HEADS * HEAD_WIDTH
POSITIONS = np.array([*range(13), 20, 27, 33, 39])
FAR = np.array([1_000, 4_095, 32_767])
ALIBI_HEADS = (4, 6, 8, 12)
BUCKETS = ((32, 128), (32, 20), (12, 40), (64, 512))  # how many, and the largest distance
T5_BUCKETS, T5_DISTANCE, T5_LENGTH = 8, 20, 40
COPE_ROWS, SHAW_CLIP, TRAINED = 4, 3, 2_048

generator = np.random.default_rng(0)


def drawn(*shape: int) -> np.ndarray:
    return generator.normal(size=shape).astype(np.float32)


q, k = drawn(len(POSITIONS), HEADS, HEAD_WIDTH), drawn(len(POSITIONS), HEADS, HEAD_WIDTH)


def heads_first(x: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(x).transpose(0, 1)[None]


def both(*turned: torch.Tensor) -> np.ndarray:
    """Queries and keys, stacked."""
    return np.stack([x[0].transpose(0, 1).numpy() for x in turned])


def x_rotary(width: int = HEAD_WIDTH, **options: float) -> np.ndarray:
    angles, scale = xt.RotaryEmbedding(width, **options)(torch.from_numpy(POSITIONS))
    return both(
        xt.apply_rotary_pos_emb(heads_first(q), angles, scale),
        xt.apply_rotary_pos_emb(heads_first(k), angles, scale**-1.0),
    )


def x_polar(phase: np.ndarray) -> np.ndarray:
    polar = xt.PolarEmbedding(HEAD_WIDTH, HEADS)
    polar.learned_bias.copy_(torch.from_numpy(phase)[:, None])
    angles, bias = polar(torch.from_numpy(POSITIONS))
    return both(xt.apply_polar_pos_emb(heads_first(q), angles), xt.apply_polar_pos_emb(heads_first(k), angles + bias))


def x_cope(table: np.ndarray) -> np.ndarray:
    """Logits are scaled and masked before CoPE sees them, as in x-transformers' `Attend`."""
    cope = xt.CoPE(HEAD_WIDTH, HEADS, COPE_ROWS)
    cope.pos_emb.copy_(torch.from_numpy(table))
    query, key = heads_first(q[:LENGTH]), heads_first(k[:LENGTH])
    future = torch.ones(LENGTH, LENGTH, dtype=torch.bool).triu(1)
    logits = (query @ key.mT * HEAD_WIDTH**-0.5).masked_fill(future, -torch.finfo(torch.float32).max)
    return cope(query, logits)[0].numpy()


def x_t5(table: np.ndarray, causal: bool) -> np.ndarray:
    bias = xt.RelativePositionBias(HEAD_WIDTH**0.5, causal, T5_BUCKETS, T5_DISTANCE, HEADS)
    bias.relative_attention_bias.weight.copy_(torch.from_numpy(table))
    return bias(T5_LENGTH, T5_LENGTH).numpy()


def t5(table: np.ndarray, causal: bool) -> np.ndarray:
    config = transformers.T5Config(
        d_model=WIDTH,
        d_kv=HEAD_WIDTH,
        num_heads=HEADS,
        relative_attention_num_buckets=T5_BUCKETS,
        relative_attention_max_distance=T5_DISTANCE,
        is_decoder=causal,
    )
    attention = T5Attention(config, has_relative_attention_bias=True, layer_idx=0)
    attention.relative_attention_bias.weight.copy_(torch.from_numpy(table))
    return attention.compute_bias(T5_LENGTH, T5_LENGTH)[0].numpy()


def buckets(bucket: Callable[..., torch.Tensor], **causal: bool) -> np.ndarray:
    """Of every key from 700 places to the left to 700 to the right, a row for each of BUCKETS."""
    keys = torch.arange(-700, 701)
    rows = [bucket(keys, **causal, num_buckets=count, max_distance=largest) for count, largest in BUCKETS]
    return torch.stack(rows).numpy().astype(np.int16)


def turned(module, model: str, config: transformers.PreTrainedConfig, positions: np.ndarray) -> np.ndarray:
    embedding = getattr(module, f"{model}RotaryEmbedding")(config)
    query, key = heads_first(q[: len(positions)]), heads_first(k[: len(positions)])
    cosine, sine = embedding(query, torch.from_numpy(positions)[None])
    return both(*module.apply_rotary_pos_emb(query, key, cosine, sine))


def of_llama(positions: np.ndarray = POSITIONS, longest: int = 20, **rope: float | str) -> np.ndarray:
    config = transformers.LlamaConfig(
        hidden_size=WIDTH,
        num_attention_heads=HEADS,
        max_position_embeddings=longest,
        rope_parameters={"rope_type": "default", "rope_theta": 10_000.0, **rope},
    )
    return turned(llama, "Llama", config, positions)


def of_gpt_neox() -> np.ndarray:
    rope = {"rope_type": "default", "rope_theta": 10_000.0, "partial_rotary_factor": 0.25}
    config = transformers.GPTNeoXConfig(hidden_size=WIDTH, num_attention_heads=HEADS, rope_parameters=rope)
    return turned(gpt_neox, "GPTNeoX", config, POSITIONS)


def conformer(kind: str, **options: int) -> tuple[torch.nn.Module, transformers.PreTrainedConfig]:
    """The attention of Wav2Vec2-BERT, which has Shaw's encoding and Transformer-XL's."""
    config = transformers.Wav2Vec2BertConfig(
        hidden_size=WIDTH, num_attention_heads=HEADS, position_embeddings_type=kind, **options
    )
    return wav2vec2_bert.Wav2Vec2BertSelfAttention(config), config


def shaw(table: np.ndarray) -> np.ndarray:
    sides = {"left_max_position_embeddings": SHAW_CLIP, "right_max_position_embeddings": SHAW_CLIP}
    attention, _ = conformer("relative_key", **sides)
    attention.distance_embedding.weight.copy_(torch.from_numpy(table))
    query, key = heads_first(q[:LENGTH]), heads_first(k[:LENGTH])
    return wav2vec2_bert._apply_relative_key_position_encoding(attention, query, key)[1][0].numpy()


def transformer_xl(matrix: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """All of the logits, scaled."""
    attention, config = conformer("relative")
    attention.linear_pos.weight.copy_(torch.from_numpy(matrix))
    attention.pos_bias_u.copy_(torch.from_numpy(u))
    attention.pos_bias_v.copy_(torch.from_numpy(v))
    query, key = heads_first(q[:LENGTH]), heads_first(k[:LENGTH])
    sinusoids = wav2vec2_bert.Wav2Vec2BertRelPositionalEmbedding(config)(torch.zeros(1, LENGTH, WIDTH))
    query, bias = wav2vec2_bert._apply_relative_position_encoding(attention, query, key, sinusoids)
    return (query @ key.mT * attention.scaling + bias)[0].numpy()


def sinusoids() -> dict[str, np.ndarray]:
    count, nothing = int(POSITIONS.max()) + 1, torch.zeros(1, int(POSITIONS.max()) + 1, WIDTH)
    tables = {
        "x_sinusoidal": xt.ScaledSinusoidalEmbedding(WIDTH)(nothing),
        "marian": MarianSinusoidalPositionalEmbedding(count, WIDTH).create_weight(),
        "fsmt": SinusoidalPositionalEmbedding.get_embedding(count, WIDTH, None),
        "speecht5": SpeechT5ScaledPositionalEncoding(0.0, WIDTH, count)(nothing)[0],
    }
    return {name: table.numpy()[POSITIONS] for name, table in tables.items()}


def alibi() -> dict[str, np.ndarray]:
    biases = {}
    for heads in ALIBI_HEADS:
        biases[f"x_alibi_{heads}"] = xt.AlibiPositionalBias(heads)(LENGTH, LENGTH).numpy()
        biases[f"bloom_{heads}"] = build_alibi_tensor(torch.ones(1, LENGTH), heads, torch.float32).numpy()
        biases[f"mpt_{heads}"] = build_mpt_alibi_tensor(heads, LENGTH).numpy()
    return biases


def main() -> None:
    phase = 4 * drawn(HEADS, HEAD_WIDTH) - 3  # on both sides of [−2π, 0], to which it is clamped
    t5_table, cope_table = drawn(T5_BUCKETS, HEADS), drawn(COPE_ROWS, HEAD_WIDTH)
    shaw_table = drawn(2 * SHAW_CLIP + 1, HEAD_WIDTH)
    matrix, u, v = drawn(WIDTH, WIDTH) / WIDTH**0.5, drawn(HEADS, HEAD_WIDTH), drawn(HEADS, HEAD_WIDTH)
    extended = {"factor": 4.0, "original_max_position_embeddings": TRAINED, "longest": 4 * TRAINED}
    np.savez_compressed(
        Path(__file__).with_name("golden.npz"),
        **{"q": q, "k": k, "positions": POSITIONS, "far": FAR},
        **sinusoids(),
        **alibi(),
        x_rotary=x_rotary(),
        x_rotary_half=x_rotary(HEAD_WIDTH // 2),
        x_rotary_ntk=x_rotary(base_rescale_factor=4.0),
        x_xpos=x_rotary(use_xpos=True),
        **{"polar_phase": phase, "x_polar": x_polar(phase)},
        llama=of_llama(),
        llama_far=of_llama(FAR),
        llama_linear=of_llama(rope_type="linear", factor=4.0),
        llama_dynamic=of_llama(rope_type="dynamic", factor=4.0),
        llama_proportional=of_llama(rope_type="proportional", partial_rotary_factor=0.75),
        llama_yarn=of_llama(rope_type="yarn", truncate=False, **extended),
        llama_yarn_truncated=of_llama(rope_type="yarn", **extended),
        llama_by_turns=of_llama(rope_type="llama3", low_freq_factor=1.0, high_freq_factor=32.0, **extended),
        gpt_neox=of_gpt_neox(),
        bucket_sizes=np.array(BUCKETS),
        x_t5_buckets_causal=buckets(xt.RelativePositionBias._relative_position_bucket, causal=True),
        x_t5_buckets_bidirectional=buckets(xt.RelativePositionBias._relative_position_bucket, causal=False),
        t5_buckets_causal=buckets(T5Attention._relative_position_bucket, bidirectional=False),
        t5_buckets_bidirectional=buckets(T5Attention._relative_position_bucket, bidirectional=True),
        t5_table=t5_table,
        **{"x_t5_causal": x_t5(t5_table, True), "x_t5_bidirectional": x_t5(t5_table, False)},
        **{"t5_causal": t5(t5_table, True), "t5_bidirectional": t5(t5_table, False)},
        **{"cope_table": cope_table, "x_cope": x_cope(cope_table)},
        **{"shaw_table": shaw_table, "shaw": shaw(shaw_table)},
        **{"xl_matrix": matrix, "xl_content": u, "xl_position": v, "xl": transformer_xl(matrix, u, v)},
    )


if __name__ == "__main__":
    with torch.no_grad():
        main()
