//! Stake: bonded, counted two sessions later, at risk, slashed, unbonded.

use crate::{pallet::*, Validator};
use frame_support::{
	ensure,
	pallet_prelude::{DispatchError, DispatchResult},
	traits::{
		fungible::{hold::Mutate, Inspect},
		tokens::{DepositConsequence, Fortitude, Precision, Provenance, Restriction},
	},
};
use openledger_primitives::{
	challenge::reward,
	format::{Modality, ModalitySet},
	schedule::Schedule,
	traits::{Rewards, Sessions},
	Balance,
};

/// What a slash took, plancks.
#[derive(Clone, Copy, Default)]
pub(crate) struct Slash {
	/// In all.
	pub taken: Balance,
	/// What of it the informant got.
	pub rewarded: Balance,
}

impl<T: Config> Pallet<T> {
	pub(crate) fn do_register(who: T::AccountId, stake: Balance, modalities: ModalitySet) -> DispatchResult {
		ensure!(!Validators::<T>::contains_key(&who), Error::<T>::AlreadyRegistered);
		ensure!(modalities.is_valid(), Error::<T>::InvalidModalities);
		ensure!(stake >= Params::<T>::get().min_stake, Error::<T>::BelowMinStake);
		Self::hold(HoldReason::Stake, &who, stake)?;
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
		Self::hold(HoldReason::Stake, who, stake).expect("a genesis validator has the balance that it stakes");
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
		Self::hold(HoldReason::Stake, &who, amount)?;
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
		Self::release(HoldReason::Stake, &who, amount)?;
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

	/// Slashes up to `amount` of what the validator has on hold: the informant's percent to the informant, the rest to the
	/// pot; transfers, so that issuance stands still. Nobody is rewarded for their own slash. The caller stores the record.
	pub(crate) fn slash(
		who: &T::AccountId,
		validator: &mut Validator,
		amount: Balance,
		informant: Option<(&T::AccountId, u8)>,
	) -> Result<Slash, DispatchError> {
		let taken = Self::recount(validator, |validator| validator.take(amount));
		let mut rewarded = 0;
		if let Some((informant, percent)) = informant.filter(|(informant, _)| *informant != who) {
			let part = reward(taken, percent);
			// An account that is gone since and would not come back by so little must not keep the vote from being settled.
			if T::Currency::can_deposit(informant, part, Provenance::Extant) == DepositConsequence::Success {
				rewarded = Self::take_slashed(who, informant, part)?;
			}
		}
		Self::take_slashed(who, &T::Rewards::pot(), taken - rewarded)?;
		Ok(Slash { taken, rewarded })
	}

	fn take_slashed(who: &T::AccountId, to: &T::AccountId, amount: Balance) -> Result<Balance, DispatchError> {
		if amount == 0 {
			return Ok(0);
		}
		let (mode, force) = (Restriction::Free, Fortitude::Force);
		T::Currency::transfer_on_hold(
			&HoldReason::Stake.into(),
			who,
			to,
			amount,
			Precision::Exact,
			mode,
			force,
		)
	}

	pub(crate) fn hold(reason: HoldReason, who: &T::AccountId, amount: Balance) -> DispatchResult {
		T::Currency::hold(&reason.into(), who, amount).map_err(|_| Error::<T>::InsufficientBalance.into())
	}

	pub(crate) fn release(reason: HoldReason, who: &T::AccountId, amount: Balance) -> DispatchResult {
		T::Currency::release(&reason.into(), who, amount, Precision::Exact).map(|_| ())
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
