//! Which jobs there are, and what to do next.

use super::error::Result;
use chain_client::{keys, AccountId, Chain, Query};
use openledger_primitives::{
	bid::{Bid, SEED_DELAY},
	capability::Capability,
	dispute::{Claim, Dispute},
	evaluation::ResultEvaluation,
	model::{Job, JobStatus, Worker},
	training::TrainingSpec,
	ActiveBlock, JobId,
};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// Jobs asked for at once.
const PAGE: usize = 256;

/// What a worker does next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
	/// Train a job that it has claimed, before it was started again.
	Resume(JobId),
	/// Say what the loss of its result is, which it was started again before.
	Evaluate(JobId),
	/// Say that a heartbeat or an evaluation was missed, which opens the job again.
	Report(JobId),
	/// Be paid for a result that nobody disputed.
	Accept(JobId),
	/// Have a worker drawn for a job that it bid on, before it was started again.
	Draw(JobId),
	/// Let a job go on whose longest pause is over.
	Unpause(JobId),
	/// Make sure that judges can fetch what its disputed result names.
	PublishAgain(JobId),
	/// Judge a result that somebody disputes.
	Judge(JobId),
	/// End a dispute that this worker judged, or that is about its own result.
	Close(JobId),
	/// Bid on an open job, and train it.
	Take(JobId),
}

/// The jobs that have not ended. Those that have are asked for once.
#[derive(Default)]
pub struct Watch {
	next: JobId,
	live: BTreeMap<JobId, Job<AccountId>>,
	/// On those that are open.
	bids: BTreeMap<JobId, Vec<Bid<AccountId>>>,
	/// On those that are disputed.
	disputes: BTreeMap<JobId, Dispute<AccountId>>,
	/// Disputes that this process has judged or cannot, or has published for again, by their job and when they were opened.
	heard: BTreeSet<(JobId, ActiveBlock)>,
	/// Open ones that this machine cannot train, which was said.
	unfit: BTreeSet<JobId>,
	/// Not to be tried by this process again.
	given_up: BTreeSet<JobId>,
	/// Not to be tried before.
	put_off: BTreeMap<JobId, Instant>,
}

impl Watch {
	/// Asks for new jobs and for what became of those that had not ended.
	pub async fn refresh<C: Chain + ?Sized>(&mut self, query: &Query<'_, C>) -> Result<()> {
		let next = query.job_count().await?;
		let ids: Vec<_> = self.live.keys().copied().chain(self.next..next).collect();
		let mut live = BTreeMap::new();
		for page in ids.chunks(PAGE) {
			let keys: Vec<_> = page.iter().map(|id| keys::map("Models", "Jobs", id)).collect();
			let jobs: Vec<Option<Job<AccountId>>> = query.values(&keys, "Models.Jobs").await?;
			let found = page.iter().zip(jobs).filter_map(|(id, job)| Some((*id, job?)));
			live.extend(found.filter(|(_, job)| !job.status.has_ended()));
		}
		let open = live.iter().filter(|(_, job)| job.status == JobStatus::Open);
		let open: Vec<_> = open.map(|(id, _)| *id).collect();
		self.bids.clear();
		for page in open.chunks(PAGE) {
			let keys: Vec<_> = page.iter().map(|id| keys::map("Models", "Bids", id)).collect();
			let bids: Vec<Option<Vec<Bid<AccountId>>>> = query.values(&keys, "Models.Bids").await?;
			let found = page.iter().zip(bids).filter_map(|(id, bids)| Some((*id, bids?)));
			self.bids.extend(found);
		}
		let disputed = |job: &Job<AccountId>| matches!(job.status, JobStatus::Disputed { .. });
		let is_any_disputed = live.values().any(disputed);
		self.disputes.clear();
		if is_any_disputed {
			self.disputes.extend(query.disputes().await?);
		}
		self.live = live;
		// A node that is started anew may know fewer jobs.
		self.next = next;
		Ok(())
	}

	/// Whether nothing can become of a job any more.
	pub fn has_ended(&self, id: JobId) -> bool {
		id < self.next && !self.live.contains_key(&id)
	}

	/// Why open jobs are not for this machine; each is told once.
	pub fn unfit(&mut self, able: &Capability) -> Vec<(JobId, String)> {
		let open = self.live.iter().filter(|(_, job)| job.status == JobStatus::Open);
		let why = |spec: &TrainingSpec| match able {
			able if !able.methods.contains(spec.method) => Some(format!("its method is {:?}", spec.method)),
			able if !able.dtypes.contains(spec.dtype) => Some(format!("its numbers are {:?}", spec.dtype)),
			able if !able.fits(spec) => Some(format!(
				"it asks for {} MiB, and the device has {} MiB",
				spec.min_memory_mib, able.memory_mib
			)),
			_ => None,
		};
		let found = open.filter_map(|(id, job)| Some((*id, why(&job.spec)?)));
		let news: Vec<_> = found.filter(|(id, _)| !self.unfit.contains(id)).collect();
		self.unfit.extend(news.iter().map(|(id, _)| *id));
		news
	}

	pub fn give_up(&mut self, id: JobId) {
		self.given_up.insert(id);
	}

	/// This dispute needs no more of this process before it is over.
	pub fn set_heard(&mut self, id: JobId) {
		self.heard
			.extend(self.disputes.get(&id).map(|dispute| (id, dispute.opened_at)));
	}

	pub fn put_off(&mut self, id: JobId, until: Instant) {
		self.put_off.insert(id, until);
	}

	/// What is to be done about disputes: to end those that are over, to help judges, and to judge where `me` may.
	pub fn court(&self, me: &AccountId, now: ActiveBlock, judge: Option<&Worker>, clock: Instant) -> Option<Next> {
		let ready = |id: &JobId| self.put_off.get(id).is_none_or(|until| *until <= clock);
		let disputes = self.disputes.iter().filter(|(id, _)| ready(id));
		let pairs = disputes.filter_map(|(id, dispute)| Some((*id, dispute, self.live.get(id)?)));
		let mut next = None;
		for (id, dispute, job) in pairs {
			let is_over = now > dispute.reveal_until && dispute.split_at.is_none_or(|split_at| now >= split_at);
			let is_worker = job.status.worker() == Some(me);
			let seated = dispute.seats.iter().any(|seat| seat.judge == *me);
			if is_over && (is_worker || seated || dispute.disputer == *me) {
				return Some(Next::Close(id));
			}
			let is_party = is_worker || job.requester == *me || dispute.disputer == *me;
			let is_time = now > dispute.seed_at && now <= dispute.commit_until;
			let may = judge.is_some_and(|judge| {
				let fits = dispute.claim == Claim::NotAvailable || judge.capability.fits(&job.spec);
				judge.registered_at < dispute.opened_at && fits
			});
			let is_new = !seated && !self.heard.contains(&(id, dispute.opened_at));
			if is_new && is_worker && now <= dispute.commit_until {
				return Some(Next::PublishAgain(id));
			}
			if may && is_time && !is_party && is_new {
				next = next.or(Some(Next::Judge(id)));
			}
		}
		next
	}

	/// What comes next: results to evaluate first, which is short, then what is claimed, then what is due, then what is open, each in the order of the jobs. `able`
	/// is what the worker can train, where its bond covers one more job.
	pub fn next(&self, me: &AccountId, now: ActiveBlock, able: Option<&Capability>, clock: Instant) -> Option<Next> {
		let ready = |id: &JobId| self.put_off.get(id).is_none_or(|until| *until <= clock);
		let tries = |id: &JobId| !self.given_up.contains(id) && ready(id);
		let first = |choose: &dyn Fn(JobId, &Job<AccountId>) -> Option<Next>| {
			self.live.iter().find_map(|(id, job)| choose(*id, job))
		};
		let owed = |id: JobId, job: &Job<AccountId>| owes_evaluation(job, me, now) && !self.given_up.contains(&id);
		let is_owing = self.live.iter().any(|(id, job)| owed(*id, job));
		first(&|id, job| (owed(id, job) && ready(&id)).then_some(Next::Evaluate(id)))
			.or_else(|| {
				first(&|id, job| match &job.status {
					JobStatus::Claimed {
						worker, heartbeat_by, ..
					} if worker == me && now <= *heartbeat_by && tries(&id) => Some(Next::Resume(id)),
					_ => None,
				})
			})
			.or_else(|| {
				first(&|id, job| match &job.status {
					JobStatus::Claimed { heartbeat_by, .. } if now > *heartbeat_by && ready(&id) => {
						Some(Next::Report(id))
					}
					JobStatus::Submitted {
						evaluation: ResultEvaluation::Due { evaluate_by, .. },
						..
					} if now > *evaluate_by && ready(&id) => Some(Next::Report(id)),
					JobStatus::Submitted {
						worker,
						accept_at,
						evaluation: ResultEvaluation::Reported(_),
						..
					} if worker == me && now >= *accept_at && ready(&id) => Some(Next::Accept(id)),
					JobStatus::Paused { worker, until, .. } if worker == me && now >= *until && ready(&id) => {
						Some(Next::Unpause(id))
					}
					JobStatus::Open if self.has_bid(me, id) && now >= seed_of(job) && ready(&id) => {
						Some(Next::Draw(id))
					}
					_ => None,
				})
			})
			.or_else(|| {
				first(&|id, job| match job.status {
					// A training may take longer than an evaluation may wait.
					JobStatus::Open if !is_owing && self.is_for(me, id, now, able) && tries(&id) => {
						Some(Next::Take(id))
					}
					_ => None,
				})
			})
	}

	fn has_bid(&self, me: &AccountId, id: JobId) -> bool {
		self.bids
			.get(&id)
			.is_some_and(|bids| bids.iter().any(|bid| bid.worker == *me))
	}

	/// Whether this worker may and can take an open job, or bid on it.
	fn is_for(&self, me: &AccountId, id: JobId, now: ActiveBlock, able: Option<&Capability>) -> bool {
		let Some(job) = self.live.get(&id) else {
			return false;
		};
		let bidding = now < job.bids_until && !self.has_bid(me, id);
		let left_over = self.bids.get(&id).is_none_or(Vec::is_empty);
		job.requester != *me
			&& now <= job.expires_at
			&& (bidding || left_over)
			&& able.is_some_and(|capability| capability.fits(&job.spec))
	}
}

/// Whether a worker can still report the evaluation of its result.
fn owes_evaluation(job: &Job<AccountId>, me: &AccountId, now: ActiveBlock) -> bool {
	let (JobStatus::Submitted { worker, evaluation, .. } | JobStatus::Disputed { worker, evaluation, .. }) =
		&job.status
	else {
		return false;
	};
	worker == me && evaluation.evaluate_by().is_some_and(|evaluate_by| now <= evaluate_by)
}

/// The block that draws for a job: what is sent once it is the best comes into a later one.
pub fn seed_of<A>(job: &Job<A>) -> ActiveBlock {
	job.bids_until.saturating_add(SEED_DELAY)
}
