//! [`Registry`]: the interface objects of one global.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use super::{Definition, MemberKind};
use crate::engine::{Completion, Cx, Descriptor, Object, Platform, Root, State};
use crate::realm::Realm;

/// The prototypes of a global's interfaces, and what is behind the global object itself.
#[derive(Default)]
pub struct Registry {
    prototypes: RefCell<HashMap<&'static str, Root>>,
    iterators: RefCell<HashMap<&'static str, Root>>,
    /// The `[LegacyUnforgeable]` members, which every object has itself.
    unforgeable: RefCell<HashMap<&'static str, Vec<(&'static str, Unforgeable)>>>,
    /// A platform object that holds the state and the slots of the global object.
    global: OnceCell<Root>,
}

enum Unforgeable {
    /// The getter and the setter of an attribute.
    Attribute([Root; 2]),
    /// The function of an operation.
    Operation(Root),
}

impl Registry {
    /// That of the realm.
    pub fn of(cx: &Cx<'_>) -> Rc<Self> {
        Rc::clone(&Realm::of(cx).registry)
    }

    /// The interface prototype object of an interface.
    pub fn prototype<'js>(&self, cx: &Cx<'js>, interface: &Definition) -> Object<'js> {
        let prototypes = self.prototypes.borrow();
        let prototype = prototypes
            .get(interface.name)
            .and_then(|root| root.get(cx).as_object());
        // What a global does not expose has no prototype there: its objects are plain.
        prototype.unwrap_or_else(|| cx.object())
    }

    pub(super) fn set_prototype<'js>(&self, cx: &Cx<'js>, name: &'static str, prototype: &Object<'js>) {
        self.prototypes
            .borrow_mut()
            .insert(name, cx.root(&prototype.value()));
    }

    pub(super) fn iterator_prototype<'js>(&self, cx: &Cx<'js>, name: &str) -> Option<Object<'js>> {
        self.iterators.borrow().get(name)?.get(cx).as_object()
    }

    pub(super) fn set_iterator_prototype<'js>(
        &self,
        cx: &Cx<'js>,
        name: &'static str,
        prototype: &Object<'js>,
    ) {
        self.iterators
            .borrow_mut()
            .insert(name, cx.root(&prototype.value()));
    }

    pub(super) fn set_unforgeable<'js>(
        &self,
        cx: &Cx<'js>,
        definition: &'static Definition,
        template: &Object<'js>,
    ) -> Completion<'js, ()> {
        // Those of a global are on the global itself.
        let members = definition
            .members
            .iter()
            .filter(|member| member.is_unforgeable && !definition.is_global);
        let mut accessors = Vec::new();
        for member in members {
            let unforgeable = match member.kind {
                MemberKind::Operation { .. } => {
                    Unforgeable::Operation(cx.root(&template.get(cx, member.name)?))
                }
                _ => match template.own_accessor(cx, member.name)? {
                    Some(accessor) => Unforgeable::Attribute(accessor.map(|function| cx.root(&function))),
                    None => continue,
                },
            };
            accessors.push((member.name, unforgeable));
        }
        if !accessors.is_empty() {
            self.unforgeable.borrow_mut().insert(definition.name, accessors);
        }
        Ok(())
    }

    /// Gives an object what nobody may take from it.
    pub(super) fn define_unforgeable<'js>(
        &self,
        cx: &Cx<'js>,
        mut definition: &'static Definition,
        object: &Object<'js>,
    ) -> Completion<'js, ()> {
        let unforgeable = self.unforgeable.borrow();
        loop {
            for (name, member) in unforgeable.get(definition.name).into_iter().flatten() {
                let descriptor = match member {
                    Unforgeable::Attribute([get, set]) => {
                        let Some(get) = get.get(cx).as_function() else {
                            continue;
                        };
                        Descriptor::Accessor {
                            get,
                            set: set.get(cx).as_function(),
                            enumerable: true,
                            configurable: false,
                        }
                    }
                    Unforgeable::Operation(function) => Descriptor::Data {
                        value: function.get(cx),
                        writable: false,
                        enumerable: true,
                        configurable: false,
                    },
                };
                object.define(cx, *name, &descriptor)?;
            }
            match definition.parent {
                Some(parent) => definition = parent,
                None => return Ok(()),
            }
        }
    }

    /// Says what is behind the global object.
    pub fn set_global(&self, cx: &Cx<'_>, state: Rc<dyn State>) {
        let platform = Platform {
            state,
            slots: Rc::default(),
        };
        if let Ok(object) = cx.platform_object(platform, &cx.object()) {
            let _ = self.global.set(cx.root(&object.value()));
        }
    }

    /// What is behind an object, where it is a platform object or the global.
    pub(super) fn platform_of<'js>(cx: &Cx<'js>, object: &Object<'js>) -> Option<Platform<'js>> {
        if let Some(platform) = object.platform() {
            return Some(platform);
        }
        if *object != cx.global() {
            return None;
        }
        Self::of(cx).global.get()?.get(cx).as_object()?.platform()
    }
}
