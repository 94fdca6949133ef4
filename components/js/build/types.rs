//! The Rust types of Web IDL types.

use heck::{ToSnakeCase, ToUpperCamelCase};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use crate::model::{Integer, Literal, Model, Type};

/// A name of Rust's style for a member.
pub(crate) fn member_ident(name: &str) -> Ident {
    let name = name.to_snake_case();
    syn::parse_str::<Ident>(&name).unwrap_or_else(|_| format_ident!("{name}_"))
}

/// A name of Rust's style for a value of an enumeration.
pub(crate) fn variant_ident(value: &str) -> Ident {
    match value.to_upper_camel_case().as_str() {
        "" => format_ident!("Empty"),
        "Self" => format_ident!("SelfValue"),
        name => format_ident!("{name}"),
    }
}

impl Model {
    /// The Rust type of a Web IDL type.
    pub(crate) fn rust_type(&self, type_: &Type) -> TokenStream {
        let type_ = self.resolve(type_);
        match &type_ {
            Type::Any => quote!(Value<'js>),
            Type::Object => quote!(Object<'js>),
            Type::Undefined => quote!(()),
            Type::Boolean => quote!(bool),
            Type::Integer { bits, signed, mode } => {
                let integer = format_ident!("{}{bits}", if *signed { "i" } else { "u" });
                match mode {
                    Integer::Wrap => quote!(#integer),
                    Integer::EnforceRange => quote!(EnforceRange<#integer>),
                    Integer::Clamp => quote!(Clamp<#integer>),
                }
            }
            Type::Float { double, unrestricted } => match (double, unrestricted) {
                (true, false) => quote!(f64),
                (true, true) => quote!(Unrestricted),
                (false, _) => panic!("float is not known here"),
            },
            Type::ByteString => quote!(ByteString),
            Type::DomString { null_to_empty: true } => quote!(NullToEmpty),
            Type::DomString { .. } => quote!(DomString),
            Type::UsvString => quote!(String),
            Type::Buffer(name) => {
                let name = format_ident!("{name}");
                quote!(#name<'js>)
            }
            Type::Sequence(inner) => {
                let inner = self.rust_type(inner);
                quote!(Vec<#inner>)
            }
            Type::FrozenArray(_) => quote!(Object<'js>),
            Type::Record(key, value) => {
                let (key, value) = (self.rust_type(key), self.rust_type(value));
                quote!(Record<#key, #value>)
            }
            Type::Promise(_) => quote!(Promise<'js>),
            Type::Nullable(inner) => {
                let inner = self.rust_type(inner);
                quote!(Option<#inner>)
            }
            Type::Union { .. } => {
                let name = self.union_name(&type_);
                if self.has_lifetime(&type_) {
                    quote!(#name<'js>)
                } else {
                    quote!(#name)
                }
            }
            Type::Named(name) => {
                let ident = format_ident!("{name}");
                if self.interfaces.contains_key(name) {
                    quote!(Ref<'js, #ident>)
                } else if self.enums.contains_key(name) {
                    quote!(#ident)
                } else if self.callbacks.contains_key(name) || self.callback_interfaces.contains_key(name) {
                    quote!(Callback<'js>)
                } else if self.has_lifetime(&type_) {
                    quote!(#ident<'js>)
                } else {
                    quote!(#ident)
                }
            }
        }
    }

    /// Whether the Rust type has the lifetime of the engine's values.
    pub(crate) fn has_lifetime(&self, type_: &Type) -> bool {
        match self.resolve(type_) {
            Type::Any | Type::Object | Type::Buffer(_) | Type::Promise(_) | Type::FrozenArray(_) => true,
            Type::Undefined
            | Type::Boolean
            | Type::Integer { .. }
            | Type::Float { .. }
            | Type::ByteString
            | Type::DomString { .. }
            | Type::UsvString => false,
            Type::Sequence(inner) | Type::Nullable(inner) => self.has_lifetime(&inner),
            Type::Record(_, value) => self.has_lifetime(&value),
            Type::Union { members, .. } => members.iter().any(|member| self.has_lifetime(member)),
            Type::Named(name) => match self.dictionaries.get(&name) {
                Some(dictionary) => {
                    let parent = dictionary.parent.as_ref();
                    parent.is_some_and(|parent| self.has_lifetime(&Type::Named(parent.clone())))
                        || dictionary
                            .members
                            .iter()
                            .any(|member| self.has_lifetime(&member.type_))
                }
                // What is defined elsewhere is an object.
                None => !self.enums.contains_key(&name),
            },
        }
    }

    /// The name of a union's enumeration.
    pub(crate) fn union_name(&self, type_: &Type) -> Ident {
        let Type::Union { name, members } = type_ else {
            panic!("it is no union");
        };
        match name {
            Some(name) => format_ident!("{name}"),
            None => {
                let names: Vec<_> = members.iter().map(|member| self.member_name(member)).collect();
                format_ident!("{}", names.join("Or"))
            }
        }
    }

    /// What the variant of a member of a union is called.
    pub(crate) fn member_name(&self, type_: &Type) -> String {
        match type_ {
            Type::Any => "Any".into(),
            Type::Object => "Object".into(),
            Type::Undefined => "Undefined".into(),
            Type::Boolean => "Boolean".into(),
            Type::Integer { .. } | Type::Float { .. } => "Number".into(),
            Type::ByteString => "ByteString".into(),
            Type::DomString { .. } => "DomString".into(),
            Type::UsvString => "UsvString".into(),
            Type::Buffer(name) => (*name).into(),
            Type::Sequence(inner) => format!("{}Sequence", self.member_name(inner)),
            Type::FrozenArray(_) => "FrozenArray".into(),
            Type::Record(..) => "Record".into(),
            Type::Promise(_) => "Promise".into(),
            Type::Nullable(inner) => self.member_name(inner),
            Type::Named(name) => name.clone(),
            Type::Union { .. } => self.union_name(type_).to_string(),
        }
    }

    /// The value of the language that a default stands for.
    pub(crate) fn literal(&self, literal: &Literal) -> TokenStream {
        match literal {
            Literal::Null => quote!(cx.null()),
            Literal::Boolean(boolean) => quote!(cx.boolean(#boolean)),
            Literal::Number(text) => {
                let number: f64 = match text.strip_prefix("0x") {
                    Some(hex) => u64::from_str_radix(hex, 16).expect("a number") as f64,
                    None => text.parse().expect("a number"),
                };
                quote!(cx.number(#number))
            }
            Literal::String(text) => quote!(cx.string(#text)),
            Literal::EmptyArray => quote!(cx.array(&[])?.value()),
            Literal::EmptyDictionary => quote!(cx.undefined()),
        }
    }
}
