//! Recursive descent over characters; brackets nest at most [`MAX_DEPTH`] deep.

use serde_json::{Number, Value};

use super::ExprError;
use super::function::Function;
use super::tree::{ArgValue, Call, Node, Path, Root, Step, continues_name, starts_name};
use crate::diagnostic::closest;

/// How deep brackets may nest.
const MAX_DEPTH: usize = 32;

/// Compiles a whole text.
pub(super) fn expression(source: &str) -> Result<Node, ExprError> {
    let chars: Vec<char> = source.chars().collect();
    let mut parser = Parser::new(&chars, 0, false);
    let node = parser.expr()?;
    parser.space();
    match parser.peek() {
        None => Ok(node),
        Some(c) => Err(parser.error(format!("unexpected `{c}` after the expression"))),
    }
}

/// Compiles the expression of a hole that begins at `from`; gives the position of the closing brace as well.
pub(super) fn hole(chars: &[char], from: usize) -> Result<(Node, usize), ExprError> {
    let mut parser = Parser::new(chars, from, true);
    let node = parser.expr()?;
    parser.space();
    match parser.peek() {
        Some('}') => Ok((node, parser.at)),
        Some(c) => Err(parser.error(format!(
            "unexpected `{c}` in the hole, `}}` should close it"
        ))),
        None => Err(parser.error("the hole is not closed, `}` is missing".to_owned())),
    }
}

/// The arguments of a step.
type Args = Box<[(Box<str>, ArgValue)]>;

struct Parser<'c> {
    chars: &'c [char],
    at: usize,
    depth: usize,
    /// Object and list literals do not stand in holes.
    in_hole: bool,
}

impl<'c> Parser<'c> {
    fn new(chars: &'c [char], at: usize, in_hole: bool) -> Self {
        Self {
            chars,
            at,
            depth: 0,
            in_hole,
        }
    }

    fn expr(&mut self) -> Result<Node, ExprError> {
        self.nested(|parser| {
            parser.chain("??", Node::Coalesce, |parser| {
                parser.chain("&&", Node::And, Self::pipe)
            })
        })
    }

    fn pipe(&mut self) -> Result<Node, ExprError> {
        let input = self.chain("+", Node::Sum, Self::term)?;
        let mut calls = Vec::new();
        while self.eat("|") {
            calls.push(self.call()?);
        }
        Ok(if calls.is_empty() {
            input
        } else {
            Node::Pipe(Box::new(input), calls)
        })
    }

    fn chain(
        &mut self,
        operator: &str,
        make: impl Fn(Vec<Node>) -> Node,
        operand: impl Fn(&mut Self) -> Result<Node, ExprError>,
    ) -> Result<Node, ExprError> {
        let first = operand(self)?;
        let mut all = vec![first];
        while self.eat(operator) {
            all.push(operand(self)?);
        }
        Ok(match all.pop() {
            Some(only) if all.is_empty() => only,
            last => {
                all.extend(last);
                make(all)
            }
        })
    }

    fn call(&mut self) -> Result<Call, ExprError> {
        self.space();
        let start = self.at;
        let name = self.name("the name of a function")?;
        let Some(function) = Function::by_name(&name) else {
            return Err(ExprError {
                offset: start,
                message: format!("unknown function `{name}`"),
                hint: Some(match closest(&name, Function::names()) {
                    Some(candidate) => format!("did you mean `{candidate}`?"),
                    None => format!(
                        "functions are {}",
                        Function::names().collect::<Vec<_>>().join(" ")
                    ),
                }),
            });
        };
        let mut args = Vec::new();
        if self.eat("(") && !self.eat(")") {
            loop {
                args.push(self.expr()?);
                if !self.eat(",") {
                    break;
                }
            }
            self.expect(")")?;
        }
        function.check(&args).map_err(|message| ExprError {
            offset: start,
            message,
            hint: Some(format!("write `{}`", function.usage())),
        })?;
        Ok(Call { function, args })
    }

    fn term(&mut self) -> Result<Node, ExprError> {
        self.space();
        match self.peek() {
            Some('(') => {
                self.at += 1;
                let inner = self.expr()?;
                self.expect(")")?;
                Ok(inner)
            }
            Some('\'') => Ok(Node::Literal(Value::String(self.string()?))),
            Some('-' | '0'..='9') => self.number().map(Node::Literal),
            Some('[') => self.list(),
            Some('{') => self.object(),
            Some('$') => self.path(),
            Some(c) if starts_name(c) => Ok(match self.keyword() {
                Some(value) => Node::Literal(value),
                None => self.path()?,
            }),
            Some(c) => Err(self.error(format!(
                "unexpected `{c}`, a value or a path should stand here"
            ))),
            None => Err(self.error("a value or a path is missing at the end".to_owned())),
        }
    }

    fn keyword(&mut self) -> Option<Value> {
        let length = self
            .rest()
            .iter()
            .take_while(|c| continues_name(**c))
            .count();
        let word: String = self.rest().iter().take(length).collect();
        let value = match word.as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "null" => Value::Null,
            _ => return None,
        };
        self.at += length;
        Some(value)
    }

    fn list(&mut self) -> Result<Node, ExprError> {
        self.no_hole("list")?;
        self.expect("[")?;
        let mut items = Vec::new();
        if !self.eat("]") {
            loop {
                items.push(self.expr()?);
                if !self.eat(",") {
                    break;
                }
            }
            self.expect("]")?;
        }
        Ok(Node::List(items))
    }

    fn object(&mut self) -> Result<Node, ExprError> {
        self.no_hole("object")?;
        self.expect("{")?;
        let mut members: Vec<(Box<str>, Node)> = Vec::new();
        if !self.eat("}") {
            loop {
                self.space();
                let start = self.at;
                let key = match self.peek() {
                    Some('\'') => self.string()?,
                    _ => self.name("a key")?,
                };
                if members.iter().any(|(known, _)| **known == *key) {
                    return Err(ExprError {
                        offset: start,
                        message: format!("the key `{key}` occurs twice"),
                        hint: None,
                    });
                }
                self.expect(":")?;
                members.push((key.into(), self.expr()?));
                if !self.eat(",") {
                    break;
                }
            }
            self.expect("}")?;
        }
        Ok(Node::Object(members))
    }

    fn path(&mut self) -> Result<Node, ExprError> {
        let mut steps = Vec::new();
        let root = if self.peek() == Some('$') {
            self.at += 1;
            match self.peek() {
                Some(c) if starts_name(c) => match self.name("a name")?.as_str() {
                    "this" => Root::This,
                    "entity" => Root::Entity,
                    other => Root::Name(other.into()),
                },
                _ => Root::Body,
            }
        } else {
            let name = self.name("a path")?;
            steps.push(Step::Name(name.into(), self.args()?));
            Root::This
        };
        while let Some(step) = self.step()? {
            steps.push(step);
        }
        Ok(Node::Path(Path {
            root,
            steps: steps.into(),
        }))
    }

    fn step(&mut self) -> Result<Option<Step>, ExprError> {
        if self.eat(".") {
            self.space();
            let name = match self.peek() {
                Some('\'') => self.string()?,
                _ => self.name("the name of a step, or a quoted one,")?,
            };
            return Ok(Some(Step::Name(name.into(), self.args()?)));
        }
        if !self.eat("[") {
            return Ok(None);
        }
        if self.eat("]") {
            return Ok(Some(Step::Each));
        }
        self.space();
        let start = self.at;
        let index = match self.number()? {
            Value::Number(number) => number.as_i64(),
            _ => None,
        };
        let Some(index) = index else {
            return Err(ExprError {
                offset: start,
                message: "an index is a whole number".to_owned(),
                hint: None,
            });
        };
        self.expect("]")?;
        Ok(Some(Step::Index(index)))
    }

    fn args(&mut self) -> Result<Args, ExprError> {
        let mut args = Vec::new();
        if !self.eat("(") {
            return Ok(Box::default());
        }
        loop {
            self.space();
            let name = self.name("the name of an argument")?;
            self.expect(":")?;
            args.push((name.into(), self.arg_value()?));
            if !self.eat(",") {
                break;
            }
        }
        self.expect(")")?;
        Ok(args.into())
    }

    fn arg_value(&mut self) -> Result<ArgValue, ExprError> {
        self.space();
        match self.peek() {
            Some('$') => {
                self.at += 1;
                let root = self.name("the name of a variable")?;
                let mut members = Vec::new();
                while self.eat(".") {
                    members.push(self.name("the name of a member")?.into());
                }
                Ok(ArgValue::Variable(root.into(), members))
            }
            Some('\'') => Ok(ArgValue::Literal(Value::String(self.string()?))),
            Some('-' | '0'..='9') => self.number().map(ArgValue::Literal),
            Some('[') => self.nested(Self::arg_list),
            Some('{') => self.nested(Self::arg_object),
            Some(c) if starts_name(c) => Ok(match self.keyword() {
                Some(value) => ArgValue::Literal(value),
                None => ArgValue::Word(self.name("a value")?.into()),
            }),
            _ => Err(self.error("the value of the argument is missing".to_owned())),
        }
    }

    fn arg_list(&mut self) -> Result<ArgValue, ExprError> {
        self.expect("[")?;
        let mut items = Vec::new();
        if !self.eat("]") {
            loop {
                items.push(self.arg_value()?);
                if !self.eat(",") {
                    break;
                }
            }
            self.expect("]")?;
        }
        Ok(ArgValue::List(items))
    }

    fn arg_object(&mut self) -> Result<ArgValue, ExprError> {
        self.expect("{")?;
        let mut members = Vec::new();
        if !self.eat("}") {
            loop {
                self.space();
                let name = self.name("a key")?;
                self.expect(":")?;
                members.push((name.into(), self.arg_value()?));
                if !self.eat(",") {
                    break;
                }
            }
            self.expect("}")?;
        }
        Ok(ArgValue::Object(members))
    }

    fn string(&mut self) -> Result<String, ExprError> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            match (self.peek(), self.chars.get(self.at + 1)) {
                (Some('\''), Some('\'')) => {
                    text.push('\'');
                    self.at += 2;
                }
                (Some('\''), _) => {
                    self.at += 1;
                    return Ok(text);
                }
                (Some(c), _) => {
                    text.push(c);
                    self.at += 1;
                }
                (None, _) => {
                    return Err(ExprError {
                        offset: start,
                        message: "the text is not closed, `'` is missing".to_owned(),
                        hint: Some("a quote inside a text is written twice".to_owned()),
                    });
                }
            }
        }
    }

    fn number(&mut self) -> Result<Value, ExprError> {
        let start = self.at;
        let mut text = String::new();
        while let Some(c @ ('-' | '0'..='9')) = self.peek() {
            if c == '-' && !text.is_empty() {
                break;
            }
            text.push(c);
            self.at += 1;
        }
        if self.peek() == Some('.')
            && self
                .chars
                .get(self.at + 1)
                .is_some_and(char::is_ascii_digit)
        {
            text.push('.');
            self.at += 1;
            while let Some(c @ '0'..='9') = self.peek() {
                text.push(c);
                self.at += 1;
            }
        }
        let whole = text.parse::<i64>().map(Number::from).ok();
        let number = whole.or_else(|| text.parse::<f64>().ok().and_then(Number::from_f64));
        number.map(Value::Number).ok_or_else(|| ExprError {
            offset: start,
            message: match text.is_empty() {
                true => "a number is missing".to_owned(),
                false => format!("`{text}` is no number"),
            },
            hint: None,
        })
    }

    fn name(&mut self, what: &str) -> Result<String, ExprError> {
        if !self.peek().is_some_and(starts_name) {
            return Err(self.error(format!("{what} is missing")));
        }
        let length = self
            .rest()
            .iter()
            .take_while(|c| continues_name(**c))
            .count();
        let name = self.rest().iter().take(length).collect();
        self.at += length;
        Ok(name)
    }

    fn no_hole(&self, what: &str) -> Result<(), ExprError> {
        if !self.in_hole {
            return Ok(());
        }
        Err(ExprError {
            offset: self.at,
            message: format!("{what} literals do not stand in holes"),
            hint: Some("give it a name with `let`, and use that".to_owned()),
        })
    }

    fn nested<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, ExprError>,
    ) -> Result<T, ExprError> {
        if self.depth == MAX_DEPTH {
            return Err(ExprError {
                offset: self.at,
                message: format!("brackets nest deeper than {MAX_DEPTH}"),
                hint: None,
            });
        }
        self.depth += 1;
        let value = inner(self);
        self.depth -= 1;
        value
    }

    fn eat(&mut self, token: &str) -> bool {
        self.space();
        let length = token.chars().count();
        let found = token.chars().eq(self.rest().iter().take(length).copied());
        if found {
            self.at += length;
        }
        found
    }

    fn expect(&mut self, token: &str) -> Result<(), ExprError> {
        if self.eat(token) {
            return Ok(());
        }
        Err(self.error(match self.peek() {
            Some(c) => format!("unexpected `{c}`, `{token}` should stand here"),
            None => format!("`{token}` is missing at the end"),
        }))
    }

    fn space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn rest(&self) -> &'c [char] {
        self.chars.get(self.at..).unwrap_or_default()
    }

    fn error(&self, message: String) -> ExprError {
        ExprError {
            offset: self.at,
            message,
            hint: None,
        }
    }
}
