//! Unions: an enumeration each, converted by the rules of Web IDL.

use std::collections::BTreeMap;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use crate::model::{Member, MemberKind, Model, Type};

/// The place of the step that takes what can be iterated over.
pub(crate) const ITERABLE: u8 = 5;

/// The place of the first step that takes a value of any type.
pub(crate) const FALLBACK: u8 = 20;

impl Model {
    /// Every union that is used.
    fn unions(&self) -> BTreeMap<String, Type> {
        let mut found = BTreeMap::new();
        let members = self.interfaces.values().chain(self.namespaces.values());
        for member in members.flat_map(|interface| &interface.members) {
            for type_ in types_of(member) {
                self.collect(type_, &mut found);
            }
        }
        for dictionary in self.dictionaries.values() {
            for member in &dictionary.members {
                self.collect(&member.type_, &mut found);
            }
        }
        found
    }

    fn collect(&self, type_: &Type, found: &mut BTreeMap<String, Type>) {
        match self.resolve(type_) {
            Type::Sequence(inner)
            | Type::Nullable(inner)
            | Type::Promise(inner)
            | Type::FrozenArray(inner) => {
                self.collect(&inner, found);
            }
            Type::Record(key, value) => {
                self.collect(&key, found);
                self.collect(&value, found);
            }
            union @ Type::Union { .. } => {
                let name = self.union_name(&union).to_string();
                let Type::Union { members, .. } = &union else {
                    unreachable!()
                };
                for member in members {
                    self.collect(member, found);
                }
                found.insert(name, union);
            }
            _ => {}
        }
    }

    /// The enumerations of all unions.
    pub(crate) fn emit_unions(&self) -> TokenStream {
        let unions = self.unions();
        let unions = unions.iter().map(|(name, type_)| self.emit_union(name, type_));
        quote!(#(#unions)*)
    }

    /// The conditions under which `value` is taken for one of this type, each with its place in the order of the steps of the
    /// specification, which unions and overloads have in common. From [`FALLBACK`] on a value of any type is converted.
    pub(crate) fn checks(&self, type_: &Type) -> Vec<(u8, TokenStream)> {
        let mut checks = Vec::new();
        let plain = match type_ {
            Type::Nullable(inner) => {
                checks.push((0, quote!(value.is_nullish())));
                inner
            }
            type_ => type_,
        };
        let is_object = quote!(value.kind() == Type::Object);
        match plain {
            Type::Undefined => checks.push((0, quote!(value.is_undefined()))),
            Type::Named(name) if self.dictionaries.contains_key(name) => {
                checks.push((1, quote!(value.is_nullish())));
                checks.push((6, is_object));
            }
            Type::Named(name) if self.enums.contains_key(name) => checks.push((FALLBACK, quote!(true))),
            Type::Named(name)
                if self.callbacks.contains_key(name) || self.callback_interfaces.contains_key(name) =>
            {
                checks.push((4, quote!(value.is_callable())));
            }
            Type::Named(_) | Type::Buffer(_) | Type::Promise(_) => {
                let rust = self.rust_type(plain);
                checks.push((2, quote!(<#rust as FromJs<'js>>::is_exactly(cx, value))));
            }
            // Not a condition, but the method `Symbol.iterator`: the conversion goes on with it.
            Type::Sequence(_) | Type::FrozenArray(_) => {
                checks.push((ITERABLE, quote!(iterator_method(cx, value)?)));
            }
            Type::Record(..) | Type::Object => checks.push((6, is_object)),
            Type::Boolean => {
                checks.push((10, quote!(value.as_bool().is_some())));
                checks.push((FALLBACK + 2, quote!(true)));
            }
            Type::Integer { .. } | Type::Float { .. } => {
                checks.push((11, quote!(value.as_number().is_some())));
                checks.push((FALLBACK + 1, quote!(true)));
            }
            Type::ByteString | Type::DomString { .. } | Type::UsvString => {
                checks.push((FALLBACK, quote!(true)));
            }
            Type::Any => checks.push((FALLBACK + 3, quote!(true))),
            Type::Union { members, .. } => {
                for member in members {
                    checks.extend(self.checks(member));
                }
            }
            Type::Nullable(_) => panic!("a nullable type is not nullable again"),
        }
        checks
    }

    /// <https://webidl.spec.whatwg.org/#js-union>
    fn emit_union(&self, name: &str, type_: &Type) -> TokenStream {
        let Type::Union { members, .. } = type_ else {
            unreachable!()
        };
        let ident = format_ident!("{name}");
        let generics = self.has_lifetime(type_).then(|| quote!(<'js>));
        let mut variants = Vec::new();
        let mut to_js = Vec::new();
        let mut checks: Vec<(u8, TokenStream)> = Vec::new();
        let mut from_iterable = None;
        for member in members {
            let variant = format_ident!("{}", self.member_name(member));
            let rust = self.rust_type(member);
            let what = self.member_name(member);
            let doc = format!("{what}.");
            variants.push(quote!(#[doc = #doc] #variant(#rust)));
            to_js.push(quote!(Self::#variant(value) => value.to_js(cx)));
            let convert = quote!(return Ok(Self::#variant(FromJs::from_js(cx, value)?)););
            let of_member = self.checks(member);
            if of_member.iter().any(|(order, _)| *order == ITERABLE) {
                from_iterable = Some(quote! {
                    fn from_iterable(cx: &Cx<'js>, value: &Value<'js>, method: &Function<'js>) -> Fallible<'js, Self> {
                        FromJs::from_iterable(cx, value, method).map(Self::#variant)
                    }
                });
            }
            checks.extend(of_member.into_iter().map(|(order, check)| {
                let step = match order {
                    FALLBACK.. => convert.clone(),
                    ITERABLE => quote!(if let Some(iterator) = #check {
                        return Self::from_iterable(cx, value, &iterator);
                    }),
                    _ => quote!(if #check { #convert }),
                };
                (order, step)
            }));
        }
        checks.sort_by_key(|(order, _)| *order);
        let ends = checks.iter().any(|(order, _)| *order >= FALLBACK);
        // What comes after a string type is never reached.
        let mut steps: Vec<TokenStream> = Vec::new();
        for (order, check) in checks {
            steps.push(check);
            if order >= FALLBACK {
                break;
            }
        }
        let message = format!(
            "it is none of {}",
            members
                .iter()
                .map(|member| self.member_name(member))
                .collect::<Vec<_>>()
                .join(", ")
        );
        let refusal = (!ends).then(|| quote!(Err(Error::type_error(#message))));
        quote! {
            #[doc = "A union."]
            #[derive(Clone, Debug)]
            pub enum #ident #generics {
                #(#variants),*
            }

            impl<'js> FromJs<'js> for #ident #generics {
                #[allow(unreachable_code, clippy::needless_return)]
                fn from_js(cx: &Cx<'js>, value: &Value<'js>) -> Fallible<'js, Self> {
                    #(#steps)*
                    #refusal
                }
                #from_iterable
            }

            impl<'js> ToJs<'js> for #ident #generics {
                fn to_js(&self, cx: &Cx<'js>) -> Fallible<'js, Value<'js>> {
                    match self {
                        #(#to_js),*
                    }
                }
            }
        }
    }
}

fn types_of(member: &Member) -> Vec<&Type> {
    match &member.kind {
        MemberKind::Constructor(arguments) => arguments.iter().map(|argument| &argument.type_).collect(),
        MemberKind::Operation {
            arguments, returns, ..
        } => {
            let arguments = arguments.iter().map(|argument| &argument.type_);
            arguments.chain([returns]).collect()
        }
        MemberKind::Attribute { type_, .. } => vec![type_],
        MemberKind::Constant { .. } => Vec::new(),
        MemberKind::Iterable { key, value } => vec![key, value],
    }
}
