//! Which attribute list belongs to which event of the parser.

use std::collections::HashMap;
use std::ops::Range;

use pulldown_cmark::{CowStr, Event, Tag, TagEnd};

use crate::docs::render::attributes::Attributes;

/// Attribute lists by the event that they belong to; they are taken out of the texts.
pub(super) fn attribute_lists(
    events: &mut [(Event<'_>, Range<usize>)],
) -> HashMap<usize, Attributes> {
    let mut lists = HashMap::new();
    let mut open: Vec<usize> = Vec::new();
    for at in 0..events.len() {
        let begun = match &events[at].0 {
            Event::Start(_) => {
                open.push(at);
                None
            }
            Event::End(end) => {
                let begun = open.pop();
                match (end, begun) {
                    (TagEnd::Paragraph | TagEnd::Heading(_), Some(begun)) => {
                        if let Some(list) = trailing(events, begun, at) {
                            lists.insert(begun, list);
                        }
                        None
                    }
                    (
                        TagEnd::Link
                        | TagEnd::Image
                        | TagEnd::Strong
                        | TagEnd::Emphasis
                        | TagEnd::Strikethrough,
                        begun,
                    ) => begun,
                    _ => None,
                }
            }
            Event::Code(_) => Some(at),
            _ => None,
        };
        let Some(begun) = begun else {
            continue;
        };
        if let Some((Event::Text(text), _)) = events.get_mut(at + 1)
            && let Some((list, length)) = Attributes::read(text)
        {
            let rest = text.get(length..).unwrap_or_default().to_owned();
            *text = CowStr::from(rest);
            lists.insert(begun, list);
        }
    }
    lists
}

/// A list at the end of a block: on a line of its own, and behind the text of a heading.
fn trailing(
    events: &mut [(Event<'_>, Range<usize>)],
    begun: usize,
    end: usize,
) -> Option<Attributes> {
    let last = end.checked_sub(1).filter(|last| *last > begun)?;
    let of_heading = matches!(events[begun].0, Event::Start(Tag::Heading { .. }));
    let own_line = matches!(events.get(last - 1)?.0, Event::SoftBreak);
    let Event::Text(text) = &events[last].0 else {
        return None;
    };
    let at = text.rfind('{')?;
    let (before, list) = text.split_at_checked(at)?;
    let is_list = list.starts_with("{:") && list.trim_end().ends_with('}');
    if !is_list || !(of_heading || (own_line && before.trim().is_empty())) {
        return None;
    }
    let (list, _) = Attributes::read(list.trim_end())?;
    let kept = before.trim_end().to_owned();
    if kept.is_empty() && own_line {
        events[last - 1].0 = Event::Text(CowStr::from(""));
    }
    events[last].0 = Event::Text(CowStr::from(kept));
    Some(list)
}
