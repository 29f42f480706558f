//! The numbered invariants of the crate's documentation under random sequences of calls.

use crate::{mock::*, CurrentEpoch, NextFee, Params};
use openledger_primitives::{
	traits::{Pool, Rewards as _},
	OPEN,
};
use proptest::prelude::*;
use sp_io::storage::root as storage_root;
use sp_runtime::StateVersion;

const ACCOUNTS: [AccountId; 5] = [ALICE, BOB, CAROL, GHOST, PAYER];

#[derive(Clone, Copy, Debug)]
enum Step {
	Award {
		pool: Pool,
		who: AccountId,
		points: u128,
		blocks_ago: u32,
	},
	Accept {
		datanet: u32,
		who: AccountId,
		points: u128,
	},
	/// Claims from an epoch `back` before the current one.
	Claim {
		who: AccountId,
		pool: Pool,
		back: u32,
	},
	Collect {
		datanet: u32,
		version: u32,
		amount: u128,
	},
	ClaimFee {
		who: AccountId,
		back: u64,
	},
	Sweep {
		back: u32,
	},
	Sponsor {
		datanet: u32,
		amount: u128,
	},
	SweepDatanet {
		back: u32,
		datanet: u32,
	},
	SweepFee {
		back: u64,
	},
	PruneShare {
		who: AccountId,
		pool: Pool,
		back: u32,
	},
	PruneFeeClaim {
		who: AccountId,
		back: u64,
	},
	ReleaseSponsorship {
		datanet: u32,
	},
	SetParams {
		budget_ppm: u32,
		contributors: u32,
		expire_epochs: u32,
		sponsor_epochs: u32,
	},
	Pass {
		millis: u64,
	},
}

fn steps() -> impl Strategy<Value = Step> {
	let who = || prop::sample::select(ACCOUNTS.to_vec());
	let fixed = || prop::sample::select(Pool::ALL.to_vec());
	let pool = || prop_oneof![2 => fixed(), 1 => (0..=DATANETS).prop_map(Pool::Datanet)];
	// Single points too, so that rounding and payments below the existential deposit come up.
	let points = prop_oneof![1u128..4, 0..1_000_000 * ONE];
	let amounts = prop_oneof![0u128..100, EXISTENTIAL_DEPOSIT..1_000 * EXISTENTIAL_DEPOSIT];
	prop_oneof![
		6 => (fixed(), who(), points.clone(), 0u32..40)
			.prop_map(|(pool, who, points, blocks_ago)| Step::Award { pool, who, points, blocks_ago }),
		4 => (0..DATANETS, who(), points).prop_map(|(datanet, who, points)| Step::Accept { datanet, who, points }),
		8 => (who(), pool(), 0u32..5).prop_map(|(who, pool, back)| Step::Claim { who, pool, back }),
		2 => (0u32..3, 0u32..3, amounts)
			.prop_map(|(datanet, version, amount)| Step::Collect { datanet, version, amount }),
		6 => (who(), 0u64..6).prop_map(|(who, back)| Step::ClaimFee { who, back }),
		1 => (0u32..9).prop_map(|back| Step::Sweep { back }),
		2 => (0..=DATANETS, 9 * OPEN..1_000 * OPEN).prop_map(|(datanet, amount)| Step::Sponsor { datanet, amount }),
		2 => (0u32..9, 0..DATANETS).prop_map(|(back, datanet)| Step::SweepDatanet { back, datanet }),
		1 => (0u64..20).prop_map(|back| Step::SweepFee { back }),
		2 => (who(), pool(), 3u32..9).prop_map(|(who, pool, back)| Step::PruneShare { who, pool, back }),
		1 => (who(), 0u64..20).prop_map(|(who, back)| Step::PruneFeeClaim { who, back }),
		1 => (0..DATANETS).prop_map(|datanet| Step::ReleaseSponsorship { datanet }),
		1 => (0u32..1_100_000, 0u32..=100, 0u32..4, 0u32..40).prop_map(
			|(budget_ppm, contributors, expire_epochs, sponsor_epochs)| Step::SetParams {
				budget_ppm,
				contributors,
				expire_epochs,
				sponsor_epochs,
			},
		),
		6 => prop_oneof![6 => 0..DAY / 2, 1 => 0..4 * DAY].prop_map(|millis| Step::Pass { millis }),
	]
}

/// A fee `back` before the last one.
fn fee_before(back: u64) -> u64 {
	NextFee::<Test>::get().saturating_sub(1 + back)
}

/// Sequences in a run: 12, of 1,000 calls each; more in a long run, which asks for more cases.
fn sequences() -> u32 {
	let cases = std::env::var("PROPTEST_CASES")
		.ok()
		.and_then(|cases| cases.parse().ok());
	cases.map_or(12, |cases: u32| (cases / 64).max(12))
}

/// Takes a step; whether the call succeeded.
fn take(step: Step) -> bool {
	let caller = RuntimeOrigin::signed(ALICE);
	let epoch = CurrentEpoch::<Test>::get();
	match step {
		Step::Award {
			pool,
			who,
			points,
			blocks_ago,
		} => {
			let final_at = (System::block_number() as u32).saturating_sub(blocks_ago);
			let to = Rewards::award(pool, &who, points, final_at);
			assert!(
				to <= epoch && to + 2 > epoch,
				"points went to an epoch that is not open"
			);
			true
		}
		Step::Accept { datanet, who, points } => {
			accept_item(datanet, who, points);
			true
		}
		Step::Claim { who, pool, back } => {
			let epoch = epoch.saturating_sub(back);
			let claimable = Rewards::claimable(who, epoch, pool);
			let before = Balances::free_balance(who);
			let is_ok = Rewards::claim_for(caller, who, epoch, pool).is_ok();
			assert_eq!(Balances::free_balance(who) - before, if is_ok { claimable } else { 0 });
			assert!(
				!is_ok || Rewards::claimable(who, epoch, pool) == 0,
				"a second claim is possible"
			);
			is_ok
		}
		Step::Collect {
			datanet,
			version,
			amount,
		} => collect(datanet, version, amount).is_some(),
		Step::ClaimFee { who, back } => {
			let fee = fee_before(back);
			let claimable = Rewards::claimable_fee(fee, who);
			let before = Balances::free_balance(who);
			let is_ok = Rewards::claim_fee(caller, fee, who).is_ok();
			assert_eq!(Balances::free_balance(who) - before, if is_ok { claimable } else { 0 });
			is_ok
		}
		Step::Sweep { back } => Rewards::sweep(caller, epoch.saturating_sub(back)).is_ok(),
		Step::Sponsor { datanet, amount } => Rewards::sponsor(caller, datanet, amount).is_ok(),
		Step::SweepDatanet { back, datanet } => {
			Rewards::sweep_datanet(caller, epoch.saturating_sub(back), datanet).is_ok()
		}
		Step::SweepFee { back } => Rewards::sweep_fee(caller, fee_before(back)).is_ok(),
		Step::PruneShare { who, pool, back } => {
			let epoch = epoch.saturating_sub(back);
			let claimable = Rewards::claimable(who, epoch, pool);
			let is_ok = Rewards::prune_share(caller, epoch, pool, who).is_ok();
			assert!(!is_ok || claimable == 0, "points that would have been paid were pruned");
			is_ok
		}
		Step::PruneFeeClaim { who, back } => Rewards::prune_fee_claim(caller, fee_before(back), who).is_ok(),
		Step::ReleaseSponsorship { datanet } => Rewards::release_sponsorship(caller, datanet).is_ok(),
		Step::SetParams {
			budget_ppm,
			contributors,
			expire_epochs,
			sponsor_epochs,
		} => {
			let mut params = Params::<Test>::get();
			params.budget_ppm = budget_ppm;
			params.shares.contributors = contributors;
			params.shares.validators = (100 - contributors) / 2;
			params.shares.owners = 100 - contributors - params.shares.validators;
			params.expire_epochs = expire_epochs;
			params.sponsor_epochs = sponsor_epochs;
			Rewards::set_params(RuntimeOrigin::root(), params).is_ok()
		}
		Step::Pass { millis } => {
			next_block_at(pallet_timestamp::Now::<Test>::get() + millis);
			true
		}
	}
}

proptest! {
	// Each call is followed by all checks.
	#![proptest_config(ProptestConfig { cases: sequences(), ..ProptestConfig::default() })]

	#[test]
	fn invariants_should_hold_after_every_call(
		steps in prop::collection::vec(steps(), 1_000),
		// Budgets from modest to the whole pot every day.
		budget_ppm in prop_oneof![0u32..1_000, 0u32..=1_000_000],
	) {
		let params = |params: &mut crate::RewardParams| {
			params.budget_ppm = budget_ppm;
			params.expire_epochs = 2;
		};
		ExtBuilder::default().with_params(params).build().execute_with(|| {
			let issuance = pallet_balances::TotalIssuance::<Test>::get();
			next_block_at(MIDNIGHT);
			contribute(0, 1, &[(BOB, 1), (CAROL, 2), (GHOST, 4)]);
			contribute(0, 2, &[(BOB, 1_000_003), (CAROL, 2), (GHOST, 4), (ALICE, 77)]);
			contribute(1, 1, &[(ALICE, ONE)]);
			contribute(2, 2, &[(GHOST, 1), (BOB, ONE)]);
			let mut succeeded = 0;
			for step in steps {
				let root = storage_root(StateVersion::V1);
				if take(step) {
					succeeded += 1;
				} else if !matches!(step, Step::Collect { .. }) {
					// The caller of `collect` has moved the money before; everything else undoes itself.
					prop_assert_eq!(storage_root(StateVersion::V1), root, "a call that failed changed something");
				}
				check(issuance);
			}
			prop_assert!(succeeded > 300, "only {} calls succeeded: the steps do not test much", succeeded);
			Ok(())
		})?;
	}
}
