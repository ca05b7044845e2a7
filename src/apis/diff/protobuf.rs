//! Protocol Buffers: services, and messages by the numbers of their fields.

use std::collections::BTreeMap;

use prost_types::field_descriptor_proto::Label;
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto,
    MethodDescriptorProto,
};

use super::{Change, Changes, Incomparable};

pub(super) fn diff(old: &str, new: &str) -> Result<Vec<Change>, Incomparable> {
    let (old, new) = (file(old, "old")?, file(new, "new")?);
    let mut changes = Changes::default();
    if old.package() != new.package() {
        let message = format!("changed from `{}` to `{}`", old.package(), new.package());
        changes.changed(true, "package", message);
    }
    calls(&old, &new, &mut changes);
    let (before, after) = (types(&old), types(&new));
    for (name, message) in &before.messages {
        match after.messages.get(name) {
            None => changes.removed(true, name.as_str()),
            Some(next) => fields(name, message, next, &mut changes),
        }
    }
    for name in after
        .messages
        .keys()
        .filter(|name| !before.messages.contains_key(*name))
    {
        changes.added(false, name.as_str(), "added");
    }
    for (name, values) in &before.enums {
        match after.enums.get(name) {
            None => changes.removed(true, name.as_str()),
            Some(next) => enum_values(name, values, next, &mut changes),
        }
    }
    for name in after
        .enums
        .keys()
        .filter(|name| !before.enums.contains_key(*name))
    {
        changes.added(false, name.as_str(), "added");
    }
    Ok(changes.0)
}

fn file(text: &str, which: &'static str) -> Result<FileDescriptorProto, Incomparable> {
    let text = text.trim_start_matches('\u{FEFF}');
    protox_parse::parse("definition.proto", text).map_err(|error| Incomparable::Unreadable {
        which,
        why: error.to_string().replace('\'', "`"),
    })
}

fn calls(old: &FileDescriptorProto, new: &FileDescriptorProto, changes: &mut Changes) {
    let methods = |file: &FileDescriptorProto| -> BTreeMap<String, MethodDescriptorProto> {
        let methods = file.service.iter().flat_map(|service| {
            let methods = service.method.iter();
            methods.map(move |method| {
                (
                    format!("{}/{}", service.name(), method.name()),
                    method.clone(),
                )
            })
        });
        methods.collect()
    };
    let (before, after) = (methods(old), methods(new));
    for (name, method) in &before {
        let Some(next) = after.get(name) else {
            changes.removed(true, name.as_str());
            continue;
        };
        let shown = |stream: bool, ty: &str| match stream {
            true => format!("`stream {ty}`"),
            false => format!("`{ty}`"),
        };
        let ends = [
            (
                "takes",
                shown(method.client_streaming(), method.input_type()),
                shown(next.client_streaming(), next.input_type()),
            ),
            (
                "gives",
                shown(method.server_streaming(), method.output_type()),
                shown(next.server_streaming(), next.output_type()),
            ),
        ];
        for (what, before, after) in ends {
            if before != after {
                changes.changed(
                    true,
                    name.as_str(),
                    format!("{what} {after}, and not {before}"),
                );
            }
        }
    }
    for name in after.keys().filter(|name| !before.contains_key(*name)) {
        changes.added(false, name.as_str(), "added");
    }
}

#[derive(Default)]
struct Types<'f> {
    messages: BTreeMap<String, &'f DescriptorProto>,
    enums: BTreeMap<String, &'f EnumDescriptorProto>,
}

fn types(file: &FileDescriptorProto) -> Types<'_> {
    let mut types = Types::default();
    for message in &file.message_type {
        types.collect("", message);
    }
    let enums = file.enum_type.iter();
    types
        .enums
        .extend(enums.map(|of_enum| (of_enum.name().to_owned(), of_enum)));
    types
}

impl<'f> Types<'f> {
    fn collect(&mut self, around: &str, message: &'f DescriptorProto) {
        let name = format!("{around}{}", message.name());
        let inner = format!("{name}.");
        let enums = message.enum_type.iter();
        self.enums
            .extend(enums.map(|of_enum| (format!("{inner}{}", of_enum.name()), of_enum)));
        for nested in &message.nested_type {
            self.collect(&inner, nested);
        }
        self.messages.insert(name, message);
    }
}

fn fields(name: &str, old: &DescriptorProto, new: &DescriptorProto, changes: &mut Changes) {
    let by_number = |message: &DescriptorProto| -> BTreeMap<i32, FieldDescriptorProto> {
        let fields = message.field.iter();
        fields
            .map(|field| (field.number(), field.clone()))
            .collect()
    };
    let (before, after) = (by_number(old), by_number(new));
    for (number, field) in &before {
        let path = format!("{name}.{}", field.name());
        let Some(next) = after.get(number) else {
            match after.values().find(|other| other.name() == field.name()) {
                Some(moved) => {
                    let message = format!("the number changed from {number} to {}", moved.number());
                    changes.changed(true, path, message);
                }
                None => changes.removed(true, path),
            }
            continue;
        };
        if next.name() != field.name() {
            let message = format!("the name of field {number} changed to `{}`", next.name());
            changes.changed(true, &*path, message);
        }
        let (before, after) = (shown(field), shown(next));
        if before != after {
            changes.changed(true, path, format!("changed from `{before}` to `{after}`"));
        }
    }
    for (number, field) in &after {
        let moved = before.values().any(|other| other.name() == field.name());
        if !before.contains_key(number) && !moved {
            let must = field.label() == Label::Required;
            let message = if must { "added, and required" } else { "added" };
            changes.added(must, format!("{name}.{}", field.name()), message);
        }
    }
}

/// `repeated Payment`, `string`.
fn shown(field: &FieldDescriptorProto) -> String {
    let ty = match field.type_name.as_deref() {
        Some(name) => name.to_owned(),
        None => {
            let ty = field.r#type().as_str_name();
            ty.trim_start_matches("TYPE_").to_lowercase()
        }
    };
    match field.label() {
        Label::Repeated => format!("repeated {ty}"),
        Label::Required => format!("required {ty}"),
        Label::Optional => ty,
    }
}

fn enum_values(
    name: &str,
    old: &EnumDescriptorProto,
    new: &EnumDescriptorProto,
    changes: &mut Changes,
) {
    let by_name = |of_enum: &EnumDescriptorProto| -> BTreeMap<String, i32> {
        let values = of_enum.value.iter();
        values
            .map(|value| (value.name().to_owned(), value.number()))
            .collect()
    };
    let (before, after) = (by_name(old), by_name(new));
    for (value, number) in &before {
        let path = format!("{name}.{value}");
        match after.get(value) {
            None => changes.removed(true, path),
            Some(next) if next != number => {
                let message = format!("the number changed from {number} to {next}");
                changes.changed(true, path, message);
            }
            Some(_) => {}
        }
    }
    for value in after.keys().filter(|value| !before.contains_key(*value)) {
        changes.added(false, format!("{name}.{value}"), "added");
    }
}
