"""Files of at most a few megabytes that claim, inflate to, or unfold into gigabytes."""

import json
import struct
import zipfile
import zlib

import pyarrow as pa
import torch_writer
from pictures import make_png_of_claimed_size
from torch_writer import Tensor
from valid_files import LINES, TABLE, write_parquet

MIB = 2**20


def write_npy_header(header):
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(64)


def write_pickle(content):
    return torch_writer.zip_members({"data.pkl": content})


def write_deflated_archive():
    size = 512 * MIB // 4
    described = torch_writer.pickle_tensors({"wpe.weight": Tensor(TABLE, shape=(size // 4, 4), count=size)})[0]
    return torch_writer.zip_members({"data.pkl": described, "data/0": bytes(512 * MIB)}, zipfile.ZIP_DEFLATED)


def write_onnx_field(number, content):
    def varint(value):
        parts = []
        while value > 127:
            parts.append(value & 127 | 128)
            value >>= 7
        return bytes([*parts, value])

    return varint(number << 3 | 2) + varint(len(content)) + content


def write_onnx_tensor(dims, kind=1):
    tensor = b"".join(b"\x08" + encode for encode in dims) + bytes([0x10, kind]) + write_onnx_field(8, b"wpe.weight")
    return write_onnx_field(7, write_onnx_field(5, tensor))


def write_safetensors(header):
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw


def write_gguf(*keys, arrays=0):
    return b"GGUF" + struct.pack("<IQQ", 3, arrays, len(keys)) + b"".join(keys)


def write_gguf_array(kind, count, values):
    return struct.pack("<Q", 1) + b"k" + struct.pack("<IIQ", 9, kind, count) + values


HUGE = b"\x80\x80\x80\x80\x80\x20"  # 2^40 in protobuf


def write_png_chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


MANY = 4 * MIB
FILES = {  # by name: what makes a file's name and its content
    "npy of 10^12 numbers": lambda: ("a.npy", write_npy_header(b"{'descr':'<f8','fortran_order':False,'shape':(1000000,1000000)}")),
    "npy of large items": lambda: ("a.npy", write_npy_header(b"{'descr':'<U500000000','fortran_order':False,'shape':(64,16)}")),
    "npy of deep brackets": lambda: ("a.npy", write_npy_header(b"(" * 60_000)),
    "torch inflated": lambda: ("a.pt", write_deflated_archive()),
    "torch pickle inflated": lambda: ("a.pt", torch_writer.zip_members({"data.pkl": b"]" * 500 * MIB}, zipfile.ZIP_DEFLATED)),
    "torch repeated": lambda: ("a.pt", torch_writer.encode_archive({"wpe.weight": Tensor(TABLE, shape=(10**5, 10**5), strides=(0, 0))})),
    "torch claimed": lambda: ("a.pt", torch_writer.encode_archive({"wpe.weight": Tensor(TABLE, shape=(10**6, 10**6), strides=(10**6, 1), count=10**12)})),
    "torch of lists": lambda: ("a.pt", write_pickle(b"]" * MANY + b".")),
    "torch of dictionaries": lambda: ("a.pt", write_pickle(b"}" * MANY + b".")),
    "torch of sets": lambda: ("a.pt", write_pickle(b"\x80\x04" + b"\x8f" * MANY + b".")),
    "torch of marks": lambda: ("a.pt", write_pickle(b"(" * MANY + b".")),
    "torch of tuples": lambda: ("a.pt", write_pickle(b"}N" + b"\x85" * MANY + b"Ns.")),
    "torch of doubled lists": lambda: ("a.pt", write_pickle(b"]2a" * (MANY // 3) + b".")),
    "torch of calls": lambda: ("a.pt", write_pickle(b"ccollections\nOrderedDict\nq\x00" + b"h\x00)R" * (MANY // 4) + b".")),
    "torch with a far memo": lambda: ("a.pt", write_pickle(b"Nr\xff\xff\xff\xff.")),
    "torch with a long text": lambda: ("a.pt", write_pickle(b"\x80\x04\x8d" + struct.pack("<Q", 2**40) + b"x.")),
    "torch with a long frame": lambda: ("a.pt", write_pickle(b"\x80\x04\x95" + struct.pack("<Q", 2**40) + b"N.")),
    "torch with long names": lambda: ("a.pt", write_pickle(b"}" + b"X" + struct.pack("<I", MIB) + b"k" * MIB + b"}(" + b"".join(
            b"K" + bytes([i]) + b"]" for i in range(200)) + b"us.")),
    "old torch of lists": lambda: ("a.bin", torch_writer.pickle.dumps(torch_writer.MAGIC, 2) + b"]" * MANY + b"."),
    "old torch with a far memo": lambda: ("a.bin", torch_writer.pickle.dumps(torch_writer.MAGIC, 2) + b"Nr\xff\xff\xff\xff."),
    "safetensors with a long header": lambda: ("a.safetensors", struct.pack("<Q", 2**40) + b"{" + bytes(100)),
    "safetensors of empty arrays": lambda: ("a.safetensors", write_safetensors({f"{i}": {"dtype": "F32", "shape": [0, 2**40], "data_offsets": [0, 0]} for i in range(50_000)})),
    "safetensors of deep brackets": lambda: ("a.safetensors", write_safetensors(b'{"a":' + b"[" * MANY)),
    "onnx of 2^80 numbers": lambda: ("a.onnx", write_onnx_tensor([HUGE, HUGE])),
    "onnx of 2^40 packed numbers": lambda: ("a.onnx", write_onnx_tensor([HUGE, b"\x01"], 22)),
    "onnx of small arrays": lambda: ("a.onnx", write_onnx_field(7, b"".join(b"\x2a\x07B\x05" + b"%05x" % i for i in range(500_000)))),
    "onnx of a million arrays": lambda: ("a.onnx", write_onnx_field(7, b"\x2a\x00" * (2 * MIB))),
    "gguf of a million texts": lambda: ("a.gguf", write_gguf(write_gguf_array(8, MIB // 2, bytes(8 * MIB // 2)))),
    "gguf of many numbers": lambda: ("a.gguf", write_gguf(write_gguf_array(0, 4 * MIB, bytes(4 * MIB)))),
    "gguf of nested lists": lambda: ("a.gguf", write_gguf(write_gguf_array(9, MIB // 4, struct.pack("<IQ", 0, 0) * (MIB // 4)))),
    "gguf of small arrays": lambda: ("a.gguf", write_gguf(arrays=140_000) + b"".join(
            struct.pack("<Q", 4) + b"%04x" % i + struct.pack("<IIQ", 0, 0, 0) for i in range(140_000)) + bytes(64)),
    "gguf of many arrays": lambda: ("a.gguf", write_gguf(arrays=2**40) + bytes(MIB)),
    "ctranslate2 of small arrays": lambda: ("b.bin", struct.pack("<I", 6) + struct.pack("<H", 2) + b"S\0" + struct.pack("<II", 3, 2**32 - 1) + b"".join(
            struct.pack("<H", 6) + b"%05x\0" % i + struct.pack("<BBI", 0, 0, 4) + bytes(4) for i in range(280_000))),
    "png of 10^8 pixels": lambda: ("a.png", make_png_of_claimed_size(10_000, 10_000)),
    "png of a long line": lambda: ("a.png", make_png_of_claimed_size(10_000_000, 1)),
    "png with inflated text": lambda: ("a.png", make_png_of_claimed_size(300, 300)[:33] + write_png_chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(200 * MIB)))),
    "json of brackets": lambda: ("a.jsonl", b"[" * MANY),
    "json of lists": lambda: ("a.jsonl", b"[" + b"[]," * (MANY // 3) + b"[]]"),
    "csv of one line": lambda: ("a.csv", b"text\n" + b"," * MANY),
    "csv of one field": lambda: ("a.csv", b'text\n"' + b"a\n" * (MANY // 2)),
    "text of one line": lambda: ("a.txt", b"a" * MANY),
    "parquet that inflates": lambda: ("a.parquet", write_parquet({"text": pa.array(["a" * MIB] * 20 + LINES)}, compression="zstd", use_dictionary=False)),
    "parquet of one text": lambda: ("a.parquet", write_parquet({"text": pa.DictionaryArray.from_arrays(
            pa.array([0] * 100_000, pa.int32()), pa.array(["a" * (MIB // 4)]))}, dictionary_pagesize_limit=4 * MIB)),
}  # fmt: skip
