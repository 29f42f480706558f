#!/usr/bin/env python3
"""Writes a PEFT adapter of rank 8 and alpha 16 around PEFT's default layers, B not zero, so that it changes losses.

usage: make_adapter.py MODELDIR DIR
needs: torch, transformers, peft
"""
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

model, out = sys.argv[1:]
torch.manual_seed(1)
model = get_peft_model(AutoModelForCausalLM.from_pretrained(model), LoraConfig(r=8, lora_alpha=16, task_type="CAUSAL_LM"))
for name, parameter in model.named_parameters():
    if "lora_B" in name:
        torch.nn.init.normal_(parameter, std=0.02)
model.save_pretrained(out)
