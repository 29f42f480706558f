use std::{path::Path, time::Duration};

use axum::{
	body::Body,
	extract::{Path as UrlPath, State},
	http::{header, HeaderMap, HeaderValue, StatusCode},
	response::{IntoResponse, Response},
};
use payload_store::{Cid, Opened, PayloadStore, StoreError};

use crate::{app::Shelf, ApiError, Kind};

/// Until the first byte can be sent from the local disk.
const OPEN_DEADLINE: Duration = Duration::from_secs(30);
/// For a whole payload to come from the mirror.
const MIRROR_DEADLINE: Duration = Duration::from_secs(60);

/// `GET /payloads/{cid}`, `GET /artifacts/{cid}`: the bytes, verified block by block as they are sent.
pub(crate) async fn download(
	State(shelf): State<Shelf>,
	UrlPath(cid): UrlPath<String>,
	headers: HeaderMap,
) -> Result<Response, ApiError> {
	let cid = Cid::parse(&cid).map_err(ApiError::invalid_cid)?;
	let here = shelf.store().has(&cid).await?;
	// What is neither here nor in a mirror needs no question to the chain.
	if !here && shelf.app.mirror().is_none() {
		return Err(ApiError::not_found(&cid));
	}
	if !may_give_out(&shelf, &cid, here).await? {
		return Err(if here {
			ApiError::not_announced(&cid)
		} else {
			ApiError::not_found(&cid)
		});
	}
	if !here {
		fetch_from_mirror(&shelf, &cid).await?;
	}
	if is_fresh(&headers, &cid) {
		return Ok((StatusCode::NOT_MODIFIED, caching(&cid)).into_response());
	}
	let Opened { size, bytes } = shelf.store().open(&cid, u64::MAX, OPEN_DEADLINE).await?;
	let about = [
		(
			header::CONTENT_TYPE,
			HeaderValue::from_static("application/octet-stream"),
		),
		(header::CONTENT_LENGTH, HeaderValue::from(size)),
		(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
		// A contributed file is never shown as a page of this host.
		(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment")),
	];
	Ok((about, caching(&cid), Body::from_stream(bytes)).into_response())
}

/// Payloads are secret until an item in a block carries them, so that nobody can contribute what another uploaded;
/// artifacts are not, as the chain learns of them only when they are complete. The mirror is searched for neither
/// unless the chain names it.
async fn may_give_out(shelf: &Shelf, cid: &Cid, here: bool) -> Result<bool, ApiError> {
	match shelf.kind {
		Kind::Artifact if here => Ok(true),
		kind => Ok(shelf.app.announced().is_announced(kind, cid).await?),
	}
}

/// The bytes of a CID never change, so a copy is good for ever.
fn caching(cid: &Cid) -> [(header::HeaderName, HeaderValue); 2] {
	let tag = HeaderValue::from_str(&format!("\"{cid}\"")).expect("a CID is letters and digits");
	let control = HeaderValue::from_static("public, max-age=31536000, immutable");
	[(header::ETAG, tag), (header::CACHE_CONTROL, control)]
}

/// Whether the caller has these bytes already.
fn is_fresh(headers: &HeaderMap, cid: &Cid) -> bool {
	let Some(tags) = headers.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok()) else {
		return false;
	};
	let ours = format!("\"{cid}\"");
	tags.split(',')
		.map(|tag| tag.trim().trim_start_matches("W/"))
		.any(|tag| tag == "*" || tag == ours)
}

/// Takes an announced payload that is not here from the mirror into the local store.
async fn fetch_from_mirror(shelf: &Shelf, cid: &Cid) -> Result<(), ApiError> {
	let Some(mirror) = shelf.app.mirror() else {
		return Err(ApiError::not_found(cid));
	};
	let path = tempfile::Builder::new().make_in(shelf.app.incoming(), |_: &Path| Ok(()));
	let path = path.map_err(ApiError::internal)?.into_temp_path();
	match mirror.get_file(cid, shelf.cap(), MIRROR_DEADLINE, &path).await {
		Ok(_) => {
			shelf.store().put_file(&path).await?;
			Ok(())
		}
		Err(error @ (StoreError::Io { .. } | StoreError::Full { .. })) => Err(error.into()),
		Err(error) => {
			tracing::warn!(%cid, %error, "the mirror does not give an announced payload");
			Err(ApiError::not_found(cid))
		}
	}
}
