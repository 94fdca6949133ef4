//! The bindings, as the build script made them from `webidl/`.

use std::any::{Any, TypeId};

use background_fetch::DomString;

use crate::engine::{Arguments, Cx, Function, Object, Promise, Slots, State, Type, Value};
use crate::interfaces::*;
use crate::webidl::*;

include!(concat!(env!("OUT_DIR"), "/bindings.rs"));
