//! The connections to one scheme, host and port: those that wait for a request, and how a new one is made.
//!
//! A connection of HTTP/1 is driven by whoever asks over it, in the same task: an answer wakes the one who waits for it and nobody between.
//! While nobody asks it is driven by nobody; one that was closed meanwhile is noticed by the next to take it, and the others are closed soon by a task that lives as long as there are any.
//! A connection of HTTP/2 carries all requests, and a task of its own drives it.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body as _, Frame, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::header::{HOST, HeaderValue, PROXY_AUTHORIZATION};
use hyper::{Request, Response, Uri};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use parking_lot::Mutex;
use tokio::task::coop::unconstrained;
use tokio::time::Instant;
use url::Url;

use super::dial::{Dialer, Place, Way};
use super::exchange::kind_of;
use super::failure::{Kind, Refusal, Why};
use super::wire::Wire;

/// What is sent: all of it is at hand.
pub(super) type Sent = Request<Full<Bytes>>;

/// Connections that go out by the same rules.
pub(super) struct Pool {
    dialer: Arc<Dialer>,
    origins: Mutex<HashMap<Box<str>, Weak<Origin>>>,
}

/// One scheme, host and port.
pub(super) struct Origin {
    dialer: Arc<Dialer>,
    place: Place,
    way: Way,
    /// What stands before the path where all of the URL is said.
    prefix: String,
    host: HeaderValue,
    waiting: Mutex<Waiting>,
    /// Whether the last connection carries many requests; then one is made at a time.
    is_multiplexed: AtomicBool,
    /// Held by who makes a connection that may be everyone's.
    dialing: tokio::sync::Mutex<()>,
}

/// Connections that wait for a request.
#[derive(Default)]
struct Waiting {
    /// The one used last is the last.
    #[expect(
        clippy::vec_box,
        reason = "they go to who asks and come back, and are large"
    )]
    single: Vec<Box<Single>>,
    many: Option<Many>,
    /// Whether a task closes them in time.
    is_watched: bool,
}

/// A connection of HTTP/1.
struct Single {
    sender: http1::SendRequest<Full<Bytes>>,
    driven: Driven,
    since: Instant,
}

/// What has to be polled so that anything comes or goes; `None` once it is over.
///
/// It is let go at once then, as that is what tells a request that still waits in it.
struct Driven(Option<http1::Connection<TokioIo<Wire>, Full<Bytes>>>);

/// A connection of HTTP/2.
#[derive(Clone)]
struct Many {
    sender: http2::SendRequest<Full<Bytes>>,
    made: Instant,
    since: Instant,
}

enum Connection {
    Single(Box<Single>),
    Many(Many),
}

/// A request under way: its answer's head, and its body as it comes.
pub(super) struct Answering {
    origin: Arc<Origin>,
    single: Option<Box<Single>>,
    pub(super) response: Response<Incoming>,
}

/// Shorter than what common servers keep a connection for, so that few are used just as they are closed.
const IDLE: Duration = Duration::from_secs(30);
const MOST_IDLE: usize = 64;
/// A connection of everyone is asked so often whether it is still there, and believed dead after as long again.
const PING: Duration = Duration::from_secs(10);

impl Pool {
    pub(super) fn new(dialer: Dialer) -> Self {
        Self {
            dialer: Arc::new(dialer),
            origins: Mutex::default(),
        }
    }

    /// Where a URL leads: the same for all who ask there.
    pub(super) fn origin(&self, url: &Url) -> Result<Arc<Origin>, Kind> {
        let place = Place::of(url).ok_or(Kind::Refused(Refusal::Path))?;
        let prefix = place.origin();
        let host = HeaderValue::try_from(place.authority());
        let host = host.map_err(|_unfit| Kind::Refused(Refusal::Path))?;
        let mut known = self.origins.lock();
        let key = prefix.as_str().into();
        Ok(super::shared(&mut known, key, || Origin {
            way: self.dialer.way(&place),
            dialer: Arc::clone(&self.dialer),
            is_multiplexed: AtomicBool::new(place.is_secure),
            place,
            prefix,
            host,
            waiting: Mutex::default(),
            dialing: tokio::sync::Mutex::default(),
        }))
    }
}

impl Origin {
    /// Sends a request for `target`, a path with or without a query, and waits for the head of its answer.
    ///
    /// A connection that was closed before anything of the request went over it is not the request's fault: another one is taken.
    pub(super) async fn send(
        self: &Arc<Self>,
        mut request: Sent,
        target: String,
    ) -> Result<Answering, Kind> {
        self.address(&mut request, target)?;
        loop {
            let (connection, is_new) = match self.take() {
                Some(connection) => (connection, false),
                None => (Box::pin(self.connect()).await?, true),
            };
            let (single, sent) = match connection {
                Connection::Single(mut single) => {
                    let sent = single.send(request).await;
                    (Some(single), sent)
                }
                Connection::Many(many) => (None, Box::pin(self.send_beside(many, request)).await),
            };
            match sent {
                Ok(response) => {
                    return Ok(Answering {
                        origin: Arc::clone(self),
                        single,
                        response,
                    });
                }
                Err(Unsent::Request(back)) if !is_new => request = *back,
                Err(Unsent::Request(_)) => return Err(Kind::Unavailable(Why::Broken)),
                Err(Unsent::Failed(kind)) => return Err(kind),
            }
        }
    }

    /// What is said of the place in a request, by the way that it goes.
    fn address(&self, request: &mut Sent, target: String) -> Result<(), Kind> {
        let unfit = |_unfit| Kind::Refused(Refusal::Path);
        let target = match &self.way {
            Way::Forward(_) => [&*self.prefix, &target].concat(),
            Way::Direct | Way::Tunnel(_) => target,
        };
        *request.uri_mut() = Uri::from_maybe_shared(Bytes::from(target)).map_err(unfit)?;
        let headers = request.headers_mut();
        headers.insert(HOST, self.host.clone());
        if let Way::Forward(proxy) = &self.way
            && let Some(auth) = proxy.basic_auth()
        {
            headers.insert(PROXY_AUTHORIZATION, auth.clone());
        }
        Ok(())
    }

    /// Over a connection that others use as well: there, the URL says all that `Host` does.
    async fn send_beside(
        &self,
        mut many: Many,
        mut request: Sent,
    ) -> Result<Response<Incoming>, Unsent> {
        let target = [
            &*self.prefix,
            request.uri().path_and_query().map_or("/", |it| it.as_str()),
        ];
        let uri = Uri::from_maybe_shared(Bytes::from(target.concat()));
        let unfit = |_unfit| Unsent::Failed(Kind::Refused(Refusal::Path));
        *request.uri_mut() = uri.map_err(unfit)?;
        request.headers_mut().remove(HOST);
        let sent = many.sender.try_send_request(request).await;
        sent.map_err(|mut error| {
            let closed = error.take_message();
            if closed.is_some() {
                self.forget(&many);
            }
            match closed {
                Some(back) => Unsent::Request(Box::new(back)),
                None => Unsent::Failed(kind_of(error.error(), Why::Broken)),
            }
        })
    }

    fn forget(&self, gone: &Many) {
        let many = &mut self.waiting.lock().many;
        many.take_if(|many| many.made == gone.made);
    }

    /// A connection that is there, the one used last first.
    fn take(&self) -> Option<Connection> {
        let mut waiting = self.waiting.lock();
        if let Some(many) = &mut waiting.many {
            if !many.sender.is_closed() {
                many.since = Instant::now();
                return Some(Connection::Many(many.clone()));
            }
            waiting.many = None;
        }
        waiting.single.pop().map(Connection::Single)
    }

    async fn connect(self: &Arc<Self>) -> Result<Connection, Kind> {
        if !self.is_multiplexed.load(Ordering::Relaxed) {
            return self.dial().await;
        }
        // Until it is known that each request needs a connection of its own, who comes together waits for the first one's.
        let dialing = self.dialing.lock().await;
        if let Some(there) = self.take() {
            return Ok(there);
        }
        if !self.is_multiplexed.load(Ordering::Relaxed) {
            drop(dialing);
        }
        self.dial().await
    }

    async fn dial(self: &Arc<Self>) -> Result<Connection, Kind> {
        let wire = self.dialer.dial(&self.place, &self.way).await?;
        let is_multiplexed = wire.is_multiplexed();
        self.is_multiplexed.store(is_multiplexed, Ordering::Relaxed);
        let wire = TokioIo::new(wire);
        let broken = |error: hyper::Error| kind_of(&error, Why::Connect);
        if !is_multiplexed {
            let (sender, connection) = http1::handshake(wire).await.map_err(broken)?;
            return Ok(Connection::Single(Box::new(Single {
                sender,
                driven: Driven(Some(connection)),
                since: Instant::now(),
            })));
        }
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(PING)
            .keep_alive_timeout(PING)
            .handshake(wire)
            .await
            .map_err(broken)?;
        behind(async move {
            // Whoever waits for an answer hears of it.
            drop(connection.await);
        });
        let now = Instant::now();
        let many = Many {
            sender,
            made: now,
            since: now,
        };
        let mut waiting = self.waiting.lock();
        waiting.many = Some(many.clone());
        self.watch(&mut waiting);
        Ok(Connection::Many(many))
    }

    /// Keeps a connection for the next request.
    fn put_back(self: &Arc<Self>, mut single: Box<Single>) {
        single.since = Instant::now();
        let mut waiting = self.waiting.lock();
        if waiting.single.len() < MOST_IDLE {
            waiting.single.push(single);
            self.watch(&mut waiting);
        }
    }

    fn watch(self: &Arc<Self>, waiting: &mut Waiting) {
        if std::mem::replace(&mut waiting.is_watched, true) {
            return;
        }
        let origin = Arc::clone(self);
        behind(async move {
            loop {
                tokio::time::sleep(IDLE).await;
                if origin.close_idle() {
                    return;
                }
            }
        });
    }

    /// Closes what nobody has used for long; whether that was all.
    fn close_idle(&self) -> bool {
        let now = Instant::now();
        let mut waiting = self.waiting.lock();
        waiting.single.retain(|single| now < single.since + IDLE);
        waiting.many.take_if(|many| many.since + IDLE <= now);
        let is_all = waiting.single.is_empty() && waiting.many.is_none();
        waiting.is_watched = !is_all;
        is_all
    }
}

/// Why there is no answer.
enum Unsent {
    /// Nothing of it was sent.
    Request(Box<Sent>),
    Failed(Kind),
}

impl Driven {
    fn drive(&mut self, cx: &mut Context<'_>) {
        if let Some(connection) = &mut self.0
            && Pin::new(connection).poll(cx).is_ready()
        {
            // What went wrong is told to the request.
            self.0 = None;
        }
    }
}

impl Single {
    async fn send(&mut self, request: Sent) -> Result<Response<Incoming>, Unsent> {
        // A task that has done much is told to come again later: by a wake, which would be unheard here.
        let mut answer = pin!(unconstrained(self.sender.try_send_request(request)));
        let driven = &mut self.driven;
        let sent = poll_fn(|cx| {
            driven.drive(cx);
            // It only comes while the connection is driven, which was done.
            answer.as_mut().poll(&mut unheard())
        });
        sent.await.map_err(|mut error| match error.take_message() {
            Some(back) => Unsent::Request(Box::new(back)),
            None => Unsent::Failed(kind_of(error.error(), Why::Broken)),
        })
    }

    fn poll_frame(
        &mut self,
        body: &mut Incoming,
        cx: &mut Context<'_>,
    ) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        // A short body has come with the head.
        if let Poll::Ready(frame) = Pin::new(&mut *body).poll_frame(&mut unheard()) {
            return Poll::Ready(frame);
        }
        self.driven.drive(cx);
        Pin::new(body).poll_frame(&mut unheard())
    }

    /// Whether another request can go over it. Who asked last is woken by it no more.
    fn is_ready(&mut self) -> bool {
        self.driven.drive(&mut unheard());
        self.driven.0.is_some() && self.sender.is_ready()
    }
}

impl Answering {
    /// The next piece of the body; `None` is its end.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, Kind> {
        loop {
            let body = self.response.body_mut();
            if body.is_end_stream() {
                return Ok(None);
            }
            let frame = match &mut self.single {
                Some(single) => poll_fn(|cx| single.poll_frame(body, cx)).await,
                None => poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await,
            };
            match frame {
                None => return Ok(None),
                Some(Err(error)) => return Err(kind_of(&error, Why::Broken)),
                Some(Ok(frame)) => {
                    // What is no data are trailers.
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
            }
        }
    }

    /// All of the body was read: its connection can be used again.
    pub(super) fn end(self) {
        let Some(mut single) = self.single else {
            return;
        };
        drop(self.response);
        if single.is_ready() {
            self.origin.put_back(single);
        }
    }
}

/// What is woken with this hears nothing.
fn unheard() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

#[expect(
    clippy::disallowed_methods,
    reason = "it ends with its connections, which nobody has to wait for"
)]
fn behind(work: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(work);
}
