// The scenario through polkadot-api, without generated types.

import { WebSocket } from "ws";
import { filter, firstValueFrom } from "rxjs";
import { merkleizeMetadata } from "@polkadot-api/merkleize-metadata";
import { createClient } from "polkadot-api";
import { getPolkadotSigner, withMetadataHash } from "polkadot-api/signer";
import { getWsProvider } from "polkadot-api/ws";
import { hex } from "./openledger.mjs";
import { options, run } from "./scenario.mjs";

const BEST = { at: "best" };
const variant = (type, value) => ({ type, value });
const POOL = variant("Contributors", variant("Text"));

const given = options();
const client = createClient(getWsProvider(given.url, { websocketClass: WebSocket }));
const { tx, query, view, apis, constants } = client.getUnsafeApi();
const { genesisHash, properties } = await client.getChainSpecData();

const token = { decimals: properties.tokenDecimals, tokenSymbol: properties.tokenSymbol };

const signer = ({ publicKey, sign }) => {
	const plain = getPolkadotSigner(publicKey, "Sr25519", (message) => sign(message));
	return given.metadataHash ? withMetadataHash(token, plain) : plain;
};

// What withMetadataHash signs with.
const metadataHash = async () => {
	const { hash } = await client.getFinalizedBlock();
	return hex(merkleizeMetadata(await client.getMetadata(hash), token).digest());
};

const named = ({ type, value }) => (type === "Module" ? `${value.type}.${value.value.type}` : type);

const send = async (who, call) => {
	// The nonce of the best block: the default is that of the finalized one.
	const nonce = await apis.AccountNonceApi.account_nonce(who.address, BEST);
	const inBlock = filter((event) => event.type === "txBestBlocksState" && event.found);
	const { ok, dispatchError, events } = await firstValueFrom(call.signSubmitAndWatch(signer(who), { nonce }).pipe(inBlock));
	if (!ok) throw new Error(named(dispatchError));
	return events.map(({ type, value }) => ({ name: `${type}.${value.type}`, data: value.value }));
};

const status = async (item, voter) => {
	const id = BigInt(item);
	const found = await query.Validation.Cases.getValue(id, BEST);
	if (!found) return undefined;
	const { phase, round: index } = found;
	const [round, vote, { payload }] = await Promise.all([
		query.Validation.Rounds.getValue([id, index], BEST),
		query.Validation.Votes.getValue([id, index], voter.address, BEST),
		query.Datanets.Items.getValue(id, BEST),
	]);
	return {
		phase: phase.type,
		until: phase.value?.until,
		index,
		round,
		vote: vote && { revealed: vote.verdict !== undefined },
		size: payload.size,
	};
};

await run("polkadot-api", {
	send,
	status,
	calls: {
		submit: (datanet, payload, possession) =>
			tx.Datanets.submit({
				datanet,
				payload: { ...payload, codec: variant("Raw"), format: variant("Markdown") },
				possession,
			}),
		commit: (item, round, commitment) => tx.Validation.commit({ item: BigInt(item), round, commitment }),
		reveal: (item, round, { score, units, salt }) =>
			tx.Validation.reveal({ item: BigInt(item), round, verdict: variant("Accept", { score, units }), salt }),
		closeRound: (item) => tx.Validation.close_round({ item: BigInt(item) }),
		finalize: (item) => tx.Validation.finalize({ item: BigInt(item) }),
		settle: (item, round, voter) => tx.Validation.settle({ item: BigInt(item), round, voter }),
		claim: (epoch) => tx.Rewards.claim({ epoch, pool: POOL }),
		batch: (calls) => tx.Utility.batch_all({ calls: calls.map(({ decodedCall }) => decodedCall) }),
	},
	metadataHash,
	genesis: async () => Buffer.from(genesisHash.slice(2), "hex"),
	now: () => query.Authorities.ActiveBlockCount.getValue(BEST),
	itemCount: async () => Number(await query.Datanets.NextItem.getValue(BEST)),
	voters: async (item, round) =>
		(await query.Validation.Votes.getEntries([BigInt(item), round], BEST)).map(({ keyArgs: [, voter] }) => voter),
	isClosed: async (epoch) => (await query.Rewards.Epochs.getValue(epoch, BEST)).state.type === "Closed",
	isOurPool: ({ pool }) => pool.type === "Contributors",
	describe: async (datanet, { address }) => {
		const { name } = await query.Datanets.Datanets.getValue(datanet, BEST);
		const { files } = await view.Datanets.quota_left(address, datanet, BEST);
		const { spec_name, spec_version } = await constants.System.Version();
		return `${spec_name} ${spec_version}; Datanet ${Buffer.from(name)}, ${files} files left today`;
	},
}, given);
client.destroy();
