//! Stake: bonded, counted two sessions later, at risk, slashed, unbonded.

use crate::{pallet::*, Validator};
use frame_support::{
	ensure,
	pallet_prelude::{DispatchError, DispatchResult},
	traits::{
		fungible::hold::Mutate,
		tokens::{Fortitude, Precision, Restriction},
	},
};
use openledger_primitives::{
	format::{Modality, ModalitySet},
	schedule::Schedule,
	traits::{Rewards, Sessions},
	Balance,
};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_register(who: T::AccountId, stake: Balance, modalities: ModalitySet) -> DispatchResult {
		ensure!(!Validators::<T>::contains_key(&who), Error::<T>::AlreadyRegistered);
		ensure!(modalities.is_valid(), Error::<T>::InvalidModalities);
		ensure!(stake >= Params::<T>::get().min_stake, Error::<T>::BelowMinStake);
		Self::hold(&who, stake)?;
		let mut validator = Validator::new();
		Self::recount(&mut validator, |validator| {
			validator.stake = stake;
			validator.modalities = modalities;
		});
		Validators::<T>::insert(&who, validator);
		Self::deposit_event(Event::Registered { who, stake, modalities });
		Ok(())
	}

	/// Stakes a genesis validator; its stake counts at once.
	///
	/// # Panics
	/// On a stake that the account does not have, and on a validator that could not register.
	pub(crate) fn register_at_genesis(who: &T::AccountId, stake: Balance, modalities: ModalitySet) {
		assert!(
			modalities.is_valid(),
			"a genesis validator judges at least one known modality"
		);
		assert!(
			stake >= Params::<T>::get().min_stake,
			"a genesis validator has at least the least stake"
		);
		assert!(
			!Validators::<T>::contains_key(who),
			"a genesis validator is named twice"
		);
		Self::hold(who, stake).expect("a genesis validator has the balance that it stakes");
		let schedule = Schedule::constant((stake, modalities));
		Validators::<T>::insert(
			who,
			Validator {
				stake,
				modalities,
				schedule,
				..Validator::new()
			},
		);
		for modality in Modality::ALL
			.into_iter()
			.filter(|modality| modalities.contains(*modality))
		{
			TotalStake::<T>::mutate(modality, |total| {
				*total = Schedule::constant(total.latest().saturating_add(stake));
			});
		}
	}

	pub(crate) fn do_bond_more(who: T::AccountId, amount: Balance) -> DispatchResult {
		ensure!(amount > 0, Error::<T>::ZeroAmount);
		let mut validator = Validators::<T>::get(&who).ok_or(Error::<T>::NotValidator)?;
		let stake = validator.stake.saturating_add(amount);
		ensure!(stake >= Params::<T>::get().min_stake, Error::<T>::BelowMinStake);
		Self::hold(&who, amount)?;
		Self::recount(&mut validator, |validator| validator.stake = stake);
		Validators::<T>::insert(&who, validator);
		Self::deposit_event(Event::Bonded { who, amount, stake });
		Ok(())
	}

	pub(crate) fn do_unbond(who: T::AccountId, amount: Balance) -> DispatchResult {
		ensure!(amount > 0, Error::<T>::ZeroAmount);
		let mut validator = Validators::<T>::get(&who).ok_or(Error::<T>::NotValidator)?;
		ensure!(amount <= validator.free_stake(), Error::<T>::InsufficientFreeStake);
		let params = Params::<T>::get();
		let left = validator.stake - amount;
		ensure!(left == 0 || left >= params.min_stake, Error::<T>::BelowMinStake);
		let from_session = T::Sessions::current().saturating_add(params.unbonding_sessions);
		ensure!(
			validator.push_unbonding(amount, from_session),
			Error::<T>::MaxUnbondingExceeded
		);
		Self::recount(&mut validator, |validator| validator.stake = left);
		Validators::<T>::insert(&who, validator);
		Self::deposit_event(Event::Unbonded {
			who,
			amount,
			from_session,
		});
		Ok(())
	}

	pub(crate) fn do_withdraw_unbonded(who: T::AccountId) -> DispatchResult {
		let mut validator = Validators::<T>::get(&who).ok_or(Error::<T>::NotValidator)?;
		let session = T::Sessions::current();
		let amount = validator.take_unbonded(session);
		let gone = validator.is_gone(session);
		ensure!(amount > 0 || gone, Error::<T>::NothingToWithdraw);
		T::Currency::release(&HoldReason::Stake.into(), &who, amount, Precision::Exact)?;
		if gone {
			Validators::<T>::remove(&who);
		} else {
			Validators::<T>::insert(&who, validator);
		}
		Self::deposit_event(Event::Withdrawn { who, amount });
		Ok(())
	}

	pub(crate) fn do_set_modalities(who: T::AccountId, modalities: ModalitySet) -> DispatchResult {
		ensure!(modalities.is_valid(), Error::<T>::InvalidModalities);
		let mut validator = Validators::<T>::get(&who).ok_or(Error::<T>::NotValidator)?;
		Self::recount(&mut validator, |validator| validator.modalities = modalities);
		Validators::<T>::insert(&who, validator);
		Self::deposit_event(Event::ModalitiesSet { who, modalities });
		Ok(())
	}

	/// Slashes up to `amount` of what the validator has on hold and moves it to the pot; a transfer, so that issuance stands
	/// still. Returns what was slashed. The caller stores the record.
	pub(crate) fn slash(
		who: &T::AccountId,
		validator: &mut Validator,
		amount: Balance,
	) -> Result<Balance, DispatchError> {
		let taken = Self::recount(validator, |validator| validator.take(amount));
		if taken == 0 {
			return Ok(0);
		}
		T::Currency::transfer_on_hold(
			&HoldReason::Stake.into(),
			who,
			&T::Rewards::pot(),
			taken,
			Precision::Exact,
			Restriction::Free,
			Fortitude::Force,
		)
	}

	fn hold(who: &T::AccountId, amount: Balance) -> DispatchResult {
		T::Currency::hold(&HoldReason::Stake.into(), who, amount).map_err(|_| Error::<T>::InsufficientBalance.into())
	}

	/// Changes stake or modalities, and what counts of them two sessions later, here and in the totals.
	fn recount<R>(validator: &mut Validator, change: impl FnOnce(&mut Validator) -> R) -> R {
		let before = (validator.stake, validator.modalities);
		let result = change(validator);
		let after = (validator.stake, validator.modalities);
		let session = T::Sessions::current();
		validator.schedule.set(session, after);
		for modality in Modality::ALL {
			let (old, new) = (counted(before, modality), counted(after, modality));
			if old != new {
				TotalStake::<T>::mutate(modality, |total| {
					total.set(session, total.latest().saturating_sub(old).saturating_add(new));
				});
			}
		}
		result
	}
}

/// What a stake counts for a modality.
pub(crate) fn counted((stake, modalities): (Balance, ModalitySet), modality: Modality) -> Balance {
	if modalities.contains(modality) {
		stake
	} else {
		0
	}
}
