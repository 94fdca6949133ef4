//! Web Cryptography: random bytes and digests.

use background_fetch::DomString;
use ring::digest;
use ring::rand::{SecureRandom, SystemRandom};

use crate::bindings::{AlgorithmIdentifier, CryptoMethods, SubtleCryptoMethods};
use crate::engine::{Cx, Promise};
use crate::webidl::{ArrayBufferView, BufferSource, Error, Fallible, Ref, ToJs, promise_of, same_object};

/// <https://w3c.github.io/webcrypto/#crypto-interface>
pub struct Crypto;

/// <https://w3c.github.io/webcrypto/#subtlecrypto-interface>
pub struct SubtleCrypto;

/// The bytes that may be asked for at once.
const QUOTA: usize = 65_536;

fn random<'js>(bytes: &mut [u8]) -> Fallible<'js, ()> {
    let filled = SystemRandom::new().fill(bytes);
    filled.map_err(|_| Error::dom("OperationError", "the system gives no random bytes"))
}

/// A random name; the same each time where the system gives no random bytes.
pub(crate) fn random_uuid() -> String {
    let mut bytes = [0; 16];
    let _ = random(&mut bytes);
    uuid_of(bytes)
}

fn uuid_of(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0F | 0x40;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let parts = [&hex[..4], &hex[4..6], &hex[6..8], &hex[8..10], &hex[10..]];
    parts.map(<[String]>::concat).join("-")
}

impl CryptoMethods for Crypto {
    fn subtle<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Ref<'js, SubtleCrypto>> {
        same_object(this, cx, "subtle", || SubtleCrypto)
    }

    /// <https://w3c.github.io/webcrypto/#Crypto-method-getRandomValues>
    fn get_random_values<'js>(
        _: &Ref<'js, Self>,
        cx: &Cx<'js>,
        array: ArrayBufferView<'js>,
    ) -> Fallible<'js, ArrayBufferView<'js>> {
        // 1. Integers.
        if !array.0.is_integer_array() {
            return Err(Error::dom("TypeMismatchError", "it is not an array of integers"));
        }
        let view = array.0.view(cx)?;
        let view = view.ok_or_else(|| Error::dom("TypeMismatchError", "it is not an array of integers"))?;
        // 2. Not too many.
        if view.length > QUOTA {
            let message = format!("{} bytes were asked for, and {QUOTA} may be", view.length);
            return Err(Error::dom("QuotaExceededError", message));
        }
        // 3. The bytes.
        let mut bytes = vec![0; view.length];
        random(&mut bytes)?;
        view.buffer.write_array_buffer(view.offset, &bytes);
        // 4. The same array.
        Ok(array)
    }

    /// <https://w3c.github.io/webcrypto/#Crypto-method-randomUUID>
    fn random_uuid<'js>(_: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, DomString> {
        let mut bytes = [0; 16];
        random(&mut bytes)?;
        Ok(uuid_of(bytes).into())
    }
}

impl SubtleCryptoMethods for SubtleCrypto {
    /// <https://w3c.github.io/webcrypto/#SubtleCrypto-method-digest>
    fn digest<'js>(
        _: &Ref<'js, Self>,
        cx: &Cx<'js>,
        algorithm: AlgorithmIdentifier<'js>,
        data: BufferSource<'js>,
    ) -> Fallible<'js, Promise<'js>> {
        // 2. A copy of the bytes.
        let bytes = data.bytes(cx)?;
        // 3. and 4. The algorithm.
        let name = match algorithm {
            AlgorithmIdentifier::DomString(name) => name.to_string(),
            AlgorithmIdentifier::Object(object) => match object.get(cx, "name")? {
                name if name.is_undefined() => {
                    return Err(Error::type_error("the member name of Algorithm is missing"));
                }
                name => name.to_text(cx)?,
            },
        };
        let algorithm = match name.to_ascii_uppercase().as_str() {
            "SHA-1" => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            "SHA-256" => &digest::SHA256,
            "SHA-384" => &digest::SHA384,
            "SHA-512" => &digest::SHA512,
            _ => {
                let message = format!("\"{name}\" is no digest that is known here");
                return Err(Error::dom("NotSupportedError", message));
            }
        };
        // 7. The digest, in a task of its own.
        let digested = async move { Ok(digest::digest(algorithm, &bytes)) };
        promise_of(cx, digested, |cx, digest| cx.array_buffer(digest)?.to_js(cx))
    }
}
