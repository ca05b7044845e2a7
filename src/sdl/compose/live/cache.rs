//! `@cache` and `@merge`.

use std::time::Duration;

use apollo_compiler::ast::DirectiveList;

use super::super::scope::Names;
use super::connect::Site;
use super::duration;
use crate::sdl::compose::Composer;
use crate::sdl::compose::kind::connected;
use crate::sdl::declared::FieldDecl;
use crate::sdl::directive::Args;
use crate::sdl::expr::Template;
use crate::sdl::model::{CachePolicy, Connect, Merge};

impl Composer<'_> {
    /// The `@cache` among `directives`, for what `connect` fetches.
    pub(in crate::sdl::compose) fn cache(
        &mut self,
        directives: &DirectiveList,
        connect: Option<&Connect>,
        site: &Site,
    ) -> Option<CachePolicy> {
        let args = Args::of(directives, "cache")?;
        // `$` is what came, so that a tag may say what the upstream calls it.
        let mut names = Names::of(&["this", "entity", "args", "config", "viewer", ""]);
        names.args = site.args.clone();
        if let Some(connect) = connect {
            names.lets = connect
                .lets
                .iter()
                .map(|item| item.name.to_string())
                .collect();
        }
        let until = self.scoped(args, "until", &Names::of(&["this", ""]));
        let tags = self.tags(args, "tags", &names);
        self.check_answer_reads(args, &tags);
        let dependent = connect.is_some_and(|connect| self.depends_on_viewer(connect));
        if let Some(scope) = args.value("scope")
            && dependent
            && args.word("scope") == Some("SHARED")
        {
            let message = format!(
                "`{}` is shared, but what is read depends on the caller",
                site.coordinate
            );
            let hint = "leave `scope` away: it is `VIEWER` by itself".to_owned();
            self.sources
                .report("shared-viewer", scope.location(), message, Some(hint));
        }
        Some(CachePolicy {
            max_age: duration(args, "maxAge")?,
            stale: duration(args, "stale").unwrap_or(Duration::ZERO),
            until,
            viewer_scoped: dependent || args.word("scope") == Some("VIEWER"),
            tags,
        })
    }

    /// What a tag reads of an answer is asked for together with it: plain fields, which need no more than their names.
    fn check_answer_reads(&mut self, args: Args<'_>, tags: &[Template]) {
        for (value, tag) in args.list("tags").zip(tags) {
            let reads = tag.reads();
            let conditional = reads.iter().any(|read| {
                read.root.is_empty() && read.path.iter().any(|name| name.starts_with("... on "))
            });
            if conditional || tag.holes().any(|hole| hole.expr.has_arguments()) {
                let message = "a tag reads fields without arguments and type conditions".to_owned();
                let hint = "for example `repo:{$.nameWithOwner}`".to_owned();
                self.sources
                    .report("bad-template", value.location(), message, Some(hint));
            }
        }
    }

    /// The `@merge` of a supplied field.
    pub(in crate::sdl::compose) fn merge(
        &mut self,
        field: &FieldDecl,
        supplied: bool,
    ) -> Option<Merge> {
        let directives = &field.def.directives;
        let directive = directives
            .0
            .iter()
            .find(|directive| directive.name == "merge")?;
        let args = Args::new(directive);
        if !supplied || !super::connect::is_list(&field.def) {
            let message = format!("`{}` is no list that several types supply", field.def.name);
            let at = directive.name.location();
            self.sources.report("misplaced-merge", at, message, None);
            return None;
        }
        if let (Some(name), Some(value)) = (args.text("orderBy"), args.value("orderBy")) {
            let target = self.declared.types.get(connected(&field.def.ty)).cloned();
            if let Some(target) = target {
                self.known_field(&target, name, value);
            }
        }
        Some(Merge {
            order_by: args.text("orderBy").map(Into::into),
            descending: args.truth("desc").unwrap_or_default(),
        })
    }
}
