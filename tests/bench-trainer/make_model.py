#!/usr/bin/env python3
"""Writes a Hugging Face checkpoint of a named shape with random weights: a benchmark needs no download.

usage: make_model.py SHAPE DIR      SHAPE: tiny | gpt2-124m | llama-160m | qwen2-494m
needs: torch, transformers
"""
import sys

import torch
from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig, Qwen2Config

SHAPES = {
    "tiny": lambda: LlamaConfig(
        vocab_size=512, hidden_size=64, intermediate_size=128, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=512),
    # As published, with 2048 positions in place of 1024 for the longer of the two lengths, and without dropout.
    "gpt2-124m": lambda: GPT2Config(n_positions=2048, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0),
    "llama-160m": lambda: LlamaConfig(
        vocab_size=32000, hidden_size=768, intermediate_size=2048, num_hidden_layers=16,
        num_attention_heads=12, num_key_value_heads=4, max_position_embeddings=2048),
    "qwen2-494m": lambda: Qwen2Config(
        vocab_size=151936, hidden_size=896, intermediate_size=4864, num_hidden_layers=24,
        num_attention_heads=14, num_key_value_heads=2, tie_word_embeddings=True, max_position_embeddings=32768),
}

shape, out = sys.argv[1:]
torch.manual_seed(0)
AutoModelForCausalLM.from_config(SHAPES[shape]()).float().save_pretrained(out)
