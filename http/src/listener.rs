//! A listener with a bounded number of open connections: the ones over it wait in the system's queue.

use std::{
	io,
	net::SocketAddr,
	pin::Pin,
	sync::Arc,
	task::{Context, Poll},
};

use axum::serve::Listener;
use tokio::{
	io::{AsyncRead, AsyncWrite, ReadBuf},
	net::{TcpListener, TcpStream},
	sync::{OwnedSemaphorePermit, Semaphore},
};

/// A TCP listener that gives out so many connections at once.
pub struct Limited {
	listener: TcpListener,
	free: Arc<Semaphore>,
}

/// A connection that gives its place back when it is dropped.
pub struct Connection {
	stream: TcpStream,
	_place: OwnedSemaphorePermit,
}

impl Limited {
	/// Bounds what `listener` accepts.
	pub fn new(listener: TcpListener, connections: usize) -> Self {
		Self {
			listener,
			free: Arc::new(Semaphore::new(connections)),
		}
	}
}

impl Listener for Limited {
	type Io = Connection;
	type Addr = SocketAddr;

	async fn accept(&mut self) -> (Connection, SocketAddr) {
		let place = self
			.free
			.clone()
			.acquire_owned()
			.await
			.expect("the semaphore is never closed");
		let (stream, address) = Listener::accept(&mut self.listener).await;
		(Connection { stream, _place: place }, address)
	}

	fn local_addr(&self) -> io::Result<SocketAddr> {
		self.listener.local_addr()
	}
}

impl AsyncRead for Connection {
	fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
		Pin::new(&mut self.stream).poll_read(cx, buffer)
	}
}

impl AsyncWrite for Connection {
	fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
		Pin::new(&mut self.stream).poll_write(cx, bytes)
	}

	fn poll_write_vectored(
		mut self: Pin<&mut Self>,
		cx: &mut Context<'_>,
		pieces: &[io::IoSlice<'_>],
	) -> Poll<io::Result<usize>> {
		Pin::new(&mut self.stream).poll_write_vectored(cx, pieces)
	}

	fn is_write_vectored(&self) -> bool {
		self.stream.is_write_vectored()
	}

	fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
		Pin::new(&mut self.stream).poll_flush(cx)
	}

	fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
		Pin::new(&mut self.stream).poll_shutdown(cx)
	}
}
