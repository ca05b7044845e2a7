//! "Did you mean": what a client probably meant by a name that the schema does not have.
//!
//! apollo-compiler's diagnostics carry their names only in their messages, so they are read out of these; a message of another form gets no suggestion.

use apollo_compiler::Schema;
use apollo_compiler::schema::ExtendedType;

use crate::diagnostic::closest;

/// The name nearest to the one that `message` says is unknown.
pub(crate) fn suggestion(schema: &Schema, message: &str) -> Option<String> {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    match quoted[..] {
        [on, name] if message.starts_with("type ") => nearest(name, members(schema, on)),
        [name, on] if message.ends_with(&format!("does not exist on `{on}`")) => {
            nearest(name, members(schema, on))
        }
        [name, coordinate] if message.starts_with("the argument ") => {
            let (on, field) = coordinate.split_once('.')?;
            let field = schema.type_field(on, field).ok()?;
            nearest(
                name,
                field
                    .arguments
                    .iter()
                    .map(|argument| argument.name.as_str()),
            )
        }
        [name] if message.starts_with("cannot find type ") => {
            nearest(name, schema.types.keys().map(|name| name.as_str()))
        }
        _ => None,
    }
}

fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    closest(name, candidates).map(str::to_owned)
}

/// Fields of an object, an interface or an input, and values of an enum.
fn members<'s>(schema: &'s Schema, of: &str) -> Vec<&'s str> {
    match schema.types.get(of) {
        Some(ExtendedType::Object(object)) => {
            object.fields.keys().map(|name| name.as_str()).collect()
        }
        Some(ExtendedType::Interface(interface)) => {
            interface.fields.keys().map(|name| name.as_str()).collect()
        }
        Some(ExtendedType::InputObject(input)) => {
            input.fields.keys().map(|name| name.as_str()).collect()
        }
        Some(ExtendedType::Enum(values)) => {
            values.values.keys().map(|name| name.as_str()).collect()
        }
        Some(ExtendedType::Scalar(_) | ExtendedType::Union(_)) | None => Vec::new(),
    }
}
