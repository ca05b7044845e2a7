//! Connections: accepted up to a bound, served by hyper, ended in order.
//!
//! Not `axum::serve`, because that sets no time for headers and cannot be told to cut what outlives the grace time.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::Board;
use super::stall::StallGuard;
use crate::tasks::Tasks;

/// Headers of a request, in bytes: what hyper's read buffer may grow to.
const MAX_HEADER_BYTES: usize = 64 * 1024;

/// After an error that is no single client's (no file descriptor left), accepting at once again would spin.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(100);

pub(super) struct Connections {
    pub(super) board: Arc<Board>,
    pub(super) router: Router,
    pub(super) tasks: Tasks,
    /// Ends connections at once.
    pub(super) cut: CancellationToken,
    pub(super) header_timeout: Duration,
    /// One permit for each open connection.
    pub(super) places: Arc<Semaphore>,
}

impl Connections {
    /// Accepts until `shutdown`; the listener is closed on return.
    pub(super) async fn accept_until(&self, listener: TcpListener, shutdown: &CancellationToken) {
        let accepting = async {
            loop {
                let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
                    return;
                };
                match listener.accept().await {
                    Ok((stream, _peer)) => self.spawn(stream, place),
                    Err(error) if is_of_one_client(&error) => {}
                    Err(error) => {
                        tracing::error!(%error, "no connection could be accepted: {error}");
                        tokio::time::sleep(PAUSE_AFTER_ERROR).await;
                    }
                }
            }
        };
        shutdown.run_until_cancelled(accepting).await;
    }

    fn spawn(&self, stream: TcpStream, place: OwnedSemaphorePermit) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let board = Arc::clone(&self.board);
        let io = TokioIo::new(StallGuard::new(stream, self.header_timeout));
        let service = TowerToHyperService::new(self.router.clone());
        let cut = self.cut.clone();
        let header_timeout = self.header_timeout;
        self.tasks
            .spawn("http connection", move |shutdown| async move {
                let _place = place;
                let _open = Open::new(&board);
                let connection = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(header_timeout)
                    .max_buf_size(MAX_HEADER_BYTES)
                    .serve_connection(io, service);
                let mut connection = std::pin::pin!(connection);
                let ended = tokio::select! {
                    ended = connection.as_mut() => ended,
                    () = shutdown.cancelled() => {
                        connection.as_mut().graceful_shutdown();
                        tokio::select! {
                            ended = connection => ended,
                            () = cut.cancelled() => return,
                        }
                    }
                };
                if let Err(error) = ended {
                    // Clients go away and send rubbish: nobody must act.
                    tracing::debug!(%error, "a connection ended early: {error}");
                }
            });
    }
}

fn is_of_one_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

/// The connection is counted as long as this lives.
struct Open<'a>(&'a Board);

impl<'a> Open<'a> {
    fn new(board: &'a Board) -> Self {
        board.metrics.connection_opened();
        Self(board)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.metrics.connection_closed();
    }
}
