//! Fetching a file and judging it.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use chain_client::{AccountId, Chain, Query};
use openledger_primitives::{
	item::Vote,
	vote::{Ballot, Reason, Verdict, MAX_SCORE},
	ItemId, RoundIndex,
};
use payload_store::{PayloadStore, StoreError};

use crate::{
	checks::{self, Claim},
	units,
};

/// How long one attempt at a file may take.
const FETCH: Duration = Duration::from_secs(10);

/// What came of an attempt to judge an item.
#[derive(Clone, Debug)]
pub enum Assessment {
	/// The bytes were there; `None`: only a person can judge them.
	Judged { verdict: Option<Verdict>, units: u32 },
	/// The store answers, and the content itself is missing or wrong.
	Unavailable(String),
	/// The store or its gateway is at fault: that says nothing about the item.
	Unknown(String),
}

/// Fetches the item's file from `store` and judges it.
pub async fn assess<C: Chain + ?Sized>(chain: &C, store: &Arc<dyn PayloadStore>, id: ItemId) -> Result<Assessment> {
	let query = Query::new(chain);
	let item = query
		.item(id)
		.await?
		.with_context(|| format!("the chain has no item {id}"))?;
	let possession = item
		.possession
		.with_context(|| format!("item {id} is decided: there is nothing to judge"))?;
	let content = query.content(&item.payload.sha256).await?;
	let datanet = query
		.datanet(item.datanet)
		.await?
		.with_context(|| format!("the chain has no Datanet {}", item.datanet))?;
	let bytes = match store.get(&item.payload.cid(), item.payload.size.into(), FETCH).await {
		Ok(bytes) => bytes,
		Err(error) => return Ok(missing(error)),
	};
	let accepted_before = content.accepted.is_some_and(|accepted| accepted != id);
	// Hashing and compressing 10 MB takes a while: not on the thread that talks to the node.
	let judged = tokio::task::spawn_blocking(move || {
		let claim = Claim {
			payload: &item.payload,
			account: item.contributor.as_ref(),
			possession: &possession,
			modality: datanet.modality,
			accepted_before,
		};
		let units = units::units(item.payload.format, &bytes);
		Assessment::Judged {
			verdict: checks::judge(&claim, &bytes),
			units,
		}
	});
	Ok(judged.await?)
}

/// What a store's failure says about the item. Only errors about the content count against it: a gateway that is busy,
/// slow or broken must not make validators reject what others can fetch.
fn missing(error: StoreError) -> Assessment {
	match error {
		StoreError::NotFound { .. }
		| StoreError::NotAnnounced { .. }
		| StoreError::TooLarge { .. }
		| StoreError::WrongBytes { .. } => Assessment::Unavailable(error.to_string()),
		error => Assessment::Unknown(error.to_string()),
	}
}

/// The verdict that `vote` committed to: whatever was decided then, by this program or by a person, is found again by
/// trying every verdict there could have been. `units` are those of the item's file, if it could be fetched.
pub fn recover(ballot: &Ballot<'_, AccountId>, secret: &[u8; 32], vote: &Vote, units: Option<u32>) -> Option<Verdict> {
	let salt = ballot.salt(secret);
	let rejections = Reason::ALL.into_iter().map(|reason| Verdict::Reject { reason });
	let acceptances = units
		.into_iter()
		.flat_map(|units| (0..=MAX_SCORE).map(move |score| Verdict::Accept { score, units }));
	rejections
		.chain(acceptances)
		.find(|verdict| ballot.commitment(verdict, &salt) == vote.commitment)
}

/// What a vote of `me` is cast in.
pub fn ballot(genesis: [u8; 32], item: ItemId, round: RoundIndex, me: &AccountId) -> Ballot<'_, AccountId> {
	Ballot {
		genesis,
		item,
		round,
		voter: me,
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn only_missing_or_wrong_content_should_count_against_an_item() {
		let cid = payload_store::import(b"text").cid;
		let content = [
			StoreError::NotFound { cid },
			StoreError::NotAnnounced { cid },
			StoreError::TooLarge { cid, cap: 1 },
			StoreError::WrongBytes {
				expected: cid,
				got: cid,
			},
		];
		for error in content {
			assert!(matches!(missing(error), Assessment::Unavailable(_)));
		}
		let refused = |code: &str| StoreError::Refused {
			url: String::new(),
			code: code.into(),
			message: String::new(),
		};
		let gateway = [
			refused("chain_unavailable"),
			refused("busy"),
			refused("internal"),
			refused("damaged"),
			StoreError::Deadline {
				operation: "download",
				deadline: FETCH,
			},
			StoreError::Unreachable {
				url: String::new(),
				reason: String::new(),
			},
			StoreError::Corrupt { cid, block: cid },
			StoreError::Full { path: "x".into() },
			StoreError::Locked { path: "x".into() },
			StoreError::Stopped,
		];
		for error in gateway {
			assert!(matches!(missing(error), Assessment::Unknown(_)));
		}
	}

	#[test]
	fn every_vote_should_be_found_again_from_the_key_alone() {
		let (me, secret) = (AccountId::new([3; 32]), [9; 32]);
		let ballot = ballot([1; 32], 7, 1, &me);
		let committed = |verdict: Verdict| Vote {
			commitment: ballot.commitment(&verdict, &ballot.salt(&secret)),
			weight: 1,
			verdict: None,
		};
		let reject = Verdict::Reject {
			reason: Reason::OffTopic,
		};
		let accept = Verdict::Accept { score: 73, units: 812 };
		assert_eq!(recover(&ballot, &secret, &committed(reject), None), Some(reject));
		assert_eq!(recover(&ballot, &secret, &committed(accept), Some(812)), Some(accept));
		assert_eq!(recover(&ballot, &secret, &committed(accept), None), None);
		assert_eq!(
			recover(&ballot, &[8; 32], &committed(reject), None),
			None,
			"another key's vote"
		);
	}
}
