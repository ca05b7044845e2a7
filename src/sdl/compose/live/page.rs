//! `batch` and `page` of `@connect`: what each style needs.

use apollo_compiler::parser::SourceSpan;

use super::super::scope::Names;
use super::connect::{Site, reads};
use crate::sdl::compose::Composer;
use crate::sdl::directive::Args;
use crate::sdl::model::{Batch, BatchStyle, Connect, Page, PageStyle, SourceType};

/// The defaults that the inputs `Batch` and `Page` declare.
const MAX_KEYS: u32 = 50;
const MAX_SIZE: u32 = 100;
const MAX_PAGES: u32 = 10;

impl Composer<'_> {
    pub(super) fn batch(
        &mut self,
        args: Args<'_>,
        kind: Option<SourceType>,
        names: &Names,
        at: Option<SourceSpan>,
    ) -> Option<Batch> {
        let word = args.word("style")?;
        let (style, needed, source): (_, &[&str], _) = match word {
            "ALIAS" => (BatchStyle::Alias, &[], Some(SourceType::Graphql)),
            "ENTITIES" => (BatchStyle::Entities, &["key"], Some(SourceType::Subgraph)),
            "COLLECTION" => (BatchStyle::Collection, &["key", "match"], None),
            _ => (BatchStyle::List, &["key", "match"], None),
        };
        for name in needed {
            if args.value(name).is_none() {
                let message = format!("`batch` of style `{word}` needs `{name}`");
                self.sources.report("bad-batch", at, message, None);
            }
        }
        if let (Some(source), Some(kind)) = (source, kind)
            && source != kind
        {
            let message = format!("`batch` of style `{word}` does not fit the type of the source");
            let hint = "ALIAS asks GRAPHQL sources, ENTITIES asks SUBGRAPH sources".to_owned();
            self.sources.report("bad-batch", at, message, Some(hint));
        }
        Some(Batch {
            style,
            key: self.scoped(args, "key", names),
            matches: self.scoped(args, "match", &Names::of(&["this"])),
            max: self.number(args, "max", 1).unwrap_or(MAX_KEYS),
        })
    }

    /// LIST must send its keys, COLLECTION must not.
    pub(super) fn check_keys(&mut self, connect: &Connect, args: Args<'_>, at: Option<SourceSpan>) {
        let Some(batch) = &connect.batch else {
            return;
        };
        let sent = reads(connect).any(|read| &*read.root == "batch");
        let place = args
            .value("batch")
            .and_then(|value| value.location())
            .or(at);
        match (batch.style, sent) {
            (BatchStyle::List, false) => {
                let message = "`batch` of style `LIST` sends no keys".to_owned();
                let hint = "read `$batch.key` in the request, for example `?ids[]={$batch.key}`"
                    .to_owned();
                self.sources.report("bad-batch", place, message, Some(hint));
            }
            (BatchStyle::Collection, true) => {
                let message =
                    "`batch` of style `COLLECTION` asks for everything, and reads `$batch.key`"
                        .to_owned();
                let hint = "write `style: LIST` to ask for some keys".to_owned();
                self.sources.report("bad-batch", place, message, Some(hint));
            }
            _ => {}
        }
    }

    pub(super) fn page(
        &mut self,
        args: Args<'_>,
        kind: Option<SourceType>,
        site: &Site,
        batched: bool,
        at: Option<SourceSpan>,
    ) -> Option<Page> {
        let word = args.word("style")?;
        let (style, needed): (_, &[&str]) = match word {
            "CURSOR" => (PageStyle::Cursor, &["cursor", "next"]),
            "OFFSET" => (PageStyle::Offset, &["cursor", "size"]),
            "PAGE" => (PageStyle::Page, &["cursor"]),
            "RELAY" => (PageStyle::Relay, &[]),
            _ => (PageStyle::Link, &[]),
        };
        let mut problems = Vec::new();
        for name in needed {
            if args.value(name).is_none() {
                problems.push(format!("`page` of style `{word}` needs `{name}`"));
            }
        }
        // A batch asks for the objects of many keys at once, however many each has.
        let whole = args.truth("whole") == Some(true);
        if !site.list && !batched && !whole {
            problems.push(format!(
                "`{}` is no list, and has nothing to page through: `whole: true` makes a value of all pages",
                site.coordinate
            ));
        }
        if whole && batched {
            problems
                .push("a batch reads all pages, and divides them: it has no `whole`".to_owned());
        }
        let graphql = kind.is_some_and(|kind| kind != SourceType::Rest);
        if style == PageStyle::Link && graphql {
            problems.push("`page` of style `LINK` reads a header, and GraphQL has none".to_owned());
        }
        if style == PageStyle::Relay && kind == Some(SourceType::Rest) {
            problems.push("`page` of style `RELAY` is for GraphQL sources".to_owned());
        }
        if whole && graphql {
            problems.push(
                "`whole` is for REST sources: GraphQL says what it gives by its selection"
                    .to_owned(),
            );
        }
        for message in problems {
            self.sources.report("bad-page", at, message, None);
        }
        let names = Names::of(&["", "this"]);
        Some(Page {
            style,
            size: args.text("size").map(Into::into),
            max_size: self.number(args, "maxSize", 1).unwrap_or(MAX_SIZE),
            cursor: args.text("cursor").map(Into::into),
            next: self.scoped(args, "next", &names),
            more: self.scoped(args, "more", &names),
            total: self.scoped(args, "total", &names),
            max_pages: self.number(args, "maxPages", 1).unwrap_or(MAX_PAGES),
            whole,
        })
    }
}
