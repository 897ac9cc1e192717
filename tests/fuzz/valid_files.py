"""Small valid files of every format that a user may give, and what reads each."""

import io
import json
import struct
from contextlib import suppress
from pathlib import Path

import gguf
import numpy as np
import onnx
import pyarrow as pa
import pyarrow.parquet as pq
import torch_writer
from PIL import Image
from safetensors.numpy import save
from torch_writer import Tensor

from jaxpe.analysis import published
from jaxpe.data import corpus, images
from jaxpe.errors import UserError
from jaxpe.pretrained import models
from jaxpe.pretrained.weight_files import open_weights, read_array

RANDOM = np.random.default_rng(0)
TABLE = RANDOM.normal(size=(12, 4)).astype(np.float32)
TOKENS = RANDOM.normal(size=(20, 4)).astype(np.float32)
LINES = [f"Line {i}, of a déjà vu book." for i in range(30)]
TENSORS = {
    "model": {"wpe.weight": Tensor(TABLE), "wte.weight": Tensor(TOKENS), "mask": Tensor(np.ones((2, 2), bool))},
    "epoch": 3,
    "arguments": {"rate": 0.1, "name": None, "sizes": [1, 2, (3, 4)]},
    "half": Tensor(TABLE.astype("f2"), "_rebuild_parameter"),
}


def read_corpus(path):
    return corpus.load_corpus(str(path))


def read_weights(path):
    """Every array of a file, then its tables."""
    file = open_weights(path)
    for name in list(file.arrays)[:50]:
        with suppress(UserError):
            read_array(file, name)
    return models.open_model(path)


def read_picture(path):
    return images.decode_photograph(path, path.name)


def write(function, *arguments, **more):
    file = io.BytesIO()
    function(file, *arguments, **more)
    return file.getvalue()


def write_parquet(columns, **more):
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file, **more)
    return file.getvalue()


def write_onnx():
    tensors = {"a.position_embeddings.weight": TABLE, "a.word_embeddings.weight": TOKENS}
    initializers = [onnx.numpy_helper.from_array(array, name) for name, array in tensors.items()]
    initializers.append(onnx.helper.make_tensor("typed", onnx.TensorProto.FLOAT, [3, 2], list(range(6))))
    initializers.append(onnx.helper.make_tensor("small", onnx.TensorProto.INT4, [3, 2], list(range(6))))
    return onnx.helper.make_model(onnx.helper.make_graph([], "g", [], [], initializers)).SerializeToString()


def write_gguf(folder):
    writer = gguf.GGUFWriter(folder / "valid.gguf", "bert")
    writer.add_array("tokenizer.ggml.tokens", ["a", "b"])
    writer.add_context_length(12), writer.add_rope_freq_base(1e4), writer.add_head_count([4, 2])
    wide = RANDOM.normal(size=(12, 32)).astype(np.float32)
    writer.add_tensor("position_embd.weight", wide)
    kind = gguf.GGMLQuantizationType.Q8_0
    writer.add_tensor("token_embd.weight", gguf.quants.quantize(wide, kind), raw_dtype=kind)
    writer.write_header_to_file(), writer.write_kv_data_to_file(), writer.write_tensors_to_file(), writer.close()
    return (folder / "valid.gguf").read_bytes()


def write_ctranslate2():
    def encode(text):
        return struct.pack("<H", len(text) + 1) + text.encode() + b"\0"

    arrays = {"decoder/position_encodings/encodings": TABLE, "decoder/embeddings/weight": np.ones((20, 4), np.int8)}
    arrays["decoder/embeddings/weight_scale"] = np.ones(20, np.float32)
    content = struct.pack("<I", 6) + encode("WhisperSpec") + struct.pack("<II", 3, len(arrays))
    for name, array in arrays.items():
        kind = {"<f4": 0, "|i1": 1}[array.dtype.str]
        content += encode(name) + struct.pack(f"<B{array.ndim}I", array.ndim, *array.shape)
        content += struct.pack("<BI", kind, array.nbytes) + array.tobytes()
    return content + struct.pack("<I", 1) + encode("other") + encode("decoder/embeddings/weight")


def write_picture(kind, mode="RGB", **more):
    pixels = RANDOM.integers(0, 255, (20, 30, 3)).astype(np.uint8)
    return write(Image.fromarray(pixels).convert(mode).save, kind, **more)


def list_readers(folder: Path):
    """By name: suffix, what reads a file, and contents of valid files."""
    rows = [{"id": i, "text": line} for i, line in enumerate(LINES)]
    exif = Image.Exif()
    exif[0x0112] = 6
    table = ["id,text,note", *(f'{i},"{line}",n' for i, line in enumerate(LINES))]
    return {
        "text": (".txt", read_corpus, ["\n".join(LINES).encode(), b"\xef\xbb\xbf" + "\r\n".join(LINES).encode()]),
        "csv": (".csv", read_corpus, ["\n".join(table).encode()]),
        "tsv": (".tsv", read_corpus, ["\n".join(table).replace(",", "\t").encode()]),
        "jsonl": (".jsonl", read_corpus, ["\n".join(map(json.dumps, rows)).encode()]),
        "json": (".json", read_corpus, [json.dumps(rows, indent=1).encode()]),
        "parquet": (".parquet", read_corpus, [
            write_parquet({"id": list(range(30)), "text": LINES}),
            write_parquet({"body": pa.array(LINES).dictionary_encode()}, compression="zstd"),
        ]),
        "npy": (".npy", published.load_table, [write(np.save, TABLE), write(np.save, np.asfortranarray(TABLE[None]))]),
        "safetensors": (".safetensors", read_weights, [
            save({"wpe.weight": TABLE, "wte.weight": TOKENS, "mask": np.ones((2, 2), bool)}, {"title": "t"}),
            save({"a.position_embeddings.weight": TABLE[None].astype(np.float16)}),
        ]),
        "torch zip": (".pt", read_weights, [torch_writer.encode_archive(TENSORS, order=b"little")]),
        "torch old": (".bin", read_weights, [torch_writer.encode_older(TENSORS)]),
        "onnx": (".onnx", read_weights, [write_onnx()]),
        "gguf": (".gguf", read_weights, [write_gguf(folder)]),
        "ctranslate2": (".bin", read_weights, [write_ctranslate2()]),
        "png": (".png", read_picture, [write_picture("PNG"), write_picture("PNG", "P", transparency=3), write_picture("PNG", "LA")]),
        "jpeg": (".jpg", read_picture, [write_picture("JPEG", exif=exif), write_picture("JPEG", "CMYK", progressive=True)]),
        "webp": (".webp", read_picture, [write_picture("WEBP"), write_picture("WEBP", "RGBA", lossless=True)]),
    }  # fmt: skip
