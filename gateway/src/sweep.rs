//! What happens to an upload later: announced, it is mirrored; not announced in time, it is removed, but for the checkpoints
//! of results that wait to be accepted.

use std::{
	collections::HashSet,
	path::Path,
	time::{Duration, SystemTime},
};

use payload_store::{Cid, PayloadStore, Pinned, StoreError};

use crate::{checkpoints, App, ChainUnavailable, Kind};

/// For one artifact to be copied from block to file.
const COPY_DEADLINE: Duration = Duration::from_secs(5 * 60);

/// What one sweep did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Swept {
	pub removed: u32,
	pub mirrored: u32,
}

/// Why a sweep stopped.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
	/// Without the chain nothing is known to be unannounced, so nothing is removed.
	#[error("the node cannot be asked: {0}")]
	Chain(#[from] ChainUnavailable),
	#[error(transparent)]
	Store(#[from] StoreError),
}

pub(crate) async fn for_ever(app: App) {
	let mut settled = HashSet::new();
	loop {
		tokio::time::sleep(app.limits().sweep_every).await;
		match sweep(&app, SystemTime::now(), &mut settled).await {
			Ok(swept) if swept != Swept::default() => tracing::info!(?swept, "swept"),
			Ok(_) => {}
			Err(error) => tracing::warn!(%error, "a sweep stopped; the next one goes on"),
		}
	}
}

/// Looks once at everything that is not `settled` yet, and adds what needs no further look.
pub async fn sweep(app: &App, now: SystemTime, settled: &mut HashSet<(Kind, Cid)>) -> Result<Swept, SweepError> {
	let mut swept = Swept::default();
	// Asked for once something would be removed.
	let mut waiting = None;
	for kind in [Kind::Payload, Kind::Artifact] {
		for pinned in app.store(kind).pinned() {
			let cid = pinned.stored.cid;
			if settled.contains(&(kind, cid)) {
				continue;
			}
			if app.announced().is_announced(kind, &cid).await? {
				if app.mirror().is_some() {
					match mirror(app, kind, &cid).await {
						Ok(()) => swept.mirrored += 1,
						Err(error) => {
							tracing::warn!(%cid, %error, "not mirrored; tried again at the next sweep");
							continue;
						}
					}
				}
				settled.insert((kind, cid));
			} else if is_overdue(app, kind, &pinned, now) {
				if kind == Kind::Artifact {
					let needed = match &mut waiting {
						Some(needed) => needed,
						none => none.insert(checkpoints::needed(app).await?),
					};
					if needed.contains(&cid) {
						continue;
					}
				}
				app.store(kind).unpin(&cid).await?;
				swept.removed += 1;
			}
		}
	}
	Ok(swept)
}

fn is_overdue(app: &App, kind: Kind, pinned: &Pinned, now: SystemTime) -> bool {
	now.duration_since(pinned.since)
		.is_ok_and(|age| age >= app.limits().ttl(kind))
}

/// Copies an announced payload to the mirror, unless it is there.
async fn mirror(app: &App, kind: Kind, cid: &Cid) -> Result<(), StoreError> {
	let Some(mirror) = app.mirror() else { return Ok(()) };
	if mirror.has(cid).await? {
		return mirror.pin(cid).await;
	}
	let path = tempfile::Builder::new().make_in(app.incoming(), |_: &Path| Ok(()));
	let path = path
		.map_err(|source| StoreError::Io {
			path: app.incoming().to_owned(),
			source,
		})?
		.into_temp_path();
	let local = app.store(kind);
	local.get_file(cid, u64::MAX, COPY_DEADLINE, &path).await?;
	mirror.put_file(&path).await.map(|_| ())
}
