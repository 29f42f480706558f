//! Evaluations of models, with bonds against spam.

use crate::{base_models::is_consistent, *};
use frame_support::{
	ensure,
	pallet_prelude::DispatchResult,
	traits::{fungible::MutateHold, tokens::Precision},
};
use openledger_primitives::{format::Modality, model::MAX_EVALUATIONS};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_post_evaluation(
		who: T::AccountId,
		model: ModelId,
		dataset: DatasetRef,
		loss_micro: u64,
		tokens: u64,
		manifest: Artifact,
	) -> DispatchResult {
		ensure!(Models::<T>::contains_key(model), Error::<T>::ModelNotFound);
		ensure!(tokens > 0, Error::<T>::InvalidEvaluation);
		ensure!(is_consistent(&manifest), Error::<T>::InvalidArtifact);
		let modality = T::Datasets::dataset(dataset, &who)?.modality;
		ensure!(modality == Modality::Text, Error::<T>::ModalityNotTrainable);
		let posted = Evaluations::<T>::contains_key(model, &who);
		ensure!(!posted, Error::<T>::EvaluationAlreadyPosted);
		let count = EvaluationCount::<T>::get(model);
		ensure!(count < MAX_EVALUATIONS, Error::<T>::MaxEvaluationsExceeded);

		let bond = Params::<T>::get().evaluation_bond;
		T::Currency::hold(&HoldReason::EvaluationBond.into(), &who, bond)?;
		EvaluationCount::<T>::insert(model, count.saturating_add(1));
		Evaluations::<T>::insert(
			model,
			&who,
			Evaluation {
				dataset,
				loss_micro,
				tokens,
				manifest,
				bond,
				posted_at: T::ActiveBlocks::now(),
			},
		);
		Self::deposit_event(Event::EvaluationPosted {
			model,
			evaluator: who,
			dataset,
			loss_micro,
		});
		Ok(())
	}

	pub(crate) fn do_retract_evaluation(who: T::AccountId, model: ModelId) -> DispatchResult {
		let bond = Self::take_evaluation(model, &who)?;
		T::Currency::release(&HoldReason::EvaluationBond.into(), &who, bond, Precision::Exact)?;
		Self::deposit_event(Event::EvaluationRetracted { model, evaluator: who });
		Ok(())
	}

	pub(crate) fn do_remove_evaluation(model: ModelId, evaluator: T::AccountId) -> DispatchResult {
		let bond = Self::take_evaluation(model, &evaluator)?;
		Self::move_held(HoldReason::EvaluationBond, &evaluator, &T::Treasury::get(), bond)?;
		Self::deposit_event(Event::EvaluationRemoved { model, evaluator, bond });
		Ok(())
	}

	/// Removes an evaluation and returns what is held for it.
	fn take_evaluation(model: ModelId, evaluator: &T::AccountId) -> Result<Balance, Error<T>> {
		let evaluation = Evaluations::<T>::take(model, evaluator).ok_or(Error::<T>::EvaluationNotFound)?;
		EvaluationCount::<T>::mutate_exists(model, |count| {
			*count = count.unwrap_or(0).checked_sub(1).filter(|left| *left > 0);
		});
		Ok(evaluation.bond)
	}
}
