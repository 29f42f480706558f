//! One network of four authorities, through everything that happens to a network which nobody attacks.

use std::time::Instant;

use anyhow::{ensure, Context, Result};
use chain_client::{calls, Hash, Signer, Wait};
use openledger_network_test::{
	council,
	court::{Court, State},
	orders::{self, Orders},
	spec::Pace,
	upgraded, Ledger, Network, Role,
};
use openledger_primitives::{
	vote::{Reason, Verdict},
	ItemId,
};
use openledger_test_support::Folder;
use serde_json::json;
use sp_crypto_hashing::blake2_256;

const AUTHORITIES: [&str; 4] = ["alice", "bob", "charlie", "dave"];
/// Blocks by which a chain must have grown before it counts as going on, or its finality as standing still.
const SOME_BLOCKS: u32 = 5;
const GOOD: Verdict = Verdict::Accept { score: 80, units: 1 };
const BAD: Verdict = Verdict::Reject {
	reason: Reason::LowQuality,
};

#[test]
fn a_network_should_lose_nothing_by_crashes_and_keep_every_item_through_an_upgrade() {
	let folder = Folder::new().expect("a temporary folder");
	if let Err(error) = run(&folder) {
		panic!("{error:?}");
	}
}

fn run(folder: &Folder) -> Result<()> {
	let started = Instant::now();
	let step = |text: &str| eprintln!("[{:>3} s] {text}", started.elapsed().as_secs());
	let mut network = Network::new(folder.path(), &Pace::default())?;
	network.add(&AUTHORITIES.map(|name| (name, Role::Authority(name))))?;
	network.wait_final(SOME_BLOCKS)?;
	step("four authorities make and finalize blocks");
	one_dead(&mut network)?;
	step("with one of them dead, they go on");
	two_dead(&mut network)?;
	step("with two dead, finality stood still, and went on when one was back");
	all_dead(&mut network)?;
	step("all died, were started again, and went on from where they were");
	late_node(&mut network)?;
	step("a late node agrees with them");
	upgrade(&mut network, &step)
}

fn one_dead(network: &mut Network) -> Result<()> {
	network.kill("dave")?;
	let (number, _) = network.finalized()?;
	network.wait_final(number + SOME_BLOCKS)?;
	Ok(())
}

/// Finality needs more than two thirds, three of four.
fn two_dead(network: &mut Network) -> Result<()> {
	network.kill("charlie")?;
	// Votes that were cast before may still finalize something.
	grow(network)?;
	let (final_number, final_hash) = network.finalized()?;
	let best = grow(network)?;
	let (still, _) = network.finalized()?;
	ensure!(
		still == final_number,
		"two of four authorities finalized blocks {final_number} to {still}"
	);
	network.start(&["charlie"])?;
	network.wait_final(best)?;
	ensure!(
		network.agreed(final_number)? == final_hash,
		"block {final_number} was final and is another"
	);
	Ok(())
}

/// Waits until every running node has [`SOME_BLOCKS`] more than the best of them has now, and returns that height.
fn grow(network: &mut Network) -> Result<u32> {
	let mut target = 0;
	for name in network.running() {
		target = target.max(network.rpc(name)?.best()? + SOME_BLOCKS);
	}
	network.wait(&format!("blocks up to {target}"), |network| {
		for name in network.running() {
			if network.rpc(name)?.best()? < target {
				return Ok(None);
			}
		}
		Ok(Some(target))
	})
}

fn all_dead(network: &mut Network) -> Result<()> {
	let (number, _) = network.finalized()?;
	network.wait_final(number)?;
	let history: Vec<String> = (0..=number).map(|at| network.agreed(at)).collect::<Result<_>>()?;
	for name in network.running() {
		network.kill(name)?;
	}
	network.start(&AUTHORITIES)?;
	network.wait_final(number + SOME_BLOCKS)?;
	for (at, hash) in history.iter().enumerate() {
		ensure!(
			network.agreed(at as u32)? == *hash,
			"block {at} was final before all died and is another"
		);
	}
	Ok(())
}

/// It executes every block since genesis.
fn late_node(network: &mut Network) -> Result<()> {
	let (number, _) = network.finalized()?;
	network.add(&[("late", Role::Full)])?;
	let hash = network.wait_final(number + SOME_BLOCKS)?;
	let root = |name: &str| -> Result<_> {
		let header = network.rpc(name)?.call("chain_getHeader", json!([hash]))?;
		Ok(header["stateRoot"]
			.as_str()
			.context("a header has a state root")?
			.to_owned())
	};
	ensure!(root("late")? == root("alice")?, "the late node has another state");
	let (late, alice) = (network.ledger("late")?, network.ledger("alice")?);
	let block = alice.block_hash(number)?;
	let accounts = |ledger: &Ledger| ledger.storage("System", "Account", block);
	ensure!(
		!accounts(&late)?.is_empty() && accounts(&late)? == accounts(&alice)?,
		"the late node has other accounts"
	);
	Ok(())
}

/// The chain changes its runtime as a chain without root does: announced by the council, enacted after the delay, applied by
/// anybody; with an item in every state and a
/// job in each that it can wait in.
fn upgrade(network: &mut Network, step: &dyn Fn(&str)) -> Result<()> {
	let ledger = network.ledger("alice")?;
	let court = Court::new(&ledger)?;
	let planting = court.plant("a known answer", true)?;
	let enact_at = schedule(&ledger)?;
	step("the council announced an upgrade, which cannot be enacted yet");

	court.wait_planted(network, &planting)?;
	let topics = [
		"acceptance",
		"rejection",
		"withdrawal",
		"expiry",
		"a verdict for",
		"a verdict against",
		"votes",
		"a challenge",
		"a known answer",
	];
	let items = court.submit(&topics, None)?;
	let [accepted, rejected, withdrawn, expired, approved, refused, revealed, challenged, planted] = items[..] else {
		unreachable!("an item for each topic");
	};
	court.withdraw(withdrawn)?;
	let orders = Orders::new(&ledger)?;
	let votes = [
		(accepted, GOOD),
		(rejected, BAD),
		(approved, GOOD),
		(refused, BAD),
		(revealed, GOOD),
		(challenged, GOOD),
		(planted, GOOD),
	];
	court.commit(network, &votes)?;
	court.reveal(network, &votes)?;
	enact(network, &ledger, enact_at)?;
	step("it was enacted after its delay");

	let then = vec![calls::challenge(challenged), court.opening(&planting, planted)];
	let decided = [accepted, rejected, expired, approved, refused, challenged, planted];
	court.close(network, &decided, then)?;
	let trials = [(challenged, BAD), (planted, GOOD)];
	court.commit(network, &trials)?;
	court.finalize(network, &[accepted, rejected])?;
	let jobs = orders.place(court.datanet())?;
	// Last, because its reveals have to be in time after the upgrade; the others' rounds can be closed whenever.
	let committed = court.submit(&["commitments"], None)?[0];
	court.reveal(network, &trials)?;
	court.commit(network, &[(committed, GOOD)])?;
	let before = [
		(accepted, State::Accepted),
		(rejected, State::Rejected),
		(withdrawn, State::Withdrawn),
		(expired, State::Expired),
		(approved, State::Provisional { accept: true }),
		(refused, State::Provisional { accept: false }),
		(revealed, State::Revealed),
		(challenged, State::Challenged),
		(planted, State::OnTrial),
		(committed, State::Committed),
	];
	court.wait_states(network, &before)?;
	step("an item is in every state, and a job in each that it can wait in");

	let (fresh, new, first_new) = apply(network, &ledger, &court, &before)?;
	let waiting = [
		orders::State::Open,
		orders::State::Claimed,
		orders::State::Paused,
		orders::State::Submitted,
		orders::State::Disputed,
	];
	ensure!(
		orders.states(jobs, first_new)? == waiting,
		"the upgrade left the jobs {:?}",
		orders.states(jobs, first_new)?
	);
	step("the runtime is another, and all are what they were");

	// In the order of the deadlines.
	court.reveal(network, &[(committed, GOOD)])?;
	court.commit(network, &[(fresh, BAD)])?;
	orders.go_on(jobs)?;
	court.reveal(network, &[(fresh, BAD)])?;
	// From here on nothing can come too late.
	orders.end_dispute(network, jobs)?;
	court.close(network, &[revealed], Vec::new())?;
	court.finalize(network, &[approved, refused])?;
	court.close(network, &[committed, challenged, planted], Vec::new())?;
	court.settle(accepted)?;
	court.settle(planted)?;
	court.close(network, &[fresh], Vec::new())?;
	court.finalize(network, &[revealed, committed, challenged, fresh])?;
	court.settle(challenged)?;
	let after = [
		(accepted, State::Accepted),
		(rejected, State::Rejected),
		(withdrawn, State::Withdrawn),
		(expired, State::Expired),
		(approved, State::Accepted),
		(refused, State::Rejected),
		(revealed, State::Accepted),
		(challenged, State::Rejected),
		(planted, State::Planted),
		(committed, State::Accepted),
		(fresh, State::Rejected),
	];
	court.wait_states(network, &after)?;
	let head = ledger.finalized()?;
	network.wait_final(head.number)?;
	for name in network.running() {
		let version = network.ledger(name)?.migrated_to(head.hash)?;
		ensure!(version == new, "{name} runs version {version}");
	}
	let ended = [
		orders::State::Cancelled,
		orders::State::Claimed,
		orders::State::Claimed,
		orders::State::Accepted,
		orders::State::Split,
	];
	ensure!(
		orders.states(jobs, head.hash)? == ended && orders.has_heard(jobs.claimed, head.hash)?,
		"the jobs went on to {:?}",
		orders.states(jobs, head.hash)?
	);
	for item in [accepted, planted, challenged] {
		ensure!(
			ledger.wait(ledger.at(head.hash).case(item))?.is_none(),
			"votes on item {item} from before the upgrade are settled after it"
		);
	}
	step("and went on to its end under the new runtime");
	Ok(())
}

/// The later version of the runtime.
fn code() -> Result<&'static [u8]> {
	upgraded::WASM_BINARY.context("built without the runtime's Wasm: SKIP_WASM_BUILD was set")
}

/// Has the council announce the later runtime; returns the block from which it can be enacted, and not before.
fn schedule(ledger: &Ledger) -> Result<u32> {
	let hash = blake2_256(code()?);
	let carried = council::carry(ledger, calls::schedule_upgrade(hash))?;
	let (announced, enact_at): (Hash, u32) = carried.field("Authorities", "UpgradeScheduled")?;
	ensure!(announced == hash, "the council announced another runtime");
	let early = ledger.submit(&anybody()?, calls::enact_upgrade(), Wait::InBlock);
	let early = early.err().context("an upgrade was enacted without a delay")?;
	ensure!(format!("{early:#}").contains("UpgradeNotDue"), "{early:#}");
	Ok(enact_at)
}

/// Lets anybody send the code, once the delay is over.
fn enact(network: &mut Network, ledger: &Ledger, enact_at: u32) -> Result<()> {
	network.wait("the upgrade's delay to be over", |_| {
		Ok((ledger.finalized()?.number >= enact_at).then_some(()))
	})?;
	let enacted = ledger.submit(&anybody()?, calls::enact_upgrade(), Wait::InBlock)?;
	let hash = blake2_256(code()?);
	ensure!(
		enacted.field::<Hash>("Authorities", "UpgradeEnacted")? == hash
			&& enacted.field::<(Hash, bool)>("System", "UpgradeAuthorized")? == (hash, true),
		"another runtime was authorized, or its version is not checked"
	);
	Ok(())
}

/// Who has no part in governing.
fn anybody() -> Result<Signer> {
	Ok(Signer::from_suri("//Contributor2")?)
}

/// Upgrades the running network, with an item submitted in the upgrade's very block; returns that item, the new version,
/// and its first block.
fn apply(
	network: &mut Network,
	ledger: &Ledger,
	court: &Court,
	before: &[(ItemId, State)],
) -> Result<(ItemId, u32, Hash)> {
	let old = ledger.migrated_to(ledger.finalized()?.hash)?;
	let fresh = court.submit(&["the upgrade"], Some(calls::apply_upgrade(code()?)))?[0];

	// The block that applies it still runs the old code; the next one runs the new, and its migrations first.
	let (last_old, first_new) = network.wait("the upgrade to be final", |_| {
		let head = ledger.finalized()?;
		if ledger.migrated_to(head.hash)? == old {
			return Ok(None);
		}
		let mut first_new = head.number;
		while ledger.migrated_to(ledger.block_hash(first_new - 1)?)? != old {
			first_new -= 1;
		}
		Ok(Some((ledger.block_hash(first_new - 1)?, ledger.block_hash(first_new)?)))
	})?;
	let new = ledger.migrated_to(first_new)?;
	ensure!(new > old, "version {new} is not above {old}");
	let events = ledger.events(last_old)?;
	ensure!(
		events.iter().any(|event| event.is("System", "CodeUpdated")),
		"the block before the first of the new version did not update the code"
	);
	ensure!(
		court.state(fresh, last_old)? == Some(State::BeforeSeed),
		"the item of the upgrade's block waits for its seed"
	);
	ensure!(
		court.snapshot(last_old)? == court.snapshot(first_new)?,
		"the upgrade changed what is stored of items"
	);
	for (item, state) in before {
		ensure!(
			court.state(*item, first_new)? == Some(*state),
			"item {item} was {state:?} and is {:?}",
			court.state(*item, first_new)?
		);
	}
	Ok((fresh, new, first_new))
}
