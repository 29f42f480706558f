//! What the calls and the hook cost: every pool has points, accounts are there, and a contributor's points take the longest
//! search.

use super::*;
use frame_benchmarking::{account, v2::*, whitelisted_caller};
use frame_support::traits::{EnsureOrigin, Hooks};
use frame_system::RawOrigin;
use openledger_primitives::{
	benchmarking::BenchmarkHelper,
	traits::{Fees as _, Pool},
	Balance, DatanetId, EpochIndex, FeeId, OPEN,
};

type Helper<T> = <T as Config>::BenchmarkHelper;

/// One whose pay has expired long ago once the clock is at [`EpochIndex::MAX`].
const EPOCH: EpochIndex = 0;
const POINTS: u128 = 1_000_000;

fn admin<T: Config>() -> Result<T::RuntimeOrigin, BenchmarkError> {
	T::AdminOrigin::try_successful_origin().map_err(|()| BenchmarkError::Weightless)
}

/// Somebody who can pay.
fn rich<T: Config>(who: T::AccountId) -> T::AccountId {
	Helper::<T>::endow(&who, 1_000_000 * OPEN);
	who
}

/// Epoch 0 with a budget, and points in every pool that it pays.
fn points_everywhere<T: Config>() {
	Epochs::<T>::mutate_extant(EPOCH, |epoch| epoch.budget = 1_000 * OPEN);
	for pool in Pool::ALL {
		let book = PoolBook {
			points: POINTS,
			..Default::default()
		};
		Pools::<T>::insert(EPOCH, pool, book);
	}
}

/// Epoch 0 closed, each of its pools paying one OPEN, all of them owed.
fn closed<T: Config>() {
	points_everywhere::<T>();
	Epochs::<T>::mutate_extant(EPOCH, |epoch| epoch.state = EpochState::Closed);
	for pool in Pool::ALL {
		Pools::<T>::mutate(EPOCH, pool, |book| book.payout = OPEN);
	}
	owe::<T>(5 * OPEN);
}

/// All time to claim is over.
fn expire<T: Config>() {
	CurrentEpoch::<T>::put(EpochIndex::MAX);
}

fn owe<T: Config>(amount: Balance) {
	Owed::<T>::mutate(|owed| *owed += amount);
}

fn sponsored<T: Config>() -> DatanetId {
	Helper::<T>::datanet(&account("owner", 0, 0))
}

/// A fee of one OPEN for version 1 of a Datanet, of which `who` has all points.
fn fee<T: Config>(who: &T::AccountId) -> Result<FeeId, BenchmarkError> {
	let datanet = sponsored::<T>();
	Helper::<T>::bury_points(datanet, who);
	Pallet::<T>::collect(datanet, 1, OPEN).ok_or(BenchmarkError::Stop("the version has points"))
}

#[benchmarks]
mod benches {
	use super::*;

	#[benchmark]
	fn on_initialize() {
		Helper::<T>::set_time(1);
		#[block]
		{
			Pallet::<T>::on_initialize(2u32.into());
		}
		assert_eq!(CurrentEpoch::<T>::get(), EPOCH);
	}

	/// Two epochs after one in which every pool has points.
	#[benchmark]
	fn on_initialize_new_epoch() {
		points_everywhere::<T>();
		CurrentEpoch::<T>::put(EPOCH + 1);
		let record = Epochs::<T>::get(EPOCH);
		Epochs::<T>::set(EPOCH + 1, record);
		Helper::<T>::set_time(Params::<T>::get().epoch_millis);
		#[block]
		{
			Pallet::<T>::on_initialize(2u32.into());
		}
		assert_eq!(CurrentEpoch::<T>::get(), EPOCH + 2);
		assert!(Pool::ALL.iter().all(|pool| Pools::<T>::get(EPOCH, pool).payout > 0));
	}

	#[benchmark]
	fn claim() {
		closed::<T>();
		let who = rich::<T>(account("contributor", 0, 0));
		Shares::<T>::insert((EPOCH, Pool::Validators, &who), POINTS);
		#[block]
		{
			Pallet::<T>::claim_for(
				RawOrigin::Signed(whitelisted_caller()).into(),
				who.clone(),
				EPOCH,
				Pool::Validators,
			)
			.expect("points of a closed epoch are paid");
		}
		assert!(!Shares::<T>::contains_key((EPOCH, Pool::Validators, &who)));
	}

	/// The last share, with the longest search for the points.
	#[benchmark]
	fn claim_fee() -> Result<(), BenchmarkError> {
		let who = rich::<T>(account("contributor", 0, 0));
		let fee = fee::<T>(&who)?;
		#[extrinsic_call]
		_(RawOrigin::Signed(whitelisted_caller()), fee, who.clone());
		assert!(FeeClaims::<T>::contains_key(fee, &who));
		Ok(())
	}

	#[benchmark]
	fn sweep() {
		closed::<T>();
		expire::<T>();
		#[extrinsic_call]
		_(RawOrigin::Signed(whitelisted_caller()), EPOCH);
		assert!(Pool::ALL.iter().all(|pool| !Pools::<T>::contains_key(EPOCH, pool)));
	}

	#[benchmark]
	fn sponsor() {
		let datanet = sponsored::<T>();
		let who = rich::<T>(whitelisted_caller());
		let before = Owed::<T>::get();
		let amount = Params::<T>::get().min_sponsorship;
		#[extrinsic_call]
		_(RawOrigin::Signed(who), datanet, amount);
		assert_eq!(Owed::<T>::get(), before + amount);
	}

	#[benchmark]
	fn sweep_datanet() {
		let datanet = sponsored::<T>();
		assert!(Pallet::<T>::has_own_pool(EPOCH, datanet));
		expire::<T>();
		#[extrinsic_call]
		_(RawOrigin::Signed(whitelisted_caller()), EPOCH, datanet);
		assert!(!Pools::<T>::contains_key(EPOCH, Pool::Datanet(datanet)));
	}

	#[benchmark]
	fn sweep_fee() -> Result<(), BenchmarkError> {
		let fee = fee::<T>(&account("contributor", 0, 0))?;
		expire::<T>();
		#[extrinsic_call]
		_(RawOrigin::Signed(whitelisted_caller()), fee);
		assert!(!Fees::<T>::contains_key(fee));
		Ok(())
	}

	#[benchmark]
	fn prune_share() {
		let who: T::AccountId = account("contributor", 0, 0);
		Shares::<T>::insert((EPOCH, Pool::Validators, &who), POINTS);
		#[extrinsic_call]
		_(
			RawOrigin::Signed(whitelisted_caller()),
			EPOCH,
			Pool::Validators,
			who.clone(),
		);
		assert!(!Shares::<T>::contains_key((EPOCH, Pool::Validators, &who)));
	}

	#[benchmark]
	fn prune_fee_claim() {
		let who: T::AccountId = account("contributor", 0, 0);
		FeeClaims::<T>::insert(0, &who, ());
		#[extrinsic_call]
		_(RawOrigin::Signed(whitelisted_caller()), 0, who.clone());
		assert!(!FeeClaims::<T>::contains_key(0, &who));
	}

	#[benchmark]
	fn release_sponsorship() {
		let datanet = sponsored::<T>();
		expire::<T>();
		#[extrinsic_call]
		_(RawOrigin::Signed(whitelisted_caller()), datanet);
		assert!(!Sponsorships::<T>::contains_key(datanet));
	}

	#[benchmark]
	fn set_params() -> Result<(), BenchmarkError> {
		let mut params = Params::<T>::get();
		params.budget_ppm += 1;
		#[extrinsic_call]
		_(admin::<T>()? as T::RuntimeOrigin, params);
		assert_eq!(Params::<T>::get(), params);
		Ok(())
	}
}
