//! Attributes to a model. What is wrong in one attribute alone is said here, what contradicts another in `check`.
//!
//! Called by: `lib`. Calls: `parse/param`, `parse/keys`.
//! Threads: the compiler's.

use syn::{Attribute, Data, DeriveInput, Error, Expr, Fields, Ident, Path, Type, parse_quote};

use crate::errors::{Errors, quoted_list, spelled, suggestion};
use crate::model::{Field, Model, Role};

pub(crate) mod keys;
mod param;

use keys::{Key, Reader, keys_of};

/// The attributes that say what a field is.
const ROLES: &[&str] = &["param", "nested", "persist", "keep", "meter", "local"];
/// Attributes of the language, which say nothing about parameters.
const BUILT_IN: &[&str] =
    &["doc", "cfg", "cfg_attr", "allow", "expect", "warn", "deny", "forbid", "deprecated"];
/// Reads a struct. `None`: nothing could be made of it, and `errors` says why.
pub(crate) fn model(input: &DeriveInput, errors: &mut Errors) -> Option<Model> {
    let krate = krate(&input.attrs, errors);
    let Data::Struct(data) = &input.data else {
        errors.at(
            input.ident.span(),
            "`Params` is for structs; for the choices of an `EnumParam` derive `ParamEnum`",
        );
        return None;
    };
    let named = match &data.fields {
        Fields::Named(fields) => fields.named.iter().collect(),
        Fields::Unit => Vec::new(),
        Fields::Unnamed(fields) => {
            errors.push(Error::new_spanned(
                fields,
                "`Params` needs named fields: write `struct Name { field: Type }`",
            ));
            return None;
        }
    };
    let fields = named.into_iter().filter_map(|field| self::field(field, errors)).collect();
    Some(Model { krate, ident: input.ident.clone(), generics: input.generics.clone(), fields })
}

/// `#[params(crate = path)]`, or the facade.
pub(crate) fn krate(attributes: &[Attribute], errors: &mut Errors) -> Path {
    let mut krate = parse_quote!(::hotshell);
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("params")) {
        for key in keys_of(attribute, &["crate"], errors).unwrap_or_default() {
            match key.expr() {
                Ok(Expr::Path(path)) => krate = path.path,
                _ => errors.push(key.error("the path of a crate, as in `crate = my_hotshell`")),
            }
        }
    }
    krate
}

fn field(field: &syn::Field, errors: &mut Errors) -> Option<Field> {
    let ident = field.ident.clone()?;
    let attribute = role_attribute(field, &ident, errors)?;
    let role = match spelled(attribute.path()).as_str() {
        "param" => param::param(attribute, &field.ty, errors).map(|param| Role::Param(Box::new(param)))?,
        "nested" => nested(attribute, errors)?,
        "persist" => persist(attribute, errors)?,
        "keep" => Role::Keep { id: Reader::new(attribute, &["id"], errors).id(errors)? },
        "meter" => meter(attribute, errors)?,
        _ => local(attribute, errors),
    };
    Some(Field { ident, ty: field.ty.clone(), role })
}

/// The one attribute that says what the field is.
fn role_attribute<'a>(field: &'a syn::Field, ident: &Ident, errors: &mut Errors) -> Option<&'a Attribute> {
    let is_role = |attribute: &&Attribute| ROLES.iter().any(|role| attribute.path().is_ident(role));
    let mut found = field.attrs.iter().filter(is_role);
    let first = found.next();
    if let Some(second) = found.next() {
        errors.push(Error::new_spanned(
            second,
            format!("`{ident}` already has an attribute that says what it is: keep one of the two"),
        ));
    } else if first.is_none() {
        errors.push(no_role(field, ident));
    }
    first
}

fn no_role(field: &syn::Field, ident: &Ident) -> Error {
    let list = quoted_list(ROLES);
    let foreign =
        field.attrs.iter().find(|attribute| !BUILT_IN.contains(&spelled(attribute.path()).as_str()));
    let Some(attribute) = foreign else {
        let message = format!("`{ident}` needs an attribute that says what it is: one of {list}");
        return Error::new(ident.span(), message);
    };
    let name = spelled(attribute.path());
    let next = suggestion(&name, ROLES).unwrap_or_else(|| format!("a field is one of {list}"));
    Error::new_spanned(attribute, format!("unknown attribute `#[{name}]` on `{ident}`; {next}"))
}

fn local(attribute: &Attribute, errors: &mut Errors) -> Role {
    keys_of(attribute, &[], errors);
    Role::Local
}

fn nested(attribute: &Attribute, errors: &mut Errors) -> Option<Role> {
    let reader = Reader::new(attribute, &["id", "group"], errors);
    let group = reader.read("group", errors, Key::text);
    Some(Role::Nested { id: reader.id(errors)?, group })
}

fn persist(attribute: &Attribute, errors: &mut Errors) -> Option<Role> {
    let reader = Reader::new(attribute, &["id", "scope"], errors);
    let scope = reader.read("scope", errors, |key| key.word(&["project", "everywhere"]));
    Some(Role::Persist {
        id: reader.id(errors)?,
        project_only: scope.is_some_and(|scope| scope == "project"),
    })
}

fn meter(attribute: &Attribute, errors: &mut Errors) -> Option<Role> {
    let reader = Reader::new(attribute, &["id", "peak"], errors);
    let peak = reader.read("peak", errors, Key::flag).is_some();
    Some(Role::Meter { id: reader.id(errors)?, peak })
}

/// The type without the invisible brackets that macros put around it.
pub(crate) fn plain(ty: &Type) -> &Type {
    match ty {
        Type::Group(inner) => plain(&inner.elem),
        Type::Paren(inner) => plain(&inner.elem),
        _ => ty,
    }
}

#[cfg(test)]
mod tests;
