//! The inside of one attribute: `key`, `key = value`, separated by commas; and the readers of single values.
//!
//! Called by: `parse`, `choice`. Calls: `errors`.
//! Threads: the compiler's.

use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{
    Attribute, Error, Expr, ExprLit, Ident, Lit, LitBool, LitStr, Meta, Result, Token, Type, ext::IdentExt,
};

use crate::errors::{Errors, quoted_list, spelled, suggestion};

/// One `key` or `key = value`.
pub(crate) struct Key {
    pub(crate) name: Ident,
    pub(crate) value: Value,
}

/// What stands right of the `=`.
pub(crate) enum Value {
    /// Nothing: a flag.
    Flag,
    Expr(Expr),
    Type(Type),
}

impl Parse for Key {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let name = input.call(Ident::parse_any)?;
        if !input.peek(Token![=]) {
            return Ok(Self { name, value: Value::Flag });
        }
        input.parse::<Token![=]>()?;
        let value = if name == "text" { Value::Type(input.parse()?) } else { Value::Expr(input.parse()?) };
        Ok(Self { name, value })
    }
}

/// Splits `attribute` into keys. Keys that are not in `known` and keys given twice are reported and left out.
/// `None`: the attribute does not read at all.
pub(crate) fn keys_of(attribute: &Attribute, known: &[&str], errors: &mut Errors) -> Option<Vec<Key>> {
    let parsed = match &attribute.meta {
        Meta::Path(_) => Ok(Punctuated::new()),
        Meta::List(list) => list.parse_args_with(Punctuated::<Key, Token![,]>::parse_terminated),
        Meta::NameValue(pair) => {
            let path = spelled(&pair.path);
            Err(Error::new_spanned(pair, format!("write the keys in parentheses: `#[{path}(key = value)]`")))
        }
    };
    let mut kept: Vec<Key> = Vec::new();
    for key in errors.keep(parsed)? {
        let name = key.name.to_string();
        if !known.contains(&name.as_str()) {
            let attr = spelled(attribute.path());
            let next = suggestion(&name, known).unwrap_or_else(|| match known {
                [] => "it takes no keys".to_owned(),
                _ => format!("it knows {}", quoted_list(known)),
            });
            errors.push(Error::new(key.name.span(), format!("`#[{attr}]` has no key `{name}`; {next}")));
        } else if kept.iter().any(|other| other.name == key.name) {
            errors.push(Error::new(key.name.span(), format!("`{name}` is given twice; keep one")));
        } else {
            kept.push(key);
        }
    }
    Some(kept)
}

/// The keys of one attribute, found by name.
pub(crate) struct Reader<'a> {
    attribute: &'a Attribute,
    pub(crate) keys: Vec<Key>,
    /// It was reported as a whole: what it lacks is no news.
    is_broken: bool,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(attribute: &'a Attribute, known: &[&str], errors: &mut Errors) -> Self {
        let keys = keys_of(attribute, known, errors);
        Self { attribute, is_broken: keys.is_none(), keys: keys.unwrap_or_default() }
    }

    /// The value of the key `name`, if it is there and reads.
    pub(crate) fn read<T>(
        &self,
        name: &str,
        errors: &mut Errors,
        read: impl FnOnce(&Key) -> Result<T>,
    ) -> Option<T> {
        let key = self.keys.iter().find(|key| key.name == name)?;
        errors.keep(read(key))
    }

    /// The id, which every attribute but `#[local]` has.
    pub(crate) fn id(&self, errors: &mut Errors) -> Option<LitStr> {
        if !self.is_broken && !self.keys.iter().any(|key| key.name == "id") {
            let attribute = spelled(self.attribute.path());
            let message =
                format!("`id` is missing: write `#[{attribute}(id = \"...\")]`; it must never change");
            errors.push(Error::new_spanned(self.attribute, message));
        }
        self.read("id", errors, Key::text)
    }
}

impl Key {
    fn wrong(&self, want: &str) -> Error {
        let message = format!("`{}` wants {want}", self.name);
        match &self.value {
            Value::Flag => Error::new(self.name.span(), message),
            Value::Expr(value) => Error::new_spanned(value, message),
            Value::Type(value) => Error::new_spanned(value, message),
        }
    }

    /// A flag without value.
    pub(crate) fn flag(&self) -> Result<bool> {
        match &self.value {
            Value::Flag => Ok(true),
            _ => Err(self.wrong(&format!("no value: write `{}` alone, or leave it out", self.name))),
        }
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&self) -> Result<bool> {
        match &self.value {
            Value::Expr(Expr::Lit(ExprLit { lit: Lit::Bool(LitBool { value, .. }), .. })) => Ok(*value),
            _ => Err(self.wrong(&format!("`true` or `false`, as in `{} = false`", self.name))),
        }
    }

    /// A string in quotes.
    pub(crate) fn text(&self) -> Result<LitStr> {
        match &self.value {
            Value::Expr(Expr::Lit(ExprLit { lit: Lit::Str(text), .. })) => Ok(text.clone()),
            _ => Err(self.wrong(&format!("text in quotes, as in `{} = \"...\"`", self.name))),
        }
    }

    /// A list of strings in quotes.
    pub(crate) fn texts(&self) -> Result<Vec<LitStr>> {
        let wrong = || self.wrong(&format!("a list of texts, as in `{} = [\"old\"]`", self.name));
        let Value::Expr(Expr::Array(array)) = &self.value else { return Err(wrong()) };
        let text = |element: &Expr| match element {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Ok(text.clone()),
            _ => Err(wrong()),
        };
        array.elems.iter().map(text).collect()
    }

    /// One of `words`, without quotes.
    pub(crate) fn word(&self, words: &[&str]) -> Result<String> {
        let want = || match words {
            [word] => format!("`{word}`, or no value"),
            _ => format!("one of {}", quoted_list(words)),
        };
        match self.name_value() {
            Some(word) if words.contains(&word.as_str()) => Ok(word),
            Some(word) => {
                Err(self
                    .wrong(&suggestion(&word, words).map_or_else(want, |next| format!("{}; {next}", want()))))
            }
            None => Err(self.wrong(&want())),
        }
    }

    /// The value, if it is one bare word.
    pub(crate) fn name_value(&self) -> Option<String> {
        match &self.value {
            Value::Expr(Expr::Path(path)) => path.path.get_ident().map(Ident::to_string),
            _ => None,
        }
    }

    /// Any expression.
    pub(crate) fn expr(&self) -> Result<Expr> {
        match &self.value {
            Value::Expr(value) => Ok(value.clone()),
            _ => Err(self.wrong(&format!("a value, as in `{} = ...`", self.name))),
        }
    }

    /// A type.
    pub(crate) fn ty(&self) -> Result<Type> {
        match &self.value {
            Value::Type(value) => Ok(value.clone()),
            _ => Err(self.wrong("the name of a type that formats and parses, as in `text = GainText`")),
        }
    }

    /// `name(arguments)`, as `linear(0.0..=1.0)`.
    pub(crate) fn call(&self) -> Option<(String, Vec<Expr>)> {
        let Value::Expr(Expr::Call(call)) = &self.value else { return None };
        let Expr::Path(function) = &*call.func else { return None };
        Some((function.path.get_ident()?.to_string(), call.args.iter().cloned().collect()))
    }

    /// An error about this key's value.
    pub(crate) fn error(&self, want: &str) -> Error {
        self.wrong(want)
    }
}

/// A number written out: `0.5`, `-60`, `(1.0)`.
pub(crate) fn literal(value: &Expr) -> Option<f64> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Float(number), .. }) => number.base10_parse().ok(),
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => number.base10_parse().ok(),
        Expr::Unary(unary) if matches!(unary.op, syn::UnOp::Neg(_)) => {
            literal(&unary.expr).map(|number| -number)
        }
        Expr::Paren(inner) => literal(&inner.expr),
        Expr::Group(inner) => literal(&inner.expr),
        _ => None,
    }
}
