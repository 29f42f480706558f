// The scenario through @polkadot/api.

import { ApiPromise, WsProvider } from "@polkadot/api";
import { merkleizeMetadata } from "@polkadot-api/merkleize-metadata";
import { hex } from "./openledger.mjs";
import { options, run } from "./scenario.mjs";

const POOL = { Contributors: "Text" };

const given = options();
const api = await ApiPromise.create({ provider: new WsProvider(given.url), noInitWarn: true });
const { tx, query } = api;

// The digest of RFC 78, computed from the metadata that the node gives out.
const metadataHash = async () => {
	const metadata = (await api.call.metadata.metadataAtVersion(15)).unwrap();
	const info = { decimals: api.registry.chainDecimals[0], tokenSymbol: api.registry.chainTokens[0] };
	return hex(merkleizeMetadata(metadata.toHex(), info).digest());
};
const signing = given.metadataHash ? { mode: 1, metadataHash: await metadataHash() } : {};

const named = (error) => {
	if (!error.isModule) return error.toString();
	const { section, name } = api.registry.findMetaError(error.asModule);
	return `${section[0].toUpperCase()}${section.slice(1)}.${name}`;
};

const event = ({ event }) => ({
	name: `${event.section[0].toUpperCase()}${event.section.slice(1)}.${event.method}`,
	data: Object.fromEntries(event.data.names.map((name, index) => [name, event.data[index]])),
});

const send = (who, call) =>
	new Promise((resolve, reject) => {
		const watch = ({ status, dispatchError, internalError, events }) => {
			if (internalError) reject(internalError);
			else if (status.isInvalid || status.isDropped || status.isUsurped) reject(new Error(status.type));
			else if (status.isInBlock) {
				if (dispatchError) reject(new Error(named(dispatchError)));
				else resolve(events.map(event));
			}
		};
		call.signAndSend(who, { nonce: -1, ...signing }, watch).catch(reject);
	});

const status = async (item, voter) => {
	const found = await query.validation.cases(item);
	if (found.isNone) return undefined;
	const { phase, round: index } = found.unwrap();
	const round = (await query.validation.rounds([item, index])).unwrapOr(undefined);
	const vote = (await query.validation.votes([item, index], voter.address)).unwrapOr(undefined);
	// The library's Struct has a size of its own, so the field gets an underscore.
	const { payload } = (await query.datanets.items(item)).unwrap();
	const number = (value) => value.toNumber();
	return {
		phase: phase.type,
		until: phase.isProvisional ? number(phase.asProvisional.until) : undefined,
		index: number(index),
		round: round && {
			seed_at: number(round.seedAt),
			commit_until: number(round.commitUntil),
			reveal_until: number(round.revealUntil),
		},
		vote: vote && { revealed: vote.verdict.isSome },
		size: number(payload.size_),
	};
};

await run("@polkadot/api", {
	send,
	status,
	calls: {
		submit: (datanet, payload, possession) =>
			tx.datanets.submit(datanet, { ...payload, codec: "Raw", format: "Markdown" }, possession),
		commit: (item, round, commitment) => tx.validation.commit(item, round, commitment),
		reveal: (item, round, { score, units, salt }) =>
			tx.validation.reveal(item, round, { Accept: { score, units } }, salt),
		closeRound: (item) => tx.validation.closeRound(item),
		finalize: (item) => tx.validation.finalize(item),
		settle: (item, round, voter) => tx.validation.settle(item, round, voter),
		claim: (epoch) => tx.rewards.claim(epoch, POOL),
		batch: (calls) => tx.utility.batchAll(calls),
	},
	metadataHash,
	genesis: async () => api.genesisHash.toU8a(),
	now: async () => (await query.authorities.activeBlockCount()).toNumber(),
	itemCount: async () => (await query.datanets.nextItem()).toNumber(),
	voters: async (item, round) =>
		(await query.validation.votes.keys([item, round])).map(({ args: [, voter] }) => voter.toString()),
	isClosed: async (epoch) => (await query.rewards.epochs(epoch)).unwrap().state.isClosed,
	isOurPool: ({ pool }) => pool.isContributors,
	describe: async (datanet, { address }) => {
		const { name } = (await query.datanets.datanets(datanet)).unwrap();
		const { files } = await query.datanets.dayUses(address);
		const { specName, specVersion } = api.runtimeVersion;
		return `${specName} ${specVersion}, metadata ${api.runtimeMetadata.version}; Datanet ${name.toUtf8()}, ${files} files today`;
	},
}, given);
await api.disconnect();
