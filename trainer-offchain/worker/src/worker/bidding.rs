//! From an open job to one of this worker's: a bid, and the draw.

use super::beat::{stopped, POLL};
use super::error::{Result, WorkerError};
use super::watch::seed_of;
use super::Service;
use chain_client::{calls, Chain, ChainExt, Query, Wait};
use openledger_primitives::{model::JobStatus, JobId};
use std::time::Duration;

/// Pause after a draw that the chain refused: another bidder may have been first.
const PAUSE: Duration = Duration::from_secs(2);

impl<C: Chain> Service<C> {
	/// Gets a job, at once or by the draw; an error where another worker does.
	pub async fn bid(&self, id: JobId) -> Result<()> {
		let outcome = self.chain.submit(&self.signer, calls::bid(id), Wait::InBlock).await?;
		if outcome.find("Models", "JobClaimed").is_none() {
			tracing::info!("job {id}: bid; waiting for the draw");
			tokio::select! {
				drawn = self.drawn(id) => drawn?,
				_ = stopped(&self.stop) => return Err(WorkerError::Stopped),
			}
		}
		tracing::info!("job {id} is claimed");
		Ok(())
	}

	/// Waits until one of the bidders has the job, and calls the draw when it is due.
	async fn drawn(&self, id: JobId) -> Result<()> {
		let me = self.signer.account();
		loop {
			let head = self.chain.head().await?;
			let query = Query::at(&*self.chain, head.hash);
			let job = query.job(id).await?.ok_or(WorkerError::JobMissing(id))?;
			match &job.status {
				JobStatus::Claimed { worker, .. } if worker == me => return Ok(()),
				JobStatus::Open if query.bids(id).await?.iter().any(|bid| bid.worker == *me) => {}
				_ => return Err(WorkerError::Outbid(id)),
			}
			let now = query.active_block().await?;
			if now > job.expires_at {
				return Err(WorkerError::Outbid(id));
			}
			if now >= seed_of(&job) {
				match self.send(calls::draw(id)).await {
					Ok(()) => {}
					Err(WorkerError::Chain(error)) if error.dispatch().is_some() => {
						tracing::debug!("drawing for job {id}: {error}");
						tokio::time::sleep(PAUSE).await;
					}
					Err(error) => return Err(error),
				}
			}
			tokio::time::sleep(POLL).await;
		}
	}
}
