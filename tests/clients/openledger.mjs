// OpenLedger's own encodings in JavaScript, written anew from their description: what a client needs beside a Substrate library.

import { createHash, randomBytes } from "node:crypto";
import { blake2AsU8a } from "@polkadot/util-crypto";

export const hex = (bytes) => `0x${Buffer.from(bytes).toString("hex")}`;
const blake2 = (...parts) => blake2AsU8a(Buffer.concat(parts), 256);

const u32 = (value) => {
	const bytes = Buffer.alloc(4);
	bytes.writeUInt32LE(value);
	return bytes;
};

const u64 = (value) => {
	const bytes = Buffer.alloc(8);
	bytes.writeBigUInt64LE(BigInt(value));
	return bytes;
};

// SCALE of a byte string shorter than 64 bytes.
const short = (text) => Buffer.concat([Buffer.from([text.length << 2]), Buffer.from(text)]);

// What the chain stores of a file of at most 1 MiB: one raw IPFS block, whose digest is the file's own.
export const payload = (bytes) => {
	const sha256 = hex(createHash("sha256").update(bytes).digest());
	return { sha256, root: sha256, size: bytes.length };
};

// Proof that `account` (its public key) held the bytes.
export const possession = (account, bytes) => hex(blake2(account, bytes));

// A vote that accepts, its salt, and the commitment that hides both: blake2_256 of the SCALE of domain, genesis, item, round,
// voter, verdict and salt.
export const ballot = (genesis, item, round, voter, { score, units }) => {
	const salt = randomBytes(32);
	const verdict = Buffer.concat([Buffer.from([0, score]), u32(units)]);
	const commitment = blake2(short("openledger/vote/1"), genesis, u64(item), Buffer.from([round]), voter, verdict, salt);
	return { score, units, salt: hex(salt), commitment: hex(commitment) };
};
