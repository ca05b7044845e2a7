//! A simulated graph of an upstream: which tree is meant by a root field, and what it is now.

use std::cmp::Reverse;

use serde_json::{Map, Value};

use super::{Answered, Upstream, within};
use crate::connect::example::Reply;
use crate::sdl::Method;
use crate::simulate::graph::{self, Query};
use crate::simulate::request::{Received, weight};
use crate::simulate::written::{Words, Written};

impl Upstream {
    /// A request to a graph, if there are trees of one.
    pub(super) fn query(&self, request: &Received) -> Option<Result<Query, String>> {
        match request.method == Method::Post && !self.trees.is_empty() {
            true => Query::read(&request.json, &self.totals),
            false => None,
        }
    }

    pub(super) fn answer_query(
        &self,
        request: &Received,
        query: Result<Query, String>,
        leaf: Option<usize>,
    ) -> Answered {
        let query = match query {
            Ok(query) => query,
            Err(message) => {
                let body = serde_json::json!({ "errors": [{ "message": message }] });
                return Answered::json(200, &body);
            }
        };
        let (mut body, replies) = query.answer(|field, arguments| {
            // A graph has one root for what is read, and another for what is done.
            if self.writes.iter().any(|write| **write == *field) != query.is_mutation() {
                return None;
            }
            let meant = self.trees.iter().filter_map(|reply| {
                let words = graph::words(reply, field, arguments)?;
                let is_meant = request.is_meant(&reply.when, None);
                is_meant.then_some((reply, words))
            });
            // Of those that say as much the first one, and before all those that stand for many.
            let said = |(reply, words): &(&Reply, Words)| {
                (Reverse(words.len()), weight(&reply.when, None))
            };
            let all: Vec<_> = meant.collect();
            let (reply, words) = all.into_iter().rev().max_by_key(said)?;
            // What is made is shown by the answer.
            let words = self.write(reply, words);
            let tree = self.tree(reply, &words)?;
            (!tree.is_null()).then_some((reply, tree))
        });
        // Errors are the graph's own words, and no values.
        if let (Some(leaf), Some(data)) = (leaf, body.get_mut("data")) {
            crate::simulate::wrong_type(data, leaf);
        }
        // What all of it comes with is said by the first.
        match replies.first() {
            Some(reply) => self.finish(request, reply, &body, &[]),
            None => Answered::json(200, &body),
        }
    }

    /// What a root field gives now; `None`: what it shows is not there.
    fn tree(&self, reply: &Reply, words: &Words) -> Option<Value> {
        let mut given = reply.when.arguments.clone();
        let texts = given.iter_mut().flat_map(Map::values_mut);
        texts.for_each(|value| words.value(value));
        let changed = |written: &Written| {
            let effect = &written.effect;
            let is_same = |wanted: &Map<String, Value>| {
                let given = given.as_ref();
                given.is_some_and(|given| graph::holds(given, wanted))
            };
            effect.on == reply.asked && effect.arguments.as_ref().is_none_or(is_same)
        };
        let mut tree = match &reply.item {
            None => reply.body.clone(),
            Some(item) => {
                let at = words.place(&item.at);
                let lists = self.trees.iter();
                let mut lists = lists.filter(|it| it.asked == item.of && it.item.is_none());
                let found = lists.find_map(|list| {
                    let tree = self.tree(list, &Words::default())?;
                    at.get(&tree).cloned()
                })?;
                within(item, found)
            }
        };
        words.value(&mut tree);
        self.change(reply, &mut tree, changed);
        Some(tree)
    }
}
