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
fn an_authority_that_makes_two_blocks_of_one_slot_should_lose_bond_slots_and_seat() {
	let folder = Folder::new().expect("a temporary folder");
	if let Err(error) = two_blocks(&folder) {
		panic!("{error:?}");
	}
}

#[test]
fn an_authority_that_votes_for_two_blocks_in_one_round_should_lose_bond_slots_and_seat() {
	let folder = Folder::new().expect("a temporary folder");
	if let Err(error) = two_votes(&folder) {
		panic!("{error:?}");
	}
}

/// Four authorities that have finalized some blocks.
fn start(folder: &Folder) -> Result<Network> {
	let pace = Pace {
		session_slots: SESSION_SLOTS,
		..Pace::default()
	};
	let mut network = Network::new(folder.path(), &pace)?;
	network.add(&["alice", "bob", "charlie", "dave"].map(|name| (name, Role::Authority(name))))?;
	network.wait_final(3)?;
	Ok(network)
}

/// What happens to who moves a node and forgets to stop the old one: the nodes themselves find the two blocks, and report them.
fn two_blocks(folder: &Folder) -> Result<()> {
	let step = steps("two blocks");
	let mut network = start(folder)?;
	step("four authorities make and finalize blocks");
	let (honest, _) = network.finalized()?;
	// The same session keys on another machine. It casts no votes, or there could be two of those in a round as well.
	network.add(&[("twin", Role::Author("dave"))])?;
	let ledger = network.ledger("alice")?;
	let (number, block) = first_offence(&mut network, &ledger)?;
	ensure!(number > honest, "an offence was reported before there was one");
	step("two nodes signed with one key, and were reported");
	out(&mut network, &ledger, (number, block), BABE, &step)
}

/// A double vote shows in two signatures, which anybody may report.
fn two_votes(folder: &Folder) -> Result<()> {
	let step = steps("two votes");
	let mut network = start(folder)?;
	step("four authorities make and finalize blocks");
	let ledger = network.ledger("alice")?;
	let call = Call::new("Grandpa", "report_equivocation", double_vote(&network)?);
	let reported = ledger.submit(&Signer::from_suri("//Contributor1")?, call, Wait::Finalized)?;
	step("two votes of one round were reported");
	let at = (reported.block, reported.block_hash);
	ensure!(
		first_offence(&mut network, &ledger)? == at,
		"an offence was reported before"
	);
	out(&mut network, &ledger, at, GRANDPA, &step)
}

/// Says what was reached, and after how many seconds.
fn steps(of: &'static str) -> impl Fn(&str) {
	let started = Instant::now();
	move |text| eprintln!("[{of}, {:>3} s] {text}", started.elapsed().as_secs())
}

/// The arguments of a report that Dave signed two prevotes in the first round, and that the key is his: SCALE of
/// `sp_consensus_grandpa::EquivocationProof` and of the proof that the chain makes of the key's owner.
fn double_vote(network: &Network) -> Result<(DoubleVote, KeyOwner)> {
	/// No authority has left or come yet.
	const SET: u64 = 0;
	const ROUND: u64 = 1;
	let dave = ed25519::Pair::from_string("//Dave", None)?;
	let vote = |target: [u8; 32]| {
		let prevote = (target, 1u32);
		let signed = (PREVOTE, prevote, ROUND, SET).encode();
		(prevote, dave.sign(&signed).0)
	};
	let genuine = network.rpc("alice")?.block_hash(1)?.context("there is a first block")?;
	let genuine = hex::decode(genuine.trim_start_matches("0x"))?;
	let genuine = genuine.try_into().ok().context("a hash has 32 bytes")?;
	let votes = (vote(genuine), vote([7; 32]));

	let question = hex::encode((SET, dave.public()).encode());
	let answer = network.rpc("alice")?.call(
		"state_call",
		json!(["GrandpaApi_generate_key_ownership_proof", format!("0x{question}")]),
	)?;
	let answer = hex::decode(answer.as_str().context("bytes")?.trim_start_matches("0x"))?;
	let owner = Option::<Vec<u8>>::decode(&mut &answer[..])?.context("the chain knows Dave's key")?;
	Ok(((SET, PREVOTE, ROUND, dave.public().0, votes), KeyOwner(owner)))
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

/// Follows what the report of Dave's offence in a block led to, until he is out and the others went on.
fn out(
	network: &mut Network,
	ledger: &Ledger,
	(number, block): (u32, Hash),
	kind: &[u8; 16],
	step: &dyn Fn(&str),
) -> Result<()> {
	let dave = Signer::from_suri("//Dave")?.account().clone();
	punished(ledger, &dave, number, block)?;
	step("the offender lost a part of its bond, and its place on the list");
	let out = silent_until_out(network, ledger, &dave, number)?;
	step("it made no other block, and is out");
	network.wait_final(out + SESSION_SLOTS as u32)?;
	ensure!(
		ledger.authorities(ledger.block_hash(out)?)?.len() == 3,
		"the others stayed"
	);
	for number in 1..=ledger.finalized()?.number {
		for offence in offences(ledger, ledger.block_hash(number)?)? {
			ensure!(offence == *kind, "an offence of kind {offence:?} in block {number}");
		}
	}
	step("the others went on");
	Ok(())
}

/// Kinds of the offences that a block's events report.
fn offences(ledger: &Ledger, block: Hash) -> Result<Vec<[u8; 16]>> {
	let events = ledger.events(block)?;
	let offences = events.iter().filter(|event| event.is("Offences", "Offence"));
	Ok(offences.map(|event| event.decode()).collect::<Result<_, _>>()?)
}

/// Checks what the block of the first report did to the offender.
fn punished(ledger: &Ledger, offender: &AccountId, number: u32, block: Hash) -> Result<()> {
	let events = ledger.events(block)?;
	let mut slashed: Balance = 0;
	for event in events.iter().filter(|event| event.is("Authorities", "Slashed")) {
		let (who, amount): (AccountId, Balance) = event.decode()?;
		ensure!(who == *offender, "{who} was slashed");
		slashed += amount;
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
/// it the offender is the only one who is disabled, and makes no block.
fn silent_until_out(network: &mut Network, ledger: &Ledger, offender: &AccountId, reported: u32) -> Result<u32> {
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
			ensure!(
				disabled(ledger, block)? == [index],
				"the offender alone is disabled in block {next}"
			);
			ensure!(
				next == reported || author(network, block)? != index,
				"the offender made block {next}"
			);
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
