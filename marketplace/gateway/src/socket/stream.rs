//! The connection of one browser, which this gateway can cut at any time.
//!
//! A peer that reads nothing blocks whoever writes to it, for hours; Socket.IO's own way to end a connection is to write
//! that it ends.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::connection::Connection;

/// A stream that fails as soon as it is cut, and counts as one connection until it is dropped.
#[derive(Debug)]
pub(super) struct Cuttable<S> {
    inner: S,
    connection: Connection,
    // One for each direction: they are polled by different tasks, and each must be woken.
    reading: Pin<Box<WaitForCancellationFutureOwned>>,
    writing: Pin<Box<WaitForCancellationFutureOwned>>,
    _permit: OwnedSemaphorePermit,
}

impl<S> Cuttable<S> {
    /// `inner`, until `connection` is cut; dropped, it cuts it.
    pub(super) fn new(inner: S, connection: Connection, permit: OwnedSemaphorePermit) -> Self {
        let wait = || Box::pin(connection.token().cancelled_owned());
        Self { inner, reading: wait(), writing: wait(), connection, _permit: permit }
    }

    fn is_cut(&mut self, direction: Direction, cx: &mut Context<'_>) -> bool {
        let waiting = match direction {
            Direction::Reading => &mut self.reading,
            Direction::Writing => &mut self.writing,
        };
        self.connection.is_cut() || waiting.as_mut().poll(cx).is_ready()
    }
}

#[derive(Clone, Copy)]
enum Direction {
    Reading,
    Writing,
}

impl<S> Drop for Cuttable<S> {
    fn drop(&mut self) {
        self.connection.cut();
    }
}

fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "connection cut by this gateway")
}

impl<S: AsyncRead + Unpin> AsyncRead for Cuttable<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.is_cut(Direction::Reading, cx) {
            return Poll::Ready(Err(cut()));
        }
        let read = Pin::new(&mut self.inner).poll_read(cx, buf);
        if read.is_ready() {
            self.connection.hear();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Cuttable<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_cut(Direction::Writing, cx) {
            return Poll::Ready(Err(cut()));
        }
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_cut(Direction::Writing, cx) {
            return Poll::Ready(Err(cut()));
        }
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_cut(Direction::Writing, cx) {
            return Poll::Ready(Err(cut()));
        }
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn cut_wakes_whoever_reads_and_whoever_writes() {
        let places = Arc::new(Semaphore::new(1));
        let (near, _far) = tokio::io::duplex(16);
        let connection = Connection::new();
        let permit = Arc::clone(&places).try_acquire_owned().unwrap();
        let (mut reading, mut writing) = tokio::io::split(Cuttable::new(near, connection.clone(), permit));
        let reader = tokio::spawn(async move { reading.read_u8().await });
        let writer = tokio::spawn(async move { writing.write_all(&[0; 1024]).await });
        connection.cut();
        let both = async { (reader.await.unwrap().unwrap_err(), writer.await.unwrap().unwrap_err()) };
        let (read, wrote) = tokio::time::timeout(Duration::from_secs(5), both).await.unwrap();
        assert_eq!([read.kind(), wrote.kind()], [io::ErrorKind::ConnectionAborted; 2]);
        assert_eq!(places.available_permits(), 1, "the place is free again");
    }
}
