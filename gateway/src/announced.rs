use async_trait::async_trait;
use openledger_primitives::model::Artifact;
use payload_store::Cid;

use crate::Kind;

/// The node gave no answer, or one that cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct ChainUnavailable(pub String);

/// What the gateway asks the chain.
#[async_trait]
pub trait Announced: Send + Sync {
	/// Whether something in the best chain carries this CID: for a payload an item, for an artifact a base model or the
	/// result of a job. Once true it stays true, so that pruning an item does not hide what was public.
	async fn is_announced(&self, kind: Kind, cid: &Cid) -> Result<bool, ChainUnavailable>;

	/// The manifests of results that wait to be accepted, disputed ones among them.
	async fn waiting(&self) -> Result<Vec<Artifact>, ChainUnavailable>;

	/// The number of the best block.
	async fn head(&self) -> Result<u32, ChainUnavailable>;
}
