//! What the calls and the hook cost, the docket's and the rewards' part of them included: records are full, every record that
//! can be there is, and of the ways a call can go the one with most accesses is taken.

use super::*;
use alloc::{vec, vec::Vec};
use frame_benchmarking::{account, v2::*, whitelisted_caller};
use frame_support::{
	traits::{EnsureOrigin, Hooks},
	BoundedVec,
};
use frame_system::RawOrigin;
use openledger_primitives::{
	benchmarking::BenchmarkHelper,
	challenge::{Penalty, CHALLENGE_WIDTH},
	format::{Modality, ModalitySet},
	item::{Case, Phase, Round, Vote},
	plant::{proof, root, Opened, Plant, MAX_PLANTS},
	points::AcceptShare,
	schedule::Schedule,
	tally::{Tally, MAX_DISTINCT},
	traits::Docket,
	vote::{Ballot, Reason, Verdict, MAX_SCORE},
	ActiveBlock, Balance, DatanetId, ItemId, RoundIndex, OPEN,
};

type Helper<T> = <T as Config>::BenchmarkHelper;

/// The active block in which everything happens.
const NOW: ActiveBlock = 1_000;
/// Has been drawn by a round that is open.
const SEED_AT: ActiveBlock = 900;
/// The one that is open.
const ROUND: RoundIndex = 3;
/// What a vote weighs: it is the whole panel.
const WEIGHT: u32 = 151;
const STAKE: Balance = 100_000 * OPEN;
const SALT: [u8; 32] = [3; 32];
const ACCEPT: Verdict = Verdict::Accept {
	score: MAX_SCORE,
	units: 1_000,
};
const REJECT: Verdict = Verdict::Reject {
	reason: Reason::Unlawful,
};

fn admin<T: Config>() -> Result<T::RuntimeOrigin, BenchmarkError> {
	T::AdminOrigin::try_successful_origin().map_err(|()| BenchmarkError::Weightless)
}

fn everything() -> ModalitySet {
	ModalitySet::of(&Modality::ALL)
}

/// Somebody who can pay.
fn rich<T: Config>(who: T::AccountId) -> T::AccountId {
	Helper::<T>::endow(&who, 10 * STAKE);
	who
}

fn caller<T: Config>() -> T::AccountId {
	rich::<T>(whitelisted_caller())
}

fn other<T: Config>(name: &'static str) -> T::AccountId {
	rich::<T>(account(name, 0, 0))
}

/// A validator of everything that has all of the stake that counts, and as much unbonding as can wait, none of which is due.
fn validator<T: Config>(who: T::AccountId) -> Result<T::AccountId, BenchmarkError> {
	rich::<T>(who.clone());
	let chunks = (1..=MAX_UNBONDING).map(|from_session| Unbonding {
		amount: OPEN,
		from_session,
	});
	let validator = Validator {
		stake: STAKE,
		modalities: everything(),
		schedule: Schedule::constant((STAKE, everything())),
		unbonding: BoundedVec::truncate_from(chunks.collect()),
		at_risk: Balance::from(WEIGHT) * OPEN,
		..Validator::new()
	};
	Pallet::<T>::hold(HoldReason::Stake, &who, validator.held())?;
	Validators::<T>::insert(&who, validator);
	for modality in Modality::ALL {
		TotalStake::<T>::insert(modality, Schedule::constant(STAKE));
	}
	Ok(who)
}

/// As many distinct scores and units as are kept apart, and a majority for acceptance.
fn full_tally() -> Tally {
	let mut tally = Tally::default();
	for n in 0..MAX_DISTINCT {
		let verdict = Verdict::Accept {
			score: n as u8,
			units: n,
		};
		tally.reveal(&verdict, 10);
	}
	tally.reveal(&REJECT, 1);
	tally.commit(tally.revealed() + WEIGHT);
	tally
}

/// What of its windows is over now.
enum Over {
	Seed,
	Commits,
	Reveals,
}

fn round(over: Over) -> Round {
	let (commit_until, reveal_until) = match over {
		Over::Seed => (NOW, NOW + 1),
		Over::Commits => (NOW - 1, NOW),
		Over::Reveals => (NOW - 2, NOW - 1),
	};
	Round {
		opened_at: SEED_AT - 1,
		seed_at: SEED_AT,
		commit_until,
		reveal_until,
		session: 0,
		total_stake: STAKE,
		width: CHALLENGE_WIDTH,
		risk: OPEN,
		tally: full_tally(),
		unsettled: 2,
		fee: OPEN,
		paid: 0,
	}
}

/// A case in the phase, with a penalty for who accepted and a fee; the fee account has that and more.
fn case<T: Config>(datanet: DatanetId, phase: Phase) -> Case<T::AccountId> {
	Helper::<T>::set_active_block(NOW);
	Helper::<T>::set_seed(NOW - 1);
	Helper::<T>::set_seed(SEED_AT);
	Helper::<T>::endow(&Pallet::<T>::fee_account_id(), 100 * OPEN);
	Case {
		datanet,
		modality: Modality::Text,
		contributor: account("contributor", 0, 0),
		bytes: 0,
		round: ROUND,
		phase,
		fee: OPEN,
		unsettled: 2,
		challenges: 1,
		penalty: Some(Penalty {
			accept: true,
			before: ROUND + 1,
			informant: Some(other::<T>("informant")),
			percent: 50,
		}),
	}
}

/// An item whose case is on trial, called by somebody else than the caller; its number is zero.
fn on_trial<T: Config>(over: Over) -> ItemId {
	let phase = Phase::Challenged { verdict: REJECT };
	Cases::<T>::insert(0, case::<T>(0, phase));
	Rounds::<T>::insert((0, ROUND), round(over));
	let bond = TrialBond {
		who: account("challenger", 0, 0),
		amount: OPEN,
		percent: 50,
	};
	TrialBonds::<T>::insert(0, bond);
	0
}

/// Commits the voter to `verdict`.
fn vote<T: Config>(item: ItemId, voter: &T::AccountId, verdict: Verdict, is_revealed: bool) {
	let ballot = Ballot {
		genesis: Pallet::<T>::genesis(),
		item,
		round: ROUND,
		voter,
	};
	let vote = Vote {
		commitment: ballot.commitment(&verdict, &SALT),
		weight: WEIGHT,
		verdict: is_revealed.then_some(verdict),
	};
	Votes::<T>::insert((item, ROUND), voter, vote);
}

/// An item in review, in a Datanet of `owner`'s, whose case is in the phase.
fn item_in<T: Config>(owner: &T::AccountId, phase: Phase, is_claimed: bool) -> ItemId {
	Helper::<T>::set_active_block(NOW);
	let datanet = Helper::<T>::datanet(owner);
	let item = Helper::<T>::item(datanet, &other::<T>("contributor"), is_claimed);
	Cases::<T>::insert(item, case::<T>(datanet, phase));
	item
}

/// A batch of as many plants as can be, with the proof of the last one.
fn batch<T: Config>(owner: T::AccountId, datanet: DatanetId, sha256: [u8; 32]) -> Vec<[u8; 32]> {
	let plant = Plant {
		genesis: Pallet::<T>::genesis(),
		datanet,
		sha256,
		right: true,
		salt: SALT,
	};
	let mut leaves = vec![[0; 32]; MAX_PLANTS as usize];
	leaves[MAX_PLANTS as usize - 1] = plant.leaf();
	let batch = PlantBatch {
		datanet,
		owner,
		root: root(&leaves),
		count: MAX_PLANTS,
		bond: OPEN,
		from: 0,
		until: NOW,
		opened: Opened::default(),
	};
	PlantBatches::<T>::insert(0, batch);
	proof(&leaves, MAX_PLANTS - 1).unwrap_or_default()
}

#[benchmarks]
mod benches {
	use super::*;

	#[benchmark]
	fn on_finalize() {
		Helper::<T>::set_active_block(NOW);
		#[block]
		{
			Pallet::<T>::on_finalize(1u32.into());
		}
		assert_eq!(Accumulator::<T>::get().0, NOW);
	}

	#[benchmark]
	fn register() {
		let who = caller::<T>();
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()), STAKE, everything());
		assert!(Validators::<T>::contains_key(&who));
	}

	#[benchmark]
	fn bond_more() -> Result<(), BenchmarkError> {
		let who = validator::<T>(whitelisted_caller())?;
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()), OPEN);
		assert_eq!(Validators::<T>::get(&who).map(|v| v.stake), Some(STAKE + OPEN));
		Ok(())
	}

	/// The last chunk that can wait.
	#[benchmark]
	fn unbond() -> Result<(), BenchmarkError> {
		let who = validator::<T>(whitelisted_caller())?;
		Validators::<T>::mutate_extant(&who, |validator| {
			validator.unbonding.pop();
		});
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()), OPEN);
		let chunks = Validators::<T>::get(&who).map(|validator| validator.unbonding.len() as u32);
		assert_eq!(chunks, Some(MAX_UNBONDING));
		Ok(())
	}

	#[benchmark]
	fn withdraw_unbonded() -> Result<(), BenchmarkError> {
		let who = validator::<T>(whitelisted_caller())?;
		Helper::<T>::set_session(MAX_UNBONDING - 1);
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()));
		assert_eq!(Validators::<T>::get(&who).map(|v| v.unbonding.len()), Some(1));
		Ok(())
	}

	#[benchmark]
	fn set_modalities() -> Result<(), BenchmarkError> {
		let who = validator::<T>(whitelisted_caller())?;
		Validators::<T>::mutate_extant(&who, |validator| {
			validator.modalities = ModalitySet::of(&[Modality::Text])
		});
		let others = ModalitySet::of(&[Modality::Image, Modality::Audio]);
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()), others);
		assert_eq!(Validators::<T>::get(&who).map(|v| v.modalities), Some(others));
		Ok(())
	}

	/// In a trial, which somebody else called.
	#[benchmark]
	fn commit() -> Result<(), BenchmarkError> {
		let who = validator::<T>(whitelisted_caller())?;
		let item = on_trial::<T>(Over::Seed);
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()), item, ROUND, [1; 32]);
		assert!(Votes::<T>::contains_key((item, ROUND), &who));
		Ok(())
	}

	/// A score and units beyond those that are kept apart.
	#[benchmark]
	fn reveal() -> Result<(), BenchmarkError> {
		let who = validator::<T>(whitelisted_caller())?;
		let item = on_trial::<T>(Over::Commits);
		vote::<T>(item, &who, ACCEPT, false);
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()), item, ROUND, ACCEPT, SALT);
		assert_eq!(
			Votes::<T>::get((item, ROUND), &who).and_then(|v| v.verdict),
			Some(ACCEPT)
		);
		Ok(())
	}

	/// Of a plant's trial that did not confirm it: the bond goes to the panel, the rest of the fee to the pot, and the item
	/// leaves the midst of the line of claims.
	#[benchmark]
	fn close_round() -> Result<(), BenchmarkError> {
		let owner = other::<T>("owner");
		let phase = Phase::OnTrial {
			verdict: ACCEPT,
			right: false,
		};
		let item = item_in::<T>(&owner, phase, true);
		Rounds::<T>::insert((item, ROUND), round(Over::Reveals));
		Pallet::<T>::hold(HoldReason::Plant, &owner, OPEN)?;
		let bond = TrialBond {
			who: owner,
			amount: OPEN,
			percent: 0,
		};
		TrialBonds::<T>::insert(item, bond);
		#[extrinsic_call]
		_(RawOrigin::Signed(whitelisted_caller()), item);
		assert!(!TrialBonds::<T>::contains_key(item));
		Ok(())
	}

	/// Of an acceptance, in a Datanet that has sponsors.
	#[benchmark]
	fn finalize() {
		let phase = Phase::Provisional {
			verdict: ACCEPT,
			until: NOW - 1,
		};
		let item = item_in::<T>(&other::<T>("owner"), phase, false);
		#[extrinsic_call]
		_(RawOrigin::Signed(whitelisted_caller()), item);
		let case = Cases::<T>::get(item);
		assert!(case.is_some_and(|case| matches!(case.phase, Phase::Final { .. })));
	}

	/// The last vote of its case, and one that was shown to be wrong: its stake goes to the informant and the pot.
	#[benchmark]
	fn settle() -> Result<(), BenchmarkError> {
		let voter = validator::<T>(account("voter", 0, 0))?;
		let phase = Phase::Final {
			outcome: Some(REJECT),
			recent: AcceptShare::default(),
			at: NOW - 1,
		};
		Cases::<T>::insert(
			0,
			Case {
				unsettled: 1,
				..case::<T>(0, phase)
			},
		);
		Rounds::<T>::insert(
			(0, ROUND),
			Round {
				unsettled: 1,
				..round(Over::Reveals)
			},
		);
		vote::<T>(0, &voter, ACCEPT, true);
		#[extrinsic_call]
		_(RawOrigin::Signed(whitelisted_caller()), 0, ROUND, voter.clone());
		assert!(!Cases::<T>::contains_key(0));
		assert!(Validators::<T>::get(&voter).is_some_and(|validator| validator.slashed > 0));
		Ok(())
	}

	#[benchmark]
	fn challenge() {
		let phase = Phase::Provisional {
			verdict: REJECT,
			until: NOW,
		};
		Cases::<T>::insert(0, case::<T>(0, phase));
		#[extrinsic_call]
		_(RawOrigin::Signed(caller::<T>()), 0);
		assert!(TrialBonds::<T>::contains_key(0));
	}

	#[benchmark]
	fn report_preimage() -> Result<(), BenchmarkError> {
		let voter = validator::<T>(account("voter", 0, 0))?;
		let item = on_trial::<T>(Over::Seed);
		vote::<T>(item, &voter, ACCEPT, false);
		#[extrinsic_call]
		_(
			RawOrigin::Signed(caller::<T>()),
			item,
			ROUND,
			voter.clone(),
			ACCEPT,
			SALT,
		);
		assert_eq!(Votes::<T>::get((item, ROUND), &voter).map(|v| v.weight), Some(0));
		Ok(())
	}

	#[benchmark]
	fn plant() {
		let owner = caller::<T>();
		let datanet = Helper::<T>::datanet(&owner);
		#[extrinsic_call]
		_(RawOrigin::Signed(owner), datanet, [1; 32], MAX_PLANTS);
		assert!(PlantBatches::<T>::contains_key(0));
	}

	/// The last plant of a full batch, with the longest proof.
	#[benchmark]
	fn open_plant() -> Result<(), BenchmarkError> {
		let owner = other::<T>("owner");
		let phase = Phase::Provisional {
			verdict: REJECT,
			until: NOW,
		};
		let item = item_in::<T>(&owner, phase, true);
		let submission = T::Docket::submission(item).ok_or(BenchmarkError::Stop("the item is in review"))?;
		let datanet = Cases::<T>::get(item).map_or(0, |case| case.datanet);
		let proof = batch::<T>(owner, datanet, submission.sha256);
		#[extrinsic_call]
		_(
			RawOrigin::Signed(whitelisted_caller()),
			0,
			MAX_PLANTS - 1,
			item,
			true,
			SALT,
			BoundedVec::truncate_from(proof),
		);
		assert!(TrialBonds::<T>::contains_key(item));
		Ok(())
	}

	#[benchmark]
	fn close_plant() -> Result<(), BenchmarkError> {
		let owner = other::<T>("owner");
		Pallet::<T>::hold(HoldReason::Plant, &owner, Balance::from(MAX_PLANTS) * OPEN)?;
		batch::<T>(owner, 0, [1; 32]);
		Helper::<T>::set_active_block(NOW + 1);
		#[extrinsic_call]
		_(RawOrigin::Signed(whitelisted_caller()), 0);
		assert!(!PlantBatches::<T>::contains_key(0));
		Ok(())
	}

	#[benchmark]
	fn set_params() -> Result<(), BenchmarkError> {
		let width = CourtParams::default().challenge_width;
		let params = CourtParams {
			widths: BoundedVec::truncate_from(vec![width; MAX_WIDTHS as usize]),
			..Default::default()
		};
		#[extrinsic_call]
		_(admin::<T>()? as T::RuntimeOrigin, params.clone());
		assert_eq!(Params::<T>::get(), params);
		Ok(())
	}
}
