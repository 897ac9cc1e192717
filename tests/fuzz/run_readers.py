"""Reads changed and hostile files in a process with limited memory, and prints a line of JSON for each reader.

    python run_readers.py FOLDER COUNT [NAME ...]

COUNT inputs for each reader. NAME: only these readers and hostile files. An input is known by its reader and its number.
"""

import json
import resource
import sys
import traceback
import warnings
from pathlib import Path

import hostile_files
import numpy as np
from mutations import mutate
from valid_files import list_readers

from jaxpe.errors import UserError

SPARE = 3 * 2**30  # bytes of address space besides what the process has; pages that are not used count too


def measure_memory(name):
    """VmRSS or VmHWM in MiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"no {name}")


def forget_peak():
    """Sets the peak of used memory back to what is used now."""
    Path("/proc/self/clear_refs").write_text("5")


def read_one(read, path):
    """How an input ended: "read", "refused", or what went wrong."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            read(path)
            outcome = "read"
        except UserError as error:
            outcome = "refused" if str(error).isprintable() else f"not one line: {error!r}"
        except BaseException:
            outcome = traceback.format_exc()
    told = [str(one.message) for one in caught if not issubclass(one.category, ResourceWarning)]
    return f"a warning: {told[0]}" if told else outcome


def read_mutations(folder, name, suffix, read, contents, count):
    """Reads changed files and counts how they ended."""
    ends, faults = {"read": 0, "refused": 0}, []
    for content in contents:
        path = folder / f"valid{suffix}"
        path.write_bytes(content)
        read(path)  # raises if it is not valid
    forget_peak()
    before = measure_memory("VmRSS")
    for number in range(count):
        generator = np.random.default_rng([number, *name.encode()])
        path = folder / f"changed{suffix}"
        path.write_bytes(mutate(name, contents[number % len(contents)], generator))
        end = read_one(read, path)
        if end in ends:
            ends[end] += 1
        else:
            faults.append(f"input {number}: {end}")
    return {**ends, "faults": faults[:5], "memory": measure_memory("VmHWM") - before}


def main():
    folder, count, chosen = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    readers = list_readers(folder)
    for name, (suffix, read, contents) in readers.items():
        if not chosen or name in chosen:
            print(
                json.dumps({"reader": name, **read_mutations(folder, name, suffix, read, contents, count)}),
                flush=True,
            )
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + SPARE, size + SPARE))
    before = measure_memory("VmRSS")
    for name, make in hostile_files.FILES.items():
        if not chosen or name in chosen:
            file, content = make()
            read = next(read for kind, read, _ in readers.values() if kind == Path(file).suffix)
            (folder / file).write_bytes(content)
            del content
            forget_peak()
            end = read_one(read, folder / file)
            print(json.dumps({"hostile": name, "end": end, "memory": measure_memory("VmHWM") - before}), flush=True)
            (folder / file).unlink()


if __name__ == "__main__":
    main()
