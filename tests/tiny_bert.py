"""A BERT small enough to be made in a test, with its tokenizer."""

import json

import numpy as np

from jaxpe.pretrained import minilm

TOKENIZER = json.dumps({
    "version": "1.0", "truncation": None, "added_tokens": [], "normalizer": None, "decoder": None,
    "padding": {"strategy": {"Fixed": 9}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0,
                "pad_type_id": 0, "pad_token": "[PAD]"},
    "pre_tokenizer": {"type": "Whitespace"},
    "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 2], "cls": ["[CLS]", 1]},
    "model": {"type": "WordLevel", "unk_token": "[UNK]",
              "vocab": {"[PAD]": 0, "[CLS]": 1, "[SEP]": 2, "[UNK]": 3, "a": 4, "dog": 5, "bit": 6}},
})  # fmt: skip


def tokenize(model, sentences, length):
    """Ids of sentences between [CLS] and [SEP], cut or padded to one length, and a mask that is False at padding."""
    tokenizer = minilm.load_tokenizer(model)
    tokenizer.enable_truncation(length)
    tokenizer.enable_padding(length=length)
    encodings = tokenizer.encode_batch(sentences)
    mask = np.array([encoding.attention_mask for encoding in encodings], bool)
    return np.array([encoding.ids for encoding in encodings], np.int32), mask


def tiny_bert(layers=2, width=8, inner=16):
    """Random weights under the published names, the same ones at every call."""
    generator = np.random.default_rng(0)
    shapes = {"embeddings.token_type_embeddings.weight": (2, width), "embeddings.LayerNorm": width}
    shapes |= {"embeddings.position_embeddings.weight": (12, width), "embeddings.word_embeddings.weight": (7, width)}
    for name in (f"encoder.layer.{n}" for n in range(layers)):
        shapes |= {f"{name}.attention.self.{part}": (width, width) for part in ("query", "key", "value")}
        shapes |= {f"{name}.attention.output.dense": (width, width), f"{name}.attention.output.LayerNorm": width}
        shapes |= {f"{name}.intermediate.dense": (inner, width), f"{name}.output.dense": (width, inner)}
        shapes |= {f"{name}.output.LayerNorm": width}
    made = {}
    for name, shape in shapes.items():
        if name.endswith(".weight"):
            made[name] = generator.normal(size=shape)
        else:
            made |= {
                f"{name}.weight": generator.normal(size=shape),
                f"{name}.bias": generator.normal(size=np.ravel(shape)[0]),
            }
    return {name: array.astype(np.float32) for name, array in made.items()}
