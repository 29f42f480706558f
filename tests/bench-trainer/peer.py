#!/usr/bin/env python3
"""What `openledger-trainer bench` does, done by PyTorch, transformers and PEFT: prints the same line of JSON.

usage: peer.py --model DIR [--method lora|full] [--seq-len N] [--batch N] [--steps N] [--warmup N] [--dtype f32|bf16]
               [--threads N] [--ids FILE] [--adapter DIR] [--generate N] [--seconds S]
needs: torch, transformers, peft

--ids FILE      JSON {"input_ids": [[..], ..]}: a step takes the next --batch rows; random ids otherwise
--adapter DIR   starts from this adapter in place of a new one of rank 8 and alpha 16 around PEFT's default layers
--generate N    writes N tokens after a prompt of --seq-len, with the cache, in place of training
--seconds S     after so long what was measured is enough: without instructions for bf16 a step in it takes minutes
"""
import argparse
import json
import resource
import statistics
import time

import torch
import transformers
from transformers import AutoModelForCausalLM

transformers.utils.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()
a = argparse.ArgumentParser()
a.add_argument("--model", required=True)
a.add_argument("--method", choices=["lora", "full"], default="lora")
for name, default in dict(seq_len=512, batch=1, steps=6, warmup=2, threads=2, generate=0).items():
    a.add_argument("--" + name.replace("_", "-"), type=int, default=default)
a.add_argument("--dtype", choices=["f32", "bf16"], default="f32")
a.add_argument("--ids")
a.add_argument("--adapter")
a.add_argument("--seconds", type=float, default=float("inf"))
a = a.parse_args()

torch.set_num_threads(a.threads)
torch.manual_seed(0)
# Full training keeps its master weights in f32, as ours does; autocast makes the products bf16.
bf16 = a.dtype == "bf16"
dtype = torch.bfloat16 if bf16 and (a.method == "lora" or a.generate) else torch.float32
model = AutoModelForCausalLM.from_pretrained(a.model, dtype=dtype)
if a.adapter:
    from peft import PeftModel
    model = PeftModel.from_pretrained(model, a.adapter, is_trainable=True)
elif a.method == "lora" and not a.generate:
    from peft import LoraConfig, get_peft_model
    model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, task_type="CAUSAL_LM"))

rows = json.load(open(a.ids))["input_ids"] if a.ids else None


def ids(step):
    if rows is None:
        return torch.randint(3, model.config.vocab_size, (a.batch, a.seq_len))
    return torch.tensor([rows[(step * a.batch + i) % len(rows)] for i in range(a.batch)])


def peak_rss_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


line = dict(engine="pytorch+peft", version=torch.__version__, model=a.model, dtype=a.dtype, seq_len=a.seq_len, batch=a.batch)
times, cpu_times, losses = [], [], []
begun = time.perf_counter()


def steps():
    """Steps, and whether each counts."""
    for step in range(a.warmup + a.steps):
        spent = time.perf_counter() - begun
        if times and spent > a.seconds:
            return
        yield step, step >= a.warmup or spent > a.seconds / 4


def measured(start, cpu):
    times.append(time.perf_counter() - start)
    cpu_times.append(time.process_time() - cpu)


if a.generate:
    model.eval()
    for step, counts in steps():
        prompt = ids(step)
        start, cpu = time.perf_counter(), time.process_time()
        out = model.generate(prompt, attention_mask=torch.ones_like(prompt), do_sample=False, pad_token_id=0,
                             min_new_tokens=a.generate, max_new_tokens=a.generate)
        if counts:
            measured(start, cpu)
    median = statistics.median(times)
    line.update(generate=a.generate, run_s_median=round(median, 4),
                run_cpu_s_median=round(statistics.median(cpu_times), 4), tokens_per_s=round(a.batch * a.generate / median, 1),
                peak_rss_mb=peak_rss_mb(), written=out[0, -a.generate:].tolist())
else:
    model.train()
    trained = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=2e-4)
    for step, counts in steps():
        batch = ids(step)
        start, cpu = time.perf_counter(), time.process_time()
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            loss = model(input_ids=batch, labels=batch, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        optimiser.zero_grad()
        if counts:
            measured(start, cpu)
        losses.append(round(loss.item(), 6))
    median = statistics.median(times)
    line.update(method=a.method, step_s_median=round(median, 4),
                step_cpu_s_median=round(statistics.median(cpu_times), 4), tokens_per_s=round(a.batch * a.seq_len / median, 1),
                peak_rss_mb=peak_rss_mb(), trainable=sum(p.numel() for p in trained), loss=losses[-1], losses=losses)
print(json.dumps(line))
