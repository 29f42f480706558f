//! An authority that signs two blocks of one slot.

use std::time::Instant;

use anyhow::{ensure, Context, Result};
use chain_client::{AccountId, Hash, Signer};
use codec::Decode;
use openledger_network_test::{spec::Pace, Ledger, Network, Role};
use openledger_primitives::{Balance, SessionIndex};
use openledger_test_support::Folder;
use serde_json::json;

/// Short sessions: an offender is out when two have begun.
const SESSION_SLOTS: u64 = 10;
/// The set of the next session is chosen already when an offender leaves the list; it has no place in the one after that.
const SESSIONS_TO_LEAVE: SessionIndex = 2;
/// `sp_consensus_babe`'s name of its offence.
const BABE: &[u8; 16] = b"babe:equivocatio";
/// `sp_consensus_grandpa`'s name of its offence.
const GRANDPA: &[u8; 16] = b"grandpa:equivoca";

#[test]
fn an_equivocating_authority_should_lose_bond_slots_and_seat_while_the_others_go_on() {
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

	// The same session keys on another machine: what happens to who moves a node and forgets to stop the old one.
	network.add(&[("twin", Role::Authority("dave"))])?;
	let ledger = network.ledger("alice")?;
	let dave = Signer::from_suri("//Dave")?.account().clone();
	let (number, block) = first_offence(&mut network, &ledger)?;
	ensure!(number > honest, "an offence was reported before there was one");
	step("two nodes signed with one key, and were reported");

	punished(&ledger, &dave, number, block)?;
	step("who signed twice lost a part of its bond, and its place on the list");
	let out = silent_until_out(&mut network, &ledger, &dave, number)?;
	step("it made no other block, and is out");
	network.wait_final(out + SESSION_SLOTS as u32)?;
	ensure!(
		ledger.authorities(ledger.block_hash(out)?)?.len() == 3,
		"the others stayed"
	);
	step("the others went on");
	Ok(())
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
			for event in ledger.events(block)? {
				if event.is("Offences", "Offence") {
					let kind: [u8; 16] = event.decode()?;
					ensure!(kind == *BABE || kind == *GRANDPA, "an offence of kind {kind:?}");
					return Ok(Some((next, block)));
				}
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
