//! Groups whose answers are waited for.
//!
//! Mostly there is one: it is polled where it is, and only what flies beside it is kept in a queue that knows who was woken.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, Stream};

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

/// A stream of the groups that arrive.
#[derive(Default)]
pub(super) struct Flights {
    first: Option<Flight>,
    others: Option<FuturesUnordered<Flight>>,
}

impl Flights {
    pub(super) fn push(&mut self, holes: Vec<usize>, answers: BoxFuture<'static, Vec<Answer>>) {
        let flight = Flight { holes, answers };
        match &self.first {
            None => self.first = Some(flight),
            Some(_) => self.others.get_or_insert_default().push(flight),
        }
    }
}

impl Stream for Flights {
    type Item = (Vec<usize>, Vec<Answer>);

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(first) = &mut self.first
            && let Poll::Ready(arrived) = Pin::new(first).poll(context)
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
