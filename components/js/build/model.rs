//! What the Web IDL files say, with partial interfaces and mixins put where they belong.

use std::collections::BTreeMap;

use weedle::argument::{Argument as IdlArgument, ArgumentList};
use weedle::attribute::{ExtendedAttribute, ExtendedAttributeList, IdentifierOrString};
use weedle::interface::{
    ConstMember, InterfaceMember, IterableInterfaceMember, Special, StringifierOrInheritOrStatic,
    StringifierOrStatic,
};
use weedle::literal::{ConstValue, DefaultValue, FloatLit, IntegerLit};
use weedle::mixin::MixinMember;
use weedle::namespace::NamespaceMember;
use weedle::types::{
    AttributedType, FloatingPointType, IntegerType, MayBeNull, NonAnyType, RecordKeyType, ReturnType,
    SingleType, Type as IdlType, UnionMemberType, UnionType,
};
use weedle::{Definition, Parse};

/// Everything that is defined, by name.
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) interfaces: BTreeMap<String, Interface>,
    pub(crate) namespaces: BTreeMap<String, Interface>,
    pub(crate) dictionaries: BTreeMap<String, Dictionary>,
    pub(crate) enums: BTreeMap<String, Vec<String>>,
    pub(crate) typedefs: BTreeMap<String, Type>,
    pub(crate) callbacks: BTreeMap<String, Type>,
    pub(crate) callback_interfaces: BTreeMap<String, String>,
    mixins: BTreeMap<String, Vec<Member>>,
    partials: Vec<(String, Vec<Member>)>,
    includes: Vec<(String, String)>,
}

/// An interface, or a namespace.
#[derive(Clone, Default)]
pub(crate) struct Interface {
    pub(crate) name: String,
    pub(crate) parent: Option<String>,
    pub(crate) attributes: Attributes,
    pub(crate) members: Vec<Member>,
}

/// A member, with the extended attributes of where it comes from.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) attributes: Attributes,
    pub(crate) kind: MemberKind,
    /// Whether only the guide extension has it.
    pub(crate) is_guide: bool,
}

#[derive(Clone)]
pub(crate) enum MemberKind {
    Constructor(Vec<Argument>),
    Operation {
        name: String,
        arguments: Vec<Argument>,
        returns: Type,
        is_static: bool,
        is_stringifier: bool,
    },
    Attribute {
        name: String,
        type_: Type,
        readonly: bool,
        is_static: bool,
        is_stringifier: bool,
    },
    Constant {
        name: String,
        value: String,
    },
    Iterable {
        key: Type,
        value: Type,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct Argument {
    pub(crate) name: String,
    pub(crate) type_: Type,
    pub(crate) optional: bool,
    pub(crate) variadic: bool,
    pub(crate) default: Option<Literal>,
}

#[derive(Clone, Default)]
pub(crate) struct Dictionary {
    pub(crate) name: String,
    pub(crate) parent: Option<String>,
    pub(crate) members: Vec<DictionaryMember>,
}

#[derive(Clone)]
pub(crate) struct DictionaryMember {
    pub(crate) name: String,
    pub(crate) type_: Type,
    pub(crate) required: bool,
    pub(crate) default: Option<Literal>,
    pub(crate) is_guide: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Literal {
    Null,
    Boolean(bool),
    Number(String),
    String(String),
    EmptyArray,
    EmptyDictionary,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Integer {
    #[default]
    Wrap,
    EnforceRange,
    Clamp,
}

/// A type; typedefs are resolved when the model is complete.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Type {
    Any,
    Object,
    Undefined,
    Boolean,
    Integer {
        bits: u8,
        signed: bool,
        mode: Integer,
    },
    Float {
        double: bool,
        unrestricted: bool,
    },
    ByteString,
    DomString {
        null_to_empty: bool,
    },
    UsvString,
    Buffer(&'static str),
    Sequence(Box<Type>),
    FrozenArray(Box<Type>),
    Record(Box<Type>, Box<Type>),
    Promise(Box<Type>),
    Named(String),
    Union {
        name: Option<String>,
        members: Vec<Type>,
    },
    Nullable(Box<Type>),
}

/// Extended attributes, as far as the bindings know them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attributes {
    /// The globals of `Exposed`; none where it is not said.
    pub(crate) exposed: Option<Vec<String>>,
    pub(crate) secure_context: bool,
    pub(crate) global: bool,
    pub(crate) unforgeable: bool,
    pub(crate) replaceable: bool,
    pub(crate) put_forwards: Option<String>,
    integer: Integer,
    null_to_empty: bool,
    pub(crate) no_interface_object: bool,
    pub(crate) serializable: bool,
    pub(crate) transferable: bool,
    /// Other names that a window has for the interface object.
    pub(crate) window_aliases: Vec<String>,
}

impl Attributes {
    fn of(list: &Option<ExtendedAttributeList<'_>>) -> Self {
        let mut attributes = Self::default();
        for attribute in list.iter().flat_map(|list| &list.body.list) {
            match attribute {
                ExtendedAttribute::IdentList(list) if list.identifier.0 == "Exposed" => {
                    let names = list.list.body.list.iter().map(|name| name.0.to_owned());
                    attributes.exposed = Some(names.collect());
                }
                ExtendedAttribute::Ident(ident) => {
                    let IdentifierOrString::Identifier(value) = ident.rhs else {
                        continue;
                    };
                    match ident.lhs_identifier.0 {
                        "Exposed" => attributes.exposed = Some(vec![value.0.to_owned()]),
                        "PutForwards" => attributes.put_forwards = Some(value.0.to_owned()),
                        "Global" => attributes.global = true,
                        "LegacyWindowAlias" => attributes.window_aliases = vec![value.0.to_owned()],
                        _ => {}
                    }
                }
                ExtendedAttribute::IdentList(list) if list.identifier.0 == "Global" => {
                    attributes.global = true;
                }
                ExtendedAttribute::Wildcard(wildcard) if wildcard.lhs_identifier.0 == "Exposed" => {
                    attributes.exposed = Some(vec!["*".to_owned()]);
                }
                ExtendedAttribute::NoArgs(name) => match name.0.0 {
                    "SecureContext" => attributes.secure_context = true,
                    "LegacyUnforgeable" => attributes.unforgeable = true,
                    "Replaceable" => attributes.replaceable = true,
                    "EnforceRange" => attributes.integer = Integer::EnforceRange,
                    "Clamp" => attributes.integer = Integer::Clamp,
                    "LegacyNullToEmptyString" => attributes.null_to_empty = true,
                    "Serializable" => attributes.serializable = true,
                    "Transferable" => attributes.transferable = true,
                    "LegacyNoInterfaceObject" => attributes.no_interface_object = true,
                    _ => {}
                },
                _ => {}
            }
        }
        attributes
    }

    /// These, for a type that may have others besides.
    fn and(&self, list: &Option<ExtendedAttributeList<'_>>) -> Self {
        let other = Self::of(list);
        Self {
            integer: if other.integer == Integer::Wrap {
                self.integer
            } else {
                other.integer
            },
            null_to_empty: self.null_to_empty || other.null_to_empty,
            ..self.clone()
        }
    }
}

impl Model {
    /// Adds the definitions of a file.
    pub(crate) fn add(&mut self, text: &str, is_guide: bool) -> Result<(), String> {
        let (rest, definitions) =
            Vec::<Definition<'_>>::parse(text).map_err(|error| format!("it is no Web IDL: {error}"))?;
        if !rest.trim().is_empty() {
            let line = text[..text.len() - rest.len()].lines().count();
            return Err(format!("line {line} is no Web IDL: {:.60}", rest.trim()));
        }
        for definition in definitions {
            self.define(definition, is_guide);
        }
        Ok(())
    }

    fn define(&mut self, definition: Definition<'_>, is_guide: bool) {
        match definition {
            Definition::Interface(interface) => {
                let name = interface.identifier.0.to_owned();
                let defined = Interface {
                    name: name.clone(),
                    parent: interface.inheritance.map(|parent| parent.identifier.0.to_owned()),
                    attributes: Attributes::of(&interface.attributes),
                    members: members_of(&interface.members.body, &Attributes::default(), is_guide),
                };
                self.interfaces.insert(name, defined);
            }
            Definition::PartialInterface(partial) => {
                let attributes = Attributes::of(&partial.attributes);
                let members = members_of(&partial.members.body, &attributes, is_guide);
                self.partials.push((partial.identifier.0.to_owned(), members));
            }
            Definition::InterfaceMixin(mixin) => {
                let attributes = Attributes::of(&mixin.attributes);
                let members = mixin_members(&mixin.members.body, &attributes, is_guide);
                self.mixins
                    .entry(mixin.identifier.0.to_owned())
                    .or_default()
                    .extend(members);
            }
            Definition::PartialInterfaceMixin(mixin) => {
                let attributes = Attributes::of(&mixin.attributes);
                let members = mixin_members(&mixin.members.body, &attributes, is_guide);
                self.mixins
                    .entry(mixin.identifier.0.to_owned())
                    .or_default()
                    .extend(members);
            }
            Definition::IncludesStatement(includes) => self.includes.push((
                includes.lhs_identifier.0.to_owned(),
                includes.rhs_identifier.0.to_owned(),
            )),
            Definition::Namespace(namespace) => {
                let name = namespace.identifier.0.to_owned();
                let defined = Interface {
                    name: name.clone(),
                    parent: None,
                    attributes: Attributes::of(&namespace.attributes),
                    members: namespace
                        .members
                        .body
                        .iter()
                        .filter_map(namespace_member)
                        .collect(),
                };
                self.namespaces.insert(name, defined);
            }
            Definition::Dictionary(dictionary) => {
                let name = dictionary.identifier.0.to_owned();
                let defined = Dictionary {
                    name: name.clone(),
                    parent: dictionary
                        .inheritance
                        .map(|parent| parent.identifier.0.to_owned()),
                    members: dictionary_members(&dictionary.members.body, false),
                };
                self.dictionaries.insert(name, defined);
            }
            Definition::PartialDictionary(dictionary) => {
                let name = dictionary.identifier.0;
                let defined = self.dictionaries.get_mut(name);
                let defined = defined.unwrap_or_else(|| panic!("the dictionary {name} is not defined"));
                defined
                    .members
                    .extend(dictionary_members(&dictionary.members.body, is_guide));
            }
            Definition::Enum(enumeration) => {
                let values = enumeration
                    .values
                    .body
                    .list
                    .iter()
                    .map(|value| value.0.to_owned());
                self.enums
                    .insert(enumeration.identifier.0.to_owned(), values.collect());
            }
            Definition::Typedef(typedef) => {
                let mut type_ = attributed(&typedef.type_, &Attributes::default());
                if let Type::Union { name, .. } = &mut type_ {
                    *name = Some(typedef.identifier.0.to_owned());
                }
                self.typedefs.insert(typedef.identifier.0.to_owned(), type_);
            }
            Definition::Callback(callback) => {
                let returns = return_type(&callback.return_type);
                self.callbacks.insert(callback.identifier.0.to_owned(), returns);
            }
            Definition::CallbackInterface(interface) => {
                let operation = interface.members.body.iter().find_map(|member| match member {
                    InterfaceMember::Operation(operation) => Some(operation.identifier?.0.to_owned()),
                    _ => None,
                });
                let operation = operation.expect("a callback interface has an operation");
                self.callback_interfaces
                    .insert(interface.identifier.0.to_owned(), operation);
            }
            Definition::Implements(_) | Definition::PartialNamespace(_) => {
                panic!("`implements` and partial namespaces are not known here");
            }
        }
    }

    /// Puts partial interfaces and mixins where they belong.
    pub(crate) fn complete(&mut self) {
        for (name, members) in std::mem::take(&mut self.partials) {
            match (self.interfaces.get_mut(&name), self.mixins.get_mut(&name)) {
                (Some(interface), _) => interface.members.extend(members),
                (None, Some(mixin)) => mixin.extend(members),
                (None, None) => panic!("the interface {name} is partial, and not defined"),
            }
        }
        for (name, mixin) in std::mem::take(&mut self.includes) {
            let members = self.mixins.get(&mixin);
            let members = members
                .unwrap_or_else(|| panic!("the mixin {mixin} is not defined"))
                .clone();
            let interface = self.interfaces.get_mut(&name);
            let interface = interface.unwrap_or_else(|| panic!("the interface {name} is not defined"));
            interface.members.extend(members);
        }
    }

    /// A type without the names of typedefs.
    pub(crate) fn resolve(&self, type_: &Type) -> Type {
        match type_ {
            Type::Named(name) => match self.typedefs.get(name) {
                Some(type_) => self.resolve(type_),
                None => type_.clone(),
            },
            Type::Nullable(inner) => match self.resolve(inner) {
                nullable @ Type::Nullable(_) => nullable,
                inner => Type::Nullable(Box::new(inner)),
            },
            Type::Sequence(inner) => Type::Sequence(Box::new(self.resolve(inner))),
            Type::FrozenArray(inner) => Type::FrozenArray(Box::new(self.resolve(inner))),
            Type::Promise(inner) => Type::Promise(Box::new(self.resolve(inner))),
            Type::Record(key, value) => {
                Type::Record(Box::new(self.resolve(key)), Box::new(self.resolve(value)))
            }
            Type::Union { name, members } => {
                let mut flat = Vec::new();
                for member in members {
                    match self.resolve(member) {
                        Type::Union { members, .. } => flat.extend(members),
                        member => flat.push(member),
                    }
                }
                Type::Union {
                    name: name.clone(),
                    members: flat,
                }
            }
            other => other.clone(),
        }
    }
}

fn members_of(members: &[InterfaceMember<'_>], outer: &Attributes, is_guide: bool) -> Vec<Member> {
    members
        .iter()
        .map(|member| {
            let (attributes, kind) = match member {
                InterfaceMember::Const(constant) => (&constant.attributes, constant_member(constant)),
                InterfaceMember::Attribute(attribute) => {
                    let own = Attributes::of(&attribute.attributes);
                    let kind = MemberKind::Attribute {
                        name: attribute.identifier.0.to_owned(),
                        type_: attributed(&attribute.type_, &own),
                        readonly: attribute.readonly.is_some(),
                        is_static: matches!(
                            attribute.modifier,
                            Some(StringifierOrInheritOrStatic::Static(_))
                        ),
                        is_stringifier: matches!(
                            attribute.modifier,
                            Some(StringifierOrInheritOrStatic::Stringifier(_))
                        ),
                    };
                    (&attribute.attributes, kind)
                }
                InterfaceMember::Constructor(constructor) => {
                    let arguments = arguments_of(&constructor.args.body);
                    (&constructor.attributes, MemberKind::Constructor(arguments))
                }
                InterfaceMember::Operation(operation) => {
                    let special = operation.special;
                    if special.is_some_and(|special| !matches!(special, Special::Getter(_))) {
                        panic!("setters and deleters are not known here");
                    }
                    let kind = MemberKind::Operation {
                        name: operation.identifier.map_or("toString", |name| name.0).to_owned(),
                        arguments: arguments_of(&operation.args.body),
                        returns: return_type(&operation.return_type),
                        is_static: matches!(operation.modifier, Some(StringifierOrStatic::Static(_))),
                        is_stringifier: matches!(
                            operation.modifier,
                            Some(StringifierOrStatic::Stringifier(_))
                        ),
                    };
                    (&operation.attributes, kind)
                }
                InterfaceMember::Iterable(IterableInterfaceMember::Double(iterable)) => {
                    let (key, _, value) = &iterable.generics.body;
                    let kind = MemberKind::Iterable {
                        key: attributed(key, &Attributes::default()),
                        value: attributed(value, &Attributes::default()),
                    };
                    (&iterable.attributes, kind)
                }
                InterfaceMember::Stringifier(stringifier) => {
                    (&stringifier.attributes, stringifier_operation())
                }
                InterfaceMember::Iterable(IterableInterfaceMember::Single(_))
                | InterfaceMember::AsyncIterable(_)
                | InterfaceMember::Maplike(_)
                | InterfaceMember::Setlike(_) => {
                    panic!("value iterables, maplike and setlike are not known here")
                }
            };
            member_with(attributes, outer, kind, is_guide)
        })
        .collect()
}

fn mixin_members(members: &[MixinMember<'_>], outer: &Attributes, is_guide: bool) -> Vec<Member> {
    members
        .iter()
        .map(|member| match member {
            MixinMember::Const(constant) => {
                member_with(&constant.attributes, outer, constant_member(constant), is_guide)
            }
            MixinMember::Operation(operation) => {
                let kind = MemberKind::Operation {
                    name: operation.identifier.map_or("toString", |name| name.0).to_owned(),
                    arguments: arguments_of(&operation.args.body),
                    returns: return_type(&operation.return_type),
                    is_static: false,
                    is_stringifier: operation.stringifier.is_some(),
                };
                member_with(&operation.attributes, outer, kind, is_guide)
            }
            MixinMember::Attribute(attribute) => {
                let own = Attributes::of(&attribute.attributes);
                let kind = MemberKind::Attribute {
                    name: attribute.identifier.0.to_owned(),
                    type_: attributed(&attribute.type_, &own),
                    readonly: attribute.readonly.is_some(),
                    is_static: false,
                    is_stringifier: attribute.stringifier.is_some(),
                };
                member_with(&attribute.attributes, outer, kind, is_guide)
            }
            MixinMember::Stringifier(stringifier) => {
                member_with(&stringifier.attributes, outer, stringifier_operation(), is_guide)
            }
        })
        .collect()
}

fn namespace_member(member: &NamespaceMember<'_>) -> Option<Member> {
    let NamespaceMember::Operation(operation) = member else {
        panic!("attributes of namespaces are not known here");
    };
    let kind = MemberKind::Operation {
        name: operation.identifier?.0.to_owned(),
        arguments: arguments_of(&operation.args.body),
        returns: return_type(&operation.return_type),
        is_static: true,
        is_stringifier: false,
    };
    Some(member_with(
        &operation.attributes,
        &Attributes::default(),
        kind,
        false,
    ))
}

fn member_with(
    attributes: &Option<ExtendedAttributeList<'_>>,
    outer: &Attributes,
    kind: MemberKind,
    is_guide: bool,
) -> Member {
    let mut attributes = Attributes::of(attributes);
    attributes.exposed = attributes.exposed.or_else(|| outer.exposed.clone());
    attributes.secure_context |= outer.secure_context;
    Member {
        attributes,
        kind,
        is_guide,
    }
}

fn stringifier_operation() -> MemberKind {
    MemberKind::Operation {
        name: "toString".to_owned(),
        arguments: Vec::new(),
        returns: Type::DomString { null_to_empty: false },
        is_static: false,
        is_stringifier: true,
    }
}

fn constant_member(constant: &ConstMember<'_>) -> MemberKind {
    let value = match &constant.const_value {
        ConstValue::Boolean(boolean) => boolean.0.to_string(),
        ConstValue::Integer(integer) => integer_text(integer),
        ConstValue::Float(_) | ConstValue::Null(_) => panic!("only integers are constants here"),
    };
    MemberKind::Constant {
        name: constant.identifier.0.to_owned(),
        value,
    }
}

fn dictionary_members(
    members: &[weedle::dictionary::DictionaryMember<'_>],
    is_guide: bool,
) -> Vec<DictionaryMember> {
    members
        .iter()
        .map(|member| DictionaryMember {
            name: member.identifier.0.to_owned(),
            type_: type_of(&member.type_, &Attributes::of(&member.attributes)),
            required: member.required.is_some(),
            default: member.default.as_ref().map(|default| literal(&default.value)),
            is_guide,
        })
        .collect()
}

fn arguments_of(list: &ArgumentList<'_>) -> Vec<Argument> {
    list.list
        .iter()
        .map(|argument| match argument {
            IdlArgument::Single(argument) => Argument {
                name: argument.identifier.0.to_owned(),
                type_: attributed(&argument.type_, &Attributes::of(&argument.attributes)),
                optional: argument.optional.is_some(),
                variadic: false,
                default: argument.default.as_ref().map(|default| literal(&default.value)),
            },
            IdlArgument::Variadic(argument) => Argument {
                name: argument.identifier.0.to_owned(),
                type_: type_of(&argument.type_, &Attributes::of(&argument.attributes)),
                optional: true,
                variadic: true,
                default: None,
            },
        })
        .collect()
}

fn literal(value: &DefaultValue<'_>) -> Literal {
    match value {
        DefaultValue::Boolean(boolean) => Literal::Boolean(boolean.0),
        DefaultValue::EmptyArray(_) => Literal::EmptyArray,
        DefaultValue::EmptyDictionary(_) => Literal::EmptyDictionary,
        DefaultValue::Float(FloatLit::Value(value)) => Literal::Number(value.0.to_owned()),
        DefaultValue::Float(_) => panic!("only finite numbers are defaults here"),
        DefaultValue::Integer(integer) => Literal::Number(integer_text(integer)),
        DefaultValue::Null(_) => Literal::Null,
        DefaultValue::String(string) => Literal::String(string.0.to_owned()),
    }
}

fn integer_text(integer: &IntegerLit<'_>) -> String {
    match integer {
        IntegerLit::Dec(text) => text.0.to_owned(),
        IntegerLit::Hex(text) => text.0.to_owned(),
        IntegerLit::Oct(text) if text.0 == "0" => text.0.to_owned(),
        IntegerLit::Oct(text) => format!("0o{}", &text.0[1..]),
    }
}

fn return_type(type_: &ReturnType<'_>) -> Type {
    match type_ {
        ReturnType::Undefined(_) => Type::Undefined,
        ReturnType::Type(type_) => type_of(type_, &Attributes::default()),
    }
}

fn attributed(type_: &AttributedType<'_>, outer: &Attributes) -> Type {
    type_of(&type_.type_, &outer.and(&type_.attributes))
}

fn type_of(type_: &IdlType<'_>, attributes: &Attributes) -> Type {
    match type_ {
        IdlType::Single(SingleType::Any(_)) => Type::Any,
        IdlType::Single(SingleType::NonAny(type_)) => non_any(type_, attributes),
        IdlType::Union(union) => nullable(union, |union| union_of(union)),
    }
}

fn union_of(union: &UnionType<'_>) -> Type {
    let member = |member: &UnionMemberType<'_>| match member {
        UnionMemberType::Single(single) => non_any(&single.type_, &Attributes::of(&single.attributes)),
        UnionMemberType::Union(union) => nullable(union, |union| union_of(union)),
    };
    Type::Union {
        name: None,
        members: union.body.list.iter().map(member).collect(),
    }
}

fn nullable<T>(type_: &MayBeNull<T>, inner: impl FnOnce(&T) -> Type) -> Type {
    let inner = inner(&type_.type_);
    match type_.q_mark {
        Some(_) => Type::Nullable(Box::new(inner)),
        None => inner,
    }
}

fn non_any(type_: &NonAnyType<'_>, attributes: &Attributes) -> Type {
    let integer = |bits, signed| Type::Integer {
        bits,
        signed,
        mode: attributes.integer,
    };
    let inner = |type_: &IdlType<'_>| Box::new(type_of(type_, &Attributes::default()));
    match type_ {
        NonAnyType::Promise(promise) => Type::Promise(Box::new(return_type(&promise.generics.body))),
        NonAnyType::Integer(type_) => nullable(type_, |type_| match type_ {
            IntegerType::LongLong(type_) => integer(64, type_.unsigned.is_none()),
            IntegerType::Long(type_) => integer(32, type_.unsigned.is_none()),
            IntegerType::Short(type_) => integer(16, type_.unsigned.is_none()),
        }),
        NonAnyType::Byte(type_) => nullable(type_, |_| integer(8, true)),
        NonAnyType::Octet(type_) => nullable(type_, |_| integer(8, false)),
        NonAnyType::FloatingPoint(type_) => nullable(type_, |type_| match type_ {
            FloatingPointType::Float(type_) => Type::Float {
                double: false,
                unrestricted: type_.unrestricted.is_some(),
            },
            FloatingPointType::Double(type_) => Type::Float {
                double: true,
                unrestricted: type_.unrestricted.is_some(),
            },
        }),
        NonAnyType::Boolean(type_) => nullable(type_, |_| Type::Boolean),
        NonAnyType::ByteString(type_) => nullable(type_, |_| Type::ByteString),
        NonAnyType::DOMString(type_) => nullable(type_, |_| Type::DomString {
            null_to_empty: attributes.null_to_empty,
        }),
        NonAnyType::USVString(type_) => nullable(type_, |_| Type::UsvString),
        NonAnyType::Sequence(type_) => nullable(type_, |type_| Type::Sequence(inner(&type_.generics.body))),
        NonAnyType::FrozenArrayType(type_) => {
            nullable(type_, |type_| Type::FrozenArray(inner(&type_.generics.body)))
        }
        NonAnyType::RecordType(type_) => nullable(type_, |type_| {
            let (key, _, value) = &type_.generics.body;
            let key = match &**key {
                RecordKeyType::Byte(_) => Type::ByteString,
                RecordKeyType::DOM(_) => Type::DomString { null_to_empty: false },
                RecordKeyType::USV(_) => Type::UsvString,
                RecordKeyType::NonAny(type_) => non_any(type_, &Attributes::default()),
            };
            Type::Record(Box::new(key), inner(value))
        }),
        NonAnyType::Object(type_) => nullable(type_, |_| Type::Object),
        NonAnyType::ArrayBuffer(type_) => nullable(type_, |_| Type::Buffer("ArrayBuffer")),
        NonAnyType::Uint8Array(type_) => nullable(type_, |_| Type::Buffer("Uint8Array")),
        NonAnyType::ArrayBufferView(type_) => nullable(type_, |_| Type::Buffer("ArrayBufferView")),
        NonAnyType::BufferSource(type_) => nullable(type_, |_| Type::Buffer("BufferSource")),
        NonAnyType::Identifier(type_) => nullable(type_, |name| match name.0 {
            "undefined" => Type::Undefined,
            name => Type::Named(name.to_owned()),
        }),
        other => panic!("the type {other:?} is not known here"),
    }
}
