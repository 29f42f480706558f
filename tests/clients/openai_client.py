#!/usr/bin/env python3
"""The `openai` package against `openledger-trainer serve`: models, answers whole and streamed, many at once, refusals.

usage: openai_client.py URL BASE ADAPTER...

Prints one line of JSON: what each model answered.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import openai

url, base, *adapters = sys.argv[1:]
client = openai.OpenAI(base_url=f"{url}/v1", api_key="none is needed", max_retries=0, timeout=120)
QUESTION = [{"role": "system", "content": "the open"}, {"role": "user", "content": "ledger of data"}]
SETTINGS = dict(messages=QUESTION, temperature=0, max_tokens=16, seed=1)


def whole(model):
    answer = client.chat.completions.create(model=model, **SETTINGS)
    choice, usage = answer.choices[0], answer.usage
    assert answer.model == model and choice.message.role == "assistant", answer
    assert choice.finish_reason in ("stop", "length"), answer
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens, answer
    return choice.message.content


def streamed(model):
    stream = client.chat.completions.create(
        model=model, stream=True, stream_options={"include_usage": True}, **SETTINGS
    )
    text, reasons, tokens = "", [], None
    for chunk in stream:
        if chunk.usage:
            tokens = chunk.usage.completion_tokens
        for choice in chunk.choices:
            text += choice.delta.content or ""
            reasons += [choice.finish_reason] if choice.finish_reason else []
    assert len(reasons) == 1 and 0 < tokens <= 16, (reasons, tokens)
    return text


def refused(kind, **changes):
    try:
        client.chat.completions.create(**{"model": base, **SETTINGS, **changes})
    except kind as error:
        assert error.code and error.message, error
        return
    raise AssertionError(f"{changes} was not refused")


listed = [model.id for model in client.models.list()]
assert listed == [base, *adapters], listed
assert client.models.retrieve(adapters[0]).id == adapters[0]

with ThreadPoolExecutor(8) as pool:
    answers = list(pool.map(whole, listed * 4))
    streams = list(pool.map(streamed, listed * 4))
assert answers == streams == answers[: len(listed)] * 4, (answers, streams)

stop = answers[0][len(answers[0]) // 2]
cut = client.chat.completions.create(model=base, stop=stop, **SETTINGS).choices[0]
assert cut.finish_reason == "stop" and cut.message.content == answers[0].split(stop)[0], cut
sampled = [
    client.chat.completions.create(
        model=base, messages=QUESTION, max_tokens=16, temperature=1.2, top_p=0.9, seed=seed,
        extra_body={"top_k": 50, "repetition_penalty": 1.1},
    ).choices[0].message.content
    for seed in (1, 1, 2, 3)
]
assert sampled[0] == sampled[1] and len(set(sampled)) > 1, sampled

refused(openai.NotFoundError, model="none")
refused(openai.BadRequestError, temperature=-1)
refused(openai.BadRequestError, n=3)
refused(openai.BadRequestError, messages=[{"role": "user", "content": "the " * 500}])

print(json.dumps(dict(zip(listed, answers))))
