#!/usr/bin/env python3
"""Runs `openledger-trainer bench` and peer.py in turns and compares medians; see scripts/bench-trainer.sh."""
import argparse
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
# Losses of the two, from the same weights, adapter and ids.
TOLERANCE = {"f32": 1e-3, "bf16": 2e-2}
# Targets of the ratios: tokens a second of training and of generation, memory.
AMX = "amx_bf16" in pathlib.Path("/proc/cpuinfo").read_text()
TARGETS = {"f32": 1.25, "bf16": 2.0 if AMX else 1.25, "generate": 1.5, "memory": 0.5}
# Of one run of the peer: where its bf16 is slow, a few steps must do.
PEER_SECONDS = 120

a = argparse.ArgumentParser()
a.add_argument("--trainer", required=True)
a.add_argument("--cache", type=pathlib.Path, required=True)
for name in ["models", "lengths", "dtypes"]:
    a.add_argument("--" + name, type=str.split, required=True)
for name in ["runs", "steps", "generate", "threads"]:
    a.add_argument("--" + name, type=int, required=True)
a = a.parse_args()


def run(command, *options):
    """The JSON of its last line. What it wrote to stderr is shown only if it fails."""
    done = subprocess.run([*command, *map(str, options), "--threads", str(a.threads)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{done.stderr}error: {' '.join(command)} failed")
    return json.loads(done.stdout.splitlines()[-1])


OURS = [a.trainer, "bench"]
PEER = [sys.executable, str(HERE / "peer.py"), "--seconds", str(PEER_SECONDS)]


def model_dir(shape):
    out = a.cache / "models" / shape
    if not (out / "config.json").exists():
        # Written beside and renamed: a broken run leaves no half model.
        scratch = out.with_name(f".{shape}")
        subprocess.run([sys.executable, str(HERE / "make_model.py"), shape, str(scratch)], check=True, stdout=2, stderr=2)
        os.replace(scratch, out)
    return out


def check_losses(model, dtype):
    """Five steps of both from the same adapter and ids."""
    adapter = a.cache / "adapters" / model.name
    if not (adapter / "adapter_config.json").exists():
        subprocess.run([sys.executable, str(HERE / "make_adapter.py"), str(model), str(adapter)], check=True, stderr=2)
    vocab = json.loads((model / "config.json").read_text())["vocab_size"]
    draw = random.Random(0)
    rows = [[draw.randrange(3, vocab) for _ in range(128)] for _ in range(5)]
    ids = a.cache / "ids.json"
    ids.write_text(json.dumps({"input_ids": rows}))
    options = ["--model", model, "--adapter", adapter, "--ids", ids, "--dtype", dtype, "--warmup", 0, "--steps", 5]
    ours, peer = run(OURS, *options)["losses"], run(PEER, *options)["losses"]
    worst = max(abs(x - y) for x, y in zip(ours, peer))
    print(f"{model.name} {dtype}: losses differ by at most {worst:.1e}", flush=True)
    if worst > TOLERANCE[dtype]:
        sys.exit(f"error: losses differ by {worst}: {ours}, {peer}")
    return round(worst, 6)


def measure(options, what, target):
    """Medians of turns, and their ratios."""
    turns = [(run(OURS, *options), run(PEER, *options)) for _ in range(a.runs)]
    median = lambda side, key: statistics.median(turn[side][key] for turn in turns)
    cpu = next(key for key in turns[0][0] if key.endswith("cpu_s_median"))
    row = dict(
        tokens_per_s=median(0, "tokens_per_s"), peer_tokens_per_s=median(1, "tokens_per_s"),
        cpu_s=median(0, cpu), peer_cpu_s=median(1, cpu),
        peak_rss_mb=median(0, "peak_rss_mb"), peer_peak_rss_mb=median(1, "peak_rss_mb"))
    row["cpu"] = round(row["peer_cpu_s"] / row["cpu_s"], 2)
    row["speed"] = round(row["tokens_per_s"] / row["peer_tokens_per_s"], 2)
    row["memory"] = round(row["peak_rss_mb"] / row["peer_peak_rss_mb"], 2)
    missed = [] if row["speed"] >= target else [f"speed below {target}"]
    if row["memory"] > TARGETS["memory"]:
        missed.append(f"memory above {TARGETS['memory']}")
    print(f"{what:38} {row['tokens_per_s']:8.1f} / {row['peer_tokens_per_s']:8.1f} tokens/s = {row['speed']:.2f}   "
          f"{row['cpu_s']:7.2f} / {row['peer_cpu_s']:7.2f} processor s = {row['cpu']:.2f}   "
          f"{row['peak_rss_mb']:6.0f} / {row['peer_peak_rss_mb']:6.0f} MB = {row['memory']:.2f}   {', '.join(missed)}",
          flush=True)
    return {**row, "missed": missed}


results = []
for shape in a.models:
    model = model_dir(shape)
    for dtype in a.dtypes:
        worst = check_losses(model, dtype)
        common = ["--model", model, "--dtype", dtype]
        for length in a.lengths:
            options = [*common, "--seq-len", length, "--steps", a.steps]
            row = measure(options, f"{shape} {dtype} lora {length}", TARGETS[dtype])
            results.append(dict(model=shape, dtype=dtype, work="lora", seq_len=int(length), loss_difference=worst, **row))
        if a.generate:
            options = [*common, "--seq-len", 64, "--generate", a.generate, "--warmup", 1, "--steps", 2]
            row = measure(options, f"{shape} {dtype} generate {a.generate}", TARGETS["generate"])
            results.append(dict(model=shape, dtype=dtype, work="generate", seq_len=64, **row))
print(json.dumps(dict(threads=a.threads, runs=a.runs, results=results)))
