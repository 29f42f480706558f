//! An authority that signs two blocks of one slot.

use std::time::Instant;

use anyhow::{ensure, Context, Result};
use chain_client::{Hash, Signer};
use openledger_network_test::{spec::Pace, Ledger, Network, Role};
use openledger_test_support::Folder;

/// Short sessions: an offender is out at the end of one.
const SESSION_SLOTS: u64 = 10;
/// `sp_consensus_babe`'s name of its offence.
const BABE: &[u8; 16] = b"babe:equivocatio";
/// `sp_consensus_grandpa`'s name of its offence.
const GRANDPA: &[u8; 16] = b"grandpa:equivoca";

#[test]
fn an_equivocating_authority_should_be_reported_and_disabled_while_the_others_go_on() {
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

	let authorities = ledger.authorities(block)?;
	let index = authorities.iter().position(|who| *who == dave);
	let index = index.context("an offence of this session is by one of its authorities")?;
	ensure!(
		disabled(&ledger, block)? == [index as u32],
		"exactly who signed twice is disabled"
	);
	network.wait_final(number + 2 * SESSION_SLOTS as u32)?;
	step("the others went on");
	Ok(())
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
