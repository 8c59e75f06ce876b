//! `#[derive(ParamEnum)]`: the choices of an enum parameter, with ids that state and automation keep.
//!
//! Called by: `lib`. Calls: `parse/keys`, `check`.
//! Threads: the compiler's.

use std::collections::HashMap;

use heck::{ToKebabCase, ToTitleCase};
use syn::ext::IdentExt;
use syn::{Data, DataEnum, DeriveInput, Error, Fields, Ident, LitStr, Path, Variant};

use crate::check::check_id;
use crate::errors::Errors;
use crate::parse::keys::{Key, keys_of};

/// An enum that derives `ParamEnum`.
pub(crate) struct Choices {
    pub(crate) krate: Path,
    pub(crate) ident: Ident,
    pub(crate) choices: Vec<Choice>,
}

/// One variant.
pub(crate) struct Choice {
    pub(crate) ident: Ident,
    pub(crate) id: LitStr,
    pub(crate) name: LitStr,
}

/// Reads and checks an enum. `None`: nothing could be made of it, and `errors` says why.
pub(crate) fn choices(input: &DeriveInput, errors: &mut Errors) -> Option<Choices> {
    let krate = crate::parse::krate(&input.attrs, errors);
    let Data::Enum(DataEnum { variants, .. }) = &input.data else {
        errors.at(input.ident.span(), "`ParamEnum` is for enums; for a struct of parameters derive `Params`");
        return None;
    };
    if variants.is_empty() {
        errors.at(input.ident.span(), "an enum parameter needs at least one variant to choose: add one");
        return None;
    }
    if !input.generics.params.is_empty() {
        errors.push(Error::new_spanned(
            &input.generics,
            "the choices of a parameter are fixed: take the generics out",
        ));
        return None;
    }
    let choices: Vec<Choice> = variants.iter().filter_map(|variant| choice(variant, errors)).collect();
    check_unique(&choices, errors);
    Some(Choices { krate, ident: input.ident.clone(), choices })
}

fn choice(variant: &Variant, errors: &mut Errors) -> Option<Choice> {
    if !matches!(variant.fields, Fields::Unit) {
        let message = "a choice carries no fields: keep them in a parameter of their own";
        errors.push(Error::new_spanned(&variant.fields, message));
        return None;
    }
    let mut keys = Vec::new();
    for attribute in variant.attrs.iter().filter(|attribute| attribute.path().is_ident("variant")) {
        keys.extend(keys_of(attribute, &["id", "name"], errors).unwrap_or_default());
    }
    let plain = variant.ident.unraw().to_string();
    let mut read = |name: &str, otherwise: String| {
        let key = keys.iter().find(|key| key.name == name);
        let written = key.and_then(|key| errors.keep(Key::text(key)));
        written.unwrap_or_else(|| LitStr::new(&otherwise, variant.ident.span()))
    };
    let id = read("id", plain.to_kebab_case());
    let name = read("name", plain.to_title_case());
    check_id(&id, errors);
    if name.value().trim().is_empty() {
        errors.at(name.span(), "a choice needs a name that a user can read");
    }
    Some(Choice { ident: variant.ident.clone(), id, name })
}

/// Ids decide what a saved state means, names what a typed text means.
fn check_unique(choices: &[Choice], errors: &mut Errors) {
    let mut ids: HashMap<String, &Ident> = HashMap::new();
    let mut names: HashMap<String, &Ident> = HashMap::new();
    for Choice { ident, id, name } in choices {
        if let Some(other) = ids.insert(id.value(), ident) {
            let message = format!(
                "the id `{}` is `{other}`'s already: give one of them `#[variant(id = \"...\")]`",
                id.value()
            );
            errors.at(id.span(), message);
        }
        if let Some(other) = names.insert(name.value().to_lowercase(), ident) {
            let message = format!(
                "the name \"{}\" is `{other}`'s already, and a user could not tell them apart: give one of them \
                 `#[variant(name = \"...\")]`",
                name.value()
            );
            errors.at(name.span(), message);
        }
    }
}
