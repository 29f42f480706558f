//! Bytes that come from somewhere else: read up to a cap, hashed on the way, given out only when their CID is the one
//! that was asked for.

use std::{convert::Infallible, io, path::Path, pin::pin};

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};
use openledger_primitives::payload::Cid;
use tokio::io::{AsyncSeekExt, AsyncWriteExt};

use crate::{Importer, Result, StoreError, Stored};

struct Check {
	importer: Importer,
	expected: Cid,
	cap: u64,
}

impl Check {
	fn new(expected: &Cid, cap: u64) -> Self {
		Self {
			importer: Importer::default(),
			expected: *expected,
			cap,
		}
	}

	fn push(&mut self, piece: &[u8]) -> Result<()> {
		if self.importer.size() + piece.len() as u64 > self.cap {
			return Err(StoreError::TooLarge {
				cid: self.expected,
				cap: self.cap,
			});
		}
		let Ok(()) = self.importer.push(piece, &mut |_| Ok::<(), Infallible>(()));
		Ok(())
	}

	fn finish(self) -> Result<Stored> {
		let Ok(stored) = self.importer.finish(&mut |_| Ok::<(), Infallible>(()));
		if stored.cid != self.expected {
			return Err(StoreError::WrongBytes {
				expected: self.expected,
				got: stored.cid,
			});
		}
		Ok(stored)
	}
}

/// Receives into memory.
pub(crate) async fn to_bytes(stream: impl Stream<Item = Result<Bytes>>, cid: &Cid, cap: u64) -> Result<Bytes> {
	let mut check = Check::new(cid, cap);
	let mut all = BytesMut::new();
	let mut stream = pin!(stream);
	while let Some(piece) = stream.next().await {
		let piece = piece?;
		check.push(&piece)?;
		all.extend_from_slice(&piece);
	}
	check.finish()?;
	Ok(all.freeze())
}

/// Receives into a file without a name, rewound to its beginning.
pub(crate) async fn to_unnamed_file(
	stream: impl Stream<Item = Result<Bytes>>,
	cid: &Cid,
	cap: u64,
) -> Result<(Stored, tokio::fs::File)> {
	let failed = |source: io::Error| StoreError::io(std::env::temp_dir(), source);
	let mut file = tokio::fs::File::from_std(tempfile::tempfile().map_err(failed)?);
	let stored = write(stream, cid, cap, &mut file, failed).await?;
	file.rewind().await.map_err(failed)?;
	Ok((stored, file))
}

/// Receives into `to`: written beside it under another name, flushed to disk, renamed.
pub(crate) async fn to_file(
	stream: impl Stream<Item = Result<Bytes>>,
	cid: &Cid,
	cap: u64,
	to: &Path,
) -> Result<Stored> {
	let failed = |source: io::Error| StoreError::io(to, source);
	let folder = to
		.parent()
		.filter(|folder| !folder.as_os_str().is_empty())
		.unwrap_or(Path::new("."));
	let (file, path) = tempfile::NamedTempFile::new_in(folder).map_err(failed)?.into_parts();
	let mut file = tokio::fs::File::from_std(file);
	let stored = write(stream, cid, cap, &mut file, failed).await?;
	file.sync_all().await.map_err(failed)?;
	path.persist(to).map_err(|error| failed(error.error))?;
	Ok(stored)
}

async fn write(
	stream: impl Stream<Item = Result<Bytes>>,
	cid: &Cid,
	cap: u64,
	file: &mut tokio::fs::File,
	failed: impl Fn(io::Error) -> StoreError,
) -> Result<Stored> {
	let mut check = Check::new(cid, cap);
	let mut stream = pin!(stream);
	while let Some(piece) = stream.next().await {
		let piece = piece?;
		check.push(&piece)?;
		file.write_all(&piece).await.map_err(&failed)?;
	}
	file.flush().await.map_err(&failed)?;
	check.finish()
}
