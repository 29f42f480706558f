//! An authority that signs two blocks of one slot, and one that votes for two blocks in one round.

use std::time::Instant;

use anyhow::{ensure, Context, Result};
use chain_client::{AccountId, Call, Hash, Signer, Wait};
use codec::{Decode, Encode};
use openledger_network_test::{spec::Pace, Ledger, Network, Role};
use openledger_primitives::{Balance, SessionIndex};
use openledger_test_support::Folder;
use serde_json::json;
use sp_core::{ed25519, Pair};

/// Short sessions: an offender is out when two have begun.
const SESSION_SLOTS: u64 = 10;
/// The set of the next session is chosen already when an offender leaves the list; it has no place in the one after that.
const SESSIONS_TO_LEAVE: SessionIndex = 2;
/// `sp_consensus_babe`'s name of its offence.
const BABE: &[u8; 16] = b"babe:equivocatio";
/// `sp_consensus_grandpa`'s name of its offence.
const GRANDPA: &[u8; 16] = b"grandpa:equivoca";

#[test]
fn authorities_that_sign_twice_should_lose_bond_and_seat_while_the_others_go_on() {
	let folder = Folder::new().expect("a temporary folder");
	if let Err(error) = run(&folder) {
		panic!("{error:?}");
	}
}

fn run(folder: &Folder) -> Result<()> {
	let started = Instant::now();
	let step = |text: &str| eprintln!("[{:>3} s] {text}", started.elapsed().as_secs());
	let pace = Pace {
		session_slots: SESSION_SLOTS,
		..Pace::default()
	};
	let mut network = Network::new(folder.path(), &pace)?;
	network.add(&["alice", "bob", "charlie", "dave"].map(|name| (name, Role::Authority(name))))?;
	let honest = network.wait_final(3).map(|_| network.finalized())??.0;
	step("four authorities make and finalize blocks");

	// The same session keys on another machine: what happens to who moves a node and forgets to stop the old one. This one
	// casts no votes, or there could be two of those in a round as well.
	network.add(&[("twin", Role::Author("dave"))])?;
	let ledger = network.ledger("alice")?;
	let dave = Signer::from_suri("//Dave")?.account().clone();
	let (made, block) = first_offence(&mut network, &ledger)?;
	ensure!(made > honest, "an offence was reported before there was one");
	punished(&ledger, &dave, made, block, BABE)?;
	step("who made two blocks of one slot was reported by the others, and lost a part of its bond and its place on the list");

	let first = silent_until_out(&mut network, &ledger, &dave, made)?;
	step("it made no other block, and is out");
	network.wait_final(first + 1)?;

	let charlie = Signer::from_suri("//Charlie")?.account().clone();
	let call = Call::new("Grandpa", "report_equivocation", double_vote(&network, "//Charlie")?);
	let voted = ledger.submit(&Signer::from_suri("//Contributor1")?, call, Wait::Finalized)?;
	punished(&ledger, &charlie, voted.block, voted.block_hash, GRANDPA)?;
	step("who voted for two blocks in one round lost the same");
	let last = out(&mut network, &ledger, &charlie, voted.block)?;
	step("it is out too");
	network.wait_final(last + SESSION_SLOTS as u32)?;
	ensure!(
		ledger.authorities(ledger.block_hash(last)?)?.len() == 2,
		"the others stayed"
	);
	for number in 1..=ledger.finalized()?.number {
		let votes = offences(&ledger, ledger.block_hash(number)?)?.contains(GRANDPA);
		ensure!(votes == (number == voted.block), "a double vote in block {number}");
	}
	step("the others went on");
	Ok(())
}

/// The arguments of a report that an account's GRANDPA key signed two prevotes in one round, and that the key is its own: SCALE
/// of `sp_consensus_grandpa::EquivocationProof` and of the proof that the chain makes of the key's owner. The two signatures
/// are all that there is to see of a double vote, and anybody may report them.
fn double_vote(network: &Network, suri: &str) -> Result<(DoubleVote, KeyOwner)> {
	const ROUND: u64 = 1;
	let set = u64::decode(&mut &ask(network, "GrandpaApi_current_set_id", &())?[..])?;
	let key = ed25519::Pair::from_string(suri, None)?;
	let vote = |target: [u8; 32]| {
		let prevote = (target, 1u32);
		let signed = (PREVOTE, prevote, ROUND, set).encode();
		(prevote, key.sign(&signed).0)
	};
	let genuine = network.rpc("alice")?.block_hash(1)?.context("there is a first block")?;
	let votes = (vote(bytes(&genuine)?.try_into().ok().context("a hash")?), vote([7; 32]));
	let owner = ask(network, "GrandpaApi_generate_key_ownership_proof", &(set, key.public()))?;
	let owner = Option::<Vec<u8>>::decode(&mut &owner[..])?.context("the chain knows the key")?;
	Ok(((set, PREVOTE, ROUND, key.public().0, votes), KeyOwner(owner)))
}

/// Asks the runtime; question and answer in SCALE.
fn ask(network: &Network, function: &str, question: &impl Encode) -> Result<Vec<u8>> {
	let question = format!("0x{}", hex::encode(question.encode()));
	let answer = network.rpc("alice")?.call("state_call", json!([function, question]))?;
	bytes(answer.as_str().context("an answer is text")?)
}

fn bytes(text: &str) -> Result<Vec<u8>> {
	Ok(hex::decode(text.trim_start_matches("0x"))?)
}

/// `grandpa::Message::Prevote`, and `sp_consensus_grandpa::Equivocation::Prevote`.
const PREVOTE: u8 = 0;

/// A vote's block, by hash and number, and its signature.
type Vote = (([u8; 32], u32), [u8; 64]);
/// Set, kind of the votes, round, signer, and the two votes.
type DoubleVote = (u64, u8, u64, [u8; 32], (Vote, Vote));

/// Encoded already.
struct KeyOwner(Vec<u8>);

impl Encode for KeyOwner {
	fn encode_to<T: codec::Output + ?Sized>(&self, to: &mut T) {
		to.write(&self.0);
	}
}

/// Kinds of the offences that a block's events report.
fn offences(ledger: &Ledger, block: Hash) -> Result<Vec<[u8; 16]>> {
	let events = ledger.events(block)?;
	let offences = events.iter().filter(|event| event.is("Offences", "Offence"));
	Ok(offences.map(|event| event.decode()).collect::<Result<_, _>>()?)
}

/// Checks what the block of a report of this kind did to the offender.
fn punished(ledger: &Ledger, offender: &AccountId, number: u32, block: Hash, kind: &[u8; 16]) -> Result<()> {
	let reported = offences(ledger, block)?;
	ensure!(reported.contains(kind), "offences of the kinds {reported:?}");
	let events = ledger.events(block)?;
	let mut slashed: Balance = 0;
	for event in events.iter().filter(|event| event.is("Authorities", "Slashed")) {
		let (who, amount): (AccountId, Balance) = event.decode()?;
		slashed += if who == *offender { amount } else { 0 };
	}
	let held = |block| -> Result<Balance> { Ok(ledger.wait(ledger.at(block).account(offender))?.held) };
	let before = held(ledger.block_hash(number - 1)?)?;
	ensure!(
		slashed > 0 && before - held(block)? == slashed,
		"the bond lost {slashed} of {before}"
	);
	let removed: Vec<AccountId> = events
		.iter()
		.filter(|event| event.is("Authorities", "AuthorityRemoved"))
		.map(|event| event.decode())
		.collect::<Result<_, _>>()?;
	ensure!(removed == [offender.clone()], "{removed:?} were taken off the list");
	Ok(())
}

/// Follows the final blocks after the report until the offender is no authority, and returns the first of that session. Up to
/// it the offender is the only one who is disabled (less than a third may be), and makes no block.
fn silent_until_out(network: &mut Network, ledger: &Ledger, offender: &AccountId, reported: u32) -> Result<u32> {
	until_out(network, ledger, offender, reported, |network, number, block, index| {
		ensure!(
			disabled(ledger, block)? == [index],
			"the offender alone is disabled in block {number}"
		);
		ensure!(
			number == reported || author(network, block)? != index,
			"the offender made block {number}"
		);
		Ok(())
	})
}

/// As [`silent_until_out`], whatever the offender still does.
fn out(network: &mut Network, ledger: &Ledger, offender: &AccountId, reported: u32) -> Result<u32> {
	until_out(network, ledger, offender, reported, |_, _, _, _| Ok(()))
}

/// Shows `check` each block up to then: its number, its hash, and the offender's index.
fn until_out(
	network: &mut Network,
	ledger: &Ledger,
	offender: &AccountId,
	reported: u32,
	check: impl Fn(&Network, u32, Hash, u32) -> Result<()>,
) -> Result<u32> {
	let session = |block| -> Result<SessionIndex> { Ok(ledger.wait(ledger.at(block).session())?) };
	let last = session(ledger.block_hash(reported)?)? + SESSIONS_TO_LEAVE;
	let mut next = reported;
	network.wait("the offender to be out", |network| {
		while next <= ledger.finalized()?.number {
			let block = ledger.block_hash(next)?;
			let index = ledger.authorities(block)?.iter().position(|who| who == offender);
			let Some(index) = index.map(|index| index as u32) else {
				return Ok(Some(next));
			};
			ensure!(
				session(block)? < last,
				"the offender is still an authority in session {last}"
			);
			check(network, next, block, index)?;
			next += 1;
		}
		Ok(None)
	})
}

/// The index of the authority that made a block.
fn author(network: &Network, block: Hash) -> Result<u32> {
	let header = network
		.rpc("alice")?
		.call("chain_getHeader", json!([format!("0x{}", hex::encode(block))]))?;
	let digest = header["digest"]["logs"][0].as_str().context("a block names its slot")?;
	// A digest item's kind, BABE's name, and its claim of the slot: how it was won, and by whom.
	let (_, _, claim) = <(u8, [u8; 4], Vec<u8>)>::decode(&mut &hex::decode(digest.trim_start_matches("0x"))?[..])?;
	let (_, author) = <(u8, u32)>::decode(&mut &claim[..])?;
	Ok(author)
}

/// Waits for the first final block in which an offence was reported; its number and hash.
fn first_offence(network: &mut Network, ledger: &Ledger) -> Result<(u32, Hash)> {
	let mut next = 1;
	network.wait("an offence to be reported", |_| {
		while next <= ledger.finalized()?.number {
			let block = ledger.block_hash(next)?;
			if !offences(ledger, block)?.is_empty() {
				return Ok(Some((next, block)));
			}
			next += 1;
		}
		Ok(None)
	})
}

/// Indices of the authorities that may make no blocks in the session of this block.
fn disabled(ledger: &Ledger, block: Hash) -> Result<Vec<u32>> {
	/// Parts in a billion.
	type Severity = u32;
	let disabled: Option<Vec<(u32, Severity)>> = ledger.value("Session", "DisabledValidators", block)?;
	Ok(disabled
		.unwrap_or_default()
		.into_iter()
		.map(|(index, _)| index)
		.collect())
}
