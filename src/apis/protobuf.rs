//! Protocol Buffers: services and their calls.
//!
//! One file alone is read; what it imports is elsewhere, so types that are not in it are taken as they are named.
//! Of a broken file, what stands around the broken statements is read.

mod mend;

use std::collections::{HashMap, HashSet};

use prost_types::{
    DescriptorProto, EnumDescriptorProto, FileDescriptorProto, MethodDescriptorProto,
    ServiceDescriptorProto, SourceCodeInfo,
};

use super::definition::{Definition, Format, Operation, OperationKind, Problem, Schema};
use super::graphql::first_line;
use crate::diagnostic::Position;

/// What every compiler brings along.
const WELL_KNOWN: &str = "google/protobuf/";

/// Reads a file.
pub(super) fn read(text: &str) -> Definition {
    let text = text.trim_start_matches('\u{FEFF}');
    let mut definition = Definition {
        format: Some(Format::Protobuf),
        ..Definition::default()
    };
    let (file, problems) = mend::parse(text);
    let is_whole = problems.is_empty();
    definition.problems = problems;
    if let Some(file) = file {
        let mut reader = Reader::new(&file, &mut definition);
        reader.is_whole = is_whole;
        reader.file(&file);
    }
    definition.settled()
}

/// Numbers of the members of descriptors, as paths of source code info have them.
mod number {
    pub(super) const DEPENDENCY: i32 = 3;
    pub(super) const MESSAGE: i32 = 4;
    pub(super) const ENUM: i32 = 5;
    pub(super) const SERVICE: i32 = 6;
    pub(super) const METHOD: i32 = 2;
    pub(super) const NESTED: i32 = 3;
    pub(super) const NESTED_ENUM: i32 = 4;
}

struct Reader<'r> {
    places: HashMap<&'r [i32], Place<'r>>,
    /// Of the messages in the file, without the package.
    names: HashSet<String>,
    package: &'r str,
    has_imports: bool,
    /// Nothing was taken out: what is not there is nowhere.
    is_whole: bool,
    into: &'r mut Definition,
}

struct Place<'r> {
    at: Option<Position>,
    comment: Option<&'r str>,
}

impl<'r> Reader<'r> {
    fn new(file: &'r FileDescriptorProto, into: &'r mut Definition) -> Self {
        let mut names = HashSet::new();
        for message in &file.message_type {
            collect("", message, &mut names);
        }
        Self {
            places: places(file.source_code_info.as_ref()),
            names,
            package: file.package(),
            has_imports: !file.dependency.is_empty(),
            is_whole: true,
            into,
        }
    }

    fn file(&mut self, file: &'r FileDescriptorProto) {
        let syntax = match file.syntax() {
            "" => "proto2",
            syntax => syntax,
        };
        self.into.format_version = Some(syntax.into());
        self.into.title = (!self.package.is_empty()).then(|| self.package.into());
        self.into.version = version(self.package);
        for (position, import) in indexed(&file.dependency) {
            if import.starts_with(WELL_KNOWN) {
                continue;
            }
            let message = format!("`{import}` is imported, and is not part of this text");
            let mut problem = Problem::warning("definition-reference", message);
            problem.at = self.at(&[number::DEPENDENCY, position]);
            self.into
                .problems
                .push(problem.hint("its types are taken as they are named"));
        }
        for (position, service) in indexed(&file.service) {
            self.service(service, position);
        }
        for (position, message) in indexed(&file.message_type) {
            self.message("", message, &[number::MESSAGE, position]);
        }
        for (position, of_enum) in indexed(&file.enum_type) {
            self.enumeration("", of_enum, &[number::ENUM, position]);
        }
    }

    fn at(&self, path: &[i32]) -> Option<Position> {
        self.places.get(path)?.at
    }

    fn comment(&self, path: &[i32]) -> Option<Box<str>> {
        let comment = self.places.get(path)?.comment?;
        let lines: Vec<&str> = comment
            .lines()
            .map(|line| line.trim_start_matches(' '))
            .collect();
        let text = lines.join("\n").trim().to_owned();
        (!text.is_empty()).then(|| text.into())
    }

    fn service(&mut self, service: &ServiceDescriptorProto, position: i32) {
        let name = match self.package {
            "" => service.name().to_owned(),
            package => format!("{package}.{}", service.name()),
        };
        let is_deprecated = service
            .options
            .as_ref()
            .is_some_and(|options| options.deprecated());
        for (method_position, method) in indexed(&service.method) {
            let path = [number::SERVICE, position, number::METHOD, method_position];
            self.method(&name, method, &path, is_deprecated);
        }
    }

    fn method(
        &mut self,
        service: &str,
        method: &MethodDescriptorProto,
        path: &[i32],
        is_deprecated: bool,
    ) {
        let rpc: Box<str> = format!("{service}/{}", method.name()).into();
        let description = self.comment(path);
        let request = self.type_name(method.input_type(), method.client_streaming(), path);
        let response = self.type_name(method.output_type(), method.server_streaming(), path);
        let options = method.options.as_ref();
        self.into.operations.push(Operation {
            key: rpc.clone(),
            kind: OperationKind::Rpc,
            rpc: Some(rpc),
            name: Some(method.name().into()),
            summary: description.as_deref().and_then(first_line),
            description,
            deprecated: is_deprecated || options.is_some_and(|options| options.deprecated()),
            request: vec![request],
            response: vec![response],
            ..Operation::default()
        });
    }

    /// `Payment`, `stream Payment`; the package is left out where it is this file's.
    fn type_name(&mut self, name: &str, is_stream: bool, path: &[i32]) -> Box<str> {
        let full = name.trim_start_matches('.');
        let own = full
            .strip_prefix(self.package)
            .and_then(|rest| rest.strip_prefix('.'))
            .unwrap_or(full);
        let is_known = self.has_imports || !self.is_whole;
        if !is_known && !self.names.contains(own) && !self.names.contains(full) {
            let message = format!("there is no message `{full}`, and nothing is imported");
            let mut problem = Problem::error("definition-reference", message);
            problem.at = self.at(path);
            self.into.problems.push(problem);
        }
        match is_stream {
            true => format!("stream {own}").into(),
            false => own.into(),
        }
    }

    fn message(&mut self, around: &str, message: &DescriptorProto, path: &[i32]) {
        // What a field `map<…>` stands for.
        if message
            .options
            .as_ref()
            .is_some_and(|options| options.map_entry())
        {
            return;
        }
        let name = format!("{around}{}", message.name());
        let description = self.comment(path);
        self.into.schemas.push(Schema {
            name: name.as_str().into(),
            kind: Some("message".into()),
            description,
        });
        let around = format!("{name}.");
        for (position, nested) in indexed(&message.nested_type) {
            let path = [path, &[number::NESTED, position]].concat();
            self.message(&around, nested, &path);
        }
        for (position, nested) in indexed(&message.enum_type) {
            let path = [path, &[number::NESTED_ENUM, position]].concat();
            self.enumeration(&around, nested, &path);
        }
    }

    fn enumeration(&mut self, around: &str, of_enum: &EnumDescriptorProto, path: &[i32]) {
        let description = self.comment(path);
        self.into.schemas.push(Schema {
            name: format!("{around}{}", of_enum.name()).into(),
            kind: Some("enum".into()),
            description,
        });
    }
}

/// With the positions that paths have.
fn indexed<T>(items: &[T]) -> impl Iterator<Item = (i32, &T)> {
    (0_i32..).zip(items)
}

fn collect(around: &str, message: &DescriptorProto, names: &mut HashSet<String>) {
    let name = format!("{around}{}", message.name());
    let inner = format!("{name}.");
    names.insert(name);
    for nested in &message.nested_type {
        collect(&inner, nested, names);
    }
}

fn places(info: Option<&SourceCodeInfo>) -> HashMap<&[i32], Place<'_>> {
    let locations = info.map(|info| &info.location[..]).unwrap_or_default();
    let places = locations.iter().map(|location| {
        let number = |position: usize| {
            let number = location.span.get(position).copied()?;
            u32::try_from(number).ok()?.checked_add(1)
        };
        let at = number(0)
            .zip(number(1))
            .map(|(line, column)| Position { line, column });
        let comment = location.leading_comments.as_deref();
        let comment = comment.or(location.trailing_comments.as_deref());
        (&location.path[..], Place { at, comment })
    });
    places.collect()
}

/// `shop.payments.v1` is version `v1`.
fn version(package: &str) -> Option<Box<str>> {
    let last = package.rsplit('.').next()?;
    let number = last.strip_prefix('v')?;
    number
        .starts_with(|c: char| c.is_ascii_digit())
        .then(|| last.into())
}
