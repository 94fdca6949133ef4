//! Overload resolution.
//!
//! <https://webidl.spec.whatwg.org/#dfn-overload-resolution-algorithm>

use proc_macro2::TokenStream;
use quote::quote;

use crate::emit::required_count;
use crate::model::{Argument, Model, Type};
use crate::unions::{FALLBACK, ITERABLE};

/// An overload: its place in the file, and its arguments.
type Candidate<'a> = (usize, &'a [Argument]);

/// The overloads' arguments at a place.
fn arguments_at<'a>(candidates: &[Candidate<'a>], place: usize) -> Vec<(usize, &'a Argument)> {
    let at = |arguments: &'a [Argument]| &arguments[place.min(arguments.len() - 1)];
    candidates
        .iter()
        .map(|(index, arguments)| (*index, at(arguments)))
        .collect()
}

/// The overloads that take this number of arguments.
fn candidates<'a>(overloads: &[(&'a [Argument], &Type)], count: usize) -> Vec<Candidate<'a>> {
    let takes = |arguments: &[Argument]| {
        let is_variadic = arguments.last().is_some_and(|argument| argument.variadic);
        required_count(arguments) <= count && (count <= arguments.len() || is_variadic)
    };
    let all = overloads
        .iter()
        .enumerate()
        .map(|(index, (arguments, _))| (index, *arguments));
    all.filter(|(_, arguments)| takes(arguments)).collect()
}

/// The numbers of arguments that make a difference.
fn counts(overloads: &[(&[Argument], &Type)]) -> std::ops::RangeInclusive<usize> {
    let longest = overloads.iter().map(|(arguments, _)| arguments.len()).max();
    let shortest = overloads
        .iter()
        .map(|(arguments, _)| required_count(arguments))
        .min();
    shortest.unwrap_or(0)..=longest.unwrap_or(0)
}

impl Model {
    /// Which overload a call is one of: by the number of arguments, and the first argument whose type tells them apart.
    ///
    /// <https://webidl.spec.whatwg.org/#dfn-overload-resolution-algorithm>
    pub(crate) fn chosen_overload(&self, overloads: &[(&[Argument], &Type)]) -> TokenStream {
        let longest = *counts(overloads).end();
        let choices = counts(overloads).map(|count| {
            let candidates = candidates(overloads, count);
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
    fn distinguished(&self, candidates: &[Candidate<'_>], count: usize) -> TokenStream {
        let place = self.distinguishing_place(candidates, count);
        let mut checks = Vec::new();
        for (index, argument) in arguments_at(candidates, place) {
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
        for (order, check, index) in checks.iter().take_while(|(order, ..)| *order < FALLBACK) {
            let check = match *order {
                // The conversion needs it again, and scripts see when it is got.
                ITERABLE => quote!(is_iterable(cx, value, &mut iterator)?),
                _ => check.clone(),
            };
            match steps.last_mut() {
                // One after the other they are one.
                Some((last, conditions)) if last == index => conditions.push(check),
                _ => steps.push((*index, vec![check])),
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

    /// The argument that tells overloads with this number of arguments apart.
    fn distinguishing_place(&self, candidates: &[Candidate<'_>], count: usize) -> usize {
        let place = (0..count).find(|place| {
            let arguments = arguments_at(candidates, *place);
            let mut types = arguments
                .iter()
                .map(|(_, argument)| self.resolve(&argument.type_));
            let first = types.next();
            types.any(|other| Some(other) != first)
        });
        place.unwrap_or_else(|| panic!("overloads cannot be told apart: {candidates:?}"))
    }

    /// Whether an argument may be a sequence.
    pub(crate) fn takes_iterables(&self, argument: &Argument) -> bool {
        let checks = self.checks(&self.resolve(&argument.type_));
        checks.iter().any(|(order, _)| *order == ITERABLE)
    }

    /// The argument whose method `Symbol.iterator` is got to tell overloads apart.
    pub(crate) fn iterator_place(&self, overloads: &[(&[Argument], &Type)]) -> Option<usize> {
        counts(overloads).find_map(|count| {
            let candidates = candidates(overloads, count);
            if candidates.len() < 2 {
                return None;
            }
            let place = self.distinguishing_place(&candidates, count);
            let arguments = arguments_at(&candidates, place);
            let mut iterable = arguments
                .iter()
                .filter(|(_, argument)| self.takes_iterables(argument));
            let argument = iterable.next()?.1;
            assert!(
                !argument.optional && !argument.variadic,
                "{argument:?} is not made yet"
            );
            Some(place)
        })
    }
}
