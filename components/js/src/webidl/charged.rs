//! What platform objects keep outside of the engine's heap, charged when they are made and changed.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::rc::Rc;

use super::{Fallible, Interface};
use crate::engine::{Arguments, Cx, Slots, State};
use crate::realm::Charge;

/// A platform object's state, with what is charged for it.
pub(super) struct Charged<T> {
    state: T,
    charge: ChargeOfObject,
}

/// What is charged for a platform object.
struct ChargeOfObject {
    /// For itself.
    base: usize,
    /// For itself and what it keeps.
    now: RefCell<Charge>,
}

/// A platform object is being changed.
pub struct Keeping(Rc<dyn State>);

impl Keeping {
    /// A call changes an object of this state, with what it has converted.
    pub(super) fn begin<'js>(
        arguments: &Arguments<'_, 'js>,
        state: &Rc<dyn State>,
    ) -> Fallible<'js, Option<Self>> {
        let converted = arguments.converted();
        if converted == 0 {
            return Ok(None);
        }
        let keeping = Self(Rc::clone(state));
        if let Some(charge) = keeping.charge() {
            let bytes = charge.base + state.kept() + converted;
            charge.now.borrow_mut().set(&arguments.cx, bytes)?;
        }
        Ok(Some(keeping))
    }

    fn charge(&self) -> Option<&ChargeOfObject> {
        self.0
            .as_interface(TypeId::of::<ChargeOfObject>())?
            .downcast_ref()
    }
}

impl Drop for Keeping {
    fn drop(&mut self) {
        if let Some(charge) = self.charge() {
            charge.now.borrow_mut().settle(charge.base + self.0.kept());
        }
    }
}

impl<T: Interface> Charged<T> {
    /// Charges a state.
    pub(super) fn new<'js>(cx: &Cx<'js>, state: T) -> Fallible<'js, Self> {
        let base = size_of::<Self>() + size_of::<Slots<'_>>() + OVERHEAD;
        let charge = Charge::new(cx, base + state.kept())?;
        let now = RefCell::new(charge);
        let charge = ChargeOfObject { base, now };
        Ok(Self { state, charge })
    }
}

impl<T: Interface> State for Charged<T> {
    fn as_interface(&self, interface: TypeId) -> Option<&dyn Any> {
        if interface == TypeId::of::<ChargeOfObject>() {
            return Some(&self.charge);
        }
        self.state.as_interface(interface)
    }

    fn kept(&self) -> usize {
        self.state.kept()
    }
}

/// About what a platform object takes up outside of the engine's heap beside its state and its slots.
const OVERHEAD: usize = 64;
