//! Which request an action is: of those that a connector has for objects of a type the one that applies.

use std::sync::Arc;

use serde_json::Value;

use super::named_type;
use super::refused::{NOT_SUPPORTED, Refused};
use super::send::Target;
use crate::connect::live::LiveObject;
use crate::connect::routes::{Args, Fetch};
use crate::connect::runtime::Inner;
use crate::connect::scope::Scope;
use crate::connect::seam::LiveField;
use crate::sdl::Connect;

/// What it is done to, and what makes it harmless to repeat.
const NEVER_IN_THE_WAY: [&str; 2] = ["id", "idempotencyKey"];

/// What is to be done: which request, to which objects.
pub(super) struct Deed {
    pub(super) connect: Arc<Connect>,
    /// The type of what it brings.
    pub(super) payload: Arc<str>,
    /// The object whose id was given; none for a field that has its own request.
    pub(super) subject: Option<LiveObject>,
    pub(super) along: Vec<Arc<str>>,
}

impl Inner {
    /// Which requests the field may mean for the object whose id was given, in the order of their payloads' names; at least one.
    pub(super) async fn deeds(
        &self,
        field: &LiveField,
        input: &Value,
        scope: &Scope,
    ) -> Result<Vec<Deed>, Refused> {
        let model = self.routes().model();
        let own = field.binding.as_ref().and_then(|own| own.connect.as_ref());
        if let Some(connect) = own {
            return Ok(vec![Deed {
                connect: Arc::clone(connect),
                payload: named_type(model, field),
                subject: None,
                along: Vec::new(),
            }]);
        }
        let id = input.get("id").and_then(Value::as_str).unwrap_or_default();
        let subject = self.shown().find(self.cache(), id).await;
        let subject = subject.ok_or_else(|| {
            let message = "this id was not shown by this server lately: read the object again, and use the id that comes with it";
            Refused::new("UNKNOWN_ID", message).at("id")
        })?;
        let mut deeds = Vec::new();
        for action in &model.actions {
            if action.field != field.name || *action.subject != *subject.type_name {
                continue;
            }
            let payload = model.types.get(&action.payload);
            let connect = payload.and_then(|payload| payload.connect.as_ref());
            deeds.extend(connect.map(|connect| Deed {
                connect: Arc::clone(connect),
                payload: Arc::clone(&action.payload),
                subject: Some(subject.object(scope, self.cache().now())),
                along: action.along.clone(),
            }));
        }
        deeds.sort_by(|one, other| one.payload.cmp(&other.payload));
        match deeds.is_empty() {
            false => Ok(deeds),
            true => {
                let message = format!("`{}` has no way to do this to it", subject.connector);
                Err(Refused::new(NOT_SUPPORTED, message).at("id"))
            }
        }
    }

    /// The first one that is for this object, and for these arguments.
    pub(super) async fn chosen<'d>(
        self: &Arc<Self>,
        deeds: &'d [Deed],
        args: &Arc<Args>,
        scope: &Arc<Scope>,
    ) -> Result<(&'d Deed, Arc<Fetch>, Vec<Target>), Refused> {
        let mut why: Option<Refused> = None;
        for deed in deeds {
            let fetch = self.routes().action(&deed.connect, &deed.payload);
            match self.targets(deed, &fetch, args, scope).await {
                Ok(targets) => return Ok((deed, fetch, targets)),
                Err(refused) if refused.code == NOT_SUPPORTED => why = why.or(Some(refused)),
                Err(refused) => return Err(refused),
            }
        }
        if let Some(in_the_way) = self.in_the_way(deeds, args, scope).await {
            return Err(in_the_way);
        }
        Err(why.unwrap_or_else(|| Refused::new(NOT_SUPPORTED, "there is no way to do this")))
    }

    /// Whether it could be done without one of the arguments: that is more than what cannot be done.
    async fn in_the_way(
        self: &Arc<Self>,
        deeds: &[Deed],
        args: &Arc<Args>,
        scope: &Arc<Scope>,
    ) -> Option<Refused> {
        let input = args.value.get("input")?.as_object()?;
        let optional = input
            .iter()
            .filter(|(name, given)| !NEVER_IN_THE_WAY.contains(&name.as_str()) && !given.is_null());
        for (name, given) in optional {
            let without = Arc::new(args.without_input(name));
            for deed in deeds {
                let fetch = self.routes().action(&deed.connect, &deed.payload);
                if self.targets(deed, &fetch, &without, scope).await.is_ok() {
                    let connector = fetch.connector();
                    let given = match given {
                        Value::Bool(_) | Value::Number(_) => format!("`{name}: {given}`"),
                        _ => format!("this `{name}`"),
                    };
                    let message = format!(
                        "`{connector}` cannot do this to it with {given}; without `{name}` it can"
                    );
                    return Some(Refused::new(NOT_SUPPORTED, message).at(name));
                }
            }
        }
        None
    }
}
