//! [`HeaderList`]: names and values in their order, with the case that they were given.

use std::cell::RefCell;
use std::rc::Rc;

use http::{HeaderMap, HeaderName, HeaderValue};

/// A header: its name, and its value.
pub type Header = (Vec<u8>, Vec<u8>);

/// A header list.
///
/// <https://fetch.spec.whatwg.org/#concept-header-list>
#[derive(Debug, Default)]
pub struct HeaderList {
    headers: Vec<Header>,
    /// What iteration sees, until something changes.
    sorted: RefCell<Option<Rc<[Header]>>>,
    /// The bytes of the names and values.
    length: usize,
}

impl Clone for HeaderList {
    fn clone(&self) -> Self {
        self.headers.clone().into()
    }
}

impl From<Vec<Header>> for HeaderList {
    fn from(headers: Vec<Header>) -> Self {
        Self {
            length: headers.iter().map(length).sum(),
            headers,
            sorted: RefCell::default(),
        }
    }
}

impl From<&HeaderMap> for HeaderList {
    fn from(map: &HeaderMap) -> Self {
        let headers = map.iter();
        let headers = headers.map(|(name, value)| (name.as_str().into(), value.as_bytes().into()));
        headers.collect::<Vec<_>>().into()
    }
}

fn length((name, value): &Header) -> usize {
    name.len() + value.len()
}

impl HeaderList {
    /// The headers, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Header> {
        self.headers.iter()
    }

    /// The list as HTTP sends it.
    ///
    /// # Errors
    ///
    /// A sentence, where a value has control characters: Fetch allows them, HTTP does not.
    pub fn to_map(&self) -> Result<HeaderMap, String> {
        let mut map = HeaderMap::new();
        for (name, value) in &self.headers {
            let shown = name.escape_ascii();
            let valid_name = HeaderName::from_bytes(name)
                .map_err(|_| format!("the header {shown} has a name that HTTP does not send"))?;
            let valid_value = HeaderValue::from_bytes(value)
                .map_err(|_| format!("the header {shown} has a value that HTTP does not send"))?;
            map.try_append(valid_name, valid_value)
                .map_err(|_| "there are too many headers".to_owned())?;
        }
        Ok(map)
    }

    /// About how many bytes it takes up. What iteration sees is a second copy.
    pub fn kept(&self) -> usize {
        2 * (self.length + self.headers.len() * size_of::<Header>())
    }

    /// Whether there is a header of this name.
    ///
    /// <https://fetch.spec.whatwg.org/#header-list-contains>
    pub fn contains(&self, name: &[u8]) -> bool {
        self.values(name).next().is_some()
    }

    /// The values of this name, combined.
    ///
    /// <https://fetch.spec.whatwg.org/#concept-header-list-get>
    pub fn get(&self, name: &[u8]) -> Option<Vec<u8>> {
        let values: Vec<_> = self.values(name).collect();
        (!values.is_empty()).then(|| values.join(&b", "[..]))
    }

    /// The values of this name, each for itself.
    pub fn values(&self, name: &[u8]) -> impl Iterator<Item = &[u8]> {
        let headers = self.headers.iter();
        let headers = headers.filter(move |(other, _)| other.eq_ignore_ascii_case(name));
        headers.map(|(_, value)| &value[..])
    }

    /// Adds a header; its name is written as that of one that is there.
    ///
    /// <https://fetch.spec.whatwg.org/#concept-header-list-append>
    pub fn append(&mut self, name: &[u8], value: Vec<u8>) {
        let known = self
            .headers
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name));
        let name = known.map_or(name, |(known, _)| known).to_vec();
        self.length += name.len() + value.len();
        self.headers.push((name, value));
        self.sorted.take();
    }

    /// Makes this the only value of its name.
    ///
    /// <https://fetch.spec.whatwg.org/#concept-header-list-set>
    pub fn set(&mut self, name: &[u8], value: Vec<u8>) {
        let is_it = |(other, _): &Header| other.eq_ignore_ascii_case(name);
        let Some(first) = self.headers.iter().position(is_it) else {
            return self.append(name, value);
        };
        self.headers[first].1 = value;
        let mut place = 0;
        self.headers.retain(|header| {
            place += 1;
            place - 1 <= first || !is_it(header)
        });
        self.changed();
    }

    /// Removes every header of this name.
    ///
    /// <https://fetch.spec.whatwg.org/#concept-header-list-delete>
    pub fn delete(&mut self, name: &[u8]) {
        self.headers
            .retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self.changed();
    }

    /// Something may be gone.
    fn changed(&mut self) {
        self.length = self.headers.iter().map(length).sum();
        self.sorted.take();
    }

    /// Removes everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// What iteration sees: by name in lower case, each with its values combined; but cookies each for itself.
    ///
    /// <https://fetch.spec.whatwg.org/#concept-header-list-sort-and-combine>
    pub fn sorted(&self) -> Rc<[Header]> {
        let mut sorted = self.sorted.borrow_mut();
        Rc::clone(sorted.get_or_insert_with(|| self.sort_and_combine().into()))
    }

    fn sort_and_combine(&self) -> Vec<Header> {
        let lower_case = |(name, value): &Header| (name.to_ascii_lowercase(), value.clone());
        let mut headers: Vec<_> = self.headers.iter().map(lower_case).collect();
        // Values of one name stay in their order.
        headers.sort_by(|(one, _), (other, _)| one.cmp(other));
        headers.dedup_by(|(name, value), (first_name, combined)| {
            let is_same = name == first_name && name != b"set-cookie";
            if is_same {
                combined.extend_from_slice(b", ");
                combined.extend_from_slice(value);
            }
            is_same
        });
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(headers: &[(&str, &str)]) -> HeaderList {
        let mut list = HeaderList::default();
        for (name, value) in headers {
            list.append(name.as_bytes(), value.as_bytes().to_vec());
        }
        list
    }

    fn text(headers: &[Header]) -> String {
        let headers = headers.iter();
        let headers =
            headers.map(|(name, value)| format!("{}={};", name.escape_ascii(), value.escape_ascii()));
        headers.collect()
    }

    #[test]
    fn names_keep_the_case_that_came_first_and_are_sorted_in_lower_case() {
        let mut headers = list(&[
            ("b", "1"),
            ("Set-Cookie", "x"),
            ("A", "2"),
            ("a", "3"),
            ("set-cookie", "y"),
        ]);
        assert_eq!(text(&headers.headers), "b=1;Set-Cookie=x;A=2;A=3;Set-Cookie=y;");
        assert_eq!(text(&headers.sorted()), "a=2, 3;b=1;set-cookie=x;set-cookie=y;");
        assert_eq!(headers.get(b"a").unwrap(), b"2, 3");
        headers.set(b"a", b"4".to_vec());
        assert_eq!(text(&headers.headers), "b=1;Set-Cookie=x;A=4;Set-Cookie=y;");
        headers.delete(b"SET-COOKIE");
        assert_eq!(text(&headers.sorted()), "a=4;b=1;");
    }

    #[test]
    fn what_http_does_not_send_is_said() {
        assert!(
            list(&[("x", "\u{1}")])
                .to_map()
                .unwrap_err()
                .contains("the header x")
        );
        assert_eq!(list(&[("x", "é")]).to_map().unwrap().len(), 1);
    }
}
