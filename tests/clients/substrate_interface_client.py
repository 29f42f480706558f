"""The scenario of scenario.mjs through substrate-interface (Python), which knows metadata 14 and signs without its hash."""

import hashlib
import json
import os
import struct
import sys
import time
from datetime import datetime, timezone

from substrateinterface import Keypair, SubstrateInterface

SCORE = 80
POLL_SECONDS = 0.5
POOL = {"Contributors": "Text"}

URL, CONTRIBUTOR, VALIDATOR, DATANET, ITEMS = sys.argv[1:6]
DATANET, ITEMS = int(DATANET), int(ITEMS)
contributor = Keypair.create_from_uri(CONTRIBUTOR, ss58_format=42)
validator = Keypair.create_from_uri(VALIDATOR, ss58_format=42)
chain = SubstrateInterface(url=URL, ss58_format=42)


def say(text):
    print(text, flush=True)


def query(pallet, entry, *keys):
    return chain.query(pallet, entry, list(keys)).value


# The chain's own encodings, written anew.


def blake2(*parts):
    return hashlib.blake2b(b"".join(parts), digest_size=32).digest()


def payload(content):
    """What the chain stores of a file of at most 1 MiB: one raw IPFS block, whose digest is the file's own."""
    sha256 = "0x" + hashlib.sha256(content).hexdigest()
    return {"sha256": sha256, "root": sha256, "codec": "Raw", "size": len(content), "format": "Markdown"}


def ballot(item, round, units):
    """A vote that accepts, its salt, and the commitment that hides both."""
    domain = b"openledger/vote/1"
    genesis = bytes.fromhex(chain.get_block_hash(0)[2:])
    salt = os.urandom(32)
    preimage = (
        bytes([len(domain) << 2]) + domain + genesis + struct.pack("<QB", item, round) + validator.public_key
        + struct.pack("<BBI", 0, SCORE, units) + salt
    )
    return {"units": units, "salt": "0x" + salt.hex(), "commitment": "0x" + blake2(preimage).hex()}


# Every call of the scenario in one place.


def submit(content):
    proof = "0x" + blake2(contributor.public_key, content).hex()
    return compose("Datanets", "submit", datanet=DATANET, payload=payload(content), possession=proof)


def commit(item, round, vote):
    return compose("Validation", "commit", item=item, round=round, commitment=vote["commitment"])


def reveal(item, round, vote):
    verdict = {"Accept": {"score": SCORE, "units": vote["units"]}}
    return compose("Validation", "reveal", item=item, round=round, verdict=verdict, salt=vote["salt"])


def close_round(item):
    return compose("Validation", "close_round", item=item)


def finalize(item):
    return compose("Validation", "finalize", item=item)


def settle(item, round, voter):
    return compose("Validation", "settle", item=item, round=round, voter=voter)


def claim(epoch):
    return compose("Rewards", "claim", epoch=epoch, pool=POOL)


def batch(calls):
    return compose("Utility", "batch_all", calls=calls)


def compose(pallet, call, **arguments):
    return chain.compose_call(pallet, call, arguments)


class Refused(Exception):
    """A call that failed in its block, by the pallet's name and the error's."""


def send(who, call):
    """Signs, sends, waits for the block. Returns the call's events as (pallet.name, fields)."""
    receipt = chain.submit_extrinsic(chain.create_signed_extrinsic(call, who), wait_for_inclusion=True)
    if not receipt.is_success:
        raise Refused(receipt.error_message["name"])
    events = [event.value["event"] for event in receipt.triggered_events]
    return [(f"{event['module_id']}.{event['event_id']}", event["attributes"]) for event in events]


def due(case, round, vote, now, mine):
    """What is due on an item in the next block."""
    phase = case["phase"]
    if phase == "Voting" and round is not None:
        if vote is None and round["seed_at"] < now < round["commit_until"]:
            return "commit"
        if vote is not None and vote["verdict"] is None and round["commit_until"] <= now < round["reveal_until"]:
            return "reveal"
        if mine and now > round["reveal_until"]:
            return "close_round"
    if mine and "Provisional" in phase and now > phase["Provisional"]["until"]:
        return "finalize"
    if mine and "Final" in phase:
        return "settle"
    return None


def judge(own):
    """Votes on all items and carries the own one on until nothing is left. Returns the epoch in which it earned, and as
    what a claim was refused that came before the epoch's end."""
    ballots, epoch, refused, is_open = {}, None, "nothing", True
    while is_open:
        now = query("Authorities", "ActiveBlockCount")
        is_open, votes = False, []
        for item in range(ITEMS):
            case = query("Validation", "Cases", item)
            if case is None:
                continue
            is_open = True
            index = case["round"]
            key = (item, index)
            round = query("Validation", "Rounds", key)
            vote = query("Validation", "Votes", key, validator.ss58_address)
            duty = due(case, round, vote, now, item == own)
            if duty == "commit":
                ballots[key] = ballot(item, index, query("Datanets", "Items", item)["payload"]["size"])
                votes.append(commit(item, index, ballots[key]))
            elif duty == "reveal":
                votes.append(reveal(item, index, ballots[key]))
            elif duty == "close_round":
                send(contributor, close_round(item))
            elif duty == "finalize":
                events = send(contributor, finalize(item))
                awarded = [fields for name, fields in events if name == "Rewards.PointsAwarded"]
                epoch = next(fields["epoch"] for fields in awarded if "Contributors" in fields["pool"])
                try:
                    send(contributor, claim(epoch))
                except Refused as error:
                    refused = f"Rewards.{error}"
                say(f"item {item} accepted, points in epoch {epoch}; claimed too early: {refused}")
            elif duty == "settle":
                # Those of earlier, undecided rounds too.
                keys = [(item, earlier) for earlier in range(index + 1)]
                votes_of = {key: chain.query_map("Validation", "Votes", [key]) for key in keys}
                calls = [settle(*key, voter.value) for key, found in votes_of.items() for voter, _ in found]
                send(contributor, batch(calls))
                say(f"item {item}: {len(calls)} votes settled")
        if votes:
            send(validator, batch(votes))
            say(f"{len(votes)} votes at block {now}")
        time.sleep(POLL_SECONDS)
    return epoch, refused


def main():
    name = query("Datanets", "Datanets", DATANET)["name"]
    files = query("Datanets", "DayUses", contributor.ss58_address)["files"]
    say(f"runtime {chain.runtime_version}; Datanet {name}, {files} files today")
    # All clients submit at once, so that their items are voted on in the same blocks.
    say("ready")
    sys.stdin.readline()

    content = f"# Written by substrate-interface\n\nAt {datetime.now(timezone.utc)}.\n".encode()
    own = next(fields["item"] for name, fields in send(contributor, submit(content)) if name == "Datanets.ItemSubmitted")
    say(f"item {own} submitted")
    while query("Datanets", "NextItem") < ITEMS:
        time.sleep(POLL_SECONDS)

    epoch, refused = judge(own)
    while query("Rewards", "Epochs", epoch)["state"] != "Closed":
        time.sleep(POLL_SECONDS)
    events = send(contributor, claim(epoch))
    claimed = next(fields["amount"] for name, fields in events if name == "Rewards.RewardClaimed")
    report = {"item": own, "epoch": epoch, "refused": refused, "claimed": str(claimed), "metadata_hash": None}
    say(json.dumps(report))


main()
