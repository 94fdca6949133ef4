//! Exceptions, as scripts see them.

mod common;

use common::run;

#[test]
fn a_dom_exception_is_an_error_with_a_name_and_a_code() {
    let script = "
        const out = [];
        const e = new DOMException('m\\ud800' + 'x'.repeat(1000), 'InvalidCharacterError');
        out.push(e instanceof Error, Object.getPrototypeOf(DOMException.prototype) === Error.prototype);
        out.push(Object.getPrototypeOf(DOMException) === Function.prototype, Error.isError(e), Error.isError(new TypeError()), Error.isError({}));
        out.push(e.name, e.message.length, e.code, e.INVALID_CHARACTER_ERR, DOMException.DATA_CLONE_ERR, DOMException.length);
        out.push(Object.prototype.toString.call(e), Object.getOwnPropertyNames(e).join(), typeof e.stack, e.stack.includes('page'));
        out.push(String(new DOMException('m', 'n')), new DOMException().name, new DOMException(null).message, new DOMException('', 'x').code);
        for (const call of [() => DOMException(), () => DOMException.prototype.name, () => DOMException.prototype.toString()])
            try { call(); out.push('bad') } catch (error) { out.push(error.name) }
        class Mine extends DOMException {}
        out.push(new Mine('a', 'b') instanceof Mine, new Mine().stack.length > 0, DOMException.prototype.hasOwnProperty('toString'));
        const clone = structuredClone(e);
        out.push(clone instanceof DOMException, clone.name, clone.message === e.message, clone.code, clone.stack === e.stack);
        tell(out.join())";
    let expected = "true,true,true,true,true,false,InvalidCharacterError,1002,5,5,25,0,[object DOMException],stack,string,true,\
                    n: m,Error,null,0,TypeError,TypeError,TypeError,true,true,false,true,InvalidCharacterError,true,5,true";
    assert_eq!(run(script), expected);
}

#[test]
fn a_quota_exceeded_error_says_how_much_there_was() {
    let script = "
        const out = [];
        const e = new QuotaExceededError('m', { quota: 1, requested: 2.5 });
        out.push(e instanceof DOMException, e.name, e.code, e.message, e.quota, e.requested, typeof e.stack, Error.isError(e));
        out.push(new QuotaExceededError().quota, new DOMException('', 'QuotaExceededError').code, QuotaExceededError.length);
        for (const options of [{ quota: -1 }, { requested: -1 }, { quota: 2, requested: 1 }, { quota: NaN }])
            try { new QuotaExceededError('', options); out.push('bad') } catch (error) { out.push(error.name) }
        const clone = structuredClone(e);
        out.push(Object.prototype.toString.call(clone), clone.requested);
        // The host's own.
        try { crypto.getRandomValues(new Uint8Array(70000)) } catch (error) { out.push(error instanceof QuotaExceededError, error.name) }
        tell(out.join())";
    let expected = "true,QuotaExceededError,22,m,1,2.5,string,true,,22,0,RangeError,RangeError,RangeError,TypeError,\
                    [object QuotaExceededError],2.5,true,QuotaExceededError";
    assert_eq!(run(script), expected);
}
