//! What calls, hook and punishment cost where the list is full.

use super::*;
use alloc::vec::Vec;
use frame_benchmarking::{account, v2::*, whitelisted_caller};
use frame_support::{
	traits::{EnsureOrigin, Hooks},
	BoundedVec,
};
use frame_system::RawOrigin;
use openledger_primitives::benchmarking::BenchmarkHelper;

type Helper<T> = <T as Config>::BenchmarkHelper;

fn admin<T: Config>() -> Result<T::RuntimeOrigin, BenchmarkError> {
	T::AdminOrigin::try_successful_origin().map_err(|()| BenchmarkError::Weightless)
}

/// An account with the least bond and keys.
fn bonded<T: Config>(who: T::AccountId) -> Result<T::AccountId, BenchmarkError> {
	let bond = Params::<T>::get().min_bond;
	Helper::<T>::endow(&who, bond.saturating_mul(2));
	Helper::<T>::register_keys(&who);
	Pallet::<T>::hold_bond(&who, bond)?;
	Ok(who)
}

/// A list of `count` authorities, `last` at its end if that is an authority.
fn fill_list<T: Config>(count: u32, last: Option<&T::AccountId>) {
	let others = count.saturating_sub(last.is_some() as u32);
	let list: Vec<_> = (0..others)
		.map(|n| account("authority", n, 0))
		.chain(last.cloned())
		.collect();
	Authorities::<T>::put(BoundedVec::truncate_from(list));
}

fn wait_for_upgrade<T: Config>() {
	PendingUpgrade::<T>::put(Upgrade {
		code_hash: T::Hash::default(),
		enact_at: 0u32.into(),
	});
}

#[benchmarks]
mod benches {
	use super::*;

	#[benchmark]
	fn on_initialize() {
		let before = ActiveBlockCount::<T>::get();
		#[block]
		{
			Pallet::<T>::on_initialize(1u32.into());
		}
		assert_eq!(ActiveBlockCount::<T>::get(), before + 1);
	}

	#[benchmark]
	fn add_authority() -> Result<(), BenchmarkError> {
		let who = bonded::<T>(account("new", 0, 0))?;
		fill_list::<T>(T::MaxAuthorities::get() - 1, None);
		LeftIn::<T>::insert(&who, 0);
		#[extrinsic_call]
		_(admin::<T>()? as T::RuntimeOrigin, who.clone());
		assert!(Authorities::<T>::get().contains(&who));
		Ok(())
	}

	#[benchmark]
	fn remove_authority() -> Result<(), BenchmarkError> {
		let who = bonded::<T>(account("old", 0, 0))?;
		fill_list::<T>(T::MaxAuthorities::get(), Some(&who));
		#[extrinsic_call]
		_(admin::<T>()? as T::RuntimeOrigin, who.clone());
		assert!(!Authorities::<T>::get().contains(&who));
		Ok(())
	}

	#[benchmark]
	fn bond() -> Result<(), BenchmarkError> {
		let who = bonded::<T>(whitelisted_caller())?;
		let before = Pallet::<T>::bond_of(&who);
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()), 1);
		assert_eq!(Pallet::<T>::bond_of(&who), before + 1);
		Ok(())
	}

	#[benchmark]
	fn withdraw_bond() -> Result<(), BenchmarkError> {
		let who = bonded::<T>(whitelisted_caller())?;
		fill_list::<T>(T::MaxAuthorities::get(), None);
		LeftIn::<T>::insert(&who, 0);
		Helper::<T>::set_session(T::ProvableSessions::get() + 10);
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()));
		assert_eq!(Pallet::<T>::bond_of(&who), 0);
		Ok(())
	}

	#[benchmark]
	fn leave() -> Result<(), BenchmarkError> {
		let who = bonded::<T>(whitelisted_caller())?;
		fill_list::<T>(T::MaxAuthorities::get(), Some(&who));
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()));
		assert!(LeftIn::<T>::contains_key(&who));
		Ok(())
	}

	#[benchmark]
	fn schedule_upgrade() -> Result<(), BenchmarkError> {
		#[extrinsic_call]
		_(admin::<T>()? as T::RuntimeOrigin, T::Hash::default());
		assert!(PendingUpgrade::<T>::exists());
		Ok(())
	}

	#[benchmark]
	fn veto_upgrade() -> Result<(), BenchmarkError> {
		let origin = T::VetoOrigin::try_successful_origin().map_err(|()| BenchmarkError::Weightless)?;
		wait_for_upgrade::<T>();
		#[extrinsic_call]
		_(origin as T::RuntimeOrigin);
		assert!(!PendingUpgrade::<T>::exists());
		Ok(())
	}

	#[benchmark]
	fn enact_upgrade() {
		wait_for_upgrade::<T>();
		#[extrinsic_call]
		_(RawOrigin::Signed(whitelisted_caller()));
		assert!(!PendingUpgrade::<T>::exists());
	}

	#[benchmark]
	fn set_params() -> Result<(), BenchmarkError> {
		let params = AuthorityParams {
			min_bond: 1,
			..Default::default()
		};
		#[extrinsic_call]
		_(admin::<T>()? as T::RuntimeOrigin, params);
		assert_eq!(Params::<T>::get(), params);
		Ok(())
	}

	/// An authority of a full list is the newest of as many offenders as are remembered.
	#[benchmark]
	fn punish() -> Result<(), BenchmarkError> {
		let who = bonded::<T>(account("offender", 0, 0))?;
		fill_list::<T>(T::MaxAuthorities::get(), Some(&who));
		let others = (0..T::MaxAuthorities::get()).map(|n| Offender {
			who: account("authority", n, 0),
			severity: Perbill::one(),
			until: 1,
		});
		Offenders::<T>::put(BoundedVec::truncate_from(others.collect()));
		#[block]
		{
			Pallet::<T>::punish(&who, Perbill::from_percent(50));
		}
		let newest = Offenders::<T>::get().pop();
		assert_eq!(newest.map(|offender| offender.who), Some(who));
		Ok(())
	}
}
