//! A setting of the program's allocator that is only in C, in a crate of its own so that every other one can forbid `unsafe`.
//!
//! The allocator keeps memory that nobody uses for a second before the system has it back.
//! A start is over sooner, so what it read and dropped on the way would all count: a fifth of what a catalog takes.

use std::ffi::{c_int, c_long};

/// `mi_option_purge_delay` of `mimalloc.h`, which the bindings do not name.
const PURGE_DELAY: c_int = 15;
/// So many milliseconds are enough for memory that is used again at once; throughput is the same as with a second.
const SOON: c_long = 10;

/// From now on memory that nobody uses goes back to the system within some ten milliseconds.
#[expect(unsafe_code, reason = "the setting is only in C")]
pub fn give_back_soon() {
    // SAFETY: it stores one number among the allocator's own settings, which may be done at any time.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, SOON) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(unsafe_code, reason = "the setting is only in C")]
    fn the_number_is_that_of_the_delay() {
        // SAFETY: reads one number.
        let read = || unsafe { libmimalloc_sys::mi_option_get(PURGE_DELAY) };
        // As `options.c` has it.
        assert_eq!(read(), 1000);
        give_back_soon();
        assert_eq!(read(), SOON);
    }
}
