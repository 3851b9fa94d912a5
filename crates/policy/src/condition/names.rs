//! What a condition speaks of.

use cel::Program;
use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SelectExpr};

use super::{Fault, MAX_NESTING, VARIABLES};
use crate::notes::short;
use crate::suggestion::{did_you_mean, nearest, one_of};

/// Functions a condition can call; operators are not among them, macros are gone by now.
const FUNCTIONS: [&str; 11] = [
    "startsWith",
    "endsWith",
    "contains",
    "matches",
    "size",
    "int",
    "uint",
    "double",
    "string",
    "bytes",
    "dyn",
];

/// Macros, for suggestions.
const MACROS: [&str; 6] = ["has", "all", "exists", "exists_one", "map", "filter"];

/// Loops (`all`, `exists`, …) within each other: two over the longest text take some ten thousand steps.
const MAX_LOOPS: usize = 2;

/// Everything a condition speaks of and should not.
pub(super) fn faults(program: &Program, text: &str) -> Vec<Fault> {
    let mut walk = Walk { program, text, scope: Vec::new(), faults: Vec::new(), loops: 0, depth: 0 };
    walk.expression(program.expression());
    walk.faults
}

struct Walk<'p> {
    program: &'p Program,
    text: &'p str,
    /// Variables of the loops around.
    scope: Vec<&'p str>,
    faults: Vec<Fault>,
    loops: usize,
    depth: usize,
}

/// Names of what stands before the dot.
const ROOTS: [&str; 2] = ["request", "caller"];

fn fields(root: &str) -> impl Iterator<Item = &'static str> {
    VARIABLES.iter().filter_map(move |(name, _)| {
        name.split_once('.').filter(|(first, _)| *first == root).map(|(_, field)| field)
    })
}

impl<'p> Walk<'p> {
    fn fault(&mut self, expression: &IdedExpr, message: impl Into<String>, hint: Option<String>) {
        let at = match self.program.source_info().offset_for(expression.id) {
            Some((start, stop)) => start as usize..(stop as usize + 1).min(self.text.len()),
            None => 0..self.text.len(),
        };
        let fault = Fault { at, message: message.into(), hint };
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    fn expression(&mut self, expression: &'p IdedExpr) {
        self.depth += 1;
        if self.depth > MAX_NESTING {
            // Once is enough, and what is below is not looked at.
            if self.depth == MAX_NESTING + 1 && self.faults.is_empty() {
                let message = format!("more than {MAX_NESTING} operators and calls within each other");
                self.fault(
                    expression,
                    message,
                    Some("`in [a, b, c]` takes the place of many `||`".to_owned()),
                );
            }
        } else {
            self.inside(expression);
        }
        self.depth -= 1;
    }

    fn inside(&mut self, expression: &'p IdedExpr) {
        match &expression.expr {
            Expr::Ident(name) => self.name(expression, name),
            Expr::Select(select) => self.select(expression, select),
            Expr::Call(call) => self.call(expression, call),
            Expr::Comprehension(each) => self.comprehension(expression, each),
            Expr::List(list) => list.elements.iter().for_each(|element| self.expression(element)),
            Expr::Map(map) => map.entries.iter().for_each(|entry| self.entry(&entry.expr)),
            Expr::Struct(made) => {
                let message = format!("there is no type `{}`", short(&made.type_name));
                self.fault(expression, message, None);
            }
            Expr::Literal(_) | Expr::Unspecified => {}
        }
    }

    fn entry(&mut self, entry: &'p EntryExpr) {
        match entry {
            EntryExpr::MapEntry(entry) => {
                self.expression(&entry.key);
                self.expression(&entry.value);
            }
            EntryExpr::StructField(field) => self.expression(&field.value),
        }
    }

    /// A name that stands alone.
    fn name(&mut self, expression: &IdedExpr, name: &str) {
        if name.starts_with('@') || self.scope.contains(&name) {
            return;
        }
        let root = name.trim_start_matches('.');
        if ROOTS.contains(&root) {
            let message = format!("`{root}` is not a value");
            let each: Vec<String> = fields(root).map(|field| format!("{root}.{field}")).collect();
            self.fault(
                expression,
                message,
                Some(format!("name one of {}", one_of(each.iter().map(String::as_str)))),
            );
            return;
        }
        let whole = |field: &str| {
            VARIABLES.iter().map(|(name, _)| *name).find(|name| name.split('.').nth(1) == Some(field))
        };
        let hint = whole(root)
            .map(|variable| format!("did you mean `{variable}`?"))
            .or_else(|| did_you_mean(root, ROOTS))
            .unwrap_or_else(|| format!("known are {}", one_of(VARIABLES.map(|(name, _)| name))));
        self.fault(expression, format!("there is no variable `{}`", short(name)), Some(hint));
    }

    fn select(&mut self, expression: &'p IdedExpr, select: &'p SelectExpr) {
        let Some(root) = self.root(&select.operand) else {
            if let Some(variable) = self.variable(&select.operand).filter(|name| !is_map(name)) {
                let message = format!("`{variable}` is a string and has no `{}`", short(&select.field));
                self.fault(expression, message, None);
                return;
            }
            self.expression(&select.operand);
            return;
        };
        if !fields(root).any(|field| field == select.field) {
            let near =
                nearest(&select.field, fields(root)).map(|near| format!("did you mean `{root}.{near}`?"));
            let hint = near.unwrap_or_else(|| format!("it has {}", one_of(fields(root))));
            let message = format!("`{root}` has no `{}`", short(&select.field));
            self.fault(&select.operand, message, Some(hint));
        }
    }

    /// `request` or `caller`, unless a loop has taken the name.
    fn root(&self, expression: &IdedExpr) -> Option<&'static str> {
        let Expr::Ident(name) = &expression.expr else { return None };
        let plain = name.trim_start_matches('.');
        ROOTS.into_iter().find(|root| *root == plain && !self.scope.contains(root))
    }

    /// One of [`VARIABLES`].
    fn variable(&self, expression: &IdedExpr) -> Option<&'static str> {
        let Expr::Select(select) = &expression.expr else { return None };
        let root = self.root(&select.operand)?;
        VARIABLES
            .iter()
            .map(|(name, _)| *name)
            .find(|name| name.split_once('.') == Some((root, select.field.as_str())))
    }

    fn call(&mut self, expression: &'p IdedExpr, call: &'p CallExpr) {
        let name = call.func_name.as_str();
        let operator = !name.starts_with(|c: char| c.is_ascii_alphabetic());
        if !operator && !FUNCTIONS.contains(&name) {
            let hint = did_you_mean(name, FUNCTIONS.into_iter().chain(MACROS))
                .unwrap_or_else(|| format!("known are {}", one_of(FUNCTIONS.into_iter().chain(MACROS))));
            self.fault(expression, format!("there is no function `{}`", short(name)), Some(hint));
        }
        if name == "matches" {
            self.own_pattern(expression, call);
        }
        if self.header_with_dashes(call) || self.header_in_capitals(call) {
            return;
        }
        for part in call.target.as_deref().into_iter().chain(&call.args) {
            self.expression(part);
        }
    }

    /// A pattern out of the call would be the caller's to choose, and some take long.
    fn own_pattern(&mut self, expression: &IdedExpr, call: &CallExpr) {
        let own = |part: &IdedExpr| matches!(part.expr, Expr::Literal(LiteralValue::String(_)));
        if !call.args.last().is_some_and(own) {
            let message = "the pattern of `matches` must be written here";
            self.fault(
                expression,
                message,
                Some("a pattern out of the call is the caller's to choose".to_owned()),
            );
        }
    }

    /// `request.headers.x-team` is a subtraction to CEL.
    fn header_with_dashes(&mut self, call: &'p CallExpr) -> bool {
        let ("_-_", [left, right]) = (call.func_name.as_str(), &*call.args) else { return false };
        let (Expr::Select(select), Expr::Ident(name)) = (&left.expr, &right.expr) else { return false };
        if self.variable(&select.operand) != Some("request.headers") {
            return false;
        }
        let hint = format!("write `request.headers[\"{}-{}\"]`", short(&select.field), short(name));
        self.fault(right, format!("there is no variable `{}`", short(name)), Some(hint));
        true
    }

    /// Names of header fields are in lower case.
    fn header_in_capitals(&mut self, call: &'p CallExpr) -> bool {
        let ("_[_]", [left, right]) = (call.func_name.as_str(), &*call.args) else { return false };
        let Expr::Literal(LiteralValue::String(name)) = &right.expr else { return false };
        let lower = name.inner().to_ascii_lowercase();
        if self.variable(left) != Some("request.headers") || lower == name.inner() {
            return false;
        }
        let hint = format!("write `request.headers[\"{}\"]`", short(&lower));
        self.fault(right, "names of header fields are in lower case here", Some(hint));
        true
    }

    fn comprehension(&mut self, expression: &'p IdedExpr, each: &'p ComprehensionExpr) {
        self.expression(&each.iter_range);
        self.loops += 1;
        if self.loops > MAX_LOOPS {
            self.fault(expression, format!("more than {MAX_LOOPS} loops within each other"), None);
        } else {
            let before = self.scope.len();
            self.scope.extend([each.iter_var.as_str(), each.accu_var.as_str()]);
            self.scope.extend(each.iter_var2.as_deref());
            for part in [&each.accu_init, &each.loop_cond, &each.loop_step, &each.result] {
                self.expression(part);
            }
            self.scope.truncate(before);
        }
        self.loops -= 1;
    }
}

fn is_map(variable: &str) -> bool {
    matches!(variable, "request.query" | "request.headers")
}
