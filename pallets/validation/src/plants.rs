//! Known-answer items: planted under a root, opened while their verdict is provisional, tried by a wide round.

use crate::{pallet::*, PlantBatch, TrialBond};
use frame_support::{ensure, pallet_prelude::DispatchResult};
use openledger_primitives::{
	challenge::Penalty,
	item::{Case, Phase, Round},
	plant::{confirm, is_under, Opened, Plant, MAX_PLANTS},
	traits::{ActiveBlocks, DatanetOwners, Docket},
	vote::Verdict,
	BatchId, DatanetId, ItemId,
};
use sp_runtime::ArithmeticError;

impl<T: Config> Pallet<T> {
	pub(crate) fn do_plant(who: T::AccountId, datanet: DatanetId, root: [u8; 32], count: u16) -> DispatchResult {
		let owner = T::DatanetOwners::owner(datanet).ok_or(Error::<T>::DatanetNotFound)?;
		ensure!(who == owner, Error::<T>::NotDatanetOwner);
		ensure!((1..=MAX_PLANTS).contains(&count), Error::<T>::InvalidPlantCount);
		let params = Params::<T>::get();
		let id = NextBatch::<T>::get();
		let next = id.checked_add(1).ok_or(ArithmeticError::Overflow)?;
		let now = T::ActiveBlocks::now();
		let batch = PlantBatch {
			datanet,
			owner,
			root,
			count,
			bond: params.plant_bond,
			from: now.saturating_add(params.plant_delay),
			until: now.saturating_add(params.plant_blocks),
			opened: Opened::default(),
		};
		Self::hold(HoldReason::Plant, &who, batch.bond_left())?;
		NextBatch::<T>::put(next);
		Self::deposit_event(Event::Planted {
			batch: id,
			datanet,
			root,
			count,
			bond: batch.bond_left(),
			from: batch.from,
			until: batch.until,
		});
		PlantBatches::<T>::insert(id, batch);
		Ok(())
	}

	pub(crate) fn do_open_plant(
		id: BatchId,
		index: u16,
		item: ItemId,
		right: bool,
		salt: [u8; 32],
		proof: &[[u8; 32]],
	) -> DispatchResult {
		let mut batch = PlantBatches::<T>::get(id).ok_or(Error::<T>::BatchNotFound)?;
		ensure!(T::ActiveBlocks::now() <= batch.until, Error::<T>::PlantsExpired);
		ensure!(index < batch.count, Error::<T>::PlantNotFound);
		ensure!(!batch.opened.contains(index), Error::<T>::AlreadyOpened);
		let mut case = Cases::<T>::get(item).ok_or(Error::<T>::CaseNotFound)?;
		let verdict = Self::still_provisional(&case)?;
		let submission = T::Docket::submission(item).ok_or(Error::<T>::CaseNotFound)?;
		ensure!(submission.submitted_at > batch.from, Error::<T>::SubmittedTooEarly);
		// The leaf names the batch's Datanet, and an item of another one must not pass for one of it.
		ensure!(case.datanet == batch.datanet, Error::<T>::InvalidPlantProof);
		let plant = Plant {
			genesis: Self::genesis(),
			datanet: batch.datanet,
			sha256: submission.sha256,
			right,
			salt,
		};
		ensure!(
			is_under(&batch.root, plant.leaf(), index, proof),
			Error::<T>::InvalidPlantProof
		);

		batch.opened.insert(index);
		case.phase = Phase::OnTrial { verdict, right };
		Self::deposit_event(Event::PlantOpened {
			batch: id,
			index,
			item,
			right,
		});
		let bond = TrialBond {
			who: batch.owner.clone(),
			amount: batch.bond,
			percent: 0,
		};
		Self::open_trial(item, &mut case, &Params::<T>::get(), bond);
		PlantBatches::<T>::insert(id, batch);
		Cases::<T>::insert(item, case);
		Ok(())
	}

	/// Ends a plant's round, and the item with it: votes are settled by what two thirds confirmed, or else by the verdict
	/// that stood before.
	pub(crate) fn close_trial(
		item: ItemId,
		mut case: Case<T::AccountId>,
		mut round: Round,
		standing: Verdict,
		right: bool,
	) -> DispatchResult {
		let TrialBond {
			who: owner,
			amount: bond,
			..
		} = TrialBonds::<T>::take(item).ok_or(Error::<T>::RoundNotOpen)?;
		let confirmed = confirm(&round.tally, round.width, right);
		if confirmed.is_some() {
			Self::release(HoldReason::Plant, &owner, bond)?;
			// Who had shown by a challenge that this side is wrong is still rewarded for it; the owner never is.
			let shown = case.penalty.take().filter(|penalty| penalty.accept != right);
			case.penalty = Some(Penalty {
				accept: !right,
				before: case.round,
				percent: shown.as_ref().map_or(0, |penalty| penalty.percent),
				informant: shown.and_then(|penalty| penalty.informant),
			});
		} else {
			Self::pay_panel(HoldReason::Plant, &owner, bond, &mut round)?;
		}
		Self::keep_round(item, case.round, &round);
		T::Docket::conclude_planted(item)?;
		Self::make_final(item, case, confirmed.or(Some(standing)), round.reveal_until)?;
		Self::deposit_event(Event::PlantConcluded {
			item,
			confirmed: confirmed.is_some(),
			bond,
		});
		Ok(())
	}

	pub(crate) fn do_close_plant(id: BatchId) -> DispatchResult {
		let batch = PlantBatches::<T>::get(id).ok_or(Error::<T>::BatchNotFound)?;
		ensure!(batch.is_over(T::ActiveBlocks::now()), Error::<T>::PlantsNotExpired);
		let returned = batch.bond_left();
		Self::release(HoldReason::Plant, &batch.owner, returned)?;
		PlantBatches::<T>::remove(id);
		Self::deposit_event(Event::PlantsClosed { batch: id, returned });
		Ok(())
	}
}
