// What each JavaScript client does, whatever library it speaks through: submit an item, vote on everybody's, carry its own to
// the end, claim what it earned. `chain` is the library behind a dozen small functions, so that a call stands in one place.

import { createInterface } from "node:readline/promises";
import { Keyring } from "@polkadot/keyring";
import { ballot, payload, possession } from "./openledger.mjs";

// Every client of the test gives this score, and the size for units, so that all votes are equal.
const SCORE = 80;
const POLL_MILLIS = 500;

// The arguments that the test gives: node, contributor, validator, Datanet, number of items, and whether to sign with the
// metadata's hash.
export const options = () => {
	const [url, contributor, validator, datanet, items, metadataHash] = process.argv.slice(2);
	const keyring = new Keyring({ type: "sr25519", ss58Format: 42 });
	return {
		url,
		contributor: keyring.addFromUri(contributor),
		validator: keyring.addFromUri(validator),
		datanet: Number(datanet),
		items: Number(items),
		metadataHash: metadataHash === "with-metadata-hash",
	};
};

const pause = () => new Promise((resolve) => setTimeout(resolve, POLL_MILLIS));

// All clients submit at once, so that their items are voted on in the same blocks.
const untilTold = async () => {
	const input = createInterface({ input: process.stdin });
	console.log("ready");
	await new Promise((resolve) => input.once("line", resolve));
	input.close();
};

// What is due on an item in the next block: the windows are told by the round, which counts active blocks.
const due = (status, now, mine) => {
	const { phase, round, vote } = status;
	if (phase === "Voting" && round) {
		if (!vote && now > round.seed_at && now < round.commit_until) return "commit";
		if (vote && !vote.revealed && now >= round.commit_until && now < round.reveal_until) return "reveal";
		if (mine && now > round.reveal_until) return "close_round";
	}
	if (phase === "Provisional" && mine && now > status.until) return "finalize";
	if (phase === "Final" && mine) return "settle";
	return undefined;
};

// Votes on all items and carries the own one on until nothing is left to do. Returns the epoch in which it earned, and as what
// a claim was refused that came before the epoch's end.
const judge = async (chain, own, { contributor, validator, items }) => {
	const genesis = await chain.genesis();
	const ballots = new Map();
	let epoch, refused;
	for (let open = true; open; await pause()) {
		const now = await chain.now();
		const votes = [];
		open = false;
		for (let item = 0; item < items; item++) {
			const status = await chain.status(item, validator);
			if (!status) continue;
			open = true;
			const key = `${item}/${status.index}`;
			switch (due(status, now, item === own)) {
				case "commit": {
					const verdict = { score: SCORE, units: status.size };
					ballots.set(key, ballot(genesis, item, status.index, validator.publicKey, verdict));
					votes.push(chain.calls.commit(item, status.index, ballots.get(key).commitment));
					break;
				}
				case "reveal":
					votes.push(chain.calls.reveal(item, status.index, ballots.get(key)));
					break;
				case "close_round":
					await chain.send(contributor, chain.calls.closeRound(item));
					break;
				case "finalize": {
					const events = await chain.send(contributor, chain.calls.finalize(item));
					epoch = events.find(({ name, data }) => name === "Rewards.PointsAwarded" && chain.isOurPool(data)).data.epoch;
					refused = await chain.send(contributor, chain.calls.claim(epoch)).then(
						() => "nothing",
						(error) => error.message,
					);
					console.log(`item ${item} accepted, points in epoch ${epoch}; claimed too early: ${refused}`);
					break;
				}
				case "settle": {
					// Those of earlier, undecided rounds too.
					const settle = [];
					for (let round = 0; round <= status.index; round++) {
						const voters = await chain.voters(item, round);
						settle.push(...voters.map((voter) => chain.calls.settle(item, round, voter)));
					}
					await chain.send(contributor, chain.calls.batch(settle));
					console.log(`item ${item}: ${settle.length} votes settled`);
					break;
				}
			}
		}
		if (votes.length > 0) {
			await chain.send(validator, chain.calls.batch(votes));
			console.log(`${votes.length} votes at block ${now}`);
		}
	}
	return { epoch: Number(epoch), refused };
};

export const run = async (name, chain, options) => {
	const { contributor, datanet, items } = options;
	console.log(await chain.describe(datanet, contributor));
	await untilTold();

	const bytes = Buffer.from(`# Written by ${name}\n\nAt ${new Date().toISOString()}.\n`);
	const submit = chain.calls.submit(datanet, payload(bytes), possession(contributor.publicKey, bytes));
	const submitted = await chain.send(contributor, submit);
	const own = Number(submitted.find(({ name }) => name === "Datanets.ItemSubmitted").data.item);
	console.log(`item ${own} submitted`);
	while ((await chain.itemCount()) < items) await pause();

	const { epoch, refused } = await judge(chain, own, options);
	while (!(await chain.isClosed(epoch))) await pause();
	const claimed = await chain.send(contributor, chain.calls.claim(epoch));
	const { amount } = claimed.find(({ name }) => name === "Rewards.RewardClaimed").data;
	const metadata_hash = await chain.metadataHash();
	console.log(JSON.stringify({ item: own, epoch, refused, claimed: String(amount), metadata_hash }));
};
