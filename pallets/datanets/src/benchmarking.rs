//! What the calls cost, the court's part of them included: longest texts, and all records that can be there.

use super::*;
use alloc::vec;
use frame_benchmarking::{account, v2::*, whitelisted_caller};
use frame_support::traits::EnsureOrigin;
use frame_system::RawOrigin;
use openledger_primitives::{
	benchmarking::BenchmarkHelper,
	format::{Format, Modality},
	item::{ExclusionReason, Policy, Text, VersionEntry},
	payload::{CidCodec, Payload},
	traits::ActiveBlocks,
	DatanetId, ItemId, OPEN,
};

type Helper<T> = <T as Config>::BenchmarkHelper;

fn admin<T: Config>() -> Result<T::RuntimeOrigin, BenchmarkError> {
	T::AdminOrigin::try_successful_origin().map_err(|()| BenchmarkError::Weightless)
}

/// Somebody who can pay, on a chain whose clock has been set.
fn rich<T: Config>(who: T::AccountId) -> T::AccountId {
	Helper::<T>::endow(&who, 1_000_000 * OPEN);
	Helper::<T>::set_time(1);
	who
}

fn caller<T: Config>() -> T::AccountId {
	rich::<T>(whitelisted_caller())
}

fn other<T: Config>(name: &'static str) -> T::AccountId {
	rich::<T>(account(name, 0, 0))
}

/// A text of the greatest length, all of it checked to be UTF-8.
fn longest<const N: u32>() -> Text<N> {
	Text::truncate_from(vec![b'x'; N as usize])
}

fn policy<T: Config>(restricted: bool) -> Policy {
	Policy {
		licence: longest(),
		restricted,
		..Policy::open(Modality::Text, Params::<T>::get().limits.file_bytes)
	}
}

fn datanet<T: Config>(owner: &T::AccountId, restricted: bool) -> Result<DatanetId, BenchmarkError> {
	let id = NextDatanet::<T>::get();
	let policy = policy::<T>(restricted);
	Pallet::<T>::do_create_datanet(owner.clone(), Modality::Text, longest(), longest(), policy)?;
	Ok(id)
}

fn payload() -> Payload {
	Payload {
		sha256: [1; 32],
		root: [2; 32],
		codec: CidCodec::DagPb,
		size: 2_000_000,
		format: Format::Markdown,
	}
}

fn submit_to<T: Config>(datanet: DatanetId, who: &T::AccountId) -> Result<ItemId, BenchmarkError> {
	let item = NextItem::<T>::get();
	Pallet::<T>::do_submit(who.clone(), datanet, payload(), [0; 32])?;
	Ok(item)
}

#[benchmarks]
mod benches {
	use super::*;

	#[benchmark]
	fn create_datanet() {
		let owner = caller::<T>();
		#[extrinsic_call]
		_(
			RawOrigin::Signed(owner),
			Modality::Text,
			longest(),
			longest(),
			policy::<T>(false),
		);
		assert_eq!(NextDatanet::<T>::get(), 1);
	}

	/// The account's first, behind another claim on the same content.
	#[benchmark]
	fn submit() -> Result<(), BenchmarkError> {
		let id = datanet::<T>(&other::<T>("owner"), false)?;
		submit_to::<T>(id, &other::<T>("earlier"))?;
		let who = caller::<T>();
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()), id, payload(), [0; 32]);
		assert!(Holds::<T>::contains_key(&who));
		Ok(())
	}

	/// From the midst of the line of claims.
	#[benchmark]
	fn withdraw() -> Result<(), BenchmarkError> {
		let id = datanet::<T>(&other::<T>("owner"), false)?;
		submit_to::<T>(id, &other::<T>("earlier"))?;
		let who = caller::<T>();
		let item = submit_to::<T>(id, &who)?;
		let later = submit_to::<T>(id, &other::<T>("later"))?;
		#[extrinsic_call]
		_(RawOrigin::Signed(who), item);
		assert_eq!(Neighbours::<T>::get(later).and_then(|entry| entry.previous), Some(0));
		Ok(())
	}

	#[benchmark]
	fn release_hold() -> Result<(), BenchmarkError> {
		let id = datanet::<T>(&other::<T>("owner"), false)?;
		let who = caller::<T>();
		submit_to::<T>(id, &who)?;
		Holds::<T>::mutate_extant(&who, |hold| hold.until_millis = 0);
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()));
		assert!(!Holds::<T>::contains_key(&who));
		Ok(())
	}

	#[benchmark]
	fn set_metadata() -> Result<(), BenchmarkError> {
		let owner = caller::<T>();
		let id = datanet::<T>(&owner, false)?;
		let name = Text::truncate_from(vec![b'y'; 64]);
		#[extrinsic_call]
		_(RawOrigin::Signed(owner), id, name.clone(), longest());
		assert_eq!(Datanets::<T>::get(id).map(|datanet| datanet.name), Some(name));
		Ok(())
	}

	#[benchmark]
	fn set_policy() -> Result<(), BenchmarkError> {
		let owner = caller::<T>();
		let id = datanet::<T>(&owner, false)?;
		#[extrinsic_call]
		_(RawOrigin::Signed(owner), id, policy::<T>(true));
		assert!(Datanets::<T>::get(id).is_some_and(|datanet| datanet.policy.restricted));
		Ok(())
	}

	#[benchmark]
	fn request_access() -> Result<(), BenchmarkError> {
		let id = datanet::<T>(&other::<T>("owner"), true)?;
		let who = caller::<T>();
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()), id);
		assert!(Accesses::<T>::contains_key(id, &who));
		Ok(())
	}

	/// Unasked.
	#[benchmark]
	fn grant() -> Result<(), BenchmarkError> {
		let owner = caller::<T>();
		let id = datanet::<T>(&owner, true)?;
		let (who, until) = (account("trainer", 0, 0), T::ActiveBlocks::now() + 1);
		#[extrinsic_call]
		_(RawOrigin::Signed(owner), id, who, until);
		assert_eq!(Accesses::<T>::iter_prefix(id).count(), 1);
		Ok(())
	}

	#[benchmark]
	fn revoke() -> Result<(), BenchmarkError> {
		let owner = caller::<T>();
		let id = datanet::<T>(&owner, true)?;
		let who = other::<T>("trainer");
		Pallet::<T>::do_request_access(who.clone(), id)?;
		Pallet::<T>::do_grant(owner.clone(), id, who.clone(), T::ActiveBlocks::now() + 1)?;
		#[extrinsic_call]
		_(RawOrigin::Signed(owner), id, who.clone());
		assert!(!Accesses::<T>::contains_key(id, &who));
		Ok(())
	}

	#[benchmark]
	fn exclude() -> Result<(), BenchmarkError> {
		let owner = caller::<T>();
		let id = datanet::<T>(&owner, false)?;
		let entry = VersionEntry {
			item: 0,
			root: [1; 32],
			points: 1,
		};
		Versions::<T>::insert(id, 1, entry);
		#[extrinsic_call]
		_(RawOrigin::Signed(owner), id, 1, ExclusionReason::Unlawful);
		assert!(ExclusionOf::<T>::contains_key(id, 1));
		Ok(())
	}

	#[benchmark]
	fn transfer() -> Result<(), BenchmarkError> {
		let owner = caller::<T>();
		let id = datanet::<T>(&owner, false)?;
		Offers::<T>::insert(id, account::<T::AccountId>("before", 0, 0));
		let to = account("to", 0, 0);
		#[extrinsic_call]
		_(RawOrigin::Signed(owner), id, to);
		assert_eq!(Offers::<T>::get(id), Some(account("to", 0, 0)));
		Ok(())
	}

	/// Empty and offered to somebody.
	#[benchmark]
	fn close() -> Result<(), BenchmarkError> {
		let owner = caller::<T>();
		let id = datanet::<T>(&owner, false)?;
		Offers::<T>::insert(id, account::<T::AccountId>("to", 0, 0));
		#[extrinsic_call]
		_(RawOrigin::Signed(owner), id);
		assert!(!Datanets::<T>::contains_key(id));
		Ok(())
	}

	#[benchmark]
	fn prune() -> Result<(), BenchmarkError> {
		let id = datanet::<T>(&other::<T>("owner"), false)?;
		let contributor = other::<T>("contributor");
		let item = submit_to::<T>(id, &contributor)?;
		Pallet::<T>::do_withdraw(contributor, item)?;
		#[extrinsic_call]
		_(RawOrigin::Signed(whitelisted_caller()), item);
		assert!(!Items::<T>::contains_key(item));
		Ok(())
	}

	#[benchmark]
	fn accept_transfer() -> Result<(), BenchmarkError> {
		let id = datanet::<T>(&other::<T>("owner"), false)?;
		let to = caller::<T>();
		Offers::<T>::insert(id, &to);
		#[extrinsic_call]
		_(RawOrigin::Signed(to.clone()), id);
		assert_eq!(Datanets::<T>::get(id).map(|datanet| datanet.owner), Some(to));
		Ok(())
	}

	/// Other limits, so that invariant 2 counts from another day on.
	#[benchmark]
	fn set_params() -> Result<(), BenchmarkError> {
		Helper::<T>::set_time(1);
		let mut params = Params::<T>::get();
		params.limits.account_files += 1;
		#[extrinsic_call]
		_(admin::<T>()? as T::RuntimeOrigin, params);
		assert_eq!(Params::<T>::get(), params);
		Ok(())
	}
}
