//! Writes the bindings: a trait for each interface, its definition, and the types that Web IDL names.

use heck::ToUpperCamelCase;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use crate::model::{Argument, Dictionary, Interface, Literal, Member, MemberKind, Model, Type};
use crate::types::{member_ident, variant_ident};
use crate::unions::FALLBACK;

/// Everything.
pub(crate) fn bindings(model: &Model) -> TokenStream {
    let interfaces = model
        .interfaces
        .values()
        .map(|interface| model.emit_interface(interface));
    let namespaces = model
        .namespaces
        .values()
        .map(|namespace| model.emit_namespace(namespace));
    let dictionaries = model
        .dictionaries
        .values()
        .map(|dictionary| model.emit_dictionary(dictionary));
    let enums = model.enums.iter().map(|(name, values)| emit_enum(name, values));
    let unions = model.emit_unions();
    let mut in_order = Vec::new();
    for name in model.interfaces.keys() {
        model.push_after_parent(name, &mut in_order);
    }
    let definitions = in_order.iter().map(|name| format_ident!("{name}"));
    let namespace_names = model.namespaces.keys().map(|name| namespace_ident(name));
    quote! {
        #(#interfaces)*
        #(#namespaces)*
        #(#dictionaries)*
        #(#enums)*
        #unions

        /// Every interface, parents before children.
        pub static INTERFACES: &[&Definition] = &[#(<#definitions as Interface>::DEFINITION),*];

        /// Every namespace.
        pub static NAMESPACES: &[&Definition] = &[#(<#namespace_names as Namespace>::DEFINITION),*];
    }
}

fn namespace_ident(name: &str) -> Ident {
    format_ident!("{}", name.to_upper_camel_case())
}

/// Operations that have a name in common, in the order of the file.
struct Operation<'a> {
    name: &'a str,
    is_static: bool,
    member: &'a Member,
    overloads: Vec<(&'a [Argument], &'a Type)>,
    /// Whether it is static, and one that is not has the same name.
    has_namesake: bool,
}

impl Model {
    fn push_after_parent<'a>(&'a self, name: &'a str, in_order: &mut Vec<&'a str>) {
        if in_order.contains(&name) {
            return;
        }
        let interface = self.interfaces.get(name);
        let interface = interface.unwrap_or_else(|| panic!("the interface {name} is not defined"));
        if let Some(parent) = &interface.parent {
            self.push_after_parent(parent, in_order);
        }
        in_order.push(name);
    }

    fn emit_interface(&self, interface: &Interface) -> TokenStream {
        let name = &interface.name;
        let ident = format_ident!("{name}");
        let methods = format_ident!("{name}Methods");
        let mut required = Vec::new();
        let mut members = Vec::new();
        let mut constants = Vec::new();
        let mut constructor = quote!(None);
        let mut operations: Vec<Operation<'_>> = Vec::new();
        for member in &interface.members {
            match &member.kind {
                MemberKind::Constructor(arguments) => {
                    let parameters = self.parameters(arguments);
                    let (length, values, names) = self.arguments(arguments);
                    required.push(quote! {
                        #[doc = "The constructor."]
                        fn constructor<'js>(cx: &Cx<'js>, slots: &Slots<'js>, #parameters) -> Fallible<'js, Self>;
                    });
                    constructor = quote!(Some(Constructor {
                        length: #length,
                        call: {
                            fn call<'js>(arguments: &Arguments<'_, 'js>) -> Fallible<'js, Value<'js>> {
                                let cx = &arguments.cx;
                                let new_target = new_target(arguments)?;
                                at_least(arguments, #length)?;
                                #values
                                let slots = Slots::default();
                                let state = <#ident as #methods>::constructor(cx, &slots, #(#names),*)?;
                                construct(cx, state, slots, &new_target)
                            }
                            call
                        },
                    }));
                }
                MemberKind::Operation {
                    name,
                    arguments,
                    returns,
                    is_static,
                    is_stringifier,
                } => {
                    let known = operations.iter_mut().find(|operation| {
                        operation.name == name && operation.is_static == *is_static && !is_stringifier
                    });
                    match known {
                        Some(operation) => operation.overloads.push((arguments, returns)),
                        None => operations.push(Operation {
                            name,
                            is_static: *is_static,
                            member,
                            overloads: vec![(arguments, returns)],
                            has_namesake: false,
                        }),
                    }
                }
                MemberKind::Attribute { .. } => {
                    let (methods_of_it, members_of_it) = self.attribute(interface, member);
                    required.extend(methods_of_it);
                    members.extend(members_of_it);
                }
                MemberKind::Constant { name, value } => {
                    let value = match value.strip_prefix("0x") {
                        Some(hex) => u64::from_str_radix(hex, 16).expect("a number") as f64,
                        None => value.parse().expect("a number"),
                    };
                    constants.push(quote!((#name, #value)));
                }
                MemberKind::Iterable { key, value } => {
                    let (key, value) = (self.rust_type(key), self.rust_type(value));
                    required.push(quote! {
                        #[doc = "The pair at a place of what is iterated over."]
                        fn pair_at<'js>(
                            this: &Ref<'js, Self>,
                            cx: &Cx<'js>,
                            index: usize,
                        ) -> Fallible<'js, Option<(#key, #value)>>;
                    });
                    let header = header_of(member, "entries");
                    members.push(quote!(MemberDefinition {
                        kind: MemberKind::Iterable {
                            pair_at: {
                                fn call<'js>(
                                    cx: &Cx<'js>,
                                    object: &Object<'js>,
                                    index: usize,
                                ) -> Fallible<'js, Option<(Value<'js>, Value<'js>)>> {
                                    let this = Ref::<#ident>::of(cx, object)?;
                                    let pair = <#ident as #methods>::pair_at(&this, cx, index)?;
                                    let Some((key, value)) = pair else { return Ok(None) };
                                    Ok(Some((key.to_js(cx)?, value.to_js(cx)?)))
                                }
                                call
                            },
                        },
                        #header
                    }));
                }
            }
        }
        let of_objects: Vec<_> = operations
            .iter()
            .filter(|operation| !operation.is_static)
            .map(|operation| operation.name)
            .collect();
        for operation in &mut operations {
            operation.has_namesake = operation.is_static && of_objects.contains(&operation.name);
            let (methods_of_it, member) = self.operation(&ident, &methods, operation, true);
            required.extend(methods_of_it);
            members.push(member);
        }
        let exposed = globals(interface.attributes.exposed.as_deref());
        let secure = interface.attributes.secure_context;
        let is_global = interface.attributes.global;
        let hidden = interface.attributes.no_interface_object;
        let some_if = |is: bool, value| if is { quote!(Some(#value)) } else { quote!(None) };
        let serialization = some_if(
            interface.attributes.serializable,
            quote!(Serialization::of::<#ident>()),
        );
        let transfer = some_if(
            interface.attributes.transferable,
            quote!(Transfer::of::<#ident>()),
        );
        let aliases = &interface.attributes.window_aliases;
        let (bound, parent, upward, kept_above) = match &interface.parent {
            Some(parent) => {
                let parent = format_ident!("{parent}");
                (
                    quote!(Inherits<#parent>),
                    quote!(Some(<#parent as Interface>::DEFINITION)),
                    quote!(Inherits::<#parent>::parent(self).as_interface(interface)),
                    quote!(+ Inherits::<#parent>::parent(self).kept()),
                )
            }
            None => (quote!(Sized + 'static), quote!(None), quote!(None), quote!()),
        };
        let doc = format!("What the interface `{name}` asks of its implementation.");
        quote! {
            #[doc = #doc]
            #[allow(missing_docs, clippy::too_many_arguments)]
            pub trait #methods: #bound {
                #(#required)*

                #[doc = "The bytes that it keeps beside itself, without those of what it inherits from."]
                fn kept_bytes(&self) -> usize {
                    0
                }
            }

            impl State for #ident {
                fn as_interface(&self, interface: TypeId) -> Option<&dyn Any> {
                    if interface == TypeId::of::<Self>() {
                        return Some(self);
                    }
                    #upward
                }

                fn kept(&self) -> usize {
                    <Self as #methods>::kept_bytes(self) #kept_above
                }
            }

            impl Interface for #ident {
                const DEFINITION: &'static Definition = {
                    const fn implemented<T: #methods>() {}
                    implemented::<#ident>();
                    static DEFINITION: Definition = Definition {
                        name: #name,
                        parent: #parent,
                        exposed: #exposed,
                        secure_context: #secure,
                        is_global: #is_global,
                        is_hidden: #hidden,
                        window_aliases: &[#(#aliases),*],
                        serialization: #serialization,
                        transfer: #transfer,
                        constructor: #constructor,
                        constants: &[#(#constants),*],
                        members: &[#(#members),*],
                    };
                    &DEFINITION
                };
            }
        }
    }

    fn emit_namespace(&self, namespace: &Interface) -> TokenStream {
        let name = &namespace.name;
        let ident = namespace_ident(name);
        let methods = format_ident!("{ident}Methods");
        let mut required = Vec::new();
        let mut members = Vec::new();
        for member in &namespace.members {
            let MemberKind::Operation {
                name,
                arguments,
                returns,
                ..
            } = &member.kind
            else {
                panic!("a namespace has operations only");
            };
            let operation = Operation {
                name,
                is_static: true,
                member,
                overloads: vec![(arguments, returns)],
                has_namesake: false,
            };
            let (methods_of_it, member) = self.operation(&ident, &methods, &operation, false);
            required.extend(methods_of_it);
            members.push(member);
        }
        let exposed = globals(namespace.attributes.exposed.as_deref());
        let doc = format!("What the namespace `{name}` asks of its implementation.");
        quote! {
            #[doc = #doc]
            #[allow(missing_docs)]
            pub trait #methods: Sized + 'static {
                #(#required)*
            }

            impl Namespace for #ident {
                const DEFINITION: &'static Definition = {
                    const fn implemented<T: #methods>() {}
                    implemented::<#ident>();
                    static DEFINITION: Definition = Definition {
                        name: #name,
                        parent: None,
                        exposed: #exposed,
                        secure_context: false,
                        is_global: false,
                        is_hidden: false,
                        window_aliases: &[],
                        serialization: None,
                        transfer: None,
                        constructor: None,
                        constants: &[],
                        members: &[#(#members),*],
                    };
                    &DEFINITION
                };
            }
        }
    }

    /// The methods that an operation asks for, one an overload, and its definition.
    fn operation(
        &self,
        ident: &Ident,
        methods: &Ident,
        operation: &Operation<'_>,
        has_receiver: bool,
    ) -> (Vec<TokenStream>, TokenStream) {
        let name = operation.name;
        let mut required = Vec::new();
        let mut calls = Vec::new();
        let has_this = has_receiver && !operation.is_static;
        let lengths = operation
            .overloads
            .iter()
            .map(|(arguments, _)| required_count(arguments));
        let length = lengths.min().unwrap_or(0);
        let count = operation.overloads.len();
        let mut returns_promise = false;
        for (index, (arguments, returns)) in operation.overloads.iter().enumerate() {
            let method = match index {
                0 if operation.has_namesake => format_ident!("static_{}", member_ident(name)),
                0 => member_ident(name),
                more => format_ident!("{}_{}", member_ident(name), more + 1),
            };
            let parameters = self.parameters(arguments);
            let rust = self.rust_type(returns);
            returns_promise |= matches!(self.resolve(returns), Type::Promise(_));
            let this = has_this.then(|| quote!(this: &Ref<'js, Self>,));
            required.push(quote! {
                fn #method<'js>(#this cx: &Cx<'js>, #parameters) -> Fallible<'js, #rust>;
            });
            let (_, values, names) = self.arguments(arguments);
            let keeping =
                (has_this && !arguments.is_empty()).then(|| quote!(let _keeping = this.keeping(arguments)?;));
            let this = has_this.then(|| quote!(&this,));
            let call = quote! {
                #values
                #keeping
                return <#ident as #methods>::#method(#this cx, #(#names),*)?.to_js(cx);
            };
            calls.push(if count == 1 {
                call
            } else if index + 1 == count {
                quote!(_ => { #call })
            } else {
                quote!(#index => { #call })
            });
        }
        let this = has_this.then(|| quote!(let this = Ref::<#ident>::of_call(arguments)?;));
        let calls = if count == 1 {
            quote!(#(#calls)*)
        } else {
            let chosen = self.chosen_overload(&operation.overloads);
            quote!(match #chosen { #(#calls)* })
        };
        let body = quote! {
            let cx = &arguments.cx;
            #this
            at_least(arguments, #length)?;
            #calls
        };
        let body = if returns_promise {
            quote!(promising(arguments, |arguments| { #body }))
        } else {
            body
        };
        let header = header_of(operation.member, name);
        let is_static = operation.is_static;
        let member = quote!(MemberDefinition {
            kind: MemberKind::Operation {
                length: #length,
                is_static: #is_static,
                call: {
                    #[allow(clippy::needless_return, unreachable_code)]
                    fn call<'js>(arguments: &Arguments<'_, 'js>) -> Fallible<'js, Value<'js>> {
                        #body
                    }
                    call
                },
            },
            #header
        });
        (required, member)
    }

    /// Which overload a call is one of: by the number of arguments, and the first argument whose type tells them apart.
    ///
    /// <https://webidl.spec.whatwg.org/#dfn-overload-resolution-algorithm>
    fn chosen_overload(&self, overloads: &[(&[Argument], &Type)]) -> TokenStream {
        let longest = overloads.iter().map(|(arguments, _)| arguments.len()).max();
        let shortest = overloads
            .iter()
            .map(|(arguments, _)| required_count(arguments))
            .min();
        let (shortest, longest) = (shortest.unwrap_or(0), longest.unwrap_or(0));
        let choices = (shortest..=longest).map(|count| {
            let candidates = overloads.iter().enumerate().filter(|(_, (arguments, _))| {
                let is_variadic = arguments.last().is_some_and(|argument| argument.variadic);
                required_count(arguments) <= count && (count <= arguments.len() || is_variadic)
            });
            let candidates: Vec<_> = candidates
                .map(|(index, (arguments, _))| (index, *arguments))
                .collect();
            let choice = match &candidates[..] {
                [] => quote!(return Err(Error::type_error("no form of it takes so many arguments"))),
                [(only, _)] => quote!(#only),
                several => self.distinguished(several, count),
            };
            // More arguments than any of them has are ignored.
            let count = if count == longest {
                quote!(_)
            } else {
                quote!(#count)
            };
            quote!(#count => #choice)
        });
        quote!(match arguments.len() { #(#choices),* })
    }

    /// Which of several overloads it is that all take this number of arguments.
    fn distinguished(&self, candidates: &[(usize, &[Argument])], count: usize) -> TokenStream {
        let types_at = |place: usize| {
            candidates
                .iter()
                .map(move |(index, arguments)| (*index, &arguments[place.min(arguments.len() - 1)]))
        };
        let place = (0..count).find(|place| {
            let mut types = types_at(*place).map(|(_, argument)| self.resolve(&argument.type_));
            let first = types.next();
            types.any(|other| Some(other) != first)
        });
        let place = place.unwrap_or_else(|| panic!("overloads cannot be told apart: {candidates:?}"));
        let mut checks = Vec::new();
        for (index, argument) in types_at(place) {
            if argument.optional {
                checks.push((0, quote!(value.is_undefined()), index));
            }
            let of_type = self.checks(&self.resolve(&argument.type_));
            checks.extend(of_type.into_iter().map(|(order, check)| (order, check, index)));
        }
        checks.sort_by_key(|(order, ..)| *order);
        let fallback = checks.iter().find(|(order, ..)| *order >= FALLBACK);
        let otherwise = match fallback {
            Some((_, _, index)) => quote!(#index),
            None => quote!(return Err(Error::type_error("no form of it takes these arguments"))),
        };
        let mut steps: Vec<(usize, Vec<TokenStream>)> = Vec::new();
        for (_, check, index) in checks.iter().take_while(|(order, ..)| *order < FALLBACK) {
            match steps.last_mut() {
                // One after the other they are one.
                Some((last, conditions)) if last == index => conditions.push(check.clone()),
                _ => steps.push((*index, vec![check.clone()])),
            }
        }
        let checks = steps
            .iter()
            .map(|(index, conditions)| quote!(if #(#conditions)||* { #index } else));
        quote!({
            let value = &arguments.get(#place);
            #(#checks)* { #otherwise }
        })
    }

    fn attribute(&self, interface: &Interface, member: &Member) -> (Vec<TokenStream>, Vec<TokenStream>) {
        let MemberKind::Attribute {
            name,
            type_,
            readonly,
            is_static,
            is_stringifier,
        } = &member.kind
        else {
            unreachable!("it is an attribute");
        };
        let ident = format_ident!("{}", interface.name);
        let methods = format_ident!("{}Methods", interface.name);
        let getter = member_ident(name);
        let setter = format_ident!("set_{}", getter.to_string().trim_end_matches('_'));
        let rust = self.rust_type(type_);
        let header = header_of(member, name);
        let mut required = Vec::new();
        let is_handler = matches!(
            type_,
            Type::Named(name) if matches!(name.as_str(), "EventHandler" | "OnErrorEventHandler" | "OnBeforeUnloadEventHandler")
        );
        let this = quote!(let this = Ref::<#ident>::of_call(arguments)?;);
        let (get, set) = if is_handler {
            let event = name.trim_start_matches("on");
            (
                quote! { #this event_handler(cx, &this.upcast(), #event) },
                Some(quote! { #this set_event_handler(cx, &this.upcast(), #event, &arguments.get(0)); }),
            )
        } else {
            let (receiver, argument, this) = match is_static {
                true => (quote!(), quote!(), quote!()),
                false => (quote!(this: &Ref<'js, Self>,), quote!(&this,), this),
            };
            required.push(quote! {
                fn #getter<'js>(#receiver cx: &Cx<'js>) -> Fallible<'js, #rust>;
            });
            let get = quote! { #this <#ident as #methods>::#getter(#argument cx)?.to_js(cx) };
            let get = match self.resolve(type_) {
                Type::Promise(_) => quote!(promising(arguments, |arguments| {
                    let cx = &arguments.cx;
                    #get
                })),
                _ => get,
            };
            let set = if !readonly {
                required.push(quote! {
                    fn #setter<'js>(#receiver cx: &Cx<'js>, value: #rust) -> Fallible<'js, ()>;
                });
                let convert = match self.resolve(type_) {
                    // What is no value of the enumeration changes nothing.
                    Type::Named(name) if self.enums.contains_key(&name) => quote! {
                        let text = arguments.get(0).to_text(cx)?;
                        let Some(value) = #rust::from_idl(&text) else { return Ok(cx.undefined()) };
                    },
                    _ => quote!(let value = argument::<#rust>(arguments, 0, #name)?;),
                };
                let keeping = (!is_static).then(|| quote!(let _keeping = this.keeping(arguments)?;));
                Some(quote! { #this #convert #keeping <#ident as #methods>::#setter(#argument cx, value)?; })
            } else if let Some(forward) = &member.attributes.put_forwards {
                Some(
                    quote! { #this put_forward(cx, &this.object().value(), #name, #forward, &arguments.get(0))?; },
                )
            } else if member.attributes.replaceable {
                Some(quote! { #this replace(cx, &this, #name, arguments.get(0))?; })
            } else {
                None
            };
            (get, set)
        };
        let set = match set {
            Some(set) => quote!(Some({
                fn call<'js>(arguments: &Arguments<'_, 'js>) -> Fallible<'js, Value<'js>> {
                    let cx = &arguments.cx;
                    at_least(arguments, 1)?;
                    #set
                    Ok(cx.undefined())
                }
                call
            })),
            None => quote!(None),
        };
        let get_call = quote!({
            #[allow(unused_variables)]
            fn call<'js>(arguments: &Arguments<'_, 'js>) -> Fallible<'js, Value<'js>> {
                let cx = &arguments.cx;
                #get
            }
            call
        });
        let mut members = vec![quote!(MemberDefinition {
            kind: MemberKind::Attribute { is_static: #is_static, get: #get_call, set: #set },
            #header
        })];
        if *is_stringifier {
            let header = header_of(member, "toString");
            members.push(quote!(MemberDefinition {
                kind: MemberKind::Operation { length: 0, is_static: false, call: #get_call },
                #header
            }));
        }
        (required, members)
    }

    fn parameters(&self, arguments: &[Argument]) -> TokenStream {
        let parameters = arguments.iter().map(|argument| {
            let name = member_ident(&argument.name);
            let rust = self.argument_type(argument);
            quote!(#name: #rust,)
        });
        quote!(#(#parameters)*)
    }

    fn argument_type(&self, argument: &Argument) -> TokenStream {
        let rust = self.rust_type(&argument.type_);
        let is_any = self.resolve(&argument.type_) == Type::Any;
        match argument {
            Argument { variadic: true, .. } => quote!(Vec<#rust>),
            Argument {
                optional: true,
                default: None,
                ..
            } if !is_any => quote!(Option<#rust>),
            _ => rust,
        }
    }

    /// How many must be given, what converts them, and their names.
    fn arguments(&self, arguments: &[Argument]) -> (usize, TokenStream, Vec<Ident>) {
        let names: Vec<_> = (0..arguments.len())
            .map(|index| format_ident!("argument_{index}"))
            .collect();
        let values = arguments.iter().enumerate().map(|(index, argument)| {
            let name = &names[index];
            let idl_name = &argument.name;
            let rust = self.rust_type(&argument.type_);
            let value = match argument {
                Argument { variadic: true, .. } => quote!(rest::<#rust>(arguments, #index, #idl_name)?),
                Argument {
                    default: Some(default),
                    ..
                } if !matches!(default, Literal::EmptyDictionary) => {
                    let default = self.literal(default);
                    quote!(argument_or::<#rust>(arguments, #index, #idl_name, |cx| Ok(#default))?)
                }
                Argument {
                    optional: true,
                    default: None,
                    ..
                } if self.resolve(&argument.type_) != Type::Any => {
                    quote!(optional_argument::<#rust>(arguments, #index, #idl_name)?)
                }
                _ => quote!(argument::<#rust>(arguments, #index, #idl_name)?),
            };
            quote!(let #name = #value;)
        });
        (required_count(arguments), quote!(#(#values)*), names)
    }

    /// <https://webidl.spec.whatwg.org/#js-dictionary>
    fn emit_dictionary(&self, dictionary: &Dictionary) -> TokenStream {
        let name = &dictionary.name;
        let ident = format_ident!("{name}");
        let type_ = Type::Named(name.clone());
        let generics = self.has_lifetime(&type_).then(|| quote!(<'js>));
        let parent = dictionary
            .parent
            .as_ref()
            .map(|parent| self.rust_type(&Type::Named(parent.clone())));
        let parent_field = parent.as_ref().map(|parent| {
            quote! {
                #[doc = "What it inherits."]
                pub parent: #parent,
            }
        });
        let parent_value = parent
            .as_ref()
            .map(|_| quote!(let parent = FromJs::from_js(cx, value)?;));
        let parent_name = parent.as_ref().map(|_| quote!(parent,));
        let parent_to_js = parent.as_ref().map(|_| quote!(self.parent.write(cx, object)?;));
        let mut members: Vec<_> = dictionary
            .members
            .iter()
            .filter(|member| !member.is_guide)
            .collect();
        members.sort_by(|a, b| a.name.cmp(&b.name));
        let mut fields = Vec::new();
        let mut values = Vec::new();
        let mut to_js = Vec::new();
        let mut names = Vec::new();
        for member in members {
            let field = member_ident(&member.name);
            let idl_name = &member.name;
            let rust = self.rust_type(&member.type_);
            let doc = format!("`{idl_name}`");
            let is_sure = member.required || member.default.is_some();
            let (field_type, value) = match &member.default {
                Some(default) => {
                    let default = self.literal(default);
                    (
                        rust.clone(),
                        quote!(member_or(cx, object.as_ref(), #idl_name, |cx| Ok(#default))?),
                    )
                }
                None if member.required => (
                    rust.clone(),
                    quote!(required_member(cx, object.as_ref(), #name, #idl_name)?),
                ),
                None => (
                    quote!(Option<#rust>),
                    quote!(optional_member(cx, object.as_ref(), #idl_name)?),
                ),
            };
            fields.push(quote! {
                #[doc = #doc]
                pub #field: #field_type
            });
            values.push(quote!(let #field = #value;));
            to_js.push(if is_sure {
                quote!(object.define_value(cx, #idl_name, self.#field.to_js(cx)?)?;)
            } else {
                quote!(if let Some(value) = &self.#field {
                    object.define_value(cx, #idl_name, value.to_js(cx)?)?;
                })
            });
            names.push(field);
        }
        let doc = format!("The dictionary `{name}`.");
        quote! {
            #[doc = #doc]
            #[derive(Clone, Debug)]
            pub struct #ident #generics {
                #parent_field
                #(#fields),*
            }

            impl<'js> FromJs<'js> for #ident #generics {
                #[allow(unused_variables)]
                fn from_js(cx: &Cx<'js>, value: &Value<'js>) -> Fallible<'js, Self> {
                    let object = dictionary_object(value)?;
                    #parent_value
                    #(#values)*
                    Ok(Self { #parent_name #(#names),* })
                }
            }

            impl<'js> Dictionary<'js> for #ident #generics {
                #[allow(unused_variables)]
                fn write(&self, cx: &Cx<'js>, object: &Object<'js>) -> Fallible<'js, ()> {
                    #parent_to_js
                    #(#to_js)*
                    Ok(())
                }
            }

            impl<'js> ToJs<'js> for #ident #generics {
                fn to_js(&self, cx: &Cx<'js>) -> Fallible<'js, Value<'js>> {
                    let object = cx.object();
                    self.write(cx, &object)?;
                    Ok(object.value())
                }
            }
        }
    }
}

fn emit_enum(name: &str, values: &[String]) -> TokenStream {
    let ident = format_ident!("{name}");
    let variants: Vec<_> = values.iter().map(|value| variant_ident(value)).collect();
    let doc = format!("The enumeration `{name}`.");
    let docs = values.iter().map(|value| format!("`\"{value}\"`"));
    quote! {
        #[doc = #doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum #ident {
            #(#[doc = #docs] #variants),*
        }

        impl #ident {
            /// The value of scripts.
            pub fn as_str(self) -> &'static str {
                match self {
                    #(Self::#variants => #values),*
                }
            }

            /// The value that a script's string is.
            pub fn from_idl(text: &str) -> Option<Self> {
                match text {
                    #(#values => Some(Self::#variants),)*
                    _ => None,
                }
            }
        }

        impl<'js> FromJs<'js> for #ident {
            fn from_js(cx: &Cx<'js>, value: &Value<'js>) -> Fallible<'js, Self> {
                let text = value.to_text(cx)?;
                Self::from_idl(&text).ok_or_else(|| not_in_enum(#name, &text))
            }
        }

        impl<'js> ToJs<'js> for #ident {
            fn to_js(&self, cx: &Cx<'js>) -> Fallible<'js, Value<'js>> {
                Ok(cx.string(self.as_str()))
            }
        }
    }
}

fn required_count(arguments: &[Argument]) -> usize {
    arguments.iter().take_while(|argument| !argument.optional).count()
}

/// What every member's definition says.
fn header_of(member: &Member, name: &str) -> TokenStream {
    let exposed = match &member.attributes.exposed {
        Some(names) => globals(Some(names)),
        None => quote!(Globals::ALL),
    };
    let secure = member.attributes.secure_context;
    let unforgeable = member.attributes.unforgeable;
    let is_guide = member.is_guide;
    quote! {
        name: #name,
        exposed: #exposed,
        secure_context: #secure,
        is_unforgeable: #unforgeable,
        is_guide: #is_guide,
    }
}

fn globals(names: Option<&[String]>) -> TokenStream {
    let names = names.unwrap_or_default().iter().map(|name| match name.as_str() {
        "*" => quote!(Globals::ALL),
        "Window" => quote!(Globals::WINDOW),
        "Worker" => quote!(Globals::WORKER),
        "ServiceWorker" => quote!(Globals::SERVICE_WORKER),
        "DedicatedWorker" => quote!(Globals::DEDICATED_WORKER),
        "SharedWorker" => quote!(Globals::SHARED_WORKER),
        // Worklets and the like are not here.
        _ => quote!(Globals::NONE),
    });
    quote!(Globals::NONE #(.and(#names))*)
}
