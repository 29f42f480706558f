use std::{io, time::Duration};

use axum::{
	body::{Body, BodyDataStream},
	extract::{Query, State},
	http::{header, HeaderMap},
	Json,
};
use bytes::Bytes;
use futures::StreamExt;
use openledger_primitives::format::Format;
use payload_store::{PayloadStore, Stored};
use serde::Deserialize;
use tempfile::{NamedTempFile, TempPath};
use tokio::{
	fs::File,
	io::AsyncWriteExt,
	time::{timeout, timeout_at, Instant},
};

use crate::{app::Shelf, ApiError};

/// The disk is looked at again after this many bytes of an upload.
const DISK_CHECK_BYTES: u64 = 16 << 20;
/// How long the rest of a refused upload is read, so that its sender sees the answer instead of a broken connection.
const DRAIN: Duration = Duration::from_secs(2);

#[derive(Deserialize)]
pub(crate) struct Options {
	/// What the file claims to be, as an extension; bytes that contradict it are refused.
	format: Option<String>,
}

/// `POST /payloads?format=md`, `POST /artifacts`: stores the body and answers with its CID, sha2-256 and size.
pub(crate) async fn upload(
	State(shelf): State<Shelf>,
	Query(options): Query<Options>,
	headers: HeaderMap,
	body: Body,
) -> Result<Json<Stored>, ApiError> {
	let mut body = body.into_data_stream();
	let received = receive(&shelf, options, &headers, &mut body).await;
	if received.is_err() {
		drain(&mut body, shelf.cap()).await;
	}
	received.map(Json)
}

async fn receive(
	shelf: &Shelf,
	options: Options,
	headers: &HeaderMap,
	body: &mut BodyDataStream,
) -> Result<Stored, ApiError> {
	let _slot = shelf.app.uploads().try_acquire().map_err(|_| ApiError::busy())?;
	let format = options
		.format
		.map(|name| Format::from_extension(&name).ok_or(ApiError::unknown_format(&name)));
	let format = format.transpose()?;
	let announced = headers
		.get(header::CONTENT_LENGTH)
		.and_then(|length| length.to_str().ok()?.parse().ok());
	if announced.is_some_and(|length: u64| length > shelf.cap()) {
		return Err(ApiError::too_large(shelf.cap()));
	}
	// Its bytes lie on the disk twice for a moment: as they came, and as blocks.
	check_disk(shelf, 2 * announced.unwrap_or(0))?;
	let path = write(shelf, body).await?;
	if let Some(format) = format {
		check_format(format, &path).await?;
	}
	Ok(shelf.store().put_file(&path).await?)
}

/// Writes the body to a file that is gone when the path is dropped: an upload that breaks off leaves nothing.
async fn write(shelf: &Shelf, body: &mut BodyDataStream) -> Result<TempPath, ApiError> {
	let (file, path) = NamedTempFile::new_in(shelf.app.incoming())
		.map_err(disk_error)?
		.into_parts();
	let mut file = File::from_std(file);
	let (mut size, mut checked) = (0, 0);
	while let Some(piece) = next(shelf, body).await? {
		size += piece.len() as u64;
		if size > shelf.cap() {
			return Err(ApiError::too_large(shelf.cap()));
		}
		if size - checked > DISK_CHECK_BYTES {
			checked = size;
			check_disk(shelf, size)?;
		}
		file.write_all(&piece).await.map_err(disk_error)?;
	}
	file.flush().await.map_err(disk_error)?;
	Ok(path)
}

async fn next(shelf: &Shelf, body: &mut BodyDataStream) -> Result<Option<Bytes>, ApiError> {
	let pause = shelf.app.limits().upload_pause;
	match timeout(pause, body.next()).await {
		Ok(Some(Ok(piece))) => Ok(Some(piece)),
		Ok(Some(Err(_))) => Err(ApiError::broken_upload()),
		Ok(None) => Ok(None),
		Err(_) => Err(ApiError::slow_upload(pause.as_secs())),
	}
}

fn check_disk(shelf: &Shelf, needed: u64) -> Result<(), ApiError> {
	let limit = shelf.app.limits().reserve_bytes.saturating_add(needed);
	if shelf.store().free_bytes()? < limit {
		return Err(ApiError::disk_full());
	}
	Ok(())
}

async fn check_format(format: Format, path: &std::path::Path) -> Result<(), ApiError> {
	// At most the cap of a payload; larger artifacts have no format, and what begins a file decides about most.
	let bytes = tokio::fs::read(path).await.map_err(disk_error)?;
	if !format.matches(&bytes) {
		return Err(ApiError::wrong_format(format.extension()));
	}
	Ok(())
}

fn disk_error(error: io::Error) -> ApiError {
	match error.kind() {
		io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ApiError::disk_full(),
		_ => ApiError::internal(error),
	}
}

/// Reads on, up to `limit` bytes and for a moment, and forgets what it reads.
async fn drain(body: &mut BodyDataStream, limit: u64) {
	let end = Instant::now() + DRAIN;
	let mut drained = 0;
	while let Ok(Some(Ok(piece))) = timeout_at(end, body.next()).await {
		drained += piece.len() as u64;
		if drained > limit {
			return;
		}
	}
}
