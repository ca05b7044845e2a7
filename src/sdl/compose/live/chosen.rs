//! `@where`: which items of a live list are shown where the caller does not say so.

use std::sync::Arc;

use super::super::scope::Names;
use super::connect::{arguments, is_list};
use crate::sdl::compose::Composer;
use crate::sdl::compose::kind::connected;
use crate::sdl::declared::FieldDecl;
use crate::sdl::directive::Args;
use crate::sdl::model::{Compared, Where};

impl Composer<'_> {
    /// The `@where` of a field; `supplied` says whether types supply it.
    pub(in crate::sdl::compose) fn items_where(
        &mut self,
        field: &FieldDecl,
        supplied: bool,
    ) -> Option<Arc<Where>> {
        let directives = &field.def.directives.0;
        let directive = directives
            .iter()
            .find(|directive| directive.name == "where")?;
        let at = directive.name.location();
        let args = Args::new(directive);
        if !supplied || !is_list(&field.def) {
            let message = format!("`{}` is no list that types supply", field.def.name);
            self.sources.report("bad-where", at, message, None);
            return None;
        }
        let target = self.declared.types.get(connected(&field.def.ty)).cloned()?;
        let name = self.known_field(&target, args.text("field")?, args.value("field")?);
        let mut names = Names {
            args: vec![arguments(&field.def)],
            ..Names::of(&["entity", "args"])
        };
        let lets = self.lets(args, &mut names);
        let is = self.scoped(args, "is", &names);
        let fits = self.scoped(args, "fits", &names);
        let (wanted, compared) = match (is, fits) {
            (Some(is), None) => (is, Compared::Is),
            (None, Some(fits)) => (fits, Compared::Fits),
            (Some(_), Some(_)) | (None, None) => {
                let message = "`@where` compares with `is` or with `fits`".to_owned();
                let hint = "`is` gives values, `fits` gives globs".to_owned();
                self.sources.report("bad-where", at, message, Some(hint));
                return None;
            }
        };
        Some(Arc::new(Where {
            field: name?.as_str().into(),
            lets,
            wanted,
            compared,
        }))
    }
}
