//! The root field of a request to a graph: as a schema file gives it, and as it is asked for one object.

use super::need::{Arg, Field};
use super::read;
use crate::connect::ask::Bound;
use crate::connect::encode::Unfit;
use crate::sdl::expr::{ArgValue, Expr, Node, Read, Step, is_of_object, is_page, response_key};
use crate::sdl::{Connect, Let, Model, Request};

/// The root field of a request as a schema file gives it.
pub(in crate::connect) struct RootField {
    pub(in crate::connect) name: Box<str>,
    args: Box<[(Box<str>, ArgValue)]>,
    /// What follows it in `query`, and `at` where that is a place.
    pub(super) rest: Vec<Step>,
    /// How many of these are of `query`: there is the object that `$` is.
    pub(super) n_steps: usize,
    /// `at`, where what is fetched is made of what stands there.
    pub(super) made: Option<Expr>,
    /// Names of the request that must have a value, as arguments further down.
    needed: Vec<Box<str>>,
    /// The types of the arguments that `$args` are.
    types: Vec<(Box<str>, Box<str>)>,
}

/// The root field of one request.
pub(in crate::connect) struct Call {
    /// Its name in what is kept: one entry each.
    pub(in crate::connect) key: Box<str>,
    args: Vec<(Box<str>, Arg)>,
}

impl Call {
    /// What is wanted of it.
    pub(in crate::connect) fn field(&self, shape: &Field) -> Field {
        Field {
            args: self.args.clone(),
            ..shape.clone()
        }
    }
}

impl RootField {
    /// `owner` and `field` say whose arguments `$args` are.
    pub(in crate::connect) fn new(
        connect: &Connect,
        model: &Model,
        owner: &str,
        field: &str,
    ) -> Option<Self> {
        let Request::Graphql { selection } = &connect.request else {
            return None;
        };
        let Node::Path(path) = selection.node() else {
            return None;
        };
        let (Step::Name(name, args), rest) = path.steps.split_first()? else {
            return None;
        };
        let mut rest = rest.to_vec();
        let n_steps = rest.len();
        let made = match connect.at.node() {
            Node::Path(path) if is_of_object(&path.root) && is_place(&path.steps) => {
                rest.extend(path.steps.iter().cloned());
                None
            }
            _ => Some(connect.at.clone()),
        };
        let reads = selection.reads().into_iter().chain(connect.at.reads());
        let reads: Vec<Read> = reads.filter(|read| read.path.is_empty()).collect();
        let needed = connect.lets.iter().filter(|item| {
            let ty = item.upstream_type.as_deref().unwrap_or("String!");
            ty.ends_with('!') && reads.iter().any(|read| read.root == item.name)
        });
        let types = args.iter().filter_map(|(_, value)| match value {
            ArgValue::Variable(root, members) if &**root == "args" => {
                let argument = members.first()?;
                let ty = model.argument_type(owner, field, argument)?;
                Some((argument.clone(), ty.into()))
            }
            _ => None,
        });
        Some(Self {
            name: name.clone(),
            types: types.collect(),
            args: args.clone(),
            rest,
            n_steps,
            made,
            needed: needed.map(|item| item.name.clone()).collect(),
        })
    }

    /// Fills the arguments in.
    pub(in crate::connect) fn call(&self, bound: &Bound<'_>) -> Result<Call, Unfit> {
        let last = self.rest.is_empty();
        let own = self
            .args
            .iter()
            .filter(|(_, value)| !(last && is_page(value)));
        let mut args = Vec::new();
        for (name, value) in own {
            if let Some(arg) = self.arg(value, bound)? {
                args.push((name.clone(), arg));
            }
        }
        let lookup = |root: &str, members: &[Box<str>]| bound.variable(root, members);
        let mut needed = self.needed.iter();
        let missing = needed.find(|name| lookup(name, &[]).is_none_or(|value| value.is_null()));
        if let Some(name) = missing {
            return Err(Unfit::Missing {
                hole: written(name, &[]).into(),
            });
        }
        Ok(Call {
            key: (*response_key(None, &self.name, &self.args, last, &lookup)).into(),
            args,
        })
    }

    fn arg(&self, value: &ArgValue, bound: &Bound<'_>) -> Result<Option<Arg>, Unfit> {
        Ok(Some(match value {
            ArgValue::Variable(root, members) => {
                let ty = self.type_of(root, members, bound);
                let found = bound.variable(root, members).unwrap_or_default();
                let is_empty = found.is_null() || found.as_str().is_some_and(str::is_empty);
                if is_empty {
                    return match ty.ends_with('!') {
                        true => Err(Unfit::Missing {
                            hole: written(root, members).into(),
                        }),
                        false => Ok(None),
                    };
                }
                let ty = match ty.ends_with('!') {
                    true => ty,
                    false => format!("{ty}!"),
                };
                Arg::Variable {
                    hint: members.last().unwrap_or(root).clone(),
                    value: read::fitted(found, &ty),
                    ty: ty.into(),
                }
            }
            ArgValue::Literal(value) => Arg::Literal(value.clone()),
            ArgValue::Word(word) => Arg::Word(word.clone()),
            ArgValue::List(items) => {
                let mut all = Vec::with_capacity(items.len());
                for item in items {
                    all.extend(self.arg(item, bound)?);
                }
                if all.is_empty() && !items.is_empty() {
                    return Ok(None);
                }
                Arg::List(all)
            }
            ArgValue::Object(members) => {
                let mut all = Vec::with_capacity(members.len());
                for (name, value) in members {
                    all.extend(self.arg(value, bound)?.map(|arg| (name.clone(), arg)));
                }
                Arg::Object(all)
            }
        }))
    }

    /// With a text for every variable.
    pub(in crate::connect) fn sample(&self, lets: &[Let]) -> Call {
        let args = self.args.iter().filter(|(_, value)| !is_page(value));
        let args = args.map(|(name, value)| (name.clone(), self.sample_of(value, lets)));
        Call {
            key: self.name.clone(),
            args: args.collect(),
        }
    }

    fn sample_of(&self, value: &ArgValue, lets: &[Let]) -> Arg {
        match value {
            ArgValue::Variable(root, members) => {
                let own = lets.iter().find(|item| item.name == *root);
                let own = own.filter(|_| members.is_empty());
                let own = own.and_then(|item| item.upstream_type.as_deref());
                let mut types = self.types.iter();
                let declared = types.find(|(name, _)| {
                    &**root == "args" && members.first().is_some_and(|member| member == name)
                });
                let ty = own.or(declared.map(|(_, ty)| &**ty)).unwrap_or("String!");
                Arg::Variable {
                    hint: members.last().unwrap_or(root).clone(),
                    ty: format!("{}!", ty.trim_end_matches('!')).into(),
                    value: "x".into(),
                }
            }
            ArgValue::Literal(value) => Arg::Literal(value.clone()),
            ArgValue::Word(word) => Arg::Word(word.clone()),
            ArgValue::List(items) => Arg::List(
                items
                    .iter()
                    .map(|item| self.sample_of(item, lets))
                    .collect(),
            ),
            ArgValue::Object(members) => Arg::Object(
                members
                    .iter()
                    .map(|(name, value)| (name.clone(), self.sample_of(value, lets)))
                    .collect(),
            ),
        }
    }

    fn type_of(&self, root: &str, members: &[Box<str>], bound: &Bound<'_>) -> String {
        let known = match (root, members) {
            ("args", [argument]) => {
                let mut types = self.types.iter();
                types
                    .find(|(name, _)| name == argument)
                    .map(|(_, ty)| ty.to_string())
            }
            (name, []) => bound.let_type(name).map(str::to_owned),
            _ => None,
        };
        known.unwrap_or_else(|| "String!".to_owned())
    }
}

/// Whether what is at the end of a path stands there as it is: the path does not lead through lists.
fn is_place(steps: &[Step]) -> bool {
    let before = match steps.split_last() {
        Some((Step::Each, before)) => before,
        _ => steps,
    };
    before.iter().all(|step| matches!(step, Step::Name(..)))
}

fn written(root: &str, members: &[Box<str>]) -> String {
    let mut text = format!("${root}");
    for member in members {
        text.push('.');
        text.push_str(member);
    }
    text
}

/// The variables of a request, in the order in which they stand in it.
pub(in crate::connect) fn variables_of(selection: &Expr) -> Vec<Expr> {
    let mut found = Vec::new();
    if let Node::Path(path) = selection.node() {
        for step in &path.steps {
            if let Step::Name(_, args) = step {
                for (_, value) in args.iter().filter(|(_, value)| !is_page(value)) {
                    variables(value, &mut found);
                }
            }
        }
    }
    found
}

fn variables(value: &ArgValue, found: &mut Vec<Expr>) {
    match value {
        ArgValue::Variable(root, members) => {
            found.extend(Expr::parse(&written(root, members)).ok());
        }
        ArgValue::Literal(_) | ArgValue::Word(_) => {}
        ArgValue::List(items) => items.iter().for_each(|item| variables(item, found)),
        ArgValue::Object(members) => members
            .iter()
            .for_each(|(_, value)| variables(value, found)),
    }
}

impl RootField {
    /// Without what is filled in for each object.
    pub(super) fn step(&self) -> Step {
        let args = self.args.iter().filter(|(_, value)| is_page(value));
        Step::Name(self.name.clone(), args.cloned().collect())
    }

    pub(super) fn all_steps(&self) -> Vec<Step> {
        let mut steps = vec![Step::Name(self.name.clone(), self.args.clone())];
        steps.extend(self.rest.iter().cloned());
        steps
    }
}
