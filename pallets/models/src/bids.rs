//! Which worker gets a job.

use crate::*;
use frame_support::{ensure, pallet_prelude::DispatchResult};
use openledger_primitives::bid::{drawn, SEED_DELAY};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_bid(who: T::AccountId, id: JobId) -> DispatchResult {
		let job = Self::job(id)?;
		ensure!(job.status == JobStatus::Open, Error::<T>::JobNotOpen);
		let now = T::ActiveBlocks::now();
		ensure!(now <= job.expires_at, Error::<T>::JobHasExpired);
		ensure!(who != job.requester, Error::<T>::OwnJob);
		let worker = Workers::<T>::get(&who).ok_or(Error::<T>::WorkerNotRegistered)?;
		ensure!(worker.capability.fits(&job.spec), Error::<T>::CapabilityMissing);
		if now < job.bids_until {
			return Self::place_bid(id, who, &worker);
		}
		ensure!(Bids::<T>::decode_len(id).unwrap_or(0) == 0, Error::<T>::BiddingOver);
		Self::bind(&who)?;
		Self::claim(id, job, who)
	}

	pub(crate) fn do_draw(id: JobId) -> DispatchResult {
		let job = Self::job(id)?;
		ensure!(job.status == JobStatus::Open, Error::<T>::JobNotOpen);
		let bids = Bids::<T>::take(id);
		ensure!(!bids.is_empty(), Error::<T>::NoBids);
		let seed = T::Seeds::seed(job.bids_until.saturating_add(SEED_DELAY)).ok_or(Error::<T>::SeedNotKnown)?;
		let weights: alloc::vec::Vec<_> = bids.iter().map(Self::weight_now).collect();
		let winner = drawn(&seed, id, &weights);
		for (at, bid) in bids.iter().enumerate() {
			if winner != Some(at) {
				Self::unbind(&bid.worker)?;
			}
		}
		match winner.and_then(|at| bids.into_iter().nth(at)) {
			Some(bid) => Self::claim(id, job, bid.worker),
			None => {
				Self::deposit_event(Event::BidsLapsed { job: id });
				Ok(())
			}
		}
	}

	/// Frees all bidders of a job that ends.
	pub(crate) fn drop_bids(id: JobId) -> DispatchResult {
		Bids::<T>::take(id).iter().try_for_each(|bid| Self::unbind(&bid.worker))
	}

	fn place_bid(id: JobId, who: T::AccountId, worker: &Worker) -> DispatchResult {
		let mut bids = Bids::<T>::get(id);
		ensure!(bids.iter().all(|bid| bid.worker != who), Error::<T>::AlreadyBid);
		let weight = Self::free_bond(worker);
		if bids.is_full() {
			let lightest = bids.iter().enumerate().min_by_key(|(_, bid)| bid.weight);
			let at = lightest.filter(|(_, bid)| bid.weight < weight).map(|(at, _)| at);
			let displaced = bids.swap_remove(at.ok_or(Error::<T>::BidsFull)?);
			Self::unbind(&displaced.worker)?;
			Self::deposit_event(Event::BidDisplaced {
				job: id,
				worker: displaced.worker,
			});
		}
		Self::bind(&who)?;
		let bid = Bid {
			worker: who.clone(),
			weight,
		};
		bids.try_push(bid).map_err(|_| Error::<T>::BidsFull)?;
		Bids::<T>::insert(id, bids);
		Self::deposit_event(Event::BidPlaced {
			job: id,
			worker: who,
			weight,
		});
		Ok(())
	}

	/// What a bid weighs in the draw: nothing once the bond does not cover it any more, as after a penalty.
	fn weight_now(bid: &Bid<T::AccountId>) -> Balance {
		let capacity = |worker: &Worker| Params::<T>::get().capacity(worker.bond);
		let covered = Workers::<T>::get(&bid.worker).is_some_and(|worker| capacity(&worker) >= worker.active_jobs);
		if covered {
			bid.weight
		} else {
			0
		}
	}

	/// Gives an open job to a worker whose bond is bound for it.
	fn claim(id: JobId, mut job: Job<T::AccountId>, worker: T::AccountId) -> DispatchResult {
		let params = Self::terms(id)?.params;
		let now = T::ActiveBlocks::now();
		let train_until = now.saturating_add(params.max_train_blocks);
		let heartbeat_by = now.saturating_add(params.heartbeat_blocks).min(train_until);
		job.status = JobStatus::Claimed {
			worker: worker.clone(),
			heartbeat_by,
			train_until,
			progress: Progress::default(),
		};
		Jobs::<T>::insert(id, job);
		Self::deposit_event(Event::JobClaimed {
			job: id,
			worker,
			heartbeat_by,
		});
		Ok(())
	}
}
