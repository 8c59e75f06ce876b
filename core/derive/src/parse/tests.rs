//! Refusals that the compiler would add words of its own to; the others stand in `tests/refuse`.

use quote::quote;

use super::model;
use crate::errors::Errors;

fn refusals(input: proc_macro2::TokenStream) -> String {
    let mut errors = Errors::default();
    model(&syn::parse2(input).unwrap(), &mut errors);
    errors.into_tokens().unwrap_or_default().to_string()
}

#[test]
fn attributes_that_are_none_of_ours_are_named_with_the_ones_that_are() {
    let near = refusals(quote!(
        struct S {
            #[parm(id = "x")]
            x: FloatParam,
        }
    ));
    assert!(near.contains("unknown attribute `#[parm]` on `x`; did you mean `param`?"), "{near}");
    let far = refusals(quote!(
        struct S {
            #[stream(id = "x", frames = 16_384)]
            x: Stream,
        }
    ));
    let list = "`param`, `nested`, `persist`, `keep`, `meter` and `local`";
    assert!(
        far.contains(&format!("unknown attribute `#[stream]` on `x`; a field is one of {list}")),
        "{far}"
    );
}

#[test]
fn attributes_of_the_language_and_of_other_derives_stay_unmentioned() {
    let fine = quote!(
        struct S {
            #[doc = "x"]
            #[cfg(unix)]
            #[serde(skip)]
            #[param(id = "x")]
            x: FloatParam,
        }
    );
    assert_eq!(refusals(fine), "");
}
