//! How interfaces come to a global: interface objects, prototypes, and the properties of both.
//!
//! <https://webidl.spec.whatwg.org/#js-interfaces>

use super::iterable::define_iterable;
use super::{Fallible, Registry, Serialization, Transfer};
use crate::engine::{Arguments, Completion, Cx, Descriptor, Function, Native, Object, Symbol, Thrown, Value};
use crate::realm::Realm;

/// The code of a member.
pub type Call = for<'a, 'b, 'js> fn(&'a Arguments<'b, 'js>) -> Fallible<'js, Value<'js>>;

/// The code that gives the pair at a place.
pub type PairAt =
    for<'a, 'js> fn(&'a Cx<'js>, &'a Object<'js>, usize) -> Fallible<'js, Option<(Value<'js>, Value<'js>)>>;

/// An interface or a namespace, as its Web IDL says.
#[derive(Debug)]
pub struct Definition {
    /// Its identifier.
    pub name: &'static str,
    /// What it inherits from.
    pub parent: Option<&'static Definition>,
    /// `[Exposed]`
    pub exposed: Globals,
    /// `[SecureContext]`
    pub secure_context: bool,
    /// `[Global]`
    pub is_global: bool,
    /// `[LegacyNoInterfaceObject]`
    pub is_hidden: bool,
    /// `[LegacyWindowAlias]`
    pub window_aliases: &'static [&'static str],
    /// `[Serializable]`
    pub serialization: Option<Serialization>,
    /// `[Transferable]`
    pub transfer: Option<Transfer>,
    /// Its constructor.
    pub constructor: Option<Constructor>,
    /// Its constants.
    pub constants: &'static [(&'static str, f64)],
    /// Its members.
    pub members: &'static [MemberDefinition],
}

/// A constructor.
#[derive(Debug)]
pub struct Constructor {
    /// How many arguments it requires.
    pub length: usize,
    /// Its code.
    pub call: Call,
}

/// A member of an interface.
#[derive(Debug)]
pub struct MemberDefinition {
    /// What it is.
    pub kind: MemberKind,
    /// Its identifier.
    pub name: &'static str,
    /// `[Exposed]`
    pub exposed: Globals,
    /// `[SecureContext]`
    pub secure_context: bool,
    /// `[LegacyUnforgeable]`
    pub is_unforgeable: bool,
    /// Whether it is of the guide extension.
    pub is_guide: bool,
}

/// What a member is.
#[derive(Debug)]
pub enum MemberKind {
    /// An operation.
    Operation {
        /// How many arguments it requires.
        length: usize,
        /// Whether it is static.
        is_static: bool,
        /// Its code.
        call: Call,
    },
    /// An attribute.
    Attribute {
        /// Whether it is static.
        is_static: bool,
        /// Its getter.
        get: Call,
        /// Its setter.
        set: Option<Call>,
    },
    /// `iterable<K, V>`
    Iterable {
        /// The pair at a place.
        pair_at: PairAt,
    },
}

/// A set of globals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Globals(u8);

impl Globals {
    /// No global.
    pub const NONE: Self = Self(0);
    /// A page's.
    pub const WINDOW: Self = Self(1);
    /// A dedicated worker's.
    pub const DEDICATED_WORKER: Self = Self(2);
    /// A shared worker's.
    pub const SHARED_WORKER: Self = Self(4);
    /// A service worker's.
    pub const SERVICE_WORKER: Self = Self(8);
    /// Every worker's.
    pub const WORKER: Self = Self(2 | 4 | 8);
    /// Every global.
    pub const ALL: Self = Self(15);

    /// Both.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether they have one in common.
    pub fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// A namespace. The bindings implement this.
pub trait Namespace {
    /// The namespace.
    const DEFINITION: &'static Definition;
}

impl Definition {
    /// Whether its objects are exceptions, which have more in common with the errors of the language than others.
    ///
    /// <https://webidl.spec.whatwg.org/#js-DOMException-specialness>
    pub(super) fn is_exception(&self) -> bool {
        self.name == "DOMException" || self.parent.is_some_and(Self::is_exception)
    }

    /// Whether the realm's global has it.
    pub(super) fn is_exposed(&self, realm: &Realm) -> bool {
        self.exposed.meets(realm.kind()) && (!self.secure_context || realm.is_secure_context())
    }
}

impl MemberDefinition {
    fn is_exposed(&self, realm: &Realm) -> bool {
        self.exposed.meets(realm.kind())
            && (!self.secure_context || realm.is_secure_context())
            && (!self.is_guide || realm.has_guide())
    }
}

/// Defines everything that the realm's global exposes.
///
/// # Errors
///
/// Where the engine has no memory.
pub fn define_all<'js>(
    cx: &Cx<'js>,
    interfaces: &[&'static Definition],
    namespaces: &[&'static Definition],
) -> Completion<'js, ()> {
    let realm = Realm::of(cx);
    let registry = Registry::of(cx);
    let is_exposed = |definition: &Definition| definition.is_exposed(&realm);
    let global = cx.global();
    let mut constructors: Vec<(&str, Function<'js>)> = Vec::new();
    for definition in interfaces.iter().filter(|definition| is_exposed(definition)) {
        let parent = match definition.parent {
            Some(parent) => Some(registry.prototype(cx, parent)),
            None if definition.is_exception() => cx.intrinsic("Error")?.get(cx, "prototype")?.as_object(),
            None => None,
        };
        let prototype = match &parent {
            Some(parent) => cx.object_with_prototype(Some(parent))?,
            None => cx.object(),
        };
        let constructor = interface_object(cx, definition, &prototype)?;
        let parent_constructor = definition
            .parent
            .and_then(|parent| constructors.iter().find(|(name, _)| *name == parent.name));
        if let Some((_, parent)) = parent_constructor {
            constructor.set_prototype(cx, parent)?;
        }
        registry.set_prototype(cx, definition.name, &prototype);
        let target = if definition.is_global { &global } else { &prototype };
        let unforgeable = cx.object();
        for member in definition
            .members
            .iter()
            .filter(|member| member.is_exposed(&realm))
        {
            let on_each = member.is_unforgeable && !definition.is_global;
            let target = if on_each { &unforgeable } else { target };
            define_member(cx, definition, member, target, &constructor)?;
        }
        registry.set_unforgeable(cx, definition, &unforgeable)?;
        for (name, value) in definition.constants {
            let constant = Descriptor::Data {
                value: cx.number(*value),
                writable: false,
                enumerable: true,
                configurable: false,
            };
            constructor.define(cx, *name, &constant)?;
            prototype.define(cx, *name, &constant)?;
        }
        let tag = Descriptor::Data {
            value: cx.string(definition.name),
            writable: false,
            enumerable: false,
            configurable: true,
        };
        prototype.define(cx, Symbol::ToStringTag, &tag)?;
        if definition.is_global {
            global.set_prototype(cx, &prototype)?;
        }
        if !definition.is_hidden {
            global.define(cx, definition.name, &hidden(constructor.value()))?;
        }
        if realm.kind().meets(Globals::WINDOW) {
            for alias in definition.window_aliases {
                global.define(cx, *alias, &hidden(constructor.value()))?;
            }
        }
        constructors.push((definition.name, constructor));
    }
    for definition in namespaces.iter().filter(|definition| is_exposed(definition)) {
        let object = cx.object_with_prototype(Some(&cx.object()))?;
        for member in definition
            .members
            .iter()
            .filter(|member| member.is_exposed(&realm))
        {
            define_on(cx, definition, member, &object)?;
        }
        let tag = Descriptor::Data {
            value: cx.string(definition.name),
            writable: false,
            enumerable: false,
            configurable: true,
        };
        object.define(cx, Symbol::ToStringTag, &tag)?;
        global.define(cx, definition.name, &hidden(object.value()))?;
    }
    Ok(())
}

/// A property that is not enumerable.
fn hidden(value: Value<'_>) -> Descriptor<'_> {
    Descriptor::Data {
        value,
        writable: true,
        enumerable: false,
        configurable: true,
    }
}

/// <https://webidl.spec.whatwg.org/#interface-object>
fn interface_object<'js>(
    cx: &Cx<'js>,
    definition: &'static Definition,
    prototype: &Object<'js>,
) -> Completion<'js, Function<'js>> {
    let length = definition
        .constructor
        .as_ref()
        .map_or(0, |constructor| constructor.length);
    let name = definition.name;
    let native: Native = match &definition.constructor {
        Some(constructor) => native(name.to_owned(), constructor.call),
        None => Box::new(move |arguments| {
            Err(arguments
                .cx
                .type_error(format!("{name} is not to be constructed: Illegal constructor")))
        }),
    };
    cx.constructor(name, length, prototype, native)
}

/// Code that says where its errors come from.
fn native(place: String, call: Call) -> Native {
    Box::new(move |arguments| {
        call(arguments).map_err(|error| Thrown(error.at(&place).to_value(&arguments.cx)))
    })
}

fn define_member<'js>(
    cx: &Cx<'js>,
    interface: &'static Definition,
    member: &'static MemberDefinition,
    target: &Object<'js>,
    constructor: &Function<'js>,
) -> Completion<'js, ()> {
    let is_static = match member.kind {
        MemberKind::Operation { is_static, .. } | MemberKind::Attribute { is_static, .. } => is_static,
        MemberKind::Iterable { pair_at } => return define_iterable(cx, interface, pair_at, target),
    };
    define_on(
        cx,
        interface,
        member,
        if is_static { constructor } else { target },
    )
}

fn define_on<'js>(
    cx: &Cx<'js>,
    interface: &'static Definition,
    member: &'static MemberDefinition,
    target: &Object<'js>,
) -> Completion<'js, ()> {
    let place = format!("{}.{}", interface.name, member.name);
    let descriptor = match member.kind {
        MemberKind::Operation { length, call, .. } => Descriptor::Data {
            value: cx.function(member.name, length, native(place, call))?.value(),
            writable: !member.is_unforgeable,
            enumerable: true,
            configurable: !member.is_unforgeable,
        },
        MemberKind::Attribute { get, set, .. } => {
            let getter = native(place.clone(), get);
            let get = cx.function(&format!("get {}", member.name), 0, getter)?;
            let set = match set {
                Some(set) => Some(cx.function(&format!("set {}", member.name), 1, native(place, set))?),
                None => None,
            };
            Descriptor::Accessor {
                get,
                set,
                enumerable: true,
                configurable: !member.is_unforgeable,
            }
        }
        MemberKind::Iterable { .. } => return Ok(()),
    };
    target.define(cx, member.name, &descriptor)
}
