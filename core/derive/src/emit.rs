//! A model to code: one builder call a field, in the field's own place in the source, so that the compiler's own errors
//! (a wrong type, a missing trait) stand there too.
//!
//! Called by: `lib`. Calls: `model`, `choice`.
//! Threads: the compiler's. The code runs wherever a shell builds parameters.

use heck::ToTitleCase;
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, Ident, Lit, LitFloat, LitStr, PathArguments, Type, UnOp};

use crate::choice::Choices;
use crate::model::{Bypass, Field, Kind, Law, Model, Param, Range, Reach, Role, Unit};
use crate::parse::plain;

/// `impl Params` and `impl Default` of a struct.
pub(crate) fn params(model: &Model) -> TokenStream {
    let Model { krate, ident, generics, fields } = model;
    let private = quote!(#krate::__private);
    let (of, names, bounds) = generics.split_for_impl();
    let builder = Ident::new("builder", Span::mixed_site());
    let used = fields.iter().any(|field| !matches!(field.role, Role::Local));
    let argument = if used { quote!(#builder) } else { quote!(_) };
    let values = fields.iter().map(|field| {
        let name = &field.ident;
        let value = value(field, &private, &builder);
        quote!(#name: #value)
    });
    // The shell does such a bypass, so the author need not read it, and must not be warned of a dead field.
    let read =
        fields.iter().filter(|field| matches!(&field.role, Role::Param(p) if p.bypass == Bypass::Shell));
    let read = read.map(|field| &field.ident);
    let meters = fields.iter().filter_map(|field| meters(field, &private));
    // A generic struct's meters are counted when it is used.
    let limit = quote! {
        ::core::assert!(
            <#ident #names as #private::Params>::METERS <= #private::MAX_METERS,
            "a plug-in has at most 256 meter channels, those of nested structs included: take some out"
        )
    };
    let is_generic = !generics.params.is_empty();
    let (inside, outside) = if is_generic {
        (Some(quote!(const { #limit };)), None)
    } else {
        (None, Some(quote_spanned!(ident.span()=> const _: () = #limit;)))
    };
    quote! {
        #outside
        #[automatically_derived]
        impl #of #private::Params for #ident #names #bounds {
            const METERS: usize = 0 #(+ #meters)*;
            fn build(#argument: &mut #private::ParamsBuilder<'_>) -> Self {
                #inside
                let made = Self { #(#values),* };
                #(let _ = &made.#read;)*
                made
            }
        }
        #[automatically_derived]
        impl #of ::core::default::Default for #ident #names #bounds {
            fn default() -> Self {
                #private::standalone()
            }
        }
    }
}

/// How many meter channels a field has. 256 are the most:
/// ```
/// # use {hotshell_derive::Params, hotshell_logic::params::{Meter, Params}};
/// #[derive(Params)]
/// #[params(crate = hotshell_logic)]
/// struct Channel {
///     #[meter(id = "level")]
///     level: Meter<16>,
/// }
/// #[derive(Params)]
/// #[params(crate = hotshell_logic)]
/// struct Most {
///     #[nested(id = "channels")]
///     channels: [Channel; 16],
/// }
/// ```
/// and one more does not compile:
/// ```compile_fail,E0080
/// # use {hotshell_derive::Params, hotshell_logic::params::{Meter, Params}};
/// # #[derive(Params)]
/// # #[params(crate = hotshell_logic)]
/// # struct Channel {
/// #     #[meter(id = "level")]
/// #     level: Meter<16>,
/// # }
/// #[derive(Params)]
/// #[params(crate = hotshell_logic)]
/// struct TooMany {
///     #[nested(id = "channels")]
///     channels: [Channel; 16],
///     #[meter(id = "out")]
///     out: Meter<1>,
/// }
/// ```
fn meters(field: &Field, private: &TokenStream) -> Option<TokenStream> {
    let ty = plain(&field.ty);
    match &field.role {
        Role::Meter { .. } => channels(ty),
        Role::Nested { .. } => Some(match ty {
            Type::Array(array) => {
                let (inner, length) = (&array.elem, &array.len);
                quote!(<#inner as #private::Params>::METERS * (#length))
            }
            _ => quote!(<#ty as #private::Params>::METERS),
        }),
        _ => None,
    }
}

/// The `N` of `Meter<N>`; nothing if the type has another form, which the builder's call then reports.
fn channels(ty: &Type) -> Option<TokenStream> {
    let Type::Path(path) = ty else { return None };
    let PathArguments::AngleBracketed(arguments) = &path.path.segments.last()?.arguments else { return None };
    let channels = arguments.args.first()?;
    Some(quote!(#channels))
}

/// In place of the code of a struct with errors, so that they are not followed by "`Params` is not implemented".
pub(crate) fn params_in_error(model: &Model) -> TokenStream {
    let Model { krate, ident, generics, .. } = model;
    let (of, names, bounds) = generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #of #krate::__private::Params for #ident #names #bounds {
            fn build(_: &mut #krate::__private::ParamsBuilder<'_>) -> Self {
                ::core::unreachable!()
            }
        }
        #[automatically_derived]
        impl #of ::core::default::Default for #ident #names #bounds {
            fn default() -> Self {
                ::core::unreachable!()
            }
        }
    }
}

/// `impl ParamEnum` of an enum.
pub(crate) fn choices(choices: &Choices) -> TokenStream {
    let Choices { krate, ident, choices } = choices;
    let private = quote!(#krate::__private);
    let idents: Vec<&Ident> = choices.iter().map(|choice| &choice.ident).collect();
    let variants = choices.iter().map(|choice| {
        let (id, name) = (&choice.id, &choice.name);
        quote!(#private::Variant { id: #id, name: #name })
    });
    let indices: Vec<syn::Index> = (0..idents.len()).map(syn::Index::from).collect();
    quote! {
        #[automatically_derived]
        impl #private::ParamEnum for #ident {
            const VARIANTS: &'static [#private::Variant] = &[#(#variants),*];
            fn index(self) -> usize {
                match self { #(Self::#idents => #indices),* }
            }
            fn from_index(index: usize) -> ::core::option::Option<Self> {
                ::core::option::Option::Some(match index {
                    #(#indices => Self::#idents,)*
                    _ => return ::core::option::Option::None,
                })
            }
        }
    }
}

/// In place of the code of an enum with errors.
pub(crate) fn choices_in_error(choices: &Choices) -> TokenStream {
    let Choices { krate, ident, .. } = choices;
    quote! {
        #[automatically_derived]
        impl #krate::__private::ParamEnum for #ident {
            const VARIANTS: &'static [#krate::__private::Variant] = &[];
            fn index(self) -> usize {
                0
            }
            fn from_index(_: usize) -> ::core::option::Option<Self> {
                ::core::option::Option::None
            }
        }
    }
}

/// The expression that makes one field.
fn value(field: &Field, private: &TokenStream, builder: &Ident) -> TokenStream {
    let at = field.ty.span();
    match &field.role {
        Role::Param(param) => {
            let spec = spec(param, private);
            let call = match param.kind {
                Kind::Float => quote_spanned!(at=> #builder.float),
                Kind::Int => quote_spanned!(at=> #builder.int),
                Kind::Bool => quote_spanned!(at=> #builder.bool),
                Kind::Enum => quote_spanned!(at=> #builder.enumeration),
            };
            quote_spanned!(at=> #call(#spec))
        }
        Role::Nested { id, group } => {
            let group = option(group.as_ref());
            let call = match plain(&field.ty) {
                Type::Array(_) => quote_spanned!(at=> #builder.nested_array),
                _ => quote_spanned!(at=> #builder.nested),
            };
            quote_spanned!(at=> #call(#id, #group))
        }
        Role::Persist { id, project_only: false } => {
            quote_spanned!(at=> #builder.persist(#private::PersistSpec::new(#id)))
        }
        Role::Persist { id, project_only: true } => {
            quote_spanned!(at=> #builder.persist(#private::PersistSpec { id: #id, scope: #private::Scope::Project }))
        }
        Role::Keep { id } => quote_spanned!(at=> #builder.keep(#id)),
        Role::Meter { id, peak } => {
            quote_spanned!(at=> #builder.meter(#private::MeterSpec { id: #id, peak: #peak }))
        }
        Role::Local => quote_spanned!(at=> ::core::default::Default::default()),
    }
}

/// `FloatSpec { key: value, ..FloatSpec::new(id, name) }` and the like.
fn spec(param: &Param, private: &TokenStream) -> TokenStream {
    let id = &param.id;
    let otherwise = match (param.bypass, id.value().to_title_case()) {
        (Bypass::Shell | Bypass::Manual, _) => "Bypass".to_owned(),
        (Bypass::No, words) if words.is_empty() => id.value(),
        (Bypass::No, words) => words,
    };
    let name = param.name.clone().unwrap_or_else(|| LitStr::new(&otherwise, id.span()));
    let (spec, start) = match param.kind {
        Kind::Float => (quote!(#private::FloatSpec), quote!(#id, #name)),
        Kind::Int => (quote!(#private::IntSpec), quote!(#id, #name)),
        Kind::Bool => (quote!(#private::BoolSpec), quote!(#id, #name)),
        Kind::Enum => {
            let default =
                param.default.as_ref().map_or_else(|| first_choice(private), |choice| quote!(#choice));
            (quote!(#private::EnumSpec), quote!(#id, #name, #default))
        }
    };
    let keys = keys(param, private);
    if keys.is_empty() {
        return quote!(#spec::new(#start));
    }
    quote!(#spec { #(#keys,)* ..#spec::new(#start) })
}

/// The first variant, of whatever enum the field has: `derive(ParamEnum)` refuses one without variants.
fn first_choice(private: &TokenStream) -> TokenStream {
    quote! {
        match #private::ParamEnum::from_index(0) {
            ::core::option::Option::Some(first) => first,
            ::core::option::Option::None => ::core::unreachable!("an enum parameter has at least one variant"),
        }
    }
}

fn option(text: Option<&LitStr>) -> TokenStream {
    text.map_or_else(
        || quote!(::core::option::Option::None),
        |text| quote!(::core::option::Option::Some(#text)),
    )
}

/// The keys that differ from the spec's start.
fn keys(param: &Param, private: &TokenStream) -> Vec<TokenStream> {
    let mut keys = Vec::new();
    if !param.was.is_empty() {
        let was = &param.was;
        keys.push(quote!(was: &[#(#was),*]));
    }
    if let Some(group) = &param.group {
        let group = option(Some(group));
        keys.push(quote!(group: #group));
    }
    if let Some(page) = &param.page {
        let page = option(Some(page));
        keys.push(quote!(page: #page));
    }
    match &param.unit {
        None => {}
        Some(Unit::Known(variant)) => keys.push(quote!(unit: #private::Unit::#variant)),
        Some(Unit::Text(text)) => keys.push(quote!(unit: #private::Unit::Named(#text))),
    }
    if let Some(range) = &param.range {
        keys.push(self::range(param.kind, range, private));
    }
    if let Some(default) = param.default.as_ref().filter(|_| param.kind != Kind::Enum) {
        let default = number(param.kind, default);
        keys.push(quote!(default: #default));
    }
    if let Some(smooth) = &param.smooth {
        let (law, milliseconds) = (&smooth.law, number(Kind::Float, &smooth.milliseconds));
        keys.push(quote!(smooth: #private::Smoothing::#law(#milliseconds)));
    }
    if let Some(text) = &param.text {
        keys.push(quote!(text: ::core::option::Option::Some(#private::TextFns::of::<#text>())));
    }
    keys.extend(flags(param, private));
    keys
}

fn range(kind: Kind, range: &Range, private: &TokenStream) -> TokenStream {
    let (min, max) = (number(kind, &range.min), number(kind, &range.max));
    if kind == Kind::Int {
        return quote!(min: #min, max: #max);
    }
    let range = match &range.law {
        Law::Linear => quote!(Linear { min: #min, max: #max }),
        Law::Log => quote!(Log { min: #min, max: #max }),
        Law::Skewed(exponent) => {
            let exponent = number(kind, exponent);
            quote!(Skewed { min: #min, max: #max, exponent: #exponent })
        }
    };
    quote!(range: #private::FloatRange::#range)
}

/// `value` as it is, but `-60` as `-60.0` where a fraction belongs.
fn number(kind: Kind, value: &Expr) -> TokenStream {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Int(int), .. }) if kind == Kind::Float && int.suffix().is_empty() => {
            let float = LitFloat::new(&format!("{}.0", int.base10_digits()), int.span());
            quote!(#float)
        }
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => {
            let (minus, value) = (&unary.op, number(kind, &unary.expr));
            quote!(#minus #value)
        }
        _ => quote!(#value),
    }
}

fn flags(param: &Param, private: &TokenStream) -> Option<TokenStream> {
    let start = match param.automatable {
        Reach::No => "NONE",
        Reach::Mono => "AUTOMATABLE",
        Reach::Poly => "AUTOMATABLE_PER_NOTE",
    };
    let more = [
        (param.modulatable == Reach::Mono, "MODULATABLE"),
        (param.modulatable == Reach::Poly, "MODULATABLE_PER_NOTE"),
        (param.hidden, "HIDDEN"),
        (param.read_only, "READ_ONLY"),
        (param.bypass == Bypass::Shell, "BYPASS"),
        (param.bypass == Bypass::Manual, "MANUAL_BYPASS"),
        (param.no_split, "NO_SPLIT"),
        (param.periodic, "PERIODIC"),
    ];
    let more: Vec<Ident> =
        more.iter().filter(|(on, _)| *on).map(|(_, flag)| Ident::new(flag, Span::mixed_site())).collect();
    if more.is_empty() && param.automatable == Reach::Mono {
        return None;
    }
    let start = Ident::new(start, Span::mixed_site());
    Some(quote!(flags: #private::ParamFlags::#start #(.with(#private::ParamFlags::#more))*))
}
