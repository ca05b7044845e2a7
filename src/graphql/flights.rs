//! Groups whose answers are waited for.
//!
//! Mostly there is one: it is polled where it is, and only what flies beside it is kept in a queue.
//! Both know who was woken: the task of a connection is woken by much that is no answer, and to go through all that waits for one is dear.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker, ready};

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, Stream};
use futures_util::task::AtomicWaker;

use crate::connect::Answer;

/// The holes of a group in flight, and their answers to come.
struct Flight {
    holes: Vec<usize>,
    answers: BoxFuture<'static, Vec<Answer>>,
}

impl Future for Flight {
    type Output = (Vec<usize>, Vec<Answer>);

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answers = ready!(self.answers.as_mut().poll(context));
        Poll::Ready((std::mem::take(&mut self.holes), answers))
    }
}

/// A flight that is polled only when it was woken.
struct First {
    flight: Flight,
    bell: Arc<Bell>,
    waker: Waker,
}

/// Whether somebody woke a flight, and whom to tell.
struct Bell {
    is_rung: AtomicBool,
    task: AtomicWaker,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_rung.store(true, Ordering::Release);
        self.task.wake();
    }
}

impl First {
    fn new(flight: Flight) -> Self {
        let bell = Arc::new(Bell {
            is_rung: AtomicBool::new(true),
            task: AtomicWaker::new(),
        });
        Self {
            flight,
            waker: Arc::clone(&bell).into(),
            bell,
        }
    }

    fn poll(&mut self, context: &Context<'_>) -> Poll<(Vec<usize>, Vec<Answer>)> {
        // Before it is asked, so that whoever rings behind the question is heard.
        self.bell.task.register(context.waker());
        if !self.bell.is_rung.swap(false, Ordering::AcqRel) {
            return Poll::Pending;
        }
        Pin::new(&mut self.flight).poll(&mut Context::from_waker(&self.waker))
    }
}

/// A stream of the groups that arrive.
#[derive(Default)]
pub(super) struct Flights {
    first: Option<First>,
    others: Option<FuturesUnordered<Flight>>,
}

impl Flights {
    pub(super) fn push(&mut self, holes: Vec<usize>, answers: BoxFuture<'static, Vec<Answer>>) {
        let flight = Flight { holes, answers };
        match &self.first {
            None => self.first = Some(First::new(flight)),
            Some(_) => self.others.get_or_insert_default().push(flight),
        }
    }
}

impl Stream for Flights {
    type Item = (Vec<usize>, Vec<Answer>);

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(first) = &mut self.first
            && let Poll::Ready(arrived) = first.poll(context)
        {
            self.first = None;
            return Poll::Ready(Some(arrived));
        }
        let others = self.others.as_mut();
        match others.map(|others| Pin::new(others).poll_next(context)) {
            // The first is still under way.
            None | Some(Poll::Ready(None)) if self.first.is_some() => Poll::Pending,
            None => Poll::Ready(None),
            Some(polled) => polled,
        }
    }
}
