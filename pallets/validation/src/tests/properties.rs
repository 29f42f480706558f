//! Random sequences of calls. After each step:
//!
//! 1. to 8. hold as in the crate's documentation (`check_state`);
//! 9. total issuance stands still.
//!
//! And at the end, when time has run out for everything that is open, every vote is settled and every batch closed:
//!
//! 10. no case, round, vote, bond or batch is left, nobody has stake at risk, and the fee account owes nothing and keeps
//!     nothing;
//! 11. the docket heard of every item exactly once, unless it was withdrawn;
//! 12. the owner gained nothing by planting.
//!
//! The sequences are the same in every run, but others each time where `PROPTEST_CASES` sets their number, for long runs.

use crate::{mock::*, Cases, Event, PlantBatches, Rounds, TrialBonds, Validators, Votes};
use frame_support::{
	sp_runtime::traits::Dispatchable, traits::fungible::Mutate, traits::tokens::Preservation, Hashable,
};
use openledger_primitives::{
	challenge::Ruling,
	format::{Modality, ModalitySet},
	item::Phase,
	plant,
	traits::Court,
	vote::{Reason, Verdict},
	Balance, BatchId, ItemId, RoundIndex,
};
use proptest::{
	prelude::*,
	test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use sp_runtime::BoundedVec;
use std::{cell::RefCell, collections::BTreeMap};

const VOTERS: AccountId = 12;
/// Items that steps act on: the last ones.
const LIVE: u64 = 3;
const SEQUENCES: u32 = 16;
/// Calls in a run of that many.
const LEAST_CALLS: u32 = 10_000;

const CALLS: [&str; 17] = [
	"bond_more",
	"challenge",
	"close_plant",
	"close_round",
	"commit",
	"finalize",
	"open_plant",
	"plant",
	"register",
	"report_preimage",
	"reveal",
	"set_modalities",
	"set_params",
	"settle",
	"unbond",
	"withdraw",
	"withdraw_unbonded",
];

/// What becomes of trials.
const TRIALS: [&str; 7] = [
	"upheld",
	"corrected",
	"overturned",
	"overturned by two thirds",
	"confirmed",
	"not confirmed",
	"rewarded",
];

/// Calls made by name, and what became of trials: how many worked, how many failed.
type Counts = RefCell<BTreeMap<&'static str, (u32, u32)>>;

#[derive(Clone, Debug)]
enum Step {
	Blocks(u32),
	Session,
	Register(AccountId, Balance, u8),
	BondMore(AccountId, Balance),
	Unbond(AccountId, Balance),
	WithdrawUnbonded(AccountId),
	SetModalities(AccountId, u8),
	Open(Balance, bool),
	Withdraw(u64),
	/// Those in the mask commit.
	Commit(u64, u16),
	/// Those in the mask reveal.
	Reveal(u64, u16),
	/// A whole round, with who commits and who reveals: by single steps alone few would be decided.
	Round(u64, u16, u16),
	/// Such a round, a challenge of its verdict, and the round on that.
	Appeal(u64, AccountId, u16),
	/// The same with a plant.
	Trial(u64, u16),
	Close(u64),
	Finalize(u64),
	/// Those in the mask are settled.
	Settle(u64, u8, u16),
	Challenge(u64, AccountId),
	/// Those in the mask commit, and somebody knows what some of them said.
	Report(u64, u16),
	/// The next items, as many as that.
	Plant(u16),
	/// With the right proof, or another's.
	OpenPlant(u64, bool),
	ClosePlant(BatchId),
	SetParams(u8),
}

/// A mask with three quarters of its bits set, on average.
fn most() -> impl Strategy<Value = u16> {
	(any::<u16>(), any::<u16>()).prop_map(|(one, other)| one | other)
}

fn step() -> impl Strategy<Value = Step> {
	let who = 1..=VOTERS;
	let amount = 0u128..12_000;
	prop_oneof![
		6 => (1u32..7).prop_map(Step::Blocks),
		2 => Just(Step::Session),
		1 => (who.clone(), amount.clone(), 0u8..9).prop_map(|(who, stake, set)| Step::Register(who, stake, set)),
		1 => (who.clone(), amount.clone()).prop_map(|(who, amount)| Step::BondMore(who, amount)),
		2 => (who.clone(), amount).prop_map(|(who, amount)| Step::Unbond(who, amount)),
		1 => who.clone().prop_map(Step::WithdrawUnbonded),
		1 => (who, 0u8..9).prop_map(|(who, set)| Step::SetModalities(who, set)),
		3 => (0u128..2_000, any::<bool>()).prop_map(|(fee, audio)| Step::Open(fee, audio)),
		1 => (0..LIVE).prop_map(Step::Withdraw),
		2 => (0..LIVE, most()).prop_map(|(item, mask)| Step::Commit(item, mask)),
		2 => (0..LIVE, most()).prop_map(|(item, mask)| Step::Reveal(item, mask)),
		3 => (0..LIVE, 1..=VOTERS, most()).prop_map(|(item, who, mask)| Step::Appeal(item, who, mask)),
		4 => (0..LIVE, most()).prop_map(|(item, mask)| Step::Trial(item, mask)),
		4 => (0..LIVE, most(), most()).prop_map(|(item, one, other)| Step::Round(item, one, one | other)),
		3 => (0..LIVE).prop_map(Step::Close),
		3 => (0..LIVE).prop_map(Step::Finalize),
		3 => (0..LIVE, 0u8..6, any::<u16>()).prop_map(|(item, round, mask)| Step::Settle(item, round, mask)),
		4 => (0..LIVE, 1..=VOTERS).prop_map(|(item, who)| Step::Challenge(item, who)),
		2 => (0..LIVE, most()).prop_map(|(item, mask)| Step::Report(item, mask)),
		3 => (0u16..5).prop_map(Step::Plant),
		3 => (0..LIVE, any::<bool>()).prop_map(|(item, fits)| Step::OpenPlant(item, fits || item > 0)),
		1 => (0u32..20).prop_map(Step::ClosePlant),
		1 => (0u8..3).prop_map(Step::SetParams),
	]
}

/// What a voter says of an item in a round: mostly the truth, which is the item's parity; but the first panel of every
/// third item is mostly wrong.
fn opinion(item: ItemId, round: RoundIndex, voter: AccountId) -> Verdict {
	let luck = (item, round, voter).blake2_256();
	let wrong = if round == 0 && item.is_multiple_of(3) { 240 } else { 40 };
	if item.is_multiple_of(2) == (luck[0] < wrong) {
		Verdict::Reject {
			reason: Reason::ALL[usize::from(luck[1]) % Reason::COUNT],
		}
	} else {
		Verdict::Accept {
			score: luck[2] % 101,
			units: u32::from(luck[3]),
		}
	}
}

struct Run<'a> {
	counts: &'a Counts,
	opened: u64,
	withdrawn: u32,
	/// What was planted: by batch, items and what is right.
	planted: Vec<Vec<(ItemId, bool)>>,
}

impl Run<'_> {
	fn count(&self, name: &'static str, worked: bool) {
		let mut counts = self.counts.borrow_mut();
		let (ok, failed) = counts.entry(name).or_default();
		*if worked { ok } else { failed } += 1;
	}

	/// Dispatches as a block does: a call that fails leaves nothing behind.
	fn call(&self, name: &'static str, who: AccountId, call: crate::Call<Test>) -> bool {
		let worked = RuntimeCall::Validation(call).dispatch(signed(who)).is_ok();
		self.count(name, worked);
		worked
	}

	fn item(&self, back: u64) -> ItemId {
		self.opened.saturating_sub(back)
	}

	fn step(&mut self, step: Step) {
		use crate::Call;
		match step {
			Step::Blocks(blocks) => (0..blocks).for_each(|_| next_block()),
			Step::Session => Session::mutate(|session| *session += 1),
			Step::Register(who, stake, set) => {
				self.call(
					"register",
					who,
					Call::register {
						stake,
						modalities: ModalitySet(set),
					},
				);
			}
			Step::BondMore(who, amount) => {
				self.call("bond_more", who, Call::bond_more { amount });
			}
			Step::Unbond(who, amount) => {
				self.call("unbond", who, Call::unbond { amount });
			}
			Step::WithdrawUnbonded(who) => {
				self.call("withdraw_unbonded", who, Call::withdraw_unbonded {});
			}
			Step::SetModalities(who, set) => {
				self.call(
					"set_modalities",
					who,
					Call::set_modalities {
						modalities: ModalitySet(set),
					},
				);
			}
			Step::Open(fee, audio) => {
				self.opened += 1;
				open_as(self.opened, if audio { Modality::Audio } else { Modality::Text }, fee);
			}
			Step::Withdraw(back) => self.withdraw(self.item(back)),
			Step::Commit(back, mask) => self.commit(self.item(back), mask),
			Step::Reveal(back, mask) => self.reveal(self.item(back), mask),
			Step::Round(back, commits, reveals) => self.round(self.item(back), commits, reveals),
			Step::Appeal(back, who, mask) => {
				let item = self.item(back);
				self.round(item, u16::MAX, mask | 1 << who);
				self.call("challenge", who, Call::challenge { item });
				self.round(item, mask, u16::MAX);
			}
			Step::Trial(back, mask) => {
				let item = self.item(back);
				self.round(item, u16::MAX, mask);
				self.open_plant(item, true);
				self.round(item, mask, u16::MAX);
			}
			Step::Close(back) => {
				self.call("close_round", STRANGER, Call::close_round { item: self.item(back) });
			}
			Step::Finalize(back) => {
				self.call("finalize", STRANGER, Call::finalize { item: self.item(back) });
			}
			Step::Settle(back, round, mask) => self.settle(self.item(back), round, mask),
			Step::Challenge(back, who) => {
				self.call("challenge", who, Call::challenge { item: self.item(back) });
			}
			Step::Report(back, mask) => {
				self.commit(self.item(back), mask);
				self.report(self.item(back), mask & mask >> 1);
			}
			Step::Plant(count) => self.plant(count),
			Step::OpenPlant(back, fits) => self.open_plant(self.item(back), fits),
			Step::ClosePlant(batch) => {
				self.call("close_plant", STRANGER, Call::close_plant { batch });
			}
			Step::SetParams(percent) => self.set_params(percent),
		}
	}

	/// Does what datanets does: the fee goes back.
	fn withdraw(&mut self, item: ItemId) {
		let returned = <Validation as Court<AccountId>>::withdraw(item);
		self.count("withdraw", returned.is_ok());
		if let Ok(fee) = returned {
			self.withdrawn += 1;
			let from = Validation::fee_account_id();
			<Balances as Mutate<_>>::transfer(&from, &CONTRIBUTOR, fee, Preservation::Expendable)
				.expect("the fee account holds the fee");
		}
	}

	fn commit(&self, item: ItemId, mask: u16) {
		let round = Cases::<Test>::get(item).map_or(0, |case| case.round);
		for who in masked(mask) {
			let commitment = commitment(item, round, who, opinion(item, round, who));
			let weight = Validation::weight_of(item, who);
			if self.call(
				"commit",
				who,
				crate::Call::commit {
					item,
					round,
					commitment,
				},
			) {
				let stored = Votes::<Test>::get((item, round), who).map(|vote| vote.weight);
				assert_eq!(stored, weight, "the weight that a page shows is the one that counts");
			}
		}
	}

	fn reveal(&self, item: ItemId, mask: u16) {
		let round = Cases::<Test>::get(item).map_or(0, |case| case.round);
		for who in masked(mask) {
			let verdict = opinion(item, round, who);
			self.call(
				"reveal",
				who,
				crate::Call::reveal {
					item,
					round,
					verdict,
					salt: SALT,
				},
			);
		}
	}

	/// Lets the open round run to its end with these votes.
	fn round(&self, item: ItemId, commits: u16, reveals: u16) {
		let open = || {
			let index = Cases::<Test>::get(item).filter(|case| case.phase.is_voting())?.round;
			Rounds::<Test>::get((item, index))
		};
		let Some(round) = open() else { return };
		run_to(round.seed_at + 1);
		self.commit(item, commits);
		run_to(round.commit_until + 1);
		self.reveal(item, reveals);
		run_to(round.reveal_until + 1);
		self.call("close_round", STRANGER, crate::Call::close_round { item });
	}

	/// Counts what became of challenges and plants.
	fn count_trials(&self) {
		for record in System::events() {
			match record.event {
				RuntimeEvent::Validation(Event::ChallengeDecided { ruling, .. }) => {
					let name = match ruling {
						Ruling::Upheld => "upheld",
						Ruling::Corrected { .. } => "corrected",
						Ruling::Overturned { by_two_thirds, .. } if by_two_thirds => "overturned by two thirds",
						Ruling::Overturned { .. } => "overturned",
					};
					self.count(name, true);
				}
				RuntimeEvent::Validation(Event::PlantConcluded { confirmed, .. }) => {
					self.count(if confirmed { "confirmed" } else { "not confirmed" }, true);
				}
				RuntimeEvent::Validation(Event::VoteSettled { rewarded, .. }) if rewarded > 0 => {
					self.count("rewarded", true);
				}
				_ => {}
			}
		}
	}

	fn settle(&self, item: ItemId, round: RoundIndex, mask: u16) {
		for voter in masked(mask) {
			self.call("settle", STRANGER, crate::Call::settle { item, round, voter });
		}
	}

	fn report(&self, item: ItemId, mask: u16) {
		let round = Cases::<Test>::get(item).map_or(0, |case| case.round);
		for voter in masked(mask) {
			let verdict = opinion(item, round, voter);
			self.call(
				"report_preimage",
				STRANGER,
				crate::Call::report_preimage {
					item,
					round,
					voter,
					verdict,
					salt: SALT,
				},
			);
		}
	}

	/// Plants the next items: mostly what is true of them, which is their parity.
	fn plant(&mut self, count: u16) {
		let plants: Vec<_> = (1..=u64::from(count))
			.map(|ahead| self.opened + ahead)
			.map(|item| (item, item.is_multiple_of(2) == (item.blake2_256()[0] > 40)))
			.collect();
		let root = plant::root(&leaves(DATANET, &plants));
		let call = crate::Call::plant {
			datanet: DATANET,
			root,
			count,
		};
		if self.call("plant", OWNER, call) {
			self.planted.push(plants);
		}
	}

	fn open_plant(&self, item: ItemId, fits: bool) {
		for (batch, plants) in self.planted.iter().enumerate() {
			let Some(index) = plants.iter().position(|(planted, _)| *planted == item) else {
				continue;
			};
			let index = index as u16;
			let proof = plant::proof(&leaves(DATANET, plants), index).unwrap_or_default();
			let right = plants[usize::from(index)].1 == fits;
			self.call(
				"open_plant",
				STRANGER,
				crate::Call::open_plant {
					batch: batch as BatchId,
					index,
					item,
					right,
					salt: SALT,
					proof: BoundedVec::truncate_from(proof),
				},
			);
		}
	}

	/// Others of everything that can be changed at any time.
	fn set_params(&self, choice: u8) {
		let params = crate::CourtParams {
			risk_per_weight: 10 + u128::from(choice),
			risk_per_kib: u128::from(choice),
			challenge_weight: 50 + u32::from(choice),
			challenger_percent: 50 * choice,
			plant_bond: 300 + u128::from(choice),
			..run_params()
		};
		let call = RuntimeCall::Validation(crate::Call::set_params { params });
		self.count("set_params", call.dispatch(RuntimeOrigin::root()).is_ok());
	}

	/// Lets time run out for every case, and settles everything.
	fn finish(&self) {
		for _ in 0..=crate::MAX_ROUNDS {
			run_to(Now::get() + 40);
			let mut cases: Vec<_> = Cases::<Test>::iter().map(|(item, case)| (item, case.phase)).collect();
			cases.sort_by_key(|(item, _)| *item);
			for (item, phase) in cases {
				let worked = match phase {
					phase if phase.is_voting() => self.call("close_round", STRANGER, crate::Call::close_round { item }),
					Phase::Provisional { .. } => self.call("finalize", STRANGER, crate::Call::finalize { item }),
					_ => true,
				};
				assert!(worked, "item {item} is stuck in {phase:?}");
			}
		}
		let votes: Vec<_> = Votes::<Test>::iter_keys().collect();
		for ((item, round), voter) in votes {
			assert!(
				self.call("settle", STRANGER, crate::Call::settle { item, round, voter }),
				"a vote is stuck"
			);
		}
		run_to(Now::get() + run_params().plant_blocks);
		let batches: Vec<_> = PlantBatches::<Test>::iter_keys().collect();
		for batch in batches {
			assert!(
				self.call("close_plant", STRANGER, crate::Call::close_plant { batch }),
				"a batch is stuck"
			);
		}
	}
}

/// Windows in which many calls fit.
fn run_params() -> crate::CourtParams {
	crate::CourtParams {
		commit_blocks: 12,
		reveal_blocks: 12,
		provisional_blocks: 10,
		plant_delay: 1,
		..params()
	}
}

fn masked(mask: u16) -> impl Iterator<Item = AccountId> {
	(1..=VOTERS).filter(move |who| mask & (1 << who) != 0)
}

#[test]
fn invariants_should_hold_under_any_sequence_of_calls() {
	let counts = Counts::default();
	let steps = proptest::collection::vec(step(), 150..250);
	let from_environment = std::env::var("PROPTEST_CASES")
		.ok()
		.and_then(|cases| cases.parse().ok());
	let sequences = from_environment.unwrap_or(SEQUENCES);
	let config = Config {
		cases: sequences,
		failure_persistence: None,
		..Config::default()
	};
	let mut runner = match from_environment {
		Some(_) => TestRunner::new(config),
		None => TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
	};
	let outcome = runner.run(&steps, |steps| {
		let validators = (1..=8)
			.map(|who| (who, STAKE * u128::from(who), text_and_audio()))
			.collect();
		ExtBuilder::default()
			.with_params(run_params())
			.with_validators(validators)
			.build()
			.execute_with(|| {
				let issuance = Balances::total_issuance();
				let mut run = Run {
					counts: &counts,
					opened: 0,
					withdrawn: 0,
					planted: vec![],
				};
				for step in steps {
					run.step(step);
					prop_assert_eq!(Validation::check_state(), Ok(()));
					prop_assert_eq!(Balances::total_issuance(), issuance);
				}
				run.finish();
				run.count_trials();
				prop_assert_eq!(Validation::check_state(), Ok(()));
				prop_assert_eq!(Balances::total_issuance(), issuance);
				prop_assert_eq!(Cases::<Test>::iter().count() + Rounds::<Test>::iter().count(), 0);
				prop_assert_eq!(
					TrialBonds::<Test>::iter().count() + PlantBatches::<Test>::iter().count(),
					0
				);
				prop_assert!(Balances::free_balance(OWNER) <= RICH);
				prop_assert!(Validators::<Test>::iter_values().all(|validator| validator.at_risk == 0));
				prop_assert_eq!(
					Balances::free_balance(Validation::fee_account_id()),
					EXISTENTIAL_DEPOSIT
				);
				let mut heard = PlantedItems::get();
				heard.extend(Concluded::get().into_iter().map(|(item, ..)| item));
				let concluded = heard.len() as u64;
				heard.sort_unstable();
				heard.dedup();
				prop_assert_eq!(
					(heard.len() as u64, concluded),
					(concluded, run.opened - u64::from(run.withdrawn))
				);
				Ok(())
			})
	});
	if let Err(error) = outcome {
		panic!("{error}");
	}

	let counts = counts.into_inner();
	let calls: BTreeMap<_, _> = counts.iter().filter(|(name, _)| CALLS.contains(name)).collect();
	let sum: u32 = calls.values().map(|(ok, failed)| ok + failed).sum();
	println!("{sum} calls: {counts:?}");
	if sequences < SEQUENCES {
		return;
	}
	assert!(sum >= LEAST_CALLS, "only {sum} calls");
	assert!(
		calls.len() == CALLS.len() && calls.values().all(|(ok, _)| *ok > 0),
		"a call never worked: {counts:?}"
	);
	assert!(
		TRIALS.iter().all(|name| counts.contains_key(name)),
		"a kind of trial never came about: {counts:?}"
	);
}
